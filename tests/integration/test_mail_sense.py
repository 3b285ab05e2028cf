"""What is made of mail: which thread it belongs to, whose it is not, when it comes in a loop, and what is kept of it."""
import re

import pytest

from harness.fence import Fence
from harness.http_client import cloudevent, mail
from harness.lmtp_client import LmtpClient, message
from harness.process import wait_for
from harness.projects import project
from harness.router import admin

HELP = "help@demo.example"
OTHER = """\
project: other
endpoints: [{email: sales@other.example, queue: mail}]
queues: {mail: {}}
agents: {zoe: {queues: [mail]}}
rules: [{name: rest, when: "true", queue: endpoint}]
"""
numbers = iter(range(1, 10000))


class Post:
    """Mail into a router; each message has a Message-ID of its own."""

    def __init__(self, router):
        self.router, self.client = router, LmtpClient(router.lmtp)

    def send(self, to=HELP, sender="ann@customer.example", **more):
        """The interaction that it went to, or None."""
        [reply] = self.client.deliver(message(next(numbers), sender, **more), [to], sender)
        assert reply.startswith("250 2.0.0 accepted: "), reply
        return None if reply.endswith("no interaction") else reply.split()[-1]

    def close(self):
        self.client.close()


@pytest.fixture
def post(router):
    made = Post(router)
    yield made
    made.close()


def with_subject(text, sender="ann@customer.example"):
    return (f"From: <{sender}>\r\nTo: {HELP}\r\nSubject: {text}\r\nMessage-ID: <t{next(numbers)}@customer.example>\r\n\r\nHi\r\n").encode()


def forged(token):
    return token.replace(token[5], "a" if token[5] != "a" else "b", 1)


def test_a_signed_token_leads_to_its_thread_wherever_it_stands(post, router, database):
    thread, other = post.send(), post.send(sender="eve@elsewhere.example")
    reply = router.client().ok("GET", f"interactions/{thread}/reply")
    assert reply["from"] == HELP and reply["to"] == "ann@customer.example" and reply["in_reply_to"] == reply["references"]
    assert reply["reply_to"].startswith("help+") and reply["reply_to"].endswith("@demo.example")
    assert len(reply["reply_to"].split("@")[0]) <= 64 and reply["headers"] == {"X-Patchbay-Project": "demo"}
    again = router.client().ok("GET", f"interactions/{thread}/reply")
    assert again["reply_to"] == reply["reply_to"] and again["message_id"] != reply["message_id"]
    elsewhere = router.client().ok("GET", f"interactions/{other}/reply")

    for where in (dict(to=reply["reply_to"]), dict(to=reply["reply_to"].upper()),
                  dict(headers=f"Cc: Help <{reply['reply_to']}>\r\n"),
                  dict(headers=f"In-Reply-To: {reply['message_id']}\r\n"),
                  dict(headers=f"References: {reply['message_id']} <lost@elsewhere.example>\r\n"),
                  dict(to=reply["reply_to"], headers=f"In-Reply-To: {elsewhere['in_reply_to'][0]}\r\n")):
        assert post.send(sender="colleague@customer.example", **where) == thread, where
    for where in (dict(to=forged(reply["reply_to"])), dict(headers=f"In-Reply-To: {forged(reply['message_id'])}\r\n")):
        assert post.send(sender="stranger@elsewhere.example", **where) not in (None, thread), where

    [said] = post.client.deliver(with_subject(reply["subject"]))
    assert said.split()[-1] == thread
    [said] = post.client.deliver(with_subject(reply["subject"], "colleague@customer.example"))
    assert said.split()[-1] == thread, "who wrote in the thread takes part in it"
    [said] = post.client.deliver(with_subject(reply["subject"], "stranger@elsewhere.example"))
    assert said.split()[-1] != thread
    router.client().ok("POST", "blacklist", {"email": "colleague@customer.example"}, status=201)
    assert router.client().ok("GET", f"interactions/{thread}")["state"] == "queued"
    [said] = post.client.deliver(message(next(numbers), "colleague@customer.example"), [reply["reply_to"]])
    blocked = router.metric("patchbay_answers_total", outcome="blocked")
    assert said.split()[-1] == thread and blocked == 1
    router.stop()
    assert admin(database.url, "replay", "--project", "demo").returncode == 0


