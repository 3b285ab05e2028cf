"""Blocks under load and at their edges: the very millisecond, the open offer, the race with an accept, every spelling."""
import collections
import itertools

import pytest

from harness.fence import Fence, Later
from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import wait_for
from harness.storm import http_request, http_storm
from harness.times import from_ms, now_ms, to_ms

pytestmark = pytest.mark.alone  # its clocks run

NUMBER = "+4915112345678"
_numbers = itertools.count()


def new_number():
    return f"+49151300{next(_numbers):05}"


def block(router, **members):
    return router.client("supervisor").ok("POST", "blacklist", members, 201)


def lift(router, made):
    return router.client("supervisor").ok("DELETE", f"blacklist/{made['id']}")


def outcome(answer):
    assert answer.status == 200, answer
    return answer.json["outcome"]


def feed(router, agent, *types):
    items = router.agent(agent).ok("GET", f"agents/{agent}/feed?after=0&limit=1000")["items"]
    return [event for event in items if event["type"] in types]


def ring_until(router, number, end_ms, outstanding=8):
    """Calls of a number without a pause until the clock has passed end_ms, most of them in flight together: the answers."""
    client, calls, answers = router.rpc_client(), collections.deque(), []
    while now_ms() <= end_ms or calls:
        if now_ms() <= end_ms:
            calls.append(client.send("event.publish", ringing(number, to="+4930901820")))
        if len(calls) == outstanding or now_ms() > end_ms:
            answers.append(calls.popleft().wait())
    client.close()
    return answers


def test_a_temporary_block_ends_exactly_on_its_millisecond(router, tables):
    router.token("supervisor"), router.token("source")  # before the clock runs
    near = 0
    for _ in range(20):
        number, until = new_number(), now_ms() + 2000
        made = block(router, phone=number, until=from_ms(until))
        assert to_ms(made["until"]) == until and to_ms(made["end"]) == until
        answers = ring_until(router, number, until + 150)
        times = dict(tables.query("SELECT seq, at_ms FROM journal WHERE seq = ANY(%s)",
                                  [int(answer["sequence"]) for answer in answers]))
        blocked = [times[int(one["sequence"])] for one in answers if one["outcome"] == "blocked"]
        passed = [times[int(one["sequence"])] for one in answers if one["outcome"] != "blocked"]
        assert max(blocked) < until <= min(passed)
        near += min(passed) - max(blocked) < 100  # else the machine stood still just then: that block says little
        if near == 3:
            break
    assert near == 3, "no event near the end: nothing was tested"


def test_what_waits_when_a_temporary_block_ends_was_shut_out_and_stays_so(router, subscriber):
    number = new_number()
    waiting = router.source().event(ringing(number)).json
    router.token("supervisor")  # before the clock runs
    until = now_ms() + 2000
    block(router, phone=number, until=from_ms(until))
    assert subscriber.wait_event("interaction.blocked", waiting["interaction"])
    wait_for(lambda: now_ms() > until, "the block ends")
    assert router.client().ok("GET", f"interactions/{waiting['interaction']}")["state"] == "closed"
    assert outcome(router.source().event(ringing(number))) == "queued"


@pytest.mark.parametrize("by", ["phone", "prefix", "customer"])
def test_an_open_offer_is_withdrawn_and_cannot_be_accepted_once_the_block_has_returned(router, by):
    number = new_number()
    router.presence("anna")
    person = router.client().ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": number}]}, 201)
    offered = router.source().event(ringing(number)).json
    assert offered["outcome"] == "offered" and offered["identity"]["customer"] == person["id"]
    block(router, **{by: {"phone": number, "prefix": number[:10], "customer": person["id"]}[by]})
    answer = router.agent("anna").post(f"offers/{offered['offer']}/accept")
    assert answer.status == 409 and answer.json["code"] == "offer_gone"
    withdrawn, = feed(router, "anna", "offer.withdrawn")
    assert withdrawn["subject"] == offered["interaction"]
    assert withdrawn["data"]["cause"] == "blocked" and withdrawn["data"]["offer"] == offered["offer"]
    seen = router.client().ok("GET", f"interactions/{offered['interaction']}")
    assert seen["state"] == "closed" and seen["identity"]["outcome"] == "blocked"


