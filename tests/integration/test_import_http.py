"""Imports and exports over HTTP: streamed both ways, watched, refused, broken off."""
import concurrent.futures
import http.client
import json
import time
import uuid

import pytest

from harness.http_client import ringing
from harness.process import wait_for
from harness.router import admin
from test_import import FILE, customers, parsed, table

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def admin_(router):
    client = router.client("admin")
    client.timeout = 120
    return client


def test_a_file_is_taken_and_the_same_again_creates_nothing(router, admin_, database):
    first = admin_.post("customers/import", FILE, headers=CSV)
    assert first.status == 200, first
    done = first.json
    assert {name: done[name] for name in ("state", "dry_run", "actor", "rows", "created", "changed", "unchanged", "failed")} == {
        "state": "done", "dry_run": False, "actor": "admin", "rows": 2, "created": 2, "changed": 0, "unchanged": 0, "failed": 0}
    assert admin_.ok("GET", f"imports/{done['id']}") == done
    before = customers(router)
    again = admin_.post("customers/import", b"\xef\xbb\xbf" + FILE, headers={"Content-Type": "text/csv; charset=utf-8"}).json
    assert (again["created"], again["unchanged"]) == (0, 2) and customers(router) == before
    exported = admin_.get("customers/export")
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert exported.headers["Content-Disposition"] == f'attachment; filename="{router.project}-customers.csv"'
    third = admin_.post("customers/import", exported.bytes, headers=CSV).json
    assert (third["unchanged"], third["rows"]) == (2, 2)
    rpc = router.rpc_client("admin")
    assert [one["id"] for one in rpc.call("import.list", {})["items"]] == [third["id"], again["id"], done["id"]]
    assert rpc.call("import.get", {"import": done["id"]}) == done
    rpc.close()
    log = database.query("SELECT operation, origin ->> 'via' FROM patchbay.customer_log ORDER BY id")
    assert log == [("Import customer", "http")] * 2 + [("Export customers", "http")]


def test_a_dry_run_and_rows_that_were_not_taken(router, admin_):
    data = FILE + table(["e3", "=Zoe", "", "nobody", "", "", "", "", "", "", ""])
    done = admin_.post("customers/import?dry_run=true", data, headers=CSV).json
    assert (done["dry_run"], done["created"], done["failed"]) == (True, 2, 1) and customers(router) == []
    wrong = admin_.get(f"imports/{done['id']}/errors")
    assert wrong.headers["Content-Disposition"] == f'attachment; filename="{router.project}-import-errors.csv"'
    rows = parsed(wrong.bytes)
    assert rows[0][-1] == "error" and rows[1][:2] == ["e3", "'=Zoe"] and rows[1][-1] == "line 4: column 4 names no agent of the project"
    mended = wrong.bytes.replace(b"nobody", b"anna")
    assert admin_.post("customers/import", mended, headers=CSV).json["created"] == 1
    assert [one["name"] for one in customers(router)] == ["=Zoe"]


def test_imports_are_for_supervisors_and_see_what_they_may_edit(router, admin_):
    anna, supervisor = router.agent("anna"), router.client("supervisor")
    assert anna.post("customers/import", FILE, headers=CSV).status == 403 and anna.get("customers/export").status == 403
    admin_.post("customers/import", FILE, headers=CSV)
    done = supervisor.post("customers/import", FILE.replace(b"Ann,", b"Anne,"), headers=CSV).json
    assert (done["changed"], done["failed"], done["unchanged"]) == (0, 1 + 1, 0)  # anna's is not its to see, the other to see alone
    assert len(parsed(supervisor.get("customers/export").bytes)) == 2


@pytest.mark.parametrize("path, body, headers, status", [
    ("customers/import", b"name\n", {"Content-Type": "application/json"}, 415),
    ("customers/import", b"name\n", {}, 415),
    ("customers/import?dry_run=perhaps", b"name\n", CSV, 400),
    ("customers/import?really=1", b"name\n", CSV, 400),
    ("customers/import?import=1", b"name\n", CSV, 400),
    ("customers/import", b"", CSV, 400),
    ("customers/import", b"shoe size\n1\n", CSV, 400),
], ids=str)
def test_what_cannot_be_imported_is_refused(admin_, path, body, headers, status):
    answer = admin_.post(path, body, headers=headers)
    assert answer.status == status, answer
    assert admin_.get("customers").status == 200


def test_unknown_imports_are_not_found(admin_):
    for path in (f"imports/{uuid.uuid4()}", f"imports/{uuid.uuid4()}/errors", "imports/x"):
        assert admin_.get(path).status == 404


def send_pieces(router, path, pieces, length=None):
    """A connection on which a body of unknown length, or of that length, has begun."""
    connection = http.client.HTTPConnection(*router.http.rsplit(":", 1), timeout=60)
    connection.putrequest("POST", f"/v1/projects/{router.project}/{path}")
    connection.putheader("Authorization", f"Bearer {router.token('admin')}")
    connection.putheader("Content-Type", "text/csv")
    connection.putheader(*(("Content-Length", str(length)) if length else ("Transfer-Encoding", "chunked")))
    connection.endheaders()
    for piece in pieces:
        connection.send(piece if length else b"%x\r\n%s\r\n" % (len(piece), piece))
    return connection


def lines(count, start=0):
    for at in range(start, start + count):
        yield b"e%d,name %d,+49151%08d\r\n" % (at, at, at)


