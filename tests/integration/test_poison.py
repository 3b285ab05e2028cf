"""A row that the database will never take: who sent it is told, and nobody else; its neighbours go on."""
import time

from harness.fence import Fence, Later, check_journal
from harness.http_client import mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.storm import http_request, http_storm

EVENTS = "/v1/projects/demo/events"
TIMER, BLOCK = 6, 8  # enum input_kind of rules/core.h


class Poison:
    """An administrator's trigger that refuses rows for good."""

    def __init__(self, tables, table, condition):
        self.tables, self.table = tables, table
        tables.query("CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS"
                     " $$ BEGIN RAISE EXCEPTION 'not in this house'; END $$")
        tables.query(f"CREATE TRIGGER refuse_row BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition})"
                     " EXECUTE FUNCTION refuse_row()")

    def lift(self):
        self.tables.query(f"DROP TRIGGER refuse_row ON {self.table}")


def storm(router, events):
    return http_storm(router.http, [http_request("POST", EVENTS, router.token("source"), event) for event in events])


def test_of_many_events_the_one_that_the_database_refuses_is_answered_with_an_error(router, tables):
    router.expect_log("the database refuses an input")
    Poison(tables, "content", "NEW.title = 'poison'")
    bad = mail("bad@example.org")
    bad["data"]["subject"] = "poison"
    events = [mail(f"new{number}@example.org") for number in range(40)]
    events.insert(23, bad)
    fence = Fence(tables)  # so that they all meet in one batch
    first = Later(router.source().event, ringing())
    fence.wait_stuck()
    asked = Later(storm, router, events)
    wait_for(lambda: router.metric("patchbay_events_total") == 1 + len(events), "all have come")
    fence.rollback()
    answers = asked.wait()
    assert first.wait().status == 200
    assert [answer.status for answer in answers] == [500 if event is bad else 200 for event in events]
    assert answers[23].json["code"] == "internal"
    assert router.source().event(events[22]).bytes == answers[22].bytes
    check_journal(tables)


def test_an_event_that_a_constraint_refuses_does_not_hold_up_the_others(router, tables):
    """A check violation is passing trouble only where it says that a day has no partition yet."""
    router.expect_log("the database refuses an input")
    tables.query("ALTER TABLE content ADD CONSTRAINT no_poison CHECK (title <> 'poison')")
    bad = mail("bad@example.org")
    bad["data"]["subject"] = "poison"
    answers = storm(router, [mail("one@example.org"), bad, mail("two@example.org")])
    assert [answer.status for answer in answers] == [200, 500, 200]
    check_journal(tables)


def test_an_event_is_not_blamed_for_a_timer_that_the_database_refuses(make_router, tables):
    router = make_router(project(offer_timeout="1s"), flags=["--storage-wait", "30s"]).start()
    router.expect_log("the database refuses a batch for now")
    router.presence("anna")
    source = router.source()
    offered = source.event(ringing()).json
    assert offered["outcome"] == "offered"
    poison = Poison(tables, "journal", f"NEW.kind = {TIMER}")
    wait_for(lambda: "refuses a batch" in router.log(), "the offer's end is refused")
    asked = Later(source.event, ringing("+4915199999999"))
    accept = Later(router.agent("anna").post, f"offers/{offered['offer']}/accept")
    time.sleep(1.5)  # several tries
    assert not asked.is_done and not accept.is_done
    poison.lift()
    assert asked.wait().status == 200
    answer = accept.wait()  # its offer ended before it was asked
    assert answer.status == 409 and answer.json["code"] == "offer_gone"
    check_journal(tables)


def test_an_event_is_not_blamed_for_a_block_that_the_database_refuses(make_router, tables):
    router = make_router(flags=["--storage-wait", "30s"]).start()
    router.expect_log("the database refuses a batch for now")
    poison = Poison(tables, "journal", f"NEW.kind = {BLOCK}")
    blocked = Later(router.client("supervisor").post, "blacklist", {"phone": "+4915112345678"})
    wait_for(lambda: "refuses a batch" in router.log(), "the block is refused")
    asked = Later(router.source().event, ringing("+4915112345678"))
    time.sleep(1.5)
    assert not asked.is_done
    poison.lift()
    assert asked.wait().json["outcome"] == "blocked"
    assert blocked.wait().status == 201
    check_journal(tables)


def test_a_refused_event_is_found_among_timers_that_are_due_all_the_time(make_router, tables):
    """Wrap-ups that end every few milliseconds go in; the event that cannot is told so all the same."""
    agents = {f"a{number}": "{name: A, queues: [support], capacity: {call: 1}}" for number in range(30)}
    router = make_router(project(agents, offer_timeout="1s")).start()
    router.expect_log("the database refuses an input")
    for name in agents:
        router.presence(name)
    Poison(tables, "content", "NEW.title = 'poison'")
    assert [one.status for one in storm(router, [ringing(f"+49151300{number:05}") for number in range(60)])] == [200] * 60
    end = time.monotonic() + 3
    while time.monotonic() < end:  # offers expire and move on meanwhile
        bad, good = mail("bad@example.org"), mail("good@example.org")
        bad["data"]["subject"] = "poison"
        assert [one.status for one in storm(router, [good, bad])] == [200, 500]
    check_journal(tables)
