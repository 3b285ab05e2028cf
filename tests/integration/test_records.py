"""What becomes of customers: deleted, merged and unmerged, found as duplicates, erased."""
import os
import subprocess
import uuid

import pytest

from harness.http_client import mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.router import admin

AGENTS = {
    "anna": "{queues: [support], department: sales, reports_to: carl}",
    "ben": "{queues: [support], department: service}",
    "carl": "{queues: [chat], role: supervisor, department: sales}",
}
NUMBER, OTHER_NUMBER = "+4915112345678", "+4915187654321"


@pytest.fixture
def desk(make_router):
    return make_router(project(AGENTS)).start()


def create(client, **members):
    return client.ok("POST", "customers", members, 201)


def log(database, customer):
    return [row[0] for row in database.query(
        "SELECT operation FROM patchbay.customer_log WHERE customer = %s ORDER BY id", customer)]


def identity(router, number):
    return router.source().event(ringing(number)).json["identity"]


# --- Deletion ---

def test_only_an_admin_deletes_and_routing_no_longer_meets_who_is_deleted(desk, database):
    anna, ben, admin_ = desk.agent("anna"), desk.agent("ben"), desk.client("admin")
    made = create(anna, name="Ann", owner="anna", external_id="x1", contacts=[{"phone": NUMBER}])
    assert identity(desk, NUMBER)["outcome"] == "matched"
    assert ben.delete(f"customers/{made['id']}").status == 404
    assert anna.delete(f"customers/{made['id']}").status == 403
    assert admin_.ok("DELETE", f"customers/{made['id']}") == {"customer": made["id"], "status": "ok"}
    assert identity(desk, NUMBER)["outcome"] == "new"
    assert admin_.get(f"customers/{made['id']}").status == 404 and admin_.delete(f"customers/{made['id']}").status == 404
    assert admin_.ok("GET", "customers")["items"] == []
    assert create(anna, external_id="x1")["id"] != made["id"]
    assert log(database, made["id"]) == ["Create customer", "Delete customer"]


def test_many_are_deleted_item_by_item(desk, database):
    anna, admin_ = desk.agent("anna"), desk.rpc_client("admin")
    made = [create(anna, owner="anna", contacts=[{"phone": f"+49151000000{n:02}"}])["id"] for n in range(3)]
    nobody = str(uuid.uuid4())
    refused = anna.ok("POST", "customers/batch/delete", {"customers": [made[0], nobody]})
    assert [item["status"] for item in refused["items"]] == ["forbidden", "not_found"]
    done = admin_.call("customer.batch_delete", {"customers": [made[1], nobody, made[0]]})
    assert [(item["customer"], item["status"]) for item in done["items"]] == [
        (made[1], "ok"), (nobody, "not_found"), (made[0], "ok")]
    assert [one["id"] for one in anna.ok("GET", "customers")["items"]] == [made[2]]
    assert log(database, made[0]) == ["Create customer", "Batch delete"] and log(database, made[2]) == ["Create customer"]
    admin_.close()


# --- Merges ---

def everything(database, customer):
    """All of a customer but when and how often it was changed."""
    rows = database.query("SELECT to_jsonb(c) - '{version,updated_at}'::text[] FROM patchbay.customers c WHERE id = %s", customer)
    for query in ("SELECT to_jsonb(k) FROM patchbay.contacts k WHERE customer = %s ORDER BY position",
                  "SELECT to_jsonb(s) FROM patchbay.shares s WHERE customer = %s ORDER BY kind, name",
                  "SELECT to_jsonb(a) FROM patchbay.activity a WHERE customer = %s",
                  "SELECT to_jsonb(i.id) FROM patchbay.interactions i WHERE customer = %s ORDER BY id",
                  "SELECT to_jsonb(b.id) FROM patchbay.blacklist b WHERE customer = %s AND lifted_ms IS NULL ORDER BY id"):
        rows += [("next",)] + database.query(query, customer)
    return rows


