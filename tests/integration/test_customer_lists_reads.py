"""How many rows a page of customers reads, however many there are: counted by PostgreSQL, for a clock would say what the machine does."""
import collections
import json

import pytest

CUSTOMERS, PAGE = 12_000, 10
# Anna has the last 1,500 shared; each is one second younger than the one before.
LOAD = f"""
SET search_path = patchbay;
INSERT INTO agents (project, name, display_name, role) VALUES (1, 'anna', 'A', 'agent'), (1, 'ben', 'B', 'agent'), (1, 'zoe', 'Z', 'agent');
INSERT INTO customers (id, project, name, tags, owner, created_at)
SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1, 'c' || lpad(n::text, 5, '0'),
       CASE WHEN n % 50 = 0 THEN ARRAY['vip'] ELSE ARRAY['old'] END, CASE WHEN n % 49 = 1 THEN 'ben' END, to_timestamp(n)
FROM generate_series(1, {CUSTOMERS}) n;
INSERT INTO shares (project, customer, kind, name, shared_by, at_ms)
SELECT 1, id, 'agent', 'anna', 'x', 0 FROM customers WHERE created_at > to_timestamp({CUSTOMERS - 1500});
ANALYZE customers, shares;
"""


@pytest.fixture
def measure(database):
    """Gives what a statement gives, and of each table how many rows it read and how often it asked an index."""
    database.query(LOAD)
    connection = database.cluster.connect(database.name)
    connection.autocommit = False

    def reads(cursor):
        cursor.execute("SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0), coalesce(idx_scan, 0)"
                       " FROM pg_stat_xact_user_tables WHERE schemaname = 'patchbay'")
        return {name: collections.Counter(rows=rows, scans=scans) for name, rows, scans in cursor.fetchall()}

    def run(statement, *params):
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = patchbay")
            before = reads(cursor)  # what was done in the transactions of before may not be told yet
            cursor.execute(statement, params)
            rows = cursor.fetchall()
            after = reads(cursor)
        connection.rollback()
        return rows, {name: counts - before[name] for name, counts in after.items()}

    yield run
    connection.close()


@pytest.fixture
def lists(measure):
    """Gives a page's numbers of customers, its next, and what was read for it."""
    def page(role, agent, asked):
        [(outcome, answer)], counts = measure("SELECT outcome, answer FROM list_customers(1, %s, %s, %s)", role, agent,
                                              json.dumps({"limit": PAGE, **asked}))
        assert outcome == "ok", answer
        answer = json.loads(answer)
        return [int(item["id"][-12:]) for item in answer["items"]], answer["next"], counts

    return page


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_list_of_some_hours_begins_where_they_do(lists, order):
    """They are too many to be looked up and sorted, and stand in the middle."""
    asked = {"created_from": 5_001_000, "created_until": 8_001_000, "order": order}
    numbers = range(5001, 8001) if order == "asc" else range(8000, 5000, -1)
    seen, after = [], {}
    for _ in range(3):
        found, place, counts = lists("admin", None, {**asked, **after})
        seen, after = seen + found, {"after": place}
        assert counts["customers"]["rows"] <= 4 * PAGE, counts["customers"]
    assert seen == list(numbers[:3 * PAGE])
    # Conditions may be others on the next page: the place is what counts.
    at = numbers[3 * PAGE]
    narrowed = {"created_from": (at + 5) * 1000} if order == "asc" else {"created_until": (at - 5) * 1000 + 1000}
    found, _, counts = lists("admin", None, {**asked, **narrowed, **after})
    assert found[0] == (at + 5 if order == "asc" else at - 5) and counts["customers"]["rows"] <= 4 * PAGE, counts["customers"]


def test_who_has_many_shared_reads_the_shares_once_and_not_customer_by_customer(lists):
    found, _, counts = lists("agent", "anna", {"order": "desc"})
    assert found == list(range(CUSTOMERS, CUSTOMERS - PAGE, -1)) and counts["shares"]["scans"] <= 1, counts["shares"]
    found, _, counts = lists("agent", "anna", {})  # nobody of the first thousands
    assert found == list(range(CUSTOMERS - 1499, CUSTOMERS - 1499 + PAGE)) and counts["shares"]["scans"] <= 1, counts["shares"]
    assert lists("agent", "zoe", {})[0] == []


def test_a_tag_and_an_owner_are_met_before_customers_are_read(lists):
    both = [n for n in range(1, CUSTOMERS + 1) if n % 50 == 0 and n % 49 == 1]
    for role, agent, asked in (("admin", None, {"owner": "ben"}), ("agent", "ben", {})):
        found, _, counts = lists(role, agent, {"tags_any": ["vip"], "sort": "name", **asked})
        assert found == both and counts["customers"]["rows"] <= 2 * len(both), counts["customers"]


def test_who_may_see_nobody_gets_an_empty_list(lists):
    assert lists("agent", None, {})[0] == lists("agent", None, {"created_from": 5000, "tags_none": ["x"]})[0] == []


def test_an_export_of_a_stage_reads_that_stage_and_goes_on_where_it_was(database, measure):
    """The stage is a small one, and all of it stands at the end."""
    database.query(f"UPDATE patchbay.customers SET stage = 'to_be_assigned' WHERE owner IS NULL AND created_at > to_timestamp({CUSTOMERS - 600});"
                   " ANALYZE patchbay.customers")
    seen, after = [], {}
    for _ in range(3):
        rows, counts = measure("SELECT id::text FROM export_page(1, 'supervisor', NULL, %s) page (id)",
                               json.dumps({"stage": "to_be_assigned", "limit": PAGE, **after}))
        seen, after = seen + [int(row[0][-12:]) for row in rows], {"after": rows[-1][0]}
        assert counts["customers"]["rows"] <= 4 * PAGE, counts["customers"]
    assert seen == [n for n in range(CUSTOMERS - 599, CUSTOMERS + 1) if n % 49 != 1][:3 * PAGE]


def test_an_export_of_a_tag_that_many_have_got_since_does_not_look_up_all_of_them_for_each_page(database, measure):
    """The planner takes it for a rare one."""
    database.query("UPDATE patchbay.customers SET tags = tags || ARRAY['mass'] WHERE created_at > to_timestamp(2000);"
                   "UPDATE patchbay.customers SET tags = tags || ARRAY['rare'] WHERE created_at > to_timestamp(%s);"
                   "INSERT INTO patchbay.tag_counts (project, tag, n) VALUES (1, 'mass', %s), (1, 'rare', 30)", CUSTOMERS - 30, CUSTOMERS - 2000)
    for tag, first in (("mass", 2001), ("rare", CUSTOMERS - 29)):
        seen, after, total = [], {}, 0
        for _ in range(3):
            rows, counts = measure("SELECT id::text FROM export_page(1, 'admin', NULL, %s) page (id)", json.dumps({"tag": tag, "limit": PAGE, **after}))
            seen, after, total = seen + [int(row[0][-12:]) for row in rows], {"after": rows[-1][0]}, total + counts["customers"]["rows"]
        assert seen == list(range(first, first + 3 * PAGE)) and total <= CUSTOMERS + 100, (tag, total)
