"""patchbay mail --parse and patchbay decode: what a message would become."""
import json
import os
import socket
import subprocess
import threading

import pytest

from test_command_line import ROOT, assert_misused, patchbay
from test_hostile_mail import hostile

MESSAGE = (b"From: =?utf-8?Q?J=C3=BCrgen?= <j@customer.example>\r\nTo: help@demo.example\r\nSubject: Hello\r\n"
           b"Message-ID: <1@customer.example>\r\n\r\nGood day\r\n")


def parse(message, *words):
    return subprocess.run([os.environ["PATCHBAY_BINARY"], "mail", "--parse", *words], input=message, capture_output=True,
                          check=False, timeout=60)


def test_a_message_is_printed_as_its_event():
    result = parse(MESSAGE)
    assert result.returncode == 0 and result.stderr == b"" and result.stdout.count(b"\n") == 1
    event = json.loads(result.stdout)
    assert event["type"] == "email.received" and event["specversion"] == "1.0"
    assert event["subject"] == "<1@customer.example>"
    assert event["data"]["from"] == {"email": "j@customer.example", "name": "Jürgen"}
    assert event["data"]["to"] == "help@demo.example" and event["data"]["text"] == "Good day"


def test_the_envelope_goes_before_the_message():
    event = json.loads(parse(MESSAGE, "--to", "sales@demo.example", "--from", "").stdout)
    assert event["data"]["to"] == "sales@demo.example"
    assert event["data"]["headers"]["Return-Path"] == "<>"
    assert event["data"]["attributes"]["machine"] == {"class": "bounce", "header": "Return-Path"}


def test_a_recorded_message_decodes_to_the_same_event(tmp_path):
    (tmp_path / "m.eml").write_bytes(MESSAGE)
    result = patchbay("decode", "mail", str(tmp_path / "m.eml"))
    assert result.returncode == 0 and result.stdout.encode() == parse(MESSAGE).stdout


@pytest.mark.parametrize("name, code, missing", [
    ("one-of-two-without-id", 0, ["id"]),
    ("missing-type", 1, ["type"]),
    ("text", 0, []),
])
def test_messages_of_a_webhook_that_are_left_out_are_named(name, code, missing):
    result = patchbay("decode", "whatsapp", str(ROOT / f"tests/hooks/whatsapp/{name}.http"))
    assert result.returncode == code and result.stdout.count("\n") == 1 - code
    assert result.stderr.splitlines() == [
        f"patchbay decode: skipped: /entry/0/changes/0/value/messages/0/{member}: entry/0/changes/0/value/messages/0/{member} is missing"
        for member in missing]


def test_a_header_beyond_the_limits_is_refused():
    result = parse(b"X-A: b\r\n" * 2000 + b"\r\n")
    assert result.returncode == 1 and result.stdout == b""
    assert result.stderr == b"patchbay mail: the message is refused: the header has too many fields\n"


@pytest.mark.parametrize("words, part", [
    (["mail", "--parse", "x"], "unexpected argument 'x'"),
    (["mail", "--to", "a@b.example"], "--to and --from are needed, or --parse"),
    (["mail", "--to", "a@b.example", "--from", ""], "--lmtp is missing"),
    (["mail", "--to", "a@b.example", "--to", "c@b.example", "--from", "", "--lmtp", "127.0.0.1:1"], "--to is there twice"),
    (["mail", "--to", "a@b.example", "--from", "", "--lmtp", "x"], "--lmtp: "),
    (["decode"], "FORMAT and FILE are missing"),
    (["decode", "mail"], "FILE is missing"),
    (["decode", "nonsense", "x"], "there is no format 'nonsense'"),
    (["decode", "mail", "--region", "XX", "x"], "--region 'XX' is not a known region"),
])
def test_misuse_is_told_in_one_line(words, part):
    assert_misused(patchbay(*words), part)


def test_a_missing_recording_is_a_failure():
    result = patchbay("decode", "mail", "/no/such/file")
    assert result.returncode == 1 and "No such file" in result.stderr


