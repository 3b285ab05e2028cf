"""Erasing somebody, column by column: each place where text of people stands is known, was full, and is empty afterwards."""
import json
import re
import threading

from harness.http_client import cloudevent, mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.router import admin
from test_records import dump, traces

NUMBER, OTHER_NUMBER, OLD_NUMBER = "+4915112345678", "+4915187654321", "+4915155555511"
WORDS = "zebulon|15112345678|15187654321|15155555511"
# As they stand in an index of endings.
PATTERN = WORDS + "|" + "|".join(digits[::-1] for digits in re.findall(r"\d+", WORDS))
SCREEN = """
fields: {note: {type: text, indexed: true}}
datasheets: {survey: {fields: {note: {type: text}}}}
"""

# Whose text of people an erasure empties. A column that is new belongs here, with storage/migrations emptying it, or below.
PEOPLE = """
content: phone email party_id name recipient phone_key email_key source subject title body attributes fields
customers: name real_name company external_id fields
contacts: label phone email phone_key email_key
customer_log: changes
customer_merges: customer_was customer_became other_was
interactions: cause
journal: input
customer_words: words
field_values: value
duplicates: key
blacklist: key value reason
datasheets: fields
import_errors: line
imports: detail
raw_mails: sender_key message_id message
"""
# The same, but gone by itself before a test can look: taken over by the router, or kept only while somebody is being erased.
PASSING = """
changes: keys
erasures: keys
erasure_contacts: text key
interactions: routing
"""
# Ids, names that a project's own people chose for themselves and their work, and what decisions were made on.
NOBODY = """
projects: name
configs: file tree author zones
customer_settings: settings
schema_migrations: name checksum
fences: address
changes: kind
queues: name
agents: name display_name role department reports_to reason
journal: facts decision
interactions: queue agent
feed: agent
customers: stage owner service_rep source tags created_by previous_owner
customer_words: tags
tag_counts: tag
activity: agent
blacklist: kind author lifted_by
tokens: hash role agent note hook
pools: name
pool_members: agent
shares: kind name shared_by
customer_log: operation actor role origin
assign_turns: target last
follows: agent
customer_reads: agent
mutes: agent
customer_columns: agent role columns
customer_merges: shares follows activity
duplicates: kind
imports: actor state header
field_indexes: field
field_values: field
interaction_customers: actor
datasheets: name updated_by
erasure_contacts: kind
mail_keys: key
hook_nonces: hook
"""


def listed(text):
    return {(table, column) for table, columns in (line.split(": ") for line in text.split("\n") if line) for column in columns.split()}


def columns(database):
    """Every column that may hold text."""
    return dict(((table, column), kind) for table, column, kind in database.query(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'patchbay'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0"
        " AND NOT a.attisdropped AND format_type(a.atttypid, NULL) NOT IN ('integer', 'bigint', 'smallint', 'boolean', 'uuid',"
        " 'uuid[]', 'timestamp with time zone', 'xid8')"))


def full(database):
    """The columns in which the person is found."""
    texts = {"bytea": "encode({}, 'escape')"}
    looks = " UNION ALL ".join(
        f"SELECT '{table}', '{column}' WHERE EXISTS (SELECT FROM patchbay.{table}"
        f" WHERE lower({texts.get(kind, '{}::text').format(column)}) ~ '{PATTERN}')" for (table, column), kind in columns(database).items())
    return set(database.query(looks))


def closed(router, event):
    interaction = router.source().event(event).json["interaction"]
    router.client("supervisor").ok("POST", f"interactions/{interaction}/end")
    return interaction


def left(router, event, *words):
    """As closed(), but ended by its source, in words of its own."""
    interaction = router.source().event(event).json["interaction"]
    for word in words:
        end = cloudevent(event["type"].split(".")[0] + ".ended", event["subject"], {"cause": word}, source=event["source"])
        assert router.source().event(end).json["outcome"] == "ended"
    return interaction


def from_them(kind, **more):
    return cloudevent(kind, "zebulon-1", {"from": {"phone": NUMBER, "email": "Zebulon+Shop@Example.com", "id": "zebulon", "name": "Zebulon"},
                                          "text": "Zebulon", **more}, source="pbx-zebulon")


