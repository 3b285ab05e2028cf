"""Whatever changes several customers, members of pools or turns locks them in one order: it waits for others and never in a circle."""
import concurrent.futures
import hashlib
import json
import time
import uuid

import pytest

from harness.process import wait_for
from harness.projects import project

AGENTS = {name: "{queues: [support]}" for name in ("anna", "ben", "carl")}
ROUNDS, HALF = 6, 20


@pytest.fixture
def log_text(postgres):
    """What PostgreSQL has logged since the test began."""
    start = postgres.log_path.stat().st_size
    return lambda: postgres.log_path.read_bytes()[start:].decode()


def owned_by(database, number, agents):
    """Customers, first those of one agent and then of the other; their ids."""
    return [str(row[0]) for place, agent in enumerate(agents) for row in database.query(
        "SET search_path = patchbay; INSERT INTO customers (id, project, name, stage, owner)"
        " SELECT make_id(1700000000000 + %s, n), 1, 'x', 'follow_up', %s FROM generate_series(1, %s) n RETURNING id",
        10 * number + place, agent, HALF)]


def change(database, function, customers, agents=()):
    """As another router would: each on a connection of its own."""
    args = json.dumps({"customers": customers, "agents": list(agents), "now_ms": 1700000000000, "origin": {}})
    call = {"assign": "SELECT (assign_customers(1, 'admin', NULL, %s)).status",
            "delete": "SELECT DISTINCT status FROM delete_customers(1, 'admin', NULL, %s, %s::uuid[], 'Batch delete')"}[function]
    return database.query("SET search_path = patchbay; " + call, args, *([customers] if function == "delete" else []))[0][0]


def test_batches_over_the_same_members_do_not_lock_each_other_out(make_router, database, log_text):
    client = make_router(project(AGENTS)).start().client("admin")
    pool = client.ok("POST", "pools", {"name": "p"}, 201)["id"]
    for agent in AGENTS:
        client.ok("PUT", f"pools/{pool}/members/{agent}", {})
    # Out of the pool, in both orders of the owners.
    sides = [owned_by(database, 0, ["anna", "ben"]), owned_by(database, 1, ["ben", "anna"])]
    database.query("SET search_path = patchbay; UPDATE customers SET home_pool = %s", pool)
    database.query("SET search_path = patchbay; UPDATE pool_members m SET held = (SELECT count(*) FROM customers c WHERE c.owner = m.agent)")
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for number in range(ROUNDS):
            agents = [["carl"], ["anna", "ben"]][number % 2]
            assert list(threads.map(lambda side, to=agents: change(database, "assign", side, to), sides)) == ["ok", "ok"]
        assert list(threads.map(lambda side: change(database, "delete", side), sides)) == ["ok", "ok"]
    assert [member["held"] for member in client.ok("GET", f"pools/{pool}")["members"]] == [0, 0, 0]
    assert "deadlock" not in log_text()


def test_imports_in_opposite_orders_do_not_lock_each_other_out(make_router, database, log_text):
    client = make_router(project(AGENTS)).start().client("admin")
    rows = [f"E{n},Name {n},030 {1000000 + n}\r\n" for n in range(250)]
    head = "external_id,name,phone\r\n"
    texts = [head + "".join(rows), head + "".join(reversed(rows)).replace("Name", "Other")]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for _ in range(2):
            for answer in threads.map(lambda text: client.post("customers/import", text.encode(), headers={"Content-Type": "text/csv"}), texts):
                assert answer.status in (200, 201) and answer.json["failed"] == 0, answer
    assert database.query("SELECT count(*) FROM patchbay.customers")[0][0] == 250
    assert "deadlock" not in log_text()


# --- One order, forced: what holds the first of two rows waits for the second while the other comes for both ---

ID = "00000000-0000-7000-8000-00000000000{}".format
ME = str(uuid.uuid4())
DAYS_MS = 10 * 86400000


