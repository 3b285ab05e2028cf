"""More webhooks than are taken at a time: those that are too many come again, the others lose nothing."""
import json
import secrets
import socket

from harness.hook_peers import Peer
from harness.process import wait_for
from harness.projects import project

LOAD_MAX = 512  # HOOK_LOAD_MAX
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def connect(pbx):
    host, port = pbx.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=60)


def begin(pbx, number, path=None, made=None):
    """A request whose answer is read later."""
    body = f"event=hangup&callId=c{number}"
    made = made or connect(pbx)
    made.sendall(f"POST {path or pbx.path} HTTP/1.1\r\nHost: h\r\nContent-Type: {FORM['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                 .encode())
    return made


def test_what_is_too_much_is_told_to_come_again(make_router, make_proxy, postgres):
    proxy = make_proxy(postgres.port)
    router = make_router(project() + "hooks: {pbx: {preset: cti-generic}}\n", database_port=proxy.port,
                         flags=["--storage-wait", "10m", "--lease", "10m"]).start()
    router.expect_log("database is away|too many webhooks are under way")
    pbx = Peer(router, "cti-generic", "pbx", None)
    assert pbx.send("event=hangup&callId=first", FORM).status == 200
    proxy.refuse()
    proxy.drop_all()
    waiting = [begin(pbx, number) for number in range(LOAD_MAX)]
    wait_for(lambda: router.metric("patchbay_hooks_under_way") == LOAD_MAX, "all wait", 60)
    refused = pbx.send("event=hangup&callId=more", FORM)
    assert refused.status == 503 and refused.headers["Retry-After"] == "1"
    assert refused.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(refused.bytes)
    assert (problem["code"], problem["status"], problem["type"]) == ("overloaded", 503, "urn:patchbay:problem:overloaded")
    assert router.metric("patchbay_hooks_total", preset="cti-generic", outcome="overloaded") == 1
    proxy.heal()
    for one in waiting:
        assert one.recv(12) == b"HTTP/1.1 200"
        one.close()
    assert router.metric("patchbay_hooks_under_way") == 0
    assert pbx.send("event=hangup&callId=more", FORM).status == 200


def test_strangers_who_wait_for_the_database_take_no_places_of_those_who_are_known(make_router, tables):
    router = make_router(project() + "hooks: {pbx: {preset: cti-generic}}\n").start()
    router.expect_log("too many webhooks are under way|tokens cannot be confirmed|the database refused to find a token")
    pbx = Peer(router, "cti-generic", "pbx", None)
    assert pbx.send("event=hangup&callId=first", FORM).status == 200
    lock = tables.connect()
    lock.autocommit = False
    lock.cursor().execute("LOCK TABLE tokens")
    strangers = [connect(pbx) for _ in range(LOAD_MAX + 1)]  # before the first one's time runs
    for number, stranger in enumerate(strangers):
        begin(pbx, number, f"/hooks/cti-generic/pbt_{secrets.token_urlsafe(32)}", stranger)
    wait_for(lambda: router.metric("patchbay_hooks_total", preset="cti-generic", outcome="overloaded") > 0, "strangers are too many", 60)
    assert pbx.send("event=hangup&callId=known", FORM).status == 200
    for one in strangers:
        assert one.recv(12) == b"HTTP/1.1 503"
        one.close()
    lock.close()
    wait_for(lambda: pbx.send("event=hangup&callId=again", FORM).status == 200, "all is as before")
    assert router.metric("patchbay_hooks_under_way") == 0
