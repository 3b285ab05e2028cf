"""Clients that announce too much, never finish or never read: cut in time, with bounded memory, and nobody else notices."""
import pathlib
import select
import socket
import threading
import time

import msgpack
import pytest

from harness import router as router_module
from harness.http_client import chat
from harness.process import wait_for
from harness.projects import project
from harness.storm import connect

pytestmark = pytest.mark.alone  # its clocks run

DEADLINE_S = 10  # from the first byte of a request to its last: docs/listeners.md
IMPATIENT_S = DEADLINE_S + 3
EVENTS = "/v1/projects/demo/events"
DESK = {"anna": "{name: Anna, queues: [support, mail, chat], capacity: {call: 1, chat: 200, email: 200}}"}


def is_sanitized():
    """Sanitizers keep what was freed for a while: up to 256 MiB of it."""
    return b"__asan_init" in pathlib.Path(router_module.BINARY).read_bytes()


@pytest.fixture(scope="module")
def slack_kib():
    """What a router's own needs, pools and fragments, may take on top of what clients owe."""
    return 448 * 1024 if is_sanitized() else 32 * 1024


class Growth:
    """The most memory that a router takes on top of what it had, looked at all the time."""

    def __init__(self, router):
        self.router, self.before = router, router.resident_kib()
        self.most, self.done = 0, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self.router.resident_kib() - self.before)

    def stop(self):
        self.done.set()
        self.thread.join(5)
        return self.most


def http_head(router, more, role=("source", None)):
    return (f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {router.token(*role)}\r\n"
            f"Content-Type: application/cloudevents+json\r\n{more}\r\n\r\n").encode()


def hello(router, role=("source", None)):
    return msgpack.packb([0, 0, "hello", [{"protocol": 1, "client": "slow", "auth": {"token": router.token(*role)}}]])


def read_all(sock, timeout=IMPATIENT_S):
    """What comes until the server closes, or None if it does not."""
    sock.settimeout(timeout)
    parts = []
    try:
        while part := sock.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    except TimeoutError:
        return None
    return b"".join(parts)


def test_bombs_of_messagepack_cost_no_memory(router, slack_kib):
    bombs = [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
             b"\xc9\xff\xff\xff\xff\x01",
             b"\xdd\x00\x03\x0d\x40" * 30, b"\x81\xa1a" * 31 + b"\xdf\x00\x03\x0d\x40", b"\xdc\xff\xff" * 32, b"\x91" * 1_000_000,
             b"\xdb\x00\x40\x00\x00" + b"x" * 1_000_000]
    growth = Growth(router)
    socks = []
    for bomb in bombs * 20:
        sock = connect(router.rpc)
        try:
            sock.sendall(hello(router) + bomb)
        except (BrokenPipeError, ConnectionResetError):
            pass
        socks.append(sock)
    assert router.client().get("queues").status == 200
    for sock in socks:
        sock.close()
    assert router.client().get("queues").status == 200
    # Twenty of them announce 4 MiB and have sent one.
    assert growth.stop() < slack_kib + 20 * 4096
    wait_for(lambda: router.metric("patchbay_connections", kind="rpc") == 0, "they are gone")


class Drips:
    """Connections to which a byte goes each second until they are cut; when each was."""

    def __init__(self, made):
        self.began = time.monotonic()
        self.open = {sock: (name, bytes_) for name, sock, bytes_ in made}
        self.ends = {}

    def run(self, seconds, answered):
        """`answered`: called each second."""
        at = 0
        while self.open and time.monotonic() < self.began + seconds:
            answered()
            for sock in list(self.open):
                name, raw = self.open[sock]
                try:
                    sock.sendall(raw[at:at + 1])
                except OSError:
                    self._end(sock)
            at += 1
            until = time.monotonic() + 1
            while self.open and time.monotonic() < until:
                for sock in select.select(list(self.open), [], [], max(0, until - time.monotonic()))[0]:
                    try:
                        if not sock.recv(4096):
                            self._end(sock)
                    except OSError:
                        self._end(sock)

    def _end(self, sock):
        self.ends[self.open.pop(sock)[0]] = time.monotonic() - self.began
        sock.close()


