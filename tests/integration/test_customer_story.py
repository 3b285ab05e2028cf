"""One customer's life, and what its log says of it: what, by whom, when, from where, what was and what is."""
import datetime
import itertools

import pytest

from harness.projects import project

AGENTS = {
    "anna": "{queues: [support], department: sales}", "ben": "{queues: [support], department: sales}", "cleo": "{queues: [support]}",
    "carl": "{queues: [chat], role: supervisor}",
}
NUMBER = "+4915112345678"
CONTACT = {"label": None, "phone": NUMBER, "email": None}


@pytest.fixture
def router(make_router):
    return make_router(project(AGENTS)).start()


def shares(*agents):
    return {"agents": list(agents), "roles": [], "departments": []}


def test_the_log_tells_a_whole_life_by_the_names_of_the_contract(router):
    anna, ben, cleo, admin = router.agent("anna"), router.agent("ben"), router.agent("cleo"), router.client()
    carl, rpc = router.client("supervisor", "carl"), router.rpc_client("agent", "anna")
    pool = admin.ok("POST", "pools", {"name": "north"}, 201)["id"]
    admin.ok("PUT", f"pools/{pool}/members/cleo", {})
    made = anna.ok("POST", "customers", {"name": "Ann", "owner": "anna", "contacts": [{"phone": NUMBER}]}, 201)["id"]
    rpc.call("customer.edit", {"customer": made, "name": "Anne", "company": "Demo"})
    anna.ok("POST", f"customers/{made}/share", {"agents": ["cleo"]})
    anna.ok("POST", f"customers/{made}/tags", {"mode": "add", "tags": ["vip"]})
    rpc.call("customer.assign", {"customer": made, "agents": ["ben"]})
    ben.ok("POST", f"customers/{made}/return", {"pool": pool, "reason": "moved away"})
    cleo.ok("POST", f"customers/{made}/pick_up")
    block = carl.ok("POST", "blacklist", {"customer": made, "channels": ["call"], "reason": "rude"}, 201)["id"]
    admin.ok("DELETE", f"customers/{made}")

    log = admin.ok("GET", f"customers/{made}/log")
    assert log["next"] is None
    entries = log["items"][::-1]
    assert [(one["operation"], one["actor"], one["role"], one["origin"]["via"]) for one in entries] == [
        ("Create customer", "anna", "agent", "http"), ("Edit customer", "anna", "agent", "rpc"), ("Share customer", "anna", "agent", "http"),
        ("Tag customer", "anna", "agent", "http"), ("Assign customer", "anna", "agent", "rpc"), ("Back customer", "ben", "agent", "http"),
        ("Pick up customer", "cleo", "agent", "http"), ("Block customer", "carl", "supervisor", "http"),
        ("Delete customer", "admin", "admin", "http")]
    assert {one["origin"]["address"].split(":")[0] for one in entries} == {"127.0.0.1"}
    times = [datetime.datetime.fromisoformat(one["at"]) for one in entries]
    now = datetime.datetime.now(datetime.timezone.utc)
    assert times == sorted(times) and now - datetime.timedelta(minutes=5) < times[0] and times[-1] <= now
    changes = [{change["field"]: (change["old"], change["new"]) for change in one["changes"]} for one in entries]
    assert changes[0] == {"name": (None, "Ann"), "stage": (None, "mine"), "owner": (None, "anna"), "tags": (None, []), "fields": (None, {}),
                          "contacts": (None, [CONTACT])}
    assert changes[1:] == [
        {"name": ("Ann", "Anne"), "company": (None, "Demo")},
        {"shares": (shares(), shares("cleo"))},
        {"tags": ([], ["vip"])},
        {"stage": ("mine", "follow_up"), "owner": ("anna", "ben")},
        {"stage": ("follow_up", "pool"), "owner": ("ben", None), "pool": (None, pool), "reason": (None, "moved away")},
        {"stage": ("pool", "mine"), "owner": (None, "cleo"), "pool": (pool, None)},
        {"block": (None, {"id": block, "channels": ["call"], "reason": "rude", "until": None})},
        {}]

    for entry in entries:
        name = entry["operation"].replace(" ", "%20")
        assert admin.ok("GET", f"customers/{made}/log?operation={name}")["items"] == [entry]
    for first, last in itertools.combinations(range(len(entries)), 2):
        since, until = entries[first]["at"], entries[last]["at"]
        found = admin.ok("GET", f"customers/{made}/log?since={since}&until={until}")["items"][::-1]
        assert found == [one for one in entries if since <= one["at"] < until]
    assert cleo.get(f"customers/{made}/log").status == 404, "whoever is deleted is an admin's alone"
    rpc.close()


def test_what_is_done_with_many_has_names_of_its_own(router):
    anna, admin = router.agent("anna"), router.client()
    two = [anna.ok("POST", "customers", {"owner": "anna"}, 201)["id"] for _ in range(2)]
    pool = admin.ok("POST", "pools", {"name": "north"}, 201)["id"]
    for path, body in (("share", {"agents": ["ben"]}), ("cancel_share", {"all": True}), ("tags", {"mode": "add", "tags": ["a"]}),
                       ("assign", {"agents": ["ben"]}), ("return", {"pool": pool, "reason": "moved"}), ("delete", {})):
        done = admin.ok("POST", f"customers/batch/{path}", {"customers": two, **body})
        assert done["items"] == [{"customer": one, "status": "ok"} for one in two], path
    for one in two:
        assert [entry["operation"] for entry in admin.ok("GET", f"customers/{one}/log")["items"]][::-1] == [
            "Create customer", "Batch Share customer", "Batch Cancel Share customer", "Tag customer", "Assign customer", "Back customer",
            "Batch delete"]
