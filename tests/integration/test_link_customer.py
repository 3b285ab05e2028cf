"""Whom an interaction is about: linked, changed and made by its agent; the screen, its script and its datasheets."""
import concurrent.futures

import pytest

from harness.http_client import chat, mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.router import admin
from harness.rpc_client import RpcError

SCREEN = """
scripts:
  support: {text: "Good day.\\nWho is it?", queues: [support]}
  general: {text: "Hello."}
datasheets:
  survey: {fields: {happy: {type: boolean, required: true}, since: {type: date}, note: {type: text, max: 20}}}
"""


@pytest.fixture
def desk(make_router):
    return make_router(project({"anna": "{queues: [support, mail, chat]}", "ben": "{queues: [chat]}", "carl": "{role: supervisor}"})
                       + SCREEN).start()


def create(client, **members):
    return client.ok("POST", "customers", members, 201)["id"]


def taken(router, what, agent="anna"):
    router.presence(agent)
    decision = router.source().event(what).json
    assert decision["agent"] == agent
    return router.agent(agent).ok("POST", f"offers/{decision['offer']}/accept")


def log(database, customer):
    return database.query("SELECT operation, actor, role, changes, origin ->> 'via' FROM patchbay.customer_log "
                          "WHERE customer = %s AND operation = 'Link customer' ORDER BY id", customer)


def entry(interaction, old, new, before, after):
    return [{"field": "interaction", "old": interaction if old else None, "new": interaction if new else None},
            {"field": "customer", "old": before, "new": after}]


def replays(database):
    done = admin(database.url, "replay")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_agent_links_and_links_anew_and_the_history_shows_both(desk, database, redis):
    told = redis.subscribe(desk.channel("agent", "anna"))
    anna, carl = desk.agent("anna"), desk.client("supervisor", "carl")
    interaction = taken(desk, chat(subject="s1"))["interaction"]
    first, second = create(anna, name="Ann", owner="anna", tags=["vip"]), create(anna, name="Bob")
    path = f"interactions/{interaction}/customer"
    linked = anna.ok("POST", path, {"customer": first})
    assert linked["identity"] == {"outcome": "matched", "customer": first, "candidates": []}
    assert linked["customer"] == {"id": first, "name": "Ann", "tags": ["vip"], "owner": "anna"} and linked["state"] == "active"
    assert told.wait_event("interaction.customer", interaction)["data"]["customer"]["id"] == first
    anna.ok("POST", path, {"customer": first})  # the same again changes nothing
    carl.ok("POST", path, {"customer": second})
    view = anna.ok("GET", f"interactions/{interaction}")
    assert view["identity"]["customer"] == second
    later = desk.source().event(chat(subject="s1", text="One more thing")).json
    assert (later["outcome"], later["interaction"]) == ("attached", interaction) and later["identity"] == view["identity"]
    assert told.wait_event("interaction.message", interaction)["data"]["customer"]["id"] == second
    assert [(row["actor"], row["before"], row["after"]) for row in view["customers"]] == [("anna", None, first), ("carl", first, second)]
    assert log(database, first) == [
        ("Link customer", "anna", "agent", entry(interaction, False, True, None, first), "http"),
        ("Link customer", "carl", "supervisor", entry(interaction, True, False, first, second), "http")]
    assert log(database, second) == [("Link customer", "carl", "supervisor", entry(interaction, False, True, first, second), "http")]
    desk.restart()
    assert desk.agent("anna").ok("GET", f"interactions/{interaction}")["identity"]["customer"] == second
    desk.agent("anna").ok("POST", f"interactions/{interaction}/end")
    answer = desk.agent("anna").post(path, {"customer": first})
    assert answer.status == 404 and answer.json["detail"] == "the interaction has ended"
    replays(database)


