"""Two batches under way, the second decided on top of the first: both come in, or only the first, or neither; whatever
happens, each event is decided once and answered with what the journal says."""
import signal
import socket
import threading
import time

import pytest

from harness.fence import STRANGER, Fence, Later, Stranger, check_journal
from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.proxy import TO_CLIENT, TO_SERVER, Proxy

pytestmark = pytest.mark.alone  # its clocks run

MANY = 40  # requests, enough for a batch on top of another


def batches(router):
    return router.metric("patchbay_batch_size_count")


def chats(count=MANY):
    """What needs no look at the tables: nobody has an address, and the filter knows that they are new."""
    return [chat(f"visitor-{number}") for number in range(count)]


def mails(name, count=MANY):
    return [mail(f"{name}{number}@example.org") for number in range(count)]


class Stack:
    """A batch that waits for the fence and one on top of it."""

    def __init__(self, router, tables, below, above, prepare=None):
        self.router, self.tables = router, tables
        self.below, self.above = below, above
        wait_for(lambda: "keys of the idempotency window are known" in router.log(), "the filter is loaded")
        before = batches(router)
        self.fence = Fence(tables)
        self.first = Later(router.source().batch, below)
        self.fence.wait_stuck()
        if prepare:
            prepare()
        self.second = Later(router.source().batch, above)
        wait_for(lambda: batches(router) == before + 2, lambda: f"two batches: {batches(router) - before}")
        assert not self.first.is_done and not self.second.is_done

    @property
    def events(self):
        return self.below + self.above

    def wait(self, timeout=30):
        """The answers of both, in the order of the events."""
        return self.first.wait(timeout).json + self.second.wait(timeout).json

    def pass_first(self):
        """The first comes in, and a test has the fence before the second."""
        self.fence.rollback()
        self.first.wait()
        return Fence(self.tables)


def journaled(tables):
    return tables.one("SELECT count(*) FROM journal WHERE event_key IS NOT NULL")


def statuses(answers):
    return [answer.get("status", 200) for answer in answers]


def says_not_owner(answers):
    assert all(answer["code"] == "not_owner" and STRANGER in answer["detail"] for answer in answers), answers


def says_unavailable(answers):
    assert {answer.get("code") for answer in answers} == {"storage_unavailable"}, answers


def publish_all(router, events, timeout=30):
    """What a producer does: the same events again until all are decided."""
    end = time.monotonic() + timeout
    while True:
        answers = router.source().batch(events).json
        if set(statuses(answers)) == {200}:
            return answers
        assert set(statuses(answers)) <= {200, 503}, answers
        assert time.monotonic() < end, answers
        time.sleep(0.05)


def check_decided_once(router, tables, events, answers):
    """Each has one row, and a repeat gets its answer."""
    assert set(statuses(answers)) == {200}, answers
    again = router.source().batch(events)
    assert again.json == answers and again.headers["Patchbay-Duplicate"] == "true"
    rows = tables.query("SELECT seq FROM journal WHERE event_key IS NOT NULL")
    assert {int(answer["sequence"]) for answer in answers} <= {row[0] for row in rows}
    assert len({answer["sequence"] for answer in answers}) == len(events) == len(rows)
    check_journal(tables)


def place(event):
    sequence, n = event["id"].split(".")
    return int(sequence), int(n)


def check_told(router, tables, subscriber):
    """Everything in the order of the journal, without a gap, and each agent's feed the same. A new owner tells again what may
    not have been told."""
    told = tables.one("SELECT max(seq) FROM journal")
    wait_for(lambda: subscriber.events and place(subscriber.events[-1])[0] == told, "all is told")
    everything = [event for channel, event, _ in subscriber.messages if channel == router.channel("all")]
    places = list(dict.fromkeys(place(event) for event in everything))
    assert places == sorted(places)
    for before, after in zip(places, places[1:]):
        assert after[1] == before[1] + 1 if after[0] == before[0] else after[1] == 1
    for name in ("anna", "ben"):
        feed = router.agent(name).ok("GET", f"agents/{name}/feed?after=0&limit=1000")["items"]
        assert [int(event["agentsequence"]) for event in feed] == list(range(1, len(feed) + 1))
        mine = {event["agentsequence"]: event for channel, event, _ in subscriber.messages
                if channel == router.channel("agent", name) and event["type"] != "agent.tip"}
        assert list(mine.values()) == feed


