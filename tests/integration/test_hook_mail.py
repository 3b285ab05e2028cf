"""Mail by webhooks: a signature that says nothing of the mail is good for one, and mail is kept as it came as over LMTP."""
import contextlib
import hashlib
import hmac
import json
import os
import signal
import time
import urllib.parse

import pytest

from harness.hook_peers import Peer
from harness.lmtp_client import LmtpClient
from harness.process import wait_for
from harness.projects import project

NOT_SIGNED = "a webhook is not signed as its secrets say"


def mime(number, text="Hello"):
    return (f"From: Ann <ann@customer.example>\r\nTo: help@demo.example\r\nMessage-ID: <hm{number}@customer.example>\r\n"
            f"Subject: Hi\r\n\r\n{text}\r\n").encode() + b"as it came: \xe4\r\n"


class Mailgun(Peer):
    def __init__(self, router, name, secret):
        super().__init__(router, "mailgun", name, secret)
        self.path += "/mime"

    def deliver(self, message, token="t" * 50, **more):
        stamp = str(int(time.time()))
        fields = {"recipient": "help@demo.example", "sender": "ann@customer.example", "body-mime": message, "timestamp": stamp, "token": token,
                  "signature": hmac.new(self.secret, (stamp + token).encode(), hashlib.sha256).hexdigest(), **more}
        return self.send(urllib.parse.urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})


class Postmark(Peer):
    def deliver(self, message):
        posted = json.dumps({"OriginalRecipient": "Help@Demo.Example", "RawEmail": message.decode("latin-1")})
        return self.send(posted, {"Content-Type": "application/json"})


@pytest.fixture
def router(make_router, tmp_path):
    (tmp_path / "mailgun").write_text("signing-key\n")
    return make_router(project().replace("queue: mail}", "queue: mail, keep_raw: true}") + f"""\
hooks:
  signed: {{preset: mailgun, secret_files: [{tmp_path}/mailgun]}}
  more: {{preset: mailgun, secret_files: [{tmp_path}/mailgun]}}
  box: {{preset: postmark}}
""").start()


def outcome(answer):
    assert answer.status == 200, answer
    return json.loads(answer.bytes)["decisions"][0]["outcome"]


def test_a_signature_of_mailgun_is_good_for_the_mail_that_it_came_with(router, database):
    router.expect_log(NOT_SIGNED)
    mailgun = Mailgun(router, "signed", b"signing-key")
    assert outcome(mailgun.deliver(mime(1))) == "queued"
    assert mailgun.deliver(mime(1)).headers["Patchbay-Duplicate"] == "true"  # as Mailgun tries again
    for other in ({"message": mime(2)}, {"message": mime(1), "recipient": "other@demo.example"}, {"message": mime(1), "sender": "x@y.example"}):
        refused = mailgun.deliver(**other)
        assert refused.status == 401 and "came with another message" in json.loads(refused.bytes)["detail"]
    wait_for(lambda: "why=reused" in router.log(), "it is logged")
    router.restart()
    mailgun = Mailgun(router, "signed", b"signing-key")
    assert mailgun.deliver(mime(2)).status == 401
    assert outcome(Mailgun(router, "more", b"signing-key").deliver(mime(1))) in ("queued", "attached")  # a route of two hooks
    assert outcome(mailgun.deliver(mime(2), token="u" * 50)) in ("queued", "attached")
    assert router.metric("patchbay_hooks_total", preset="mailgun", outcome="unauthenticated") == 1
    database.query("UPDATE patchbay.hook_nonces SET until_ms = 1 WHERE hook = 'more'")
    assert outcome(mailgun.deliver(mime(3), token="v" * 50)) in ("queued", "attached")
    assert database.query("SELECT count(*) FROM patchbay.hook_nonces WHERE hook = 'more'") == [(0,)]


def test_mail_by_webhooks_is_kept_as_it_came(router, tables):
    router.expect_log("a mail cannot be kept")
    client = router.client()
    for peer, expected in ((Mailgun(router, "signed", b"signing-key"), mime(4)),
                           (Postmark(router, "postmark", "box", None), mime(5).decode("latin-1").encode())):
        number = 4 if isinstance(peer, Mailgun) else 5
        answer = peer.deliver(mime(number))
        thread = json.loads(answer.bytes)["decisions"][0]["interaction"]
        kept = [client.get(f"interactions/{thread}/mails/{item['id']}").bytes
                for item in client.ok("GET", f"interactions/{thread}/mails")["items"]]
        assert expected in kept
    tables.query("CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not in this house'; END $$")
    tables.query("CREATE TRIGGER refuse_row BEFORE INSERT ON raw_mails FOR EACH ROW EXECUTE FUNCTION refuse_row()")
    box = Postmark(router, "postmark", "box", None)
    deferred = box.deliver(mime(6))
    assert deferred.status == 503 and deferred.headers["Retry-After"] and json.loads(deferred.bytes)["code"] == "storage_unavailable"
    tables.query("DROP TRIGGER refuse_row ON raw_mails")
    before = tables.one("SELECT count(*) FROM raw_mails")
    assert box.deliver(mime(6)).headers["Patchbay-Duplicate"] == "true"
    wait_for(lambda: tables.one("SELECT count(*) FROM raw_mails") == before + 1, "it is kept when it comes again")


