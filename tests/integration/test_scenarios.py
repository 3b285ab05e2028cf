"""Golden scenarios over the wire that stand in no file about one mechanism: docs/scenarios.md lists all of them."""
import threading
import time

import pytest

from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.times import at, now_ms, to_ms

pytestmark = pytest.mark.alone  # its clocks run

CALLER = "+4915112345678"
LATE_MS = 1000  # how late something due may be on a busy machine with sanitizers
NO_COOL_DOWN = "cool_down: {reject: 0s, busy: 0s, no_answer: 0s, unreachable: 0s}\n"
TEAM = {name: "{queues: [support, mail, chat], capacity: {call: 1, chat: 3, email: 10}}" for name in ("anna", "ben", "carl", "dora")}
PREFER = "prefer: {owner: 4s, last_agent: 3s, within: 30d}\n"


# --- presence and the end of offers ---


def test_a_flap_of_20_s_moves_nothing(make_desk):
    desk = make_desk(offer_timeout="120s")
    desk.router.presence("anna", lease=3)
    active, offered = desk.event(mail("ann@example.com")), desk.event(mail("bob@example.com"))
    assert desk.accept(active).status == 200
    waiting = desk.event(chat())
    before = [desk.interaction(one) for one in (active, offered)]
    gone = desk.told.wait_event("agent.presence", agent="anna", state="offline")
    assert gone["data"]["reason"] == "lease_expired"
    time.sleep(max(0, at(gone) + 20_000 - now_ms()) / 1000)
    desk.router.presence("anna")
    assert [desk.interaction(one) for one in (active, offered)] == before
    since = [event for event in desk.told.events if event["sequence"] >= gone["sequence"]]
    assert {event["type"] for event in since} == {"agent.presence"}, since
    assert desk.accept(offered).status == 200
    desk.router.presence("ben")
    assert desk.wait("interaction.offered", waiting, agent="ben")