def a_closed_call(router, number):
    source = router.source()
    event = ringing(number)
    made = source.event(event).json
    router.client("supervisor").ok("POST", f"interactions/{made['interaction']}/end")
    return made["interaction"]


@pytest.fixture
def pair(desk):
    anna = desk.agent("anna")
    stays = create(anna, name="Ann", owner="anna", tags=["a"], fields={"x": 1}, contacts=[{"phone": NUMBER}])
    goes = create(anna, name="Anne", company="Demo", owner="anna", external_id="e2", tags=["b", "a"], fields={"x": 2, "y": 3},
                  contacts=[{"phone": "015112345678"}, {"label": "work", "phone": OTHER_NUMBER, "email": "Anne@Example.com"}])
    calls = [a_closed_call(desk, OTHER_NUMBER)]
    anna.ok("POST", f"customers/{goes['id']}/share", {"agents": ["ben"]})
    desk.client("supervisor").ok("POST", "blacklist", {"customer": goes["id"], "channels": ["chat"]}, 201)
    return stays["id"], goes["id"], calls


def test_a_merge_moves_everything_and_unmerge_restores_both(desk, database, pair):
    stays, goes, calls = pair
    anna, ben = desk.agent("anna"), desk.agent("ben")
    before = everything(database, stays), everything(database, goes)
    merged = anna.ok("POST", f"customers/{stays}/merge", {"other": goes})
    assert (merged["name"], merged["company"], merged["external_id"], merged["tags"], merged["fields"]) == (
        "Ann", "Demo", "e2", ["a", "b"], {"x": 1, "y": 3})
    assert [(one["phone"], one["email"]) for one in merged["contacts"]] == [(NUMBER, None), (OTHER_NUMBER, "Anne@Example.com")]
    for number in (NUMBER, OTHER_NUMBER):
        assert identity(desk, number)["customer"] == stays
    assert ben.ok("GET", f"customers/{stays}")["id"] == stays
    assert database.query("SELECT customer::text FROM patchbay.interactions WHERE id = %s", calls[0]) == [(stays,)]
    blocks = desk.client("supervisor").ok("GET", "blacklist?active=true")["items"]
    assert sorted(block["value"] for block in blocks) == sorted([stays, goes])
    for call in desk.client("supervisor").ok("GET", "interactions?state=open")["items"]:
        desk.client("supervisor").ok("POST", f"interactions/{call['id']}/end")
    database.query("DELETE FROM patchbay.activity WHERE customer = %s RETURNING 1", stays)
    unmerged = anna.ok("POST", f"customers/{stays}/unmerge", {"other": goes})
    assert (unmerged["customer"]["id"], unmerged["other"]["id"]) == (stays, goes)
    after = everything(database, stays), everything(database, goes)
    assert after[1] == before[1]
    # The calls that came to it since stay with it.
    assert [row for row in after[0] if row not in before[0]] == [
        (row[0],) for row in database.query("SELECT to_jsonb(id) FROM patchbay.interactions WHERE customer = %s", stays)]
    assert log(database, stays)[-2:] == ["Merge customer", "Unmerge customer"] == log(database, goes)[-2:]
    assert identity(desk, OTHER_NUMBER)["customer"] == goes
    assert anna.post(f"customers/{stays}/unmerge", {"other": goes}).status == 404


def test_an_immediate_unmerge_restores_both_exactly(desk, database, pair):
    stays, goes, _ = pair
    admin_ = desk.client("admin")
    before = everything(database, stays), everything(database, goes)
    admin_.ok("POST", f"customers/{stays}/merge", {"other": goes})
    assert everything(database, stays) != before[0]
    admin_.ok("POST", f"customers/{stays}/unmerge", {"other": goes})
    after = everything(database, stays), everything(database, goes)
    assert after[1] == before[1] and [row for row in after[0] if "interaction" not in str(row)] == [
        row for row in before[0] if "interaction" not in str(row)]


