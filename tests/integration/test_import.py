"""Customers from CSV and to CSV: what is created, changed and left alone, what is wrong with a row, what a spreadsheet may not run."""
import csv
import io
import pathlib
import re
import subprocess

import pytest

from harness.http_client import ringing
from harness.process import wait_for
from harness.projects import AGENTS, project
from harness.router import BINARY, admin, clean_environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBER, OTHER_NUMBER = "+4915112345678", "+4915187654321"


def table(*rows):
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def parsed(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def counts(rows, created=0, changed=0, unchanged=0, failed=0):
    return f"{rows} rows: {created} created, {changed} changed, {unchanged} unchanged, {failed} failed"


@pytest.fixture
def load(router, database, tmp_path):
    """load(data, *flags): the last line, and the rows that were not taken."""
    def run(data, *flags):
        errors = tmp_path / "errors.csv"
        errors.unlink(missing_ok=True)
        done = subprocess.run([BINARY, "import", "--project", router.project, "--errors", errors, *flags, "-"], input=data,
                              capture_output=True, env={**clean_environment(), "PATCHBAY_DATABASE": database.url}, timeout=300)
        wrong = parsed(errors.read_bytes())
        assert done.returncode == (1 if wrong or not done.stdout else 0), done
        return done.stdout.decode().strip() or done.stderr.decode().strip(), wrong
    return run


def customers(router):
    return router.client("admin").ok("GET", "customers?limit=1000")["items"]


FILE = table(
    ["external_id", "name", "company", "owner", "stage", "tags", "fields.level", "phone", "phone2", "email", "label2"],
    ["e1", "Ann", "Demo, Inc.", "anna", "follow_up", "vip;a\\;b", "3", NUMBER, "030 901820", "Ann@Example.com", "work"],
    ["", "Bob \"B\"", "", "", "", "", "", OTHER_NUMBER, "", "", ""])


def test_a_file_creates_and_the_same_file_again_changes_nothing(router, database, load):
    assert load(b"\xef\xbb\xbf" + FILE) == (counts(2, created=2), [])
    ann, bob = customers(router)
    assert (ann["external_id"], ann["name"], ann["company"], ann["owner"], ann["stage"], ann["tags"], ann["fields"]) == (
        "e1", "Ann", "Demo, Inc.", "anna", "follow_up", ["vip", "a;b"], {"level": "3"})
    assert ann["contacts"] == [{"label": None, "phone": NUMBER, "email": "Ann@Example.com"},
                               {"label": "work", "phone": "030 901820", "email": None}]
    assert bob["name"] == 'Bob "B"' and bob["stage"] == "new"
    assert load(FILE.replace(b"\r\n", b"\n")) == (counts(2, unchanged=2), [])
    assert customers(router) == [ann, bob]
    log = database.query("SELECT operation, actor, origin ->> 'via' FROM patchbay.customer_log ORDER BY id")
    assert log == [("Import customer", "admin", "command")] * 2


def test_an_import_into_tables_that_were_analyzed_empty_reads_none_of_them_whole(make_router, database, tmp_path):
    """Its session plans when they are empty, and nothing analyzes them again before it ends."""
    name = make_router().project
    tables = [row[0] for row in database.query("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'patchbay'"
                                               " AND relname IN ('customers', 'contacts', 'customer_queue', 'field_values')")]
    for one in tables:
        database.query(f"VACUUM ANALYZE patchbay.{one}")
    rows = [[f"e{n}", f"N {n}", f"030 {1000000 + n}", "anna", company] for company in ("A", "B") for n in range(600)]
    path = tmp_path / "many.csv"
    path.write_bytes(table(["external_id", "name", "phone", "owner", "company"], *rows))
    assert counts(1200, created=600, changed=600) in admin(database.url, "import", "--project", name, path).stdout
    read = wait_for(lambda: database.query(
        "SELECT json_object_agg(relname, seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = 'patchbay' AND relname = ANY (%s)"
        " HAVING max(n_tup_ins) FILTER (WHERE relname = 'customers') = 600", tables), "its session has said what it read")
    assert read[0][0] == dict.fromkeys(tables, 0)


@pytest.mark.parametrize("is_tried", [False, True])
def test_an_import_into_an_empty_project_is_as_fast_at_its_end(router, database, load, is_tried):
    """No row is compared with all that came before, by an index either, though nothing was ever analyzed when it begins."""
    router.stop()
    rows = [[f"e{n}", f"N {n}", f"030 {1000000 + n}", f"n{n}@example.com"] for n in range(3000)]
    file = table(["external_id", "name", "phone", "email"], *rows)
    if is_tried:  # whose rows are all dead when somebody counts them
        assert load(file, "--dry-run")[0].startswith(counts(3000, created=3000))
    assert load(file) == (counts(3000, created=3000), [])
    read = wait_for(lambda: database.query(
        "SELECT relname, sum(idx_scan) FROM pg_stat_user_indexes WHERE relname IN ('contacts', 'customers', 'customer_words')"
        " GROUP BY relname HAVING (SELECT n_tup_ins = %s FROM pg_stat_user_tables WHERE schemaname = 'patchbay' AND relname = 'customers')", 3000 * (1 + is_tried)),
        "its session has said what it read")
    assert max(scans for _, scans in read) < 300 * 3000 * (1 + is_tried)


def test_rows_that_were_told_of_outlive_a_crash_of_the_database(router, database, postgres, tmp_path):
    """Nobody else's commits take them to the disk here."""
    router.stop()
    (tmp_path / "many.csv").write_bytes(table(["external_id", "name"], *([f"e{n}", f"N {n}"] for n in range(20000))))
    made = "SELECT count(*) FROM patchbay.customers"
    command = subprocess.Popen([BINARY, "import", "--project", router.project, tmp_path / "many.csv"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env={**clean_environment(), "PATCHBAY_DATABASE": database.url})
    wait_for(lambda: database.query(made)[0][0] >= 600, "three chunks")
    postgres.crash()
    out, err = command.communicate(timeout=60)
    assert command.returncode == 1 and "rows from here on were not taken: send the file again" in err
    told = int(re.fullmatch(r"\d+ rows: (\d+) created, 0 changed, 0 unchanged, 0 failed\n", out).group(1))
    assert 400 <= told < 20000
    postgres.start()
    assert told <= database.query(made)[0][0] <= told + 200


def test_a_table_is_analyzed_as_soon_as_it_is_not_empty_any_more(router, database, load):
    counted = "SELECT count(*) FROM pg_class WHERE oid = 'patchbay.customer_log'::regclass AND reltuples > 0"
    assert database.query(counted) == [(0,)]
    with database.cluster.connect(database.name) as session, session.cursor() as cursor:
        cursor.execute("LOCK TABLE patchbay.customer_log IN SHARE UPDATE EXCLUSIVE MODE")  # as autovacuum has it: nobody waits for it
        cursor.execute("INSERT INTO patchbay.customer_log (project, at_ms, operation, actor, role, origin, changes)"
                       " SELECT id, 1, 'x', 'x', 'x', '{}', '[]' FROM patchbay.projects, generate_series(1, 2000)")
        assert router.client("admin").get("customers").status == 200 and load(FILE)[0] == counts(2, created=2)
        assert database.query(counted) == [(0,)]
    wait_for(lambda: database.query(counted) == [(1,)], "the router has it analyzed")


def test_a_sample_of_what_grows_is_small(router, database):
    """ANALYZE takes 300 rows for each value that the most demanding column keeps, or an index's expression: 100 unless it says otherwise."""
    kept = ("SELECT c.relname, max(CASE WHEN coalesce(a.attstattarget, -1) < 0 THEN 100 ELSE a.attstattarget END) FROM pg_class c"
            " JOIN LATERAL (SELECT c.oid UNION ALL SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid AND i.indexprs IS NOT NULL) p ON true"
            " JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " LEFT JOIN pg_index i ON i.indexrelid = a.attrelid WHERE c.relnamespace = 'patchbay'::regnamespace AND c.relkind = 'r'"
            " AND (i.indkey IS NULL OR i.indkey[a.attnum - 1] = 0) GROUP BY c.relname")
    database.query("SET search_path = patchbay; SELECT ensure_day('2099-12-31')")
    found = dict(database.query(kept))
    assert {name for name in found if found[name] == 30} == {"customers", "field_values", "follows", "shares"}
    for parent in ("journal", "content", "feed", "interactions"):
        days = [name for name in found if name.startswith(parent + "_2")]
        assert parent + "_20991231" in days and len(days) > 3 and {found.pop(name) for name in days} == {10}
    assert {name for name in found if found[name] == 10} == {
        "activity", "blacklist", "changes", "contacts", "customer_last", "customer_log", "customer_words", "duplicates", "interaction_customers",
        "mail_keys", "tag_counts"}
    assert {name for name in found if found[name] not in (10, 30)} == {  # as long as the project file, short-lived, or of what is rare
        "agents", "assign_turns", "configs", "customer_columns", "customer_marks", "customer_merges", "customer_queue", "customer_reads",
        "customer_settings", "datasheets", "erasure_contacts", "erasure_listed", "erasures", "fences", "field_indexes", "hook_nonces", "import_errors",
        "imports", "mutes", "pool_members", "pools", "projects", "queues", "raw_mails", "schema_migrations", "tokens"}


def test_who_is_imported_is_findable_at_once_and_who_was_changed_is_queued(router, database, load):
    client = router.client("admin")
    bob = client.ok("POST", "customers", {"name": "Bob", "contacts": [{"phone": OTHER_NUMBER}]}, 201)["id"]
    router.stop()  # nobody else makes them findable
    database.query("DELETE FROM patchbay.customer_queue")
    found = ("SELECT (SELECT count(*) FROM patchbay.customer_words w JOIN patchbay.customers c ON c.id = w.customer WHERE c.name = 'Ann'),"
             " (SELECT array_agg(DISTINCT customer::text) FROM patchbay.customer_queue), (SELECT count(*) FROM patchbay.tag_counts)")
    file = table(["name", "phone", "tags"], ["Ann", NUMBER, "vip"], ["Robert", OTHER_NUMBER, ""])
    assert load(file, "--dry-run")[0].startswith(counts(2, created=1, changed=1)) and database.query(found) == [(0, None, 0)]
    assert load(file) == (counts(2, created=1, changed=1), [])
    assert database.query(found) == [(1, [bob], 1)]


def test_the_next_call_meets_who_was_imported(router, load):
    assert router.source().event(ringing(NUMBER)).json["identity"]["outcome"] == "new"
    load(FILE)
    identity = router.source().event(ringing(NUMBER)).json["identity"]
    assert identity["outcome"] == "matched" and identity["customer"] == customers(router)[0]["id"]


def test_the_router_forgets_each_key_of_a_whole_chunk(router, database, load):
    """More keys than fit into a row: whoever called before, and was nobody, is met."""
    numbers = [f"+4930{2000000 + n}" for n in range(200)]
    callers = numbers[::40] + numbers[-1:]
    assert {router.source().event(ringing(number)).json["identity"]["outcome"] for number in callers} == {"new"}
    file = table(["name", "phone", "email"], *([f"N {n}", number, f"n{n}@example.com"] for n, number in enumerate(numbers)))
    before = database.query("SELECT pg_table_size(reltoastrelid) FROM pg_class WHERE oid = 'patchbay.changes'::regclass")[0][0]
    assert load(file) == (counts(200, created=200), [])
    assert database.query("SELECT max(cardinality(keys)) FROM patchbay.changes") == [(400,)]
    assert database.query("SELECT pg_table_size(reltoastrelid) FROM pg_class WHERE oid = 'patchbay.changes'::regclass")[0][0] > before
    assert {router.source().event(ringing(number)).json["identity"]["outcome"] for number in callers} == {"matched"}


def test_the_migration_that_locks_the_change_list_gives_up_soon(router, database):
    migration = (ROOT / "storage/migrations/0050_keys_as_they_are.sql").read_text()
    storage = "SELECT attstorage FROM pg_attribute WHERE attrelid = 'patchbay.changes'::regclass AND attname = 'keys'"
    database.query("ALTER TABLE patchbay.changes ALTER COLUMN keys SET STORAGE EXTENDED")
    reader = database.cluster.connect(database.name)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM patchbay.changes")  # and is idle
    with pytest.raises(Exception, match="more than 3 s(.|\n)*once more"):
        database.query(f"SET search_path = patchbay; {migration}")
    assert database.query(storage) == [("x",)]
    reader.close()
    assert database.query(f"SET search_path = patchbay; {migration} {storage}") == [("e",)]


def test_a_dry_run_says_the_same_and_changes_nothing(router, database, load):
    said, wrong = load(FILE + table(["e3", "", "", "nobody", "", "", "", "", "", "", ""]), "--dry-run")
    assert said == counts(3, created=2, failed=1) + " (dry run: nothing was changed)" and len(wrong) == 2
    assert customers(router) == [] and database.query("SELECT count(*) FROM patchbay.customer_log") == [(0,)]
    assert database.query("SELECT count(*) FROM patchbay.changes WHERE kind = 'customer'") == [(0,)]


def test_a_row_is_known_by_id_external_id_or_contact(router, load):
    made = router.agent("anna").ok("POST", "customers", {"name": "Ann", "fields": {"level": 3, "x": True}, "tags": ["old"],
                                                         "contacts": [{"phone": NUMBER}, {"email": "a@example.com"}]}, 201)
    assert load(table(["phone", "fields.level", "fields.x"], ["0151 12345678", "3", "true"])) == (counts(1, unchanged=1), [])
    assert load(table(["id", "tags"], [made["id"], "new;old"])) == (counts(1, changed=1), [])
    # Whom nobody gave an external id yet is found by contact, and gets it.
    assert load(table(["external_id", "email", "name"], ["e9", "A@EXAMPLE.com", ""])) == (counts(1, changed=1), [])
    [one] = customers(router)
    assert (one["name"], one["external_id"], one["tags"], one["fields"]) == ("Ann", "e9", ["old", "new"], {"level": 3, "x": True})
    assert len(one["contacts"]) == 2
    # Another external id is another customer, whatever its contacts.
    assert load(table(["external_id", "email"], ["e10", "a@example.com"])) == (counts(1, created=1), [])
    said, wrong = load(table(["email", "name"], ["a@example.com", "x"]))
    assert said == counts(1, failed=1) and wrong[1][:2] == ["a@example.com", "x"] and "several customers" in wrong[1][2]


def test_what_is_wrong_comes_back_as_a_file_to_mend_and_send_again(router, load):
    header = ["external_id", "name", "phone", "phone2", "email", "owner", "stage", "tags", "fields.x"]
    rows = [["a1", "fine", NUMBER, "", "", "", "", "", "1"],
            ["a2", "bad phone", "12", "", "", "", "", "", ""],
            ["a3", "bad mail", "", "", "nobody", "", "", "", ""],
            ["a4", "no such owner", "", "", "", "zoe", "", "", ""],
            ["a5", "no such stage", "", "", "", "", "old", "", ""],
            ["a10", "a stage that it cannot begin with", "", "", "", "", "pool", "", ""],
            ["", "nothing to know it by", "", "", "", "", "", "", ""],
            ["a6", "x" * 201, "", "", "", "", "", "", ""],
            ["a7", "a\tb", "", "", "", "", "", "", ""],
            ["a8", "too few"],
            ["a9", "tag", "", "", "", "", "", "x" * 65, ""]]
    said, wrong = load(table(header, *rows))
    assert said == counts(11, created=1, failed=10)
    assert wrong[0] == header + ["error"] and [row[0] for row in wrong[1:]] == [
        "a2", "a3", "a5", "a6", "a7", "a8", "a9", "a4", "a10", ""]  # what only the database knows comes after its chunk
    assert all(row[-1].startswith("line ") for row in wrong[1:])
    assert "phone 1 must have at least 4 digits" in wrong[1][-1] and wrong[1][-1].startswith("line 3:")
    assert "needs an external_id, a phone or an email" in wrong[-1][-1]
    mended = [[row[0] or "a11", "mended", OTHER_NUMBER, "", "", "", "", "", "", row[-1]] for row in wrong[1:]]
    assert load(table(wrong[0], *mended)) == (counts(10, created=10), [])


def test_limits_of_contacts_hold_for_rows(router, load):
    phones = ["external_id"] + ["phone"] + [f"phone{n}" for n in range(2, 5)]
    said, wrong = load(table(phones, ["e1", *(f"+4915112345{n:03}" for n in range(4))], ["e2", *(f"+4915112345{n:03}" for n in range(3)), ""]))
    assert said == counts(2, created=1, failed=1) and "at most 3 contacts with a phone" in wrong[1][-1]
    said, wrong = load(table(["external_id", "phone"], ["e2", "+4915112345999"]))
    assert said == counts(1, failed=1) and len(customers(router)) == 1


@pytest.mark.parametrize("data, words", [
    (b"", "the file is empty"),
    (b"name,shoe size\nx,y\n", "line 1, column 2: there is no column of this name: shoe size"),
    (b"name,phone,name\n", "line 1, column 3: is the same as column 1"),
    (b"name,phone1\n", "there is no column of this name: phone1"),
    (b"name,phone0\n", "there is no column"),
    (b"\xff\xfe\n", "line 1, column 1: the cell is not UTF-8"),
    (b'"name\n', "the cell begins with a quote that is never closed"),
    (b",".join(b"c%d" % n for n in range(10_000)) + b"\n", "the cell is one of more than 1000"),
    (b"x" * 1_000_000, "the cell has more than 65536 bytes"),
    (b"name\0\n", "the cell has a NUL byte"),
], ids=str.split("empty unknown twice phone1 phone0 utf8 quote columns field nul"))
def test_a_first_line_that_cannot_be_used_refuses_the_file(router, load, data, words):
    said, wrong = load(data)
    assert words in said and wrong == [] and customers(router) == []


@pytest.mark.parametrize("row, words", [
    (b"bad,\xff\n", "column 2 is not UTF-8"),
    (b'bad,"x\0\ny"\n', "lines 3 to 4: column 2 has a NUL byte"),
    (b'bad,"x\n\ny"\n', "lines 3 to 5: column 2 has control characters"),
    (b'bad,a"b\n', "column 2 has a quote where none may be"),
    (b"bad," + b"x" * 1_000_000 + b"\n", "column 2 has more than 65536 bytes"),
    (b"bad" + b"," * 10_000 + b"\n", "column 1001 is one of more than 1000"),
    (b"bad,\x1b[31m\n", "column 2 has control characters"),
    (b"bad,x,y\n", "has 3 cells, but there are 2 columns"),
    (b"external_id,name\n", "line 3: names the columns again"),
    (b"name, external_id\n", "line 3: names the columns again"),
    (b"\xef\xbb\xbfexternal_id,name\n", "line 3: names the columns again"),
], ids=str.split("utf8 nul lines quote field columns control cells header order mark"))
def test_hostile_rows_are_told_and_their_neighbours_taken(router, load, row, words):
    said, wrong = load(b"external_id,name\ne1,before\n" + row + b"e2,after\n")
    assert said == counts(3, created=2, failed=1)
    assert wrong[0] == ["external_id", "name", "error"] and wrong[1][0] == row.split(b",")[0].decode() and words in wrong[1][-1]
    assert [one["name"] for one in customers(router)] == ["before", "after"]


def test_a_first_line_that_comes_back_from_the_errors_is_no_customer_either(router, load):
    said, wrong = load(b'external_id,name,error\ne1,before,\nexternal_id,name,"line 3: names the columns again"\n')
    assert said == counts(2, created=1, failed=1) and "names the columns again" in wrong[1][-1]


def test_sql_and_formulas_are_kept_as_they_are(router, load):
    names = ["'; DROP TABLE customers; --", "=1+1", "$1", "\\x00", "'=1", "\"", "{}", "Robert', 'x'), ('"]
    load(table(["external_id", "name"], *([f"e{n}", f"'{name}" if name[0] == "=" or name[:2] == "'=" else name]
                                          for n, name in enumerate(names))))
    assert [one["name"] for one in customers(router)] == names


# --- Export ---

def export(router, database, *flags):
    done = subprocess.run([BINARY, "export", "--project", router.project, *flags], capture_output=True,
                          env={**clean_environment(), "PATCHBAY_DATABASE": database.url}, timeout=300)
    assert done.returncode == 0, done
    return done.stdout


def test_what_is_exported_is_imported_as_it_was(router, database, load):
    client = router.client("admin")
    names = ["=1+1", "+x", "-x", "@x", "'=x", "''+x", "'x", "plain", "a,b", 'a"b', "ünï", " a ", "a;=1+1", "a;'=1+1;@x", 'a;"=1"']
    for n, name in enumerate(names):
        client.ok("POST", "customers", {"name": name, "external_id": f"e{n}", "tags": ["a;b", "c\\d", "=e", " f", "g  ", " "], "owner": "anna",
                                        "fields": {"text": "a\nb\r\n=1;-2\t@3", "n": 3, "yes": True, "=f": "\t=x"},
                                        "contacts": [{"label": "=l", "phone": f"+49151123456{n:02}"}, {"email": f"a{n}@example.com"}]}, 201)
    before = customers(router)
    data = export(router, database)
    assert load(data) == (counts(len(names), unchanged=len(names)), [])
    assert customers(router) == before
    # Elsewhere they are created as they were, but for types that nobody declared.
    database.query("DELETE FROM patchbay.contacts RETURNING 1")
    database.query("DELETE FROM patchbay.customers RETURNING 1")
    assert load(data) == (counts(len(names), created=len(names)), [])
    for was, now in zip(before, customers(router)):
        was["fields"].update(n="3", yes="true")
        assert {k: v for k, v in was.items() if k not in ("id", "created_at", "updated_at")} == {
            k: v for k, v in now.items() if k not in ("id", "created_at", "updated_at")}


def test_who_has_left_stays_owner_of_whom_they_had_and_of_nobody_else(router, database, load):
    columns = ["external_id", "owner", "service_rep"]
    load(table(columns, ["e1", "ben", "ben"], ["e2", "anna", "anna"]))
    agents = {name: text for name, text in AGENTS.items() if name != "ben"}
    assert router.client().request("PUT", "config", project(agents), {"Content-Type": "application/yaml"}).status == 200
    assert load(export(router, database)) == (counts(2, unchanged=2), [])
    said, wrong = load(table(columns, ["e1", "anna", "ben"], ["e2", "ben", "anna"], ["e3", "", "ben"], ["e2", "", "nobody"]))
    assert said == counts(4, changed=1, failed=3)
    assert [row[-1] for row in wrong[1:]] == [f"line {line}: column {column} names no agent of the project" for line, column in ((3, 2), (4, 3), (5, 3))]
    assert [(one["owner"], one["service_rep"]) for one in customers(router)] == [("anna", "ben"), ("anna", "anna")]


def test_no_cell_of_an_export_is_a_formula_and_it_is_logged_once(router, database, load):
    router.client("admin").ok("POST", "customers", {"name": "=cmd|' /C calc'!A0", "contacts": [{"phone": NUMBER}]}, 201)
    rows = parsed(export(router, database))
    assert all(not cell or cell[0] not in "=+-@\t\r" for row in rows for cell in row)
    assert "'=cmd|' /C calc'!A0" in rows[1] and "'" + NUMBER in rows[1]
    assert database.query("SELECT actor, changes #> '{0,new}' FROM patchbay.customer_log WHERE operation = 'Export customers'") == [
        ("admin", {})]
    assert export(router, database, "--bom").startswith(b"\xef\xbb\xbfid,")


def test_an_export_takes_a_filter_and_many_pages(router, database, load):
    load(table(["external_id", "name", "owner", "stage", "source", "tags", "fields.late"],
               *([f"e{n}", f"c{n}", "anna" if n % 2 else "", "" if n % 2 else "to_be_assigned" if n % 3 else "new", "fair" if n % 5 else "web", "t" if n % 7 else "u",
                  "x" if n == 1201 else ""] for n in range(1202))))
    rows = parsed(export(router, database))
    assert len(rows) == 1203 and sorted(row[1] for row in rows[1:]) == sorted(f"e{n}" for n in range(1202))
    assert rows[0][-1] == "fields.late" and [row[1] for row in rows if row[-1] == "x"] == ["e1201"]
    for flags, wanted in ((["--owner", "anna"], lambda n: n % 2), (["--stage", "new"], lambda n: not n % 2 and not n % 3),
                          (["--source", "web", "--tag", "u"], lambda n: not n % 5 and not n % 7), (["--tag", "none"], lambda n: False)):
        found = parsed(export(router, database, *flags))
        assert {row[1] for row in found[1:]} == {f"e{n}" for n in range(1202) if wanted(n)}
    assert router.client().get("customers/export?stage=sold").json["pointer"] == "/stage"