def test_whoever_drips_or_stops_in_the_middle_is_cut_at_the_absolute_deadline(router):
    """All kinds at once, so that the wait is one."""
    body = http_head(router, "Content-Length: 1000")
    call = msgpack.packb([0, 1, "event.publish", [{"specversion": "1.0", "id": "x" * 200}]])
    said_hello = connect(router.rpc)
    said_hello.sendall(hello(router))
    assert said_hello.recv(4096)
    kept = connect(router.http)
    kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert kept.recv(4096)
    kinds = [("nothing over HTTP", connect(router.http), b"", b""), ("nothing over RPC", connect(router.rpc), b"", b""),
             ("a request line that drips", connect(router.http), b"", body),
             ("headers that drip", connect(router.http), body[:60], body[60:]),
             ("a body that drips", connect(router.http), body, b"{" + b" " * 999),
             ("a body that stops", connect(router.http), body + b"{", b""),
             ("chunks that drip", connect(router.http), http_head(router, "Transfer-Encoding: chunked"), b"1\r\n{\r\n" * 10),
             ("a later request that drips", kept, body[:60], body[60:]), ("a call that drips", said_hello, b"", call),
             ("a hello that drips", connect(router.rpc), b"", hello(router))]
    for half in (body[:100], body + b"{"):
        sock = connect(router.http)
        sock.sendall(half)
        sock.shutdown(socket.SHUT_WR)
        kinds.append((f"half a request of {len(half)} bytes and an end", sock, b"", b""))
    for _, sock, first, _ in kinds:
        sock.sendall(first) if first else None
    client, rpc = router.source(), router.rpc_client()
    took = []

    def bystanders():
        began = time.monotonic()
        assert client.event(chat()).status == 200 and rpc.call("event.publish", chat())["outcome"] == "queued"
        took.append(time.monotonic() - began)

    drips = Drips([(name, sock, rest) for name, sock, _, rest in kinds])
    drips.run(IMPATIENT_S, bystanders)
    late = [name for name, _ in drips.open.values()]
    assert not late, f"still open after {IMPATIENT_S} s: {late}"
    early = {name: end for name, end in drips.ends.items() if end < DEADLINE_S - 1.5 and "an end" not in name}
    assert not early, early
    assert max(took) < 1
    rpc.close()


def test_two_hundred_bodies_that_never_end_are_refused_with_bounded_memory(router, slack_kib):
    """Each sends chunks as fast as it can: what counts is 200 times 4 MiB at the most, and that it goes away again."""
    count = 200
    growth = Growth(router)
    head = http_head(router, "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    open_, pending = {}, {}
    for _ in range(count):
        sock = connect(router.http)
        sock.setblocking(False)
        open_[sock] = 0
        pending[sock] = head
    client, slowest = router.source(), 0.0
    end = time.monotonic() + IMPATIENT_S + 10
    while open_ and time.monotonic() < end:
        readable, writable, _ = select.select(list(open_), list(open_), [], 0.1)
        for sock in writable:
            try:
                sent = sock.send(pending[sock])
                open_[sock] += sent
                pending[sock] = pending[sock][sent:] or chunk
            except BlockingIOError:
                pass
            except OSError:
                open_.pop(sock)
        for sock in readable:
            try:
                if sock in open_ and not sock.recv(4096):
                    open_.pop(sock)
            except BlockingIOError:
                pass
            except OSError:
                open_.pop(sock, None)
        began = time.monotonic()
        assert client.event(chat()).status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert not open_, f"{len(open_)} go on"
    # A body grows by doubling and is copied while it does: at most 4 MiB and 2 MiB each.
    assert growth.stop() < slack_kib + count * 6144, growth.most
    assert slowest < 2
    for sock in pending:
        sock.close()
    wait_for(lambda: router.resident_kib() - growth.before < slack_kib * 2 + 65536, lambda: f"it goes away: {router.resident_kib()}")


def test_subscribers_that_never_read_are_cut_while_thousands_of_events_flow(make_router, slack_kib):
    router = make_router(project(agents=DESK, offer_timeout="600s")).start()
    router.presence("anna")
    subject, source = "s-slow", router.source()
    assert source.event(chat("v0", subject)).json["outcome"] == "offered"
    anna = ("agent", "anna")
    readers = 20
    growth = Growth(router)
    silent = []
    for number in range(2 * readers):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = (router.http if number % 2 else router.rpc).rsplit(":", 1)
        sock.connect((host, int(port)))
        if number % 2:
            sock.sendall(f"GET /v1/projects/demo/agents/anna/stream HTTP/1.1\r\nHost: x\r\n"
                         f"Authorization: Bearer {router.token(*anna)}\r\n\r\n".encode())
        else:
            sock.sendall(hello(router, anna) + msgpack.packb([0, 1, "feed.subscribe", [{}]]))
        silent.append(sock)
    wait_for(lambda: router.metric("patchbay_streams") == 2 * readers, "all follow")
    attentive = router.rpc_client("agent", "anna")
    attentive.call("feed.subscribe", {})
    count = 3000
    for _ in range(count // 100):
        answer = source.batch([chat("v0", subject, text="x" * 8000) for _ in range(100)])
        assert answer.status == 200 and {item["outcome"] for item in answer.json} == {"attached"}
    got = [int(attentive.next_notification("decision")[0]["agentsequence"]) for _ in range(count)]
    assert got == list(range(3, count + 3))
    wait_for(lambda: router.metric("patchbay_streams") == 1, "those that do not read are cut", 30)
    # 24 MB went to each of 40; at most 1 MiB of a stream and 4 MiB of a session may be owed.
    assert growth.stop() < slack_kib + readers * (1 + 4) * 1024 + 65536, growth.most
    attentive.close()
    for sock in silent:
        sock.close()
