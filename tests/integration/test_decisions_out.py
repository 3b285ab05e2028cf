"""Decisions out: Redis, the feed, server-sent events and notifications say the same, in order, with nothing missing."""
import json
import socket
import time

import pytest

from harness.http_client import chat, cloudevent, mail, ringing
from harness.process import wait_for
from harness.projects import project

pytestmark = pytest.mark.alone  # its clocks run

ANNA = {"anna": "{name: Anna, queues: [support, mail, chat], capacity: {call: 1, chat: 200, email: 200}}",
        "ben": "{name: Ben, queues: [support], capacity: {call: 1, chat: 3, email: 10}}"}
LARGE = "x" * 60000


@pytest.fixture
def desk(make_router):
    """A router where anna takes any number of chats and mails."""
    return make_router(project(agents=ANNA, offer_timeout="600s")).start()


@pytest.fixture
def heard(desk, redis):
    made = redis.subscribe(desk.channel("agent", "anna"))
    yield made
    made.close()


def decisions(subscriber, channel):
    """The raw payloads of a channel, tips left out."""
    with subscriber.changed:
        return [raw.decode() for name, event, raw in subscriber.messages if name == channel and event["type"] != "agent.tip"]


def numbers(events):
    return [int(event["agentsequence"]) for event in events]


def raw_feed(router, agent="anna", after=0, limit=1000):
    """The items' own bytes: what stands between the commas of the page."""
    answer = router.agent(agent).get(f"agents/{agent}/feed?after={after}&limit={limit}")
    assert answer.status == 200, answer
    text, items, decoder = answer.bytes.decode(), [], json.JSONDecoder()
    at = len('{"items":[')
    assert text.startswith('{"items":[')
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        items.append(text[at:end])
        at = end + 1 if text[end] == "," else end
    return items


def raw_stream(router, count, agent="anna", after=0, last_event_id=None):
    """The data lines of the next `count` decisions, with their ids."""
    stream = router.agent(agent).stream(f"agents/{agent}/stream" + ("" if after is None else f"?after={after}"), last_event_id)
    found, lines = [], {}
    while len(found) < count:
        line = stream.response.readline()
        assert line, "the stream has ended"
        line = line.rstrip(b"\n").decode()
        if line:
            name, _, value = line.partition(": ")
            lines[name] = value
            continue
        if lines.get("event") == "decision":
            found.append((int(lines["id"]), lines["data"]))
        lines = {}
    stream.close()
    return found


def begin(router, count, start=0, text="Hello"):
    """Interactions that are offered to anna, one decision each."""
    source = router.source()
    for number in range(start, start + count):
        answer = source.event(chat(f"v{number}", text=text))
        assert answer.status == 200 and answer.json["outcome"] == "offered", answer


def message_storm(router, subject, count, text):
    """Messages of an open chat, one decision each."""
    source = router.source()
    for at in range(0, count, 50):
        answer = source.batch([chat("v0", subject, text=text) for _ in range(min(50, count - at))])
        assert answer.status == 200 and all(item["outcome"] == "attached" for item in answer.json), answer


# --- the same everywhere ---


