"""Facts that move while a batch is under way, once or all the time; and the list of changes that tells of it."""
import pathlib
import threading
import time
import uuid

import pytest

from harness.fence import Fence, Gate, Later, check_journal
from harness.http_client import mail, ringing
from harness.process import wait_for

pytestmark = pytest.mark.alone  # its clocks run


# --- In mid-batch ---

def block_in(fence, key):
    made = str(uuid.uuid4())
    fence.execute("INSERT INTO blacklist (id, project, kind, key, value, channels, reason, author, start_ms)"
                  " SELECT %s, project, 'phone', %s, %s, 7, 'test', 'test', last_ms FROM fences", made, key, key)
    fence.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                  " INSERT INTO changes (project, version, kind, ref) SELECT project, facts_version, 'block', %s FROM moved", made)


def test_a_block_in_mid_batch_counts_for_that_batch(router, tables):
    number = "+4915112345678"
    router.presence("anna")
    fence = Fence(tables)
    events = [ringing(number), ringing("+4915199999999"), ringing(number)]
    asked = Later(router.source().batch, events)
    fence.wait_stuck()
    block_in(fence, number)
    fence.commit()
    answers = asked.wait().json
    assert [answer["outcome"] for answer in answers] == ["blocked", "offered", "blocked"]
    assert [one.json["outcome"] for one in map(router.source().event, events)] == ["blocked", "offered", "blocked"]
    assert tables.one("SELECT count(*) FROM feed WHERE seq = %s", int(answers[0]["sequence"])) == 0
    check_journal(tables)


def test_an_accept_that_waits_behind_a_block_finds_the_offer_gone(router, tables):
    number = "+4915112345678"
    router.presence("anna")
    offered = router.source().event(ringing(number)).json
    fence = Fence(tables)
    asked = Later(router.agent("anna").post, f"offers/{offered['offer']}/accept")
    fence.wait_stuck()
    block_in(fence, number)
    fence.commit()
    answer = asked.wait()
    assert answer.status == 409 and answer.json["code"] == "offer_gone"
    assert tables.query("SELECT state FROM interactions") == [(3,)]
    assert tables.one("SELECT count(*) FROM customers") == 0
    check_journal(tables)


def test_an_interaction_that_came_to_nothing_makes_nobody_the_newest(router, tables):
    """Candidates come newest interaction first: one of a batch that was undone is none."""
    shared, phones = "both@example.org", ("+4915111111111", "+4915122222222")
    ann, ben = (router.client().ok("POST", "customers", {"name": phone, "contacts": [{"phone": phone}, {"email": shared}]}, 201)
                for phone in phones)
    source = router.source()
    source.event(mail(shared))
    for phone in reversed(phones):
        assert source.event(ringing(phone)).json["identity"]["outcome"] == "matched"
    fence = Fence(tables)
    asked = Later(source.event, ringing(phones[1]))
    fence.wait_stuck()
    block_in(fence, phones[1])
    fence.commit()
    assert asked.wait().json["outcome"] == "blocked"
    identity = source.event(mail(shared)).json["identity"]
    assert identity == {"outcome": "ambiguous", "candidates": [ann["id"], ben["id"]]}


def customer_in(fence, address):
    customer = str(uuid.uuid4())
    fence.execute("INSERT INTO customers (id, project, name) SELECT %s, project, 'Ann' FROM fences", customer)
    fence.execute("INSERT INTO contacts (customer, position, project, email, email_key) SELECT %s, 0, project, %s, %s FROM fences",
                  customer, address, address)
    fence.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                  " INSERT INTO changes (project, version, kind, ref, keys) SELECT project, facts_version, 'customer', %s, %s"
                  " FROM moved", customer, [address])
    return customer


def test_a_customer_that_was_made_in_mid_batch_is_matched(router, tables):
    address = "new@example.org"
    fence = Fence(tables)
    asked = Later(router.source().event, mail(address))
    fence.wait_stuck()
    customer = customer_in(fence, address)
    fence.commit()
    identity = asked.wait().json["identity"]
    assert (identity["outcome"], identity["customer"]) == ("matched", customer)
    assert tables.one("SELECT count(*) FROM customers") == 1
    check_journal(tables)


def test_facts_that_move_again_and_again_delay_a_batch_and_do_not_change_it(router, tables):
    events = [mail(f"new{number}@example.org") for number in range(20)]
    asked = Later(router.source().batch, events)
    mover = tables.connect()
    with mover.cursor() as cursor:
        for _ in range(30):
            cursor.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                           " INSERT INTO changes (project, version, kind) SELECT project, facts_version, 'customer' FROM moved")
            time.sleep(0.005)
    mover.close()
    assert {answer["identity"]["outcome"] for answer in asked.wait().json} == {"created"}
    assert tables.one("SELECT count(*) FROM customers") == 20
    check_journal(tables)


