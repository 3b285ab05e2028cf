"""Wrong parameters of every operation over both protocols, and bytes that are no request of either."""
import socket
import struct
from urllib.parse import urlencode

import msgpack
import pytest

from harness.bystanders import RawRpc, Watch, http_fault, problem_fault, rpc_error_fault, rpc_fault
from harness.http_client import ringing
from harness.malformed import LONG, deep
from harness.process import wait_for
from harness.storm import connect, read_http

NO_ID = "018f0000-0000-7000-8000-000000000001"
AFTERLIFE_S = 15  # longer than the 10 s that a request may take


@pytest.fixture
def watch(router, tables):
    made = Watch(router, tables)
    yield made
    assert made.finish() > 0
    assert router.process.poll() is None


OPERATIONS = {
    "presence.set": ("PUT", "agents/{agent}/presence"), "offer.accept": ("POST", "offers/{offer}/accept"),
    "offer.reject": ("POST", "offers/{offer}/reject"), "interaction.end": ("POST", "interactions/{interaction}/end"),
    "queue.list": ("GET", "queues"), "agent.list": ("GET", "agents"), "interaction.list": ("GET", "interactions"),
    "customer.create": ("POST", "customers"), "customer.edit": ("PATCH", "customers/{customer}"),
    "customer.list": ("GET", "customers"), "blacklist.add": ("POST", "blacklist"), "blacklist.list": ("GET", "blacklist"),
    "customer.add_contact": ("POST", "customers/{customer}/contacts"), "customer.share": ("POST", "customers/{customer}/share"),
    "customer.batch_share": ("POST", "customers/batch/share"), "interaction.customer": ("POST", "interactions/{interaction}/customer"),
    "customer.assign": ("POST", "customers/{customer}/assign"), "customer.batch_assign": ("POST", "customers/batch/assign"),
    "customer.batch_regroup": ("POST", "customers/batch/regroup"), "customer.return": ("POST", "customers/{customer}/return"),
    "customer.pick_up": ("POST", "customers/{customer}/pick_up"), "customer.log": ("GET", "customers/{customer}/log"),
    "pool.create": ("POST", "pools"), "pool.list": ("GET", "pools"), "pool.get": ("GET", "pools/{pool}"),
    "pool.edit": ("PATCH", "pools/{pool}"), "pool.delete": ("DELETE", "pools/{pool}"),
    "pool.put_member": ("PUT", "pools/{pool}/members/{agent}"), "pool.remove_member": ("DELETE", "pools/{pool}/members/{agent}"),
    "reminder.list": ("GET", "reminders"),
    "customer.batch_cancel_share": ("POST", "customers/batch/cancel_share"),
    "customer.merge": ("POST", "customers/{customer}/merge"), "customer.unmerge": ("POST", "customers/{customer}/unmerge"),
    "customer.erase": ("POST", "customers/{customer}/erase"), "customer.batch_delete": ("POST", "customers/batch/delete"),
    "customer.duplicates": ("GET", "customers/duplicates"),
    "config.get": ("GET", "config"), "feed.read": ("GET", "agents/{agent}/feed"),
}
ANNA = {"agent": "anna", "state": "available"}