@pytest.fixture
def heard(router, redis):
    """Hears all that is told, agents' channels too."""
    subscriber = redis.subscribe(router.channel("all"), router.channel("agent", "anna"), router.channel("agent", "ben"))
    yield subscriber
    subscriber.close()


@pytest.fixture
def behind_proxy(make_router, make_proxy, database, redis):
    """The router, the proxy between it and PostgreSQL, and who hears all that is told."""
    proxy = make_proxy(database.cluster.port)
    router = make_router(database_port=proxy.port, flags=["--storage-wait", "20s"]).start()
    router.expect_log("database is away|cannot be confirmed")
    heard = redis.subscribe(router.channel("all"), router.channel("agent", "anna"), router.channel("agent", "ben"))
    router.presence("anna")
    router.presence("ben")
    yield router, proxy, heard
    heard.close()


# --- Both come in ---

def test_two_batches_under_way_come_in_one_after_the_other(router, tables, heard):
    router.presence("anna")
    router.presence("ben")
    stack = Stack(router, tables, [ringing(), *mails("new", 3), chat()], mails("other") + chats(5))
    stack.fence.rollback()
    answers = stack.wait()
    sequences = [int(answer["sequence"]) for answer in answers]
    assert sequences == list(range(sequences[0], sequences[0] + len(stack.events)))
    assert {answers[0]["outcome"], answers[5]["outcome"]} == {"offered"}
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


def test_what_a_batch_makes_is_known_to_the_one_on_top_of_it(router, tables, heard):
    """A customer, a call, a free agent."""
    router.presence("anna")
    router.presence("ben")
    calls = [ringing(f"+4915130000{number}") for number in range(3)]
    first, second = mail("new@example.org"), mail("new@example.org")
    ended = cloudevent("call.ended", calls[0]["subject"], {"cause": "hangup"})
    stack = Stack(router, tables, [first, *calls], [second, ended, calls[1] | {"id": "again"}, *chats()])
    stack.fence.rollback()
    answers = stack.wait()
    assert [answer["identity"]["outcome"] for answer in (answers[0], answers[4])] == ["created", "matched"]
    assert answers[0]["identity"]["customer"] == answers[4]["identity"]["customer"]
    assert [answer["outcome"] for answer in answers[1:4]] == ["offered", "offered", "queued"]
    assert (answers[5]["outcome"], answers[5]["interaction"]) == ("ended", answers[1]["interaction"])
    assert (answers[6]["outcome"], answers[6]["interaction"]) == ("attached", answers[2]["interaction"])
    state, agent = tables.query("SELECT state, agent FROM interactions WHERE id = %s", answers[3]["interaction"])[0]
    assert (state, agent) == (1, answers[1]["agent"])  # the agent whose call ended was offered the one that waited
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


def test_repeats_that_come_while_two_batches_are_under_way_wait_for_their_first(router, tables):
    stack = Stack(router, tables, mails("new", 3), mails("other"))
    again = [Later(router.source().event, event) for event in (stack.below[1], stack.above[2])]
    other = Later(router.source().event, {**stack.above[3], "type": "chat.message", "data": chat()["data"]})
    wait_for(lambda: router.metric("patchbay_events_total") == len(stack.events) + 3, "all have come")
    assert not any(one.is_done for one in again)
    stack.fence.rollback()
    answers = stack.wait()
    assert [one.wait().json for one in again] == [answers[1], answers[5]]
    assert other.wait().json["code"] == "id_conflict"
    check_decided_once(router, tables, stack.events, answers)


def test_repeats_that_need_no_row_are_answered_with_the_batch_before_them(router, database, tables):
    """Forty of them are enough for a batch on top, which is empty."""
    known = mails("known")
    answers = publish_all(router, known)
    for given_up in (False, True):
        below = mails(f"new{given_up}-", 2)
        fence = Fence(tables)
        first = Later(router.source().batch, below)
        fence.wait_stuck()
        again = Later(router.source().batch, known)
        wait_for(lambda: router.metric("patchbay_intake") == 0, "all are looked up")
        stranger = Stranger(database, fence.give_to_stranger()) if given_up else None
        fence.commit()
        if given_up:
            says_not_owner(first.wait().json)
            assert set(statuses(again.wait().json)) <= {200, 503}
            stranger.leave()
            publish_all(router, below)
            assert publish_all(router, known) == answers
        else:
            assert set(statuses(first.wait().json)) == {200}
            assert again.wait().json == answers
    assert journaled(tables) == len(known) + 4
    check_journal(tables)


