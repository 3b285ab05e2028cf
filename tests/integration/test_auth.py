"""Tokens: whose they are, what they may, when they end."""
import time

import pytest

from harness.fence import Later
from harness.http_client import HttpClient, ringing
from harness.process import wait_for
from harness.projects import AGENTS
from harness.rpc_client import RpcClient, RpcError
from harness.router import admin

UNKNOWN = "pbt_" + "A" * 43
PATHS = [("GET", "queues"), ("POST", "events"), ("GET", "nowhere"), ("DELETE", "queues"), ("PUT", "config")]


def code(call):
    with pytest.raises(RpcError) as caught:
        call()
    return caught.value.code


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense", f"Bearer {UNKNOWN}"])
def test_nothing_is_served_without_a_known_token(router, header):
    client = HttpClient(router.http)
    for method, path in PATHS:
        answer = client.request(method, path, headers={"Authorization": header} if header is not None else {})
        assert answer.status == 401 and answer.json["code"] == "unauthenticated", (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_what_watches_the_router_needs_no_token(router):
    client = HttpClient(router.http)
    assert client.ok("GET", "/healthz")["status"] == "alive"
    ready = client.ok("GET", "/readyz")
    assert ready["status"] == "ready" and ready["projects"] == [{"name": "demo", "owned": True}]
    assert client.ok("GET", "/openapi.json")["openapi"].startswith("3.1")
    assert client.get("/metrics").status == 200
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        answer = client.post(path)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"
    assert client.get("/nowhere").status == 404


def test_a_token_opens_its_own_project_alone(router):
    client = HttpClient(router.http, router.token("admin"), "another")
    for method, path in PATHS:
        assert client.request(method, path).status == 403


@pytest.mark.parametrize("role, allowed", [
    ("source", {"events"}),
    ("agent", {"queues", "agents", "interactions", "customers"}),
    ("pool_admin", {"queues", "agents", "interactions", "customers"}),
    ("supervisor", {"events", "queues", "agents", "interactions", "customers", "blacklist", "config"}),
    ("admin", {"events", "queues", "agents", "interactions", "customers", "blacklist", "config"}),
])
def test_a_role_may_what_the_table_says_and_no_more(router, role, allowed):
    client = router.client(role, "anna" if role == "agent" else None)
    for path in ("queues", "agents", "interactions", "customers", "blacklist", "config"):
        assert client.get(path).status == (200 if path in allowed else 403), path
    assert client.event(ringing()).status == (200 if "events" in allowed else 403)
    assert client.request("PUT", "config", "x", {"Content-Type": "application/yaml"}).status == (400 if role == "admin" else 403)


def test_an_agents_token_acts_as_that_agent_alone(router):
    anna, supervisor = router.agent("anna"), router.client("supervisor")
    assert anna.put("agents/ben/presence", {"state": "available"}).status == 403
    assert anna.get("agents/ben/feed").status == 403
    assert supervisor.put("agents/ben/presence", {"state": "available", "lease": 0}).status == 200
    assert supervisor.get("agents/ben/feed").status == 200
    assert supervisor.post("offers/018f0000-0000-7000-8000-000000000001/accept").status == 403
    assert anna.post("offers/018f0000-0000-7000-8000-000000000001/accept").json["code"] == "not_found"


def revoke(router, database, token_role):
    (token,), = database.query("SELECT id::text FROM patchbay.tokens WHERE role = %s", token_role)
    admin(database.url, "token", "revoke", token)


def test_a_revoked_token_ends_within_five_seconds_for_both_protocols(router, database):
    http, rpc = router.client("supervisor"), router.rpc_client("supervisor")
    assert http.get("queues").status == 200 and rpc.call("queue.list")["items"]
    revoke(router, database, "supervisor")
    began = time.monotonic()
    wait_for(lambda: http.get("queues").status == 401, "the token is refused", 10)
    assert time.monotonic() - began < 5
    time.sleep(max(0, 5 - (time.monotonic() - began)))
    assert code(lambda: rpc.call("queue.list")) == "unauthenticated"
    rpc.close()


@pytest.fixture
def listeners(router):
    """A supervisor's stream and subscription, and an agent's stream, all of them idle."""
    stream, client = router.client("supervisor").stream("agents/anna/stream"), router.rpc_client("supervisor")
    assert client.call("feed.subscribe", {"agent": "anna"})["agent"] == "anna"
    other = router.agent("ben").stream("agents/ben/stream")
    stream.next("tip"), other.next("tip")
    yield stream, client, other
    for one in (stream, client, other):
        one.close()


def only_the_supervisor_is_cut_off(router, listeners, within):
    stream, client, other = listeners
    ended = Later(lambda: [kind for kind, *_ in stream if kind != "tip"])
    assert ended.wait(within) == []
    assert client.closed.wait(within)
    router.presence("ben")
    assert other.next("decision")[2]["type"] == "agent.presence"


def test_streams_of_a_revoked_token_end(router, database, listeners):
    revoke(router, database, "supervisor")
    only_the_supervisor_is_cut_off(router, listeners, 5)
    assert router.client("supervisor").get("agents/anna/stream").status == 401


def test_streams_of_an_expired_token_end_within_twenty_seconds(router, database, listeners):
    database.query("UPDATE patchbay.tokens SET expires_at = now() WHERE role = 'supervisor'")
    only_the_supervisor_is_cut_off(router, listeners, 20)


def test_streams_go_on_while_nobody_can_say_whose_their_tokens_are(router, postgres, listeners):
    router.expect_log(".*")
    stream, client, _ = listeners
    postgres.kill()
    wait_for(lambda: HttpClient(router.http).get("/readyz").status == 503, "the router notices")
    time.sleep(3)
    assert not client.closed.is_set()
    postgres.start()
    wait_for(lambda: HttpClient(router.http).get("/readyz").status == 200, "the router comes back")
    router.presence("anna")
    assert stream.next("decision")[2]["type"] == "agent.presence"
    assert client.next_notification("decision")[0]["type"] == "agent.presence"


def test_an_expired_token_is_unknown(router, database):
    client = router.client("supervisor")
    assert client.get("queues").status == 200
    database.query("UPDATE patchbay.tokens SET expires_at = now() WHERE role = 'supervisor'")
    wait_for(lambda: client.get("queues").status == 401, "the token is refused", 6)


def ends_alone(clients, name, change):
    """Within five seconds of the change only the one of that name is refused; how long that took."""
    others = clients.keys() - {name}

    def all_go_on():
        return all(clients[other].get("queues").status == 200 for other in others)

    assert all_go_on() and clients[name].get("queues").status == 200
    change()
    began = time.monotonic()
    wait_for(lambda: all_go_on() and clients[name].get("queues").status == 401, "the token is refused", 10)
    took = time.monotonic() - began
    assert took < 5
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert all_go_on() and clients[name].get("queues").status == 401
    return took


def clients_of(router):
    return {name: router.agent(name) for name in AGENTS} | {"-": router.client("supervisor")}


@pytest.mark.alone
def test_nobody_waits_for_tokens_that_are_known(router, database, tables):
    """Not even while the database could not say whose they are: it says that none has changed."""
    clients = clients_of(router)
    assert all(client.get("queues").status == 200 for client in clients.values())
    lock = tables.connect()
    lock.autocommit = False
    lock.cursor().execute("LOCK TABLE tokens")
    until = time.monotonic() + 6  # longer than an answer holds by itself; then the log would tell
    while time.monotonic() < until:
        assert all(client.get("queues").status == 200 for client in clients.values())
    lock.close()


@pytest.mark.alone
def test_a_token_that_an_administrator_changes_by_hand_ends_at_once(router, database):
    """Not only what the commands do is told. Without being told it would take four seconds."""
    clients = clients_of(router)
    change = "UPDATE patchbay.tokens SET revoked_at = now() WHERE agent = 'ben'"
    assert ends_alone(clients, "ben", lambda: database.query("SET session_replication_role = replica; " + change)) < 3
    clients.pop("ben")
    assert ends_alone(clients, "anna", lambda: database.query("DELETE FROM patchbay.tokens WHERE agent = 'anna'")) < 3


@pytest.mark.alone
def test_tokens_are_asked_about_again_while_the_database_tells_nothing(router, database):
    router.expect_log("tokens cannot be confirmed all at once")
    clients = clients_of(router)
    database.query("ALTER TABLE patchbay.tokens DISABLE TRIGGER tokens_tell")
    wait_for(lambda: all(client.get("queues").status == 200 for client in clients.values()) and
             "missing or disabled" in router.log(), "the router sees it")
    ends_alone(clients, "ben", lambda: database.query("UPDATE patchbay.tokens SET revoked_at = now() WHERE agent = 'ben'"))


def test_known_tokens_go_on_while_the_database_is_away(router, postgres):
    router.expect_log(".*")
    client = router.client("supervisor")
    assert client.get("queues").status == 200
    postgres.kill()
    wait_for(lambda: HttpClient(router.http).get("/readyz").status == 503, "the router notices")
    answer = client.get("queues")
    assert answer.status == 503 and answer.json["code"] == "storage_unavailable" and answer.headers["Retry-After"]
    assert client.get("nowhere").status == 404, "who asks is still known"
    assert client.with_token(UNKNOWN).get("queues").status == 503, "nobody can say whose this is"
    postgres.start()
    wait_for(lambda: client.get("queues").status == 200, "the router comes back")


def test_hello_comes_first_and_once(router):
    client = RpcClient(router.rpc)
    assert code(lambda: client.call("queue.list")) == "unauthenticated"
    assert code(lambda: client.call("hello", {"protocol": 2, "auth": {"token": router.token("admin")}})) == "invalid"
    assert code(lambda: client.call("hello", {"protocol": 1, "auth": {"token": UNKNOWN}})) == "unauthenticated"
    hello = {"protocol": 1, "client": "test", "auth": {"token": router.token("agent", "anna")}}
    first, behind = client.send("hello", hello), client.send("queue.list")
    answer = first.wait()
    assert (answer["server"], answer["protocol"], answer["project"], answer["role"], answer["agent"]) == (
        "patchbay", 1, "demo", "agent", "anna")
    assert behind.wait()["items"]
    assert code(lambda: client.call("hello", hello)) == "invalid"
    assert code(lambda: client.call("nonsense")) == "not_found"
    assert code(lambda: client.call("event.publish", ringing())) == "forbidden"
    client.close()