def calls():
    """(method, parameters, code, pointer): wrong the same way over both protocols."""
    for value in (None, "", 7, [], {}, True, "sleepy", "not_responding", "AVAILABLE", "x" * 65, "a\nb"):
        yield "presence.set", {**ANNA, "state": value}, "invalid", "/state"
    for value in (-1, 1.5, "30", True, 86401, 1 << 62, 1e30, [], {}):
        yield "presence.set", {**ANNA, "lease": value}, "invalid", "/lease"
    for value in (7, [], "x" * 201, "a\x07b"):
        yield "presence.set", {**ANNA, "reason": value}, "invalid", "/reason"
    yield "presence.set", {**ANNA, "mood": "good"}, "invalid", "/mood"
    yield "presence.set", {**ANNA, "a/b~c": 1}, "invalid", "/a~1b~0c"
    yield "presence.set", {**ANNA, "agent": "nobody"}, "not_found", None
    for method in ("offer.accept", "offer.reject"):
        yield method, {"offer": NO_ID}, "not_found", None
        yield method, {"offer": NO_ID, "strange": 1}, "invalid", "/strange"
    for value in ("lazy", 7, "", []):
        yield "offer.reject", {"offer": NO_ID, "cause": value}, "invalid", "/cause"
    yield "interaction.end", {"interaction": NO_ID}, "not_found", None
    yield "interaction.end", {"interaction": NO_ID, "cause": "x"}, "invalid", "/cause"
    for method in ("queue.list", "agent.list", "interaction.list", "customer.list", "blacklist.list"):
        for value in (0, -1, 1001, 1 << 62, "x"):
            yield method, {"limit": value}, "invalid", "/limit"
    for method in ("interaction.list", "customer.list", "blacklist.list"):
        for value in ("x", NO_ID + "0", "018f0000-0000-7000-8000-00000000000g"):
            yield method, {"after": value}, "invalid", "/after"
    for method in ("queue.list", "agent.list"):
        yield method, {"after": "x" * 65}, "invalid", "/after"
    for value in ("strange", "QUEUED", "x" * 65):
        yield "interaction.list", {"state": value}, "invalid", "/state"
    for value in ("maybe", "", "1"):
        yield "blacklist.list", {"active": value}, "invalid", "/active"
    for value in (0, -1, "x"):
        yield "config.get", {"version": value}, "invalid", "/version"
    yield "config.get", {"version": 99}, "not_found", None
    for value in ("x", "-1", "1.0", "+1", " 1", "9" * 21, "9" * 20):
        yield "feed.read", {"agent": "anna", "after": value}, "invalid", "/after"
    yield "feed.read", {"agent": "nobody"}, "not_found", None
    for member in ({}, {"phone": "+4915112345678", "email": "a@example.com"}, {"reason": "none"}):
        yield "blacklist.add", member, "invalid", None
    for name, values in (("phone", ("", 7, "hello", [], LONG)), ("email", ("", 7, "ann", "@", "a@", [])),
                         ("domain", ("", 7, "@", "a b", "x" * 300)), ("prefix", ("", 7, "x", "++")),
                         ("customer", ("", 7, "x", NO_ID[:-1]))):
        for value in values:
            yield "blacklist.add", {name: value}, "invalid", None
    yield "blacklist.add", {"customer": NO_ID}, "not_found", None
    for name, values in (("channels", ([], ["fax"], "call", [7], ["call"] * 4)), ("until", ("tomorrow", 7, "2026-11-21", "")),
                         ("reason", (7, "x" * 100_000)), ("until2", ("x",))):
        for value in values:
            yield "blacklist.add", {"phone": "+4915112345678", name: value}, "invalid", None
    for name, values in (("name", (7, [], "x" * 100_000, "a\nb")), ("stage", ("unknown", 7, "")), ("tags", ("vip", {}, [7], [""])),
                         ("fields", ([], "x")), ("contacts", ("x", {}, [7], [{}], [{"phone": "123"}], [{"phone": 7}],
                                                             [{"email": "nope"}], [{"fax": "1"}])),
                         ("owner", (7, "")), ("id", (NO_ID,))):
        for value in values:
            yield "customer.create", {"name": "Ann", name: value}, "invalid", None
    yield "customer.edit", {"customer": NO_ID, "name": "Ann"}, "not_found", None
    for name, values in (("label", (7, "a\nb", "x" * 257)), ("phone", (7, "123", "+", LONG)), ("email", (7, "nope", [])), ("fax", ("1",)),
                         ("version", (0, "x"))):
        for value in values:
            yield "customer.add_contact", {"customer": NO_ID, "phone": "1234", name: value}, "invalid", f"/{name}"
    yield "customer.add_contact", {"customer": NO_ID, "phone": "1234"}, "not_found", None
    for name, values in (("agents", ("anna", {}, [7], ["nobody"])), ("roles", (["root"], [None])), ("departments", ([[]], ["x" * 1_000])),
                         ("strange", (1,))):
        for value in values:
            yield "customer.share", {"customer": NO_ID, name: value}, "invalid", None
            yield "customer.batch_share", {"customers": [NO_ID], name: value}, "invalid", None
    yield "customer.share", {"customer": NO_ID, "agents": ["anna"]}, "not_found", None
    for value in ([], [7], ["x"], [NO_ID] * 2, "x", {}):
        for method in ("customer.batch_share", "customer.batch_cancel_share"):
            yield method, {"customers": value, "agents": ["anna"]}, "invalid", None
    for value in ({}, {"customer": NO_ID, "create": {}}, {"customer": 7}, {"create": []}, {"create": {"strange": 1}}, {"strange": 1}):
        yield "interaction.customer", {"interaction": NO_ID, **value}, "invalid", None
    for value in ({"customer": NO_ID}, {"create": {}}):
        yield "interaction.customer", {"interaction": NO_ID, **value}, "not_found", None
        yield "customer.batch_delete", {"customers": value}, "invalid", None
    for method in ("customer.merge", "customer.unmerge"):
        yield method, {"customer": NO_ID, "other": NO_ID.replace("0", "1", 1)}, "not_found", None
        for value in (7, "x", LONG, [NO_ID]):
            yield method, {"customer": NO_ID, "other": value}, "invalid", "/other"
        yield method, {"customer": NO_ID}, "invalid", "/other"
    yield "customer.erase", {"customer": NO_ID}, "not_found", None
    yield "customer.erase", {"customer": NO_ID, "really": True}, "invalid", "/really"
    for value in (-1, "x", 2 ** 63):
        yield "customer.duplicates", {"after": value}, "invalid", "/after"
    yield "customer.batch_cancel_share", {"customers": [NO_ID], "all": "yes"}, "invalid", "/all"
    yield "customer.edit", {"customer": NO_ID, "version": 0}, "invalid", "/version"
    yield from calls_about_owners()