def live(router, database):
    """Everything that can be known of somebody. The customer."""
    anna, client, supervisor = router.agent("anna"), router.client(), router.client("supervisor")
    early = left(router, ringing(OLD_NUMBER), f"{OLD_NUMBER} hung up " + "Z" * 200)  # nobody's
    supervisor.ok("PUT", f"interactions/{early}/datasheet/survey", {"fields": {"note": "Zebulon, nobody's"}})
    made = anna.ok("POST", "customers", {
        "name": "Zebulon Q", "real_name": "Zebulon", "company": "Zebulon Ltd", "external_id": "zebulon", "owner": "anna",
        "fields": {"note": "Zebulon"}, "contacts": [{"label": "Zebulon", "phone": NUMBER, "email": "Zebulon+Shop@Example.com"},
                                                    {"phone": OLD_NUMBER}]}, 201)["id"]
    anna.ok("DELETE", f"customers/{made}/contacts/1")
    other = anna.ok("POST", "customers", {"name": "Zebulon II", "owner": "anna", "contacts": [{"phone": OTHER_NUMBER}]}, 201)["id"]
    left(router, from_them("chat.message", to="web", attributes={"zebulon": "Zebulon"}), "left by Zebulon", "Zebulon is gone")
    closed(router, mail("Zebulon+Shop@Example.com", "m-zebulon"))
    closed(router, cloudevent("call.ringing", None, {"from": "+4930901820", "to": NUMBER, "direction": "outbound",
                                                     "attributes": {"agent": "anna"}}))
    database.query("INSERT INTO patchbay.raw_mails (project, event_key, interaction, at_ms, until_ms, sender_key, message_id, size, message)"
                   " SELECT 1, gen_random_uuid(), id, 0, 9e15, 'zebulon+shop@example.com', 'zebulon', 1, 'Zebulon'"
                   " FROM patchbay.interactions WHERE channel = 2")
    # What this project's channels leave empty.
    database.query("UPDATE patchbay.content SET title = 'Zebulon', recipient = 'zebulon', fields = '[{\"note\": \"Zebulon\"}]'"
                   " WHERE email_key IS NOT NULL")
    twin = anna.ok("POST", "customers", {"owner": "anna", "contacts": [{"phone": NUMBER}]}, 201)["id"]
    wait_for(lambda: database.query("SELECT count(*) FROM patchbay.duplicates") != [(0,)], "it is a duplicate", 5)
    anna.ok("POST", f"customers/{made}/merge", {"other": other})
    anna.ok("POST", f"customers/{made}/merge", {"other": twin})
    csv = {"Content-Type": "text/csv"}
    assert client.post("customers/import", b"name,phone,owner\r\nZebulon,+4915112345678,nobody\r\n", headers=csv).json["failed"] == 1
    assert client.post("customers/import", b"Zebulon,+4915112345678\r\n", headers=csv).status == 400
    for what in ({"email": "zebulon+else@example.com"}, {"prefix": NUMBER}, {"phone": OTHER_NUMBER}):
        supervisor.ok("POST", "blacklist", {**what, "reason": "Zebulon"}, 201)
    for event in (mail("zebulon+SHOP@example.com"), ringing(NUMBER), ringing(OTHER_NUMBER)):
        assert router.source().event(event).json["outcome"] == "blocked"
    return made