def test_a_withdrawn_offer_of_a_blocked_customer_is_no_miss_and_makes_room_at_once(router):
    router.presence("anna")
    first, second = router.source().event(ringing(new_number())).json, router.source().event(ringing(new_number())).json
    assert (first["outcome"], second["outcome"]) == ("offered", "queued")
    number = router.client().ok("GET", f"interactions/{first['interaction']}")["from"]["phone"]
    block(router, phone=number)
    offers = feed(router, "anna", "interaction.offered")
    assert [offer["subject"] for offer in offers] == [first["interaction"], second["interaction"]]
    anna, = (one for one in router.client().ok("GET", "agents")["items"] if one["name"] == "anna")
    assert anna["misses"] == 0 and anna["state"] == "available" and anna["cool_until"] is None


def test_what_waits_in_a_queue_is_shut_out_when_its_customer_is_blocked(router, subscriber):
    number = new_number()
    waiting = [router.source().event(ringing(number)).json for _ in range(3)]
    other = router.source().event(ringing(new_number())).json
    block(router, phone=number)
    still = router.client().ok("GET", "interactions?state=open")["items"]
    assert [one["id"] for one in still] == [other["interaction"]]
    for one in waiting:
        subscriber.wait_event("interaction.blocked", one["interaction"])
    router.presence("anna")
    assert [event["subject"] for event in feed(router, "anna", "interaction.offered")] == [other["interaction"]]


def test_active_work_of_a_blocked_customer_goes_on(router):
    number = new_number()
    router.presence("anna")
    offered = router.source().event(ringing(number)).json
    router.agent("anna").ok("POST", f"offers/{offered['offer']}/accept")
    block(router, phone=number)
    assert router.client().ok("GET", f"interactions/{offered['interaction']}")["state"] == "active"
    assert router.agent("anna").ok("POST", f"interactions/{offered['interaction']}/end")["outcome"] == "ended"


def test_a_block_and_an_accept_at_the_same_moment_have_one_order(router, tables):
    router.presence("anna")
    agent, supervisor = router.token("agent", "anna"), router.token("supervisor")
    seen = set()
    for round_number in range(30):
        number = new_number()
        offered = router.source().event(ringing(number)).json
        assert offered["outcome"] == "offered", round_number
        requests = [
            http_request("POST", "/v1/projects/demo/blacklist", supervisor, {"phone": number}, "application/json"),
            http_request("POST", f"/v1/projects/demo/offers/{offered['offer']}/accept", agent, b"{}", "application/json"),
        ]
        blocked, accepted = http_storm(router.http, requests)
        assert blocked.status == 201 and accepted.status in (200, 409), (blocked, accepted)
        seen.add(accepted.status)
        state = router.client().ok("GET", f"interactions/{offered['interaction']}")["state"]
        if accepted.status == 200:
            assert state == "active"
            taken_over = tables.one("SELECT max(seq) FROM journal WHERE kind = 8")  # INPUT_BLOCK of rules/core.h
            assert int(accepted.json["sequence"]) < taken_over
            router.client().ok("POST", f"interactions/{offered['interaction']}/end")
        else:
            assert accepted.json["code"] == "offer_gone" and state == "closed"
    assert seen, "no round"


def test_nothing_of_a_blocked_customer_is_offered_after_the_block_has_returned(router, subscriber, tables):
    """Calls come in all the time; after the block has returned none is offered."""
    router.presence("anna")
    for _ in range(10):
        number, client = new_number(), router.rpc_client()
        before = [client.send("event.publish", ringing(number)) for _ in range(50)]
        block(router, phone=number)
        after = [client.send("event.publish", ringing(number)) for _ in range(50)]
        assert {call.wait()["outcome"] for call in after} == {"blocked"}
        for call in before:
            call.wait()
        assert router.client().ok("GET", "interactions?state=open")["items"] == []
        client.close()


def test_an_unblocked_customer_passes_at_once(router):
    router.presence("anna")
    source = router.source()
    for _ in range(15):
        number = new_number()
        made = block(router, phone=number)
        assert outcome(source.event(ringing(number))) == "blocked"
        lift(router, made)
        event = ringing(number)
        assert outcome(source.event(event)) == "offered"
        source.event(cloudevent("call.ended", event["subject"]))


