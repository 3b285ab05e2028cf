"""Routing over the wire: an offer's ways to end, presence, time and restarts, who may do what, threads of mail."""
import time

import pytest

from harness.http_client import chat, cloudevent, mail, ringing
from harness.projects import AGENTS, project
from harness.times import at, now_ms, to_ms

pytestmark = pytest.mark.alone  # its clocks run

COOL_DOWN = "cool_down: {reject: 300ms, busy: 600ms, no_answer: 300ms, unreachable: 600ms}\n"
COOL_DOWN_MS = {"reject": 300, "busy": 600, "no_answer": 300, "unreachable": 600}
NO_COOL_DOWN = "cool_down: {reject: 0s, busy: 0s, no_answer: 0s, unreachable: 0s}\n"
LATE_MS = 1000  # how late something due may be on a busy machine with sanitizers


@pytest.fixture
def desk(make_desk):
    return make_desk(NO_COOL_DOWN)


# --- how an offer ends ---


def test_an_offer_that_nobody_answers_moves_on_to_the_next_agent(make_desk):
    desk = make_desk(offer_timeout="2s")
    desk.router.presence("anna")  # idle for longer: she is asked first
    desk.router.presence("ben")
    offered = desk.event(ringing())
    gone = desk.wait("offer.withdrawn", offered, cause="timeout", agent="anna")
    moved = desk.wait("interaction.offered", offered, agent="ben")
    assert moved["data"]["offer"] != offered["offer"] and moved["sequence"] == gone["sequence"]
    late = desk.accept(offered)
    assert (late.status, late.json["code"]) == (409, "offer_gone")
    assert desk.accept({**offered, "agent": "ben", "offer": moved["data"]["offer"]}).status == 200
    assert desk.interaction(offered)["attempts"] == 2


@pytest.mark.parametrize("cause", list(COOL_DOWN_MS))
def test_a_rejection_cools_the_agent_down_by_its_cause_and_the_call_keeps_its_place(make_desk, cause):
    desk = make_desk(COOL_DOWN)
    desk.router.presence("anna")
    first, second = desk.event(ringing()), desk.event(ringing())
    assert (first["outcome"], second["outcome"]) == ("offered", "queued")
    desk.reject(first, cause)
    back = desk.wait("offer.withdrawn", first, cause=cause)
    again = desk.told.wait_event("interaction.offered", first["interaction"],
                                 match=lambda event: event["data"]["offer"] != first["offer"])
    assert 0 <= at(again) - at(back) - COOL_DOWN_MS[cause] < LATE_MS, "the older one, when the cool-down is over"
    assert desk.counts(second, "interaction.offered") == 0
    assert desk.reject({"agent": "anna", "offer": again["data"]["offer"]}, "reject")["outcome"] == "rejected"


def test_misses_in_a_row_take_an_agent_out_until_it_says_available(make_desk):
    desk = make_desk(NO_COOL_DOWN + "misses: 2\n", offer_timeout="1500ms")
    desk.router.presence("anna")
    call = desk.event(ringing())
    out = desk.told.wait_event("agent.presence", agent="anna", state="not_responding", reason="misses")
    assert desk.counts(call, "interaction.offered") == 2 and desk.state(call) == "queued"
    assert desk.agent("anna")["state"] == "not_responding"
    desk.router.presence("anna")
    again = desk.told.wait_event("interaction.offered", call["interaction"], match=lambda event: event["sequence"] > out["sequence"])
    assert desk.accept({"agent": "anna", "offer": again["data"]["offer"]}).status == 200
    desk.admin.ok("POST", f"interactions/{call['interaction']}/end")
    missed = desk.event(ringing())  # an accept has cleared the misses: one more does not take out
    desk.wait("offer.withdrawn", missed, cause="timeout")
    desk.told.wait_event("interaction.offered", missed["interaction"], match=lambda event: event["data"]["offer"] != missed["offer"])
    assert desk.agent("anna")["state"] == "available"


