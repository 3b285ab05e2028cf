"""A project that changes hands while a batch is under way: all of it is in, once, or nothing is."""
import os
import signal
import threading
import time

import pytest

from harness.fence import STRANGER, Fence, Later, Stranger, check_journal, publish, publish_until_accepted
from harness.http_client import mail, ringing
from harness.process import wait_for
from harness.storm import http_request, http_storm
from harness.times import now_ms

pytestmark = pytest.mark.alone  # its clocks run

EVENTS = "/v1/projects/demo/events"


def counts(tables):
    """Rows that decisions have left: journal, interactions, customers, feed."""
    return tables.query("SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM interactions),"
                        " (SELECT count(*) FROM customers), (SELECT count(*) FROM feed)")[0]


def says_not_owner(answer, address):
    assert answer.status == 503 and answer.json["code"] == "not_owner", answer
    assert address in answer.json["detail"], answer
    assert int(answer.headers.get("Retry-After") or answer.headers["retry-after"]) > 0


# --- Another writer, in mid-batch ---

def test_a_batch_of_a_project_that_another_took_writes_nothing(router, database, tables):
    router.presence("anna")
    before = counts(tables)
    token = router.token("source")
    events = [ringing(), mail("new@example.org"), ringing("+4915199999999")]
    fence = Fence(tables)
    asked = Later(http_storm, router.http, [http_request("POST", EVENTS, token, event) for event in events])
    fence.wait_stuck()
    stranger = Stranger(database, fence.give_to_stranger())
    fence.commit()
    for answer in asked.wait():
        says_not_owner(answer, STRANGER)
    assert counts(tables) == before
    router.wait_log("standing down")
    for _ in range(3):
        says_not_owner(router.source().event(events[0]), STRANGER)
        says_not_owner(router.agent("anna").put("agents/anna/presence", {"state": "break", "lease": 0}), STRANGER)
    assert counts(tables) == before
    stranger.leave()
    first = [publish_until_accepted(router.source(), event) for event in events]
    assert [answer.json["outcome"] for answer in first] == ["offered", "offered", "queued"]
    assert [router.source().event(event).bytes for event in events] == [answer.bytes for answer in first]
    check_journal(tables)


def test_a_batch_of_an_owner_whose_epoch_was_raised_writes_nothing(router, tables):
    """The same owner by name, another epoch: a settlement by somebody else, or a restored backup."""
    event = mail("new@example.org")
    fence = Fence(tables)
    asked = Later(router.source().event, event)
    fence.wait_stuck()
    fence.execute("UPDATE fences SET epoch = epoch + 1")
    before = counts(tables)
    fence.commit()
    answer = asked.wait()
    assert counts(tables) == before and answer.status == 503
    assert publish_until_accepted(router.source(), event).json["identity"]["outcome"] == "created"
    check_journal(tables)


def test_commands_that_depend_on_a_batch_that_is_not_in_are_not_refused_by_it(router, database, tables):
    """Of two accepts of one offer in one batch the second is told offer_gone: only once the first is in."""
    router.presence("anna")
    offered = router.source().event(ringing()).json
    token = router.token("agent", "anna")
    fence = Fence(tables)
    stuck = Later(router.source().event, ringing("+4915199999999"))
    fence.wait_stuck()
    accept = http_request("POST", f"/v1/projects/demo/offers/{offered['offer']}/accept", token, b"{}", "application/json")
    asked = Later(http_storm, router.http, [accept] * 2)
    stranger = Stranger(database, fence.give_to_stranger())
    fence.commit()
    for answer in [stuck.wait(), *asked.wait()]:
        says_not_owner(answer, STRANGER)
    stranger.leave()
    wait_for(router.is_ready, "ready")
    answer = wait_for(lambda: [one for one in http_storm(router.http, [accept]) if one.status != 503], "an answer")[0]
    assert answer.status == 200, answer


