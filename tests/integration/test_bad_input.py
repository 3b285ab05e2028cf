"""Requests that are wrong in one way each, over both protocols: refused with a typed error, and nothing else happens."""
import json
import re

import pytest

from harness.bystanders import RawRpc, Watch, http_fault, problem_fault, rpc_error_fault, rpc_fault
from harness.http_client import HttpClient, ringing
from harness.malformed import bad_documents, bad_events
from harness.projects import project
from harness.router import admin as command

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
NO_ID = "018f0000-0000-7000-8000-000000000001"
UNKNOWN_TOKEN = "pbt_" + "A" * 43


@pytest.fixture
def watch(router, tables):
    made = Watch(router, tables)
    yield made
    assert made.finish() > 0
    assert router.process.poll() is None


# --- events ---


def test_every_bad_event_is_refused_in_every_coding(router, watch):
    source, rpc = router.source(), router.rpc_client()
    cases = bad_events()
    for name, event, code, pointer in cases:
        watch.check(f"structured: {name}", http_fault(source.event(event), code, pointer))
        watch.check(f"rpc: {name}", rpc_fault(rpc, "event.publish", [event], code, pointer))
    for at in range(0, len(cases), 100):
        share = cases[at:at + 100]
        answer = source.batch([event for _, event, *_ in share])
        answers = {"batch": answer.json, "rpc batch": rpc.call("event.publish_batch", [event for _, event, *_ in share])}
        assert answer.status == 200 and [len(one) for one in answers.values()] == [len(share)] * 2
        for number, (name, _, code, pointer) in enumerate(share):
            placed = None if pointer is None else f"/{number}{pointer}"
            watch.check(f"batch: {name}", problem_fault(answers["batch"][number], code, placed))
            watch.check(f"rpc batch: {name}", rpc_error_fault(answers["rpc batch"][number], code, placed))
    assert watch.count > 600
    rpc.close()


def test_every_bad_document_is_refused_wherever_json_is_read(router, watch):
    admin = router.client()
    for name, body in bad_documents():
        watch.check(f"structured: {name}", http_fault(admin.request("POST", "events", body, {"Content-Type": STRUCTURED}), "invalid"))
        if name not in ("a list", "nothing", "blanks"):  # a batch may be empty
            answer = admin.request("POST", "events", b"[" + body + b"]", {"Content-Type": BATCHED})
            fault = problem_fault(answer.json[0], "invalid") if answer.status == 200 and answer.json else \
                http_fault(answer, "invalid") if answer.status != 200 else f"accepted: {answer}"
            watch.check(f"batch: {name}", None if name == "two" else fault)
        if name != "nothing":
            watch.check(f"presence: {name}", http_fault(
                admin.request("PUT", "agents/anna/presence", body, {"Content-Type": "application/json"}), "invalid"))
            watch.check(f"customer: {name}", http_fault(
                admin.request("POST", "customers", body, {"Content-Type": "application/json"}), "invalid"))


def test_a_batch_that_is_no_list_of_at_most_a_thousand_is_refused_whole(router, watch):
    source, rpc = router.source(), router.rpc_client()
    for batch, code in (({}, "invalid"), (7, "invalid"), ("x", "invalid"), (None, "invalid"), (ringing(), "invalid"),
                        ([ringing() for _ in range(1001)], "too_large")):
        watch.check(f"batch {str(batch)[:40]}", http_fault(
            source.request("POST", "events", json.dumps(batch), {"Content-Type": BATCHED}), code))
        watch.check(f"rpc batch {str(batch)[:40]}", rpc_fault(rpc, "event.publish_batch", [batch], code))
    items = [None, 7, "x", [], True, {}, [[]]]
    for number, problem in enumerate(source.batch(items).json):
        watch.check(f"item {items[number]}", problem_fault(problem, "invalid"))
    for number, problem in enumerate(rpc.call("event.publish_batch", items)):
        watch.check(f"rpc item {items[number]}", rpc_error_fault(problem, "invalid"))
    rpc.close()


def test_a_bad_item_spoils_only_itself(router, tables):
    good = [ringing() for _ in range(3)]
    answers = router.source().batch([good[0], {"specversion": "1.0"}, good[1], 7, good[2]]).json
    assert [answer.get("outcome", answer.get("code")) for answer in answers] == ["queued", "invalid", "queued", "invalid", "queued"]
    assert tables.one("SELECT count(*) FROM journal WHERE event_key IS NOT NULL") == 3


