"""Live views: queues, agents, interactions."""
import time

from harness.http_client import chat, cloudevent, mail, ringing


def one(client, path, **match):
    found = [item for item in client.ok("GET", path)["items"] if match.items() <= item.items()]
    assert len(found) == 1, found
    return found[0]


def test_queues_show_what_waits_and_who_serves(router):
    client, source = router.client("supervisor"), router.source()
    router.presence("anna")
    router.presence("ben", "break")
    assert source.event(ringing("+4915112345671")).json["outcome"] == "offered"
    for number in (2, 3):
        assert source.event(ringing(f"+491511234567{number}")).json["outcome"] == "queued"
    source.event(chat())
    support = one(client, "queues", name="support")
    assert support["waiting"] == {"call": 2, "chat": 0, "email": 0} and support["offered"] == 1
    assert support["oldest_wait_ms"] >= 0
    assert support["agents"] == {"offline": 0, "available": 1, "break": 1, "not_responding": 0}
    assert one(client, "queues", name="mail")["oldest_wait_ms"] is None
    page = client.ok("GET", "queues?limit=1")
    assert [queue["name"] for queue in page["items"]] == ["chat"] and page["next"] == "chat"
    assert [queue["name"] for queue in client.ok("GET", "queues?after=chat")["items"]] == ["mail", "support"]


def test_agents_show_state_and_load(router):
    client, source = router.client("supervisor"), router.source()
    router.presence("anna")
    offer = source.event(ringing()).json["offer"]
    router.agent("anna").ok("POST", f"offers/{offer}/accept", {})
    source.event(mail("ann@example.com"))
    anna = one(client, "agents", name="anna")
    assert anna["state"] == "available" and anna["load"] == {"call": 1, "chat": 0, "email": 1}
    router.agent("ben").ok("PUT", "agents/ben/presence", {"state": "break", "reason": "lunch", "lease": 60})
    ben = one(client, "agents", name="ben")
    assert (ben["state"], ben["reason"]) == ("break", "lunch") and ben["lease_until"]
    assert one(client, "agents", name="carl")["state"] == "offline"


def test_interactions_are_found_by_state_and_read_whole(router):
    client, source = router.client("supervisor"), router.source()
    router.presence("anna")
    active = source.event(ringing("+4915112345671", subject="c1")).json
    router.agent("anna").ok("POST", f"offers/{active['offer']}/accept", {})
    queued = source.event(ringing("+4915112345672", subject="c2")).json["interaction"]
    offered = source.event(mail("ann@example.com")).json["interaction"]
    closed = source.event(ringing("+4915112345673", subject="c3")).json["interaction"]
    client.ok("POST", f"interactions/{closed}/end", {})

    def ids(state):
        return [item["id"] for item in client.ok("GET", f"interactions?state={state}")["items"]]

    assert ids("active") == [active["interaction"]] and ids("queued") == [queued]
    assert ids("offered") == [offered] and ids("closed") == [closed]
    assert ids("open") == sorted([active["interaction"], queued, offered])
    assert len(client.ok("GET", "interactions")["items"]) == 4
    page = client.ok("GET", "interactions?state=open&limit=2")
    rest = client.ok("GET", f"interactions?state=open&after={page['next']}")
    assert len(page["items"]) == 2 and len(rest["items"]) == 1 and rest["next"] is None
    whole = client.ok("GET", f"interactions/{active['interaction']}")
    assert whole["state"] == "active" and whole["agent"] == "anna" and whole["queue"] == "support"
    assert whole["from"]["phone"] == "+4915112345671" and whole["to"] == "+4930901820" and whole["subject"] == "c1"
    assert whole["accepted_at"] and whole["closed_at"] is None
    for path in ("interactions/018f0000-0000-7000-8000-000000000001", "interactions/x"):
        assert client.get(path).status == 404
    assert client.get("interactions?state=strange").json["pointer"] == "/state"
    for limit in ("0", "1001", "x"):
        assert client.get(f"interactions?limit={limit}").json["pointer"] == "/limit"