def test_a_router_that_lost_its_project_in_doubt_begins_anew_when_it_gets_it_back(make_router, make_proxy, database, tables):
    """The connection is lost in mid-commit, another router takes the project before this one can settle, and gives it back:
    nothing of the lost batch may slip into a later one."""
    proxy = make_proxy(database.cluster.port)
    router = make_router(database_port=proxy.port).start()
    router.expect_log("database is away")
    router.presence("anna")
    before = counts(tables)
    events = [ringing(), mail("new@example.org"), ringing("+4915199999999")]
    fence = Fence(tables)
    asked = Later(http_storm, router.http, [http_request("POST", EVENTS, router.token("source"), one) for one in events])
    fence.wait_stuck()
    proxy.refuse()
    proxy.drop_all()
    stranger = Stranger(database, fence.give_to_stranger())
    fence.commit()
    assert counts(tables) == before
    proxy.heal()
    assert {answer.status for answer in asked.wait()} == {503}
    wait_for(lambda: router.source().event(events[0]).json["code"] == "not_owner", "told that another owns it")
    assert counts(tables) == before
    stranger.leave()
    later = [ringing("+4915155555555"), mail("later@example.org")]
    answers = [publish_until_accepted(router.source(), event) for event in later + events]
    assert len({answer.json["sequence"] for answer in answers}) == 5
    assert tables.one("SELECT count(*) FROM journal WHERE event_key IS NOT NULL") == 5
    assert tables.one("SELECT count(*) FROM customers") == 2
    assert [router.source().event(event).bytes for event in later + events] == [answer.bytes for answer in answers]
    check_journal(tables)


# --- Two routers ---

def stand_by(router):
    """Started, and knows whose the project is. A standby is not ready: nobody should be sent to it."""
    router.expect_log("tokens cannot be confirmed")  # asked before it has reached the database
    router.start(ready=False)
    wait_for(lambda: router.source().event(ringing()).json["code"] == "not_owner", "the standby has read who owns the project")
    return router


@pytest.fixture
def two_routers(make_router):
    """A first that owns the project, with a short lease, and a second that waits for it."""
    first = make_router(flags=["--lease", "2s"]).start()
    second = make_router(flags=["--lease", "2s"])
    second.tokens = first.tokens
    return first, stand_by(second)


def test_a_second_router_says_at_once_who_owns_the_project(two_routers, tables):
    first, second = two_routers
    event = ringing()
    for _ in range(20):
        began = time.monotonic()
        says_not_owner(second.source().event(event), first.http)
        assert time.monotonic() - began < 1
    assert counts(tables)[1:] == (0, 0, 0)
    assert first.source().event(event).status == 200


def test_a_standby_goes_on_with_a_project_that_is_given_back(two_routers, tables):
    first, second = two_routers
    event = ringing()
    answer = first.source().event(event)
    first.stop()
    assert publish_until_accepted(second.source(), event).bytes == answer.bytes
    assert counts(tables)[1] == 1
    check_journal(tables)


def test_a_standby_goes_on_at_once_when_the_owner_was_killed(make_router, tables):
    first = make_router(flags=["--lease", "10m"]).start()
    second = make_router(flags=["--lease", "10m"])
    second.tokens = first.tokens
    event = ringing()
    answer = first.source().event(event)
    stand_by(second)
    first.kill()
    assert publish_until_accepted(second.source(), event, 15).bytes == answer.bytes
    check_journal(tables)


class Producers:
    """Each publishes one event after the other, at whichever router takes it."""

    def __init__(self, routers, count=4):
        self.clients = [router.source() for router in routers]
        self.answers, self.faults = [], []  # (event, answer)
        self.stopping = threading.Event()
        for client in self.clients:
            client.timeout = 2  # it may be stopped in the middle
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        turn = number
        while not self.stopping.is_set():
            event = ringing(f"+49151{number}{now_ms() % 10_000_000:07}")
            while True:
                answer = publish(self.clients[turn % len(self.clients)], event)
                if answer and answer.status == 200:
                    self.answers.append((event, answer))
                    break
                if answer and (answer.status != 503 or answer.json["code"] not in ("not_owner", "storage_unavailable")):
                    self.faults.append((event, answer))
                    break
                turn += 1
                time.sleep(0.02)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        assert self.faults == []
        return self.answers