def test_who_does_not_respond_is_not_back_because_its_desktop_renews_the_lease(make_desk):
    desk = make_desk(NO_COOL_DOWN + "misses: 1\n", offer_timeout="200ms")
    desk.router.presence("anna", lease=30)
    call = desk.event(ringing())
    desk.told.wait_event("agent.presence", agent="anna", state="not_responding")
    assert desk.router.presence("anna", lease=30)["state"] == "not_responding"
    assert desk.agent("anna")["state"] == "not_responding"
    assert desk.router.presence("anna", "break", lease=30)["state"] == "break"
    assert desk.router.presence("anna", lease=30)["state"] == "available"
    assert desk.told.wait_event("interaction.offered", call["interaction"], match=lambda event: event["data"]["offer"] != call["offer"])


def test_rejections_count_as_misses_only_when_the_agent_was_not_there(make_desk):
    desk = make_desk(NO_COOL_DOWN + "misses: 2\n")
    desk.router.presence("anna")
    call = desk.event(ringing())
    for cause in ("reject", "busy", "reject"):
        desk.reject({"agent": "anna", "offer": desk.interaction(call)["offer"]}, cause)
    assert desk.agent("anna")["state"] == "available"
    for cause in ("no_answer", "unreachable"):
        desk.reject({"agent": "anna", "offer": desk.interaction(call)["offer"]}, cause)
    assert desk.agent("anna")["state"] == "not_responding" and desk.state(call) == "queued"


def test_a_caller_who_hangs_up_while_offered_costs_no_miss(make_desk):
    desk = make_desk(COOL_DOWN + "misses: 1\n")
    desk.router.presence("anna")
    for _ in range(3):
        event = ringing()
        offered = desk.event(event)
        assert desk.event(cloudevent("call.ended", event["subject"]))["outcome"] == "ended"
        desk.wait("offer.withdrawn", offered, cause="ended", agent="anna")
        desk.wait("interaction.ended", offered)
        late = desk.accept(offered)
        assert (late.status, late.json["code"]) == (409, "offer_gone")
    assert desk.agent("anna")["state"] == "available"


def test_of_two_answers_to_one_offer_only_the_first_counts(desk):
    desk.router.presence("anna")
    offered = desk.event(ringing())
    taken = desk.accept(offered)
    assert taken.status == 200 and taken.json["outcome"] == "assigned"
    assert desk.accept(offered).status == 200, "an accept that was sent twice is one"
    refused = desk.router.agent("anna").post(f"offers/{offered['offer']}/reject", {"cause": "reject"})
    assert refused.status == 409 and refused.json["code"] == "offer_gone"
    other = desk.accept(offered, "ben")
    assert other.status in (403, 404, 409), other
    assert desk.counts(offered, "interaction.assigned") == 1


# --- presence and time ---


def test_a_lost_lease_means_offline_and_after_the_grace_work_waits_at_its_old_place(make_desk):
    desk = make_desk(NO_COOL_DOWN + "grace: 2s\n")
    desk.router.presence("anna", lease=3)
    taken = desk.event(ringing())
    assert desk.accept(taken).status == 200
    younger = desk.event(ringing())
    gone = desk.told.wait_event("agent.presence", agent="anna", state="offline")
    assert gone["data"]["reason"] == "lease_expired" and desk.state(taken) == "active"
    back = desk.wait("interaction.queued", taken)
    assert 2000 <= at(back) - at(gone) < 2000 + LATE_MS
    desk.router.presence("ben")
    assert desk.wait("interaction.offered", taken, agent="ben")
    assert desk.state(younger) == "queued", "the older one comes first"


def test_who_is_back_within_the_grace_finds_everything_as_it_was(make_desk):
    desk = make_desk(NO_COOL_DOWN + "grace: 3s\n")
    desk.router.presence("ben")  # nobody must be given what is anna's
    desk.admin.ok("PUT", "agents/ben/presence", {"state": "break", "lease": 0})
    desk.router.presence("anna", lease=2)
    call, letter = desk.event(ringing()), desk.event(mail("ann@example.com"))
    assert desk.accept(call).status == 200
    gone = desk.told.wait_event("agent.presence", agent="anna", state="offline")
    desk.router.presence("anna", lease=1)
    assert (desk.state(call), desk.state(letter)) == ("active", "offered")
    assert desk.accept(letter).status == 200
    for _ in range(8):  # renewed in time, for longer than the grace
        time.sleep(0.4)
        desk.router.presence("anna", lease=1)
    assert (desk.state(call), desk.state(letter)) == ("active", "active")
    moved = [event for event in desk.told.events if event["sequence"] > gone["sequence"] and event["type"] in
             ("offer.withdrawn", "interaction.queued")]
    assert not moved


