"""What routing remembers over a kill -9: whose turn it is, how far requirements are relaxed, the rule and what it read."""
import time

import pytest

from harness.http_client import chat, ringing
from harness.process import wait_for

pytestmark = pytest.mark.alone  # its clocks run

HEAD = """\
project: demo
region: DE
create: {call: auto, chat: manual, email: auto, at: accept}
endpoints:
  - {phone: "+4930901820", queue: support}
  - {chat: web, queue: chat}
"""

TURNS = HEAD + """\
queues:
  support: {strategy: round_robin}
  chat: {strategy: round_robin}
agents:
  anna: {queues: [support, chat], capacity: {call: 2, chat: 9}}
  ben: {queues: [support, chat], capacity: {call: 2, chat: 9}}
  carl: {queues: [support, chat], capacity: {call: 2, chat: 9}}
"""

RELAXED = HEAD + """\
queues:
  support: {}
  chat: {relax: [{after: 3s, skills: {german: 1}}]}
agents:
  anna: {queues: [support], skills: {german: 5}}
  ben: {queues: [support, chat], skills: {german: 1}}
  dora: {queues: [chat], skills: {german: 5}}
rules:
  - {name: paid, when: "has(event.attributes.plan) && event.attributes.plan == 'paid'", queue: endpoint, skills: {german: 4}}
  - {name: rest, when: "true", queue: endpoint}
"""


def crash(router):
    router.kill()
    router.start()


def answer(router, event):
    got = router.source().event(event)
    assert got.status == 200, got
    return got.json


def test_round_robin_goes_on_after_a_crash(make_router):
    router = make_router(TURNS)
    router.start()
    for name in ("anna", "ben", "carl"):
        router.presence(name)
    asked = []
    for number in range(7):
        if number in (2, 4):
            crash(router)
        asked.append(answer(router, chat(f"v{number}"))["agent"])
    assert asked == ["anna", "ben", "carl"] * 2 + ["anna"]
    # Each channel has its own turn.
    assert answer(router, ringing("+4915100000001"))["agent"] == "anna"


def test_relaxation_goes_on_after_a_crash(make_router):
    router = make_router(RELAXED)
    router.start()
    router.presence("ben")
    event = chat("v1")
    event["data"]["attributes"] = {"plan": "paid"}
    began = time.monotonic()
    waiting = answer(router, event)
    assert waiting["outcome"] == "queued", waiting
    crash(router)
    admin = router.client()
    path = f"interactions/{waiting['interaction']}"
    assert time.monotonic() - began > 2.5 or admin.ok("GET", path)["state"] == "queued"
    wait_for(lambda: admin.ok("GET", path)["state"] == "offered", lambda: admin.ok("GET", path), 15)
    assert time.monotonic() - began >= 2.9
    assert admin.ok("GET", path)["agent"] == "ben"
    # It is not asked for more again when it comes back, also not by a router that has just loaded it.
    crash(router)
    offer = admin.ok("GET", path)["offer"]
    router.agent("ben").ok("POST", f"offers/{offer}/reject", {"cause": "reject"})
    router.presence("ben", "offline")
    router.presence("ben")  # clears the cool-down
    wait_for(lambda: admin.ok("GET", path)["state"] == "offered", lambda: admin.ok("GET", path), 15)
    assert admin.ok("GET", path)["agent"] == "ben"
