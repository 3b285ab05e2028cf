"""The blacklist: what it covers, when it begins and ends, what it withdraws, who may edit it."""
import datetime
import pathlib
import time

import pytest

from harness.http_client import mail, ringing
from harness.process import wait_for
from harness.projects import project

COVER_BEFORE = pathlib.Path(__file__).resolve().parents[2] / "storage/migrations/0040_cover_before.sql"
NUMBER = "+4915112345678"


def block(client, **members):
    return client.ok("POST", "blacklist", members, 201)


def outcome(answer):
    assert answer.status == 200, answer
    return answer.json["outcome"]


def in_ms(ms):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("members, event", [
    ({"phone": "0151 12345678"}, ringing(NUMBER)),
    ({"prefix": "+491511"}, ringing(NUMBER)),
    ({"prefix": "00491511"}, ringing("00491511234")),
    ({"email": "a.n.n+x@googlemail.com"}, mail("Ann@gmail.com")),
    ({"domain": "Example.com"}, mail("ann@mail.example.com")),
])
def test_any_spelling_is_blocked_and_passes_at_once_when_lifted(router, members, event):
    client, source = router.client("supervisor"), router.source()
    made = block(client, reason="rude", **members)
    assert made["active"] and made["author"] == "supervisor" and made["reason"] == "rude"
    assert outcome(source.event(event)) == "blocked"
    lifted = client.ok("DELETE", f"blacklist/{made['id']}")
    assert not lifted["active"] and lifted["lifted_by"] == "supervisor" and lifted["end"]
    assert outcome(source.event({**event, "id": event["id"] + "-again", "subject": "another"})) != "blocked"


def test_a_block_of_a_customer_withdraws_what_is_on_offer(router, subscriber):
    client, source = router.client("supervisor"), router.source()
    router.presence("anna")
    made = router.agent("anna").ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": NUMBER}]}, 201)
    offered = source.event(ringing(NUMBER)).json
    assert offered["outcome"] == "offered"
    block(client, customer=made["id"])
    answer = router.agent("anna").post(f"offers/{offered['offer']}/accept")
    assert answer.status == 409 and answer.json["code"] == "offer_gone"
    assert outcome(source.event(ringing(NUMBER))) == "blocked"


