"""Mail over LMTP: a reply for each recipient, 250 after the commit, and nothing that a client does may hurt."""
import select
import socket
import time

import pytest

from harness.lmtp_client import LmtpClient, message
from harness.process import wait_for

HELP = "help@demo.example"


@pytest.fixture
def lmtp(router):
    client = LmtpClient(router.lmtp)
    yield client
    client.close()


def interactions(router):
    return router.client().ok("GET", "interactions?state=open")["items"]


def test_a_mail_is_decided_before_it_is_acknowledged(router, lmtp):
    router.presence("anna")
    [reply] = lmtp.deliver(message(1))
    assert reply.startswith("250 2.0.0 accepted: ")
    interaction = router.client().ok("GET", f"interactions/{reply.split()[-1]}")
    assert interaction["channel"] == "email" and interaction["agent"] == "anna"
    assert interaction["from"]["email"] == "ann@customer.example" and interaction["from"]["name"] == "Ann"
    assert router.metric("patchbay_mails_total", outcome="accepted") == 1


def test_every_recipient_gets_a_reply_of_its_own(router, lmtp):
    replies = lmtp.envelope([HELP, "nobody@demo.example", "help+order@demo.example", '"odd one"@demo.example', "bad..dot@demo.example"])
    assert [line[:9] for line in replies] == ["250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "550 5.1.1", "550 5.1.3"]
    answers = lmtp.data(message(1), 2)
    assert answers[0].startswith("250 2.0.0 accepted") and answers[1].startswith("250 2.0.0")
    assert len(interactions(router)) == 1


def test_the_same_mail_again_is_the_same_decision(router, lmtp):
    first, again = lmtp.deliver(message(1)), lmtp.deliver(b"Received: by another way\r\n" + message(1))
    assert again[0].split()[-1] == first[0].split()[-1] and "known already" in again[0]
    assert "known already" in lmtp.deliver(message(1, text="Other words under the same Message-ID"))[0]
    nameless = b"From: bob@customer.example\r\nTo: help@demo.example\r\n\r\nNo Message-ID\r\n"
    first, again = lmtp.deliver(nameless), lmtp.deliver(b"Received: by x\r\n" + nameless)
    assert again[0].split()[-1] == first[0].split()[-1]
    assert len(interactions(router)) == 2


def test_a_reply_comes_to_its_thread(router, lmtp):
    lmtp.deliver(message(1))
    lmtp.deliver(message(2, headers="In-Reply-To: <1@customer.example>\r\n"))
    lmtp.deliver(message(3, headers="References: <1@customer.example> <lost@elsewhere.example>\r\n"))
    assert len(interactions(router)) == 1


def test_machines_begin_nothing(router, lmtp):
    assert "no interaction" in lmtp.deliver(message(1, headers="Auto-Submitted: auto-replied\r\n"))[0]
    assert "no interaction" in lmtp.deliver(message(2), sender="")[0]
    assert interactions(router) == []


def test_chunks_are_a_message_too(router, lmtp):
    text = message(1, text="a line\r\n.\r\nbehind a dot")
    lmtp.envelope([HELP])
    lmtp.send(f"BDAT {len(text[:50])}\r\n".encode() + text[:50] + f"BDAT {len(text[50:])} LAST\r\n".encode() + text[50:])
    assert lmtp.reply().startswith("250 2.0.0 chunk")
    assert lmtp.reply().startswith("250 2.0.0 accepted")
    assert lmtp.command("RSET").startswith("250")


@pytest.mark.parametrize("lines, codes", [
    (["MAIL FROM:<a@b.example>"], ["503 5.5.1"]),
    (["EHLO x"], ["500 5.5.1"]),
    (["LHLO x", "RCPT TO:<help@demo.example>"], ["250", "503 5.5.1"]),
    (["LHLO x", "MAIL FROM:<a@b.example>", "DATA"], ["250", "250", "503 5.5.1"]),
    (["LHLO x", "MAIL FROM:<a@b.example>", "MAIL FROM:<a@b.example>"], ["250", "250", "503 5.5.1"]),
    (["LHLO x", "MAIL FROM:<a@b.example> SIZE=99999999"], ["250", "552 5.3.4"]),
    (["LHLO x", "MAIL FROM:<a@b.example> RET=FULL"], ["250", "555 5.5.4"]),
    (["LHLO x", "MAIL FROM:a@b.example"], ["250", "501 5.1.7"]),
    (["x" * 5000, "NOOP"], ["500 5.5.6", "250"]),
    (["FETCH", "VRFY ann", "RSET", "QUIT", ], ["500 5.5.2", "252", "250", "221 2.0.0"]),
    (["LHLO x", "BDAT 3\r\nabcNOOP"], ["250", "503 5.5.1", "250"]),
    (["BDAT x"], ["501 5.5.4", ""]),
])
def test_commands_out_of_order_are_told_so(router, lines, codes):
    client = LmtpClient(router.lmtp, greet=False)
    client.send("".join(line + "\r\n" for line in lines).encode())
    for code in codes:
        assert client.reply().startswith(code)
    client.close()


def test_a_message_that_is_too_large_is_refused_and_the_connection_goes_on(router, lmtp):
    lmtp.envelope([HELP])
    [reply] = lmtp.data(message(1, text="0123456789abcdef" * 64 + "\r\n") + b"0123456789abcdef\r\n" * (26 << 16))
    assert reply.startswith("552 5.3.4")
    assert lmtp.deliver(message(2))[0].startswith("250 2.0.0 accepted")
    [reply] = lmtp.deliver(b"X-A: b\r\n" * 2000 + message(3))
    assert reply == "554 5.6.0 the header has too many fields"


def test_mail_waits_while_the_database_is_away_and_is_decided_once_after(make_router, make_proxy, postgres):
    proxy = make_proxy(postgres.port)
    router = make_router(database_port=proxy.port, flags=["--storage-wait", "200ms"]).start()
    router.expect_log("database|owner|lease")
    proxy.refuse()
    proxy.drop_all()
    client = LmtpClient(router.lmtp)
    [reply] = client.deliver(message(1))
    assert reply.startswith("451 4.3.0")
    proxy.heal()
    router.wait_ready()
    wait_for(lambda: client.deliver(message(1))[0].startswith("250 2.0.0"), "a try comes through")  # as a mail server goes on to try
    assert len(interactions(router)) == 1
    assert client.deliver(message(1))[0].startswith("250 2.0.0 known already")
    client.close()


def test_half_a_line_and_silence_is_cut_off(router):
    client = LmtpClient(router.lmtp)
    client.send(b"MAIL FROM:<a@")
    began = time.monotonic()
    assert client.reply().startswith("421 4.4.2") and client.reply() == ""
    assert 8 < time.monotonic() - began < 20
    client.close()


def test_a_byte_a_second_is_cut_off_at_the_same_time(router):
    client = LmtpClient(router.lmtp)
    began = time.monotonic()
    for byte in b"MAIL FROM:<ann@customer.example>":
        client.send(bytes([byte]))
        if select.select([client.socket], [], [], 1)[0]:
            break
    assert client.reply().startswith("421 4.4.2")
    assert 8 < time.monotonic() - began < 20
    client.close()


def drip(client, pieces):
    """Sends a piece now and then until the server says what it was not asked for, and gives that."""
    for piece in pieces:
        client.send(piece)
        if select.select([client.socket], [], [], 0.05)[0]:
            break
    return client.reply()


def in_bytes(text):
    return [bytes([byte]) for byte in text]


def in_chunks(client, text):
    for byte in in_bytes(text):
        client.send(b"BDAT 1\r\n" + byte)
        reply = client.reply()
        if reply.startswith("250") and select.select([client.socket], [], [], 0.01)[0]:
            reply = client.reply()
        if not reply.startswith("250"):
            return reply
    return client.reply()


def test_a_message_that_is_not_sent_in_time_is_cut_off_and_not_kept(make_router):
    router = make_router(flags=["--lmtp-deadline", "3s"]).start()
    text = message(1, text="word " * 1000)
    ways = {
        "silence inside DATA": (b"DATA\r\n", lambda client: drip(client, [text])),
        "a byte now and then inside DATA": (b"DATA\r\n", lambda client: drip(client, in_bytes(text))),
        "silence inside a chunk": (b"", lambda client: drip(client, [b"BDAT 9999 LAST\r\n" + text])),
        "a byte now and then inside a chunk": (b"", lambda client: drip(client, [b"BDAT 9999 LAST\r\n", *in_bytes(text)])),
        "silence between chunks": (b"", lambda client: in_chunks(client, text[:9])),
        "chunk after chunk": (b"", lambda client: in_chunks(client, text * 1000)),
    }
    for what, (begin, send) in ways.items():
        client = LmtpClient(router.lmtp)
        client.envelope([HELP])
        client.send(begin)
        assert not begin or client.reply().startswith("354")
        assert send(client).startswith("421 4.4.2"), what
        assert client.reply() == "", what
        client.close()
    assert interactions(router) == [] and router.metric("patchbay_mails_total") == 0
    client = LmtpClient(router.lmtp)
    assert client.deliver(text)[0].startswith("250 2.0.0 accepted")
    client.close()


def test_the_connection_of_a_client_that_vanishes_is_forgotten(router):
    for _ in range(20):
        client = LmtpClient(router.lmtp)
        client.envelope([HELP])
        client.command("DATA")
        client.send(message(1)[:40])
        client.close()
    wait_for(lambda: router.metric("patchbay_connections", kind="lmtp") == 0, "all connections are gone")
    assert interactions(router) == []


def test_the_health_page_knows_the_listener(router, lmtp):
    state = router.client().ok("GET", "/readyz")["lmtp"]
    assert state == {"state": "up", "connections": 1}


def test_a_message_under_way_is_answered_when_the_router_stops(make_router):
    router = make_router().start()
    client, idle = LmtpClient(router.lmtp), LmtpClient(router.lmtp)
    [reply] = client.deliver(message(1))
    assert reply.startswith("250")
    router.stop()
    assert idle.reply().startswith("421 4.3.2") and idle.reply() == ""
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", int(router.lmtp.rsplit(":", 1)[1])), 1)
