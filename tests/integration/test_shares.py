"""Sharing: adds, gives the view alone, is cancelled whole or by name, one customer or many."""
import uuid

import pytest

from harness.projects import project

AGENTS = {
    "anna": "{queues: [support], department: sales, reports_to: carl}",
    "ben": "{queues: [support], department: service}",
    "carl": "{queues: [chat], role: supervisor, department: sales}",
    "dora": "{queues: [chat], department: service}",
}


@pytest.fixture
def desk(make_router):
    router = make_router(project(AGENTS))
    router.start()
    return router


def create(client, **members):
    return client.ok("POST", "customers", members, 201)["id"]


def log(database, customer):
    return database.query("SELECT operation, actor, changes #> '{0,old}', changes #> '{0,new}' FROM patchbay.customer_log "
                          "WHERE customer = %s AND operation <> 'Create customer' ORDER BY id", customer)


def names(agents=(), roles=(), departments=()):
    return {"agents": list(agents), "roles": list(roles), "departments": list(departments)}


def test_sharing_adds_and_gives_the_view_alone(desk, database):
    anna, ben, dora = desk.agent("anna"), desk.agent("ben"), desk.agent("dora")
    customer = create(anna, owner="anna")
    assert ben.get(f"customers/{customer}").status == 404
    shared = anna.ok("POST", f"customers/{customer}/share", {"agents": ["ben"]})
    assert shared == {"customer": customer, **names(["ben"])}
    assert ben.ok("GET", f"customers/{customer}")["id"] == customer and dora.get(f"customers/{customer}").status == 404
    assert ben.request("PATCH", f"customers/{customer}", {"name": "x"}).status == 403
    assert ben.post(f"customers/{customer}/share", {"agents": ["dora"]}).status == 403
    assert anna.ok("POST", f"customers/{customer}/share", {"departments": ["service"], "roles": ["supervisor"]}) == {
        "customer": customer, **names(["ben"], ["supervisor"], ["service"])}
    assert dora.get(f"customers/{customer}").status == 200
    anna.ok("POST", f"customers/{customer}/share", {"agents": ["ben"]})  # nothing new: nothing to log
    rows = anna.ok("GET", f"customers/{customer}/shares")
    assert [(row["kind"], row["name"], row["shared_by"]) for row in rows["items"]] == [
        ("agent", "ben", "anna"), ("department", "service", "anna"), ("role", "supervisor", "anna")] and rows["next"] is None
    assert ben.ok("GET", f"customers/{customer}/shares") == rows
    assert log(database, customer) == [
        ("Share customer", "anna", names(), names(["ben"])),
        ("Share customer", "anna", names(["ben"]), names(["ben"], ["supervisor"], ["service"]))]


def test_many_are_shared_and_cancelled_item_by_item(desk, database):
    anna, ben = desk.agent("anna"), desk.agent("ben")
    mine = [create(anna, owner="anna") for _ in range(3)]
    seen, hidden, missing = create(ben, owner="ben"), create(ben, owner="ben"), str(uuid.uuid4())
    ben.ok("POST", f"customers/{seen}/share", {"agents": ["anna"]})
    everything = [mine[2], hidden, mine[0], seen, missing, mine[1]]
    statuses = ["ok", "not_found", "ok", "forbidden", "not_found", "ok"]
    shared = anna.ok("POST", "customers/batch/share", {"customers": everything, "agents": ["dora", "ben"], "roles": ["admin"]})
    assert [(item["customer"], item["status"]) for item in shared["items"]] == list(zip(everything, statuses))
    assert "detail" in shared["items"][1] and "detail" not in shared["items"][0]
    assert all(ben.get(f"customers/{one}").status == 200 for one in mine)
    named = anna.ok("POST", "customers/batch/cancel_share", {"customers": everything, "agents": ["ben"]})
    assert [item["status"] for item in named["items"]] == statuses
    assert all(ben.get(f"customers/{one}").status == 404 for one in mine)
    assert anna.get(f"customers/{seen}").status == 200
    anna.ok("POST", "customers/batch/cancel_share", {"customers": [mine[0]], "all": True})
    assert anna.ok("GET", f"customers/{mine[0]}/shares")["items"] == []
    assert log(database, mine[0]) == [
        ("Batch Share customer", "anna", names(), names(["ben", "dora"], ["admin"])),
        ("Batch Cancel Share customer", "anna", names(["ben", "dora"], ["admin"]), names(["dora"], ["admin"])),
        ("Batch Cancel Share customer", "anna", names(["dora"], ["admin"]), names())]


