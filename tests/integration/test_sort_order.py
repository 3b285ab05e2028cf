"""Lists are in the same order whatever the database sorts by, and stay whole when ICU gets another order."""
import concurrent.futures
import csv
import io
import pathlib
from urllib.parse import quote

import pytest

from harness.process import wait_for
from harness.projects import project
from harness.router import admin

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A phone book has ä as ae, and this one capitals first: a database that sorts so puts all of these elsewhere.
LOCALE = "de-u-co-phonebk-kf-upper"
NAMES = ["Adler", "Affe", "ärger", "Ärger", "Arzt", "Müller", "Mullerat", "Otto", "Özil", "Zoe", "zoe"]
SORTED = ["Adler", "Affe", "ärger", "Ärger", "Arzt", "Müller", "Mullerat", "Otto", "Özil", "zoe", "Zoe"]
AGENTS = {"anna": "{queues: [support]}", "Ben": "{queues: [support]}", "Zoe": "{queues: [support]}"}


@pytest.fixture
def database(postgres):
    made = postgres.make_sorted_database(LOCALE)
    admin(made.url, "migrate")
    yield made
    made.drop()


def walk(client, path, limit=2):
    seen, after = [], ""
    while after is not None:
        page = client.ok("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{after and '&after=' + quote(after)}")
        seen += page["items"]
        after = page["next"]
    return seen


def test_lists_are_in_the_order_of_the_house_on_a_database_with_another(make_router, database):
    assert database.query("SELECT name FROM unnest(%s) name ORDER BY name", ["Ärger", "Affe"]) == [("Ärger",), ("Affe",)]
    router = make_router(project(AGENTS) + "scripts: {alpha: {text: a}, Zulu: {text: z}}\n").start()
    client = router.client()
    pool = client.ok("POST", "pools", {"name": "p"}, 201)["id"]
    for agent in AGENTS:
        client.ok("PUT", f"pools/{pool}/members/{agent}", {})
    made = [client.ok("POST", "customers", {"name": name, "fields": {"b": 1, "A": 1}}, 201)["id"] for name in reversed(NAMES)][0]
    assert [one["name"] for one in walk(client, "customers?sort=name")] == SORTED
    assert [one["name"] for one in walk(client, "customers?sort=name&order=desc")] == SORTED[::-1]
    assert [one["name"] for one in walk(client, "agents")] == ["Ben", "Zoe", "anna"]
    assert [one["agent"] for one in client.ok("GET", f"pools/{pool}")["members"]] == ["Ben", "Zoe", "anna"]
    assert client.ok("POST", f"customers/{made}/share", {"agents": list(AGENTS)})["agents"] == ["Ben", "Zoe", "anna"]
    assert [one["name"] for one in client.ok("GET", f"customers/{made}/shares")["items"]] == ["Ben", "Zoe", "anna"]
    client.ok("POST", f"customers/{made}/tags", {"mode": "add", "tags": NAMES})
    assert [one["name"] for one in walk(router.client("pool_admin"), "tags")] == SORTED
    header = next(csv.reader(io.StringIO(client.get("customers/export").bytes.decode())))
    assert [name for name in header if name.startswith("fields.")] == ["fields.A", "fields.b"]
    assert database.query("SET search_path = patchbay; SELECT script_of(1, 'support') ->> 'name'") == [("Zulu",)]


MIGRATES = "SELECT pid FROM pg_stat_activity WHERE application_name = 'patchbay migrate' AND wait_event_type = 'Lock'"
REPLACED = "SELECT relname FROM pg_class WHERE relkind = 'i' AND relname ~ '^customers_(home_pool|name|tags)(_new)?$' ORDER BY 1"
INDEXES = "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE 'patchbay.names'::regcollation = ANY (indcollation) ORDER BY 1"


def test_names_get_their_new_order_beside_who_writes_and_after_a_run_that_was_broken_off(make_router, database):
    client = make_router(project(AGENTS)).start().client()
    for name in NAMES:
        client.ok("POST", "customers", {"name": name}, 201)
    assert "made anew" not in admin(database.url, "migrate").stdout
    replaced = (ROOT / "storage/migrations/0037_replaced_indexes.sql").read_text()
    for again in ("", replaced):  # which has nothing to do where it was done
        assert database.query(f"SET search_path = patchbay; {again} {REPLACED}") == [("customers_home_pool",), ("customers_name",), ("customers_tags",)]
    database.query("ALTER INDEX patchbay.customers_tags RENAME TO customers_tags_new; CREATE INDEX customers_tags ON patchbay.customers (project)")
    reader = database.cluster.connect(database.name)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM patchbay.customers")  # and is idle
    with pytest.raises(Exception, match="more than 3 s(.|\n)*once more"):
        database.query(f"SET search_path = patchbay; {replaced} SELECT 1")
    reader.close()
    assert len(database.query(f"SET search_path = patchbay; {replaced} {REPLACED}")) == 3
    database.query("UPDATE pg_collation SET collversion = '0' WHERE collname = 'names'")
    writer = database.cluster.connect(database.name)
    writer.autocommit = False
    with concurrent.futures.ThreadPoolExecutor(2) as threads, writer.cursor() as cursor:
        cursor.execute("UPDATE patchbay.customers SET company = 'x' WHERE name = 'Otto'")  # has not ended: it is waited for
        broken = threads.submit(admin, database.url, "migrate", check=False)
        [(pid,)] = wait_for(lambda: database.query(MIGRATES), "it waits for who writes", 60)
        client.ok("POST", "customers", {"name": "Ötti"}, 201)  # and nobody waits for it
        database.query("SELECT pg_terminate_backend(%s)", pid)
        assert broken.result(60).returncode == 1
        assert database.query(INDEXES) == [("customers_name",), ("customers_name_ccnew",)]
        both = [threads.submit(admin, database.url, "migrate") for _ in range(2)]
        wait_for(lambda: database.query(MIGRATES), "one waits again", 60)
        client.ok("POST", "customers", {"name": "Otti"}, 201)
        writer.commit()
        said = sorted((one.result(60).stdout for one in both), key=lambda text: "made anew" in text)
    writer.close()
    assert "made anew" not in said[0] and "dropping customers_name_ccnew" in said[1] and "customers_name is made anew" in said[1]
    assert database.query(INDEXES) == [("customers_name",)] and "made anew" not in admin(database.url, "migrate").stdout
    assert [one["name"] for one in walk(client, "customers?sort=name")] == SORTED[:7] + ["Otti", "Ötti"] + SORTED[7:]