def pause(router):
    os.kill(router.process.pid, signal.SIGSTOP)


def go_on(router):
    os.kill(router.process.pid, signal.SIGCONT)


def test_a_router_that_was_stopped_past_its_lease_stands_down_and_nothing_is_twice_or_lost(two_routers, tables):
    first, second = two_routers
    for router in two_routers:
        router.expect_log("database is away")
    producers = Producers(two_routers)
    owner, standby = first, second
    try:
        for _ in range(3):
            wait_for(lambda: owner.is_ready() and owner.source().event(ringing()).status == 200, "the owner decides")
            have = len(producers.answers)
            wait_for(lambda: len(producers.answers) > have + 20, "the producers are under way")
            pause(owner)
            publish_until_accepted(standby.source(), ringing())
            assert tables.one("SELECT address FROM fences") == standby.http
            go_on(owner)
            wait_for(lambda: says_not_owner_now(owner, standby), lambda: f"{owner.source().event(ringing())}")
            owner, standby = standby, owner
    finally:
        go_on(owner)
        go_on(standby)
    answers = producers.stop()
    assert len({event["id"] for event, _ in answers}) == len(answers)
    assert len({answer.json["sequence"] for _, answer in answers}) == len(answers)
    check_journal(tables)
    for event, answer in answers[::7]:
        assert owner.source().event(event).bytes == answer.bytes


def says_not_owner_now(router, owner):
    answer = router.source().event(ringing())
    assert answer.status == 503, answer
    return answer.json["code"] == "not_owner" and owner.http in answer.json["detail"]


def test_a_router_that_was_stopped_in_mid_batch_answers_what_is_in(two_routers, tables):
    """The batch is with the database when its owner is stopped; it commits, another takes over, the owner wakes up."""
    first, second = two_routers
    first.expect_log("database is away")
    event = ringing()
    fence = Fence(tables)
    asked = Later(first.source().event, event)
    fence.wait_stuck()
    pause(first)
    try:
        fence.commit()
        answer = publish_until_accepted(second.source(), event)
        assert counts(tables)[1] == 1
    finally:
        go_on(first)
    late = asked.wait()
    assert late.status == 503 or late.bytes == answer.bytes
    wait_for(lambda: says_not_owner_now(first, second), "the first stands down")
    check_journal(tables)


def test_a_router_that_was_stopped_while_its_batch_waits_is_fenced_out(two_routers, tables):
    """The lease runs out while the batch waits for the fence. Whoever comes first wins, and the batch is in once."""
    first, second = two_routers
    first.expect_log("database is away|refuses a batch")
    event, source = mail("new@example.org"), first.source()
    fence = Fence(tables)
    asked = Later(source.event, event)
    fence.wait_stuck()
    pause(first)
    try:
        time.sleep(2.5)
        fence.rollback()
        answer = publish_until_accepted(second.source(), event)
    finally:
        go_on(first)
    late = asked.wait()
    assert late.status == 503 or late.bytes == answer.bytes
    wait_for(lambda: says_not_owner_now(first, second), "the first stands down")
    assert tables.one("SELECT count(*) FROM customers") == 1
    check_journal(tables)


def test_an_owner_that_lost_the_project_while_idle_says_who_has_it(router, database, tables):
    fence = Fence(tables)
    stranger = Stranger(database, fence.give_to_stranger())
    fence.commit()
    for _ in range(3):
        says_not_owner(router.source().event(ringing()), STRANGER)
    stranger.leave()
    publish_until_accepted(router.source(), ringing())
    check_journal(tables)