def calls_about_owners():
    for name, values in (("agents", ([], "anna", [7], [""], ["nobody"], ["a\x07b"], ["x" * 65], ["anna"] * 101)),
                         ("departments", ([], {}, [7], ["nowhere"], ["x" * 257])), ("agent", ("anna",))):
        for value in values:
            yield "customer.assign", {"customer": NO_ID, name: value}, "invalid", None
            yield "customer.batch_assign", {"customers": [NO_ID], name: value}, "invalid", None
    yield "customer.assign", {"customer": NO_ID, "agents": ["anna"]}, "not_found", None
    for value in ([], "x", [7], ["x"], [NO_ID, NO_ID], [NO_ID] * 1001):
        yield "customer.batch_assign", {"customers": value, "agents": ["anna"]}, "invalid", None
        yield "customer.batch_regroup", {"customers": value, "pool": NO_ID}, "invalid", None
    yield "customer.batch_regroup", {"customers": [NO_ID], "pool": NO_ID}, "not_found", "/pool"
    for name, values in (("pool", (7, "", "x")), ("reason", ("", 7, "x" * 501, "a\nb", LONG)), ("to", (NO_ID,))):
        for value in values:
            yield "customer.return", {"customer": NO_ID, "reason": "moved", name: value}, "invalid", f"/{name}"
    yield "customer.return", {"customer": NO_ID, "pool": NO_ID, "reason": "'; DROP TABLE pools; --"}, "not_found", None
    yield "customer.pick_up", {"customer": NO_ID}, "not_found", None
    yield "customer.pick_up", {"customer": NO_ID, "agent": "anna"}, "invalid", "/agent"
    for name, values in (("operation", ("x" * 65,)), ("since", ("x", "2026-11-21")), ("until", ("0",)), ("limit", (0, "x")), ("after", ("x", "-1", "9" * 19))):
        for value in values:
            yield "customer.log", {"customer": NO_ID, name: value}, "invalid", f"/{name}"
    yield "customer.log", {"customer": NO_ID}, "not_found", None
    for method in ("pool.list", "reminder.list"):
        yield method, {"limit": 0}, "invalid", "/limit"
        yield method, {"after": "x"}, "invalid", "/after"
    for name, values in (("name", ("", 7, [], "x" * 201, "a\tb")), ("cap", (0, -1, 1.5, "7", 1_000_001)), ("cool_down", (-1, "1d", 1 << 40)),
                         ("reclaim_days", (0, 3661, "x")), ("remind_days", (0, 5)), ("members", ([],))):
        for value in values:
            yield "pool.create", {"name": "north", name: value}, "invalid", f"/{name}"
    for method in ("pool.get", "pool.edit", "pool.delete"):
        yield method, {"pool": NO_ID}, "not_found", None
    for method in ("pool.put_member", "pool.remove_member"):
        yield method, {"pool": NO_ID, "agent": "anna"}, "not_found", None
    yield "pool.put_member", {"pool": NO_ID, "agent": "anna", "is_admin": "yes"}, "invalid", "/is_admin"


