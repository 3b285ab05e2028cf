"""Batches that change the same pool's members, and imports of the same people, wait for each other and never in a circle."""
import concurrent.futures
import json

import pytest

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
