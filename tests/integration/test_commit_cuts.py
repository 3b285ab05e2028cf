"""The connection to PostgreSQL cut at each point of a commit, or silent in the middle of one: an event is in once, and a
producer that asks again gets the one answer."""
import itertools
import signal
import time

import pytest

from harness.fence import Fence, Later, check_journal, publish_until_accepted
from harness.http_client import chat, mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.proxy import TO_CLIENT, TO_SERVER, Proxy
from harness.router import Router
from harness.storm import http_request, http_storm
from harness.tables import Tables

EVENTS = "/v1/projects/demo/events"
POINTS = 14  # a lane
_numbers = itertools.count(1)


class Lane:
    """A router of its own with a database of its own, behind a proxy that cuts. Lanes run side by side: most of the time
    of a cut is the router's back-off."""

    def __init__(self, folder, cluster, redis, direction, hard):
        self.direction, self.hard = direction, hard
        self.name = f"{direction}-{'hard' if hard else 'soft'}"
        self.database = cluster.make_database()
        self.tables = Tables(self.database)
        self.proxy = Proxy(cluster.port)
        path = folder / f"{self.name}.yaml"
        path.write_text(project())
        self.router = Router(folder, self.database, redis, path, database_port=self.proxy.port, name=self.name,
                             flags=["--lease", "10m", "--storage-wait", "20s"])
        self.router.expect_log("database is away|cannot be confirmed|redis is away")
        self.router.apply()
        self.answers, self.settled = [], 0

    def start(self):
        self.router.start()
        self.router.presence("anna")
        self.source = self.router.source()
        return self

    def close(self):
        try:
            self.router.stop()
        finally:
            self.tables.close()
            self.proxy.close()
            self.database.drop()

    def wait_quiet(self):
        """Connected, and nothing passes: what passes next is the commit."""
        wait_for(self.router.is_ready, lambda: f"ready; {self.router.log()[-2000:]}")
        while True:
            before = dict(self.proxy.bytes)
            time.sleep(0.15)
            if before == self.proxy.bytes:
                return

    @staticmethod
    def events():
        """A batch that writes to every table."""
        number = next(_numbers)
        return [mail(f"new{number}@example.org"), ringing(f"+49151300{number:05}"), chat(f"visitor-{number}")]

    def warm_up(self):
        """The connections know the token and have prepared their statements: what passes next is one commit."""
        events = self.events()
        self.answers += zip(events, self.publish(events))
        self.wait_quiet()

    def rehearse(self):
        """How many bytes go that way for one commit."""
        self.warm_up()
        before = self.proxy.bytes[self.direction]
        self.warm_up()
        return self.proxy.bytes[self.direction] - before

    def publish(self, events):
        """All in one request; whatever is refused comes again."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            answer = self.source.batch(events)
            if answer.status == 200 and all(item.get("status", 200) != 503 for item in answer.json):
                return answer.json
            time.sleep(0.05)
        raise AssertionError(f"{self.name}: not accepted: {answer}")

    def run(self):
        size = self.rehearse()
        assert size > 100, "nothing was rehearsed"
        for point in range(POINTS):
            self.wait_quiet()
            self.warm_up()
            self.proxy.cut(self.direction, 1 + size * point // POINTS, self.hard)
            events = self.events()
            answers = self.publish(events)
            self.proxy.cut_after[self.direction] = None
            self.answers += zip(events, answers)
        self.wait_quiet()

    def check(self):
        for event, answer in self.answers:
            assert answer.get("outcome") in ("offered", "queued"), (self.name, answer)
            again = self.source.event(event)
            assert again.status == 200 and again.json == answer, (self.name, event, answer, again)
            assert "Patchbay-Duplicate" in again.headers
        rows = self.tables.query("SELECT seq FROM journal WHERE event_key IS NOT NULL ORDER BY seq")
        assert len(rows) == len(self.answers)
        assert {int(answer["sequence"]) for _, answer in self.answers} == {row[0] for row in rows}
        assert self.tables.one("SELECT count(*) FROM interactions") == len(rows)
        created = [answer for _, answer in self.answers if answer["identity"]["outcome"] == "created"]
        assert len(created) == self.tables.one("SELECT count(*) FROM customers") == len(rows) / 3
        check_journal(self.tables)
        self.settled = self.router.log().count("a commit in doubt is settled")


@pytest.fixture
def lanes(tmp_path, postgres, redis):
    made = [Lane(tmp_path, postgres, redis, direction, hard) for direction in (TO_SERVER, TO_CLIENT) for hard in (False, True)]
    yield made
    for lane in made:
        lane.close()
    faults = [fault for lane in made for fault in lane.router.log_faults()]
    assert not faults, "\n".join(faults)


def test_a_connection_that_is_cut_at_any_byte_of_a_commit_leaves_each_event_in_once(lanes):
    for lane in lanes:
        lane.start()
    running = [Later(lane.run) for lane in lanes]
    for one in running:
        one.wait(150)
    for lane in lanes:
        lane.check()
    settled = {lane.name: lane.settled for lane in lanes}
    assert min(settled.values()) >= 1 and sum(settled.values()) >= POINTS, f"hardly a commit was cut: {settled}"


@pytest.fixture
def cut_off(make_router, make_proxy, database):
    """A router that waits a second for storage, behind a proxy."""
    proxy = make_proxy(database.cluster.port)
    router = make_router(database_port=proxy.port, flags=["--storage-wait", "1s"]).start()
    router.expect_log("database is away|cannot be confirmed")
    publish_until_accepted(router.source(), mail("first@example.org"))  # the token is known: what waits, waits for the commit
    return router, proxy


def says_unavailable(answer):
    assert answer.status == 503 and answer.json["code"] == "storage_unavailable", answer
    assert int(answer.headers.get("Retry-After") or answer.headers["retry-after"]) > 0


def test_events_in_a_database_that_went_away_in_mid_commit_are_told_so_and_are_in_once_later(cut_off, tables):
    """The commit's fate is settled long after its producers were told to come again."""
    router, proxy = cut_off
    events = [mail("new@example.org"), ringing(), mail("new@example.org")]
    for is_in in (False, True):
        fence = Fence(tables)
        requests = [http_request("POST", EVENTS, router.token("source"), event) for event in events]
        asked = Later(http_storm, router.http, requests)
        fence.wait_stuck()
        proxy.refuse()
        if is_in:
            proxy.stall(TO_CLIENT)
            fence.commit()
            wait_for(lambda: tables.one("SELECT count(*) FROM journal WHERE event_key IS NOT NULL") > 1 + 3, "the batch is in")
            proxy.drop_all()
        else:
            tables.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'patchbay writer %'")
            proxy.drop_all()
            fence.commit()
        began = time.monotonic()
        for answer in asked.wait():
            says_unavailable(answer)
        assert time.monotonic() - began < 4
        proxy.heal()
        answers = [publish_until_accepted(router.source(), event) for event in events]
        assert len({answer.json["identity"].get("customer") for answer in (answers[0], answers[2])}) == 1
        assert [router.source().event(event).bytes for event in events] == [answer.bytes for answer in answers]
        router.wait_log(f"in={'true' if is_in else 'false'}")
        check_journal(tables)
        events = [mail("second@example.org"), ringing("+4915199999999"), mail("second@example.org")]
    assert tables.one("SELECT count(*) FROM journal WHERE event_key IS NOT NULL") == 1 + 3 + 3
    assert tables.one("SELECT count(*) FROM customers") == 1 + 2