def test_going_offline_by_hand_gives_offers_back_at_once_and_keeps_active_work_for_the_grace(make_desk):
    desk = make_desk(NO_COOL_DOWN + "grace: 700ms\n")
    desk.router.presence("anna")
    letter = desk.event(mail("ann@example.com"))
    assert desk.accept(letter).status == 200
    call = desk.event(ringing())
    desk.router.presence("ben")
    answer = desk.router.presence("anna", "offline")
    gone = desk.wait("offer.withdrawn", call, cause="offline", agent="anna")
    moved = desk.wait("interaction.offered", call, agent="ben")
    assert gone["sequence"] == moved["sequence"] == answer["sequence"]
    assert desk.state(letter) == "active"
    back = desk.wait("interaction.queued", letter)
    assert 700 <= at(back) - at(gone) < 700 + LATE_MS


def test_a_break_keeps_what_the_agent_has_and_brings_nothing_new(desk):
    desk.router.presence("anna")
    offered = desk.event(ringing())
    desk.router.presence("anna", "break")
    assert desk.event(mail("ann@example.com"))["outcome"] == "queued"
    assert desk.accept(offered).status == 200


def test_wrap_up_holds_the_next_call(make_desk):
    desk = make_desk(NO_COOL_DOWN, wrap_up="800ms")
    desk.router.presence("anna")
    event = ringing()
    first, second = desk.event(event), desk.event(ringing())
    assert desk.accept(first).status == 200
    desk.event(cloudevent("call.ended", event["subject"]))
    ended, offered = desk.wait("interaction.ended", first), desk.wait("interaction.offered", second)
    assert 800 <= at(offered) - at(ended) < 800 + LATE_MS


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_3_s_before_an_offers_end_ends_it_once_and_on_time(make_desk, how):
    desk = make_desk("cool_down: {no_answer: 60s}\n", offer_timeout="6s")
    desk.router.presence("anna")
    offered = desk.event(ringing())
    desk.router.presence("ben")
    told = desk.wait("interaction.offered", offered)
    expires = to_ms(told["data"]["expires_at"])
    time.sleep(max(0, expires - now_ms() - 3000) / 1000)
    getattr(desk.router, how)()
    desk.router.start()
    up = now_ms()
    gone = desk.wait("offer.withdrawn", offered, cause="timeout", timeout=20)
    moved = desk.wait("interaction.offered", offered, agent="ben")
    assert moved["sequence"] == gone["sequence"]
    # On time if the router was up again by then, else as soon as it was.
    assert 0 <= at(gone) - expires < max(0, up - expires) + LATE_MS
    assert desk.accept(offered).json["code"] == "offer_gone"
    assert desk.accept({"agent": "ben", "offer": moved["data"]["offer"]}).status == 200
    assert desk.counts(offered, "offer.withdrawn") == 1 and desk.counts(offered, "interaction.offered") == 2


def test_an_accept_after_a_restart_is_as_good_as_before(make_desk):
    desk = make_desk(offer_timeout="60s")
    desk.router.presence("anna")
    offered = desk.event(ringing())
    desk.router.kill()
    desk.router.start()
    assert desk.accept(offered).status == 200


# --- conversations ---


def test_an_end_before_its_beginning_closes_and_never_offers(desk):
    desk.router.presence("anna")
    event = ringing()
    ended = desk.event(cloudevent("call.ended", event["subject"]))
    begun = desk.event(event)
    assert ended["outcome"] == begun["outcome"] == "ended" and ended["interaction"] == begun["interaction"]
    assert desk.state(ended) == "closed" and desk.counts(ended, "interaction.offered") == 0


def outbound(agent):
    return cloudevent("call.ringing", data={"from": "+4930901820", "to": "+4915112345678", "direction": "outbound",
                                            "attributes": {"agent": agent}})