def over_http(client, method, params):
    verb, path = OPERATIONS[method]
    rest = {name: value for name, value in params.items() if f"{{{name}}}" not in path}
    path = path.format(**params)
    if verb == "GET":
        return client.get(f"{path}?{urlencode(rest)}")
    return client.request(verb, path, rest)


def test_wrong_parameters_are_refused_over_both_protocols(router, watch):
    person = {"offer.accept": ("agent", "anna"), "offer.reject": ("agent", "anna")}
    for method, params, code, pointer in calls():
        role = person.get(method, ("admin", None))
        name = f"{method} {str(params)[:80]}"
        watch.check(f"http {name}", http_fault(over_http(router.client(*role), method, params), code, pointer))
        rpc = router.rpc_client(*role)
        watch.check(f"rpc {name}", rpc_fault(rpc, method, [params], code, pointer))
        rpc.close()
    assert watch.count > 250


def test_ids_that_are_none_are_invalid_over_rpc_and_name_nothing_over_http(router, watch):
    rpc, anna = router.rpc_client("agent", "anna"), router.agent("anna")
    for method, name in (("offer.accept", "offer"), ("offer.reject", "offer"), ("interaction.end", "interaction"),
                         ("interaction.get", "interaction"), ("customer.get", "customer"), ("customer.edit", "customer")):
        for value in ("x", "", 7, [], True, NO_ID + "0", LONG):
            watch.check(f"{method} {str(value)[:40]}", rpc_fault(rpc, method, [{name: value}], "invalid", f"/{name}"))
        watch.check(f"{method} without", rpc_fault(rpc, method, [{}], "invalid", f"/{name}"))
    watch.check("a path and a body that disagree", http_fault(
        anna.put("agents/anna/presence", {"state": "available", "agent": "ben"}), "invalid", "/agent"))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        watch.check(kind, http_fault(anna.request("PUT", "agents/anna/presence", '{"state":"break"}', {"Content-Type": kind}),
                                     "unsupported_media_type"))
    rpc.close()


def test_files_that_are_no_project_are_refused_over_both_protocols(router, watch):
    admin, rpc = router.client(), router.rpc_client("admin")
    for file in ("", "x", "[]", "{", "a: [1,", "\t", "project: demo\nproject: demo\n", "&a [*a]", "a: &a [x]\nb: [*a, *a]\n", "\x00",
                 "!!python/object:os.system x", "project: other\n", "%YAML 9.9\n---\n", "- " * 5000):
        answer = admin.request("PUT", "config", file.encode(), {"Content-Type": "application/yaml"})
        watch.check(f"http {file[:30]!r}", http_fault(answer, "invalid"))
        watch.check(f"rpc {file[:30]!r}", rpc_fault(rpc, "config.put", [{"file": file}], "invalid"))
    watch.check("bytes", http_fault(admin.request("PUT", "config", b"\xff\xfe\x00", {"Content-Type": "application/yaml"}), "invalid"))
    watch.check("text", http_fault(admin.request("PUT", "config", b"x", {"Content-Type": "text/plain"}), "unsupported_media_type"))
    rpc.close()


