"""Contacts one at a time: added, changed and removed, under the limits however many do it at once."""
import concurrent.futures
import uuid

from harness.http_client import ringing


def create(client, **members):
    return client.ok("POST", "customers", members, 201)


def mails(customer):
    return [contact["email"] for contact in customer["contacts"]]


def test_contacts_are_added_changed_and_removed(router, database):
    client = router.agent("anna")
    made = create(client, name="Ann")
    path = f"customers/{made['id']}/contacts"
    first = client.ok("POST", path, {"label": "work", "phone": "030 901820"}, 201)
    assert first["version"] == 2 and first["contacts"] == [{"label": "work", "phone": "030 901820", "email": None}]
    client.ok("POST", path, {"email": "a@example.com"}, 201)
    client.ok("POST", path, {"email": "b@example.com"}, 201)
    changed = client.ok("PATCH", f"{path}/0", {"email": "c@example.com", "label": None})
    assert changed["contacts"][0] == {"label": None, "phone": "030 901820", "email": "c@example.com"}
    assert [one["id"] for one in client.ok("GET", "customers?email=C@example.com")["items"]] == [made["id"]]
    cleared = client.ok("PATCH", f"{path}/0", {"phone": ""})
    assert cleared["contacts"][0]["phone"] is None and client.ok("GET", "customers?phone=030901820")["items"] == []
    assert mails(client.ok("DELETE", f"{path}/1")) == ["c@example.com", "b@example.com"]
    assert mails(client.ok("GET", f"customers/{made['id']}")) == ["c@example.com", "b@example.com"]
    log = database.query("SELECT operation, changes #>> '{0,field}', changes #> '{0,new}' "
                         "FROM patchbay.customer_log WHERE customer = %s ORDER BY id", made["id"])
    assert [(operation, field, len(new)) for operation, field, new in log[1:]] == [
        ("Edit customer", "contacts", count) for count in (1, 2, 3, 3, 3, 2)]


WRONG = [
    ({}, None), ({"label": "x"}, None), ({"phone": ""}, None),
    ({"phone": "123"}, "/phone"), ({"phone": 1234}, "/phone"), ({"phone": "hello"}, "/phone"), ({"phone": "1234", "fax": "1"}, "/fax"),
    ({"email": "nobody"}, "/email"), ({"email": "Ann <ann@example.com>"}, "/email"), ({"email": "a\x00@example.com"}, None),
    ({"label": "a\nb", "phone": "1234"}, "/label"), ({"label": "x" * 257, "phone": "1234"}, "/label"),
]


def test_bad_contacts_are_refused_with_their_place(router):
    client = router.agent("anna")
    made = create(client, contacts=[{"phone": "1234"}])
    for members, pointer in WRONG:
        answer = client.post(f"customers/{made['id']}/contacts", members)
        assert (answer.status, answer.json["code"], answer.json.get("pointer")) == (400, "invalid", pointer), str(members)[:80]
    assert client.ok("GET", f"customers/{made['id']}") == made


def test_what_is_not_there_cannot_be_changed(router):
    client = router.agent("anna")
    made = create(client, contacts=[{"phone": "1234"}])
    path = f"customers/{made['id']}/contacts"
    for method, where, status in (("PATCH", f"{path}/1", 404), ("DELETE", f"{path}/1", 404), ("DELETE", f"{path}/x", 400),
                                  ("DELETE", f"{path}/-1", 400), ("DELETE", f"{path}/0?version=7", 409),
                                  ("DELETE", f"customers/{uuid.uuid4()}/contacts/0", 404)):
        assert client.request(method, where, {"label": "x"} if method == "PATCH" else None).status == status, where
    answer = client.request("PATCH", f"{path}/0", {"phone": None})
    assert answer.status == 400 and answer.json["detail"] == "a contact must have a phone or an email"
    answer = client.request("PATCH", f"{path}/0", {"label": "x", "version": 2})
    assert answer.status == 409 and answer.json["code"] == "already_taken" and answer.json["pointer"] == "/version"
    assert client.ok("GET", f"customers/{made['id']}") == made