def test_redis_feed_and_stream_give_the_same_bytes(desk, redis, heard):
    """A life of every kind: calls, chats and mails that are offered, taken, answered, withdrawn, blocked and ended."""
    admin, anna, source = desk.client(), desk.agent("anna"), desk.source()
    known = admin.ok("POST", "customers", {"name": "Käthe \"K\" O'Neil", "owner": "ben", "tags": ["vip", "ä/ö"],
                                           "contacts": [{"phone": "+4915112345678"}, {"email": "kaethe@example.com"}]}, 201)
    for shared in ("One", "Two"):
        admin.ok("POST", "customers", {"name": shared, "contacts": [{"email": "both@example.com"}]}, 201)
    desk.presence("anna")
    offers = []
    for event in (ringing("+4915112345678"), ringing("anonymous"), ringing("+4915199999999", "s-new"), mail("kaethe@example.com"),
                  mail('"Neu, Er" <new@example.com>'), mail("both@example.com"), chat("v1", "s-chat")):
        answer = source.event(event)
        assert answer.status == 200, answer
        if answer.json["outcome"] == "offered":
            offers.append(answer.json["offer"])
    accepted = [anna.ok("POST", f"offers/{offer}/accept", {}) for offer in offers]
    assert any(one.get("customer", {}).get("id") == known["id"] for one in accepted)
    assert source.event(chat("v1", "s-chat", text="Zeile 1\nZeile 2 \u2028 \U0001f600")).json["outcome"] == "attached"
    for one in accepted:
        anna.ok("POST", f"interactions/{one['interaction']}/end", {})  # calls that wait are offered now
    rejected = source.event(chat("v2"))
    anna.ok("POST", f"offers/{rejected.json['offer']}/reject", {"cause": "busy"})
    admin.ok("POST", "blacklist", {"email": "bad@example.com"}, 201)
    assert source.event(mail("bad@example.com")).json["outcome"] == "blocked"
    desk.presence("anna", "break")
    desk.presence("anna", "available")
    desk.presence("anna", "offline")

    newest = int(anna.ok("GET", "agents")["items"][0]["agentsequence"])
    assert newest >= 20
    wait_for(lambda: len(decisions(heard, desk.channel("agent", "anna"))) >= newest, "all were published")
    told = decisions(heard, desk.channel("agent", "anna"))
    assert numbers(map(json.loads, told)) == list(range(1, newest + 1))
    assert {json.loads(one)["type"] for one in told} >= {
        "interaction.offered", "interaction.assigned", "interaction.message", "interaction.ended", "offer.withdrawn",
        "agent.presence"}
    assert raw_feed(desk) == told
    assert raw_stream(desk, newest) == list(enumerate(told, 1))


def test_queue_and_all_channels_carry_the_event_without_the_agents_number(desk, redis):
    names = [desk.channel("all"), desk.channel("queue", "support"), desk.channel("agent", "anna")]
    subscriber = redis.subscribe(*names)
    desk.presence("anna")
    desk.source().event(ringing())
    desk.source().event(ringing())  # waits: for no agent
    wait_for(lambda: len(decisions(subscriber, names[0])) >= 3, "three on :all")
    on_all, on_queue, on_agent = (list(map(json.loads, decisions(subscriber, name))) for name in names)
    assert [event["type"] for event in on_all] == ["agent.presence", "interaction.offered", "interaction.queued"]
    assert on_queue == on_all[1:]
    assert all("agentsequence" not in event for event in on_all)
    assert numbers(on_agent) == [1, 2]
    for event in on_agent:
        del event["agentsequence"]
    assert on_agent == on_all[:2]
    assert [event["sequence"] for event in on_all] == sorted(event["sequence"] for event in on_all)
    subscriber.close()


def test_what_a_restart_reads_back_is_what_was_told(desk, heard):
    desk.presence("anna")
    begin(desk, 3)
    before = decisions(heard, desk.channel("agent", "anna")) if heard.wait_count(4) else []
    desk.restart()
    assert raw_feed(desk) == before
    begin(desk, 1, 3)
    assert numbers(map(json.loads, raw_feed(desk))) == [1, 2, 3, 4, 5]


# --- the feed ---


def test_the_feed_comes_in_pages_that_meet(desk):
    desk.presence("anna")
    begin(desk, 10)
    anna, after, seen, pages = desk.agent("anna"), "0", [], 0
    while after is not None:
        page = anna.ok("GET", f"agents/anna/feed?limit=4&after={after}")
        seen += numbers(page["items"])
        after, pages = page["next"], pages + 1
    assert seen == list(range(1, 12)) and pages == 3
    over_rpc = desk.rpc_client("agent", "anna").call("feed.read", {"agent": "anna", "after": "9"})
    assert over_rpc == {"items": anna.ok("GET", "agents/anna/feed?after=9")["items"], "next": None}