# --- MessagePack-RPC: whole messages that are wrong ---


def test_messages_that_are_whole_but_wrong_are_answered_and_the_session_goes_on(router, watch):
    raw = RawRpc(router, hello=True)
    messages = [([0], None), ([0, 5], 5), ([0, 5, "queue.list"], 5), ([0, 5, "queue.list", [], 1], 5), ([2], None), ([2, "x"], None),
                ([2, "x", [], 1], None), ([3, 5, "x", []], None), ([-1, 5, "x", []], None), ([1 << 40, 5, "x", []], None),
                ([], None), ({}, None), ({"jsonrpc": "2.0"}, None), (7, None), ("hello", None), (None, None), (True, None), (1.5, None),
                (b"x", None), (["0", 5, "x", []], None), ([0, -1, "x", []], None), ([0, 1 << 32, "x", []], None),
                ([0, "5", "x", []], None), ([0, None, "x", []], None), ([0, 1.5, "x", []], None), ([0, [], "x", []], None),
                ([0, 5, 7, []], 5), ([0, 5, None, []], 5), ([0, 5, ["queue.list"], []], 5), ([0, 5, b"queue.list", []], 5),
                ([0, 5, "queue.list", {}], 5), ([0, 5, "queue.list", None], 5), ([0, 5, "queue.list", "x"], 5),
                ([0, 5, "queue.list", [1]], 5), ([0, 5, "queue.list", [{}, {}]], 5), ([0, 5, "queue.list", [[1]]], 5),
                ([0, 5, "event.publish", []], 5), ([0, 5, "event.publish", [{}, {}]], 5)]
    for message, msgid in messages:
        answer = raw.ask(message)
        fault = "closed" if answer is None else f"not answered as {msgid}: {answer}" if answer[:2] != [1, msgid] or answer[3] is not None \
            else rpc_error_fault(answer[2], "invalid")
        watch.check(str(message)[:60], fault)
    for name in ("nonsense", "", "queue", "queue.list ", "QUEUE.LIST", "queue.list\x01", "__proto__", "x" * 100_000, "customer.nothing"):
        watch.check(f"method {name[:30]!r}", rpc_error_fault(raw.ask([0, 5, name, [{}]])[2], "not_found"))
    raw.socket.sendall(msgpack.packb([2, "nonsense", []]) + msgpack.packb([1, 5, None, "an answer to nothing"]))
    watch.check("notifications are not answered", None if raw.ask([0, 9, "queue.list", []])[1] == 9 else "answered")
    raw.close()


def call_with(value):
    """A call whose one argument is these bytes, in the form that every client writes."""
    return b"\x94\x00\x05" + msgpack.packb("queue.list") + b"\x91" + value


def test_values_that_json_could_not_say_are_refused(router, watch):
    raw = RawRpc(router, hello=True)

    def text(body):
        return msgpack.packb({"after": "@"}).replace(b"\xa1@", bytes([0xa0 | len(body)]) + body)

    values = {
        "ext": msgpack.packb(msgpack.ExtType(5, b"x")), "timestamp": msgpack.packb(msgpack.Timestamp(1)),
        "NaN": msgpack.packb(float("nan")), "infinity": msgpack.packb(float("-inf")), "a NaN float": b"\xca\x7f\xc0\x00\x00",
        "bad UTF-8": text(b"\xff"), "a surrogate": text(b"\xed\xa0\x80"), "an overlong NUL": text(b"\xc0\x80"), "a NUL": text(b"a\x00b"),
        "half a character": text(b"\xe2\x82"), "a key that is a number": msgpack.packb({1: 2}),
        "a key that is nil": msgpack.packb({None: 2}), "a key that is bytes": msgpack.packb({b"limit": 2}),
        "a key twice": b"\x82" + msgpack.packb("limit") + b"\x01" + msgpack.packb("limit") + b"\x01",
    }
    for name, value in values.items():
        answer = raw.ask_bytes(call_with(value))
        watch.check(name, "closed" if answer is None else f"not answered as 5: {answer}" if answer[1] != 5 else
                    rpc_error_fault(answer[2], "invalid"))
    raw.close()