def test_what_was_edited_after_a_merge_stays_edited(desk, pair):
    stays, goes, _ = pair
    anna = desk.agent("anna")
    merged = anna.ok("POST", f"customers/{stays}/merge", {"other": goes})
    anna.ok("PATCH", f"customers/{stays}", {"name": "Anna", "tags": merged["tags"] + ["new"],
                                            "contacts": merged["contacts"] + [{"email": "late@example.com"}]})
    back = anna.ok("POST", f"customers/{stays}/unmerge", {"other": goes})["customer"]
    assert (back["name"], back["company"], back["external_id"], back["tags"]) == ("Anna", None, None, ["a", "new"])
    assert [one["phone"] or one["email"] for one in back["contacts"]] == [NUMBER, "late@example.com"]


def test_the_old_id_leads_to_the_merged_customer(desk, pair):
    stays, goes, _ = pair
    anna, ben, rpc = desk.agent("anna"), desk.agent("ben"), desk.rpc_client("agent", "anna")
    last = create(anna, owner="anna", name="last")["id"]
    anna.ok("POST", f"customers/{stays}/merge", {"other": goes})
    rpc.call("customer.merge", {"customer": last, "other": stays})
    for old in (goes, stays):
        answer = anna.get(f"customers/{old}")
        assert answer.status == 308 and answer.headers["Location"].endswith(f"/customers/{last}")
        assert answer.json["id"] == last and answer.json["redirected_from"] == old
        found = rpc.call("customer.get", {"customer": old})
        assert found["id"] == last and found["redirected_from"] == old
        assert anna.request("PATCH", f"customers/{old}", {"name": "x"}).status == 404
    stranger = desk.client("supervisor")
    assert stranger.get(f"customers/{goes}").status == 404
    assert anna.post(f"customers/{stays}/unmerge", {"other": goes}).status == 404  # it is part of another itself
    anna.ok("POST", f"customers/{last}/unmerge", {"other": stays})
    anna.ok("POST", f"customers/{stays}/unmerge", {"other": goes})
    assert anna.ok("GET", f"customers/{goes}")["name"] == "Anne" and ben.get(f"customers/{goes}").status == 200
    rpc.close()


def test_a_merge_is_undone_only_by_who_may_edit_both_and_view_the_other(desk):
    anna, ben, admin_ = desk.agent("anna"), desk.agent("ben"), desk.client("admin")
    mine, bens = create(anna, owner="anna")["id"], create(ben, owner="ben")["id"]
    admin_.ok("POST", f"customers/{mine}/merge", {"other": bens})
    answer = anna.post(f"customers/{mine}/unmerge", {"other": bens})
    assert (answer.status, answer.json["pointer"]) == (404, "/other"), "she may not even know of it"
    admin_.ok("POST", f"customers/{mine}/unmerge", {"other": bens})
    assert ben.ok("GET", f"customers/{bens}")["owner"] == "ben"


def test_a_pool_that_was_deleted_since_a_merge_takes_nobody_back(desk):
    admin_ = desk.client("admin")
    pool, home = (admin_.ok("POST", "pools", {"name": name}, 201)["id"] for name in ("north", "south"))
    stays, waits, held = (create(admin_)["id"] for _ in range(3))
    for one, place in ((waits, pool), (held, home)):
        admin_.ok("POST", f"customers/{one}/return", {"pool": place, "reason": "new"})
    admin_.ok("POST", f"customers/{held}/assign", {"agents": ["anna"]})
    for one in (waits, held):
        admin_.ok("POST", f"customers/{stays}/merge", {"other": one})
    for place in (pool, home):
        admin_.ok("DELETE", f"pools/{place}")
    back = [admin_.ok("POST", f"customers/{stays}/unmerge", {"other": one})["other"] for one in (waits, held)]
    assert [(one["stage"], one["owner"]) for one in back] == [("to_be_assigned", None), ("follow_up", "anna")]
    answer = admin_.post(f"customers/{held}/return", {"reason": "moved"})
    assert (answer.status, answer.json["pointer"]) == (400, "/pool"), "the pool that it came out of is gone"