def test_every_copy_of_an_event_is_told_in_time_that_storage_is_away(cut_off, tables):
    router, proxy = cut_off
    proxy.refuse()
    proxy.drop_all()
    wait_for(lambda: not router.is_ready(), "the router has seen it")
    event = ringing()
    began = time.monotonic()
    answers = http_storm(router.http, [http_request("POST", EVENTS, router.token("source"), event)] * 10, timeout=30)
    for answer in answers:
        says_unavailable(answer)
    assert time.monotonic() - began < 4, "copies wait one after the other"
    proxy.heal()
    publish_until_accepted(router.source(), event)
    assert tables.one("SELECT count(*) FROM interactions") == 1 + 1


@pytest.mark.parametrize("directions", [(TO_SERVER,), (TO_CLIENT,), (TO_SERVER, TO_CLIENT)], ids=" and ".join)
def test_a_database_that_says_nothing_any_more_is_answered_for_and_the_commit_settled(cut_off, tables, directions):
    router, proxy = cut_off
    proxy.stall(*directions)
    events = [mail("new@example.org"), ringing()]
    began = time.monotonic()
    answers = http_storm(router.http, [http_request("POST", EVENTS, router.token("source"), one) for one in events], timeout=40)
    for answer in answers:
        says_unavailable(answer)
    assert time.monotonic() - began < 14  # a link that says nothing is cut after 10 s
    proxy.heal()
    first = [publish_until_accepted(router.source(), event) for event in events]
    assert [router.source().event(event).bytes for event in events] == [answer.bytes for answer in first]
    assert tables.one("SELECT count(*) FROM interactions") == 1 + 2
    assert tables.one("SELECT count(*) FROM customers") == 1 + 1
    check_journal(tables)


def test_a_fence_that_somebody_holds_is_no_reason_to_wait_for_ever(cut_off, tables):
    router, _ = cut_off
    router.expect_log("refuses a batch for now")
    event = ringing()
    fence = Fence(tables)
    asked = Later(router.source().event, event)
    fence.wait_stuck()
    began = time.monotonic()
    says_unavailable(asked.wait(20))
    assert time.monotonic() - began < 14
    fence.rollback()
    publish_until_accepted(router.source(), event)
    check_journal(tables)


def test_an_event_that_was_told_unavailable_in_mid_commit_and_comes_again_is_decided_once(make_router, tables):
    """The batch that it was in is still in doubt then: it must not be looked up before that shows in the journal."""
    router = make_router(flags=("--storage-wait", "1s")).start()
    router.presence("anna")
    time.sleep(1.2)  # nothing is committed for longer than a request may wait
    event = ringing()
    fence = Fence(tables)
    asked = Later(router.source().event, event)
    fence.wait_stuck()
    says_unavailable(asked.wait())
    again = Later(router.source().event, event)
    time.sleep(0.5)
    fence.rollback()
    assert again.wait().status in (200, 503)
    answer = publish_until_accepted(router.source(), event)
    assert answer.json["outcome"] == "offered"
    assert tables.one("SELECT count(*) FROM journal WHERE event_key IS NOT NULL") == 1
    check_journal(tables)


def test_a_router_that_is_stopped_while_copies_wait_for_a_silent_database_answers_all_and_ends(cut_off, tables):
    router, proxy = cut_off
    proxy.stall()
    event, before = ringing(), router.metric("patchbay_events_total")
    asked = Later(http_storm, router.http, [http_request("POST", EVENTS, router.token("source"), event)] * 5)
    wait_for(lambda: router.metric("patchbay_events_total") == before + 5, "all have come")
    router.process.send_signal(signal.SIGTERM)
    for answer in asked.wait(40):
        says_unavailable(answer)
    assert router.process.wait(20) == 0
    proxy.heal()
    router.start()
    publish_until_accepted(router.source(), event)
    check_journal(tables)
