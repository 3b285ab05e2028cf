"""What the router does for customers of itself: assigning by rules, reminding, taking back; and permission groups."""
import collections
import uuid

import pytest

from harness.http_client import ringing
from harness.process import wait_for
from harness.projects import project

DAY_MS = 86_400_000
AGENTS = {
    "anna": "{queues: [support, mail], reports_to: carl}", "ben": "{queues: [support, chat], department: sales}",
    "cleo": "{queues: [chat], department: sales}", "carl": "{queues: [chat], role: supervisor}",
}
ASSIGN = """\
assign:
  - {name: gold, when: "customer.fields.plan == 'gold'", agents: [anna]}
  - {name: fair, when: "customer.source == 'fair'", pool: north}
  - {name: vip, when: "'vip' in customer.tags", departments: [sales]}
"""


def text(**more):
    return project(AGENTS).replace("at: accept", "at: ingest, stage: to_be_assigned") + "".join(more.values())


@pytest.fixture
def router(make_router):
    return make_router(text(assign=ASSIGN)).start()


@pytest.fixture
def desk(router):
    return router.client()


def create(desk, **members):
    return desk.ok("POST", "customers", {"name": "Ann", **members}, 201)["id"]


def wait_until(desk, customer, stage):
    return wait_for(lambda: (lambda now: now if now["stage"] == stage else None)(desk.ok("GET", f"customers/{customer}")),
                    f"customer {customer} is {stage}", 30)


def operations(desk, customer, *names):
    return [entry for entry in desk.ok("GET", f"customers/{customer}/log")["items"] if entry["operation"] in names]


def execute(tables, sql, *values):
    tables.query(sql, *values)
    tables.connection.commit()


# --- assigning by rules ---


def test_rules_assign_what_becomes_to_be_assigned(router, desk):
    pool = desk.ok("POST", "pools", {"name": "north"}, 201)["id"]
    waiting = {"stage": "to_be_assigned"}
    gold = create(desk, fields={"plan": "gold"}, **waiting)
    fair = create(desk, source="fair", **waiting)
    vips = [create(desk, tags=["vip"]) for _ in range(4)]
    nobody = create(desk, **waiting)
    assert wait_until(desk, gold, "follow_up")["owner"] == "anna"
    wait_until(desk, fair, "pool")
    for vip in vips:
        assert desk.ok("GET", f"customers/{vip}")["stage"] == "new"
        desk.ok("PATCH", f"customers/{vip}", waiting)
    assert collections.Counter(wait_until(desk, vip, "follow_up")["owner"] for vip in vips) == {"ben": 2, "cleo": 2}
    assert desk.ok("GET", f"pools/{pool}")["customers"] == 1
    for customer, rule in ((gold, "gold"), (fair, "fair"), (vips[0], "vip")):
        (entry,) = operations(desk, customer, "Assign customer")
        assert (entry["actor"], entry["origin"]) == ("router", {"via": "rule", "rule": rule})
    assert desk.ok("GET", f"customers/{nobody}")["version"] == 1
    desk.ok("PATCH", f"customers/{nobody}", {"tags": ["vip"]})
    wait_until(desk, nobody, "follow_up")


def test_a_customer_whom_the_router_creates_is_assigned_once(router, desk, tables):
    number = "+4915112345678"
    made = router.source().event(ringing(number)).json["identity"]["customer"]
    execute(tables, "UPDATE customers SET source = 'fair'")
    assert desk.ok("GET", f"customers/{made}")["stage"] == "to_be_assigned"
    desk.ok("POST", "pools", {"name": "north"}, 201)
    desk.ok("PATCH", f"customers/{made}", {"tags": ["vip"]})
    wait_until(desk, made, "pool")
    assert len(operations(desk, made, "Assign customer")) == 1
    identity = router.source().event(ringing(number)).json["identity"]
    assert identity["outcome"] == "matched" and identity["customer"] == made