LARGE = 4_000_000  # bytes; of 64 MiB (RAW_MAIL_UNDER_WAY_MAX) 16 are 64,000,000, and 3,108,864 are left
WRITING = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%INSERT INTO raw_mails%' AND wait_event_type = 'Lock'"


def large(number):
    """Each of somebody else: nobody writes too much."""
    return mime(number).replace(b"ann@", b"writer%d@" % number).ljust(LARGE - 2, b"x")  # with the line's end


def send(router, number, recipients):
    client = LmtpClient(router.lmtp)
    assert all(line.startswith("250") for line in client.envelope(recipients))
    client.send(b"DATA\r\n")
    assert client.reply().startswith("354")
    client.send(large(number) + b"\r\n.\r\n")
    return client


@contextlib.contextmanager
def held_up(tables):
    """What writes mail waits for a lock, and its time does not pass either. What drops old mail does not wait."""
    tables.query("CREATE FUNCTION wait_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$")
    tables.query("CREATE TRIGGER wait_row BEFORE INSERT ON raw_mails FOR EACH ROW EXECUTE FUNCTION wait_row()")
    lock = tables.connect()
    lock.cursor().execute("SELECT pg_advisory_lock(4711)")
    stopped = []

    def stop():
        [(pid,)] = wait_for(lambda: tables.query(WRITING), "a mail is being written", 60)
        stopped.append(pid)
        os.kill(pid, signal.SIGSTOP)

    try:
        yield stop
    finally:
        lock.close()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_mail_to_be_kept_that_the_database_does_not_take_is_bounded(make_router, tables):
    desks = [f"desk{n}@demo.example" for n in range(3)]
    endpoints = "".join(f"  - {{email: {address}, queue: mail}}\n" for address in desks)
    router = make_router(project().replace("endpoints:\n", "endpoints:\n" + endpoints)
                         + "mail: {keep_raw: true, raw_max: 4194304}\nhooks: {box: {preset: postmark}}\n").start()
    router.expect_log("too much mail is on its way to be kept|a mail cannot be kept")
    box = Postmark(router, "postmark", "box", None)
    outcome(box.deliver(mime(8)))  # its token is known
    with held_up(tables) as stop:
        clients = [send(router, 20, desks)]
        stop()
        assert router.metric("patchbay_raw_mail_bytes") == LARGE, "once, however many it goes to"
        anybody = router.client("supervisor")  # her token is a new one
        assert anybody.get("queues").status == 200 and anybody.get("customers").status == 200, "nobody else waits for it"
        clients += [send(router, 20 + n, desks[:1]) for n in range(1, 16)]
        wait_for(lambda: router.metric("patchbay_raw_mail_bytes") == 16 * LARGE, "as much as may be is on its way", 60)
        late = send(router, 36, desks[:1])
        assert late.reply().startswith("452 4.3.1")
        refused = box.deliver(mime(10, "x" * 3_200_000))
        assert refused.status == 503 and refused.headers["Retry-After"] == "1" and json.loads(refused.bytes)["code"] == "overloaded"
        assert router.metric("patchbay_raw_mails_total", outcome="overloaded") == 2
        assert router.metric("patchbay_hooks_total", preset="postmark", outcome="overloaded") == 1
    replies = [client.reply()[:9] for client in clients] + [clients[0].reply()[:9] for _ in desks[1:]]
    assert set(replies) <= {"250 2.0.0", "451 4.3.0"}, replies  # 451: the lock lasted for too long
    wait_for(lambda: router.metric("patchbay_raw_mail_bytes") == 0, "nothing is on its way")
    assert box.deliver(mime(10, "x" * 3_200_000)).headers["Patchbay-Duplicate"] == "true"
    assert tables.one("SELECT count(*) FROM raw_mails WHERE size BETWEEN 3000000 AND 3900000") == 1
    for client in [late, *clients]:
        client.close()


def test_an_event_that_the_database_refuses_is_answered_500_and_logged_without_its_id(router, tables):
    router.expect_log("the database refuses an input")
    tables.query("ALTER TABLE content ADD CONSTRAINT no_poison CHECK (title <> 'Hi')")
    answer = Postmark(router, "postmark", "box", None).deliver(mime(7))
    assert answer.status == 500 and json.loads(answer.bytes)["code"] == "internal"
    line = wait_for(lambda: next((line for line in router.log().splitlines() if "the database refuses an input" in line), None), "it is logged")
    assert "customer.example" not in line and "event=" in line, line
    assert router.metric("patchbay_hooks_total", preset="postmark", outcome="deferred") == 1
