"""Webhooks: peers post in their own words, are answered after the commit, and nobody else gets in."""
import base64
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from harness.process import give_to_service, wait_for
from harness.projects import project
from harness.router import admin

HOOKS = """\
hooks:
  pbx: {{preset: cti-generic, e164: true}}
  signed: {{preset: cti-generic, secret_files: [{old}, {new}]}}
  mails: {{preset: mailgun, secret_files: [{old}]}}
  box: {{preset: postmark}}
  shop: {{preset: generic, endpoint: web, map: [{{event: chat.message, id: /id, subject: /session, from: {{id: /who}}, text: /text}}]}}
"""
FORM = "application/x-www-form-urlencoded"
REFUSED = "a message of a webhook is refused for good"


class Peer:
    def __init__(self, router, preset, hook, tail=""):
        self.router = router
        self.token = admin(router.database.url, "token", "create", "--project", "demo", "--hook", hook).stdout.split()[-1]
        self.path = f"/hooks/{preset}/{self.token}{tail}"

    def send(self, body, content_type=FORM, **headers):
        """(status, body, headers)"""
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else urllib.parse.urlencode(body).encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        request = urllib.request.Request(f"http://{self.router.http}{self.path}", data, {"Content-Type": content_type, **named})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers


@pytest.fixture
def hooked(make_router, tmp_path):
    paths = {}
    for name in ("old", "new"):
        paths[name] = tmp_path / f"{name}.secret"
        paths[name].write_text(f"{name}-secret\n")
        paths[name].chmod(0o644)
        give_to_service(paths[name])
    router = make_router(project() + HOOKS.format(**paths)).start()
    router.secrets = paths
    return router


def outcomes(router, preset):
    return {outcome: router.metric("patchbay_hooks_total", preset=preset, outcome=outcome)
            for outcome in ("decided", "duplicate", "ignored", "refused", "unauthenticated", "deferred")}


def test_a_call_lives_by_cti_generic(hooked):
    hooked.expect_log(REFUSED)
    hooked.presence("anna")
    pbx = Peer(hooked, "cti-generic", "pbx")
    ring = {"event": "newCall", "callId": "c1", "from": "4915112345678", "to": "4930901820", "direction": "in"}
    status, body, headers = pbx.send(ring)
    assert status == 200 and headers["Content-Type"] == "application/xml" and "Reject" not in body
    assert f'onHangup="http://{hooked.http}{pbx.path}"' in body
    [call] = hooked.client().ok("GET", "interactions?state=open")["items"]
    assert call["state"] == "offered" and call["from"]["phone"] == "+4915112345678"
    again = pbx.send(ring)
    assert again[1] == body and again[2]["Patchbay-Duplicate"] == "true"
    assert pbx.send(dict(ring, diversion="+493077"))[0] == 200
    assert len(hooked.client().ok("GET", "interactions?state=open")["items"]) == 1
    assert pbx.send({"event": "answer", "callId": "c1", "user": "anna"})[0] == 200
    assert hooked.client().ok("GET", f"interactions/{call['id']}")["state"] == "active"
    assert pbx.send({"event": "dtmf", "callId": "c1"})[0] == 200
    assert pbx.send({"event": "hangup", "callId": "c1", "cause": "normalClearing"})[0] == 200
    assert hooked.client().ok("GET", f"interactions/{call['id']}")["state"] == "closed"
    hooked.client().ok("POST", "blacklist", {"phone": "+4915166666666", "reason": "rude"}, status=201)
    blocked = dict(ring, callId="c2", **{"from": "4915166666666"})
    assert '<Reject reason="rejected"/>' in pbx.send(blocked)[1]
    assert '<Reject reason="rejected"/>' in pbx.send(blocked)[1]
    assert '<Reject reason="rejected"/>' in pbx.send(dict(blocked, diversion="+493077"))[1]
    status, body, _ = pbx.send(json.dumps(dict(blocked, callId="c3")), "application/json")
    assert json.loads(body)["action"] == "reject" and json.loads(body)["outcome"] == "blocked"
    status, body, headers = pbx.send(json.dumps(dict(blocked, callId="c3", diversion="+493077")), "application/json")
    assert json.loads(body)["action"] == "reject" and headers["Patchbay-Duplicate"] == "true"
    status, body, _ = pbx.send({"event": "newCall", "from": "1", "to": "2"})
    assert status == 400 and json.loads(body)["pointer"] == "/callId" and "callId is missing" in json.loads(body)["detail"]
    assert outcomes(hooked, "cti-generic") == {"decided": 5, "duplicate": 5, "ignored": 1, "refused": 1, "unauthenticated": 0,
                                               "deferred": 0}