# --- The project goes to somebody else ---

def test_of_two_batches_of_a_project_that_another_took_nothing_is_in(router, database, tables):
    router.presence("anna")
    offered = router.source().event(ringing()).json
    before = tables.query("SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM interactions),"
                          " (SELECT count(*) FROM customers), (SELECT count(*) FROM feed)")
    token_holder = router.agent("anna")
    stack = Stack(router, tables, [ringing("+4915199999999"), *mails("new", 3)], mails("other"))
    accept = Later(token_holder.post, f"offers/{offered['offer']}/accept")
    stranger = Stranger(database, stack.fence.give_to_stranger())
    stack.fence.commit()
    says_not_owner(stack.wait())
    says_not_owner([accept.wait().json])
    assert tables.query("SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM interactions),"
                        " (SELECT count(*) FROM customers), (SELECT count(*) FROM feed)") == before
    stranger.leave()
    answers = publish_all(router, stack.events)
    assert tables.one("SELECT count(*) FROM customers") == 3 + MANY
    assert set(statuses(answers)) == {200} and journaled(tables) == 1 + len(stack.events)
    assert token_holder.post(f"offers/{offered['offer']}/accept").status == 200
    check_journal(tables)


def test_a_project_that_another_takes_between_two_batches_has_the_first_and_not_the_second(behind_proxy, database, tables):
    """What began in the first and ended in the second is open, and ends when the event comes again."""
    router, proxy, heard = behind_proxy
    call, address = ringing(), "new@example.org"
    ended = cloudevent("call.ended", call["subject"], {"cause": "hangup"})
    stack = Stack(router, tables, [call, mail(address)], [ended, mail(address), *chats()], lambda: proxy.stall(TO_SERVER))
    fence = stack.pass_first()
    stranger = Stranger(database, fence.give_to_stranger())
    fence.commit()
    proxy.heal()
    first, second = stack.first.wait().json, stack.second.wait().json
    assert [answer["outcome"] for answer in first] == ["offered", "offered"]
    says_not_owner(second)
    assert journaled(tables) == 2
    assert tables.one("SELECT state FROM interactions WHERE id = %s", first[0]["interaction"]) == 1
    stranger.leave()
    answers = first + publish_all(router, stack.above)
    assert (answers[2]["outcome"], answers[2]["interaction"]) == ("ended", answers[0]["interaction"])
    assert answers[3]["identity"]["customer"] == answers[1]["identity"]["customer"]
    assert tables.one("SELECT cause FROM interactions WHERE id = %s", first[0]["interaction"]) == "hangup"
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


# --- The connection is lost ---

def test_a_backend_that_is_ended_while_two_batches_wait_leaves_each_event_in_once(router, tables, heard):
    router.expect_log("database is away|cannot be confirmed")
    router.presence("anna")
    stack = Stack(router, tables, [ringing(), *mails("new", 3)], mails("other"))
    tables.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'patchbay writer %'")
    wait_for(lambda: not router.is_ready(), "the router has seen it")
    stack.fence.rollback()
    answers = stack.wait()
    router.wait_log("a commit in doubt is settled")
    check_decided_once(router, tables, stack.events, answers)
    assert tables.one("SELECT count(*) FROM customers") == 3 + MANY
    check_told(router, tables, heard)


def lose(router, proxy):
    proxy.drop_all()
    wait_for(lambda: not router.is_ready(), "the router has seen it")
    proxy.heal()


@pytest.mark.parametrize("answered", [True, False])
def test_a_connection_that_is_lost_between_two_batches_leaves_each_event_in_once(behind_proxy, tables, answered):
    """The first is in, answered or not; the second never left."""
    router, proxy, heard = behind_proxy
    below = [ringing(), *mails("new", 3)]
    stack = Stack(router, tables, below, chats(), lambda: proxy.stall(TO_SERVER))
    if not answered:
        proxy.stall(TO_CLIENT)
    stack.fence.rollback()
    wait_for(lambda: journaled(tables) == len(below), "the first is in")
    if answered:
        assert set(statuses(stack.first.wait().json)) == {200}
    lose(router, proxy)
    answers = stack.wait()
    router.wait_log(f"in={'false' if answered else 'true'}")
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