@pytest.mark.parametrize("path", ["feed", "stream"])
def test_agents_read_their_own_feed_and_supervisors_anybodys(desk, path):
    assert desk.agent("ben").get(f"agents/anna/{path}").status == 403
    assert desk.source().get(f"agents/anna/{path}").status == 403
    assert desk.client("supervisor").get(f"agents/nobody/{path}").status == 404
    assert desk.client("supervisor").request("HEAD", f"agents/anna/{path}").status == 200
    bad = desk.agent("anna").get(f"agents/anna/{path}?after=1x")
    assert bad.status == 400 and bad.json["code"] == "invalid"


# --- server-sent events ---


def test_a_stream_goes_on_after_last_event_id_and_then_live(desk):
    desk.presence("anna")
    begin(desk, 5)
    stream = desk.agent("anna").stream("agents/anna/stream?after=1", last_event_id="00000000000000000004")
    assert [int(stream.next("decision")[1]) for _ in range(2)] == [5, 6]
    begin(desk, 2, 5)
    assert [int(stream.next("decision")[1]) for _ in range(2)] == [7, 8]
    stream.close()


def test_a_stream_without_a_number_begins_at_the_newest(desk):
    desk.presence("anna")
    begin(desk, 2)
    stream = desk.agent("anna").stream("agents/anna/stream")
    kind, number, tip = stream.next()
    assert (kind, int(number)) == ("tip", 3) and tip == {"agent": "anna", "agentsequence": number}
    begin(desk, 1, 2)
    assert int(stream.next("decision")[1]) == 4
    stream.close()


def test_catching_up_meets_what_is_decided_meanwhile(desk):
    """Streams that begin at any moment of a storm of decisions get every one of them, once, in order."""
    desk.presence("anna")
    subject = "s-storm"
    assert desk.source().event(chat("v0", subject)).json["outcome"] == "offered"
    count, streams = 600, []
    for at in range(0, count, 50):
        streams.append(desk.agent("anna").stream("agents/anna/stream?after=0"))
        message_storm(desk, subject, 50, "m")
    for stream in streams:
        got = []
        while not got or got[-1] < count + 2:
            got.append(int(stream.next("decision")[1]))
        assert got == list(range(1, count + 3))
        stream.close()


def test_two_streams_of_one_agent_both_get_everything(desk):
    desk.presence("anna")
    first = desk.agent("anna").stream("agents/anna/stream?after=0")
    second = desk.client("supervisor").stream("agents/anna/stream?after=0")
    begin(desk, 3)
    for stream in (first, second):
        assert [int(stream.next("decision")[1]) for _ in range(4)] == [1, 2, 3, 4]
    first.close()
    begin(desk, 1, 3)
    assert int(second.next("decision")[1]) == 5
    wait_for(lambda: desk.metric("patchbay_streams") == 1, "the stream that was closed is gone")
    second.close()


def test_tips_follow_the_last_event_within_a_second(desk, redis):
    channel = desk.channel("agent", "anna")
    subscriber = redis.subscribe(channel)
    stream = desk.agent("anna").stream("agents/anna/stream?after=0")
    desk.token("source")  # before the clock runs
    desk.presence("anna")
    assert int(stream.next("decision")[1]) == 1
    for last in range(2, 6):
        begin(desk, 1, last)
        assert int(stream.next("decision")[1]) == last
        started = time.monotonic()
        assert int(stream.next("tip")[2]["agentsequence"]) == last
        took = time.monotonic() - started
        if took < 1.2:
            break  # else the machine stood still just then
    assert took < 1.2
    tip = subscriber.wait_event("agent.tip", agentsequence=f"{last:020}", timeout=2)
    assert tip["agentsequence"] == tip["data"]["agentsequence"] and tip["subject"] == "anna"
    assert tip["source"] == "/projects/demo" and "sequence" not in tip
    again = subscriber.wait_event("agent.tip", timeout=18, match=lambda event: event["id"] != tip["id"] and
                                  event["agentsequence"] == tip["agentsequence"])
    assert again["time"] > tip["time"]
    assert int(stream.next("tip")[1]) == last
    stream.close()
    subscriber.close()