def test_an_agent_makes_the_customer(desk, database):
    anna = desk.agent("anna")
    interaction = taken(desk, chat())["interaction"]
    path = f"interactions/{interaction}/customer"
    for create_it, pointer in (({"name": 7}, "/create/name"), ({"contacts": [{"phone": "1"}]}, "/create/contacts/0/phone"),
                               ({"shoe": 1}, "/create/shoe"), ({"stage": "x"}, "/create/stage"), ([], "/create")):
        answer = anna.post(path, {"create": create_it})
        assert (answer.status, answer.json["pointer"]) == (400, pointer)
    made = anna.ok("POST", path, {"create": {"name": "Ann", "owner": "ben", "contacts": [{"phone": "030 901820"}]}}, 201)
    customer = made["identity"]["customer"]
    assert anna.ok("GET", f"customers/{customer}")["contacts"][0]["phone"] == "030 901820"
    assert [row[0] for row in database.query(
        "SELECT operation FROM patchbay.customer_log WHERE customer = %s ORDER BY id", customer)] == ["Create customer", "Link customer"]
    assert desk.source().event(ringing("+4930901820")).json["identity"]["customer"] == customer
    assert desk.agent("ben").post(path, {"create": {"name": "Nobody"}}).status == 403
    assert database.query("SELECT count(*) FROM patchbay.customers WHERE name = 'Nobody'") == [(0,)]
    replays(database)


def test_only_who_holds_it_says_and_only_whom_he_may_see(desk):
    anna, ben = desk.agent("anna"), desk.agent("ben")
    interaction = taken(desk, ringing())["interaction"]
    hidden, mine = create(desk.client(), name="hidden", owner="ben"), create(anna, name="Ann")
    path = f"interactions/{interaction}/customer"
    for client, body, status in ((ben, {"customer": hidden}, 403), (anna, {"customer": hidden}, 404), (anna, {}, 400),
                                 (anna, {"customer": mine, "create": {}}, 400), (anna, {"customer": "x"}, 400),
                                 (anna, {"customer": interaction}, 404), (anna, {"customer": mine, "strange": 1}, 400)):
        assert client.post(path, body).status == status, body
    missing = path.replace(interaction, mine)
    assert anna.post(missing, {"customer": mine}).status == 404 and anna.post(missing, {"create": {}}).status == 404
    # Whoever handles a chat or a mail finds everybody by an exact address, and links whom it found.
    mail_one = taken(desk, mail("nobody@example.com"))["interaction"]
    assert anna.ok("POST", f"interactions/{mail_one}/customer", {"customer": hidden})["identity"]["customer"] == hidden