def test_a_block_that_is_lifted_in_mid_batch_and_hit_by_it_locks_nobody_out(router, postgres, tables):
    """The batch takes the fence, then the block's row; who lifts the block must not take them the other way round."""
    logged = len(postgres.log_path.read_text())
    number = new_number()
    made = block(router, phone=number)
    fence = Fence(tables)
    asked = Later(router.source().event, ringing(number))
    fence.wait_stuck()
    lifted = Later(lift, router, made)
    wait_for(lambda: tables.waits_for_a_lock("%lift_block%"), "both wait")
    fence.rollback()
    assert outcome(asked.wait()) in ("blocked", "queued") and not lifted.wait()["active"]
    assert outcome(router.source().event(ringing(number))) == "queued"
    assert "deadlock" not in postgres.log_path.read_text()[logged:]


def test_lifting_blocks_while_they_are_hit_stops_nobody(router, postgres):
    logged = len(postgres.log_path.read_text())

    def lift_under_fire():
        client, supervisor = router.rpc_client(), router.client("supervisor")
        for _ in range(8):
            number = new_number()
            made = supervisor.ok("POST", "blacklist", {"phone": number}, 201)
            before = [client.send("event.publish", ringing(number)) for _ in range(60)]
            lifted = supervisor.delete(f"blacklist/{made['id']}")
            assert lifted.status == 200, lifted
            after = client.send("event.publish", ringing(number))
            assert {call.wait()["outcome"] for call in before} <= {"blocked", "queued"}
            assert after.wait()["outcome"] == "queued"
        client.close()

    router.token("source"), router.token("supervisor")
    for worker in [Later(lift_under_fire) for _ in range(4)]:
        worker.wait(120)
    assert "deadlock" not in postgres.log_path.read_text()[logged:]


def test_two_blocks_of_one_number_hold_until_both_are_lifted(router):
    first, second = block(router, phone=NUMBER), block(router, prefix="+4915112")
    lift(router, first)
    assert outcome(router.source().event(ringing(NUMBER))) == "blocked"
    lift(router, second)
    assert outcome(router.source().event(ringing(NUMBER))) == "queued"


def test_a_block_holds_over_a_restart_and_ends_in_time_after_it(router):
    until = now_ms() + 5000
    block(router, phone=NUMBER)
    short = new_number()
    block(router, phone=short, until=from_ms(until))
    for end in (router.stop, router.kill):
        end()
        router.start()
        assert outcome(router.source().event(ringing(NUMBER))) == "blocked"
    if now_ms() < until - 100:
        assert outcome(router.source().event(ringing(short))) == "blocked"
    wait_for(lambda: now_ms() >= until, "the short block's end")
    assert outcome(router.source().event(ringing(short))) == "queued"


CASES = [
    ({"phone": "0151 12345678"}, ringing("+4915112345678"), True),
    ({"phone": "+49 (151) 123 456-78"}, ringing("0049 151 12345678"), True),
    ({"phone": "+4915112345678"}, ringing("sip:+4915112345678@gw.example;user=phone"), True),
    ({"phone": "+4915112345678"}, ringing("+4915112345679"), False),
    ({"phone": "4711"}, ringing("4711"), True),
    ({"prefix": "+49151"}, ringing("0151/12345678"), True),
    ({"prefix": "+49152"}, ringing("+4915112345678"), False),
    ({"prefix": "+49"}, ringing("+43151123456"), False),
    ({"email": "ann@example.com"}, mail("Ann <ANN@Example.COM>"), True),
    ({"email": "ann@example.com"}, mail("ann+offers@example.com"), True),
    ({"email": "ann+offers@example.com"}, mail("ann@example.com"), True),
    ({"email": "ann@example.com"}, mail("a.nn@example.com"), False),
    ({"email": "ann@gmail.com"}, mail("a.n.n+news@googlemail.com"), True),
    ({"email": "a.nn@gmail.com"}, mail("ann@gmail.com"), True),
    ({"email": "jürgen@bücher.de"}, mail("jürgen@xn--bcher-kva.de"), True),
    ({"domain": "example.com"}, mail("anybody@example.com"), True),
    ({"domain": "EXAMPLE.com"}, mail("anybody@sub.example.com"), True),
    ({"domain": "example.com"}, mail("anybody@notexample.com"), False),
    ({"domain": "bücher.de"}, mail("jürgen@xn--bcher-kva.de"), True),
    ({"phone": "0151 12345678", "channels": ["chat"]}, ringing("+4915112345678"), False),
    ({"phone": "0151 12345678", "channels": ["call"]}, ringing("+4915112345678"), True),
    ({"email": "ann@example.com", "channels": ["call"]}, mail("ann@example.com"), False),
]