def test_an_import_is_watched_while_it_runs(router, admin_):
    made = str(uuid.uuid4())
    head = [b"external_id,name,phone\r\n", *lines(450)]
    connection = send_pieces(router, f"customers/import?import={made}", head)
    running = wait_for(lambda: (found := admin_.get(f"imports/{made}")).status == 200 and found.json["rows"] == 400 and found.json,
                       lambda: "two chunks are in", 60)
    assert running["state"] == "running" and running["created"] == 400
    connection.send(b"0\r\n\r\n")
    done = json.loads(connection.getresponse().read())
    assert (done["id"], done["state"], done["created"]) == (made, "done", 450)
    connection.close()


def test_a_client_that_goes_leaves_whole_rows_and_the_word_that_it_failed(router, admin_):
    made = str(uuid.uuid4())
    connection = send_pieces(router, f"customers/import?import={made}", [b"external_id,name,phone\r\n", *lines(250)], length=1_000_000)
    connection.close()
    found = wait_for(lambda: (one := admin_.get(f"imports/{made}")).status == 200 and one.json["state"] == "failed" and one.json,
                     lambda: "the import failed", 60)
    assert found["detail"] == "the connection was lost before the end of the file" and found["created"] == 200
    assert len(customers(router)) == 200


def test_a_file_may_be_larger_than_a_body_that_is_kept(router, admin_):
    body = b"external_id,name\r\n" + b"".join(lines(300)).replace(b",+", b" ") + b"\r\n" * 2_500_000
    assert len(body) > 4 << 20
    refused = admin_.post("customers/import", b"nothing\r\n" + body, headers=CSV)
    assert refused.status == 400 and "no column of this name" in refused.json["detail"]
    assert admin_.post("customers/import", body, headers=CSV).json["created"] == 300
    assert len(parsed(admin_.get("customers/export?bom=true").bytes)) == 301


def test_an_import_loses_its_place_when_the_router_stops_and_the_file_can_be_sent_again(router, admin_):
    made = str(uuid.uuid4())
    connection = send_pieces(router, f"customers/import?import={made}", [b"external_id,name,phone\r\n", *lines(250)])
    wait_for(lambda: (found := admin_.get(f"imports/{made}")).status == 200 and found.json["rows"] == 200, "a chunk is in", 60)
    router.stop()
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()
    router.start()
    again = b"external_id,name,phone\r\n" + b"".join(lines(250))
    done = router.client("admin").post("customers/import", again, headers=CSV).json
    assert (done["created"], done["unchanged"], done["failed"]) == (50, 200, 0)


COUNT_RESTS = """
SET search_path = patchbay;
CREATE TABLE rests (transaction xid8, query text, took interval);
GRANT INSERT ON rests TO patchbay_server;
ALTER FUNCTION rest_a_moment() RENAME TO rest_as_it_does;
CREATE FUNCTION rest_a_moment() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    PERFORM rest_as_it_does();
    INSERT INTO rests VALUES (pg_current_xact_id(), current_query(), clock_timestamp() - began);
    RETURN true;
END
$$;
"""


@pytest.mark.parametrize("way", ["command", "http"])
def test_an_import_gives_way_to_decisions(router, admin_, database, tmp_path, way):
    """It rests in the midst of a chunk, and not of the first one alone, which does not know yet whether anybody decides."""
    database.query(COUNT_RESTS)
    body = b"external_id,name,phone\r\n" + b"".join(lines(2000))
    path = tmp_path / "many.csv"
    path.write_bytes(body)

    def take():
        if way == "http":
            assert admin_.post("customers/import", body, headers=CSV).json["created"] == 2000
        else:
            assert "2000 created" in admin(database.url, "import", path).stdout

    source = router.source()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        ended = thread.submit(take)
        while not ended.done():
            assert source.event(ringing("+4915112345678")).status == 200
        ended.result()
    chunks = database.query("SELECT count(*) FROM patchbay.rests WHERE query ~ 'import_rows' AND took >= '0.9 ms'"
                            " GROUP BY transaction HAVING count(*) > 3")
    assert len(chunks) > 2, chunks


def test_who_gives_way_rests_again_and_again_while_inputs_are_decided(router, database):
    session = database.cluster.connect(database.name)
    session.autocommit = True

    def rests():
        """Each moves the time of the next one."""
        with session.cursor() as cursor:
            cursor.execute("SET search_path = patchbay; BEGIN; SELECT give_way_to_decisions(1, '0.4 ms')")
            cursor.execute("SELECT count(DISTINCT current_setting('patchbay.give_way')) - 1 FROM generate_series(1, 200000) n WHERE give_way(n)")
            found = cursor.fetchone()[0]
            cursor.execute("COMMIT")
            return found

    assert rests() > 10  # it does not know yet
    assert rests() == 0
    assert router.source().event(ringing("+4915112345678")).status == 200
    assert rests() > 10
    assert rests() == 0
    session.close()


def test_the_first_burst_begins_with_the_transaction(router, database):
    assert router.source().event(ringing("+4915112345678")).status == 200
    session = database.cluster.connect(database.name)
    with session.cursor() as cursor:  # what came before, as the reading of a chunk, is work too
        cursor.execute("SET search_path = patchbay; BEGIN; SELECT give_way_to_decisions(1, '1 minute')")
        cursor.execute("SELECT current_setting('patchbay.give_way')::timestamptz = transaction_timestamp() + interval '1 minute'")
        assert cursor.fetchone()[0]
    session.close()
