"""Voice is exclusive unless the project file says otherwise: nothing is offered on top of a call."""
import pytest

from harness.http_client import chat, mail, ringing
from harness.projects import project

AGENTS = {"anna": "{queues: [support, mail, chat], capacity: {call: 2, chat: 3, email: 10}}"}


@pytest.fixture
def desk(make_desk):
    text = project(AGENTS)
    assert "exclusive: []\n" in text
    return make_desk(text=text.replace("exclusive: []\n", ""))


def reason(desk, decision):
    [candidate] = desk.admin.ok("GET", f"interactions/{decision['interaction']}/why")["why"]["candidates"]
    return candidate.get("failed"), candidate["reason"]


def test_a_call_comes_on_top_of_other_work_and_nothing_on_top_of_a_call(desk):
    desk.router.presence("anna")
    before = [desk.event(mail("ann@example.com")), desk.event(chat("v1"))]
    assert [one["outcome"] for one in before] == ["offered"] * 2, "mails and chats exclude nothing"
    assert desk.accept(before[0]).status == 200
    call = desk.event(ringing())
    assert (call["outcome"], call["agent"]) == ("offered", "anna")
    others = [desk.event(mail("bob@example.com")), desk.event(chat("v2")), desk.event(ringing("+4915199999999"))]
    assert [one["outcome"] for one in others] == ["queued"] * 3, "the call is offered"
    assert [reason(desk, one) for one in others] == [("capacity", "exclusive")] * 3
    assert desk.accept(before[1]).status == 200, "what was offered before may still be taken"
    assert desk.accept(call).status == 200
    assert [desk.state(one) for one in others] == ["queued"] * 3, "the call is active"
    ended = desk.router.agent("anna").ok("POST", f"interactions/{call['interaction']}/end")
    told = [desk.wait("interaction.offered", one, agent="anna") for one in others]
    assert [event["sequence"] for event in told] == [ended["sequence"]] * 3, "at once, the oldest first, and the call on top"


def test_a_file_may_say_that_no_channel_is_exclusive(make_desk):
    desk = make_desk(agents=AGENTS)
    desk.router.presence("anna")
    events = [ringing(), ringing("+4915199999999"), mail("ann@example.com"), chat("v1")]
    assert [desk.event(event)["agent"] for event in events] == ["anna"] * 4
