"""Work that people move, over both protocols: transfer, assign, pull; and what is refused."""
import pytest

from harness.http_client import chat, ringing
from harness.process import wait_for
from harness.projects import project
from harness.rpc_client import RpcError

AGENTS = {
    "anna": "{queues: [support, mail]}",
    "ben": "{queues: [support, chat]}",
    "carl": "{queues: [chat], role: supervisor}",
}


@pytest.fixture
def router(make_router):
    router = make_router(project(AGENTS))
    router.start()
    return router


def event(router, what):
    answer = router.source().event(what)
    assert answer.status == 200, answer
    return answer.json


def taken(router, agent):
    decision = event(router, ringing())
    assert decision["agent"] == agent
    router.agent(agent).ok("POST", f"offers/{decision['offer']}/accept")
    return decision["interaction"]


def refused(answer, status, code):
    assert (answer.status, answer.json["code"]) == (status, code), answer


def test_an_agent_transfers_its_call_and_another_one_is_asked(router, redis):
    told = redis.subscribe(router.channel("all"), router.channel("agent", "anna"))
    router.presence("anna")
    call = taken(router, "anna")
    before = router.client().ok("GET", f"interactions/{call}")["enqueued_at"]
    anna = router.agent("anna")
    refused(anna.post(f"interactions/{call}/transfer", {}), 400, "invalid")
    refused(anna.post(f"interactions/{call}/transfer", {"queue": "support", "agent": "ben"}), 400, "invalid")
    refused(anna.post(f"interactions/{call}/transfer", {"queue": "nowhere"}), 400, "invalid")
    refused(anna.post(f"interactions/{call}/transfer", {"agent": "ben"}), 409, "agent_unavailable")
    refused(router.agent("ben").post(f"interactions/{call}/transfer", {"queue": "support"}), 403, "forbidden")
    router.presence("ben")
    answer = anna.ok("POST", f"interactions/{call}/transfer", {"queue": "support", "keep_age": True})
    assert (answer["outcome"], answer["agent"]) == ("offered", "ben")
    gone = told.wait_event("interaction.queued", call, cause="transfer")
    assert gone["data"]["agent"] == "anna" or "agentsequence" not in gone
    assert router.client().ok("GET", f"interactions/{call}")["enqueued_at"] == before
    router.agent("ben").ok("POST", f"offers/{answer['offer']}/accept")
    with pytest.raises(RpcError) as fault:
        router.rpc_client("agent", "ben").call("interaction.transfer", {"interaction": call, "agent": "carl"})
    assert fault.value.code == "agent_unavailable"
    back = router.rpc_client("agent", "ben").call("interaction.transfer", {"interaction": call, "agent": "anna", "keep_age": False})
    assert (back["outcome"], back["agent"]) == ("offered", "anna")
    assert router.client().ok("GET", f"interactions/{call}")["enqueued_at"] > before


def test_supervisors_assign_and_agents_do_not(router):
    router.presence("anna")
    waiting = event(router, chat())["interaction"]
    supervisor = router.client("supervisor")
    refused(router.agent("ben").post(f"interactions/{waiting}/assign", {"agent": "ben"}), 403, "forbidden")
    refused(supervisor.post(f"interactions/{waiting}/assign", {"agent": "ben"}), 409, "agent_unavailable")
    assigned = supervisor.ok("POST", f"interactions/{waiting}/assign", {"agent": "anna"})  # who does not serve its queue
    assert (assigned["outcome"], assigned["agent"]) == ("offered", "anna")
    router.agent("anna").ok("POST", f"offers/{assigned['offer']}/accept")
    refused(supervisor.post(f"interactions/{waiting}/assign", {"agent": "anna"}), 409, "already_taken")