def test_every_column_with_text_of_people_is_known_and_emptied(make_router, database):
    router = make_router(project({"anna": "{queues: [support, mail, chat]}"}) + SCREEN).start()
    assert set(columns(database)) == listed(PEOPLE) | listed(PASSING) | listed(NOBODY)
    made = live(router, database)
    wait_for(lambda: full(database) - listed(PASSING) == listed(PEOPLE), lambda: f"each was full: {full(database) ^ listed(PEOPLE)}", 30)
    others = left(router, cloudevent("chat.message", None, {"from": {"id": "x"}, "to": "web", "text": "x"}), "lost")
    talk = router.source().event(cloudevent("chat.message", None, {"from": {"phone": OLD_NUMBER}, "to": "web", "text": "x"})).json["interaction"]
    answer = router.client().post(f"customers/{made}/erase")
    assert (answer.status, answer.json["code"]) == (409, "already_taken"), "somebody writes from the number that was theirs"
    assert database.query("SELECT count(*) FROM patchbay.erasure_contacts") == [(0,)], "what is refused keeps nothing"
    router.client().ok("POST", f"interactions/{talk}/end")
    assert router.client().ok("POST", f"customers/{made}/erase")["done"]
    assert full(database) == set()
    causes = "SELECT DISTINCT cause FROM patchbay.interactions WHERE {} ORDER BY 1"
    assert database.query(causes.format(f"id <> '{others}'")) == [("blocked",), ("ended",), ("supervisor",)]
    assert database.query(causes.format(f"id = '{others}'")) == [("lost",)]
    assert router.client().ok("GET", f"interactions/{others}/why")["closed"]["cause"] == "lost"
    assert router.client().ok("GET", "blacklist?active=true")["items"] == []
    out = admin(database.url, "replay")
    assert "equal byte for byte" in out.stdout, out.stdout


def test_what_is_about_others_too_stays(make_router, database):
    router = make_router(project({"anna": "{queues: [support, mail, chat]}"})).start()
    anna, supervisor = router.agent("anna"), router.client("supervisor")
    closed(router, cloudevent("chat.message", None, {"from": {"phone": OTHER_NUMBER}, "to": "web", "text": "kept"}))  # nobody's
    gone = anna.ok("POST", "customers", {"name": "Zebulon", "owner": "anna", "contacts": [
        {"phone": "+4930901820", "email": "annb@gmail.com"}, {"phone": OTHER_NUMBER}]}, 201)["id"]
    anna.ok("DELETE", f"customers/{gone}/contacts/1")  # it was a slip
    anna.ok("POST", "customers", {"name": "Ann", "owner": "anna", "contacts": [
        {"phone": OTHER_NUMBER, "email": "ann.b+x@gmail.com"}, {"phone": "+493090182012"}]}, 201)
    for what in ({"email": "annb@gmail.com"}, {"prefix": "+4930901820"}):
        supervisor.ok("POST", "blacklist", what, 201)
    assert router.client().ok("POST", f"customers/{gone}/erase")["done"]
    assert database.query("SELECT body FROM patchbay.content WHERE phone_key = %s", OTHER_NUMBER) == [("kept",)]
    assert {block["kind"] for block in router.client().ok("GET", "blacklist?active=true")["items"]} == {"email", "prefix"}


FORMER = "+493055539127"
ANY_SPELLING = re.compile(b"[ /().-]{0,3}".join(bytes([digit]) for digit in b"3055539127"))
MANY = 150  # more than are asked for at once


def asked_for(database, customer, most):
    """What contacts of before the erasure asks the keys of, page by page. It is taken back."""
    connection = database.cluster.connect(database.name)
    connection.autocommit = False
    pages, given = [], []
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = patchbay")
        for _ in range(10):
            args = {"customer": customer, "now_ms": 0, "origin": {}, "former": given, "most": most}
            cursor.execute("SELECT answer FROM erase_customer(1, 'admin', NULL, %s)", (json.dumps(args),))
            answer = json.loads(cursor.fetchall()[0][0])
            if "unknown" not in answer:
                break
            pages.append([one["text"] for one in answer["unknown"]])
            given = [{**one, "key": None} for one in answer["unknown"]]
    connection.rollback()
    connection.close()
    return pages