def test_who_may_only_view_cannot_change_contacts(router):
    anna, ben = router.agent("anna"), router.agent("ben")
    made = create(anna, owner="anna", contacts=[{"phone": "1234"}])
    path = f"customers/{made['id']}/contacts"
    assert ben.post(path, {"phone": "12345"}).status == 404
    anna.ok("POST", f"customers/{made['id']}/share", {"agents": ["ben"]})
    for answer in (ben.post(path, {"phone": "12345"}), ben.request("PATCH", f"{path}/0", {"phone": "12345"}), ben.delete(f"{path}/0")):
        assert answer.status == 403 and answer.json["code"] == "forbidden"


def at_once(count, do):
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        return list(pool.map(do, range(count)))


def test_the_tenth_contact_is_refused_however_many_come_at_once(router):
    client = router.agent("anna")
    made = create(client, name="nine")
    answers = at_once(100, lambda number: client.post(f"customers/{made['id']}/contacts", {"email": f"a{number}@example.com"}))
    assert sorted(answer.status for answer in answers) == [201] * 9 + [409] * 91
    assert {answer.json["code"] for answer in answers if answer.status == 409} == {"contact_limit"}
    assert len(client.ok("GET", f"customers/{made['id']}")["contacts"]) == 9


def test_phone_slots_hold_however_many_come_at_once(router):
    client = router.agent("anna")
    made = create(client, contacts=[{"email": f"a{number}@example.com"} for number in range(6)])

    def add_a_phone(number):
        if number % 2:
            return client.post(f"customers/{made['id']}/contacts", {"phone": f"030 9018{number:02}"})
        return client.request("PATCH", f"customers/{made['id']}/contacts/{number % 6}", {"phone": f"030 9018{number:02}"})

    answers = at_once(100, add_a_phone)
    last = client.ok("GET", f"customers/{made['id']}")
    assert len([contact for contact in last["contacts"] if contact["phone"]]) == 3 and len(last["contacts"]) <= 9
    assert {answer.status for answer in answers} == {409} | {answer.status for answer in answers if answer.status in (200, 201)}
    refused = [answer for answer in answers if answer.status == 409]
    assert refused and {answer.json["code"] for answer in refused} == {"contact_limit"}


def test_contacts_come_and_go_at_once_and_stand_without_gaps(router, database):
    client = router.agent("anna")
    made = create(client, contacts=[{"email": f"a{number}@example.com"} for number in range(5)])

    def change(number):
        path = f"customers/{made['id']}/contacts"
        return client.delete(f"{path}/0") if number % 2 else client.post(path, {"email": f"b{number}@example.com"})

    assert {answer.status for answer in at_once(100, change)} <= {200, 201, 404, 409}
    positions = [row[0] for row in database.query("SELECT position FROM patchbay.contacts WHERE customer = %s ORDER BY 1", made["id"])]
    assert positions == list(range(len(positions)))


def test_the_next_call_meets_a_contact_that_was_just_added(router):
    client, source = router.agent("anna"), router.source()
    made = create(client, name="Ann")
    assert source.event(ringing("+4915112345678")).json["identity"]["outcome"] == "new"
    client.ok("POST", f"customers/{made['id']}/contacts", {"phone": "+4915112345678"}, 201)
    assert source.event(ringing("+4915112345678")).json["identity"]["customer"] == made["id"]
    client.ok("DELETE", f"customers/{made['id']}/contacts/0")
    assert source.event(ringing("+4915112345678")).json["identity"]["outcome"] == "new"


def test_contacts_over_messagepack_rpc(router):
    client = router.rpc_client("agent", "anna")
    made = client.call("customer.create", {"name": "Ann"})
    added = client.call("customer.add_contact", {"customer": made["id"], "phone": "030901820"})
    assert added["contacts"][0]["phone"] == "030901820"
    changed = client.call("customer.edit_contact", {"customer": made["id"], "position": 0, "email": "a@example.com"})
    assert changed["contacts"][0]["email"] == "a@example.com"
    assert client.call("customer.remove_contact", {"customer": made["id"], "position": 0})["contacts"] == []
    client.close()
