"""Why: of an interaction as things stand, of a decision from the journal alone."""
import json

from harness.http_client import cloudevent, ringing
from harness.process import wait_for
from harness.router import admin
from harness.times import to_ms


def by_agent(explanation):
    return {candidate["agent"]: candidate for candidate in explanation["candidates"]}


def test_a_decision_and_a_wait_are_explained_to_the_last_candidate(router, database):
    supervisor, source = router.client("supervisor"), router.source()
    router.presence("anna")
    first = source.event(ringing("+4915112345671")).json
    second = source.event(ringing("+4915112345672")).json
    assert (first["agent"], second["outcome"]) == ("anna", "queued")

    offered = supervisor.ok("GET", f"decisions/{first['sequence']}/explain")
    [why] = offered["explanations"]
    assert offered["config_version"] == 1 and why["chosen"] == "anna" and why["rule"]["name"] == "rest"
    assert {name: each["reason"] for name, each in by_agent(why).items()} == {
        "anna": "chosen", "ben": "offline", "carl": "membership"}
    assert "goes to anna" in offered["words"]

    waits = supervisor.ok("GET", f"interactions/{second['interaction']}/why")
    assert waits["state"] == "queued" and by_agent(waits["why"])["anna"]["failed"] == "capacity"
    assert by_agent(waits["why"])["ben"]["change"] == "would have to be available"
    over_rpc = router.rpc_client("supervisor").call("interaction.why", {"interaction": second["interaction"]})
    assert over_rpc == waits

    # Agents see their own.
    assert router.agent("anna").ok("GET", f"interactions/{first['interaction']}/why")["state"] == "offered"
    assert router.agent("anna").ok("GET", f"decisions/{first['sequence']}/explain") == offered
    assert router.agent("ben").get(f"interactions/{first['interaction']}/why").status == 404
    assert router.agent("ben").get(f"decisions/{first['sequence']}/explain").status == 404
    assert source.get(f"decisions/{first['sequence']}/explain").status == 403

    # Closed: from the decision that made its last offer; in words from the command line, long after.
    router.agent("anna").ok("POST", f"offers/{first['offer']}/accept", {})
    router.agent("anna").ok("POST", f"interactions/{first['interaction']}/end", {})
    closed = supervisor.ok("GET", f"interactions/{first['interaction']}")
    why = supervisor.ok("GET", f"interactions/{first['interaction']}/why")
    assert why == {**offered, "closed": {"at_ms": to_ms(closed["closed_at"]), "cause": "agent"}}
    words = admin(database.url, "explain", first["sequence"]).stdout
    assert "goes to anna" in words and "ben: offline - would have to be available" in words
    assert json.loads(admin(database.url, "explain", "--json", "--project", "demo", first["sequence"]).stdout) == offered


def test_the_cause_that_a_source_gives_is_told_of_the_end_everywhere(router, subscriber, database):
    supervisor, source = router.client("supervisor"), router.source()
    router.presence("anna")
    begun = source.event(ringing(subject="c1")).json
    router.agent("anna").ok("POST", f"offers/{begun['offer']}/accept", {})
    ended = source.event(cloudevent("call.ended", "c1", {"cause": "lost"})).json
    assert ended["interaction"] == begun["interaction"]
    assert supervisor.ok("GET", f"decisions/{ended['sequence']}/explain")["cause"] == "lost"
    assert "with the cause lost\n" in admin(database.url, "explain", ended["sequence"]).stdout
    assert "cause" not in supervisor.ok("GET", f"decisions/{begun['sequence']}/explain")
    forged = source.event(cloudevent("call.ended", "c1", {"cause": "x\nrule vip\x1b[2J\x7f\u009b1mü"})).json
    assert "with the cause x rule vip [2J   1mü\n" in admin(database.url, "explain", forged["sequence"]).stdout
    assert "with the cause" not in admin(database.url, "explain", begun["sequence"]).stdout
    told = subscriber.wait_event("interaction.ended", begun["interaction"])
    assert told["data"]["cause"] == "lost"
    [read] = [one for one in supervisor.ok("GET", "agents/anna/feed?after=0")["items"] if one["id"] == told["id"]]
    assert {name: value for name, value in read.items() if name != "agentsequence"} == told
    assert supervisor.ok("GET", f"interactions/{begun['interaction']}")["cause"] == "lost"
    assert supervisor.ok("GET", f"interactions/{begun['interaction']}/why")["closed"]["cause"] == "lost"

    unsaid = source.event(cloudevent("call.ended", "c2")).json
    assert subscriber.wait_event("interaction.ended", unsaid["interaction"])["data"]["cause"] == "ended"
    listed = supervisor.ok("GET", "interactions?state=closed")["items"]
    assert {one["id"]: one["cause"] for one in listed} == {begun["interaction"]: "lost", unsaid["interaction"]: "ended"}