def test_two_batches_that_are_in_when_their_answers_are_lost_are_told_as_they_are(behind_proxy, tables):
    router, proxy, heard = behind_proxy
    stack = Stack(router, tables, [ringing(), *mails("new", 3)], mails("other"))
    proxy.stall(TO_CLIENT)
    stack.fence.rollback()
    wait_for(lambda: journaled(tables) == len(stack.events), "both are in")
    rows = tables.query("SELECT seq FROM journal ORDER BY seq")
    lose(router, proxy)
    answers = stack.wait()
    router.wait_log("in=true")
    assert tables.query("SELECT seq FROM journal ORDER BY seq") == rows
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


@pytest.mark.parametrize("is_in", [True, False])
def test_two_batches_whose_producers_were_told_to_come_again_are_decided_once(make_router, make_proxy, database, tables, is_in):
    """storage_wait runs out with both under way, and the database comes back."""
    proxy = make_proxy(database.cluster.port)
    router = make_router(database_port=proxy.port, flags=["--storage-wait", "2s"]).start()
    router.expect_log("database is away|cannot be confirmed")
    stack = Stack(router, tables, mails("new", 3), mails("other"))
    began = time.monotonic()
    proxy.refuse()
    proxy.stall(TO_CLIENT)
    if is_in:
        stack.fence.rollback()
        wait_for(lambda: journaled(tables) == len(stack.events), "both are in")
    proxy.drop_all()
    says_unavailable(stack.wait())
    assert time.monotonic() - began < 4
    again = Later(publish_all, router, stack.events)
    proxy.heal()
    if not is_in:
        stack.fence.rollback()
    answers = again.wait()
    assert tables.one("SELECT count(*) FROM customers") == 3 + MANY
    check_decided_once(router, tables, stack.events, answers)


def test_two_batches_that_wait_longer_than_a_request_may_are_decided_once(make_router, tables):
    """The links are well, and nothing is committed: a repeat is not looked up before both are settled."""
    router = make_router(flags=["--storage-wait", "2s"]).start()
    stack = Stack(router, tables, mails("new", 3), mails("other"))
    says_unavailable(stack.wait())
    again = Later(router.source().batch, stack.events)
    time.sleep(0.5)
    stack.fence.rollback()
    assert set(statuses(again.wait().json)) <= {200, 503}
    answers = publish_all(router, stack.events)
    check_decided_once(router, tables, stack.events, answers)


def test_requests_on_top_of_a_batch_that_nobody_waits_for_are_told_in_time(make_router, tables):
    """The one below is an offer that ended."""
    router = make_router(project(offer_timeout="2s"), flags=["--storage-wait", "1s"]).start()
    router.presence("anna")
    assert router.source().event(ringing()).json["outcome"] == "offered"
    before, fence = batches(router), Fence(tables)
    fence.wait_stuck()
    asked = Later(router.source().batch, chats())
    wait_for(lambda: batches(router) == before + 2, "two batches")
    began = time.monotonic()
    says_unavailable(asked.wait().json)
    assert time.monotonic() - began < 3
    fence.rollback()
    check_journal(tables)


def test_what_was_judged_by_a_batch_in_doubt_is_not_told_as_if_it_were_in(make_router, tables):
    """A reject finds its offer accepted, in the same batch: gone, if that is in."""
    router = make_router(flags=["--storage-wait", "2s"]).start()
    router.presence("anna")
    offer = router.source().event(ringing()).json["offer"]
    anna, asked = router.agent("anna"), []

    def answer_twice():
        for path, body in (("accept", {}), ("reject", {"cause": "reject"})):
            asked.append(Later(anna.post, f"offers/{offer}/{path}", body))
            time.sleep(0.4)  # in this order

    stack = Stack(router, tables, mails("new", 3), mails("other"), answer_twice)
    says_unavailable([one.wait().json for one in asked] + stack.wait())
    stack.fence.rollback()
    wait_for(lambda: anna.post(f"offers/{offer}/accept").status == 200, "it is accepted")
    check_journal(tables)