@pytest.mark.parametrize("what", ["20,000 nested parts", "100,000 parts", "100,000 addresses", "NUL bytes", "an endless Message-ID"])
def test_hostile_mail_is_parsed_or_refused_in_one_line(what):
    text, reply = hostile(what, 1)
    result = parse(text)
    assert result.returncode == (0 if reply.startswith("250") else 1)
    assert (result.stdout if reply.startswith("250") else result.stderr).count(b"\n") == 1


@pytest.mark.parametrize("words, code", [
    (("mail", "--parse"), 1),
    (("decode", "mail", "-"), 1),
    (("mail", "--from", "", "--to", "help@demo.example", "--lmtp", "127.0.0.1:1"), os.EX_DATAERR),
])
def test_input_without_an_end_is_not_read_to_its_end(words, code):
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run([os.environ["PATCHBAY_BINARY"], *words], stdin=endless, capture_output=True, check=False, timeout=90)
    assert done.returncode == code and done.stdout == b"" and done.stderr.count(b"\n") == 1 and b"larger than" in done.stderr, done


def test_a_message_of_more_than_the_limit_is_refused_alike(tmp_path):
    (tmp_path / "m.eml").write_bytes(MESSAGE + b"0123456789abcd\r\n" * ((25 << 16) + 1))
    result = patchbay("decode", "mail", str(tmp_path / "m.eml"))
    assert result.returncode == 1 and "larger than 26214400 bytes" in result.stderr


@pytest.mark.parametrize("stdin", ["<&-", "</dev/null", "</"])
def test_a_message_that_does_not_come_may_come_the_next_time(stdin):
    words = f"{os.environ['PATCHBAY_BINARY']} mail --from a@b.example --to help@demo.example --lmtp 127.0.0.1:1 {stdin}"
    done = subprocess.run(["sh", "-c", words], capture_output=True, check=False, timeout=90)
    assert done.returncode == os.EX_TEMPFAIL and done.stderr.count(b"\n") == 1, done
    assert b"cannot connect" not in done.stderr


def deliver(message, *words, **variables):
    return subprocess.run([os.environ["PATCHBAY_BINARY"], "mail", *words], input=message, capture_output=True, check=False,
                          timeout=90, env={**os.environ, **variables})


@pytest.mark.parametrize("sender, recipient, code", [
    ("a" * 5000 + "@b.example", "help@demo.example", os.EX_DATAERR),
    ("a@b.example>\r\nRSET", "help@demo.example", os.EX_DATAERR),
    ("a@b.example> SIZE=1", "help@demo.example", os.EX_DATAERR),
    ("a@b.example", "h" * 5000 + "@demo.example", os.EX_NOUSER),
    ("a@b.example", '"help"@demo.example> SIZE=1', os.EX_NOUSER),
    ("a@b.example", "help@demo.example\r\nDATA", os.EX_NOUSER),
])
def test_what_is_no_address_is_not_said_to_the_router(sender, recipient, code):
    done = deliver(MESSAGE, "--from", sender, "--to", recipient, "--lmtp", "127.0.0.1:1")
    assert done.returncode == code and b"is no address" in done.stderr, done