def test_an_outbound_call_is_its_agents_at_once_with_the_script_and_never_offered(desk):
    person = desk.admin.ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": "+4915112345678"}]}, 201)
    desk.router.presence("anna")
    desk.router.presence("ben")
    event = outbound("anna")
    call = desk.event(event)
    assert "offer" not in call or call["offer"] is None
    told = desk.wait("interaction.assigned", call, agent="anna")
    assert told["data"]["screen"] == "script" and told["data"]["open"] == {"customer": person["id"]}
    whole = desk.interaction(call)
    assert whole["state"] == "active" and whole["agent"] == "anna"
    assert desk.event(ringing())["agent"] == "ben", "anna is busy"
    assert desk.event(cloudevent("call.ended", event["subject"]))["outcome"] == "ended"
    assert desk.counts(call, "interaction.offered") == 0 and desk.state(call) == "closed"


def test_a_call_that_is_handed_on_at_the_exchange_is_who_answers_it(desk):
    desk.router.presence("anna")
    event = ringing()
    call = desk.event(event)
    assert desk.accept(call).status == 200
    moved = cloudevent("call.answered", event["subject"], {"agent": "ben"})
    assert desk.event(moved)["agent"] == "ben"
    gone = desk.wait("interaction.queued", call, agent="anna", cause="answered")
    here = desk.wait("interaction.assigned", call, agent="ben")
    assert gone["sequence"] == here["sequence"] and here["data"]["screen"] == "script"
    assert desk.interaction(call)["agent"] == "ben" and desk.accept(call).json["code"] == "offer_gone"
    assert desk.event(ringing())["agent"] == "anna", "she is free again"
    before = desk.wait("interaction.offered", call, agent="anna")["time"]
    assert desk.event(cloudevent("call.answered", event["subject"], {"agent": "anna"}, time=before))["agent"] == "ben", "old news"


def test_messages_of_a_chat_attach_and_reach_the_agent_with_their_text(desk, redis):
    heard = redis.subscribe(desk.router.channel("agent", "ben"))
    desk.router.presence("ben")
    first = chat("v1", text="Hello")
    offered = desk.event(first)
    told = heard.wait_event("interaction.offered", offered["interaction"])
    assert told["data"]["screen"] == "ticket" and told["data"]["channel"] == "chat"
    assert desk.event(chat("v1", first["subject"], text="Anybody?"))["outcome"] == "attached"
    heard.wait_event("interaction.message", offered["interaction"], text="Anybody?")
    assert desk.accept(offered).status == 200
    attached = desk.event(chat("v1", first["subject"], text="Grüße \u2028 \U0001f600"))
    assert attached["outcome"] == "attached" and attached["interaction"] == offered["interaction"]
    heard.wait_event("interaction.message", offered["interaction"], text="Grüße \u2028 \U0001f600")
    assert desk.event(cloudevent("chat.ended", first["subject"]))["outcome"] == "ended"
    again = desk.event(chat("v1", first["subject"], text="Still there?"))
    assert again["interaction"] != offered["interaction"] or again["outcome"] == "ended"
    heard.close()


def letter_to(original, name, value):
    event = mail("ann@example.com", subject=f"<{now_ms()}-{name}@example.com>")
    event["data"][name] = value
    return event


@pytest.mark.parametrize("name", ["in_reply_to", "references"])
def test_a_mail_attaches_to_the_thread_that_it_answers(desk, name):
    first = mail("ann@example.com", subject="<first@example.com>")
    begun = desk.event(first)
    for value in (["<first@example.com>"], ["<unknown@example.com>", "<first@example.com>"],
                  "<unknown@example.com> <first@example.com>"):
        attached = desk.event(letter_to(first, name, value))
        assert (attached["outcome"], attached["interaction"]) == ("attached", begun["interaction"]), value
    other = desk.event(letter_to(first, name, ["<unknown@example.com>"]))
    assert other["outcome"] == "queued" and other["interaction"] != begun["interaction"]


MACHINES = [
    ("an automatic reply", "ann@example.com", {"Auto-Submitted": "auto-replied"}),
    ("a mailing list", "list@example.com", {"List-Id": "<news.example.com>"}),
    ("bulk", "ann@example.com", {"Precedence": "bulk"}),
    ("a bounce", "<>", {}),
    ("our own address", "help@demo.example", {}),
]


