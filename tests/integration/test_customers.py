"""Customers with contacts: create, read, edit, search, and what routing makes of them."""
import concurrent.futures
import uuid

import pytest

from harness.http_client import ringing


def create(client, **members):
    return client.ok("POST", "customers", members, 201)


def test_a_customer_is_created_read_and_edited(router):
    client = router.agent("anna")
    made = create(client, name="Ann", company="Demo", tags=["vip"], fields={"level": 3},
                  contacts=[{"label": "work", "phone": "030 901820"}, {"email": "Ann@Example.COM"}])
    assert made["version"] == 1 and made["stage"] == "new" and made["tags"] == ["vip"] and made["fields"] == {"level": 3}
    assert made["contacts"][0] == {"label": "work", "phone": "030 901820", "email": None}
    assert client.ok("GET", f"customers/{made['id']}") == made
    edited = client.ok("PATCH", f"customers/{made['id']}", {"name": "Anne", "company": None, "contacts": [{"phone": "+49301"}]})
    assert (edited["name"], edited["company"], edited["version"], edited["tags"]) == ("Anne", None, 2, ["vip"])
    assert [contact["phone"] for contact in edited["contacts"]] == ["+49301"]
    assert client.ok("GET", f"customers/{made['id']}") == edited


def test_any_spelling_finds_a_customer(router):
    client = router.agent("anna")
    made = create(client, name="Ann", contacts=[{"phone": "030 / 901-820"}, {"email": "Ann@Example.COM"}])
    other = create(client, name="Bob", contacts=[{"phone": "+49 30 901820"}])
    for spelling in ("%2B4930901820", "030901820", "0049-30-901820"):
        found = client.ok("GET", f"customers?phone={spelling}")
        assert [one["id"] for one in found["items"]] == [made["id"], other["id"]] and found["next"] is None
    assert [one["id"] for one in client.ok("GET", "customers?email=ann@EXAMPLE.com")["items"]] == [made["id"]]
    both = client.ok("GET", "customers?email=ann@example.com&phone=030901820")
    assert [one["id"] for one in both["items"]] == [made["id"]]
    for nobody in ("phone=anonymous", "email=nonsense", "phone=0301234567"):
        assert client.ok("GET", f"customers?{nobody}") == {"items": [], "next": None}


def test_customers_are_listed_page_by_page(router):
    client = router.agent("anna")
    made = [create(client, name=f"c{number}")["id"] for number in range(5)]
    seen, after = [], ""
    while after is not None:
        page = client.ok("GET", "customers?limit=2" + (f"&after={after}" if after else ""))
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
    assert seen == made


@pytest.mark.parametrize("members, pointer", [
    ({"name": 7}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"name": "a\nb"}, "/name"),
    ({"nickname": "x"}, "/nickname"),
    ({"stage": "old"}, "/stage"),
    ({"tags": ["a", "a"]}, "/tags/1"),
    ({"tags": [7]}, "/tags/0"),
    ({"tags": "a"}, "/tags"),
    ({"fields": []}, "/fields"),
    ({"fields": {"x": "y" * 20000}}, "/fields"),
    ({"contacts": {}}, "/contacts"),
    ({"contacts": ["x"]}, "/contacts/0"),
    ({"contacts": [{}]}, "/contacts/0"),
    ({"contacts": [{"label": "x"}]}, "/contacts/0"),
    ({"contacts": [{"phone": "123"}]}, "/contacts/0/phone"),
    ({"contacts": [{"phone": 1234}]}, "/contacts/0/phone"),
    ({"contacts": [{"phone": "266696687"}]}, "/contacts/0/phone"),
    ({"contacts": [{"phone": "1234"}, {"email": "nobody"}]}, "/contacts/1/email"),
    ({"contacts": [{"email": "Ann <ann@example.com>"}]}, "/contacts/0/email"),
    ({"contacts": [{"phone": "1234", "fax": "1"}]}, "/contacts/0/fax"),
])
def test_bad_members_are_refused_with_their_place(router, members, pointer):
    answer = router.agent("anna").post("customers", members)
    assert answer.status == 400 and answer.json["code"] == "invalid" and answer.json["pointer"] == pointer