def test_headers_and_media_types_that_carry_no_event_are_refused(router, watch):
    source, event = router.source(), ringing()
    headers = {f"ce-{name}": value for name, value in event.items() if name != "data"}
    data = json.dumps(event["data"])

    def send(more, body=data, drop=()):
        merged = {**headers, "Content-Type": "application/json", **more}
        return source.request("POST", "events", body, {name: value for name, value in merged.items() if name not in drop and
                                                       value is not None})

    for kind in ("text/plain", "application/cloudevents+xml", "application/cloudevents", "application/cloudevents+jsonx",
                 "application/cloudevents-batch", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json",
                 "application/octet-stream", ";", "text/json"):
        watch.check(f"type {kind}", http_fault(send({"Content-Type": kind}), "unsupported_media_type"))
    bare = {name: None for name in headers}
    for kind in ("application/json", None, "application/msgpack"):
        watch.check(f"no ce- and {kind}", http_fault(send({**bare, "Content-Type": kind}), "unsupported_media_type"))
    for name in ("specversion", "id", "source", "type", "subject"):
        watch.check(f"no ce-{name}", http_fault(send({}, drop=(f"ce-{name}",)), "invalid", f"/{name}"))
        for value in ("", "%", "%4", "%zz", "%ff", "%00", "x%0ay", "\xff", "x" * 1025):
            watch.check(f"ce-{name} = {value[:10]!r}", http_fault(send({f"ce-{name}": value}), "invalid"))
    watch.check("a type in Latin-1", http_fault(send({"Content-Type": "application/json; x=\xe9"}), "invalid", "/datacontenttype"))
    watch.check("a bad time", http_fault(send({"ce-time": "now"}), "invalid", "/time"))
    watch.check("a bad name", http_fault(send({"ce-a_b": "x"}), "invalid"))
    watch.check("ce-data", http_fault(send({"ce-data": "x"}), "invalid"))
    watch.check("65 attributes", http_fault(send({f"ce-a{number}": "x" for number in range(65)}), "invalid"))
    for name, body in (("no JSON", "{"), ("no map", "[]"), ("a text", '"x"'), ("no body", "")):
        watch.check(f"binary with {name}", http_fault(send({}, body), "invalid"))


# --- methods, paths, who asks ---


def test_wrong_methods_and_paths_are_refused(router, watch):
    admin = router.client()
    for method, path in (("GET", "events"), ("PUT", "events"), ("DELETE", "events"), ("PATCH", "queues"), ("POST", "queues"),
                         ("GET", "agents/anna/presence"), ("POST", "agents/anna/presence"), ("DELETE", "config"),
                         ("GET", f"offers/{NO_ID}/accept"), ("PUT", f"offers/{NO_ID}/reject"), ("DELETE", "customers"),
                         ("POST", f"blacklist/{NO_ID}"), ("PUT", "blacklist"), ("OPTIONS", "queues"), ("TRACE", "queues"),
                         ("PROPFIND", "queues"), ("get", "queues"), ("POST", "agents/anna/feed")):
        answer = admin.request(method, path)
        watch.check(f"{method} {path}", http_fault(answer, "method_not_allowed"))
        watch.check(f"{method} {path} says what is", None if answer.headers.get("Allow") else "no Allow")
    base = "/v1/projects/demo"
    for path in ("/", "/v1", "/v1/projects", base, base + "/", base + "/nothing", base + "/queues/", base + "//queues",
                 base + "/queues/x", base + "/../demo/queues", base + "/./queues", base + "/%71ueues%00", base + "/%", base + "/%4",
                 base + "/%zz", base + "/que%C3%BCes", base + "/Queues", "/v2/projects/demo/queues", "/V1/projects/demo/queues",
                 base + "/" + "a/" * 40, base + "/" + "a" * 5000, base + "/agents//presence", base + "/agents/anna",
                 base + "/interactions/x", base + f"/interactions/{NO_ID}x", base + f"/interactions/{NO_ID}",
                 base + "/customers/x", base + f"/customers/{NO_ID}", base + "/decisions/1", "/healthz/", "/metricsx", "*"):
        watch.check(f"GET {path[:60]}", http_fault(admin.get(path), "not_found"))
    for path in ("offers/x/accept", f"offers/{NO_ID}/end", "interactions/x/end", f"interactions/{NO_ID}/end", f"interactions/{NO_ID}"):
        watch.check(f"POST {path}", http_fault(admin.post(path), "method_not_allowed" if path.endswith(NO_ID) else "not_found"))


@pytest.fixture
def foreign_token(database, tmp_path):
    """An administrator of another project in the same database."""
    path = tmp_path / "other.yaml"
    path.write_text(project().replace("project: demo", "project: other"))
    command(database.url, "apply", path)
    return command(database.url, "token", "create", "--project", "other", "--role", "admin").stdout.split()[-1]


