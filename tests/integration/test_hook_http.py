"""Requests of webhooks that no well-behaved peer sends, as bytes: none is let in, and none hurts."""
import hashlib
import hmac
import socket

import pytest

from harness.hook_peers import Peer
from harness.projects import project

BODY = b"event=hangup&callId=c1"
SIGNATURE = b"X-Patchbay-Signature: sha256=" + hmac.new(b"key", BODY, hashlib.sha256).hexdigest().encode()
TYPE = b"Content-Type: application/x-www-form-urlencoded"
LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)


def head(*lines, target=b"PATH", version=b"HTTP/1.1", method=b"POST"):
    first = b" ".join(part for part in (method, target, version) if part)
    return b"\r\n".join((first, b"Host: patch.example", b"Connection: close", TYPE) + lines) + b"\r\n\r\n"


# None carries the signature in a way that counts, or none says in one way where its body ends.
BAD = {
    "the signature twice": head(SIGNATURE, SIGNATURE, LENGTH) + BODY,
    "another one before it": head(b"X-Patchbay-Signature: sha256=00", SIGNATURE, LENGTH) + BODY,
    "another one behind it": head(SIGNATURE, b"x-patchbay-signature: sha256=00", LENGTH) + BODY,
    "two in one line": head(SIGNATURE + b", sha256=00", LENGTH) + BODY,
    "folded into another header": head(b"X-Other: a", b" " + SIGNATURE, LENGTH) + BODY,
    "folded by a tab": head(b"X-Other: a", b"\t" + SIGNATURE, LENGTH) + BODY,
    "folded below the request line": head(LENGTH).replace(b"Host:", b" " + SIGNATURE + b"\r\nHost:") + BODY,
    "behind a bare carriage return": head(b"X-Other: a\r" + SIGNATURE, LENGTH) + BODY,
    "behind a NUL": head(b"X-Other: a\0" + SIGNATURE, LENGTH) + BODY,
    "a blank before its colon": head(SIGNATURE.replace(b":", b" :", 1), LENGTH) + BODY,
    "a name of nothing": head(SIGNATURE.replace(b"X-Patchbay-Signature", b""), LENGTH) + BODY,
    "no colon": head(SIGNATURE.replace(b":", b""), LENGTH) + BODY,
    "in a trailer": head(CHUNKED, b"Trailer: X-Patchbay-Signature") + CHUNK + b"0\r\n" + SIGNATURE + b"\r\n\r\n",
    "behind more headers than are read": head(*[b"X-%d: a" % n for n in range(200)], SIGNATURE, LENGTH) + BODY,
    "behind more header than is taken": head(b"X-Other: " + b"a" * 200_000, SIGNATURE, LENGTH) + BODY,
    "two lengths": head(SIGNATURE, LENGTH, b"Content-Length: 3") + BODY,
    "a length in two lines": head(SIGNATURE, b"Content-Length: 2\r\n 2") + BODY,
    "a length below nothing": head(SIGNATURE, b"Content-Length: -22") + BODY,
    "a length with a sign": head(SIGNATURE, b"Content-Length: +22") + BODY,
    "a length of words": head(SIGNATURE, b"Content-Length: many") + BODY,
    "a length beyond all": head(SIGNATURE, b"Content-Length: 18446744073709551638") + BODY,
    "a length and chunks": head(SIGNATURE, LENGTH, CHUNKED) + CHUNK + b"0\r\n\r\n",
    "chunks of another coding": head(SIGNATURE, b"Transfer-Encoding: gzip, chunked") + CHUNK + b"0\r\n\r\n",
    "a chunk of no number": head(SIGNATURE, CHUNKED) + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk beyond all": head(SIGNATURE, CHUNKED) + b"fffffffffffffffff\r\n" + BODY + b"\r\n0\r\n\r\n",
    "a chunk that is longer than it says": head(SIGNATURE, CHUNKED) + b"5\r\n" + BODY + b"\r\n0\r\n\r\n",
    "another method": head(SIGNATURE, LENGTH, method=b"post") + BODY,
    "a blank in the target": head(SIGNATURE, LENGTH, target=b"PATH /x") + BODY,
    "no version": head(SIGNATURE, LENGTH, version=b"") + BODY,
    "no host": head(SIGNATURE, LENGTH).replace(b"Host: patch.example\r\n", b"") + BODY,
    "two hosts": head(SIGNATURE, LENGTH, b"Host: other.example") + BODY,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n",
}


def status_of(address, request):
    """What the answer says; None when there was none."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 30) as made:
        try:
            made.sendall(request)
            made.shutdown(socket.SHUT_WR)
            answer = made.recv(12)
        except TimeoutError:
            raise
        except OSError:  # the server has closed
            return None
    return int(answer[9:12]) if len(answer) == 12 else None


@pytest.fixture
def hooked(make_router, tmp_path):
    (tmp_path / "pbx").write_text("key\n")
    return make_router(project() + f"hooks: {{pbx: {{preset: cti-generic, secret_files: [{tmp_path}/pbx]}}}}\n").start()


def test_what_is_no_request_is_not_let_in_and_does_no_harm(hooked):
    hooked.expect_log("a webhook is not signed as its secrets say")
    pbx = Peer(hooked, "cti-generic", "pbx", None)

    def send(request):
        return status_of(pbx.address, request.replace(b"PATH", pbx.path.encode()))

    let_in = {what: status for what, request in BAD.items() if (status := send(request)) is not None and not 400 <= status < 500}
    assert let_in == {}
    assert hooked.metric("patchbay_events_total") == 0
    signed = {name.decode(): value.decode() for name, value in (line.split(b": ") for line in (SIGNATURE, TYPE))}
    assert pbx.send(BODY, signed).status == 200
    assert hooked.metric("patchbay_events_total") == 1 and hooked.metric("patchbay_hooks_under_way") == 0