# --- All the time ---

def batches(router):
    return router.metric("patchbay_batch_size_count")


def outdate(router, tables, fence, tries=2):
    """Facts that have to do with nobody move under so many tries of the batch that waits for the fence; gives the fence that the
    next try waits for."""
    fence.wait_stuck()
    for _ in range(tries):
        tried = batches(router)
        customer_in(fence, f"{uuid.uuid4()}@example.org")
        gate = Later(Gate, tables)
        wait_for(lambda: tables.waits_for_a_lock("LOCK TABLE fences%"), "both wait")
        fence.commit()
        gate = gate.wait()
        fence = Fence(tables)
        gate.open()
        fence.wait_stuck()
        assert batches(router) == tried + 1
    return fence


def test_a_batch_puts_up_with_facts_that_do_not_concern_it(router, tables):
    router.source().event(ringing())
    fence = Fence(tables)
    asked = Later(router.source().event, mail("new@example.org"))
    fence.wait_stuck()
    tried = batches(router)
    customer_in(fence, "another@example.org")
    fence.commit()
    assert asked.wait().json["identity"]["outcome"] == "created"
    assert batches(router) == tried
    identity = router.source().event(mail("another@example.org")).json["identity"]
    assert identity["outcome"] == "matched"
    check_journal(tables)


def test_a_batch_that_puts_up_with_other_facts_does_not_with_its_own(router, tables):
    address, number = "new@example.org", "+4915112345678"
    router.source().event(ringing())
    fence = Fence(tables)
    asked = Later(router.source().event, mail(address))
    fence.wait_stuck()
    customer_in(fence, "another@example.org")
    customer = customer_in(fence, address)
    fence.commit()
    identity = asked.wait().json["identity"]
    assert (identity["outcome"], identity["customer"]) == ("matched", customer)
    fence = Fence(tables)
    asked = Later(router.source().event, ringing(number))
    fence.wait_stuck()
    customer_in(fence, "third@example.org")
    block_in(fence, number)
    fence.commit()
    assert asked.wait().json["outcome"] == "blocked"
    check_journal(tables)


def test_a_link_is_decided_again_whatever_moved_but_not_for_ever(router, tables):
    """Whoever is linked was read by its id, so no key says whether what moved is about them."""
    router.presence("anna")
    offered, anna = router.source().event(ringing()).json, router.agent("anna")
    anna.ok("POST", f"offers/{offered['offer']}/accept")
    customer = anna.ok("POST", "customers", {"name": "Ann"}, 201)["id"]
    fence = Fence(tables)
    asked = Later(anna.post, f"interactions/{offered['interaction']}/customer", {"customer": customer})
    fence = outdate(router, tables, fence)
    tried = batches(router)
    customer_in(fence, "another@example.org")
    fence.commit()
    assert asked.wait().status == 200
    assert batches(router) == tried
    check_journal(tables)


def test_nobody_is_linked_who_was_deleted_meanwhile(router, tables):
    router.presence("anna")
    offered, anna = router.source().event(ringing()).json, router.agent("anna")
    anna.ok("POST", f"offers/{offered['offer']}/accept")
    customer = anna.ok("POST", "customers", {"name": "Ann", "contacts": [{"email": "ann@example.org"}]}, 201)["id"]
    fence = Fence(tables)
    asked = Later(anna.post, f"interactions/{offered['interaction']}/customer", {"customer": customer})
    fence.wait_stuck()
    fence.execute("UPDATE customers SET deleted_at = now(), version = version + 1 WHERE id = %s", customer)
    fence.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                  " INSERT INTO changes (project, version, kind, ref, keys) SELECT project, facts_version, 'customer', %s,"
                  " '{ann@example.org}' FROM moved", customer)
    fence.commit()
    assert asked.wait().status == 404
    assert tables.one("SELECT count(*) FROM interactions WHERE customer = %s", customer) == 0
    check_journal(tables)