def test_what_they_had_before_is_found_in_any_spelling(make_router, database):
    router = make_router(project({"anna": "{queues: [support, mail, chat]}"})).start()
    anna, supervisor = router.agent("anna"), router.client("supervisor")
    closed(router, ringing(FORMER))  # nobody's, as these
    closed(router, cloudevent("chat.message", None, {"from": {"phone": "0049 (30) 555-39127"}, "to": "web", "text": "x"}))
    closed(router, cloudevent("chat.message", None, {"from": {"email": "zebulon@EXAMPLE.com"}, "to": "web", "text": "x"}))
    made = anna.ok("POST", "customers", {"owner": "anna", "contacts": [{"phone": "030 / 555 39 127", "email": "ZEBULON@example.com"}]}, 201)
    anna.ok("PATCH", f"customers/{made['id']}", {"contacts": [{"phone": NUMBER}]})
    supervisor.ok("POST", "blacklist", {"phone": "030 55539127", "reason": "x"}, 201)
    database.query(
        "INSERT INTO patchbay.customer_log (project, customer, at_ms, operation, actor, role, origin, changes)"
        " SELECT 1, %s, 0, 'Edit customer', 'anna', 'agent', '{}', jsonb_build_array(jsonb_build_object('field', 'contacts', 'new', NULL,"
        " 'old', (SELECT jsonb_agg(jsonb_build_object('phone', '030 / 5554 ' || 9000 + n)) FROM generate_series(1, %s) n)));"
        " INSERT INTO patchbay.duplicates (project, kind, key, since_ms)"
        " SELECT 1, 'phone', '+49305554' || 9000 + n, 0 FROM generate_series(1, %s) n", made["id"], MANY, MANY)
    assert ANY_SPELLING.search(dump(database)) and traces(dump(database), "zebulon@example.com")
    pages = asked_for(database, made["id"], 60)
    assert [len(page) for page in pages] == [60, 60, 33] and len(set(sum(pages, []))) == MANY + 3, "each is asked for once"
    assert router.client().ok("POST", f"customers/{made['id']}/erase") == {"customer": made["id"], "done": True, "emptied": 3}
    left = dump(database)
    assert ANY_SPELLING.findall(left) == [] and traces(left.lower(), "zebulon") == []
    assert database.query("SELECT count(*) FROM patchbay.duplicates") == [(0,)]
    assert not ANY_SPELLING.search(router.log().encode()) and "zebulon" not in router.log().lower()


def erases(database, customer, given, project=1, role="admin", agent=None):
    """One step of an erasure, as the router takes it: what it says, and the contacts that it asks the keys of."""
    args = {"customer": customer, "now_ms": 0, "origin": {}, "former": given, "most": 1}
    connection = database.cluster.connect(database.name)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET search_path = patchbay")
        cursor.execute("SELECT outcome, answer FROM erase_customer(%s, %s, %s, %s)", (project, role, agent, json.dumps(args)))
        outcome, answer = cursor.fetchall()[0]
    connection.close()
    return outcome, [one["text"] for one in json.loads(answer)["unknown"]] if outcome == "ok" and "unknown" in answer else []


def test_what_is_kept_of_an_erasure_that_has_begun(router, database):
    """Nobody else throws it away; it is of those who are one now; nothing of it outlives the erasure, nor comes back behind it."""
    admins = router.client()

    def made(numbers):
        one = admins.ok("POST", "customers", {"contacts": [{"phone": number} for number in numbers]}, 201)["id"]
        admins.ok("PATCH", f"customers/{one}", {"contacts": []})
        return one

    def kept():
        return database.query("SELECT count(*) FROM patchbay.erasure_contacts")[0][0]

    stays, goes = made(["+493055539001", "+493055539002"]), made(["+493055539003"])
    admins.ok("POST", f"customers/{stays}/merge", {"other": goes})
    assert erases(database, stays, [])[0] == "ok" and kept() > 0
    before = kept()
    for other in ({"project": 2}, {"project": 2, "role": "agent", "agent": "anna"}, {"role": "agent", "agent": "nobody"}):
        assert erases(database, stays, [], **other)[0] == "not_found" and kept() == before
    admins.ok("POST", f"customers/{stays}/unmerge", {"other": goes})
    given, asked = [{"kind": "phone", "text": "+493055539003", "key": "+493055539003"}], set()
    for _ in range(9):
        outcome, texts = erases(database, stays, given)
        asked |= set(texts)
        if not texts:
            break
        given = [{"kind": "phone", "text": text, "key": text} for text in texts]
    assert outcome == "ok" and asked == {"+493055539001", "+493055539002"}, "who is not one with them any more is left alone"
    assert kept() == 0
    assert erases(database, stays, given)[0] == "ok" and kept() == 0, "it was erased meanwhile"
    other = made(["+493055539004"])
    admins.ok("POST", f"customers/{other}/merge", {"other": goes})
    erases(database, other, [])
    admins.ok("POST", f"customers/{other}/unmerge", {"other": goes})
    assert admins.ok("POST", f"customers/{goes}/erase")["done"]
    assert kept() == 0 and database.query("SELECT count(*) FROM patchbay.erasure_listed") == [(0,)]