def test_a_thread_and_its_writers_are_known_after_a_restart_and_a_new_key(router, database):
    post = Post(router)
    thread = post.send()
    reply = router.client().ok("GET", f"interactions/{thread}/reply")
    post.send(to=reply["reply_to"], sender="colleague@customer.example")
    database.query("SELECT patchbay.rotate_mail_key('demo')")
    wait_for(lambda: router.client().ok("GET", f"interactions/{thread}/reply")["reply_to"] != reply["reply_to"], "the new key signs")
    router.restart()
    post.close()
    post = Post(router)
    [said] = post.client.deliver(with_subject(reply["subject"], "colleague@customer.example"))
    assert said.split()[-1] == thread
    assert post.send(to=reply["reply_to"], sender="third@customer.example") == thread, "the key before is good too"
    database.query("SELECT patchbay.rotate_mail_key('demo')")
    wait_for(lambda: post.send(to=reply["reply_to"], sender="third@customer.example") != thread, "two keys ago is over")
    post.close()


def test_a_call_and_a_stranger_have_no_way_to_reply(router, post):
    thread = post.send()
    client = router.client()
    assert client.get("interactions/018f0000-0000-7000-8000-000000000000/reply").status == 404
    assert router.client("agent", "ben").get(f"interactions/{thread}/reply").status == 404
    assert router.client("source").get(f"interactions/{thread}/reply").status == 200
    answer = router.source().event({"specversion": "1.0", "type": "call.ringing", "source": "pbx", "id": "1", "subject": "c",
                                    "data": {"from": "+4915112345678", "to": "+4930901820"}})
    assert client.get(f"interactions/{answer.json['interaction']}/reply").json["code"] == "invalid"


def test_a_stranger_in_a_thread_is_shown_as_the_stranger(post, router, subscriber):
    router.presence("anna")
    thread = post.send()
    reply = router.client().ok("GET", f"interactions/{thread}/reply")
    [first] = reply["in_reply_to"]
    assert post.send(sender="eve@elsewhere.example", headers=f"References: {first}\r\n", text="Send it to me") == thread
    told = subscriber.wait_event("interaction.message", thread, text="Send it to me")["data"]
    assert told["from"]["email"] == "ann@customer.example" and told["author"] == {"email": "eve@elsewhere.example", "name": "Ann"}
    [read] = [item for item in router.client().ok("GET", "agents/anna/feed?after=0")["items"] if item["type"] == "interaction.message"]
    assert read["data"]["author"] == told["author"]
    again = router.client().ok("GET", f"interactions/{thread}/reply")
    assert again["to"] == reply["to"] and again["reply_to"] == reply["reply_to"]
    assert router.client().ok("GET", f"interactions/{thread}")["from"]["email"] == "ann@customer.example"

    before = len(router.client().ok("GET", "customers")["items"])
    for sender in (HELP, '"help"@demo.example', "help@Demo.Example", reply["reply_to"]):
        assert post.send(sender=sender, headers=f"In-Reply-To: {first}\r\n", text="from us?") == thread, sender
    assert not [event for event in subscriber.events if event["data"].get("text") == "from us?"]
    assert len(router.client().ok("GET", "customers")["items"]) == before


def test_a_message_id_without_end_is_none(post, router):
    endless = f"<{'x' * 10240}@customer.example>"
    text = (f"From: <ann@customer.example>\r\nTo: {HELP}\r\nSubject: x\r\nMessage-ID: {endless}\r\n\r\nHi\r\n").encode()
    [said] = post.client.deliver(text)
    thread = said.split()[-1]
    [first] = router.client().ok("GET", f"interactions/{thread}/reply")["in_reply_to"]
    assert first.endswith("@no-message-id.invalid>")
    assert post.send(headers=f"In-Reply-To: {first}\r\n") == thread
    assert post.send(headers=f"References: {endless} {endless}\r\n") not in (None, thread)
    assert post.send(headers=f"References: {endless}\r\n {first}\r\n") == thread