def test_accept_and_timeout_in_one_millisecond_have_one_winner(make_desk):
    desk = make_desk(NO_COOL_DOWN + "misses: 100\n", agents={"anna": "{queues: [support], capacity: {call: 50}}"},
                     offer_timeout="8s")
    desk.router.presence("anna")
    deltas = [-5000, *range(-12, 13), 300]  # milliseconds around the end
    offers = [desk.event(ringing(f"+49151123456{number:02}")) for number in range(len(deltas))]
    ends = [to_ms(desk.wait("interaction.offered", offer)["data"]["expires_at"]) for offer in offers]
    answers = [None] * len(deltas)

    def answer(number):
        client, path = desk.router.agent("anna"), f"offers/{offers[number]['offer']}/accept"
        client.get("agents?limit=1")  # connected by now
        time.sleep(max(0, ends[number] + deltas[number] - now_ms()) / 1000)
        answers[number] = client.post(path)

    threads = [threading.Thread(target=answer, args=(number,), daemon=True) for number in range(len(deltas))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for offer, end, got in zip(offers, ends, answers):
        if got.status == 200:
            desk.wait("interaction.assigned", offer)
        fates = [event for event in desk.told.events if event["data"].get("offer") == offer["offer"]
                 and event["type"] in ("interaction.assigned", "offer.withdrawn")]
        if got.status == 200:
            assert [event["type"] for event in fates] == ["interaction.assigned"] and at(fates[0]) < end
        else:
            assert (got.status, got.json["code"]) == (409, "offer_gone")
            gone = desk.told.wait_event("offer.withdrawn", offer["interaction"], offer=offer["offer"], cause="timeout")
            assert at(gone) >= end and [event["type"] for event in fates] in ([], ["offer.withdrawn"])
    assert answers[0].status == 200 and answers[-1].status == 409


# --- whom the customer knows ---


@pytest.fixture
def known(make_desk):
    """Ann is Anna's customer and was called last by Ben; Carl has been idle for longest."""
    desk = make_desk(PREFER + NO_COOL_DOWN, agents=TEAM)
    desk.admin.ok("POST", "customers", {"name": "Ann", "owner": "anna", "contacts": [{"phone": CALLER}]}, 201)
    desk.router.presence("ben")
    event = ringing(CALLER)
    last = desk.event(event)
    assert (last["agent"], desk.accept(last).status) == ("ben", 200)
    desk.event(cloudevent("call.ended", event["subject"]))
    desk.router.presence("ben", "offline")
    desk.router.presence("carl")
    return desk


def asked(desk, decision):
    return desk.admin.ok("GET", f"interactions/{decision['interaction']}/why")["why"]["asked"]


def test_an_owner_who_is_offline_then_the_last_agent_then_the_queue_are_asked_without_delay(known):
    known.router.presence("ben")
    first = known.event(ringing(CALLER))
    assert (first["outcome"], first["agent"], asked(known, first)) == ("offered", "ben", "last_agent")
    lasts = known.interaction(first)
    assert to_ms(lasts["expires_at"]) - to_ms(lasts["offered_at"]) == 3000
    rejected = known.reject(first, "reject")
    next_one = known.told.wait_event("interaction.offered", first["interaction"], agent="carl")
    assert next_one["sequence"] == rejected["sequence"], "in the same decision"
    assert asked(known, first) == "queue"
    known.admin.ok("POST", f"interactions/{first['interaction']}/end")
    known.router.presence("ben", "break")
    second = known.event(ringing(CALLER))
    assert (second["outcome"], second["agent"], asked(known, second)) == ("offered", "carl", "queue")


def test_the_owner_who_is_there_is_asked_first_and_for_as_long_as_prefer_says(known):
    known.router.presence("ben")
    known.router.presence("anna")
    first = known.event(ringing(CALLER))
    assert (first["agent"], asked(known, first)) == ("anna", "owner")
    words = known.admin.ok("GET", f"interactions/{first['interaction']}/why")["words"]
    assert "goes to anna, asked as the customer's owner" in words
    offered = known.wait("interaction.offered", first)
    gone = known.wait("offer.withdrawn", first, cause="timeout", agent="anna")
    assert 4000 <= at(gone) - at(offered) < 4000 + LATE_MS
    known.wait("interaction.offered", first, agent="ben")
    gone = known.wait("offer.withdrawn", first, cause="timeout", agent="ben")
    moved = known.wait("interaction.offered", first, agent="carl")
    assert moved["sequence"] == gone["sequence"]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_keeps_what_is_held_for_the_sake_of_a_preference(known, how):
    known.router.presence("ben")
    known.router.presence("anna")
    first = known.event(ringing(CALLER))
    expires = to_ms(known.interaction(first)["expires_at"])
    getattr(known.router, how)()
    known.router.start()
    up = now_ms()
    if up < expires - LATE_MS:
        assert asked(known, first) == "owner"
    gone = known.wait("offer.withdrawn", first, cause="timeout", agent="anna", timeout=20)
    moved = known.wait("interaction.offered", first, agent="ben")
    assert moved["sequence"] == gone["sequence"]
    assert 0 <= at(gone) - expires < max(0, up - expires) + LATE_MS
    assert to_ms(moved["data"]["expires_at"]) - at(moved) == 3000, "the last agent's time"
    assert known.counts(first, "offer.withdrawn") == 1
    assert known.accept({"agent": "ben", "offer": moved["data"]["offer"]}).status == 200


def test_two_equal_contacts_of_one_customer_go_to_one_agent_if_there_is_room(known):
    for name in ("dora", "ben"):
        known.router.presence(name)

    def write(number):
        event = chat(f"v{number}")
        event["data"]["from"]["phone"] = CALLER
        return known.event(event)

    taken = [write(number) for number in range(4)]
    assert len({one["agent"] for one in taken[:3]}) == 1, taken
    assert [asked(known, one) for one in taken[1:3]] == ["same_agent"] * 2
    assert taken[3]["agent"] != taken[0]["agent"], "there is no room any more"


# --- another configuration ---


def test_a_good_reload_changes_no_agent(make_desk):
    extra = "cool_down: {no_answer: 600s}\n"
    names = {name: "{queues: [support, mail, chat], capacity: {call: 1, chat: 3, email: 10}}" for name in ("anna", "ben", "carl")}
    desk = make_desk(extra, agents=names, offer_timeout="1500ms", wrap_up="600s")
    desk.router.presence("anna")
    event = ringing()
    call = desk.event(event)
    assert desk.accept(call).status == 200
    desk.event(cloudevent("call.ended", event["subject"]))  # anna wraps up
    desk.router.presence("ben", lease=300)
    missed = desk.event(ringing())
    desk.wait("offer.withdrawn", missed, cause="timeout", agent="ben")
    desk.admin.ok("PUT", "agents/carl/presence", {"state": "break", "reason": "lunch", "lease": 0})
    before = {one["name"]: one for one in desk.admin.ok("GET", "agents")["items"]}
    assert before["anna"]["wrap_until"] and before["ben"]["cool_until"] and before["ben"]["misses"] == 1
    assert before["ben"]["lease_until"] and before["carl"]["reason"] == "lunch"
    text = project({"abel": "{queues: [support]}", **names}, offer_timeout="2500ms", wrap_up="1s") + extra
    answer = desk.admin.request("PUT", "config", text.encode(), {"Content-Type": "application/yaml"})
    assert answer.json == {"version": 2, "changed": True}
    after = {one["name"]: one for one in desk.admin.ok("GET", "agents")["items"]}
    assert {name: after[name] for name in names} == before
    assert after["abel"]["state"] == "offline"
    told = [event for event in desk.told.events if event["type"] == "agent.presence"]
    desk.router.presence("abel")
    wait_for(lambda: len([e for e in desk.told.events if e["type"] == "agent.presence"]) == len(told) + 1, "abel alone is new")
