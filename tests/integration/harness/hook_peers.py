"""Webhooks as Twilio, Telnyx, WhatsApp and Telegram send them, signed with made-up keys."""
import base64
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .http_client import Answer


class Peer:
    """One hook of a router: `secret` is what it signs with."""

    def __init__(self, router, preset, name, secret):
        self.address, self.secret = router.http, secret
        self.path = f"/hooks/{preset}/{router.hook_token(name)}"
        self.url = f"http://{router.http}{self.path}"

    def send(self, body=b"", headers=None, query="", method="POST"):
        connection = http.client.HTTPConnection(*self.address.rsplit(":", 1), timeout=30)
        connection.request(method, self.path + query, body, headers or {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer


class Twilio(Peer):
    def call(self, sid, status, secret=None, **more):
        params = {"CallSid": sid, "CallStatus": status, "From": "+4930123456", "To": "+4930901820", "Direction": "inbound",
                  "AccountSid": "AC1", **more}
        text = self.url + "".join(name + params[name] for name in sorted(params))
        signature = base64.b64encode(hmac.new((secret or self.secret).encode(), text.encode(), hashlib.sha1).digest()).decode()
        return self.send(urllib.parse.urlencode(params),
                         {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature})


class Telnyx(Peer):
    def __init__(self, router, preset, name, seed):
        super().__init__(router, preset, name, Ed25519PrivateKey.from_private_bytes(seed))

    @staticmethod
    def public_key(seed):
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        return base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def event(self, kind, number, age=0, **payload):
        payload = {"call_session_id": "session-1", "from": "+4930123456", "to": "+4930901820", "direction": "incoming", **payload}
        body = json.dumps({"data": {"event_type": kind, "id": number, "payload": payload}})
        stamp = str(int(time.time()) - age)
        signature = base64.b64encode(self.secret.sign(f"{stamp}|{body}".encode())).decode()
        return self.send(body, {"Content-Type": "application/json", "telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature})


class WhatsApp(Peer):
    def messages(self, *messages, secret=None):
        value = {"metadata": {"phone_number_id": "1065"}, "messages": list(messages)}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]})
        signature = hmac.new((secret or self.secret).encode(), body.encode(), hashlib.sha256).hexdigest()
        return self.send(body, {"Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + signature})

    @staticmethod
    def text(number, text, sender="4915112345678"):
        return {"id": f"wamid.{number}", "from": sender, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}

    def subscribe(self, token):
        query = urllib.parse.urlencode({"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token})
        return self.send(query="?" + query, method="GET")


class Telegram(Peer):
    def update(self, number, secret=None, **members):
        user = {"id": 77, "is_bot": False, "first_name": "Ann"}
        message = {"message_id": number, "from": user, "chat": {"id": 77, "type": "private"}, "date": int(time.time()), **members}
        return self.send(json.dumps({"update_id": number, "message": message}),
                         {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret or self.secret})