def test_two_secrets_hold_while_one_is_changed_for_the_other(hooked):
    hooked.expect_log("a webhook is not signed as its secrets say")
    peer = Peer(hooked, "cti-generic", "signed")

    def answer(secret, call):
        body = f"event=answer&callId={call}"
        mac = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return peer.send(body, X_Patchbay_Signature=f"sha256={mac}")[0]

    assert [answer("old-secret", "1"), answer("new-secret", "2"), answer("newer-secret", "3")] == [200, 200, 401]
    assert peer.send("event=answer&callId=4")[0] == 401
    hooked.secrets["old"].write_text("newer-secret")  # read for each request: nothing to reload
    assert [answer("old-secret", "5"), answer("newer-secret", "6")] == [401, 200]
    hooked.expect_log("a secret of a webhook cannot be read")
    hooked.secrets["old"].unlink()
    assert answer("new-secret", "7") == 503
    hooked.secrets["old"].write_text("newer-secret\n# the one of 2026\n")
    assert answer("new-secret", "9") == 503
    hooked.secrets["old"].unlink()
    os.mkfifo(hooked.secrets["old"])  # nobody writes: waiting for it would never end
    assert answer("new-secret", "8") == 503
    assert outcomes(hooked, "cti-generic")["unauthenticated"] == 3


def test_mail_comes_by_webhooks_and_is_one_mail(hooked):
    hooked.expect_log(REFUSED)
    mime = "From: Ann <ann@customer.example>\r\nTo: help@demo.example\r\nMessage-ID: <h1@customer.example>\r\nSubject: Hi\r\n\r\nHello\r\n"
    stamp, token = str(int(time.time())), "t" * 50
    fields = {"recipient": "help@demo.example", "sender": "ann@customer.example", "body-mime": mime, "timestamp": stamp, "token": token,
              "signature": hmac.new(b"old-secret", (stamp + token).encode(), hashlib.sha256).hexdigest()}
    mailgun, postmark = Peer(hooked, "mailgun", "mails", "/mime"), Peer(hooked, "postmark", "box")
    assert json.loads(mailgun.send(fields)[1])["decisions"][0]["outcome"] == "queued"
    assert mailgun.send(fields)[2]["Patchbay-Duplicate"] == "true"
    posted = json.dumps({"OriginalRecipient": "help@demo.example", "RawEmail": mime})
    assert postmark.send(posted, "application/json", Authorization="Basic " + base64.b64encode(b"a:b").decode())[0] == 200
    assert len(hooked.client().ok("GET", "interactions?state=open")["items"]) == 1
    assert mailgun.send({"timestamp": stamp, "token": token, "signature": fields["signature"]})[0] == 406  # no use in trying again
    assert postmark.send("{}", "application/json")[0] == 403


def test_mail_is_read_by_a_router_without_lmtp(make_router):
    router = make_router(project() + "hooks:\n  box: {preset: postmark}\n", with_lmtp=False).start()
    assert router.lmtp == ""
    mime = "From: =?utf-8?q?J=C3=B6rg?= <joerg@customer.example>\r\nTo: help@demo.example\r\nMessage-ID: <h2@customer.example>\r\n" \
           "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b--\r\n"
    posted = json.dumps({"OriginalRecipient": "help@demo.example", "RawEmail": mime})
    status, said, _ = Peer(router, "postmark", "box").send(posted, "application/json")
    assert status == 200 and json.loads(said)["decisions"][0]["outcome"] == "queued"


def test_a_url_opens_its_own_hook_and_nothing_else(hooked):
    shop = Peer(hooked, "generic", "shop")
    said = json.dumps({"id": 1, "session": "s", "who": "v", "text": "Hello", "more": {"unknown": True}})
    assert json.loads(shop.send(said, "application/json")[1])["decisions"][0]["outcome"] in ("queued", "offered")
    pbx = Peer(hooked, "cti-generic", "shop")  # the token of a hook with another preset
    assert pbx.send(said, "application/json")[0] == 404
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{hooked.http}/hooks/generic/pbt_{'a' * 43}", b"{}", timeout=10)
    assert refused.value.code == 404
    request = urllib.request.Request(f"http://{hooked.http}/v1/projects/demo/queues", headers={"Authorization": f"Bearer {shop.token}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 403
    listed = admin(hooked.database.url, "token", "list", "--project", "demo").stdout
    assert shop.token not in listed and "\thook\tshop\t" in listed
    [row] = [line for line in listed.splitlines() if "\thook\tshop\t" in line][:1]
    admin(hooked.database.url, "token", "revoke", row.split("\t")[0])
    wait_for(lambda: shop.send(said, "application/json")[0] == 404, "the revoked URL is gone")
    assert shop.token not in hooked.log() and "Hello" not in hooked.log()


def test_the_peer_is_told_to_come_again_while_storage_is_away(make_router, make_proxy, postgres):
    proxy = make_proxy(postgres.port)
    router = make_router(project() + "hooks: {pbx: {preset: cti-generic}}\n", database_port=proxy.port,
                         flags=["--storage-wait", "2s"]).start()
    router.expect_log("database|owner|lease|token")
    pbx = Peer(router, "cti-generic", "pbx")
    ring = {"event": "newCall", "callId": "c1", "from": "+4915112345678", "to": "+4930901820"}
    assert pbx.send({"event": "hangup", "callId": "c0"})[0] == 200
    proxy.refuse()
    proxy.drop_all()
    status, _, headers = pbx.send(ring)
    assert status == 503 and headers["Retry-After"]
    proxy.heal()
    router.wait_ready()
    assert pbx.send(ring)[0] == 200
    assert len(router.client().ok("GET", "interactions?state=open")["items"]) == 1
    assert router.metric("patchbay_hooks_total", preset="cti-generic", outcome="deferred") == 1