def test_edits_without_a_pause_on_many_connections_do_not_starve_routing(router, tables):
    stopped, edits = threading.Event(), []

    def edit(number):
        connection = tables.connect()
        with connection.cursor() as cursor:
            while not stopped.is_set():
                cursor.execute("WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
                               " INSERT INTO changes (project, version, kind, keys)"
                               " SELECT project, facts_version, 'customer', %s FROM moved", ([f"+49{number}"],))
                edits.append(number)
        connection.close()

    editors = [Later(edit, number) for number in range(8)]
    wait_for(lambda: len(edits) > 1000, "edits go on")
    before, source, tried = len(edits), router.source(), batches(router)
    began = time.monotonic()
    for number in range(100):
        assert source.event(mail(f"new{number}@example.org")).json["identity"]["outcome"] == "created"
    took = time.monotonic() - began
    stopped.set()
    for editor in editors:
        editor.wait()
    assert len(edits) - before > 100, "nothing moved meanwhile"
    tried = batches(router) - tried
    assert tried < 300 and took < 15, f"{tried} batches in {took:.1f} s for 100 events beside {len(edits) - before} edits"
    check_journal(tables)


def test_customers_that_are_edited_by_many_at_once_do_not_starve_routing(router, tables):
    stopped, edits = threading.Event(), []

    def edit(number):
        client = router.agent("anna")
        made = client.ok("POST", "customers", {"name": "x", "contacts": [{"phone": f"+4915114{number:05}"}]}, 201)
        while not stopped.is_set():
            client.ok("PATCH", f"customers/{made['id']}", {"contacts": [{"phone": f"+4915115{len(edits) % 100000:05}"}]})
            edits.append(number)

    router.token("agent", "anna")
    editors = [Later(edit, number) for number in range(8)]
    wait_for(lambda: len(edits) > 100, "edits go on")
    source, began, tried = router.source(), time.monotonic(), batches(router)
    for number in range(200):
        assert source.event(ringing(f"+4915117{number:05}")).status == 200
    took = time.monotonic() - began
    stopped.set()
    for editor in editors:
        editor.wait()
    tried = batches(router) - tried
    assert tried < 600 and took < 15, f"{tried} batches in {took:.1f} s for 200 events"
    check_journal(tables)


# --- The change list ---

def move_facts(tables, count):
    """As so many edits by other routers do."""
    tables.query("WITH moved AS (UPDATE fences SET facts_version = facts_version + %s RETURNING project, facts_version),"
                 " noted AS (INSERT INTO changes (project, version, kind) SELECT project, n, 'customer'"
                 " FROM moved, generate_series(facts_version - %s, facts_version) n)"
                 " SELECT pg_notify('patchbay', 'facts:demo')", count, count - 1)


def changes(tables):
    return tables.query("SELECT count(*), min(version), max(version), (SELECT facts_version FROM fences) FROM changes")[0]


def test_the_owner_trims_the_change_list_to_what_is_new(router, tables):
    source = router.source()
    source.event(ringing())
    move_facts(tables, 10_000)
    source.event(ringing())
    wait_for(lambda: changes(tables)[0] == 1000, lambda: f"trimmed: {changes(tables)}")
    for _ in range(3):
        move_facts(tables, 900)
        source.event(ringing())
    count, _, newest, current = wait_for(lambda: changes(tables)[0] <= 2000 and changes(tables), "trimmed again")
    assert count >= 1000 and newest == current
    router.restart()
    move_facts(tables, 3000)
    wait_for(lambda: changes(tables)[0] <= 2000, "trimmed after a restart")
    check_journal(tables)


def test_what_the_owner_has_not_read_stays_and_nobody_else_trims(router, database, tables):
    number = "+4915112345678"
    router.stop()
    fence = Fence(tables)
    block_in(fence, number)
    fence.commit()
    move_facts(tables, 5000)
    statement = (pathlib.Path(__file__).parents[2] / "storage/sql/changes_trim.sql").read_text()
    tables.query(f"PREPARE trim AS {statement}")
    project, owner, epoch, version = tables.query("SELECT project, owner, epoch, facts_version FROM fences")[0]
    assert owner is None
    tables.query("UPDATE fences SET owner = %s", str(uuid.uuid4()))
    assert tables.one("EXECUTE trim(%s, %s, %s, %s, 2000)", project, str(uuid.uuid4()), epoch, version) == 0
    owner = tables.one("SELECT owner FROM fences")
    assert tables.one("EXECUTE trim(%s, %s, %s, %s, 2000)", project, owner, epoch + 1, version) == 0
    assert changes(tables)[0] == 5002  # the configuration is one
    assert tables.one("EXECUTE trim(%s, %s, %s, %s, 2000)", project, owner, epoch, 3) == 3
    assert tables.one("EXECUTE trim(%s, %s, %s, %s, 2000)", project, owner, epoch, version) == 2000
    assert changes(tables)[:2] == (2999, 2004)
    tables.query("UPDATE fences SET owner = NULL")
    router.start()
    assert router.source().event(ringing(number)).json["outcome"] == "blocked"