def test_many_are_assigned_by_a_new_file_page_by_page(make_router, tables, tmp_path):
    router = make_router(text()).start()
    desk = router.client()
    project_id = tables.one("SELECT id FROM projects")
    execute(tables, "INSERT INTO customers (id, project, name, stage, tags) SELECT gen_random_uuid(), %s, n::text, 'to_be_assigned', "
                    "CASE WHEN n %% 2 = 0 THEN '{vip}'::text[] ELSE '{}' END FROM generate_series(1, 300) n", project_id)
    path = tmp_path / "new.yaml"
    path.write_text(text(assign=ASSIGN))
    router.apply(path)
    wait_for(lambda: tables.one("SELECT count(*) FROM customers WHERE considered = 0 AND stage = 'to_be_assigned'") == 0,
             "all were looked at", 60)
    assert tables.query("SELECT owner, count(*) FROM customers GROUP BY 1 ORDER BY 1") == [("ben", 75), ("cleo", 75), (None, 150)]
    assert tables.one("SELECT count(*) FROM customer_log WHERE operation = 'Assign customer'") == 150
    assert desk.ok("GET", "pools")["items"] == []


# --- taking back ---


# Whom it is not time for: 1,000 who were reminded yesterday, and 1,000 of whom somebody took care.
NOT_DUE = """
SET search_path = patchbay; SET session_replication_role = replica;
INSERT INTO customers (id, project, name, stage, owner, home_pool, assigned_ms, reminded_ms)
SELECT make_id(1700000000000, n), 1, n::text, 'follow_up', 'anna', p.id, {now} - (CASE WHEN n > 1000 THEN 1 ELSE 8 END) * 86400000::bigint,
       CASE WHEN n <= 1000 THEN {now} - 86400000 END
FROM pools p, generate_series(1, 2000) n;
"""
DUE = """
SET search_path = patchbay; SET session_replication_role = replica;
UPDATE customers SET assigned_ms = {now} - (20 + name::bigint % 2) * 86400000::bigint,
       reminded_ms = CASE WHEN name = '7' THEN {now} - 4 * 86400000::bigint END WHERE name IN ('7', '1500', '1501');
"""


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_taking_back_reads_only_whom_it_is_time_for(make_router, database, is_analyzed):
    """Planned when all tables were empty, as in a session that lives long, and by a session that knows how many there are."""
    make_router(text())  # no router runs
    now, me = 1_800_000_000_000, str(uuid.uuid4())
    database.query("SET search_path = patchbay; UPDATE fences SET owner = %s, epoch = 1; INSERT INTO pools (id, project, name, cool_down_ms,"
                   " reclaim_days, remind_days) VALUES (gen_random_uuid(), 1, 'p', 0, 10, 3);"
                   " INSERT INTO pool_members (pool, project, agent, held) SELECT id, 1, 'anna', 2000 FROM pools", me)
    early, late = (database.cluster.connect(database.name) for _ in range(2))

    def run(connection):
        """How many were changed, and what of customers was read for that."""
        look = "SELECT sum(seq_tup_read)::int, sum(idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname = 'customers'"
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; SET LOCAL search_path = patchbay; " + look)
            before = cursor.fetchone()
            cursor.execute("SELECT done FROM reclaim_and_remind(1, %s, 1, %s, 50)", (me, now))
            done = cursor.fetchone()[0]
            cursor.execute(look)
            read = [after - was for after, was in zip(cursor.fetchone(), before)]
            cursor.execute("COMMIT")
            return done, *read

    for _ in range(2):
        assert run(early)[0] == 0
    database.query(NOT_DUE.format(now=now))
    if is_analyzed:
        database.query("ANALYZE patchbay.customers")
    connection = late if is_analyzed else early
    assert run(connection) == (0, 0, 0)
    database.query(DUE.format(now=now))
    done, whole, by_index = run(connection)
    assert (done, whole) == (3, 0) and 3 <= by_index < 100
    assert database.query("SELECT name, owner, reminded_ms = %s FROM patchbay.customers WHERE name IN ('7', '1500', '1501') ORDER BY 1", now) == [
        ("1500", "anna", True), ("1501", "anna", True), ("7", None, None)]
    early.close()
    late.close()