@pytest.mark.parametrize("_, sender, headers", MACHINES, ids=[case[0] for case in MACHINES])
def test_machine_mail_is_ignored_or_attached_silently_and_creates_nobody(desk, tables, _, sender, headers):
    desk.router.presence("anna")
    event = mail(sender)
    event["data"]["headers"] = headers
    answer = desk.event(event)
    assert answer["outcome"] == "ignored" and answer["identity"]["outcome"] == "machine" and "offer" not in answer
    begun = desk.event(mail("known@example.com", subject="<thread@example.com>"))
    event = mail(sender)
    event["data"].update(headers=headers, in_reply_to=["<thread@example.com>"])
    answer = desk.event(event)
    assert (answer["outcome"], answer["interaction"]) == ("attached", begun["interaction"])
    assert answer["identity"]["outcome"] == "machine" and desk.counts(begun, "interaction.message") == 0
    assert tables.query("SELECT count(*) FROM customers") == [(1,)]


@pytest.mark.parametrize("event", [ringing(to="+4930111111"), mail("ann@example.com", to="nobody@demo.example"), chat(to="app")],
                         ids=["call", "mail", "chat"])
def test_an_event_to_an_address_that_no_endpoint_has_is_refused_there(desk, event, tables):
    answer = desk.source.event(event)
    assert answer.status == 400 and answer.json["code"] == "invalid" and answer.json["pointer"] == "/data/to"
    assert tables.query("SELECT count(*) FROM interactions") == [(0,)]


# --- who may ---


def test_supervisors_end_whatever_is_open_and_agents_only_what_is_theirs(desk):
    supervisor, ben = desk.router.client("supervisor"), desk.router.agent("ben")
    desk.router.presence("anna")
    active = desk.event(ringing())
    assert desk.accept(active).status == 200
    queued = desk.event(ringing())
    offered = desk.event(mail("ann@example.com"))
    assert [desk.state(one) for one in (active, queued, offered)] == ["active", "queued", "offered"]
    for one in (active, queued, offered):
        assert ben.post(f"interactions/{one['interaction']}/end").status in (403, 404)
    for one in (queued, offered):
        assert desk.router.agent("anna").post(f"interactions/{one['interaction']}/end").status in (403, 404)
    for one in (queued, offered, active):
        assert supervisor.ok("POST", f"interactions/{one['interaction']}/end")["outcome"] == "ended"
        assert desk.state(one) == "closed"
    desk.wait("offer.withdrawn", offered, agent="anna")
    assert desk.accept(offered).json["code"] == "offer_gone"


def test_supervisors_set_anybodys_presence_and_agents_their_own(desk):
    supervisor, anna = desk.router.client("supervisor"), desk.router.agent("anna")
    supervisor.ok("PUT", "agents/ben/presence", {"state": "available", "lease": 0})
    assert desk.event(ringing())["agent"] == "ben"
    for state in ("available", "break", "offline"):
        answer = anna.put("agents/ben/presence", {"state": state})
        assert answer.status == 403 and answer.json["code"] == "forbidden"
    assert desk.agent("ben")["state"] == "available"
    for agent in ("anna", "ben"):
        foreign = desk.interaction({"interaction": desk.admin.ok("GET", "interactions?state=offered")["items"][0]["id"]})
        answer = desk.router.agent(agent).post(f"offers/{foreign['offer']}/accept")
        assert (answer.status == 200) == (agent == foreign["agent"]), answer


# --- another configuration ---


def test_a_new_configuration_moves_nothing(make_desk):
    desk = make_desk(offer_timeout="60s")
    desk.router.presence("anna")
    offered, waiting = desk.event(ringing()), desk.event(ringing())
    letter = desk.event(mail("ann@example.com"))
    expires = desk.interaction(offered)["expires_at"]
    seen = len(desk.told.events)
    text = project({"zoe": "{queues: [support]}", **AGENTS, "abel": "{queues: [chat]}"}, offer_timeout="50s", wrap_up="1s")
    answer = desk.admin.request("PUT", "config", text.encode(), {"Content-Type": "application/yaml"})
    assert answer.status == 200 and answer.json["changed"], answer
    assert [desk.state(one) for one in (offered, waiting, letter)] == ["offered", "queued", "offered"]
    assert desk.interaction(offered)["expires_at"] == expires
    assert desk.accept(offered).status == 200 and desk.accept(letter).status == 200
    kinds = [event["type"] for event in desk.told.events[seen:]]
    assert set(kinds) <= {"interaction.assigned"}, kinds
    desk.router.presence("zoe")
    assert desk.wait("interaction.offered", waiting, agent="zoe")