RELAXED = """\
project: demo
region: DE
create: {call: auto, chat: manual, email: auto, at: accept}
endpoints:
  - {phone: "+4930901820", queue: support}
queues:
  support: {relax: [{after: 2s, skills: {german: 2}}, {after: 6s, skills: {}}]}
agents:
  anna: {queues: [support], skills: {german: 5}}
  ben: {queues: [support], skills: {german: 2}}
  carl: {queues: [support]}
rules:
  - {name: german, when: "true", queue: support, skills: {german: 3}}
"""


def test_why_names_the_step_of_relaxation_and_what_the_next_one_asks_for(make_router):
    router = make_router(RELAXED)
    router.start()
    supervisor, ben = router.client("supervisor"), router.agent("ben")
    for name in ("ben", "carl"):
        supervisor.ok("PUT", f"agents/{name}/presence", {"state": "available", "lease": 0})
    supervisor.ok("PUT", "agents/carl/presence", {"state": "break", "lease": 0})
    call = router.source().event(ringing()).json
    assert call["outcome"] == "queued"
    [first] = supervisor.ok("GET", f"decisions/{call['sequence']}/explain")["explanations"]
    assert (first["step"], first["skills"]) == (0, {"german": 3})
    assert by_agent(first)["ben"] == {"agent": "ben", "failed": "skills", "reason": "skills",
                                      "change": "needs german 3, has 2; from 2 s on 2 is enough"}
    assert (by_agent(first)["anna"]["failed"], by_agent(first)["carl"]["reason"]) == ("presence", "break")

    def why():
        return supervisor.ok("GET", f"interactions/{call['interaction']}/why")["why"]

    def offer():
        return supervisor.ok("GET", f"interactions/{call['interaction']}")["offer"]

    wait_for(offer, lambda: f"an offer of the first step: {why()}")
    offered = why()
    assert (offered["step"], offered["chosen"], offered["skills"]) == (1, "ben", {"german": 2})
    ben.ok("POST", f"offers/{offer()}/reject", {"cause": "busy"})
    waits = why()
    assert waits["step"] == 1 and by_agent(waits)["ben"]["reason"] == "cool_down" and "chosen" not in waits
    supervisor.ok("PUT", "agents/carl/presence", {"state": "available", "lease": 0})
    wait_for(lambda: why()["step"] == 2, lambda: f"the second step: {why()}")
    last = supervisor.ok("GET", f"interactions/{call['interaction']}/why")
    assert (last["why"]["chosen"], last["why"]["skills"]) == ("carl", {})
    assert "step 2 of relaxation" in last["words"]


def test_what_is_not_there_is_not_found(router, database):
    supervisor = router.client("supervisor")
    assert supervisor.get("decisions/99999999/explain").status == 404
    assert supervisor.get("decisions/x/explain").status == 400
    assert supervisor.get("interactions/018f0000-0000-7000-8000-000000000000/why").status == 404
    assert admin(database.url, "explain", "99999", check=False).returncode == 1
    assert admin(database.url, "explain", "x", check=False).returncode == 2