def test_contacts_have_a_limit(router):
    client = router.agent("anna")
    mails = [{"email": f"a{number}@example.com"} for number in range(10)]
    made = create(client, name="nine", contacts=mails[:9])
    for answer in (client.post("customers", {"contacts": mails}),
                   client.request("PATCH", f"customers/{made['id']}", {"contacts": mails}),
                   client.post("customers", {"contacts": [{"phone": f"030901820{number}"} for number in range(4)]})):
        assert answer.status == 409 and answer.json["code"] == "contact_limit"
    assert client.ok("GET", f"customers/{made['id']}")["version"] == 1


def test_an_external_id_and_a_version_are_taken_once(router):
    client = router.agent("anna")
    first = create(client, external_id="x1")
    second = create(client, external_id="x2")
    for answer in (client.post("customers", {"external_id": "x1"}),
                   client.request("PATCH", f"customers/{second['id']}", {"external_id": "x1"})):
        assert answer.status == 409 and answer.json["code"] == "already_taken"
    client.ok("PATCH", f"customers/{first['id']}", {"name": "a", "version": 1})
    answer = client.request("PATCH", f"customers/{first['id']}", {"name": "b", "version": 1})
    assert answer.status == 409 and answer.json["code"] == "already_taken" and answer.json["pointer"] == "/version"


def test_what_is_not_there_is_not_found(router):
    client = router.agent("anna")
    for path in (f"customers/{uuid.uuid4()}", "customers/nonsense"):
        assert client.get(path).status == 404
        assert client.request("PATCH", path, {"name": "x"}).status == 404


def test_edits_at_once_are_made_one_after_the_other(router, database):
    client = router.agent("anna")
    made = create(client, name="x", contacts=[{"email": "start@example.com"}])

    def edit(number):
        contacts = [{"email": f"a{number}-{at}@example.com"} for at in range(1 + number % 4)]
        return client.ok("PATCH", f"customers/{made['id']}", {"contacts": contacts})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        versions = sorted(edited["version"] for edited in pool.map(edit, range(40)))
    assert versions == list(range(2, 42))
    last = client.ok("GET", f"customers/{made['id']}")
    owners = {contact["email"].split("-")[0] for contact in last["contacts"]}
    assert len(owners) == 1 and len(last["contacts"]) == 1 + int(owners.pop()[1:]) % 4
    changes = [set(keys) for (keys,) in database.query("SELECT keys FROM patchbay.changes WHERE kind = 'customer' ORDER BY version")]
    assert all(before & after for before, after in zip(changes, changes[1:])), "a change must name the keys that it replaces"


def test_the_next_call_meets_what_was_just_written(router):
    client, source = router.agent("anna"), router.source()
    number = "+4915112345678"
    assert source.event(ringing(number)).json["identity"]["outcome"] == "new"
    made = create(client, name="Ann", contacts=[{"phone": number}])
    identity = source.event(ringing(number)).json["identity"]
    assert identity["outcome"] == "matched" and identity["customer"] == made["id"]
    client.ok("PATCH", f"customers/{made['id']}", {"contacts": []})
    assert source.event(ringing(number)).json["identity"]["outcome"] == "new"
    create(client, name="A", contacts=[{"phone": number}])
    create(client, name="B", contacts=[{"phone": number}])
    assert source.event(ringing(number)).json["identity"]["outcome"] == "ambiguous"


def test_customers_over_messagepack_rpc(router):
    client = router.rpc_client("agent", "anna")
    made = client.call("customer.create", {"name": "Ann", "contacts": [{"phone": "030901820"}]})
    assert client.call("customer.get", {"customer": made["id"]}) == made
    assert client.call("customer.edit", {"customer": made["id"], "name": "B"})["name"] == "B"
    assert [one["id"] for one in client.call("customer.list", {"phone": "+4930901820", "limit": 5})["items"]] == [made["id"]]
    client.close()


def test_sources_know_no_customers(router):
    source = router.source()
    assert source.get("customers").status == 403
    assert source.post("customers", {"name": "x"}).status == 403