@pytest.fixture
def shop(make_router, database):
    """No router runs: the project is this test's. A pool out of which ben has the first customer and anna the second; two more wait
    to be assigned, and one is merged into the first."""
    make_router(project(AGENTS))
    database.query(
        "SET search_path = patchbay; UPDATE fences SET owner = %s, epoch = 1;"
        " INSERT INTO pools (id, project, name, cool_down_ms, reclaim_days) VALUES (%s, 1, 'p', 0, 1);"
        " INSERT INTO pool_members (pool, project, agent, held) SELECT id, 1, unnest(%s), 1 FROM pools;"
        " INSERT INTO customers (project, id, name, stage, owner, home_pool) SELECT 1, x.id, 'x', 'follow_up', x.owner, p.id"
        " FROM pools p, (VALUES (%s::uuid, 'ben'), (%s, 'anna')) x (id, owner);"
        " INSERT INTO customers (project, id, name, stage) VALUES (1, %s, 'x', 'to_be_assigned'), (1, %s, 'x', 'to_be_assigned');"
        " INSERT INTO customers (project, id, merged_into, deleted_at) VALUES (1, %s, %s, now())",
        ME, str(uuid.uuid4()), list(AGENTS), ID(1), ID(2), ID(3), ID(4), ID(5), ID(1))
    return database


def beside(database, first, second, statement, *values):
    """Locks `first`, waits until `statement` waits for that on a connection of its own, locks `second`, and lets it go on."""
    holder, worker = (database.cluster.connect(database.name) for _ in range(2))
    holder.autocommit = False

    def run():
        with worker.cursor() as cursor:
            cursor.execute("SET search_path = patchbay; " + statement, values)
            return cursor.fetchall()

    try:
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            try:
                with holder.cursor() as cursor:
                    cursor.execute("SET search_path = patchbay; " + first)
                    done = thread.submit(run)
                    wait_for(lambda: database.query("SELECT %s = ANY (pg_blocking_pids(%s))", holder.info.backend_pid,
                                                    worker.info.backend_pid) == [(True,)], "the other one waits", 60)
                    cursor.execute(second)
                holder.commit()
                return done.result(60)
            finally:
                holder.close()  # and the other one goes on
    finally:
        worker.close()


def lock(table, condition):
    return f"SELECT FROM {table} WHERE {condition} FOR UPDATE"


def test_what_is_reclaimed_locks_the_members_of_its_pool_by_name(shop):
    later = int(time.time() * 1000) + DAYS_MS
    assert beside(shop, lock("pool_members", "agent = 'anna'"), lock("pool_members", "agent = 'ben'"),
                  "SELECT changed FROM reclaim_customers(1, %s, 1, %s, 50)", ME, later) == [(2,)]
    assert shop.query("SELECT agent, held FROM patchbay.pool_members ORDER BY agent") == [("anna", 0), ("ben", 0), ("carl", 1)]


def taken(database, first, second, *rows):
    args = {"rows": [{"tags": [], "contacts": [], **row} for row in rows], "dry_run": False, "now_ms": 1700000000000, "origin": {}}
    counts = beside(database, first, second, "SELECT import_rows(1, 'admin', NULL, %s)", json.dumps(args))[0][0]
    return counts["changed"], counts["faults"]


def test_an_import_locks_the_members_of_pools_by_name(shop):
    assert taken(shop, lock("pool_members", "agent = 'anna'"), lock("pool_members", "agent = 'ben'"),
                 {"id": ID(1), "owner": "carl"}, {"id": ID(2), "owner": "carl"}) == (2, [])
    assert shop.query("SELECT agent, held FROM patchbay.pool_members ORDER BY agent") == [("anna", 0), ("ben", 0), ("carl", 3)]


def test_an_import_locks_whom_a_customer_was_merged_into_in_its_place(shop):
    assert taken(shop, lock("customers", f"id = '{ID(1)}'"), lock("customers", f"id = '{ID(2)}'"),
                 {"id": ID(2), "name": "y"}, {"id": ID(5), "name": "z"}) == (2, [])
    assert shop.query("SELECT name FROM patchbay.customers WHERE id = %s", ID(1)) == [("z",)]


def test_rules_that_assign_take_their_turns_in_one_order(shop):
    turns = {hashlib.md5(json.dumps([[agent], []]).encode()).hexdigest(): agent for agent in ("anna", "ben")}
    first, last = sorted(turns)
    for turn in turns:
        shop.query("INSERT INTO patchbay.assign_turns (project, target, used_ms) VALUES (1, %s, 0)", turn)
    items = [{"customer": customer, "version": 1, "rule": "r", "agents": [turns[turn]]} for customer, turn in ((ID(3), last), (ID(4), first))]
    assert beside(shop, lock("assign_turns", f"target = '{first}'"), lock("assign_turns", f"target = '{last}'"),
                  "SELECT assign_by_rules(1, %s, 1, 1, 1700000000000, %s)", ME, json.dumps(items)) == [(2,)]
    assert shop.query("SELECT owner FROM patchbay.customers WHERE id IN (%s, %s) ORDER BY id", ID(3), ID(4)) == [
        (turns[last],), (turns[first],)]