@pytest.mark.parametrize("members, event, blocked", CASES, ids=lambda value: str(value)[:40] if isinstance(value, dict) else None)
def test_a_block_covers_what_it_names_and_nothing_else(router, members, event, blocked):
    block(router, **members)
    assert outcome(router.source().event(event)) == ("blocked" if blocked else "queued")


def test_a_chat_is_blocked_by_the_phone_or_email_that_its_visitor_gives(router):
    block(router, phone=NUMBER)
    block(router, email="ann@example.com", channels=["chat"])
    source = router.source()

    def visitor(party):
        return cloudevent("chat.message", None, {"from": party, "to": "web", "text": "Hello"})

    assert outcome(source.event(visitor({"id": "v1", "phone": "0151 12345678"}))) == "blocked"
    assert outcome(source.event(visitor({"id": "v2", "email": "Ann@Example.com"}))) == "blocked"
    assert outcome(source.event(visitor({"id": "v3", "email": "bob@example.com"}))) == "queued"


def test_a_blocked_customer_is_blocked_by_each_of_their_contacts_also_by_one_added_later(router):
    client, source = router.client(), router.source()
    person = client.ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": NUMBER}, {"email": "ann@example.com"}]}, 201)
    made = block(router, customer=person["id"])
    assert outcome(source.event(ringing(NUMBER))) == "blocked"
    assert outcome(source.event(mail("ann@example.com"))) == "blocked"
    assert outcome(source.event(mail("other@example.com"))) != "blocked"
    client.ok("PATCH", f"customers/{person['id']}", {"contacts": [{"phone": NUMBER}, {"email": "third@example.com"}]})
    assert outcome(source.event(mail("third@example.com"))) == "blocked"
    assert outcome(source.event(mail("ann@example.com"))) != "blocked"
    lift(router, made)
    assert outcome(source.event(ringing(NUMBER))) != "blocked"


@pytest.mark.parametrize("ended", [False, True], ids=["open", "closed"])
def test_a_reply_of_a_blocked_sender_to_an_old_thread_is_blocked_until_the_very_millisecond(router, tables, ended):
    router.presence("anna")
    source, anna = router.source(), router.agent("anna")
    begun = source.event(mail("ann@example.com", subject="<old@example.com>")).json
    anna.ok("POST", f"offers/{begun['offer']}/accept")
    if ended:
        anna.ok("POST", f"interactions/{begun['interaction']}/end")

    def reply():
        event = mail("ann@example.com")
        event["data"]["in_reply_to"] = ["<old@example.com>"]
        return source.event(event).json

    router.token("supervisor")  # made before time counts
    until = now_ms() + 1500
    block(router, email="ann@example.com", until=from_ms(until))
    answers = [reply()]
    assert answers[0]["identity"]["outcome"] == "blocked"
    assert feed(router, "anna", "interaction.message", "interaction.offered")[1:] == [], "nothing reaches her"
    while now_ms() < until + 50:
        answers.append(reply())
    times = dict(tables.query("SELECT seq, at_ms FROM journal WHERE seq = ANY(%s)", [int(one["sequence"]) for one in answers]))
    blocked = [times[int(one["sequence"])] for one in answers if one["outcome"] == "blocked"]
    passed = [one for one in answers if one["outcome"] != "blocked"]
    assert max(blocked) < until <= min(times[int(one["sequence"])] for one in passed)
    assert passed[0]["outcome"] == ("offered" if ended else "attached")
    assert (passed[0]["interaction"] == begun["interaction"]) == (not ended)


def test_messages_of_a_blocked_visitor_in_an_open_chat_reach_nobody(router, subscriber):
    router.presence("ben")
    first = chat("v1")
    first["data"]["from"] = {"id": "v1", "email": "ann@example.com"}
    offered = router.source().event(first).json
    router.agent("ben").ok("POST", f"offers/{offered['offer']}/accept")
    block(router, email="ann@example.com")
    again = {**first, "id": first["id"] + "-2"}
    assert outcome(router.source().event(again)) == "blocked"
    assert feed(router, "ben", "interaction.message") == []
