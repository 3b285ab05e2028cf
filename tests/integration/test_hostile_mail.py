"""Hostile mail: answered in time, within bounded memory, and without making anybody else wait."""
import os
import pathlib
import re
import time
import urllib.request

import pytest

from harness.lmtp_client import LmtpClient, message
from harness.projects import project

RELEASE = pathlib.Path(os.environ.get("PATCHBAY_RELEASE", pathlib.Path(__file__).resolve().parents[2] / "build/release/patchbay"))
HEAD = message(0, text="")[:-6]  # up to the last field, without its line end
MIXED = b"\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n"
TRIES = 5
ANSWERED_S = 1
GROWTH_MAX_KIB = 96 << 10  # the largest message is 25 MiB: read from the socket, and read again as MIME
TURN_MAX_S = "0.01"  # of processor time, every turn counted


def nested():
    return b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(20000))


# Each with the reply that it gets: what can be read is decided, a header beyond the limits is refused.
HOSTILE = {
    "20,000 nested parts": lambda: (HEAD + MIXED + nested(), "250 "),
    "100,000 parts": lambda: (HEAD + MIXED + b"--b0\r\n\r\nx\r\n" * 100000, "250 "),
    "200,000 headers": lambda: (HEAD + b"\r\nX-A: b" * 200000 + b"\r\n\r\n", "554 5.6.0"),
    "100,000 addresses": lambda: (HEAD + b"\r\nCc: " + b"a@b.example, " * 100000 + b"\r\n\r\n", "554 5.6.0"),
    "a group of 100 KB": lambda: (HEAD + b"\r\nCc: " + b"a:" * 51200 + b"\r\n\r\nx", "250 "),
    "an endless line": lambda: (HEAD + b"\r\n\r\n" + b"x" * (20 << 20), "250 "),
    "lines of a dot": lambda: (HEAD + b"\r\n\r\n" + b".\r\n" * (5 << 20), "250 "),
    "NUL bytes": lambda: (HEAD + b"\r\n\r\n" + b"\0" * (4 << 20), "250 "),
    "an endless Message-ID": lambda: (HEAD.replace(b"<0@", b"<" + b"0" * 100000 + b"@") + b"\r\n\r\nx", "250 "),
    "an endless subject": lambda: (HEAD.replace(b"Question", b"=?utf-8?q?=C3=BC?= " * 10000) + b"\r\n\r\nx", "250 "),
    "a long text": lambda: (HEAD + b"\r\n\r\n" + b'"all of it\\" ' * 6000, "250 "),
    "a long mail without a name": lambda: (HEAD.replace(b"\r\nMessage-ID: <0@customer.example>", b"") + b"\r\n\r\n" + b"word " * (1 << 20), "250 "),
    "a thousand references": lambda: (HEAD + b"\r\nReferences:" + b"\r\n <1@b.example>" * 1000 + b"\r\n\r\nx", "250 "),
    "a megabyte of markup": lambda: (HEAD + b"\r\nContent-Type: text/html\r\n\r\n" + b"<div><table>" * 87382, "250 "),
}


def hostile(what, number):
    """The message under a Message-ID and of a sender of its own, and the reply that it gets."""
    text, reply = HOSTILE[what]()
    return text.replace(b"0@customer", b"%d@customer" % number, 1).replace(b"ann@", b"ann%d@" % number, 1), reply


def test_hostile_mail_is_answered_and_hurts_nobody_else(router):
    lmtp = LmtpClient(router.lmtp)
    for number, what in enumerate(HOSTILE, 1):
        text, reply = hostile(what, number)
        [answer] = lmtp.deliver(text)
        assert answer.startswith(reply), f"{what}: {answer}"
    assert lmtp.deliver(message(99))[0].startswith("250 2.0.0 accepted")
    lmtp.close()


def long_turns(router):
    """Both numbers of one answer: between two there are turns."""
    with urllib.request.urlopen(f"http://{router.http}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    turns = "patchbay_loop_turn_cpu_seconds"
    [every] = re.findall(rf"^{turns}_count (\d+)$", text, re.M)
    [short] = re.findall(rf'^{turns}_bucket{{le="{TURN_MAX_S}"}} (\d+)$', text, re.M)
    return int(every) - int(short)


HELP, DESKS = ["help@demo.example"], [f"desk{n}@demo.example" for n in range(100)]
MANY = "mail: {loops: {sender: 100000, thread: 100000}}\n"  # each recipient counts
ENDPOINTS = "endpoints:\n" + "".join(f"  - {{email: {address}, queue: mail}}\n" for address in DESKS)


@pytest.fixture
def busy_router(make_router):
    return make_router(project().replace("endpoints:\n", ENDPOINTS) + MANY, binary=RELEASE).start()


def deliver_timed(router, lmtp, text, recipients):
    """(seconds, KiB that memory grew by at most, turns of the loop that were too long)"""
    turns, resident = long_turns(router), router.resident_kib()
    router.forget_peak()
    assert all(line.startswith("250") for line in lmtp.envelope(recipients))
    began = time.monotonic()
    answers = lmtp.data(text, len(recipients))
    took = time.monotonic() - began
    assert all(answer[0] in "25" for answer in answers), answers
    return took, router.peak_kib() - resident, long_turns(router) - turns


def is_slow(took, growth, turns):
    return took > ANSWERED_S or growth > GROWTH_MAX_KIB or turns > 0


TO_MANY = ("a long text", "a long mail without a name", "a thousand references")


@pytest.mark.alone
def test_hostile_mail_takes_neither_time_nor_memory_nor_the_loop(busy_router):
    lmtp = LmtpClient(busy_router.lmtp)
    assert lmtp.deliver(message(99))[0].startswith("250 ")
    mails = {what: (what, HELP) for what in HOSTILE} | {f"{what} for 100 recipients": (what, DESKS) for what in TO_MANY}
    slow, number = {}, 100
    for what, (name, recipients) in mails.items():
        # What the machine does meanwhile counts too, so the best of some tries.
        tries, best = [], None
        while best is None or (is_slow(*best) and len(tries) < TRIES):
            number += 1
            tries.append(deliver_timed(busy_router, lmtp, hostile(name, number)[0], recipients))
            best = [min(values) for values in zip(*tries)]
        if is_slow(*best):
            slow[what] = tries
    assert not slow
    lmtp.close()