def test_facts_that_move_meanwhile_are_read_again(desk, database):
    anna = desk.agent("anna")
    interaction = taken(desk, chat())["interaction"]
    customers = [create(anna, name=f"c{number}", contacts=[{"email": f"c{number}@example.com"}]) for number in range(4)]

    def change(number):
        if number % 2:
            return anna.request("PATCH", f"customers/{customers[number % 4]}", {"name": f"n{number}"})
        return anna.post(f"interactions/{interaction}/customer", {"customer": customers[number // 2 % 4]})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(change, range(80))} == {200}
    history = anna.ok("GET", f"interactions/{interaction}")["customers"]
    assert all(one["after"] == two["before"] for one, two in zip(history, history[1:])) and history[0]["before"] is None
    replays(database)


def test_who_was_made_by_a_mail_and_linked_away_at_once_is_found_by_name(desk, database):
    """Before the index of the search has come by: it is kept from that."""
    other = create(desk.client(), name="Other")
    indexer = database.cluster.connect(database.name)
    indexer.cursor().execute("SELECT pg_advisory_lock(hashtext('patchbay.index_customers'), 1)")
    letter = taken(desk, mail('"Zora Quell" <zora@example.com>'))
    assert letter["identity"]["outcome"] == "created"
    desk.client("supervisor", "carl").ok("POST", f"interactions/{letter['interaction']}/customer", {"customer": other})
    indexer.close()
    wait_for(lambda: [one["id"] for one in desk.client().ok("GET", "customers?keyword=quell")["items"]]
             == [letter["identity"]["customer"]], "the one who was made is found", 60)


def test_the_screen_carries_script_or_ticket(desk):
    call, talk, letter = taken(desk, ringing()), taken(desk, chat(), "anna"), taken(desk, mail("new@example.com"))
    assert (call["screen"], talk["screen"], letter["screen"]) == ("script", "ticket", "ticket")
    assert call["script"] == {"name": "support", "text": "Good day.\nWho is it?"} and "script" not in talk and "script" not in letter
    anna = desk.agent("anna")
    views = [anna.ok("GET", f"interactions/{one['interaction']}") for one in (call, talk, letter)]
    assert [view["screen"] for view in views] == ["script", "ticket", "ticket"]
    assert views[0]["script"] == {"name": "support", "text": "Good day.\nWho is it?"} and views[1]["script"] is None
    assert call["open"] == {"customer": call["identity"]["customer"]}  # created as it was accepted


def test_a_manual_mail_carries_the_search_by_its_sender_and_a_chat_none(make_router):
    text = project().replace("email: auto", "email: manual")
    router = make_router(text).start()
    letter = taken(router, mail("new@example.com"))
    assert letter["identity"]["outcome"] == "manual" and letter["open"] == {"search": {"email": "new@example.com"}, "candidates": []}
    router.presence("ben")
    decision = router.source().event(chat("v1", text="x")).json
    talk = router.agent("ben").ok("POST", f"offers/{decision['offer']}/accept")
    assert "open" not in talk


def test_datasheets_keep_the_answers_of_an_interaction(desk):
    anna, ben, carl = desk.agent("anna"), desk.agent("ben"), desk.client("supervisor", "carl")
    forms = anna.ok("GET", "forms")
    assert forms == desk.rpc_client("agent", "anna").call("form.list", {}) and forms["fields"] is None
    assert forms["datasheets"] == [{"name": "survey", "fields": [
        {"name": "happy", "type": "boolean", "required": True, "indexed": False},
        {"name": "since", "type": "date", "required": False, "indexed": False},
        {"name": "note", "type": "text", "required": False, "indexed": False, "max": 20}]}]
    assert desk.source().get("forms").status == 403
    interaction = taken(desk, ringing())["interaction"]
    path = f"interactions/{interaction}/datasheet/survey"
    assert anna.get(path).status == 404 and anna.get(f"{path}s").status == 404
    for fields, pointer in (({}, "/fields/happy"), ({"happy": "yes"}, "/fields/happy"), ({"happy": True, "x": 1}, "/fields/x"),
                            ({"happy": True, "note": "x" * 1_000_000}, "/fields/note"), ([], "/fields")):
        answer = anna.put(path, {"fields": fields})
        assert (answer.status, answer.json["pointer"]) == (400, pointer)
    kept = anna.ok("PUT", path, {"fields": {"happy": True, "since": "20260102"}})
    assert kept["fields"] == {"happy": True, "since": "2026-01-02"} and kept["updated_by"] == "anna"
    assert anna.ok("GET", path) == kept == carl.ok("GET", path)
    assert ben.get(path).status == 404 and ben.put(path, {"fields": {"happy": False}}).status == 404
    anna.ok("POST", f"interactions/{interaction}/end")
    assert anna.ok("PUT", path, {"fields": {"happy": False}})["fields"] == {"happy": False}  # while wrapping up
    customer = anna.ok("GET", f"interactions/{interaction}")["identity"]["customer"]
    desk.client().ok("PATCH", f"customers/{customer}", {"owner": "ben"})
    assert ben.get(path).status == 200 and ben.put(path, {"fields": {"happy": False}}).status == 403
    assert anna.get(f"interactions/{customer}/datasheet/survey").status == 404


def test_link_and_datasheet_over_messagepack_rpc(desk):
    interaction = taken(desk, chat())["interaction"]
    anna = desk.rpc_client("agent", "anna")
    made = anna.call("interaction.customer", {"interaction": interaction, "create": {"name": "Ann"}})
    other = anna.call("customer.create", {"name": "Bob"})["id"]
    assert made["customer"]["name"] == "Ann"
    assert anna.call("interaction.customer", {"interaction": interaction, "customer": other})["customer"]["name"] == "Bob"
    with pytest.raises(RpcError) as fault:
        anna.call("interaction.customer", {"interaction": interaction, "create": {"name": 7}})
    assert fault.value.code == "invalid"
    anna.call("interaction.fill_datasheet", {"interaction": interaction, "name": "survey", "fields": {"happy": True}})
    assert anna.call("interaction.datasheet", {"interaction": interaction, "name": "survey"})["fields"] == {"happy": True}
    anna.close()
