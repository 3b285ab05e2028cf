"""Followed customers, my customers, what followers hear, muted conversations, and tags of one and of many."""
import http.client
import json
import uuid

import pytest

from harness.http_client import chat
from harness.process import wait_for
from harness.projects import project

AGENTS = {
    "anna": "{queues: [chat], capacity: {call: 1, chat: 3, email: 10}}",
    "ben": "{queues: [chat], capacity: {call: 1, chat: 3, email: 10}}",
    "carl": "{queues: [chat], role: supervisor}",
}
TAGS = "tags: {status: [vip, lost], interest: [car, house]}\n"


@pytest.fixture
def desk(make_router):
    return make_router(project(AGENTS) + TAGS).start()


def create(client, **members):
    return client.ok("POST", "customers", members, 201)


def say(router, customer, text="Hello", visitor=None, **data):
    """A chat message of the customer who has that e-mail address."""
    event = chat(visitor or customer["contacts"][0]["email"], text=text)
    event["data"]["from"] = {"id": "v", "email": customer["contacts"][0]["email"]}
    event["data"].update(data)
    answer = router.source().event(event)
    assert answer.status == 200, answer
    return event, answer.json


def mine(client):
    return [(item["customer"]["name"], item["unread"]) for item in client.ok("GET", "customers/mine")["items"]]


def log_of(database, customer):
    return [(operation, changes) for operation, changes in database.query(
        "SELECT operation, changes FROM patchbay.customer_log WHERE customer = %s ORDER BY id", customer)]


def test_assignment_follows_and_unfollow_lasts_until_the_next_one(desk, database):
    anna, ben, admin = desk.agent("anna"), desk.agent("ben"), desk.client()
    made = create(admin, name="Ann", owner="anna")
    path = f"customers/{made['id']}"

    def followed(client):
        return [one["id"] for one in client.ok("GET", "customers?followed=true")["items"]]

    assert followed(anna) == [made["id"]] and followed(ben) == []
    assert anna.ok("POST", f"{path}/unfollow") == {"customer": made["id"], "followed": False}
    admin.ok("PATCH", path, {"name": "Anne", "owner": "anna"})
    assert followed(anna) == [], "an edit that leaves the owner is no assignment"
    assert [one["id"] for one in anna.ok("GET", "customers?followed=false")["items"]] == [made["id"]]
    assert admin.ok("POST", f"{path}/assign", {"agents": ["anna"]})["owner"] == "anna"
    assert followed(anna) == [made["id"]], "assigned again"
    assert anna.ok("POST", f"{path}/unfollow") and ben.post(f"{path}/follow").status == 404
    admin.ok("PATCH", path, {"owner": "ben"})
    assert followed(ben) == [made["id"]] and anna.post(f"{path}/follow").status == 404
    carl = desk.client("supervisor", "carl")
    admin.ok("PATCH", path, {"owner": None})
    assert carl.ok("POST", f"{path}/follow") == carl.ok("POST", f"{path}/follow") == {"customer": made["id"], "followed": True}
    assert followed(carl) == [made["id"]] and followed(ben) == [], "who may not view it any more does not list it"
    assert ben.ok("POST", f"{path}/unfollow")["followed"] is False
    assert admin.post(f"{path}/follow").json["code"] == admin.post(f"{path}/read").json["code"] == "forbidden"
    assert carl.post(f"customers/{uuid.uuid4()}/follow").status == carl.post(f"customers/{uuid.uuid4()}/read").status == 404
    operations = [operation for operation, _ in log_of(database, made["id"])]
    assert operations.count("Follow customer") == 1 and operations.count("Unfollow customer") == 3
    rpc = desk.rpc_client("supervisor", "carl")
    assert rpc.call("customer.unfollow", {"customer": made["id"]})["followed"] is False
    assert rpc.call("customer.follow", {"customer": made["id"]})["followed"] is True
    rpc.close()