def test_who_does_not_follow_up_is_reminded_and_then_loses_the_customer(router, desk, tables):
    pool = desk.ok("POST", "pools", {"name": "p", "reclaim_days": 10, "remind_days": 3, "cool_down": 3600}, 201)["id"]
    desk.ok("PUT", f"pools/{pool}/members/anna", {})
    anna, lazy, busy = router.agent("anna"), create(desk), create(desk)
    for customer in (lazy, busy):
        desk.ok("POST", f"customers/{customer}/return", {"pool": pool, "reason": "new"})
        anna.ok("POST", f"customers/{customer}/pick_up")
    assert anna.ok("GET", "reminders") == {"items": [], "next": None}
    stream, rpc = anna.stream("agents/anna/stream"), router.rpc_client("agent", "anna")
    assert stream.next("tip") and rpc.call("feed.subscribe", {"agent": "anna"})
    execute(tables, "UPDATE customers SET assigned_ms = assigned_ms - %s", 8 * DAY_MS)
    execute(tables, "UPDATE customer_log SET at_ms = at_ms - %s", 8 * DAY_MS)
    reminded = wait_for(lambda: (lambda page: page if len(page["items"]) == 2 else None)(anna.ok("GET", "reminders")),
                        "anna is reminded", 30)
    assert {item["customer"] for item in reminded["items"]} == {lazy, busy}
    heard = [stream.next("customer.reminder")[2] for _ in range(2)]
    listed = {item["customer"]: {"agent": "anna", **{name: item[name] for name in ("customer", "name", "pool", "returns_at")}}
              for item in reminded["items"]}
    for event in heard + [rpc.next_notification("customer.reminder", 10)[0] for _ in range(2)]:
        assert event["type"] == "customer.reminder" and "agentsequence" not in event and event["data"] == listed[event["subject"]]
    assert {event["subject"] for event in heard} == {lazy, busy}
    stream.close()
    rpc.close()
    anna.ok("PATCH", f"customers/{busy}", {"company": "Demo"})
    execute(tables, "UPDATE customers SET assigned_ms = assigned_ms - %s WHERE id = %s", 3 * DAY_MS, lazy)
    execute(tables, "UPDATE customer_log SET at_ms = at_ms - %s WHERE customer = %s", 3 * DAY_MS, lazy)
    assert wait_for(lambda: len(anna.ok("GET", "reminders")["items"]) == 1 or None, "the follow-up counts", 30)
    assert desk.ok("GET", f"customers/{lazy}")["owner"] == "anna", "the reminder is not three days old"
    execute(tables, "UPDATE customers SET reminded_ms = reminded_ms - %s", 3 * DAY_MS)
    assert wait_until(desk, lazy, "pool")["owner"] is None
    assert desk.ok("GET", f"customers/{busy}")["owner"] == "anna"
    back, remind = operations(desk, lazy, "Back customer", "Remind owner")[:2]
    assert (back["operation"], back["actor"], back["origin"]) == ("Back customer", "router", {"via": "reclaim"})
    assert {"field": "reason", "old": None, "new": "no follow-up"} in back["changes"]
    assert remind["operation"] == "Remind owner" and remind["changes"][0]["field"] == "returns_at"
    assert anna.post(f"customers/{lazy}/pick_up").json["code"] == "agent_unavailable"
    held = [member["held"] for member in desk.ok("GET", f"pools/{pool}")["members"]]
    assert held == [1]


# --- permission groups ---


def test_a_member_of_a_group_lists_what_is_the_groups_and_no_longer_what_is_the_subordinates(make_router):
    router = make_router(text(groups="permission_groups: {desk: {members: [carl], departments: [sales]}}\n")).start()
    desk, carl = router.client(), router.agent("carl")
    annas, bens, cleos, nobodys = (create(desk, owner=owner) for owner in ("anna", "ben", "cleo", None))
    for customer, get, edit in ((annas, 200, 200), (bens, 200, 200), (cleos, 200, 200), (nobodys, 404, 404)):
        assert carl.get(f"customers/{customer}").status == get
        assert carl.request("PATCH", f"customers/{customer}", {"company": "Demo"}).status == edit
    assert {item["id"] for item in carl.ok("GET", "customers")["items"]} == {bens, cleos}
    anna = router.agent("anna")
    assert {item["id"] for item in anna.ok("GET", "customers")["items"]} == {annas}
    assert anna.get(f"customers/{bens}").status == 404