def test_a_thousand_are_shared_in_one_call(desk):
    admin = desk.client()
    made = [create(admin, owner="anna") for _ in range(150)]
    everything = made + [str(uuid.uuid4()) for _ in range(850)]
    items = admin.ok("POST", "customers/batch/share", {"customers": everything, "agents": ["ben"]})["items"]
    assert [item["customer"] for item in items] == everything
    assert [item["status"] for item in items] == ["ok"] * 150 + ["not_found"] * 850
    answer = admin.post("customers/batch/share", {"customers": everything + [str(uuid.uuid4())], "agents": ["ben"]})
    assert answer.status == 400 and answer.json["pointer"] == "/customers"


WRONG = [
    ({}, None), ({"agents": []}, None), ({"agents": ["ben", "nobody"]}, "/agents/1"), ({"agents": [7]}, "/agents/0"),
    ({"roles": ["source"]}, "/roles/0"), ({"departments": ["'; DROP TABLE shares; --"]}, "/departments/0"),
    ({"departments": ["x" * 100_000]}, "/departments/0"), ({"agents": "ben"}, "/agents"), ({"teams": ["a"]}, "/teams"),
    ({"agents": ["ben"] * 101}, "/agents"),
]


def test_names_that_nobody_has_are_refused_with_their_place(desk):
    anna = desk.agent("anna")
    customer = create(anna, owner="anna")
    for members, pointer in WRONG:
        for path, more in ((f"customers/{customer}/share", {}), ("customers/batch/share", {"customers": [customer]})):
            answer = anna.post(path, {**more, **members})
            fault = (answer.status, answer.json["code"], answer.json.get("pointer"))
            assert fault == (400, "invalid", pointer), str(members)[:80]
    assert anna.ok("GET", f"customers/{customer}/shares")["items"] == []


def test_bad_batches_are_refused_whole(desk):
    anna = desk.agent("anna")
    customer = create(anna, owner="anna")
    for path in ("customers/batch/share", "customers/batch/cancel_share"):
        for members, pointer in (({"customers": []}, "/customers"), ({"customers": [customer, "x"]}, "/customers/1"),
                                 ({"customers": [customer, customer]}, "/customers/1"), ({"customers": [7]}, "/customers/0"),
                                 ({}, "/customers")):
            answer = anna.post(path, {"agents": ["ben"], **members})
            assert answer.status == 400 and answer.json["pointer"] == pointer
    for members in ({}, {"all": False}, {"all": True, "agents": ["ben"]}, {"agents": []}):
        assert anna.post("customers/batch/cancel_share", {"customers": [customer], **members}).status == 400
    assert anna.get("customers/batch/share").status == 405


def test_what_is_shared_with_somebody_who_left_can_be_cancelled(desk, tmp_path):
    anna = desk.agent("anna")
    customer = create(anna, owner="anna")
    anna.ok("POST", f"customers/{customer}/share", {"agents": ["dora"]})
    path = tmp_path / "without.yaml"
    path.write_text(project({name: text for name, text in AGENTS.items() if name != "dora"}))
    desk.apply(path)
    assert anna.post(f"customers/{customer}/share", {"agents": ["dora"]}).status == 400
    anna.ok("POST", "customers/batch/cancel_share", {"customers": [customer], "agents": ["dora"]})
    assert anna.ok("GET", f"customers/{customer}/shares")["items"] == []


def test_sharing_over_messagepack_rpc(desk):
    client = desk.rpc_client("agent", "anna")
    customer = client.call("customer.create", {"owner": "anna"})["id"]
    assert client.call("customer.share", {"customer": customer, "agents": ["ben"]})["agents"] == ["ben"]
    assert [row["name"] for row in client.call("customer.shares", {"customer": customer})["items"]] == ["ben"]
    shared = client.call("customer.batch_share", {"customers": [customer], "roles": ["agent"]})
    assert shared == {"items": [{"customer": customer, "status": "ok"}]}
    client.call("customer.batch_cancel_share", {"customers": [customer], "all": True})
    assert client.call("customer.shares", {"customer": customer})["items"] == []
    client.close()