def test_what_waits_shows_its_place_and_how_long_it_may_take(router):
    client, source = router.client("supervisor"), router.source()
    waiting = [source.event(ringing(f"+491511234567{n}", subject=f"w{n}")).json["interaction"] for n in range(4)]
    items = [client.ok("GET", f"interactions/{interaction}") for interaction in waiting]
    assert [item["position"] for item in items] == [1, 2, 3, 4]
    assert items[3]["estimated_wait_ms"] is None
    router.presence("anna")
    anna = router.agent("anna")
    for interaction in waiting[:2]:
        anna.ok("POST", f"offers/{client.ok('GET', f'interactions/{interaction}')['offer']}/accept", {})
        anna.ok("POST", f"interactions/{interaction}/end", {})
    third, fourth = (client.ok("GET", f"interactions/{interaction}") for interaction in waiting[2:])
    assert third["state"] == "offered" and third["position"] is None and third["estimated_wait_ms"] is None
    assert fourth["position"] == 1 and fourth["estimated_wait_ms"] >= 0


def test_place_and_estimated_wait_fall_as_those_before_leave(router):
    client, source = router.client("supervisor"), router.source()
    waiting = [source.event(ringing(f"+491511234567{n}", subject=f"w{n}")).json["interaction"] for n in range(8)]
    router.presence("anna")
    anna = router.agent("anna")

    def take(number):
        offer = client.ok("GET", f"interactions/{waiting[number]}")["offer"]
        anna.ok("POST", f"offers/{offer}/accept", {})

    def places(numbers):
        items = [client.ok("GET", f"interactions/{waiting[number]}") for number in numbers]
        return [item["position"] for item in items], [item["estimated_wait_ms"] for item in items]

    take(0)
    time.sleep(4)  # the pace of the agents: one in so long, and far longer than what is read twice below
    anna.ok("POST", f"interactions/{waiting[0]}/end", {})
    take(1)
    positions, waits = places([4, 7])
    assert positions == [3, 6] and 0 < waits[0] < waits[1]
    source.event(cloudevent("call.ended", "w3"))  # one before both hangs up
    positions, fewer = places([4, 7])
    assert positions == [2, 5] and fewer[0] < waits[0] and fewer[1] < waits[1]
    source.event(cloudevent("call.ended", "w6"))  # before the last one alone
    assert places([4, 7])[0] == [2, 4]
    anna.ok("POST", f"interactions/{waiting[1]}/end", {})  # the first of them is asked: it does not wait any more
    positions, least = places([2, 4, 7])
    assert positions == [None, 1, 3] and least[0] is None and least[1] < fewer[0] and least[2] < fewer[1]


def test_whom_an_interaction_is_about_is_seen_by_those_it_concerns(router):
    admin, anna, ben = router.client(), router.agent("anna"), router.agent("ben")
    candidates = [admin.ok("POST", "customers", {"owner": owner, "contacts": [{"email": "ann@example.com"}]}, 201)["id"]
                  for owner in ("carl", "anna")]
    nobody = {"phone": None, "email": None, "id": None, "name": None}
    router.presence("ben")
    letter = chat()
    letter["data"]["from"] = {"id": "v1", "email": "ann@example.com"}
    decision = router.source().event(letter).json
    assert decision["identity"]["outcome"] == "ambiguous" and decision["agent"] == "ben"

    def party(client):
        view = client.ok("GET", f"interactions/{decision['interaction']}")
        assert view == {**view, **one(client, "interactions", id=decision["interaction"])} or client is ben
        return view["from"]["email"], view["subject"], sorted(view["identity"]["candidates"])

    everything = ("ann@example.com", letter["subject"], sorted(candidates))
    assert party(ben) == party(admin) == party(router.client("supervisor")) == everything
    assert party(anna) == ("ann@example.com", letter["subject"], candidates[1:]), "she may view one of them"
    admin.ok("PATCH", f"customers/{candidates[1]}", {"owner": "carl"})
    assert party(anna) == (None, None, [])
    ben.ok("POST", f"offers/{decision['offer']}/accept")
    ben.ok("POST", f"interactions/{decision['interaction']}/transfer", {"queue": "mail"})
    assert party(ben) == everything, "he had it"
    assert one(ben, "interactions", id=decision["interaction"])["from"] == nobody, "lists show what is one's work now"
    view = anna.ok("GET", f"interactions/{decision['interaction']}")
    assert (view["from"], view["identity"]) == (nobody, {"outcome": "ambiguous", "customer": None, "candidates": []})
    rpc = router.rpc_client("agent", "anna")
    assert rpc.call("interaction.get", {"interaction": decision["interaction"]})["from"] == nobody
    rpc.close()
