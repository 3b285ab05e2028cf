"""Many at once: copies of one event, first contacts of one person, chats for few agents, ids used twice."""
import datetime
import json
import threading

import msgpack
import pytest

from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import wait_for
from harness.projects import project
from harness.storm import http_request, http_storm, rpc_storm

pytestmark = pytest.mark.alone  # its clocks run

EVENTS = "/v1/projects/demo/events"
COPIES = 1000


def counts(tables):
    return tables.query("SELECT (SELECT count(*) FROM journal WHERE event_key IS NOT NULL), (SELECT count(*) FROM interactions),"
                          " (SELECT count(*) FROM customers)")[0]


def in_past(**delta):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**delta)).isoformat()


def test_a_thousand_copies_of_one_event_over_http_are_one_interaction_with_one_answer(router, tables):
    request = http_request("POST", EVENTS, router.token("source"), ringing())
    answers = http_storm(router.http, [request] * COPIES)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.bytes for answer in answers}) == 1
    assert sum("patchbay-duplicate" not in answer.headers for answer in answers) == 1
    assert counts(tables) == (1, 1, 0)


def test_a_thousand_copies_of_one_event_over_messagepack_rpc_are_one_interaction_with_one_answer(router, tables):
    found = rpc_storm(router.rpc, router.token("source"), [("event.publish", ringing())] * COPIES)
    assert all(error is None for error, _ in found)
    assert len({msgpack.packb(result) for _, result in found}) == 1
    assert counts(tables) == (1, 1, 0)