def test_my_customers_come_newest_first_with_unread_marks_and_neighbours(desk):
    anna, admin = desk.agent("anna"), desk.client()
    made = [create(admin, name=name, owner="anna", contacts=[{"email": f"{name}@example.com"}]) for name in "abcd"]
    create(admin, name="other", owner="ben")
    for customer in (made[2], made[0]):
        say(desk, customer)
        wait_for(lambda: mine(anna)[0] == (customer["name"], True), "the newest is first and unread")
    order = mine(anna)
    assert order[:2] == [("a", True), ("c", True)] and sorted(order[2:]) == [("b", False), ("d", False)]
    item = anna.ok("GET", "customers/mine")["items"][0]
    assert item["followed"] is True and item["last_activity"] and item["interaction"]
    assert anna.ok("POST", f"customers/{made[0]['id']}/read") == {"customer": made[0]["id"], "unread": False}
    assert mine(anna)[:2] == [("a", False), ("c", True)] and mine(desk.agent("ben")) == [("other", False)]
    seen, after = [], None
    while after is not None or not seen:
        page = anna.ok("GET", "customers/mine?limit=1" + (f"&after={after}" if after else ""))
        seen.append(page["items"][0]["customer"]["name"])
        after = page["next"]
    assert seen == [name for name, _ in order]
    ids = {customer["name"]: customer["id"] for customer in made}
    walk, at = [], anna.ok("GET", "customers/mine/next")["item"]
    while at:
        walk.append(at["customer"]["name"])
        at = anna.ok("GET", f"customers/mine/next?from={at['customer']['id']}")["item"]
    assert walk == seen
    back, at = [], anna.ok("GET", "customers/mine/previous")["item"]
    while at:
        back.append(at["customer"]["name"])
        at = anna.ok("GET", f"customers/mine/previous?from={at['customer']['id']}")["item"]
    assert back == seen[::-1]
    rpc = desk.rpc_client("agent", "anna")
    assert rpc.call("customer.next", {"from": ids["a"]})["item"]["customer"]["name"] == "c"
    assert [item["customer"]["name"] for item in rpc.call("customer.mine", {})["items"]] == seen
    rpc.close()
    assert anna.get(f"customers/mine/next?from={uuid.uuid4()}").json["pointer"] == "/from"
    for bad in ("mine?after=x", "mine?limit=0", "mine/next?from=x"):
        assert anna.get(f"customers/{bad}").json["code"] == "invalid", bad
    say(desk, made[0])
    wait_for(lambda: mine(anna)[0] == ("a", True), "unread again")
    assert [one["name"] for one in anna.ok("GET", "customers?sort=last_activity&order=desc")["items"]] == ["a", "c"]


def notices(rpc, method="customer.activity", timeout=10):
    return rpc.next_notification(method, timeout)[0]


def test_followers_hear_of_new_messages_unless_they_muted_the_conversation(desk, database):
    admin, anna = desk.client(), desk.agent("anna")
    made = create(admin, name="Ann", owner="anna", contacts=[{"email": "ann@example.com"}])
    rpc = desk.rpc_client("agent", "anna")
    rpc.call("feed.subscribe", {"agent": "anna"})
    rpc.next_notification("tip")
    event, decision = say(desk, made)
    notice = notices(rpc)
    assert notice["type"] == "customer.activity" and notice["subject"] == made["id"] and "agentsequence" not in notice
    assert notice["data"] == {"agent": "anna", "customer": made["id"], "interaction": decision["interaction"], "channel": "chat"}

    path = f"interactions/{decision['interaction']}"
    assert anna.ok("POST", f"{path}/mute") == anna.ok("POST", f"{path}/mute") == {"interaction": decision["interaction"], "muted": True}
    wait_for(lambda: mine(anna) == [("Ann", False)], "a muted conversation is not unread")
    more = {**event, "id": str(uuid.uuid4())}
    assert desk.source().event(more).status == 200
    _, loud = say(desk, made, visitor="other")
    heard = notices(rpc)
    assert heard["data"]["interaction"] == loud["interaction"], "the muted one was told"
    assert anna.ok("POST", f"{path}/unmute") == {"interaction": decision["interaction"], "muted": False}
    assert desk.source().event({**event, "id": str(uuid.uuid4())}).status == 200
    assert notices(rpc)["data"]["interaction"] == decision["interaction"]
    written = {**event, "id": str(uuid.uuid4()), "data": {**event["data"], "direction": "outbound"}}
    assert desk.source().event(written).json["outcome"] == "attached"
    assert desk.source().event({**event, "id": str(uuid.uuid4())}).status == 200
    assert notices(rpc)["time"] > heard["time"]
    wait_for(lambda: database.query("SELECT count(*) FROM patchbay.customer_marks m JOIN patchbay.fences f USING (project)"
                                    " WHERE m.seq = f.journal_seq")[0][0] == 1, "everything is looked at")
    assert rpc.notifications.empty() or rpc.next_notification()[0] == "tip", "what the agent wrote was told"
    rpc.close()
    assert anna.post(f"interactions/{uuid.uuid4()}/mute").status == 404
    assert desk.agent("ben").post(f"{path}/mute").json["code"] == admin.post(f"{path}/mute").json["code"] == "forbidden"
    assert [operation for operation, _ in log_of(database, made["id"])].count("Mute interaction") == 1


