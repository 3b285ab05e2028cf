"""Many requests at the same moment: each on a connection of its own, all but the last byte sent before, the last bytes
sent in one go. One thread, so that nothing but the router is under load."""
import json
import selectors
import socket
import time

import msgpack


def connect(address, unix=False):
    if unix:
        made = socket.socket(socket.AF_UNIX)
        made.connect(address)
    else:
        host, port = address.rsplit(":", 1)
        made = socket.create_connection((host, int(port)), timeout=20)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def http_request(method, path, token, body=b"", content_type="application/cloudevents+json", headers=()):
    """The bytes of a request."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: patchbay", f"Content-Length: {len(body)}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class RawAnswer:
    """One HTTP answer out of a buffer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.bytes = status, headers, body

    @property
    def json(self):
        return json.loads(self.bytes)

    def __repr__(self):
        return f"<{self.status} {self.bytes[:400]!r}>"


def read_http(buffer):
    """(answer, bytes used) or None when the answer is not whole yet."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    size = end + 4 + int(headers.get("content-length", 0))
    if len(buffer) < size:
        return None
    return RawAnswer(int(lines[0].split()[1]), headers, bytes(buffer[end + 4:size])), size


def _collect(sockets, is_done, timeout):
    """Reads all sockets until is_done(number, buffer) says so for each; gives the buffers."""
    buffers = [bytearray() for _ in sockets]
    selector = selectors.DefaultSelector()
    for number, sock in enumerate(sockets):
        selector.register(sock, selectors.EVENT_READ, number)
    open_count, end = len(sockets), time.monotonic() + timeout
    while open_count:
        left = end - time.monotonic()
        assert left > 0, f"{open_count} of {len(sockets)} without an answer after {timeout} s"
        for key, _ in selector.select(left):
            received = key.fileobj.recv(1 << 16)
            buffers[key.data] += received
            if not received or is_done(key.data, buffers[key.data]):
                selector.unregister(key.fileobj)
                open_count -= 1
    selector.close()
    return buffers


def http_storm(address, requests, timeout=60):
    """Sends all requests at once, each on its own connection; the answers in the order of the requests."""
    sockets = [connect(address) for _ in requests]
    try:
        for sock, request in zip(sockets, requests):
            sock.sendall(request[:-1])
        for sock, request in zip(sockets, requests):
            sock.sendall(request[-1:])
        buffers = _collect(sockets, lambda _, buffer: read_http(buffer), timeout)
    finally:
        for sock in sockets:
            sock.close()
    answers = [read_http(buffer) for buffer in buffers]
    assert all(answers), "connections that ended without an answer"
    return [answer for answer, _ in answers]


def rpc_storm(address, token, calls, connections=50, timeout=60):
    """(error, result) of each (method, argument), spread over so many connections and sent at once."""
    hello = msgpack.packb([0, 0, "hello", [{"protocol": 1, "client": "storm", "auth": {"token": token}}]])
    sockets = [connect(address) for _ in range(min(connections, len(calls)))]
    try:
        shares = [[(number, *calls[number]) for number in range(at, len(calls), len(sockets))]
                  for at in range(len(sockets))]
        for sock in sockets:
            sock.sendall(hello)
        for buffer in _collect(sockets, lambda _, buffer: _messages(buffer), timeout):
            assert _messages(buffer)[0][2] is None, buffer
        packed = [b"".join(msgpack.packb([0, number + 1, method, [argument]]) for number, method, argument in share)
                  for share in shares]
        for sock, share in zip(sockets, packed):
            sock.sendall(share[:-1])
        for sock, share in zip(sockets, packed):
            sock.sendall(share[-1:])
        buffers = _collect(sockets, lambda number, buffer: len(_messages(buffer)) == len(shares[number]), timeout)
    finally:
        for sock in sockets:
            sock.close()
    found = {message[1] - 1: (message[2], message[3]) for buffer in buffers for message in _messages(buffer)}
    return [found[number] for number in range(len(calls))]


def _messages(buffer):
    """The whole messages of a buffer: [1, msgid, error, result]."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=1 << 26)
    unpacker.feed(bytes(buffer))
    found = []
    while True:
        try:
            found.append(unpacker.unpack())
        except msgpack.OutOfData:
            return found
