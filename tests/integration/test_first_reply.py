"""The first-reply timer over the wire: a chat that its agent does not answer goes to somebody else."""
from harness.http_client import chat
from harness.process import wait_for
from harness.projects import project

AGENTS = {"anna": "{queues: [chat]}", "ben": "{queues: [chat]}"}


def event(router, what):
    answer = router.source().event(what)
    assert answer.status == 200, answer
    return answer.json


def test_a_chat_goes_on_unless_its_agent_writes(make_router, redis):
    text = project(AGENTS).replace("chat: {offer_timeout: 20s}", "chat: {offer_timeout: 20s, first_reply: 2s}")
    assert "first_reply" in text
    router = make_router(text)
    router.start()
    told = redis.subscribe(router.channel("all"))
    router.presence("anna")
    first, second = chat("v1"), chat("v2")
    decisions = [event(router, first), event(router, second)]
    for decision in decisions:
        router.agent("anna").ok("POST", f"offers/{decision['offer']}/accept")
    reply = chat("anna", second["subject"], text="How can I help?")
    reply["data"]["direction"] = "outbound"
    assert event(router, reply)["outcome"] == "attached"
    router.presence("ben")
    back = told.wait_event("interaction.queued", decisions[0]["interaction"], cause="no_reply", timeout=15)
    assert back
    told.wait_event("interaction.offered", decisions[0]["interaction"], match=lambda one: one["data"]["agent"] == "ben", timeout=15)
    admin = router.client()
    assert admin.ok("GET", f"interactions/{decisions[1]['interaction']}")["state"] == "active"
    wait_for(lambda: [one for one in admin.ok("GET", "agents")["items"] if one["name"] == "anna"][0]["misses"] == 1, "a miss is counted")


def test_what_an_agent_writes_begins_nothing(make_router, tables):
    router = make_router(project(AGENTS))
    router.start()
    lonely = chat("anna")
    lonely["data"]["direction"] = "outbound"
    assert event(router, lonely)["outcome"] == "ignored"
    assert tables.one("SELECT count(*) FROM interactions") == 0
    wrong = chat("anna")
    wrong["data"]["direction"] = "sideways"
    answer = router.source().event(wrong)
    assert (answer.status, answer.json["code"]) == (400, "invalid")