def test_sse_followers_hear_it_without_a_number(desk):
    admin = desk.client()
    made = create(admin, name="Ann", owner="anna", contacts=[{"email": "ann@example.com"}])
    host, port = desk.http.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("GET", f"/v1/projects/{desk.project}/agents/anna/stream", headers={"Authorization": f"Bearer {desk.token('agent', 'anna')}"})
    stream = connection.getresponse()
    while not stream.readline().startswith(b"event: tip"):
        pass
    say(desk, made)
    block = []
    while b"event: customer.activity\n" not in block:
        block = []
        while (line := stream.readline()) != b"\n":
            block.append(line)
    assert len(block) == 2 and json.loads(block[1][len("data: "):])["subject"] == made["id"]
    connection.close()


def test_who_gave_a_conversation_away_may_mute_it(desk):
    admin = desk.client()
    made = create(admin, name="Ann", contacts=[{"email": "ann@example.com"}])
    desk.presence("anna")
    _, decision = say(desk, made)
    anna = desk.agent("anna")
    anna.ok("POST", f"offers/{decision['offer']}/accept")
    desk.presence("ben")
    anna.ok("POST", f"interactions/{decision['interaction']}/transfer", {"agent": "ben"})
    offer = wait_for(lambda: admin.ok("GET", f"interactions/{decision['interaction']}")["offer"], "it is offered to ben")
    desk.agent("ben").ok("POST", f"offers/{offer}/accept")
    assert anna.get(f"customers/{made['id']}").status == 404, "not hers to see any more"
    assert anna.ok("POST", f"interactions/{decision['interaction']}/mute")["muted"] is True
    assert desk.client("agent", "carl").post(f"interactions/{decision['interaction']}/mute").json["code"] == "forbidden"


def counts(client, query=""):
    return {one["name"]: (one["kind"], one["count"]) for one in client.ok("GET", f"tags{query}")["items"]}


def test_kinds_of_tags_are_kept_apart(desk, database):
    anna = desk.agent("anna")
    made = create(anna, name="Ann", owner="anna", tags=["free"])

    def tag(mode, tags, status=200, **more):
        answer = anna.post(f"customers/{made['id']}/tags", {"mode": mode, "tags": tags, **more})
        assert answer.status == status, answer
        return answer.json["tags"] if status == 200 else (answer.json["code"], answer.json.get("pointer"))

    assert tag("add", ["vip", "car", "free"]) == ["free", "vip", "car"]
    assert tag("set", ["lost"], kind="status") == ["free", "car", "lost"]
    assert tag("set", ["wild", "free"]) == ["free", "car", "lost", "wild"]
    assert tag("set", []) == ["car", "lost"]
    assert tag("remove", ["car", "nothing"]) == ["lost"]
    assert tag("set", [], kind="status") == []
    assert tag("add", ["house"], kind="interest") == ["house"]
    before = anna.ok("GET", f"customers/{made['id']}")["version"]
    assert tag("add", ["house"]) == ["house"] and anna.ok("GET", f"customers/{made['id']}")["version"] == before
    assert tag("set", ["car"], 400) == ("invalid", "/tags/0")
    assert tag("set", ["car", "vip"], 400, kind="status") == ("invalid", "/tags/0")
    assert tag("add", ["a"], 400, kind="colour") == ("invalid", "/kind")
    assert tag("replace", ["a"], 400) == ("invalid", "/mode")
    for bad in (["a", "a"], [7], [""], ["x" * 65], ["a\nb"], ["a"] * 65):
        assert tag("add", bad, 400)[0] == "invalid"
    assert tag("add", [f"t{number}" for number in range(64)], 400) == ("invalid", None)
    hostile = ["'; DROP TABLE customers", "{a,b}", 'x"y', "\\", "späte"]
    assert tag("add", hostile) == ["house", *hostile] and tag("remove", hostile) == ["house"]
    changes = [changes for operation, changes in log_of(database, made["id"]) if operation == "Tag customer"]
    assert len(changes) == 9 and changes[0] == [{"field": "tags", "old": ["free"], "new": ["free", "vip", "car"]}]
    answer = desk.agent("ben").post(f"customers/{made['id']}/tags", {"mode": "add", "tags": ["x"]})
    assert answer.status == 404
    database.query("INSERT INTO patchbay.shares VALUES (1, %s, 'agent', 'ben', 'anna', 0)", made["id"])
    assert desk.agent("ben").post(f"customers/{made['id']}/tags", {"mode": "add", "tags": ["x"]}).json["code"] == "forbidden"