@pytest.mark.parametrize("by", ["old", "new"])
def test_a_block_of_who_was_merged_meets_who_they_are_now_and_what_they_have_open(router, by):
    client, source, admin = router.client("supervisor"), router.source(), router.client("admin")
    router.presence("anna")
    stays, goes = (admin.ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": number}]}, 201)["id"] for number in (NUMBER, "+4915187654321"))
    offered = source.event(ringing("+4915187654321")).json
    admin.ok("POST", f"customers/{stays}/merge", {"other": goes})
    made = block(client, customer=goes if by == "old" else stays)
    assert made["value"] == stays
    assert router.agent("anna").post(f"offers/{offered['offer']}/accept").json["code"] == "offer_gone"
    assert [outcome(source.event(ringing(number))) for number in (NUMBER, "+4915187654321")] == ["blocked"] * 2
    assert [one["id"] for one in client.ok("GET", "blacklist?active=true")["items"]] == [made["id"]]
    assert not client.ok("DELETE", f"blacklist/{made['id']}")["active"]
    assert client.ok("GET", "blacklist?active=true")["items"] == []
    assert outcome(source.event(ringing(NUMBER))) != "blocked"
    again = block(client, customer=goes)
    assert [one["id"] for one in client.ok("GET", "blacklist?active=true")["items"]] == [again["id"]] and again["value"] == stays


def test_a_block_meets_what_was_open_at_a_merge_before_or_after_it_until_both_are_taken_apart(router, database):
    client, source, admin = router.client("supervisor"), router.source(), router.client("admin")
    router.presence("anna")
    other = "+4915187654321"
    stays, goes = (admin.ok("POST", "customers", {"contacts": [{"phone": number}]}, 201)["id"] for number in (NUMBER, other))

    def is_gone(offered):
        return router.agent("anna").post(f"offers/{offered['offer']}/accept").json["code"] == "offer_gone"

    def active():
        return database.query("SELECT customer::text, made_with::text, reason FROM patchbay.blacklist WHERE lifted_ms IS NULL"
                              " ORDER BY made_with NULLS FIRST, id")

    first, second = (block(client, customer=stays, **more)["id"] for more in ({"reason": "rude"}, {"channels": ["call"]}))
    offered = source.event(ringing(other)).json
    admin.ok("POST", f"customers/{stays}/merge", {"other": goes})
    assert is_gone(offered)
    assert active() == [(stays, None, "rude"), (stays, None, None), (goes, first, None), (goes, second, None)]
    assert [one["id"] for one in client.ok("GET", "blacklist?active=true")["items"]] == [second, first]
    # By the id of what was made with it, as an explanation names it.
    [(cover,)] = database.query("SELECT id::text FROM patchbay.blacklist WHERE made_with = %s", second)
    assert client.ok("DELETE", f"blacklist/{cover}")["id"] == second
    assert active() == [(stays, None, "rude"), (goes, first, None)], "two blocks of one customer are two"
    admin.ok("POST", f"customers/{stays}/unmerge", {"other": goes})
    assert active() == [(stays, None, "rude")]
    client.ok("DELETE", f"blacklist/{first}")

    offered = source.event(ringing(other)).json
    admin.ok("POST", f"customers/{stays}/merge", {"other": goes})
    made = block(client, customer=stays)["id"]
    assert is_gone(offered) and active() == [(stays, None, None), (goes, made, None)]
    admin.ok("POST", f"customers/{stays}/unmerge", {"other": goes})
    assert active() == [(stays, None, None)]
    assert outcome(source.event(ringing(NUMBER))) == "blocked" != outcome(source.event(ringing(other)))


def test_a_block_meets_what_was_open_at_a_merge_of_before_they_were_covered(router, database):
    client, source, admin = router.client("supervisor"), router.source(), router.client("admin")
    router.presence("anna")
    numbers = [NUMBER, "+4915187654321", "+4915187654322"]
    stays, middle, goes = (admin.ok("POST", "customers", {"contacts": [{"phone": number}]}, 201)["id"] for number in numbers)
    offered = source.event(ringing(numbers[2])).json
    made = block(client, customer=stays, reason="rude")["id"]
    block(client, customer=middle, until=in_ms(3600000))
    client.ok("DELETE", f"blacklist/{block(client, customer=stays)['id']}")
    # As merges did it then: nothing was made for an old id.
    covers = database.query("SELECT pg_get_functiondef('patchbay.cover_merged'::regproc)")[0][0]
    database.query("SET search_path = patchbay; CREATE OR REPLACE FUNCTION cover_merged(of integer, stay_id uuid, now_ms bigint) RETURNS void"
                   " LANGUAGE plpgsql AS $$ BEGIN END $$")
    admin.ok("POST", f"customers/{middle}/merge", {"other": goes})
    admin.ok("POST", f"customers/{stays}/merge", {"other": middle})
    database.query(covers)

    def applied():
        database.query(f"SET search_path = patchbay; {COVER_BEFORE.read_text()}")
        return database.query("SELECT made_with::text FROM patchbay.blacklist WHERE lifted_ms IS NULL AND customer = %s ORDER BY id", goes)

    mine = [one["id"] for one in client.ok("GET", "blacklist?active=true")["items"] if one["value"] == stays]
    assert len(mine) == 2 and made in mine and sorted(applied()) == sorted((one,) for one in mine)
    assert router.agent("anna").post(f"offers/{offered['offer']}/accept").json["code"] == "offer_gone"
    assert len(applied()) == 2, "again, there is nothing to do"
    for one in mine:
        client.ok("DELETE", f"blacklist/{one}")
    assert applied() == []


def test_a_temporary_block_ends_by_itself(router):
    client, source = router.client("supervisor"), router.source()
    made = block(client, phone=NUMBER, until=in_ms(1500))
    assert outcome(source.event(ringing(NUMBER))) == "blocked"
    wait_for(lambda: outcome(source.event(ringing(NUMBER))) != "blocked", "the block ends", 10)
    until = datetime.datetime.fromisoformat(made["until"].replace("Z", "+00:00")).timestamp()
    assert time.time() >= until
    assert client.ok("GET", "blacklist?active=true")["items"] == []


def test_a_block_covers_its_channels_alone(router):
    client, source = router.client("supervisor"), router.source()
    block(client, email="ann@example.com", channels=["chat", "call"])
    assert outcome(source.event(mail("ann@example.com"))) != "blocked"
    block(client, email="ann@example.com", channels=["email"])
    assert outcome(source.event(mail("ann@example.com"))) == "blocked"


def test_the_list_shows_who_why_when_and_how_often(router):
    client, source = router.client("supervisor"), router.source()
    first = block(client, phone=NUMBER, reason="rude")
    second = block(client, domain="example.com", until=in_ms(3600_000))
    for _ in range(3):
        source.event(ringing(NUMBER))
    listed = client.ok("GET", "blacklist")["items"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert listed[1]["hits"] == 3 and listed[0]["hits"] == 0
    assert listed[1]["channels"] == ["call", "chat", "email"] and listed[1]["end"] is None
    assert listed[0]["end"] == listed[0]["until"] == second["until"]
    client.ok("DELETE", f"blacklist/{first['id']}")
    assert [one["id"] for one in client.ok("GET", "blacklist?active=true")["items"]] == [second["id"]]
    assert [one["id"] for one in client.ok("GET", "blacklist?active=false")["items"]] == [first["id"]]
    page = client.ok("GET", "blacklist?limit=1")
    assert page["next"] == second["id"]
    assert [one["id"] for one in client.ok("GET", f"blacklist?limit=1&after={page['next']}")["items"]] == [first["id"]]


@pytest.mark.parametrize("members, pointer", [
    ({}, None),
    ({"phone": "1", "email": "a@example.com"}, None),
    ({"phone": "anonymous"}, "/phone"),
    ({"email": "nobody"}, "/email"),
    ({"domain": "no domain"}, "/domain"),
    ({"prefix": "x"}, "/prefix"),
    ({"phone": NUMBER, "channels": []}, "/channels"),
    ({"phone": NUMBER, "channels": ["fax"]}, "/channels/0"),
    ({"phone": NUMBER, "until": "tomorrow"}, "/until"),
    ({"phone": NUMBER, "until": "2020-01-01T00:00:00Z"}, "/until"),
    ({"phone": NUMBER, "for": "ever"}, "/for"),
    ({"customer": "nobody"}, "/customer"),
])
def test_bad_blocks_are_refused_with_their_place(router, members, pointer):
    answer = router.client("supervisor").post("blacklist", members)
    assert answer.status == 400 and answer.json["code"] == "invalid" and answer.json.get("pointer") == pointer


def test_an_unknown_customer_or_block_is_not_found(router):
    client = router.client("supervisor")
    nobody = "018f0000-0000-7000-8000-000000000001"
    assert client.post("blacklist", {"customer": nobody}).status == 404
    admin = router.client("admin")
    merged, stays, deleted = (admin.ok("POST", "customers", {"name": name}, 201)["id"] for name in ("Ann", "Anne", "Bob"))
    admin.ok("POST", f"customers/{stays}/merge", {"other": merged})
    admin.ok("DELETE", f"customers/{deleted}")
    assert [client.post("blacklist", {"customer": one}).status for one in (merged, deleted, stays)] == [201, 404, 201]
    admin.ok("DELETE", f"customers/{stays}")
    assert client.post("blacklist", {"customer": merged}).status == 404
    assert client.delete(f"blacklist/{nobody}").status == 404


def test_blocking_needs_the_permission(make_router):
    agents = {"anna": "{queues: [support]}", "ben": "{queues: [support], role: pool_admin}", "carl": "{queues: [chat], role: supervisor}"}
    router = make_router(project(agents) + "permissions: {block: [pool_admin]}\n").start()
    assert router.source().post("blacklist", {"phone": NUMBER}).status == 403
    for asks in (router.agent("anna").post("blacklist", {"phone": NUMBER}), router.agent("anna").get("blacklist")):
        assert asks.status == 403
    assert block(router.agent("ben"), phone=NUMBER)["author"] == "ben"
    assert block(router.agent("carl"), phone=NUMBER)["author"] == "carl"
    assert block(router.client("admin"), phone=NUMBER)["author"] == "admin"
    hidden = router.client("admin").ok("POST", "customers", {"owner": "anna"}, 201)["id"]
    assert router.agent("ben").post("blacklist", {"customer": hidden}).status == 404, "who has the permission blocks whom he may view"
    router.client("admin").ok("POST", f"customers/{hidden}/share", {"agents": ["ben"]})
    assert block(router.agent("ben"), customer=hidden)["author"] == "ben"
    assert block(router.agent("carl"), customer=hidden)["author"] == "carl", "supervisors block anybody"


def test_the_blacklist_over_messagepack_rpc(router):
    client = router.rpc_client("supervisor")
    made = client.call("blacklist.add", {"phone": NUMBER})
    assert [one["id"] for one in client.call("blacklist.list", {"active": True})["items"]] == [made["id"]]
    assert not client.call("blacklist.lift", {"id": made["id"]})["active"]
    client.close()
