"""Events of one conversation that overtake each other or come in one breath: an end is an end."""
import pytest

from harness.http_client import chat, cloudevent, ringing

ROUNDS = 100


def ended(event):
    kind = {"call.ringing": "call.ended", "chat.message": "chat.ended"}[event["type"]]
    return cloudevent(kind, event["subject"])


def outcomes(answers):
    return [answer["outcome"] for answer in answers]


@pytest.fixture
def idle(router):
    """An agent who would be offered whatever is let in."""
    router.presence("anna")
    router.presence("ben")
    return router


def nothing_is_open(router):
    return router.client().ok("GET", "interactions?state=open")["items"] == []


def test_an_end_before_its_beginning_never_makes_an_offer_one_after_the_other(idle):
    for event in (ringing(), ringing()):
        source = idle.source()
        assert outcomes([source.event(ended(event)).json, source.event(event).json]) == ["ended", "ended"]
    assert nothing_is_open(idle)


def test_an_end_before_its_beginning_never_makes_an_offer_in_one_batch(idle):
    event = ringing()
    assert outcomes(idle.source().batch([ended(event), event]).json) == ["ended", "ended"]
    assert nothing_is_open(idle)


def test_an_end_before_its_beginning_never_makes_an_offer_when_sent_without_waiting(idle):
    client = idle.rpc_client()
    for _ in range(ROUNDS):
        event = ringing()
        calls = [client.send("event.publish", one) for one in (ended(event), event)]
        assert outcomes(call.wait() for call in calls) == ["ended", "ended"]
    client.close()
    assert nothing_is_open(idle)


def test_a_ringing_that_comes_again_after_the_end_opens_nothing(idle):
    client = idle.rpc_client()
    for _ in range(ROUNDS):
        event = ringing()
        again = ringing(subject=event["subject"])
        calls = [client.send("event.publish", one) for one in (event, ended(event), again)]
        answers = [call.wait() for call in calls]
        assert outcomes(answers)[1:] == ["ended", "ended"]
        assert len({answer["interaction"] for answer in answers}) == 1
    client.close()
    assert nothing_is_open(idle)


def test_a_second_end_that_is_sent_at_once_makes_no_second_interaction(idle, tables):
    client = idle.rpc_client()
    for _ in range(ROUNDS):
        event = ringing()
        calls = [client.send("event.publish", one) for one in (event, ended(event), ended(event))]
        assert len({call.wait()["interaction"] for call in calls}) == 1
    client.close()
    assert tables.one("SELECT count(*) FROM interactions") == ROUNDS


def test_messages_that_are_sent_at_once_open_one_chat(idle, tables):
    client = idle.rpc_client()
    for _ in range(ROUNDS):
        first = chat()
        calls = [client.send("event.publish", one) for one in [first] + [chat(subject=first["subject"]) for _ in range(4)]]
        answers = [call.wait() for call in calls]
        assert len({answer["interaction"] for answer in answers}) == 1 and set(outcomes(answers[1:])) == {"attached"}
        client.call("event.publish", ended(first))
    client.close()
    assert tables.one("SELECT count(*) FROM interactions") == ROUNDS


def test_an_end_that_comes_again_is_about_the_newest_interaction_of_its_conversation(idle):
    """The tables know an older one, when all of it comes in one batch."""
    source, first = idle.source(), chat()
    old = source.batch([first, ended(first)]).json[0]["interaction"]
    idle.restart()  # nothing is remembered but by the tables
    source, again = idle.source(), chat(subject=first["subject"])
    answers = source.batch([again, ended(again), ended(again)]).json
    assert answers[0]["interaction"] not in (old, None)
    assert [answer["interaction"] for answer in answers] == [answers[0]["interaction"]] * 3