def test_tags_of_many_are_answered_one_by_one_and_counted(desk, database):
    anna, admin = desk.agent("anna"), desk.client()
    own = [create(anna, name=f"c{number}", owner="anna")["id"] for number in range(120)]
    other, shared = create(admin, owner="ben")["id"], create(admin, owner="ben")["id"]
    full = create(anna, owner="anna", tags=[f"t{number}" for number in range(64)])["id"]
    database.query("INSERT INTO patchbay.shares VALUES (1, %s, 'agent', 'anna', 'ben', 0)", shared)
    nobody = str(uuid.uuid4())
    version = database.query("SELECT facts_version FROM patchbay.fences")[0][0]
    items = anna.ok("POST", "customers/batch/tags", {"customers": [*own, other, shared, full, nobody], "mode": "add", "tags": ["vip", "neu"]})["items"]
    status = {item["customer"]: item["status"] for item in items}
    assert [status[one] for one in own] == ["ok"] * 120 and len(items) == 124
    assert (status[other], status[shared], status[full], status[nobody]) == ("not_found", "forbidden", "invalid", "not_found")
    assert database.query("SELECT facts_version FROM patchbay.fences")[0][0] == version, "nobody has contacts: no decision can meet them"
    wait_for(lambda: counts(anna).get("vip") == ("status", 120), "the tags are counted", 15)
    assert counts(anna)["neu"] == (None, 120) and counts(anna)["car"] == ("interest", 0) and counts(anna, "?kind=status") == {
        "lost": ("status", 0), "vip": ("status", 120)}
    assert set(counts(anna, "?kind=")) == {"neu", *(f"t{number}" for number in range(64))}
    rpc = desk.rpc_client("agent", "anna")
    assert {item["status"] for item in rpc.call("customer.batch_tag", {"customers": own[:50], "mode": "set", "tags": [], "kind": "status"})["items"]} == {"ok"}
    rpc.close()
    database.query("UPDATE patchbay.customers SET deleted_at = now() WHERE id = %s", own[119])
    wait_for(lambda: counts(anna)["vip"] == ("status", 69) and counts(anna)["neu"] == (None, 119), "the counts follow", 15)
    names, after = [], None
    while after is not None or not names:
        page = anna.ok("GET", "tags?limit=20" + (f"&after={after}" if after else ""))
        names += [one["name"] for one in page["items"]]
        after = page["next"]
    assert names == sorted(names) and len(names) == 69
    for bad in ({"customers": [], "mode": "add", "tags": []}, {"customers": ["x"], "mode": "add", "tags": []},
                {"customers": [own[0], own[0]], "mode": "add", "tags": []}, {"customers": [own[0]], "mode": "add", "tags": ["vip"], "kind": "interest"}):
        assert anna.post("customers/batch/tags", bad).json["code"] == "invalid"


def test_tags_and_their_counts_tell_agents_nothing_of_customers_whom_they_may_not_see(desk):
    admin, anna = desk.client(), desk.agent("anna")
    for owner, tags in (("anna", ["vip", "mine"]), ("ben", ["vip", "secret"]), ("ben", ["vip"])):
        create(admin, owner=owner, tags=tags)
    assert counts(anna) == {"car": ("interest", 0), "house": ("interest", 0), "lost": ("status", 0), "mine": (None, 1), "vip": ("status", 1)}
    assert counts(anna, "?kind=status&limit=1&after=lost") == {"vip": ("status", 1)}
    assert counts(desk.client("pool_admin"), "?kind=") == {}
    for client in (admin, desk.client("supervisor")):
        wait_for(lambda: counts(client).get("vip") == ("status", 3), "the whole project is counted")
        assert counts(client, "?kind=") == {"mine": (None, 1), "secret": (None, 1)}


def test_tags_reach_the_next_decision(desk):
    admin = desk.client()
    made = create(admin, name="Ann", contacts=[{"email": "ann@example.com"}])
    say(desk, made)
    admin.ok("POST", f"customers/{made['id']}/tags", {"mode": "add", "tags": ["vip"]})
    desk.presence("anna")
    rpc = desk.rpc_client("agent", "anna")
    rpc.call("feed.subscribe", {"agent": "anna", "after": "0"})
    _, decision = say(desk, made, visitor="second")
    while (event := rpc.next_notification("decision")[0])["data"].get("interaction") != decision["interaction"]:
        pass
    assert event["data"]["customer"]["tags"] == ["vip"]
    rpc.close()