def test_a_stream_that_never_reads_is_cut_and_memory_stays_bounded(desk):
    desk.presence("anna")
    subject = "s-slow"
    assert desk.source().event(chat("v0", subject)).json["outcome"] == "offered"
    message_storm(desk, subject, 100, LARGE)
    before = desk.resident_kib()
    host, port = desk.http.rsplit(":", 1)
    slow = []
    for _ in range(20):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        connection.sendall(f"GET /v1/projects/demo/agents/anna/stream HTTP/1.1\r\nHost: x\r\n"
                           f"Authorization: Bearer {desk.token('agent', 'anna')}\r\n\r\n".encode())
        slow.append(connection)
    wait_for(lambda: desk.metric("patchbay_streams") == 20, "all are open")
    for _ in range(12):
        message_storm(desk, subject, 50, LARGE)
    wait_for(lambda: desk.metric("patchbay_streams") == 0, "all were cut")
    # Sanitizers keep freed memory for a while; 20 streams of 36 MB each would show all the same.
    assert desk.resident_kib() - before < 400_000
    for connection in slow:
        connection.close()
    late = desk.agent("anna").stream("agents/anna/stream?after=0")  # more than its buffer holds, read slowly
    got = []
    while not got or got[-1] < 702:
        got.append(int(late.next("decision")[1]))
    assert got == list(range(1, 703))
    late.close()


# --- MessagePack-RPC ---


def test_a_subscription_notifies_decisions_and_tips(desk):
    desk.presence("anna")
    begin(desk, 3)
    client = desk.rpc_client("agent", "anna")
    assert client.call("feed.subscribe", {"agent": "anna", "after": "1"}) == {
        "agent": "anna", "agentsequence": "00000000000000000004"}
    feed = desk.agent("anna").ok("GET", "agents/anna/feed?after=1")["items"]
    assert [client.next_notification("decision") for _ in range(3)] == [[event] for event in feed]
    assert client.next_notification("tip") == [{"agent": "anna", "agentsequence": "00000000000000000004"}]
    begin(desk, 1, 3)
    [event] = client.next_notification("decision")
    assert int(event["agentsequence"]) == 5
    with pytest.raises(Exception, match="forbidden"):
        client.call("feed.subscribe", {"agent": "ben"})
    client.close()
    wait_for(lambda: desk.metric("patchbay_streams") == 0, "the subscription went with its connection")


def test_a_subscription_again_takes_the_place_of_the_first(desk):
    desk.presence("anna")
    client = desk.rpc_client("agent", "anna")
    client.call("feed.subscribe", {})
    client.call("feed.subscribe", {"after": "0"})
    assert int(client.next_notification("decision")[0]["agentsequence"]) == 1
    assert desk.metric("patchbay_streams") == 1
    begin(desk, 1)
    assert int(client.next_notification("decision")[0]["agentsequence"]) == 2
    assert desk.rpc_client("supervisor").call("feed.subscribe", {"agent": "ben"})["agent"] == "ben"
    client.close()