LISTED = 2000  # entries of the log that are gone through at once


def test_a_long_log_is_gone_through_piece_by_piece(router, database):
    made = router.client().ok("POST", "customers", {"contacts": [{"phone": "+4930555390000"}]}, 201)["id"]
    # Of the first piece each is another one; of the second some, and behind them one that came before; of the third none is new.
    database.query(
        "INSERT INTO patchbay.customer_log (project, customer, at_ms, operation, actor, role, origin, changes)"
        " SELECT 1, %s, 0, 'Edit customer', 'anna', 'agent', '{}', jsonb_build_array(jsonb_build_object('field', 'contacts', 'new', NULL,"
        " 'old', jsonb_build_array(jsonb_build_object('phone', '+493055539' || lpad((CASE WHEN n < %s THEN n ELSE 0 END)::text, 4, '0')))))"
        " FROM generate_series(1, %s) n", made, LISTED + 5, 3 * LISTED - 1)
    pages = asked_for(database, made, 3 * LISTED)
    assert [len(page) for page in pages] == [LISTED, 5, 1] and len(set(sum(pages, []))) == LISTED + 5
    assert router.client().ok("POST", f"customers/{made}/erase")["done"]
    assert b"+493055539" not in dump(database)
    assert database.query("SELECT count(*) FROM patchbay.erasure_listed") == [(0,)]


NEW = "+4930555391"


def test_who_finds_duplicates_leaves_no_key_of_one_who_is_being_erased(router, database):
    """They do not wait for an erasure; the erasure waits for them."""
    contacts = {"contacts": [{"phone": NEW}]}
    first, second, third, fourth = (router.client().ok("POST", "customers", contacts, 201)["id"] for _ in range(4))
    router.stop()  # nobody else finds any
    database.query("DELETE FROM patchbay.duplicates")
    notes = database.cluster.connect(database.name)
    notes.autocommit = False

    def noted(*ids):
        with notes.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '10s'")
            cursor.execute("SELECT patchbay.note_duplicates_of(1, %s::uuid[])", (list(ids),))
            cursor.execute("SELECT count(*) FROM patchbay.duplicates")
            return cursor.fetchall()[0][0]

    def erased(one):
        """Its log names the number as well, and the router would say which key that has."""
        return [erases(database, one, given) for given in ([], [{"kind": "phone", "text": NEW, "key": NEW}])][1]

    assert erased(first) == erased(second) == ("ok", [])
    erasing = database.cluster.connect(database.name)
    erasing.autocommit = False
    with erasing.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = patchbay")
        cursor.execute("DELETE FROM contacts WHERE customer = %s", (third,))
        database.query("DELETE FROM patchbay.customer_queue")
        assert noted(third, fourth) == 0, "one of the two is just going"
        notes.commit()
    erasing.rollback()
    erasing.close()
    again = [row[0] for row in database.query("DELETE FROM patchbay.customer_queue RETURNING customer::text")]
    assert sorted(again) == sorted([third, fourth]), "they are looked at again, as nobody knows what becomes of it"
    assert noted(*again) == 1
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(erased(third)))
    thread.start()
    wait_for(lambda: database.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                    " AND wait_event_type = 'Lock'") == [(1,)], "the erasure waits")
    notes.commit()
    notes.close()
    thread.join(20)
    assert outcomes == [("ok", [])]
    assert erased(fourth) == ("ok", [])
    assert database.query("SELECT count(*) FROM patchbay.duplicates") == [(0,)]
