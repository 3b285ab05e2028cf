"""Custom fields: typed, required, canonical, and found by their value where they are indexed."""
import pytest

from harness.process import wait_for
from harness.projects import project
from harness.router import admin

FIELDS = """
fields:
  note: {type: text, max: 20}
  level: {type: number, required: true, indexed: true, max: 10}
  birthday: {type: date}
  member: {type: boolean, indexed: true}
  size: {type: choice, choices: [small, large], indexed: true}
  fax: {type: phone}
  billing: {type: email}
"""


@pytest.fixture
def desk(make_router):
    return make_router(project() + FIELDS).start()


def create(client, fields, **members):
    return client.ok("POST", "customers", {"fields": fields, **members}, 201)


def test_values_are_kept_in_their_canonical_form(desk):
    client = desk.agent("anna")
    given = {"note": "a\n'; DROP TABLE customers; -- \u00e4", "level": 3.0, "birthday": "19591224", "member": False, "size": "large",
             "fax": "030 / 90 18 20", "billing": "Ann@EXAMPLE.com"}
    given["note"] = given["note"][:18]
    made = create(client, given)
    assert made["fields"] == {**given, "level": 3, "birthday": "1959-12-24", "fax": "+4930901820", "billing": "ann@example.com"}
    edited = client.ok("PATCH", f"customers/{made['id']}", {"fields": {"level": 1.5, "note": "", "size": None}})
    assert edited["fields"] == {"level": 1.5}
    assert client.ok("PATCH", f"customers/{made['id']}", {"name": "x"})["fields"] == {"level": 1.5}


WRONG = [
    ({}, "/fields/level"), (None, "/fields/level"), ({"level": None}, "/fields/level"), ({"level": ""}, "/fields/level"),
    ({"level": "3"}, "/fields/level"), ({"level": 11}, "/fields/level"), ({"level": True}, "/fields/level"), ({"level": []}, "/fields/level"),
    ({"level": 1, "shoe": 7}, "/fields/shoe"), ({"level": 1, "a/b~c": 7}, "/fields/a~1b~0c"), ({"level": 1, "": 7}, "/fields/"),
    ({"level": 1, "note": "x" * 21}, "/fields/note"), ({"level": 1, "note": 7}, "/fields/note"), ({"level": 1, "note": "a\x07"}, "/fields/note"),
    ({"level": 1, "note": "x" * 1_000_000}, "/fields/note"), ({"level": 1, "birthday": "2026-02-29"}, "/fields/birthday"),
    ({"level": 1, "birthday": "24.12.2026"}, "/fields/birthday"), ({"level": 1, "birthday": 20261224}, "/fields/birthday"),
    ({"level": 1, "member": "true"}, "/fields/member"), ({"level": 1, "size": "Large"}, "/fields/size"), ({"level": 1, "size": {}}, "/fields/size"),
    ({"level": 1, "fax": "123"}, "/fields/fax"), ({"level": 1, "fax": "hello 1234"}, "/fields/fax"), ({"level": 1, "fax": 1234}, "/fields/fax"),
    ({"level": 1, "billing": "nobody"}, "/fields/billing"), ({"level": 1, "billing": "A <a@b.de>"}, "/fields/billing"),
]


def test_bad_values_are_refused_with_their_field(desk):
    client = desk.agent("anna")
    for fields, pointer in WRONG:
        answer = client.post("customers", {"name": "x"} if fields is None else {"fields": fields})
        fault = (answer.status, answer.json["code"], answer.json.get("pointer"))
        assert fault == (400, "invalid", pointer), str(fields)[:80]
    assert client.ok("GET", "customers")["items"] == []


def test_an_edit_may_not_take_away_what_is_required(desk, database):
    client = desk.agent("anna")
    made = create(client, {"level": 1, "note": "x"})
    for fields in ({}, {"note": "y"}, {"level": None, "note": "y"}):
        answer = client.request("PATCH", f"customers/{made['id']}", {"fields": fields})
        assert answer.status == 400 and answer.json["pointer"] == "/fields/level"
    # Nothing given is nothing changed.
    for nothing in ({}, {"version": 1}):
        assert client.ok("PATCH", f"customers/{made['id']}", nothing) == made
    assert client.request("PATCH", f"customers/{made['id']}", {"version": 7}).json["code"] == "already_taken"
    assert client.ok("GET", f"customers/{made['id']}") == made
    assert database.query("SELECT operation FROM patchbay.customer_log") == [("Create customer",)]
    # What the router, or a time before the field, left without a value may stay so.
    database.query("UPDATE patchbay.customers SET fields = '{}' WHERE id = %s", made["id"])
    assert client.ok("PATCH", f"customers/{made['id']}", {"fields": {"note": "z"}})["fields"] == {"note": "z"}


def test_fields_are_free_without_the_section(router):
    client = router.agent("anna")
    made = create(client, {"anything": [1, {"x": None}]})
    assert made["fields"] == {"anything": [1, {"x": None}]}