def lmtp_server(replies):
    """A router that gives these replies, one for each line or chunk, and is gone: its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, listener:
            for reply in replies:
                connection.sendall(reply + b"\r\n")
                if not connection.recv(1 << 20):
                    break
    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("replies, code", [
    ([], os.EX_TEMPFAIL),
    ([b"220 hello"], os.EX_TEMPFAIL),
    ([b"220 hello", b"250-more\r\n250 hello"], os.EX_TEMPFAIL),
    ([b"220 hello", b"250 hello", b"250 2.1.0"], os.EX_TEMPFAIL),
    ([b"220 hello", b"250 hello", b"250 2.1.0", b"250 2.1.5"], os.EX_TEMPFAIL),
    ([b"220 hello", b"250 hello", b"250 2.1.0", b"250 2.1.5", b"421 4.3.2 stopping"], os.EX_TEMPFAIL),
    ([b"220 hello", b"250 hello", b"250 2.1.0", b"250 2.1.5", b"452 4.3.1 full"], os.EX_TEMPFAIL),
    ([b"421 4.3.2 too many"], os.EX_TEMPFAIL),
    ([b"HTTP/1.1 400 Bad Request"], os.EX_TEMPFAIL),
    ([b"x" * 5000], os.EX_TEMPFAIL),
    ([b"220 hello", b"250 hello", b"501 5.1.7 not an address"], os.EX_DATAERR),
    ([b"220 hello", b"250 hello", b"250 2.1.0", b"501 5.1.3 not an address"], os.EX_NOUSER),
    ([b"220 hello", b"250 hello", b"250 2.1.0", b"250 2.1.5", b"552 5.3.4 too large"], os.EX_UNAVAILABLE),
])
def test_a_router_that_goes_or_says_no_is_told_apart(replies, code):
    done = deliver(MESSAGE, "--from", "a@b.example", "--to", "help@demo.example", "--lmtp", lmtp_server(replies))
    assert done.returncode == code and done.stdout == b"" and done.stderr.count(b"\n") == 1, done


def test_a_message_from_a_pipe_is_delivered(router):
    words = ("--from", "j@customer.example", "--to", "help@demo.example")
    done = deliver(MESSAGE, *words, PATCHBAY_LMTP=router.lmtp)
    assert done.returncode == 0 and done.stdout == done.stderr == b"", done
    [interaction] = router.client().ok("GET", "interactions?state=open")["items"]
    assert interaction["from"]["email"] == "j@customer.example"
    done = deliver(MESSAGE, "--from", "", "--to", "nobody@demo.example", "--lmtp", router.lmtp)
    assert done.returncode == os.EX_NOUSER and b"550 5.1.1" in done.stderr
    done = deliver(b"X-A: b\r\n" * 2000, *words, PATCHBAY_LMTP=router.lmtp)
    assert done.returncode == os.EX_UNAVAILABLE and b"554 5.6.0" in done.stderr


def test_a_router_that_is_away_means_try_again():
    done = deliver(MESSAGE, "--from", "a@b.example", "--to", "help@demo.example", "--lmtp", "127.0.0.1:1")
    assert done.returncode == os.EX_TEMPFAIL and b"cannot connect" in done.stderr


EVAPI = json.dumps({"event": "sip.INVITE", "callid": "c", "from": "sip:03012345678@c.example", "ruri": "sip:030901820@p.example"}).encode()
AMI = (b"Asterisk Call Manager/5.0.1\r\nEvent: Newchannel\r\nChannel: PJSIP/trunk-1\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\n"
       b"CallerIDNum: 03012345678\r\nExten: 030901820\r\nContext: from-outside\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n")
ESL = b"Event-Name: CHANNEL_CREATE\nUnique-ID: a\nCall-Direction: inbound\nCaller-Caller-ID-Number: 03012345678\nCaller-Destination-Number: 030901820\n\n"
RECORDINGS = {"evapi": b"%d:%s," % (len(EVAPI), EVAPI), "ami": AMI,
              "esl": b"Content-Type: text/event-plain\nContent-Length: %d\n\n%s" % (len(ESL), ESL)}


@pytest.mark.parametrize("format", RECORDINGS)
def test_numbers_of_a_recording_are_those_of_the_region(format, tmp_path):
    (tmp_path / "recording").write_bytes(RECORDINGS[format])
    plain, german = ([json.loads(line)["data"] for line in patchbay("decode", format, *words, str(tmp_path / "recording")).stdout.splitlines()]
                     for words in ((), ("--region", "DE")))
    assert "03012345678" in plain[0]["from"]["phone"] and "+" not in plain[0]["from"]["phone"], plain
    assert (german[0]["from"]["phone"], german[0]["to"]) == ("+493012345678", "+4930901820")