def test_copies_over_both_protocols_at_the_same_time_are_one_interaction_with_one_answer(router, tables):
    event, over_rpc = ringing(), []
    token = router.token("source")
    thread = threading.Thread(target=lambda: over_rpc.extend(
        rpc_storm(router.rpc, token, [("event.publish", event)] * (COPIES // 2))))
    thread.start()
    over_http = http_storm(router.http, [http_request("POST", EVENTS, token, event)] * (COPIES // 2))
    thread.join(60)
    assert len(over_rpc) == COPIES // 2 and all(error is None for error, _ in over_rpc)
    texts = {json.dumps(result, separators=(",", ":")).encode() for _, result in over_rpc}
    assert texts | {answer.bytes for answer in over_http} == {over_http[0].bytes}
    assert counts(tables) == (1, 1, 0)


def test_a_copy_gets_the_same_bytes_after_the_interaction_moved_on_and_after_a_restart(router, tables):
    router.presence("anna")
    event, source = ringing(), router.source()
    first = source.event(event)
    router.agent("anna").ok("POST", f"offers/{first.json['offer']}/accept")
    accepted = source.event(event)
    source.event(cloudevent("call.ended", event["subject"]))
    ended = source.event(event)
    router.restart()
    restarted = router.source().event(event)
    assert [first.bytes] * 3 == [accepted.bytes, ended.bytes, restarted.bytes]


@pytest.mark.parametrize("over", ["http", "rpc"])
def test_a_thousand_first_mails_of_one_address_make_one_customer(router, tables, over):
    mails = [mail("New.One@example.org") for _ in range(COPIES)]
    if over == "http":
        found = [answer.json for answer in http_storm(
            router.http, [http_request("POST", EVENTS, router.token("source"), event) for event in mails])]
    else:
        found = [result for _, result in rpc_storm(router.rpc, router.token("source"), [("event.publish", event) for event in mails])]
    outcomes = [one["identity"]["outcome"] for one in found]
    assert outcomes.count("created") == 1 and outcomes.count("matched") == COPIES - 1
    assert len({one["identity"]["customer"] for one in found}) == 1
    assert counts(tables) == (COPIES, COPIES, 1)
    assert tables.query("SELECT count(*), min(email_key) FROM contacts") == [(1, "new.one@example.org")]


def four_agents():
    return project({f"agent{number}": "{queues: [chat], capacity: {chat: 3}}" for number in range(4)}, offer_timeout="120s")


class Watch:
    """How many chats each agent holds, followed through the decisions in their order."""

    def __init__(self):
        self.held, self.most = {}, 0
        self.handed_out = []

    def follow(self, events):
        for event in events:
            subject, kind, agent = event["subject"], event["type"], event["data"].get("agent")
            if kind == "interaction.offered":
                assert subject not in self.held, "offered while somebody holds it"
                self.held[subject] = agent
                self.handed_out.append(subject)
            elif kind in ("offer.withdrawn", "interaction.ended", "interaction.queued"):
                self.held.pop(subject, None)
            holding = list(self.held.values())
            self.most = max([self.most, *(holding.count(one) for one in set(holding))])


def test_fifty_chats_for_four_agents_with_three_each_are_twelve_offers_and_handed_out_in_order(make_router, redis, tables):
    router = make_router(four_agents()).start()
    subscriber = redis.subscribe(router.channel("all"))
    for number in range(4):
        router.presence(f"agent{number}")
    chats = [chat(f"visitor-{number}") for number in range(50)]
    answers = [answer.json for answer in http_storm(
        router.http, [http_request("POST", EVENTS, router.token("source"), event) for event in chats])]
    outcomes = [one["outcome"] for one in answers]
    assert outcomes.count("offered") == 12 and outcomes.count("queued") == 38

    arrival = [row[0] for row in tables.query("SELECT id::text FROM interactions ORDER BY enqueued_ms, id")]
    subjects = {one["interaction"]: event["subject"] for one, event in zip(answers, chats)}
    agents = {one["interaction"]: one.get("agent") for one in answers}
    assert [agents[one] is not None for one in arrival] == [True] * 12 + [False] * 38
    source, waiting, taken = router.source(), arrival[12:], []
    for ends in arrival[:38]:  # one chat ends: the one that waits longest is offered, to whoever has room
        source.event(cloudevent("chat.ended", subjects[ends]))
        offered = subscriber.wait_event("interaction.offered", waiting[len(taken)])
        taken.append(offered["subject"])
    assert taken == waiting
    watch = Watch()
    watch.follow(subscriber.events)
    assert watch.most == 3 and watch.handed_out == arrival
    for ends in arrival[38:]:
        source.event(cloudevent("chat.ended", subjects[ends]))
    assert tables.query("SELECT count(*) FROM interactions WHERE closed_ms IS NULL") == [(0,)]
    subscriber.close()


def test_accepting_and_rejecting_fifty_chats_at_once_never_passes_a_capacity(make_router, redis, tables):
    router = make_router(four_agents() + "cool_down: {reject: 0s}\n").start()
    subscriber = redis.subscribe(router.channel("all"))
    for number in range(4):
        router.presence(f"agent{number}")
    http_storm(router.http, [http_request("POST", EVENTS, router.token("source"), chat(f"v{number}")) for number in range(50)])

    def work(name):
        """Each agent takes, refuses every third, ends, until nothing is left."""
        client, number = router.agent(name), 0
        while True:
            mine = [one for one in client.ok("GET", "interactions?state=open&limit=200")["items"] if one["agent"] == name]
            if not mine:
                if not client.ok("GET", "interactions?state=open&limit=1")["items"]:
                    return
                continue
            for one in mine:
                number += 1
                if one["state"] == "active":
                    client.post(f"interactions/{one['id']}/end")
                elif number % 3 == 0:
                    client.post(f"offers/{one['offer']}/reject", {"cause": "reject"})
                else:
                    client.post(f"offers/{one['offer']}/accept")

    threads = [threading.Thread(target=work, args=(f"agent{number}",), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), tables.query(
        "SELECT state, agent, count(*) FROM interactions WHERE closed_ms IS NULL GROUP BY 1, 2")
    wait_for(lambda: sum(event["type"] == "interaction.ended" for event in subscriber.events) == 50, "50 ends are told")
    watch = Watch()
    watch.follow(subscriber.events)
    assert watch.most == 3 and watch.held == {}
    subscriber.close()


def accept_both(router, first, second):
    """Both agents accept at the same moment, over HTTP; their answers."""
    return http_storm(router.http, [
        http_request("POST", f"/v1/projects/demo/offers/{one['offer']}/accept", router.token("agent", one["agent"]), b"{}",
                     "application/json") for one in (first, second)])


def test_two_calls_of_one_new_number_accepted_at_the_same_time_make_one_customer(router, tables):
    source = router.source()
    router.presence("anna")
    router.presence("ben")
    for name in ("anna", "ben"):
        router.token("agent", name)
    for round_number in range(40):
        number = f"+49151200{round_number:05}"
        first, second = source.event(ringing(number)).json, source.event(ringing(number)).json
        assert {first["agent"], second["agent"]} == {"anna", "ben"}
        assert first["identity"]["outcome"] == second["identity"]["outcome"] == "new"
        answers = accept_both(router, first, second)
        assert [answer.status for answer in answers] == [200, 200], answers
        identities = [answer.json["identity"] for answer in answers]
        assert sorted(one["outcome"] for one in identities) == ["created", "matched"]
        assert len({one["customer"] for one in identities}) == 1
        for answer in answers:
            router.client().ok("POST", f"interactions/{answer.json['interaction']}/end")
    assert tables.query("SELECT count(*) FROM customers") == [(40,)]
    assert tables.query("SELECT phone_key FROM contacts GROUP BY 1 HAVING count(*) > 1") == []


def test_a_customer_created_by_hand_while_a_call_rings_is_matched_at_the_accept(router, tables):
    router.presence("anna")
    offered = router.source().event(ringing("+4915120011111")).json
    made = router.client().ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": "0151 20011111"}]}, 201)
    taken = router.agent("anna").ok("POST", f"offers/{offered['offer']}/accept")
    assert taken["identity"]["outcome"] == "matched" and taken["identity"]["customer"] == made["id"]
    assert tables.query("SELECT count(*) FROM customers") == [(1,)]


# --- One id, another content ---

def codings(router):
    """name -> a function that publishes an event and gives (status, code, body, is a duplicate)."""
    http_client, rpc = router.source(), router.rpc_client()

    def over_http(send):
        def publish(event):
            answer = send(event)
            return answer.status, answer.json.get("code"), answer.json, "Patchbay-Duplicate" in answer.headers
        return publish

    def structured_rpc(event):
        call = rpc.send("event.publish", event)
        call.done.wait(20)
        status = 200 if call.error is None else call.error["data"]["status"]
        return status, (call.error or {}).get("code"), call.result, None

    def base64_data(event):
        import base64
        packed = {name: value for name, value in event.items() if name != "data"}
        packed["data_base64"] = base64.b64encode(json.dumps(event["data"]).encode()).decode()
        return http_client.event(packed)

    def bytes_rpc(event):
        return structured_rpc({**event, "data": json.dumps(event["data"]).encode()})

    def batched(event):
        answer = http_client.batch([event])
        item = answer.json[0]
        return item.get("status", answer.status), item.get("code"), item, "Patchbay-Duplicate" in answer.headers

    return {"structured": over_http(http_client.event), "binary": over_http(http_client.binary_event),
            "base64": over_http(base64_data), "batched": batched, "rpc": structured_rpc, "rpc bytes": bytes_rpc}


NAMES = ["structured", "binary", "base64", "batched", "rpc", "rpc bytes"]


def test_the_same_event_in_another_coding_is_a_duplicate_and_another_content_a_conflict(router, tables):
    publish = codings(router)
    for first in NAMES:
        for second in NAMES:
            event = ringing()
            status, _, answer, _ = publish[first](event)
            assert status == 200, (first, answer)
            status, _, again, marked = publish[second](event)
            assert status == 200 and again == answer and marked is not False, (first, second, again)
            status, code, *_ = publish[second]({**event, "data": {**event["data"], "to": "+49309018200"}})
            assert (status, code) == (409, "id_conflict"), (first, second)
            status, code, *_ = publish[second]({**event, "subject": "another"})
            assert (status, code) == (409, "id_conflict"), (first, second)
    assert counts(tables)[0] == len(NAMES) ** 2


def test_a_conflict_among_copies_that_arrive_at_the_same_time_is_answered_to_one_side_alone(router, tables):
    event = ringing()
    other = {**event, "data": {**event["data"], "from": "+4915199999999"}}
    requests = [http_request("POST", EVENTS, router.token("source"), one) for one in [event, other] * 100]
    answers = http_storm(router.http, requests)
    good = {bytes(answer.bytes) for answer in answers if answer.status == 200}
    assert len(good) == 1
    assert sum(answer.status == 200 for answer in answers) == 100
    assert all(answer.json["code"] == "id_conflict" for answer in answers if answer.status != 200)
    assert counts(tables)[0] == 1


def test_the_same_id_of_another_source_is_another_event(router, tables):
    event, source = ringing(), router.source()
    first, second = source.event(event).json, source.event({**event, "source": "another"}).json
    assert first["interaction"] != second["interaction"]


def test_attributes_that_the_server_does_not_know_count_as_content(router):
    event, source = {**ringing(), "tenant": "a"}, router.source()
    assert source.event(event).status == 200
    assert source.event(event).headers["Patchbay-Duplicate"] == "true"


def test_an_event_that_is_older_than_the_window_is_stale(router, tables):
    publish = codings(router)
    for name in NAMES:
        status, code, *_ = publish[name](ringing(time=in_past(days=7, minutes=1)))
        assert (status, code) == (400, "stale"), name
        status, *_ = publish[name](ringing(time=in_past(days=6, hours=23)))
        assert status == 200, name
    assert counts(tables)[0] == len(NAMES)


def test_a_refused_event_leaves_no_trace_and_a_corrected_one_succeeds(router, tables):
    event, source = ringing(to="+4930000000"), router.source()
    assert source.event(event).json["code"] == "invalid"
    assert counts(tables) == (0, 0, 0)
    assert source.event({**event, "data": {**event["data"], "to": "+4930901820"}}).status == 200