class LateProxy(Proxy):
    """What is sent while it holds arrives when it is told so, though its sender has gone; who it is for hears nothing of that."""

    def __init__(self, port):
        self.holding, self.released, self.late = False, threading.Event(), set()
        super().__init__(port)

    def hold(self):
        self.holding = True

    def _pass(self, received, sink, direction):
        if self.holding and direction == TO_SERVER:
            self.late.add(sink)
            self.released.wait(60)
        return super()._pass(received, sink, direction)

    def _end(self, pair, hard):
        late = self.late.intersection(pair)
        if self.closing or not late:
            super()._end(pair, hard)
            return
        for server in late:  # after all that was held, an end
            self.released.wait(60)
            try:
                server.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def test_a_batch_that_arrives_long_after_the_one_below_it_was_refused_is_fenced_out(make_router, database, tables):
    """Its connection was given up, and the first, asked again, has brought the journal to where the second was decided."""
    proxy = LateProxy(database.cluster.port)
    router = make_router(database_port=proxy.port, flags=["--lease", "10m", "--storage-wait", "2s"]).start()
    router.expect_log("database is away|cannot be confirmed|not answered in time")
    writers = "FROM pg_stat_activity WHERE application_name LIKE 'patchbay writer %'"
    stack = Stack(router, tables, chats(), chats(), proxy.hold)
    proxy.holding = False
    tables.query(f"SELECT pg_cancel_backend(pid) {writers}")
    says_unavailable(stack.wait())
    wait_for(lambda: "not answered in time" in router.log(), "the connection is given up", 20)
    stack.fence.rollback()
    answers = publish_all(router, stack.below)
    assert tables.one(f"SELECT count(*) {writers}") == 2
    passed = proxy.bytes[TO_SERVER]
    proxy.released.set()
    wait_for(lambda: proxy.bytes[TO_SERVER] > passed + 10_000, "what was held is sent")  # a batch of forty
    wait_for(lambda: tables.one(f"SELECT count(*) {writers}") == 1, "it has arrived, and its answer found nobody")
    assert journaled(tables) == MANY
    answers += publish_all(router, stack.above)
    check_decided_once(router, tables, stack.events, answers)
    assert "standing down" not in router.log()
    router.stop()
    proxy.close()


# --- The database refuses a row ---

def refuse_titles(tables):
    tables.query("ALTER TABLE content ADD CONSTRAINT no_poison CHECK (title <> 'poison')")


def poison():
    bad = mail("bad@example.org")
    bad["data"]["subject"] = "poison"
    return bad


@pytest.mark.parametrize("where", ["below", "above", "both"])
def test_an_event_that_the_database_refuses_takes_no_other_with_it(router, tables, heard, where):
    router.expect_log("the database refuses an input")
    router.presence("anna")
    router.presence("ben")
    refuse_titles(tables)
    below, above = [ringing(), *mails("new", 5)], mails("other")
    if where != "above":
        below.insert(3, poison())
    if where != "below":
        above.insert(17, poison())
    stack = Stack(router, tables, below, above)
    stack.fence.rollback()
    answers = stack.wait()
    expected = [500 if event["data"].get("subject") == "poison" else 200 for event in stack.events]
    assert statuses(answers) == expected and 500 in expected
    good = [(event, answer) for event, answer in zip(stack.events, answers) if answer.get("status", 200) == 200]
    check_decided_once(router, tables, [event for event, _ in good], [answer for _, answer in good])
    check_told(router, tables, heard)


# --- The facts move ---

def block_in(fence, number):
    fence.execute("INSERT INTO blacklist (id, project, kind, key, value, channels, reason, author, start_ms)"
                  " SELECT gen_random_uuid(), project, 'phone', %s, %s, 7, 'test', 'test', last_ms FROM fences", number, number)
    fence.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                  " INSERT INTO changes (project, version, kind, ref) SELECT m.project, m.facts_version, 'block', b.id"
                  " FROM moved m, blacklist b WHERE b.key = %s", number)


def customer_in(fence, number):
    """Somebody makes a customer who has that number."""
    fence.execute("WITH made AS (INSERT INTO customers (id, project, name) SELECT gen_random_uuid(), project, 'Ann' FROM fences"
                  " RETURNING id, project) INSERT INTO contacts (customer, position, project, phone, phone_key)"
                  " SELECT id, 0, project, %s, %s FROM made", number, number)
    fence.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                  " INSERT INTO changes (project, version, kind, ref, keys) SELECT m.project, m.facts_version, 'customer',"
                  " c.customer, ARRAY[c.phone_key] FROM moved m, contacts c WHERE c.phone_key = %s", number)


