"""A MessagePack-RPC client (https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md): many calls at once."""
import itertools
import queue
import socket
import threading

import msgpack


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(str(error))
        self.error = error
        self.code = error.get("code") if isinstance(error, dict) else None


class Call:
    def __init__(self):
        self.done = threading.Event()
        self.error, self.result = None, None

    def wait(self, timeout=30):
        assert self.done.wait(timeout), f"no answer within {timeout} s"
        if self.error is not None:
            raise RpcError(self.error)
        return self.result


class RpcClient:
    """`address` is "host:port" or the path of a Unix socket. Notifications are (method, params) in `notifications`."""

    def __init__(self, address, token=None, timeout=30):
        if "/" in address:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.ids = itertools.count(1)
        self.calls, self.lock = {}, threading.Lock()
        self.notifications = queue.Queue()
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        if token:
            self.call("hello", {"protocol": 1, "client": "test", "auth": {"token": token}})

    def _read(self):
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        try:
            while True:
                received = self.socket.recv(1 << 16)
                if not received:
                    break
                unpacker.feed(received)
                for message in unpacker:
                    if message[0] == 1:
                        with self.lock:
                            call = self.calls.pop(message[1])
                        call.error, call.result = message[2], message[3]
                        call.done.set()
                    else:
                        self.notifications.put((message[1], message[2]))
        except OSError:
            pass
        self.closed.set()
        with self.lock:
            calls, self.calls = self.calls, {}
        for call in calls.values():
            call.error = {"code": "connection_lost"}
            call.done.set()

    def send(self, method, *params):
        """Starts a call and returns it."""
        call, number = Call(), next(self.ids)
        with self.lock:
            self.calls[number] = call
        self.socket.sendall(msgpack.packb([0, number, method, list(params)]))
        return call

    def call(self, method, *params):
        return self.send(method, *params).wait(self.timeout)

    def notify(self, method, *params):
        self.socket.sendall(msgpack.packb([2, method, list(params)]))

    def send_bytes(self, raw):
        self.socket.sendall(raw)

    def next_notification(self, method=None, timeout=10):
        while True:
            try:
                name, params = self.notifications.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError(f"no notification {method or ''} within {timeout} s") from None
            if method is None or name == method:
                return params

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.thread.join(5)
