"""Lists of customers against a slow reference: each condition alone and together, sorts, pages, rights, hostile input."""
import datetime
import json
import random
import re
import uuid
from urllib.parse import urlencode

import pytest

from harness.bystanders import rpc_fault
from harness.process import wait_for
from harness.projects import project

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.timezone.utc)
AGENTS = {
    "anna": "{queues: [support], reports_to: dora, department: sales}",
    "ben": "{queues: [support], reports_to: dora}",
    "carl": "{queues: [support], department: sales}",
    "dora": "{queues: [support], reports_to: erin}",
    "erin": "{queues: [support]}",
}
TAGS = ["vip", "old", "new", "späte", "it's", 'a"b', "{x}"]
WORDS = ["krause", "müller", "acme", "beta", "gamma", "ltd", "hoff", "hoffmann", "lee", "zoe"]
STAGES = ["new", "to_be_assigned", "follow_up", "mine", "pool"]
COLUMNS = ("id", "name", "real_name", "company", "external_id", "stage", "owner", "service_rep", "source", "tags", "fields",
           "created_by", "created_at", "updated_at")


@pytest.fixture
def desk(make_router):
    return make_router(project(AGENTS)).start()


def some(chance, pick):
    return pick() if chance.random() < 0.6 else None


def make_customers(database, count, seed):
    """Random customers, straight into the tables: as dicts of the columns, with contacts."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        fields = {}
        for name, pick in (("level", lambda: chance.choice([1, 2, 2.5, 3, "2", None])), ("due", lambda: chance.choice(
                ["2026-01-05", "2026-02-31", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00+02:00", "soon", 7])),
                ("note", lambda: chance.choice(["Red house", "green HOUSE", "%_\\", "", "Ärger"])),
                ("flag", lambda: chance.choice([True, False, "true"])), ("colors", lambda: chance.sample(["red", "blue", 3], 2))):
            value = some(chance, pick)
            if value is not None or chance.random() < 0.1:
                fields[name] = value
        row = {
            "id": str(uuid.UUID(int=(0x018f << 112) | chance.getrandbits(112))),
            "name": " ".join(chance.choices(WORDS, k=chance.randint(1, 2))), "real_name": some(chance, lambda: chance.choice(WORDS)),
            "company": some(chance, lambda: f"{chance.choice(WORDS)}-{chance.choice(WORDS)}"),
            "external_id": f"X{number}" if chance.random() < 0.3 else None, "stage": chance.choice(STAGES),
            "owner": some(chance, lambda: chance.choice(list(AGENTS))), "service_rep": some(chance, lambda: chance.choice(list(AGENTS))),
            "source": some(chance, lambda: chance.choice(["web", "call", "fair"])),
            "tags": chance.sample(TAGS, chance.randint(0, 3)), "fields": fields,
            "created_by": some(chance, lambda: chance.choice(list(AGENTS))),
            "created_at": NOW + datetime.timedelta(seconds=chance.randint(0, 300)),
            "updated_at": NOW + datetime.timedelta(seconds=chance.randint(0, 300), microseconds=chance.randint(0, 999999)),
        }
        rows.append(row)
    database.query(
        "INSERT INTO patchbay.customers (project, id, name, real_name, company, external_id, stage, owner, service_rep, source, tags,"
        " fields, created_by, created_at, updated_at) SELECT 1, x.* FROM jsonb_to_recordset(%s) AS x (id uuid, name text,"
        " real_name text, company text, external_id text, stage text, owner text, service_rep text, source text, tags text[],"
        " fields jsonb, created_by text, created_at timestamptz, updated_at timestamptz)",
        json.dumps(rows, default=lambda moment: moment.isoformat()))
    stages = dict(database.query("SELECT id::text, stage FROM patchbay.customers"))  # as they go with the owners
    for number, row in enumerate(rows):
        row["stage"], row["contacts"] = stages[row["id"]], []
        if number % 2:
            digits = f"{number:07d}"
            row["contacts"] = [{"phone": f"030 / {digits[:3]}-{digits[3:]}", "phone_key": f"+4930{digits}",
                                "email": f"P{number}@Mail.example", "email_key": f"p{number}@mail.example"}]
    database.query(
        "INSERT INTO patchbay.contacts (customer, position, project, phone, phone_key, email, email_key)"
        " SELECT (x ->> 'id')::uuid, 0, 1, c ->> 'phone', c ->> 'phone_key', c ->> 'email', c ->> 'email_key'"
        " FROM jsonb_array_elements(%s) x, jsonb_array_elements(x -> 'contacts') c",
        json.dumps(rows, default=lambda moment: moment.isoformat()))
    return rows


def wait_indexed(database):
    wait_for(lambda: database.query("SELECT count(*) FROM patchbay.customer_queue")[0][0] == 0, "the changed customers are looked at", 60)


# --- the reference ---


def moment(text):
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?", text):
        return None
    try:
        found = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def compare(op, left, right):
    return {"lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right, "eq": left == right}[op]


def field_matches(fields, condition):
    op, want, have = condition.get("op", "eq"), condition.get("value"), fields.get(condition["field"])
    if op == "exists":
        return (have is not None) == (True if want is None else want)
    if op == "ne":
        return not field_matches(fields, {**condition, "op": "eq"})
    if op == "contains":
        return want.lower() in have.lower() if isinstance(have, str) else isinstance(have, list) and want in have
    if op == "prefix":
        return isinstance(have, str) and have.lower().startswith(want.lower())
    if isinstance(want, bool):
        return have is want
    if is_number(want):
        return is_number(have) and compare(op, have, want)
    if moment(want) and condition.get("type") != "text":
        return moment(have) is not None and compare(op, moment(have), moment(want))
    return isinstance(have, str) and compare(op, have, want)


def words(text):
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]


def keyword_matches(row, keyword):
    mine = words(" ".join(row[name] or "" for name in ("name", "real_name", "company", "external_id")))
    mine += [word for contact in row["contacts"] for word in words(contact["email"])]
    asked, digits = words(keyword), re.sub(r"\D", "", keyword)
    if asked and all(any(word.startswith(one) for word in mine) for one in asked):
        return True
    for contact in row["contacts"]:
        key = contact["phone_key"][1:]
        if re.fullmatch(r"[-+/(). \d]+", keyword) and len(digits) >= 4:
            if key.startswith(digits) or re.sub(r"\D", "", contact["phone"]).startswith(digits) or key.endswith(digits):
                return True
        if keyword.lower() == contact["email_key"] or digits in ("0" + key[2:], "00" + key) and digits == re.sub(r"[-+/(). ]", "", keyword):
            return True
    return False


def matches(row, asked, follows=()):
    tags = set(row["tags"])
    checks = {
        "tags_any": lambda want: bool(tags & set(want)), "tags_all": lambda want: tags >= set(want),
        "tags_none": lambda want: not tags & set(want), "source": lambda want: (row["source"] or "") == want,
        "owner": lambda want: (row["owner"] or "") == want, "stage": lambda want: row["stage"] == want,
        "created_from": lambda want: row["created_at"] >= moment(want), "created_until": lambda want: row["created_at"] < moment(want),
        "followed": lambda want: (row["id"] in follows) == want, "keyword": lambda want: keyword_matches(row, want),
        "fields": lambda want: all(field_matches(row["fields"], one) for one in want),
    }
    return all(check(asked[name]) for name, check in checks.items() if name in asked)


def reference(rows, asked, follows=()):
    found = [row for row in rows if matches(row, asked, follows)]
    found.sort(key=lambda row: (row[asked.get("sort", "created_at")], row["id"]), reverse=asked.get("order") == "desc")
    return [row["id"] for row in found]


def condition(chance):
    """One random condition: name and value."""
    second = (NOW + datetime.timedelta(seconds=chance.randint(0, 300))).isoformat()
    field = chance.choice([
        {"field": "level", "op": chance.choice(["eq", "ne", "lt", "le", "gt", "ge"]), "value": chance.choice([1, 2, 2.5, 3])},
        {"field": "due", "op": chance.choice(["eq", "ne", "lt", "le", "gt", "ge"]),
         "value": chance.choice(["2026-01-05", "2026-03-01T10:00:00Z", "2026-02-15"])},
        {"field": "due", "op": "ge", "value": "2026-02-01", "type": "text"},
        {"field": "note", "op": chance.choice(["eq", "ne", "contains", "prefix", "lt"]), "value": chance.choice(["house", "Red", "%", "_\\", "är"])},
        {"field": "flag", "op": chance.choice(["eq", "ne"]), "value": chance.choice([True, False])},
        {"field": "colors", "op": "contains", "value": "red"},
        {"field": chance.choice(["level", "nothing", "due"]), "op": "exists", "value": chance.choice([True, False])},
        {"field": "note", "op": "exists"},
    ])
    return chance.choice([
        ("tags_any", chance.sample(TAGS, 2)), ("tags_all", chance.sample(TAGS, chance.randint(1, 2))), ("tags_none", chance.sample(TAGS, 2)),
        ("source", chance.choice(["web", "call", "", "nobody"])), ("owner", chance.choice(["anna", "", "nobody"])),
        ("stage", chance.choice(STAGES)), ("created_from", second), ("created_until", second), ("followed", chance.random() < 0.5),
        ("keyword", chance.choice(["hoff", "KRAUSE acme", "müll", "x1", "p1", "0000", "49300000", "030 0000031", "P31@mail.EXAMPLE", "-", "zoe lee"])),
        ("fields", [field])])


def pages(call, asked, limit):
    """All ids of a list, page by page."""
    seen, after = [], None
    while True:
        page = call({**asked, "limit": limit, **({"after": after} if after else {})})
        assert len(page["items"]) <= limit
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            return seen


def test_conditions_alone_and_together_find_what_the_reference_finds(desk, database):
    rows = make_customers(database, 400, 7)
    follows = {row["id"] for row in rows if row["owner"] == "anna"} | {row["id"] for row in rows[::5]}
    database.query("INSERT INTO patchbay.follows SELECT 1, 'anna', id::uuid, 0 FROM unnest(%s) id ON CONFLICT DO NOTHING", list(follows))
    wait_indexed(database)
    client, rpc = desk.client("admin", "anna"), desk.rpc_client("admin", "anna")
    chance, found = random.Random(11), 0
    for number in range(400):
        asked = dict(condition(chance) for _ in range(1 if number < 150 else chance.randint(2, 4)))
        if number % 3 == 0:
            asked |= {"sort": chance.choice(["created_at", "updated_at", "name"]), "order": chance.choice(["asc", "desc"])}
        expected = reference(rows, asked, follows)
        found += bool(expected)
        if number % 2:
            seen = pages(lambda body: client.ok("POST", "customers/search", body), asked, chance.choice([3, 50, 1000]) if len(expected) < 60 else 1000)
        else:
            seen = pages(lambda body: rpc.call("customer.search", body), asked, 1000)
        assert seen == expected, asked
        in_query = {name: ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
                    for name, value in asked.items() if name != "fields"}
        if number % 10 == 0 and in_query and "fields" not in asked:
            assert pages(lambda body: client.ok("GET", "customers?" + urlencode(body)), in_query, 1000) == expected, in_query
    assert found > 200
    rpc.close()


def test_many_who_all_stand_at_the_other_end_of_the_sort_are_found(desk, database):
    """More than are looked up and sorted at once, and none of them where the walk begins."""
    database.query("INSERT INTO patchbay.customers (id, project, name, tags, created_at)"
                   " SELECT gen_random_uuid(), 1, 'c' || n, CASE WHEN n <= 1200 THEN ARRAY['first'] ELSE '{}' END,"
                   "        now() - interval '1 day' + n * interval '1 second' FROM generate_series(1, 4200) n")
    database.query("ANALYZE patchbay.customers")
    seen = pages(lambda body: desk.client("admin").ok("GET", "customers?" + urlencode(body)),
                 {"tags_any": "first", "sort": "created_at", "order": "desc"}, 50)
    assert len(seen) == len(set(seen)) == 1200


def test_names_are_sorted_as_people_do(desk):
    client = desk.client()
    for name in ("Zoe", "ärger", "anna", "Özil", "Bob"):
        client.ok("POST", "customers", {"name": name}, 201)
    assert [one["name"] for one in client.ok("GET", "customers?sort=name")["items"]] == ["anna", "ärger", "Bob", "Özil", "Zoe"]


def test_pages_stay_in_place_while_others_write(desk, database):
    """Whoever is not touched comes exactly once and in order, whatever happens to the others, the last of a page among them."""
    make_customers(database, 300, 3)
    client, chance = desk.client(), random.Random(5)
    for sort in ("created_at", "name", "updated_at"):
        whole = [item["id"] for item in client.ok("GET", f"customers?sort={sort}&limit=1000")["items"]]
        touched, seen, after = set(), [], None
        while True:
            page = client.ok("GET", "customers?" + urlencode({"sort": sort, "limit": 40, **({"after": after} if after else {})}))
            seen += [item["id"] for item in page["items"]]
            after = page["next"]
            if after is None:
                break
            victims = chance.sample([one for one in whole if one not in touched], 3) + [page["items"][-1]["id"]]
            touched |= set(victims)
            client.ok("POST", "customers", {"name": chance.choice(WORDS)}, 201)
            for victim in victims[:2]:
                client.ok("PATCH", f"customers/{victim}", {"name": chance.choice(WORDS)})
            database.query("UPDATE patchbay.customers SET deleted_at = now() WHERE id = ANY (%s::uuid[])", victims[2:])
        assert len(touched) > 20 and [one for one in seen if one in whole and one not in touched] == [
            one for one in whole if one not in touched]


def test_lists_show_what_their_viewer_may_list(desk, database):
    rows = make_customers(database, 200, 9)
    shared = {"agent": ("anna", rows[0]["id"]), "role": ("supervisor", rows[1]["id"]), "department": ("sales", rows[2]["id"])}
    for kind, (name, customer) in shared.items():
        database.query("INSERT INTO patchbay.shares VALUES (1, %s, %s, %s, 'x', 0)", customer, kind, name)
    pool = str(uuid.uuid4())
    database.query("INSERT INTO patchbay.pools (id, project, name, cool_down_ms) VALUES (%s, 1, 'p', 0)", pool)
    database.query("INSERT INTO patchbay.pool_members (pool, project, agent) VALUES (%s, 1, 'carl')", pool)
    database.query("UPDATE patchbay.customers SET pool = %s WHERE id = %s", pool, rows[3]["id"])
    below = {"anna": {"anna"}, "carl": {"carl"}, "dora": {"dora", "anna", "ben"}, "erin": {"erin", "dora", "anna", "ben"}}
    departments = {"anna": "sales", "carl": "sales"}

    def lists(role, agent, row):
        if role == "admin":
            return True
        if role in ("supervisor", "pool_admin") and row["owner"] is None:
            return True
        if agent is None:
            return role == "supervisor" and row["id"] == shared["role"][1]
        return (row["owner"] in below[agent] or row["service_rep"] == agent or (row["owner"] is None and row["created_by"] == agent)
                or (agent, row["id"]) == shared["agent"] or (role, row["id"]) == shared["role"]
                or (departments.get(agent), row["id"]) == shared["department"] or (agent == "carl" and row["id"] == rows[3]["id"])
                or (role == "pool_admin" and agent is None and row["id"] == rows[3]["id"]))

    for role, agent in (("admin", None), ("agent", "anna"), ("agent", "carl"), ("agent", "dora"), ("agent", "erin"),
                        ("supervisor", "anna"), ("supervisor", None), ("pool_admin", "carl")):
        client = desk.client(role, agent)
        for asked in ({}, {"tags_any": "vip,old"}, {"sort": "name"}):
            expected = reference([row for row in rows if lists(role, agent, row)],
                                 {**asked, **({"tags_any": ["vip", "old"]} if "tags_any" in asked else {})})
            seen = pages(lambda body: client.ok("GET", "customers?" + urlencode(body)), asked, 1000)
            assert seen == expected, (role, agent, asked)
        for item in client.ok("GET", "customers?limit=20")["items"]:
            assert client.get(f"customers/{item['id']}").status == 200


def test_columns_are_chosen_by_each_for_themselves(desk):
    client, other = desk.client("admin", "anna"), desk.client("admin", "ben")
    made = client.ok("POST", "customers", {"name": "Ann", "fields": {"level": 3}, "tags": ["vip"]}, 201)
    assert client.ok("GET", "customers/columns") == {"columns": None}
    chosen = ["tags", "name", "fields.level", "last_activity", "contacts"]
    assert client.ok("PUT", "customers/columns", {"columns": chosen}) == {"columns": chosen}
    item = client.ok("GET", "customers")["items"][0]
    assert item == {"id": made["id"], "tags": ["vip"], "name": "Ann", "fields.level": 3, "last_activity": None, "contacts": []}
    assert list(item) == ["id", *chosen]
    assert client.ok("GET", "customers?columns=all")["items"] == [made] == other.ok("GET", "customers")["items"]
    assert other.ok("GET", "customers?columns=name,id")["items"] == [{"id": made["id"], "name": "Ann"}]
    assert desk.client("admin").ok("PUT", "customers/columns", {"columns": ["name"]}) and desk.client("admin").ok(
        "GET", "customers/columns") == {"columns": ["name"]}
    assert desk.client("supervisor").ok("GET", "customers/columns") == {"columns": None}
    for bad, pointer in ((["name", "nickname"], "/columns/1"), (["name", "name"], "/columns/1"), ([7], "/columns/0"), (["fields."], "/columns/0")):
        answer = client.put("customers/columns", {"columns": bad})
        assert (answer.status, answer.json["pointer"]) == (400, pointer), bad
    client.ok("PUT", "customers/columns", {"columns": []})
    assert client.ok("GET", "customers/columns") == {"columns": None}


HOSTILE = ["'; DROP TABLE customers; --", "\\'", "%s%n$$", "a'||pg_sleep(9)||'", '"', "{}", "\\", "' & !''", "🦊", "\u200b", "::tsquery", "x:*&y"]


def test_hostile_values_are_found_verbatim_or_not_at_all(desk, database):
    client = desk.client("admin", "anna")
    made = {text: client.ok("POST", "customers", {"name": text, "source": text, "tags": [text], "fields": {text: text}}, 201)["id"] for text in HOSTILE}
    wait_indexed(database)
    for text, customer in made.items():
        for asked in ({"source": text}, {"tags_any": [text]}, {"tags_all": [text]}, {"fields": [{"field": text, "value": text}]},
                      {"fields": [{"field": text, "op": "contains", "value": text}]}, {"fields": [{"field": text, "op": "prefix", "value": text}]},
                      {"fields": [{"field": text, "op": "le", "value": text}]}):
            found = [item["id"] for item in client.ok("POST", "customers/search", asked)["items"]]
            assert found == [customer], asked
        assert customer not in [item["id"] for item in client.ok("POST", "customers/search", {"tags_none": [text]})["items"]]
        client.ok("POST", "customers/search", {"keyword": text})
        client.ok("POST", "customers/search", {"columns": [f"fields.{text}"]})
        assert client.ok("POST", "customers/search", {"owner": "anna"})["items"] == []
    assert database.query("SELECT count(*) FROM patchbay.customers")[0][0] == len(HOSTILE)


def test_the_index_reads_no_table_whole_though_all_were_empty_when_it_was_planned(desk, database):
    desk.stop()
    [(owner, epoch)] = database.query("UPDATE patchbay.fences SET owner = gen_random_uuid() RETURNING owner::text, epoch")
    connection = database.cluster.connect(database.name)
    run = f"SELECT count(*) FROM patchbay.index_customers(1, '{owner}', {epoch}, 100)"
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = patchbay")
        for _ in range(2):
            cursor.execute(run)
        make_customers(database, 500, 6)
        cursor.execute("SELECT sum(seq_tup_read) FROM pg_stat_xact_user_tables")  # what was above is not in this transaction
        assert cursor.fetchone() == (0,)
        connection.autocommit = False
        cursor.execute(run)
        cursor.execute("SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 1")
        assert cursor.fetchall() == []
        cursor.execute("SELECT count(*) FROM customer_words")
        assert cursor.fetchone() == (100,)
    connection.close()


def test_the_index_asks_for_the_rows_of_its_page_alone_though_the_day_was_empty_when_it_was_planned(desk, database):
    """Else each page of the first minutes would go through all that the day has so far."""
    desk.stop()
    [(owner, epoch)] = database.query("UPDATE patchbay.fences SET owner = gen_random_uuid() RETURNING owner::text, epoch")
    [(customer, *_)] = database.query("INSERT INTO patchbay.customers (id, project, name, stage) VALUES (gen_random_uuid(), 1, 'x', 'new') RETURNING id::text")
    database.query("VACUUM ANALYZE")
    connection = database.cluster.connect(database.name)
    run = f"SELECT count(*) FROM patchbay.index_customers(1, '{owner}', {epoch}, 100)"
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = patchbay")
        for _ in range(2):
            cursor.execute(run)
        cursor.execute(
            "WITH n AS (SELECT n, make_id(now_ms(), n) AS id, now_ms() AS at_ms FROM generate_series(1, 1000) n), i AS ("
            " INSERT INTO interactions (project, id, channel, outbound, conversation, opened_seq, opened_ms, state, priority, enqueued_ms,"
            "                           attempts, identity, customer)"
            " SELECT 1, id, 0, false, id, 1000000 + n, at_ms, 3, 0, at_ms, 0, 0, %s FROM n), k AS ("
            " INSERT INTO content (project, seq, at_ms, recipient) SELECT 1, 1000000 + n, at_ms, 'x' FROM n)"
            " INSERT INTO journal (project, seq, at_ms, kind, interaction, config_version, input, facts, decision)"
            " SELECT 1, 1000000 + n, at_ms, 1, id, 1, '', '', '' FROM n", (customer,))
        connection.autocommit = False
        cursor.execute(run)
        cursor.execute("SELECT left(relname, 7), sum(idx_tup_fetch)::integer FROM pg_stat_xact_user_tables"
                       " WHERE relname LIKE 'content\\_%' OR relname LIKE 'interactions\\_%' GROUP BY 1 ORDER BY 1")
        assert cursor.fetchall() == [("content", 100), ("interac", 100)]
        cursor.execute("SELECT count(*) FROM customer_last WHERE customer = %s", (customer,))
        assert cursor.fetchone() == (1,)
    connection.close()


def test_the_index_comes_back_soon_when_an_import_has_it(desk, database):
    client = desk.client("admin", "anna")
    connection = database.cluster.connect(database.name)
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('patchbay.index_customers'), 1)")
    made = client.ok("POST", "customers", {"name": "Waits"}, 201)["id"]
    [(owner, epoch)] = database.query("SELECT owner::text, epoch FROM patchbay.fences")
    assert database.query("SET search_path = patchbay; SELECT more FROM index_customers(1, %s, %s, 10)", owner, epoch) == [(True,)]
    assert database.query("SELECT count(*) FROM patchbay.customer_words") == [(0,)]
    connection.rollback()
    connection.close()
    wait_indexed(database)
    assert [one["id"] for one in client.ok("POST", "customers/search", {"keyword": "waits"})["items"]] == [made]


def test_wrong_conditions_are_refused_with_their_place(desk):
    client, rpc = desk.client("admin", "anna"), desk.rpc_client("admin", "anna")
    good = client.ok("POST", "customers", {"name": "a"}, 201) and client.ok("POST", "customers", {"name": "b"}, 201)
    assert good
    after = client.ok("GET", "customers?limit=1")["next"]
    for asked, pointer in (
            ({"strange": 1}, "/strange"), ({"tags_any": []}, "/tags_any"), ({"tags_any": [7]}, "/tags_any"), ({"tags_all": "x"}, None),
            ({"stage": "sold"}, "/stage"), ({"sort": "age"}, "/sort"), ({"order": "up"}, "/order"), ({"created_from": "yesterday"}, "/created_from"),
            ({"created_until": 7}, "/created_until"), ({"followed": "yes"}, "/followed"), ({"keyword": ""}, "/keyword"),
            ({"keyword": "x" * 300}, "/keyword"), ({"keyword": "a " * 17}, "/keyword"), ({"limit": 0}, "/limit"), ({"limit": 1001}, "/limit"),
            ({"after": "x"}, "/after"), ({"after": after + "x"}, "/after"), ({"after": after, "sort": "name"}, "/after"),
            ({"after": after, "order": "desc"}, "/after"), ({"after": "é"}, "/after"), ({"after": "A" * 2000}, "/after"),
            ({"columns": ["x"]}, "/columns"), ({"columns": [1]}, "/columns/0"), ({"columns": [None]}, "/columns/0"),
            ({"columns": ["name", "name"]}, "/columns/1"),
            ({"fields": [7]}, "/fields/0"), ({"fields": [{}]}, "/fields/0/field"), ({"fields": [{"field": "a"}]}, "/fields/0/value"),
            ({"fields": [{"field": "a", "value": 1}, {"field": "a", "op": "like", "value": "x"}]}, "/fields/1/op"),
            ({"fields": [{"field": "a", "value": None}]}, "/fields/0/value"), ({"fields": [{"field": "a", "value": [1]}]}, "/fields/0/value"),
            ({"fields": [{"field": "a", "value": 1, "x/y": 2}]}, "/fields/0/x~1y"), ({"fields": [{"field": "", "value": 1}]}, "/fields/0/field"),
            ({"fields": [{"field": "a", "op": "lt", "value": True}]}, "/fields/0/op"), ({"fields": [{"field": "a", "op": "prefix", "value": 1}]}, "/fields/0/op"),
            ({"fields": [{"field": "a", "op": "exists", "value": 1}]}, "/fields/0/value"),
            ({"fields": [{"field": "a", "type": "date", "value": "soon"}]}, "/fields/0/value"),
            ({"fields": [{"field": "a", "type": "date", "value": "2026-02-31"}]}, "/fields/0/value"),
            ({"fields": [{"field": "a", "type": "number", "value": "1"}]}, "/fields/0/value"),
            ({"fields": [{"field": "a", "type": 7, "value": "1"}]}, "/fields/0/type"),
            ({"fields": [{"field": "a", "value": 1}] * 21}, "/fields"), ({"fields": [{"field": "a" * 201, "value": 1}]}, "/fields/0/field"),
            ({"fields": [{"field": "a", "value": "x" * 1_000_000}]}, "/fields/0/value")):
        answer = client.post("customers/search", asked)
        assert (answer.status, answer.json["code"]) == (400, "invalid"), (asked, answer)
        assert pointer is None or answer.json["pointer"] == pointer, (str(asked)[:200], answer)
        assert rpc_fault(rpc, "customer.search", [asked], "invalid", pointer) is None, str(asked)[:200]
    assert client.get("customers?tags_any=a,,b").json["pointer"] == "/tags_any"
    assert client.get("customers?keyword=%ff").status == 400
    assert desk.client("admin").get("customers?followed=true").json["pointer"] == "/followed"
    assert client.post("customers/search", {"phone": "x", "email": "y"}).json == {"items": [], "next": None}
    rpc.close()