@pytest.mark.parametrize("between", [True, False])
def test_a_block_while_two_batches_are_under_way_counts_for_whatever_is_not_in(behind_proxy, tables, between):
    router, proxy, heard = behind_proxy
    number = "+4915112345678"
    router.presence("ben", "break")
    stack = Stack(router, tables, [ringing(number), ringing("+4915199999999")], [ringing(number), *chats()],
                  lambda: proxy.stall(TO_SERVER))
    fence = stack.pass_first() if between else stack.fence
    block_in(fence, number)
    fence.commit()
    proxy.heal()
    answers = stack.wait()
    outcomes = [answers[at]["outcome"] for at in (0, 1, 2)]
    assert outcomes == (["offered", "queued", "blocked"] if between else ["blocked", "offered", "blocked"])
    # Who was offered before is shut out now, and the agent is free for who waited.
    assert tables.one("SELECT cause FROM interactions WHERE id = %s", answers[0]["interaction"]) == "blocked"
    assert tables.one("SELECT agent FROM interactions WHERE id = %s", answers[1]["interaction"]) == "anna"
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


@pytest.mark.parametrize("between", [True, False])
def test_a_customer_made_while_two_batches_are_under_way_is_met_by_whatever_is_not_in(behind_proxy, tables, between):
    router, proxy, heard = behind_proxy
    number = "+4915112345678"
    stack = Stack(router, tables, [ringing(number)], [ringing(number), *chats()], lambda: proxy.stall(TO_SERVER))
    fence = stack.pass_first() if between else stack.fence
    customer_in(fence, number)
    fence.commit()
    proxy.heal()
    answers = stack.wait()
    outcomes = [answer["identity"]["outcome"] for answer in answers[:2]]
    assert outcomes == ["new" if between else "matched", "matched"]
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


def test_a_configuration_that_comes_while_two_batches_are_under_way_is_taken_over_after_them(router, tmp_path, tables, heard):
    stack = Stack(router, tables, [ringing(), *mails("new", 3)], mails("other"))
    path = tmp_path / "next.yaml"
    path.write_text(project(offer_timeout="77s"))
    applied = Later(router.apply, path)
    wait_for(lambda: tables.waits_for_a_lock("%apply_config%"), "the configuration waits for the fence too")
    stack.fence.rollback()
    answers = stack.wait()
    applied.wait()
    wait_for(lambda: router.log().count("configuration is active"), "the configuration is active")
    router.presence("anna")
    check_decided_once(router, tables, stack.events, answers)
    check_told(router, tables, heard)


# --- The end ---

def test_a_router_that_is_stopped_with_two_batches_under_way_answers_both(router, tables):
    router.presence("anna")
    stack = Stack(router, tables, [ringing(), *mails("new", 3)], mails("other"))
    router.process.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in router.log(), "it stops")
    stack.fence.rollback()
    answers = stack.wait()
    assert router.process.wait(20) == 0
    router.start()
    check_decided_once(router, tables, stack.events, answers)


def test_a_router_that_is_stopped_with_two_batches_that_never_come_in_says_so(router, tables):
    """Longer than it drains: nobody is left without an answer, and the next owner decides each once."""
    router.expect_log("did not answer while stopping|refuses a batch for now")
    stack = Stack(router, tables, [ringing(), *mails("new", 3)], mails("other"))
    router.process.send_signal(signal.SIGTERM)
    says_unavailable(stack.wait())
    assert router.process.wait(30) == 0
    stack.fence.rollback()
    router.start()
    answers = publish_all(router, stack.events)
    check_decided_once(router, tables, stack.events, answers)


# --- Many of them ---

LANES = 10  # producers: while one batch is under way, enough of them come for a second one
AWAY_S = 0.05  # what each answer of the database takes, so that the next batch is decided long before, under sanitizers too


def test_a_stack_that_grows_and_shrinks_for_seconds_loses_and_doubles_nothing(behind_proxy, tables):
    """Several producers at full speed, each batch enough for one on top of the other, and a database that is some way off.
    While a number is looked up nothing is put on top of a batch: only some of the events are calls."""
    router, proxy, heard = behind_proxy
    proxy.delay(AWAY_S, TO_CLIENT)
    sent = [chats() + [ringing(f"+49151300{number:05}")] * (number % 8 == 0) for number in range(400)]
    before = router.metric("patchbay_batches_stacked_total")
    asked = [Later(lambda mine: [router.source().batch(events) for events in mine], sent[lane::LANES]) for lane in range(LANES)]
    answers = [None] * len(sent)
    for lane, one in enumerate(asked):
        answers[lane::LANES] = [answer.json for answer in one.wait(120)]
    assert router.metric("patchbay_batches_stacked_total") - before > 30
    flat = [answer for some in answers for answer in some]
    assert len({answer["sequence"] for answer in flat}) == len(flat) == journaled(tables)
    check_journal(tables)
    check_told(router, tables, heard)