def test_what_a_sender_wrote_makes_no_header_of_a_reply(router):
    old = "a" * 42
    title = f"Re: Broken [#{old}]\r\nBcc: eve@elsewhere.example [#{old}]"
    answer = router.source().event(cloudevent("email.received", "<1@customer.example>", {"from": "ann@customer.example", "to": HELP,
                                                                                       "subject": title, "text": "Hello"}))
    reply = router.client().ok("GET", f"interactions/{answer.json['interaction']}/reply")
    subject, token = reply["subject"].split("[#")
    assert subject == "Re: Broken Bcc: eve@elsewhere.example " and token != f"{old}]" and len(token) == 43


def test_our_own_addresses_are_nobodys(make_router, tmp_path):
    router = make_router()
    other = tmp_path / "other.yaml"
    other.write_text(OTHER)
    router.apply(other)
    router.start()
    post = Post(router)
    reply = router.client().ok("GET", f"interactions/{post.send()}/reply")
    before = len(router.client().ok("GET", "customers")["items"])
    for sender in (HELP, "help+order@demo.example", "HELP@DEMO.EXAMPLE", reply["reply_to"], "sales@other.example", "sales+x@other.example"):
        assert post.send(sender=sender) is None, sender
    answer = router.source().event({**mail("sales+a@other.example")})
    assert answer.json["outcome"] == "ignored" and answer.json["identity"]["outcome"] == "machine"
    assert len(router.client().ok("GET", "customers")["items"]) == before
    post.close()


LOOPS = """\
mail:
  loops: {sender: 3, machine: 2, within: 1h, thread: 5, thread_within: 1h}
"""


def loops(router, limit):
    return router.metric("patchbay_mail_loops_total", limit=limit)


def test_a_loop_is_recorded_and_asks_nobody(make_router, database):
    router = make_router(project() + LOOPS).start()
    router.expect_log("mail comes in a loop")
    post = Post(router)
    first = [post.send() for _ in range(3)]
    assert None not in first and [post.send() for _ in range(3)] == [None] * 3
    assert loops(router, "sender") == 3
    robot = dict(sender="robot@elsewhere.example", headers="Auto-Submitted: auto-replied\r\nIn-Reply-To: <1@x.example>\r\n")
    assert [post.send(**robot) for _ in range(3)] == [None] * 3 and loops(router, "machine") == 1
    for n in range(5):
        assert router.source().event(mail("ann@customer.example")).json["outcome"] != "ignored", "not over the API"
    thread = post.send(sender="b@customer.example")
    reply = router.client().ok("GET", f"interactions/{thread}/reply")
    for n in range(6):
        assert post.send(to=reply["reply_to"], sender=f"writer{n}@customer.example") == thread
    assert loops(router, "thread") == 1
    router.restart()
    post.close()
    post = Post(router)
    wait_for(lambda: "keys of the idempotency window are known" in router.log(), "what came before is known")
    assert post.send() is None and loops(router, "sender") == 1
    assert post.send(to=reply["reply_to"], sender="writer9@customer.example") == thread and loops(router, "thread") == 1
    post.close()
    router.stop()
    assert admin(database.url, "replay", "--project", "demo").returncode == 0


def test_budgets_after_a_restart_are_those_of_before(make_router, database):
    router = make_router(project() + LOOPS).start()
    router.expect_log("mail comes in a loop")
    post, source = Post(router), router.source()
    thread = post.send(sender="a@customer.example")
    reply = router.client().ok("GET", f"interactions/{thread}/reply")
    for n in range(3):
        assert post.send(to=reply["reply_to"], sender=f"writer{n}@customer.example") == thread
    for n in range(4):
        assert source.event({**mail("bob@customer.example"), "source": "lmtp"}).json["outcome"] != "ignored", "not over the API"
    robot = dict(to=reply["reply_to"], sender="robot@elsewhere.example", headers="Auto-Submitted: auto-generated\r\n")
    assert post.send(**robot) == thread
    for name in ("undisclosed", "nobody at all", "undisclosed"):
        assert post.send(sender=name)
    router.restart()
    post.close()
    post = Post(router)
    wait_for(lambda: router.log().count("keys of the idempotency window are known") == 2, "what came before is known")
    for n in range(3):
        assert post.send(sender="bob@customer.example"), "what came over the API has not counted"
    assert post.send(sender="bob@customer.example") is None and loops(router, "sender") == 1
    assert post.send(sender="nobody else") is None and loops(router, "sender") == 2
    assert post.send(to=reply["reply_to"], sender="writer8@customer.example") == thread and loops(router, "thread") == 0
    assert post.send(to=reply["reply_to"], sender="writer9@customer.example") == thread and loops(router, "thread") == 1
    assert post.send(**robot) == thread and loops(router, "machine") == 0
    assert post.send(**robot) is None and loops(router, "machine") == 1
    post.close()


