"""patchbay mail --parse and patchbay decode: what a message would become."""
import json
import os
import subprocess

import pytest

from test_command_line import assert_misused, patchbay

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


def test_a_header_beyond_the_limits_is_refused():
    result = parse(b"X-A: b\r\n" * 2000 + b"\r\n")
    assert result.returncode == 1 and result.stdout == b""
    assert result.stderr == b"patchbay mail: the message is refused: the header has too many fields\n"


@pytest.mark.parametrize("words, part", [
    (["mail", "--parse", "x"], "unexpected argument 'x'"),
    (["mail", "--to", "a@b.example"], "--to and --from are needed, or --parse"),
    (["mail", "--to", "a@b.example", "--from", ""], "--lmtp is missing"),
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


def deliver(message, *words, **variables):
    return subprocess.run([os.environ["PATCHBAY_BINARY"], "mail", *words], input=message, capture_output=True, check=False,
                          timeout=90, env={**os.environ, **variables})


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
