"""Queues that cannot take it: each reason's own way, as it is told on Redis and explained."""
import datetime

import pytest

from harness.http_client import cloudevent, ringing

# A queue, its number, where its calls go and what the event says why; who is there makes the reason true.
WAYS = [
    ("shut", "21", "voicemail", "closed"),
    ("full", "22", "second", "overload"),
    ("gone", "23", "nobody", "none_logged_in"),
    ("pause", "24", "lunch", "all_on_break"),
    ("busy", "25", "later", "all_at_capacity"),
    ("german", "26", "english", "none_skilled"),
]


def today(days=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).date().isoformat()


def number(name):
    return "+493090182" + next(ends for queue, ends, _, _ in WAYS if queue == name)


def text():
    endpoints = "".join(f"  - {{phone: \"{number(queue)}\", queue: {queue}}}\n" for queue, _, _, _ in WAYS)
    targets = "".join(f"  {target}: {{}}\n" for target in sorted({way[2] for way in WAYS} | {"patient"}))
    return f"""\
project: demo
region: DE
create: {{call: auto, chat: manual, email: auto, at: accept}}
endpoints:
{endpoints}  - {{phone: "+4930901829", queue: slow}}
  - {{phone: "+4930901820", queue: held}}
queues:
  shut: {{hours: never_today}}
  full: {{overflow: {{waiting: 1, queue: second}}}}
  gone: {{when_empty: {{none_logged_in: nobody}}}}
  pause: {{when_empty: {{all_on_break: lunch}}}}
  busy: {{when_empty: {{all_at_capacity: later}}}}
  german: {{when_empty: {{none_skilled: english}}}}
  slow: {{overflow: {{wait: 1s, queue: patient}}}}
  held: {{hours: until_later}}
{targets}hours:
  never_today: {{zone: UTC, open: ["mon-sun 00:00-24:00"], closed: [{today()}, {today(1)}], otherwise: voicemail}}
  until_later: {{zone: UTC, open: ["mon-sun 00:00-24:00"], closed: [{today()}, {today(1)}]}}
agents:
  anna: {{queues: [busy, slow], skills: {{german: 1}}, capacity: {{call: 1}}}}
  ben: {{queues: [pause, full, gone]}}
  carl: {{queues: [german]}}
  eva: {{queues: [german], skills: {{german: 5}}}}
rules:
  - {{name: german, when: "to == '{number("german")}'", queue: german, skills: {{german: 3}}}}
  - {{name: rest, when: "true", queue: endpoint}}
"""


@pytest.fixture
def desk(make_desk):
    return make_desk(text=text())


def ring(desk, to):
    return desk.event(ringing(to=to))


@pytest.mark.parametrize("queue, _, target, cause", WAYS, ids=[way[3] for way in WAYS])
def test_every_reason_takes_its_own_way_and_says_so(desk, redis, queue, _, target, cause):
    heard = redis.subscribe(desk.router.channel("queue", target))
    if queue == "pause":
        desk.router.presence("ben", "break")
    if queue == "busy":
        desk.router.presence("anna")
        assert ring(desk, number(queue))["agent"] == "anna"
    if queue == "german":
        desk.router.presence("carl")  # who has not the skill
    if queue == "full":
        assert ring(desk, number(queue))["queue"] == "full", "one may wait"
    call = ring(desk, number(queue))
    assert (call["outcome"], call["queue"]) == ("queued", target)
    for told in (desk.wait("interaction.queued", call), heard.wait_event("interaction.queued", call["interaction"])):
        assert (told["data"]["queue"], told["data"]["cause"]) == (target, cause)
    [why] = desk.admin.ok("GET", f"decisions/{call['sequence']}/explain")["explanations"]
    left = {"queue": queue, "left_because": cause if cause in ("closed", "overload") else "empty"}
    if cause == "closed":
        left["hours"] = "never_today"
    elif cause != "overload":
        left["empty"] = cause
    assert why["path"] == [left] and why["queue"] == target
    heard.close()


def test_what_has_waited_for_long_overflows_and_says_so(desk, redis):
    heard = redis.subscribe(desk.router.channel("queue", "patient"))
    call = ring(desk, "+4930901829")
    assert (call["outcome"], call["queue"]) == ("queued", "slow")
    before = desk.interaction(call)["enqueued_at"]
    told = heard.wait_event("interaction.queued", call["interaction"], cause="waited")
    assert told["data"]["queue"] == "patient" and desk.interaction(call)["enqueued_at"] == before
    heard.close()


@pytest.mark.parametrize("queue, state, target, cause", [("gone", "offline", "nobody", "none_logged_in"),
                                                         ("pause", "break", "lunch", "all_on_break")])
def test_what_waits_goes_on_when_the_last_one_leaves_in_its_order_and_says_so(desk, queue, state, target, cause):
    desk.router.presence("ben")
    assert ring(desk, number("full"))["agent"] == "ben", "who is busy by now"
    waiting = [ring(desk, number(queue)) for _ in range(3)]
    assert [one["queue"] for one in waiting] == [queue] * 3
    left = desk.router.presence("ben", state)
    told = [desk.told.wait_event("interaction.queued", one["interaction"], cause=cause) for one in waiting]
    assert [event["data"]["queue"] for event in told] == [target] * 3
    assert {event["sequence"] for event in told} == {left["sequence"]}
    assert [event["id"] for event in told] == sorted((event["id"] for event in told), key=lambda one: int(one.split(".")[1]))


def test_a_closed_queue_without_another_holds_and_why_names_the_hours(desk):
    call = ring(desk, "+4930901820")
    assert (call["outcome"], call["queue"]) == ("queued", "held")
    answer = desk.admin.ok("GET", f"interactions/{call['interaction']}/why")
    opens = datetime.datetime.fromisoformat(today(2) + "T00:00:00+00:00")
    assert answer["why"]["held_until_ms"] == opens.timestamp() * 1000 and answer["why"]["hours"] == "until_later"
    assert answer["why"]["candidates"] == [] and "held until the queue opens (hours until_later)" in answer["words"]
    assert desk.event(cloudevent("call.ended", desk.interaction(call)["subject"]))["outcome"] == "ended"