def test_events_of_several_agents_on_one_connection_say_whose_feed_they_are_from(make_router, tables):
    agents = {name: f"{{name: {name}, queues: [support, chat], capacity: {{call: 1, chat: 3}}}}" for name in ("anna", "ben")}
    router = make_router(project(agents, offer_timeout="1s") + "cool_down: {reject: 0s, no_answer: 0s}\nmisses: 9\ngrace: 1s\n").start()
    client = router.rpc_client("supervisor")
    for agent in agents:
        client.call("feed.subscribe", {"agent": agent, "after": "0"})
    router.presence("anna")
    source = router.source()
    call = ringing()
    router.token("agent", "ben")  # before the clock of the offer runs
    offered = source.event(call).json
    router.presence("ben")
    router.agent("anna").ok("POST", f"offers/{offered['offer']}/reject", {"cause": "reject"})
    wait_for(lambda: tables.one("SELECT count(*) FROM feed WHERE agent = 'ben'") >= 3, "ben was asked and did not answer")
    source.event(cloudevent("call.ended", call["subject"]))
    visitor = chat("v1")
    talk = source.event(visitor).json
    router.agent(talk["agent"]).ok("POST", f"offers/{talk['offer']}/accept")
    source.event({**visitor, "id": visitor["id"] + "-2"})
    router.presence(talk["agent"], "offline")  # and does not come back: the chat is taken from them
    wait_for(lambda: tables.one("SELECT state FROM interactions WHERE id = %s", talk["interaction"]) != 2, "requeued")
    source.event({**visitor, "id": visitor["id"] + "-3"})
    feeds = {agent: router.client("supervisor").ok("GET", f"agents/{agent}/feed?after=0")["items"] for agent in agents}
    heard = {agent: [] for agent in agents}
    while any(len(heard[agent]) < len(feeds[agent]) for agent in agents):  # offers go on ending: more may come
        [event] = client.next_notification("decision")
        heard[event["data"]["agent"]].append(event)
    assert {agent: events[:len(feeds[agent])] for agent, events in heard.items()} == feeds
    assert all(numbers(events) == list(range(1, len(events) + 1)) for events in heard.values())
    seen = {event["type"] for events in heard.values() for event in events}
    assert {"interaction.offered", "offer.withdrawn", "interaction.assigned", "interaction.queued", "interaction.message",
            "agent.presence"} <= seen
    client.close()


def test_a_subscriber_that_never_reads_is_cut(desk):
    desk.presence("anna")
    subject = "s-slow"
    assert desk.source().event(chat("v0", subject)).json["outcome"] == "offered"
    client = desk.rpc_client("agent", "anna")
    client.call("feed.subscribe", {"agent": "anna"})
    stopped = StoppedReader(desk)
    wait_for(lambda: desk.metric("patchbay_streams") == 2, "both are open")
    for _ in range(6):
        message_storm(desk, subject, 50, LARGE)
    wait_for(lambda: desk.metric("patchbay_streams") == 1, "the one that does not read was cut")
    for number in range(3, 303):
        assert int(client.next_notification("decision")[0]["agentsequence"]) == number
    stopped.close()
    client.close()


class StoppedReader:
    """Subscribes and reads nothing after that."""

    def __init__(self, router):
        import msgpack
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = router.rpc.rsplit(":", 1)
        self.socket.connect((host, int(port)))
        token = router.token("agent", "anna")
        self.socket.sendall(msgpack.packb([0, 1, "hello", [{"protocol": 1, "client": "slow", "auth": {"token": token}}]]) +
                            msgpack.packb([0, 2, "feed.subscribe", [{"agent": "anna"}]]))

    def close(self):
        self.socket.close()


# --- Redis away ---


def settled(router):
    wait_for(lambda: router.metric("patchbay_publish_lag") == 0, lambda: f"all is published; log: {router.log()[-2000:]}")


def all_told(router, subscriber, feed):
    """What the agent's channel has brought, once it has brought the last of the feed."""
    channel = router.channel("agent", "anna")
    wait_for(lambda: feed[-1] in decisions(subscriber, channel), "the newest has arrived")
    return decisions(subscriber, channel)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_what_redis_missed_is_published_in_order_when_it_is_back(desk, redis, heard, how):
    desk.expect_log("redis is away")
    desk.presence("anna")
    begin(desk, 2)
    heard.wait_count(3)
    getattr(redis, how)()
    begin(desk, 100, 2)  # decisions go on
    assert desk.metric("patchbay_redis_up") == 0 and desk.metric("patchbay_publish_lag") >= 100
    redis.start()
    heard_again = redis.subscribe(desk.channel("agent", "anna"))
    assert heard.ready.wait(10)
    begin(desk, 1, 102)
    settled(desk)
    feed = raw_feed(desk)
    assert len(feed) == 104
    # Whoever was there in time has them all; the first ones may have come before anybody had subscribed again.
    told = all_told(desk, heard_again, feed)
    assert told == feed[len(feed) - len(told):] and told
    assert desk.metric("patchbay_redis_up") == 1
    desk.wait_log("what Redis had missed is published")
    heard_again.close()