def test_mail_that_was_not_committed_has_not_counted(make_router, tables):
    router = make_router(project() + LOOPS, flags=["--storage-wait", "2s", "--lease", "10m"]).start()
    router.expect_log("mail comes in a loop|database is away|refuses a batch for now")
    post = Post(router)
    assert post.send() and post.send()
    fence = Fence(tables)
    text = message(next(numbers))
    [reply] = post.client.deliver(text)
    assert reply.startswith("451 4.3.0"), reply
    fence.wait_stuck()  # it was decided, and counted
    [(writer,)] = tables.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'patchbay writer %'")
    tables.query("SELECT pg_terminate_backend(%s)", writer)
    wait_for(lambda: tables.one("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", writer) == 0, "the writer is gone")
    fence.rollback()
    wait_for(lambda: re.search("a commit in doubt is settled|refuses a batch for now", router.log()), "it is known what became of it")
    router.wait_ready()
    [reply] = post.client.deliver(text)
    assert reply.startswith("250 2.0.0 accepted: ") and not reply.endswith("no interaction"), reply
    assert loops(router, "sender") == 0
    assert post.send() is None and loops(router, "sender") == 1
    post.close()


def kept(database):
    return database.query("SELECT count(*) FROM patchbay.raw_mails")[0][0]


RAW = """\
mail: {raw_for: 1d, raw_max: 2000}
"""


def test_mail_is_kept_as_it_came_where_the_project_asks(make_router, database):
    text = project().replace("queue: mail}", "queue: mail, keep_raw: true}").replace(
        "  - {chat:", "  - {email: plain@demo.example, queue: mail}\n  - {chat:") + RAW
    router = make_router(text).start()
    post, client = Post(router), router.client()
    sent = message(next(numbers)) + b"as it came: \xe4\0"
    came = sent + b"\r\n"  # the line that a message ends with is its own
    [said] = post.client.deliver(sent)
    thread = said.split()[-1]
    [again] = post.client.deliver(sent)
    assert again.split()[-1] == thread
    assert post.send(headers="In-Reply-To: " + client.ok("GET", f"interactions/{thread}/reply")["message_id"] + "\r\n",
                     text="long " * 500) == thread
    plain = post.send(to="plain@demo.example")
    assert client.ok("GET", f"interactions/{plain}/mails")["items"] == []
    short, long = client.ok("GET", f"interactions/{thread}/mails")["items"]
    assert short["kept"] and short["size"] == len(came) and not long["kept"] and long["size"] > 2000
    answer = client.get(f"interactions/{thread}/mails/{short['id']}")
    assert answer.status == 200 and answer.bytes == came and answer.headers["Content-Type"] == "message/rfc822"
    assert answer.headers["Content-Disposition"].startswith("attachment") and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"interactions/{thread}/mails/{long['id']}").status == 404
    assert client.get(f"interactions/{plain}/mails/{short['id']}").status == 404, "it belongs to another interaction"
    assert router.client("agent", "ben").get(f"interactions/{thread}/mails").status == 404

    router.presence("anna")
    client.ok("POST", f"interactions/{thread}/end")
    client.ok("POST", f"interactions/{plain}/end")
    customer = database.query("SELECT customer FROM patchbay.interactions WHERE id = %s", thread)[0][0]
    client.ok("POST", f"customers/{customer}/erase")
    assert kept(database) == 0
    post.close()


def test_kept_mail_goes_when_its_time_is_over(make_router, database):
    router = make_router(project() + "mail: {keep_raw: true, raw_for: 1s}\n").start()
    post = Post(router)
    post.send()
    assert kept(database) == 1
    post.close()
    # A look a minute, the first one at once: its time must be over by then.
    wait_for(lambda: database.query("SELECT max(until_ms) < extract(epoch FROM now()) * 1000 FROM patchbay.raw_mails") == [(True,)],
             "the time is over")
    router.restart()
    wait_for(lambda: kept(database) == 0, "kept mail is dropped")
