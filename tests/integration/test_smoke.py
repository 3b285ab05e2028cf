"""One event through journal, commit, PUBLISH and feed."""
import urllib.request

from harness.http_client import ringing


def test_a_started_router_is_alive_and_ready(router):
    for path in ("/healthz", "/readyz"):
        with urllib.request.urlopen(f"http://{router.http}{path}", timeout=5) as answer:
            assert answer.status == 200


def test_a_call_is_offered_and_the_decision_arrives_over_redis_and_in_the_feed(router, subscriber):
    router.presence("anna")
    answer = router.source().event(ringing("+4915112345678"))
    assert answer.status == 200, answer
    decision = answer.json
    assert decision["outcome"] == "offered" and decision["agent"] == "anna" and decision["queue"] == "support"
    assert decision["identity"] == {"outcome": "new", "customer": None, "candidates": []} or \
        decision["identity"]["outcome"] == "new"

    told = subscriber.wait_event("interaction.offered", decision["interaction"])
    assert told["source"] == "/projects/demo" and told["sequence"] == decision["sequence"]
    assert told["data"]["offer"] == decision["offer"] and told["data"]["agent"] == "anna"

    feed = router.agent("anna").ok("GET", "agents/anna/feed?after=0")
    offered = [event for event in feed["items"] if event["type"] == "interaction.offered"]
    assert [event["id"] for event in offered] == [told["id"]]
    assert int(offered[0]["agentsequence"]) > 0


def test_a_repeated_event_gets_the_same_bytes(router):
    event = ringing()
    first, second = router.source().event(event), router.source().event(event)
    assert first.status == second.status == 200
    assert first.bytes == second.bytes
    assert first.headers.get("Patchbay-Duplicate") is None and second.headers["Patchbay-Duplicate"] == "true"


def test_an_event_without_a_token_is_refused(router):
    client = router.source()
    client.token = None
    answer = client.event(ringing())
    assert answer.status == 401 and answer.json["code"] == "unauthenticated"


def test_a_call_over_messagepack_rpc_gets_its_decision(router):
    for unix in (False, True):
        client = router.rpc_client(unix=unix)
        decision = client.call("event.publish", ringing())
        assert decision["outcome"] == "queued"
        client.close()


def test_the_router_drains_and_goes_on_after_a_restart(router, subscriber):
    first = router.source().event(ringing()).json
    router.restart()
    second = router.source().event(ringing()).json
    assert int(second["sequence"]) > int(first["sequence"])
    subscriber.wait_event("interaction.queued", second["interaction"])
