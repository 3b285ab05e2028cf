"""The journal alone gives every decision again, byte for byte: `patchbay replay`."""
import random
import uuid

import pytest

from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import wait_for
from harness.projects import AGENTS, project
from harness.router import admin

RULES = '''rules:
  - {name: vip, when: "'vip' in customer.tags", queue: support, priority: 5}
  - {name: rest, when: "true", queue: endpoint}
'''


def with_rules(text, rules=RULES):
    return text[:text.index("rules:")] + rules


def replay(database, *words):
    done = admin(database.url, "replay", *words, check=False)
    return done.returncode, done.stdout, done.stderr or ""


def replays(database, *words):
    code, out, err = replay(database, *words)
    assert code == 0, out + err
    return out


class Traffic:
    """Random callers, writers and agents; what is refused is refused."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.subjects = []
        self.offers = []

    def event(self, source):
        caller = f"+49151123456{self.dice.randrange(10, 30)}"
        kind = self.dice.randrange(6)
        if kind == 5 and self.subjects:
            event = cloudevent("call.ended", self.dice.choice(self.subjects))
        else:
            event = (ringing(caller), ringing(caller), chat(f"v{self.dice.randrange(9)}"),
                     mail(f"w{self.dice.randrange(9)}@example.org"), ringing("anonymous"), ringing(caller))[kind]
            self.subjects.append(event["subject"])
        answer = source.event(event)
        if answer.status == 200 and answer.json.get("offer"):
            self.offers.append((answer.json["agent"], answer.json["offer"]))

    def agent(self, router):
        name = self.dice.choice(list(AGENTS))
        if self.offers and self.dice.random() < 0.6:
            holder, offer = self.offers.pop(self.dice.randrange(len(self.offers)))
            router.agent(holder).post(f"offers/{offer}/{self.dice.choice(['accept', 'reject'])}", {})
        else:
            state = self.dice.choice(["available", "available", "available", "break", "offline"])
            router.client("supervisor").put(f"agents/{name}/presence", {"state": state, "lease": 0})

    def run(self, router, steps):
        source = router.source()
        for _ in range(steps):
            if self.dice.random() < 0.6:
                self.event(source)
            else:
                self.agent(router)


def block_by_hand(tables, phone):
    """As another router would, while nobody owns the project."""
    tables.query("WITH made AS (INSERT INTO blacklist (id, project, kind, key, value, author, start_ms)"
                 " SELECT %s, f.project, 'phone', %s, %s, 'test', f.last_ms FROM fences f RETURNING id, project),"
                 " moved AS (UPDATE fences f SET facts_version = facts_version + 1 FROM made WHERE f.project = made.project"
                 " RETURNING f.project, facts_version, made.id)"
                 " INSERT INTO changes (project, version, kind, ref) SELECT project, facts_version, 'block', id FROM moved",
                 str(uuid.uuid4()), phone, phone)
    tables.connection.commit()


@pytest.fixture
def busy(make_router, tables):
    """A project with a past: three restarts, one of them kill -9, two new files, blocks with and without an owner, and a
    takeover."""
    router = make_router(with_rules(project(offer_timeout="2s", wrap_up="1s"))).start()
    traffic = Traffic(7)
    for name in AGENTS:
        router.presence(name)
    # One of each at least: the traffic's may come too late.
    taken = router.source().event(ringing()).json
    router.agent(taken["agent"]).ok("POST", f"offers/{taken['offer']}/accept")
    rejected = router.source().event(ringing()).json
    router.agent(rejected["agent"]).ok("POST", f"offers/{rejected['offer']}/reject", {"cause": "reject"})
    traffic.run(router, 40)
    made = router.client("supervisor").ok("POST", "blacklist", {"phone": "+4915112345611"}, 201)
    traffic.run(router, 20)
    router.restart()
    traffic.run(router, 20)
    grown = with_rules(project({**AGENTS, "dora": "{name: Dora, queues: [support, mail]}"}, offer_timeout="2s"))
    assert router.client("admin").request("PUT", "config", grown.encode(), {"Content-Type": "application/yaml"}).status == 200
    router.presence("dora")
    traffic.run(router, 20)
    router.kill()
    block_by_hand(tables, "+4915112345612")
    router.start()
    router.client("supervisor").ok("DELETE", f"blacklist/{made['id']}")
    traffic.run(router, 20)
    router.stop()
    router.apply()  # the first file again, while nobody owns the project
    second = make_router(with_rules(project(offer_timeout="2s", wrap_up="1s"))).start()
    traffic.run(second, 20)
    assert second.client("supervisor").ok("GET", "blacklist?active=true")["items"][0]["hits"] >= 0
    second.stop()
    return second


def test_restarts_reloads_blocks_and_a_takeover_replay_byte_for_byte(busy, database, tables):
    last = tables.one("SELECT journal_seq FROM fences")
    out = replays(database)
    assert out == f"{last} decisions, 1 to {last}: equal byte for byte\n"
    assert f"{last - 10} decisions, 11 to {last}: equal" in replays(database, "--from", "11", "--project", "demo")
    kinds = {kind for kind, in tables.query("SELECT DISTINCT kind FROM journal")}
    assert {1, 2, 3, 4, 6, 7, 8, 9} <= kinds  # events to unblock, configurations too
    assert tables.one("SELECT count(*) FROM journal WHERE kind = 7") == 2
    assert tables.one("SELECT count(*) FROM blacklist WHERE taken_seq IS NULL") == 0
    code, out, err = replay(database, "--from", str(last + 1))
    assert code == 2 and "there is nothing" in out + err
    # Other rules: everybody is sent to one queue.
    other = busy.folder / "other.yaml"
    other.write_text(with_rules(project(), 'rules:\n  - {name: all, when: "true", queue: mail, priority: 1}\n'))
    lines = replays(database, "--rules", str(other)).splitlines()
    assert "would have been routed otherwise" in lines[-1] and len(lines) > 20
    assert all("| all: queue mail, priority 1" in line for line in lines[:-1])
    same = busy.folder / "same.yaml"
    same.write_text(with_rules(project()))
    assert replays(database, "--rules", str(same)).startswith("0 of ")
    # A decision that was tampered with is found, and shown beside the one that comes out.
    seq = tables.one("SELECT min(seq) FROM journal WHERE kind = 1 AND seq > 20")
    tables.query("UPDATE journal SET decision = (SELECT decision FROM journal WHERE seq = %s) WHERE seq = %s", seq - 1, seq)
    tables.connection.commit()
    code, out, err = replay(database)
    assert code == 1 and f"sequence {seq} is decided differently" in out and "in the journal" in out, out + err


def test_who_was_erased_is_replayed_from_what_the_rules_had_said(router, database, tables):
    for name in AGENTS:
        router.presence(name)
    traffic = Traffic(3)
    traffic.run(router, 30)
    router.client("supervisor").ok("POST", "blacklist", {"phone": "+4915112345699"}, 201)
    assert router.source().event(ringing("+4915112345699")).json["outcome"] == "blocked"
    traffic.run(router, 10)
    router.stop()
    tables.query("UPDATE content SET phone = NULL, email = NULL, party_id = NULL, name = NULL, recipient = NULL,"
                 " phone_key = NULL, email_key = NULL, source = NULL, subject = NULL, title = NULL, body = NULL,"
                 " attributes = NULL, fields = NULL")
    tables.connection.commit()
    out = replays(database)
    assert "are about people who were erased" in out


def test_who_was_linked_and_then_erased_is_replayed_though_the_opening_event_is_somebody_else_s(make_router, database, tables):
    router = make_router(with_rules(project(), """rules:
  - {name: gold, when: "customer.fields.tier == 'gold'", queue: mail}
  - {name: rest, when: "true", queue: endpoint}
fields: {tier: {type: text}}
""")).start()
    router.presence("anna")
    offered = router.source().event(ringing("+4915112345601")).json
    admin_client = router.client("admin")
    customer = admin_client.ok("POST", "customers", {"name": "Gold", "fields": {"tier": "gold"}}, 201)["id"]
    admin_client.ok("POST", f"interactions/{offered['interaction']}/customer", {"customer": customer})
    router.agent("anna").ok("POST", f"offers/{offered['offer']}/reject", {"cause": "reject"})
    assert admin_client.ok("GET", f"interactions/{offered['interaction']}")["queue"] == "mail", "the rules read the fields"
    router.stop()
    tables.query("UPDATE content SET fields = NULL")  # as erasing that customer does: the call itself is another one's
    tables.connection.commit()
    assert "are about people who were erased" in replays(database)


def test_a_project_that_is_not_there_and_bad_numbers_are_misuse(router, database):
    wait_for(router.is_ready, "ready")
    assert replay(database, "--project", "nobody")[0] == 2
    assert replay(database, "--from", "x")[0] == 2
    assert replay(database, "--to", "99999999")[0] == 2