def test_merges_that_cannot_be_are_refused_whole(desk, database):
    anna, ben = desk.agent("anna"), desk.agent("ben")
    many = create(anna, owner="anna", contacts=[{"email": f"a{n}@example.com"} for n in range(8)])["id"]
    more = create(anna, owner="anna", contacts=[{"email": f"b{n}@example.com"} for n in range(2)])["id"]
    bens = create(ben, owner="ben")["id"]
    before = everything(database, many), everything(database, more)
    answer = anna.post(f"customers/{many}/merge", {"other": more})
    assert answer.status == 409 and answer.json["code"] == "contact_limit" and answer.json["pointer"] == "/other"
    assert anna.post(f"customers/{many}/merge", {"other": many}).json["pointer"] == "/other"
    assert anna.post(f"customers/{many}/merge", {"other": bens}).status == 404
    ben.ok("POST", f"customers/{bens}/share", {"agents": ["anna"]})
    assert anna.post(f"customers/{many}/merge", {"other": bens}).status == 403
    assert (everything(database, many), everything(database, more)) == before


# --- Duplicates ---

def duplicates(client, count):
    """They are found off the event path."""
    return wait_for(lambda: len(found := client.ok("GET", "customers/duplicates")["items"]) == count and found, f"{count} duplicates", 5)


def test_duplicates_are_listed_as_they_come_in(desk):
    anna, admin_ = desk.agent("anna"), desk.client("admin")
    first = create(anna, owner="anna", contacts=[{"phone": NUMBER}, {"email": "A@example.com"}])["id"]
    assert admin_.ok("GET", "customers/duplicates") == {"items": [], "next": None}
    second = create(anna, owner="anna", contacts=[{"phone": "0151 12345678"}])["id"]
    third = create(desk.agent("ben"), owner="ben", contacts=[{"email": "a@EXAMPLE.com"}])["id"]
    found = duplicates(admin_, 2)
    assert [(one["kind"], one["key"], [c["id"] for c in one["customers"]]) for one in found] == [
        ("phone", NUMBER, [first, second]), ("email", "a@example.com", [first, third])]
    page = admin_.ok("GET", "customers/duplicates?limit=1")
    assert [one["kind"] for one in page["items"]] == ["phone"]
    page = admin_.ok("GET", f"customers/duplicates?limit=1&after={page['next']}")
    assert [one["kind"] for one in page["items"]] == ["email"]
    # One sees of them what one may view.
    rpc = desk.rpc_client("agent", "anna")
    assert [one["kind"] for one in rpc.call("customer.duplicates", {})["items"]] == ["phone"]
    rpc.close()
    assert desk.agent("ben").ok("GET", "customers/duplicates")["items"] == []
    anna.ok("POST", f"customers/{first}/merge", {"other": second})
    assert [one["kind"] for one in admin_.ok("GET", "customers/duplicates")["items"]] == ["email"]
    admin_.ok("DELETE", f"customers/{third}")
    assert admin_.ok("GET", "customers/duplicates")["items"] == []


# --- Erasure ---

def dump(database):
    return subprocess.run(["pg_dump", "--data-only", "--schema=patchbay", database.url], capture_output=True, check=True).stdout


def traces(haystack, *words):
    """Where one of the words stands in it, as text or as the hex of a bytea."""
    found = []
    for word in words:
        for needle in (word.encode(), word.encode().hex().encode()):
            at = haystack.find(needle)
            if at >= 0:
                found.append(haystack[max(0, at - 200):at + 100])
    return found