def test_nothing_is_missed_when_the_link_is_cut_under_load(make_router, redis, make_proxy):
    """The subscribers stay; only the router's own connection is cut, again and again, in the middle of messages."""
    proxy = make_proxy(redis.port)
    router = make_router(project(agents=ANNA, offer_timeout="600s"), redis_port=proxy.port)
    router.expect_log("redis is away")
    router.expect_log("decisions wait for Redis")
    router.start()
    subscriber = redis.subscribe(router.channel("agent", "anna"), router.channel("all"))
    router.presence("anna")
    subject = "s-cut"
    assert router.source().event(chat("v0", subject)).json["outcome"] == "offered"
    for round_number in range(8):
        proxy.cut("to_server" if round_number % 2 else "to_client", 20_000 if round_number % 2 else 500, hard=round_number % 3 == 0)
        message_storm(router, subject, 100, f"round {round_number}")
    proxy.heal()
    settled(router)
    feed = raw_feed(router)
    assert len(feed) == 802
    told = all_told(router, subscriber, feed)
    wait_for(lambda: json.loads(feed[-1])["id"] in decisions(subscriber, router.channel("all"))[-1], "and on :all")
    firsts = list(dict.fromkeys(told))  # at least once: repeats come again, in order, and are dropped
    assert firsts == feed
    ids = list(dict.fromkeys(json.loads(one)["id"] for one in decisions(subscriber, router.channel("all"))))
    assert ids == [json.loads(one)["id"] for one in feed]
    subscriber.close()


def test_what_was_missed_before_a_crash_is_published_by_the_next_owner(desk, redis, heard):
    desk.expect_log("redis is away")
    desk.presence("anna")
    begin(desk, 2)
    heard.wait_count(3)
    redis.kill()
    begin(desk, 20, 2)
    desk.kill()
    redis.start()
    assert heard.ready.wait(10)
    again = redis.subscribe(desk.channel("agent", "anna"))
    desk.start()
    settled(desk)
    feed = raw_feed(desk)
    told = list(dict.fromkeys(all_told(desk, again, feed)))
    assert len(feed) == 23 and told[-20:] == feed[-20:]
    again.close()


def test_a_redis_that_stalls_does_not_hold_up_decisions(desk, redis, heard):
    desk.presence("anna")
    begin(desk, 1)
    heard.wait_count(2)
    redis.pause()
    answers = []
    for number in range(1, 51, 10):  # each waits for the one before; a Redis that is waited for is soon said to be away
        answers += desk.source().batch([chat(f"v{at}") for at in range(number, number + 10)]).json
    redis.resume()
    assert len(answers) == 50 and {answer["outcome"] for answer in answers} == {"offered"}
    settled(desk)
    wait_for(lambda: len(heard.events) >= 52, "the rest has come")
    assert decisions(heard, desk.channel("agent", "anna")) == raw_feed(desk)


# --- PostgreSQL away ---


def test_a_stream_outlives_an_outage_of_the_database(desk, postgres):
    desk.expect_log("database|connection|tokens cannot be confirmed")
    desk.presence("anna")
    stream = desk.agent("anna").stream("agents/anna/stream?after=0")
    assert int(stream.next("decision")[1]) == 1
    source = desk.source()
    postgres.kill()
    assert desk.agent("anna").get("agents/anna/feed").status == 503
    postgres.start()
    desk.wait_ready()
    wait_for(lambda: source.event(chat("v1", "s-1")).status == 200, "decisions are made again")
    assert int(stream.next("decision")[1]) == 2
    stream.close()