def test_desktops_see_what_a_supervisor_assigns_and_what_an_agent_pulls(router, redis):
    anna, ben = (redis.subscribe(router.channel("agent", name)) for name in ("anna", "ben"))
    router.presence("anna")
    router.presence("ben")
    call = event(router, ringing())["interaction"]
    other = event(router, ringing())["interaction"]
    first = anna.wait_event("interaction.offered", call)
    assert ben.wait_event("interaction.offered", other)["data"]["agent"] == "ben"
    ben.wait_event("interaction.offered", other)
    router.client("supervisor").ok("POST", f"interactions/{other}/end")
    assigned = router.client("supervisor").ok("POST", f"interactions/{call}/assign", {"agent": "ben"})
    gone = anna.wait_event("offer.withdrawn", call, cause="assigned")
    given = ben.wait_event("interaction.offered", call, cause="assigned")
    assert gone["data"]["offer"] == first["data"]["offer"] and gone["sequence"] == given["sequence"]
    assert given["data"]["offer"] == assigned["offer"] and given["data"]["agent"] == "ben" and given["agentsequence"]
    router.presence("anna", "break")
    ben_token = router.agent("ben")
    ben_token.ok("POST", f"offers/{assigned['offer']}/reject", {"cause": "busy"})
    router.client().ok("PUT", "agents/anna/presence", {"state": "available", "lease": 0})
    wait_for(lambda: router.client().ok("GET", f"interactions/{call}")["agent"] == "anna", "anna is asked again")
    router.agent("anna").ok("POST", f"offers/{router.client().ok('GET', f'interactions/{call}')['offer']}/reject", {"cause": "busy"})
    pulled = ben_token.ok("POST", f"interactions/{call}/pull")  # who rests, and does not mind
    taken_by = ben.wait_event("interaction.assigned", call)
    assert taken_by["sequence"] == pulled["sequence"] and taken_by["data"]["screen"] == "script" and taken_by["agentsequence"]
    assert [one for one in anna.events if one["type"] == "interaction.assigned"] == []
    for numbers in ([one["agentsequence"] for one in heard.events] for heard in (anna, ben)):
        assert [int(number) for number in numbers] == list(range(int(numbers[0]), int(numbers[0]) + len(numbers)))
    for heard in (anna, ben):
        heard.close()


def test_a_pull_is_refused_by_what_stands_in_its_way(router):
    router.presence("anna")
    router.presence("ben")
    calls = [taken(router, name) for name in ("anna", "ben")]
    waiting = event(router, ringing())["interaction"]
    refused(router.agent("anna").post(f"interactions/{waiting}/pull"), 409, "agent_unavailable")
    refused(router.client("supervisor").post(f"interactions/{waiting}/pull"), 403, "forbidden")
    for agent, call in zip(("anna", "ben"), calls):
        router.client().ok("PUT", f"agents/{agent}/presence", {"state": "break", "lease": 0})
        router.agent(agent).ok("POST", f"interactions/{call}/end")
    chat_waiting = event(router, chat())["interaction"]
    refused(router.agent("anna").post(f"interactions/{chat_waiting}/pull"), 403, "forbidden")  # not of her queues
    router.presence("ben")  # is asked about both
    refused(router.agent("anna").post(f"interactions/{waiting}/pull"), 409, "already_taken")
    for one in (waiting, chat_waiting):
        offer = router.client().ok("GET", f"interactions/{one}")["offer"]
        router.agent("ben").ok("POST", f"offers/{offer}/reject", {"cause": "busy"})
    router.presence("ben", "offline")
    router.client().ok("PUT", "agents/ben/presence", {"state": "break", "lease": 0})
    refused(router.agent("ben").post(f"interactions/{chat_waiting}/pull"), 409, "agent_unavailable")


def test_what_was_given_away_can_be_pulled_back(router):
    router.presence("anna")
    call = taken(router, "anna")
    anna = router.agent("anna")
    assert anna.ok("POST", f"interactions/{call}/transfer", {"queue": "support"})["outcome"] == "queued"
    pulled = anna.ok("POST", f"interactions/{call}/pull")
    assert (pulled["outcome"], pulled["agent"], pulled["state"]) == ("assigned", "anna", "active")
    again = anna.ok("POST", f"interactions/{call}/pull")  # its answer got lost
    assert (again["outcome"], again["state"]) == ("assigned", "active")