def test_of_who_is_erased_no_byte_is_left_and_the_journal_replays(make_router, database, redis):
    desk = make_router(project(AGENTS) + "datasheets: {survey: {fields: {note: {type: text}}}}\n").start()
    anna, admin_, supervisor = desk.agent("anna"), desk.client("admin"), desk.client("supervisor")
    # The last ones: as words and as digits that search goes through, forwards and backwards.
    words = ("Zebulon", "Quartermain", "15112345678", "15187654321", "zebulon@example", "Zebulon@Example", "w:zebulon", "d:4915112345678",
             "r:8765432115194")
    early = a_closed_call(desk, NUMBER)  # before anybody knew who that was
    made = create(anna, name="Zebulon Quartermain", real_name="Z. Quartermain", owner="anna", external_id="zq", tags=["vip"],
                  fields={"note": "Zebulon's"}, contacts=[{"phone": NUMBER, "email": "Zebulon@Example.com"}])
    anna.ok("PATCH", f"customers/{made['id']}", {"real_name": "Zebulon Q"})
    other = create(anna, name="Zebulon the second", owner="anna", contacts=[{"phone": OTHER_NUMBER}])
    call = a_closed_call(desk, NUMBER)
    supervisor.ok("PUT", f"interactions/{call}/datasheet/survey", {"fields": {"note": "Zebulon is content"}})
    letter = mail('"Zebulon Quartermain" <Zebulon@Example.com>')
    letter["data"].update(subject="From Zebulon", text="Call me at 0151 12345678. Zebulon", headers={"Reply-To": "Zebulon@Example.com"})
    written = desk.source().event(letter).json["interaction"]
    supervisor.ok("POST", f"interactions/{written}/end")
    create(desk.agent("ben"), owner="ben", contacts=[{"email": "zebulon@example.com"}])
    twin = duplicates(admin_, 1)[0]["customers"][1]["id"]
    admin_.ok("DELETE", f"customers/{twin}")
    admin_.ok("POST", f"customers/{twin}/erase")
    bad = b"name,phone,owner\r\nZebulon Quartermain,+4915112345678,nobody\r\n"
    assert admin_.post("customers/import", bad, headers={"Content-Type": "text/csv"}).json["failed"] == 1
    block = supervisor.ok("POST", "blacklist", {"phone": OTHER_NUMBER, "reason": "Zebulon"}, 201)
    blocked = desk.source().event(ringing(OTHER_NUMBER)).json
    assert blocked["outcome"] == "blocked"
    anna.ok("POST", f"customers/{made['id']}/merge", {"other": other["id"]})
    open_call = desk.source().event(ringing(NUMBER)).json["interaction"]
    answer = admin_.post(f"customers/{made['id']}/erase")
    assert answer.status == 409 and answer.json["code"] == "already_taken"
    supervisor.ok("POST", f"interactions/{open_call}/end")
    wait_for(lambda: all(traces(dump(database), word) for word in words), "all of it is there: what is not cannot be erased", 30)
    assert anna.post(f"customers/{made['id']}/erase").status == 403
    assert desk.agent("ben").post(f"customers/{made['id']}/erase").status == 404
    assert admin_.post(f"customers/{other['id']}/erase").status == 404
    done = admin_.ok("POST", f"customers/{made['id']}/erase")
    assert done == {"customer": made["id"], "done": True, "emptied": 5}
    assert traces(dump(database), *words, "12345678", "87654321") == []
    client = redis.client()
    stored = client.keys("*")
    assert traces(b"".join(stored + [client.dump(key) or b"" for key in stored]), *words) == [] and traces(desk.log().encode(), *words) == []
    assert admin_.get(f"customers/{made['id']}").status == 404
    assert identity(desk, NUMBER)["outcome"] == "new"
    assert supervisor.ok("GET", "blacklist?active=true")["items"] == [], block
    for interaction in (early, call):
        assert supervisor.ok("GET", f"interactions/{interaction}")["from"] == {"phone": None, "email": None, "id": None, "name": None}
    assert database.query("SELECT operation, changes FROM patchbay.customer_log WHERE customer = %s ORDER BY id DESC LIMIT 1",
                          made["id"]) == [("Erase customer", [])]
    out = admin(database.url, "replay", "--project", desk.project)
    assert "equal byte for byte" in out.stdout and "5 of all that were stepped are about people who were erased" in out.stdout
    assert admin_.ok("POST", f"customers/{made['id']}/erase")["emptied"] == 0