def test_phones_and_addresses_are_searched_in_any_spelling(desk):
    client = desk.agent("anna")
    ids = [create(client, {"level": 1, **fields})["id"] for fields in (
        {"fax": "+49 30 901820", "billing": "Ann@example.com"}, {"fax": "0151 12345678"}, {"note": "030 / 90 18 20"})]

    def found(**condition):
        return [ids.index(one["id"]) for one in client.ok("POST", "customers/search", {"fields": [condition]})["items"]]

    for spelling in ("030 / 90 18 20", "+4930901820", "0049 (30) 901820", "030901820"):
        assert found(field="fax", value=spelling) == [0] and found(field="fax", op="ne", value=spelling, type="text") == [1, 2], spelling
    assert found(field="billing", op="eq", value=" ANN@Example.COM ") == [0]
    assert found(field="fax", op="prefix", value="+4930") == [0] and found(field="billing", op="contains", value="EXAMPLE") == [0]
    assert found(field="fax", op="exists") == [0, 1] and found(field="note", value="030 / 90 18 20") == [2]
    for field, value in (("fax", "nobody"), ("fax", "123"), ("fax", 4930901820), ("fax", ""), ("billing", "ann"), ("billing", "A <a@b.de>"),
                         ("billing", True)):
        answer = client.post("customers/search", {"fields": [{"field": "level", "value": 1}, {"field": field, "value": value}]})
        assert (answer.status, answer.json["code"], answer.json["pointer"]) == (400, "invalid", "/fields/1/value"), value


def test_dates_are_searched_as_they_may_be_written(desk):
    client = desk.agent("anna")
    ids = [create(client, {"level": 1, **fields})["id"] for fields in ({"birthday": "20261224"}, {"birthday": "1959-01-02"}, {"note": "20261224"})]

    def found(**condition):
        return [ids.index(one["id"]) for one in client.ok("POST", "customers/search", {"fields": [condition]})["items"]]

    for spelling in ("20261224", " 20261224 ", "2026-12-24", "2026-12-24T01:00:00+01:00"):
        assert found(field="birthday", value=spelling) == [0], spelling
    assert found(field="birthday", op="lt", value="20261224") == [1] and found(field="birthday", value="20261224", type="text") == [0]
    assert found(field="birthday", op="prefix", value="1959") == [1] and found(field="note", value="20261224") == [2]
    for value in ("20261399", 20261224, "24.12.2026", "", "2026-12", True):
        answer = client.post("customers/search", {"fields": [{"field": "birthday", "value": value}]})
        assert (answer.status, answer.json["code"], answer.json["pointer"]) == (400, "invalid", "/fields/0/value"), value
    for when in ("20261224", "2026-12-24"):
        assert client.get(f"customers?created_from={when}").json["pointer"] == "/created_from"


def test_a_field_that_is_declared_no_longer_is_exported_and_left_out_of_an_import(desk, database, tmp_path):
    client = desk.client("admin")
    made = create(client, {"level": 1, "note": "=old", "size": "small"}, external_id="e1", name="Ann")
    config = project() + FIELDS.replace("  note: {type: text, max: 20}\n", "")
    assert client.request("PUT", "config", config, {"Content-Type": "application/yaml"}).status == 200
    saved = client.get("customers/export").bytes
    assert b",fields.note," in saved and b",'=old," in saved

    def load(data):
        done = client.post("customers/import", data, headers={"Content-Type": "text/csv"}).json
        return done["state"], done["changed"], done["unchanged"], done["failed"], done["detail"]

    left_out = "left out, as the project's file does not declare them: fields.note"
    assert load(saved) == ("done", 0, 1, 0, left_out)
    assert load(saved.replace(b"Ann", b"Anne").replace(b"old", b"new")) == ("done", 1, 0, 0, left_out)
    now = client.ok("GET", f"customers/{made['id']}")
    assert (now["name"], now["fields"]) == ("Anne", made["fields"])
    path = tmp_path / "saved.csv"
    for data, code, told in ((saved, 1, left_out + "\n"), (b"external_id,fields.note,fields.level\ne1,,3\n", 0, "")):
        path.write_bytes(data)
        done = admin(database.url, "import", path, check=False)
        assert (done.returncode, done.stdout) == (code, f"{told}1 rows: 0 created, 1 changed, 0 unchanged, 0 failed\n")
    assert load(b"external_id,fields.note,fields.level\ne1,,2\n") == ("done", 1, 0, 0, None)


def ready(database):
    return {field: done for field, done in database.query("SELECT field, is_ready FROM patchbay.field_indexes ORDER BY 1")}


def values(database):
    return database.query("SELECT field, value, customer::text FROM patchbay.field_values ORDER BY 1, 2, 3")


def test_indexed_fields_are_kept_filled_and_dropped(make_router, database, tmp_path):
    router = make_router(project()).start()
    client = router.client()
    before = [create(client, {"level": number % 3, "size": "small"})["id"] for number in range(30)]
    gone = create(client, {"level": 1})["id"]
    database.query("UPDATE patchbay.customers SET deleted_at = now() WHERE id = %s", gone)
    path = tmp_path / "with.yaml"
    path.write_text(project() + FIELDS)
    router.apply(path)
    wait_for(lambda: ready(database) == {"level": True, "member": True, "size": True}, "the indexes are filled")
    assert values(database) == sorted([("level", str(number % 3), one) for number, one in enumerate(before)]
                                      + [("size", "small", one) for one in before])
    client.ok("PATCH", f"customers/{before[0]}", {"fields": {"level": 9, "member": True}})
    after = create(client, {"level": 9})["id"]
    assert [row for row in values(database) if before[0] in row or after in row] == sorted([
        ("level", "9", before[0]), ("level", "9", after), ("member", "true", before[0])])
    path.write_text(project() + "fields:\n  level: {type: number, indexed: true}\n  size: {type: text}\n  member: {type: boolean}\n")
    router.apply(path)
    wait_for(lambda: ready(database) == {"level": True}, "the others are dropped")
    assert {row[0] for row in values(database)} == {"level"}


def test_custom_fields_over_messagepack_rpc(desk):
    client = desk.rpc_client("agent", "anna")
    assert client.call("customer.create", {"fields": {"level": 4, "fax": "030901820"}})["fields"] == {"level": 4, "fax": "+4930901820"}
    client.close()
