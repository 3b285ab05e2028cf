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