def test_bytes_that_are_no_messages_are_answered_once_and_end_their_connection(router, watch):
    request = b"GET /v1/projects/demo/queues HTTP/1.1\r\nHost: x\r\n\r\n"  # its first bytes are whole numbers
    streams = {
        "the byte that is never used": b"\xc1", "an array of 2^32-1": b"\xdd\xff\xff\xff\xff",
        "a map of 2^32-1": b"\xdf\xff\xff\xff\xff",
        "a text of 4 GiB": b"\xdb\xff\xff\xff\xff", "bytes of 4 GiB": b"\xc6\xff\xff\xff\xff",
        "an ext of 4 GiB": b"\xc9\xff\xff\xff\xff\x01",
        "a text of 4 MiB and more": b"\x94\x00\x05\xdb" + struct.pack(">I", (4 << 20) + 1),
        "200,001 values": b"\xdd" + struct.pack(">I", 200_001),
        "maps in maps": b"\xdf\x00\x00\xff\xff" * 5, "33 levels": call_with(msgpack.packb(deep(33))),
        "lists in lists without end": b"\x91" * 100_000, "maps in lists": b"\x91\x81" * 50_000,
        "0xc1 in a call": call_with(b"\xc1"), "0xc1 as a key": call_with(b"\x81\xc1\x01"),
    }
    for name, raw_bytes in streams.items():
        for hello in (False, True):
            raw = RawRpc(router, hello)
            raw.socket.sendall(raw_bytes)
            answer = raw.receive()
            fault = "closed without a word" if answer is None else f"not answered: {answer}" if answer[:2] != [1, None] else \
                rpc_error_fault(answer[2], "invalid")
            watch.check(f"{name} {hello}", fault or (None if raw.receive() is None else "the connection goes on"))
            raw.close()
    raw = RawRpc(router)
    raw.socket.sendall(request)
    watch.check("HTTP", rpc_error_fault(raw.receive()[2], "invalid"))
    raw.close()


def test_messages_without_their_end_leave_nothing(router, watch):
    whole = msgpack.packb([0, 5, "event.publish", [ringing()]])
    for size in (1, 2, 3, 10, len(whole) // 2, len(whole) - 1):
        raw = RawRpc(router, hello=True)
        raw.socket.sendall(whole[:size])
        raw.socket.shutdown(socket.SHUT_WR)
        watch.check(f"{size} of {len(whole)} bytes", None if raw.receive() is None else "answered")
        raw.close()
        raw = RawRpc(router, hello=True)
        raw.socket.sendall(whole[:size])
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()  # reset
    body = f"POST /v1/projects/demo/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {router.token('source')}\r\n" \
           "Content-Type: application/cloudevents+json\r\nContent-Length: 1000\r\n\r\n{\"specversion\"".encode()
    for size in (1, 10, 40, 120, len(body) - 5, len(body)):
        sock = connect(router.http)
        sock.sendall(body[:size])
        sock.close()
        watch.check(f"{size} bytes of a request", None)


# --- HTTP: bytes that are no request ---


def received(sock):
    """All until the server closes."""
    sock.settimeout(AFTERLIFE_S)
    parts = []
    with sock:
        while True:
            try:
                part = sock.recv(1 << 16)
            except ConnectionResetError:
                break
            if not part:
                break
            parts.append(part)
    return b"".join(parts)


def http_streams(token):
    head = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/cloudevents+json\r\n"
    post = "POST /v1/projects/demo/events HTTP/1.1\r\n" + head
    get = "GET /v1/projects/demo/queues HTTP/1.1\r\n"
    return {
        "no request": "hello\r\n\r\n", "an empty method": " /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "no version": "GET /healthz\r\n\r\n",
        "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/9.9": "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        "HTTP/1.x": "GET /healthz HTTP/1.x\r\nHost: x\r\n\r\n", "no host": "GET /healthz HTTP/1.1\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 600 + b"\r\n\r\n",
        "MessagePack": msgpack.packb([0, 1, "x", []]) + b"\r\n\r\n",
        "a header without a colon": get + "Host: x\r\nnonsense\r\n\r\n",
        "a blank before the colon": get + "Host : x\r\n\r\n", "a negative length": post + "Content-Length: -1\r\n\r\n",
        "a length that is no number": post + "Content-Length: many\r\n\r\n",
        "a length beyond 64 bits": post + "Content-Length: 99999999999999999999\r\n\r\n",
        "no chunk size": post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "a chunk size beyond all": post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "a chunk that is longer than it says": post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}{}\r\n0\r\n\r\n",
        "20 KiB of headers": get + "Host: x\r\n" + "".join(f"X-{number}: {'x' * 1000}\r\n" for number in range(20)) + "\r\n",
        "a line of 20 KiB": f"GET /v1/projects/demo/{'x' * 20480} HTTP/1.1\r\nHost: x\r\n\r\n",
    }


