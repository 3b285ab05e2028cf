"""Bystanders of bad requests, and what a refusal must look like."""
import msgpack

from .http_client import ringing
from .storm import connect

CODES = {"unauthenticated": 401, "forbidden": 403, "not_found": 404, "method_not_allowed": 405, "invalid": 400, "stale": 400,
         "id_conflict": 409, "offer_gone": 409, "too_large": 413, "unsupported_media_type": 415}


class Watch:
    """Bystanders: a connection of each protocol that must go on, and the tables, which must not change."""

    def __init__(self, router, tables):
        self.router, self.tables = router, tables
        self.http, self.rpc = router.client("supervisor"), router.rpc_client("supervisor")
        self.http.ok("GET", "queues")
        self.before = self.counts()
        self.faults, self.count = [], 0

    def counts(self):
        names = ("journal", "content", "interactions", "customers", "contacts", "blacklist", "configs", "feed", "changes")
        return self.tables.query("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in names))[0]

    def check(self, name, fault):
        """Counts a request; `fault` says what was wrong with its answer, or is None."""
        self.count += 1
        if fault:
            self.faults.append(f"{name}: {fault}")
        kept = self.http.local.connection.sock
        if self.http.get("queues?limit=1").status != 200 or self.http.local.connection.sock is not kept:
            self.faults.append(f"{name}: a bystander's HTTP connection was disturbed")
        if not self.rpc.call("queue.list", {"limit": 1})["items"]:
            self.faults.append(f"{name}: a bystander's session was disturbed")

    def finish(self):
        if self.counts() != self.before:
            self.faults.append(f"the tables changed: {self.before} to {self.counts()}")
        for event in (self.router.source().event(ringing()).json, self.router.rpc_client().call("event.publish", ringing())):
            if event["outcome"] not in ("queued", "offered"):
                self.faults.append(f"good events are no longer decided: {event}")
        self.rpc.close()
        assert not self.faults, f"{len(self.faults)} of {self.count}:\n" + "\n".join(self.faults)
        return self.count


def problem_fault(problem, code, pointer=None):
    """What is wrong with a problem (RFC 9457), or None."""
    if problem.get("code") != code or problem.get("status") != CODES[code]:
        return f"expected {code}, got {problem}"
    if problem.get("type") != f"urn:patchbay:problem:{code}" or not problem.get("title") or not problem.get("detail"):
        return f"an incomplete problem: {problem}"
    if pointer is not None and problem.get("pointer") != pointer:
        return f"expected a pointer to {pointer}: {problem}"
    return None


def http_fault(answer, code, pointer=None):
    if answer.status != CODES[code]:
        return f"expected {code}: {answer}"
    if answer.headers.get("Content-Type") != "application/problem+json":
        return f"no problem+json but {answer.headers.get('Content-Type')}"
    return problem_fault(answer.json, code, pointer)


def rpc_error_fault(error, code, pointer=None):
    if not isinstance(error, dict) or set(error) != {"code", "message", "data"}:
        return f"expected {code}, got {error}"
    if error["code"] != code or error["data"].get("status") != CODES[code] or not error["message"]:
        return f"expected {code}, got {error}"
    if pointer is not None and error["data"].get("pointer") != pointer:
        return f"expected a pointer to {pointer}: {error}"
    return None


def rpc_fault(client, method, params, code, pointer=None):
    call = client.send(method, *params)
    if not call.done.wait(20):
        return "no answer"
    if call.error is None:
        return f"expected {code}, got the result {call.result}"
    return rpc_error_fault(call.error, code, pointer)


class RawRpc:
    """A connection that sends what no client would."""

    def __init__(self, router, hello=False):
        self.socket = connect(router.rpc)
        self.socket.settimeout(20)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        if hello:
            answer = self.ask([0, 0, "hello", [{"protocol": 1, "client": "raw", "auth": {"token": router.token("admin")}}]])
            assert answer[2] is None, answer

    def ask(self, message):
        return self.ask_bytes(msgpack.packb(message))

    def ask_bytes(self, raw):
        self.socket.sendall(raw)
        return self.receive()

    def receive(self):
        """The next message, or None at the end of the connection."""
        while True:
            try:
                return self.unpacker.unpack()
            except msgpack.OutOfData:
                try:
                    received = self.socket.recv(1 << 16)
                except ConnectionResetError:
                    return None
                if not received:
                    return None
                self.unpacker.feed(received)

    def close(self):
        self.socket.close()