def test_who_is_not_known_or_may_not_is_refused_whatever_they_send(foreign_token, router, watch):
    client = router.client()
    for method, path, body in (("POST", "events", json.dumps(ringing())), ("GET", "queues", None), ("PUT", "config", project())):
        watch.check(f"another's {path}", http_fault(client.with_token(foreign_token).request(
            method, path, body, {"Content-Type": STRUCTURED}), "forbidden"))
    for header in ("", "Bearer", "Bearer ", "bearer", "Basic YTpi", "Bearer a b", "Bearer \xff", f"Bearer {UNKNOWN_TOKEN}",
                   f"Bearer {UNKNOWN_TOKEN[:-1]}", f"Bearer {router.token('admin')}x", "Bearer " + "x" * 9000,
                   f"Token {router.token('admin')}", router.token("admin")):
        for method, path, body in (("POST", "events", b"{"), ("GET", "queues", None), ("POST", "nowhere", b"")):
            answer = client.request(method, path, body, {"Authorization": header, "Content-Type": STRUCTURED})
            watch.check(f"{header[:20]} {method} {path}", http_fault(answer, "unauthenticated"))
    for path in ("/v1/projects/other/queues", "/v1/projects/other/events", "/v1/projects/nobody/queues", "/v1/projects/DEMO/queues"):
        watch.check(path, http_fault(client.get(path), "forbidden"))
    for method, path in (("GET", "queues"), ("GET", "config"), ("POST", "customers"), ("PUT", "config"),
                         ("PUT", "agents/anna/presence"), ("POST", f"offers/{NO_ID}/accept"), ("GET", "agents/anna/feed")):
        watch.check(f"a source's {path}", http_fault(router.source().request(method, path, b"{"), "forbidden"))


def test_nothing_but_hello_is_heard_before_hello(router, watch):
    hello = {"protocol": 1, "client": "x", "auth": {"token": router.token("admin")}}
    wrong = [([], "invalid"), ([7], "invalid"), ([[]], "invalid"), ([{}], "invalid"), ([hello, hello], "invalid"),
             ([{**hello, "protocol": 2}], "invalid"), ([{**hello, "protocol": "1"}], "invalid"),
             ([{**hello, "protocol": None}], "invalid"), ([{**hello, "auth": None}], "unauthenticated"),
             ([{**hello, "auth": router.token("admin")}], "unauthenticated"), ([{**hello, "auth": {}}], "unauthenticated"),
             ([{**hello, "auth": {"token": 7}}], "unauthenticated"), ([{**hello, "auth": {"token": ""}}], "unauthenticated"),
             ([{**hello, "auth": {"token": UNKNOWN_TOKEN}}], "unauthenticated"),
             ([{**hello, "auth": {"token": "x" * 100_000}}], "unauthenticated")]
    client = RawRpc(router)
    for params, code in wrong:
        watch.check(f"hello {str(params)[:60]}", rpc_error_fault(client.ask([0, 1, "hello", params])[2], code))
    for method in ("event.publish", "event.publish_batch", "presence.set", "queue.list", "config.put", "nonsense", "", "HELLO", "hello "):
        watch.check(f"{method} before hello", rpc_error_fault(client.ask([0, 2, method, [{}]])[2], "unauthenticated"))
    watch.check("hello at last", None if client.ask([0, 3, "hello", [hello]])[3]["role"] == "admin" else "refused")
    watch.check("hello again", rpc_error_fault(client.ask([0, 4, "hello", [hello]])[2], "invalid"))
    client.close()


def described(router):
    """(method, path, its query parameters) of everything below the project, as /openapi.json has it."""
    paths = HttpClient(router.http).get("/openapi.json").json["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            if method == "parameters" or "{project}" not in path:
                continue
            names = [one["name"] for one in item.get("parameters", []) + operation.get("parameters", []) if one.get("in") == "query"]
            yield method.upper(), re.sub(r"\{(?!project)\w+\}", "018f0000-0000-7000-8000-000000000001", path).replace(
                "{project}", "demo"), names


def test_a_query_parameter_that_is_not_described_is_refused_by_name(router):
    client, seen = router.client("admin"), 0
    for method, path, names in described(router):
        for name in ("nonsense", "Limit", "project", *({"limit", "after", "state", "active"} - set(names))):
            answer = client.request(method, f"{path}?{name}=1")
            assert answer.status == 400 and answer.json["code"] == "invalid", (method, path, name, answer)
            assert answer.json["pointer"] == f"/{name}" and "no such parameter" in answer.json["detail"]
        for name in names:
            answer = client.request(method, f"{path}?{name}=x&{name}=x")
            assert answer.status == 400 and answer.json["pointer"] == f"/{name}", (method, path, name, answer)
            assert "no such parameter" not in answer.json["detail"]
            seen += 1
    assert seen > 15
    assert client.get("queues?").status == client.get("queues?&&").status == 200


@pytest.mark.parametrize("query", ["phone=%ff", "email=%c3%28@example.com", "phone=%00", "%ff=1", "%00=1", "after=%ff"])
def test_bytes_in_a_query_that_are_no_text_are_invalid(router, query):
    answer = router.client("admin").get(f"customers?{query}")
    assert answer.status == 400 and answer.json["code"] == "invalid", answer
    assert router.client("admin").get(f"agents?after={query.split('=')[1]}&limit=1").status in (200, 400)