def test_bytes_that_are_no_request_are_refused_and_end_their_connection(router, watch):
    for name, raw in http_streams(router.token("admin")).items():
        sock = connect(router.http)
        sock.sendall(raw if isinstance(raw, bytes) else raw.encode())
        answer = received(sock)
        watch.check(name, None if not answer or 400 <= read_http(answer)[0].status < 506 else f"answered {answer[:200]}")


def test_a_request_whose_end_a_proxy_might_see_elsewhere_is_refused_and_ends_its_connection(router, watch):
    hidden = "GET /v1/projects/demo/queues HTTP/1.1\r\nHost: x\r\n\r\n"
    for name, headers, body in (
            ("two lengths", "Content-Length: 2\r\nContent-Length: 6", "{}"),
            ("a length twice", "Content-Length: 2\r\nContent-Length: 2", "{}"),
            ("a length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
            ("chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 2", "0\r\n\r\n"),
            ("another coding", "Transfer-Encoding: gzip", ""),
            ("a coding behind chunks", "Transfer-Encoding: chunked, identity", ""),
            ("chunks twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
            ("a length and hidden chunks", "Content-Length: 2\r\nTransfer-Encoding : chunked", "{}"),
            ("a hidden length", "Content-Length : 2", "{}")):
        sock = connect(router.http)
        sock.sendall(f"POST /v1/projects/demo/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {router.token('source')}\r\n"
                     f"Content-Type: application/cloudevents+json\r\n{headers}\r\n\r\n{body}{hidden}".encode())
        answer = received(sock)
        found = read_http(answer) if answer else None
        watch.check(name, "no answer" if not found else f"something behind it was answered: {answer}" if found[1] != len(answer) else
                    f"{found[0]}" if found[0].status != 400 else problem_fault(found[0].json, "invalid"))


def test_a_body_above_four_mebibytes_is_too_large_however_it_comes(router, watch):
    source = router.source()
    kind = {"Content-Type": "application/cloudevents+json"}
    watch.check("declared", http_fault(source.request("POST", "events", b" " * ((4 << 20) + 1), kind), "too_large"))
    chunks = b"".join(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(65)) + b"0\r\n\r\n"
    for name, more, body in (("in chunks", "Transfer-Encoding: chunked", chunks), ("5 GB declared", "Content-Length: 5000000000", b"")):
        sock = connect(router.http)
        sock.sendall(f"POST /v1/projects/demo/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {router.token('source')}\r\n"
                     f"Content-Type: application/cloudevents+json\r\n{more}\r\n\r\n".encode() + body)
        answer = bytearray()
        sock.settimeout(AFTERLIFE_S)
        wait_for(lambda: answer.extend(sock.recv(65536)) or read_http(answer), "an answer")
        found = read_http(answer)[0]
        watch.check(name, f"{found}" if found.status != 413 else problem_fault(found.json, "too_large"))
        sock.close()
