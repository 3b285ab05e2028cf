"""Webhooks of Twilio, Telnyx, WhatsApp and Telegram, and the life of a chat that comes through them."""
import pytest

from harness.hook_peers import Telegram, Telnyx, Twilio, WhatsApp
from harness.projects import project

SEED = bytes(range(32))
SECRETS = {"twilio": "made-up-token", "telnyx": Telnyx.public_key(SEED), "whatsapp": "made-up-app-secret", "telegram": "made-up_secret"}
NUMBER = "+4915112345678"
REASONS = ("malformed", "too_many", "too_large", "unsupported", "invalid", "stale", "other")


@pytest.fixture
def hooks(make_router, tmp_path):
    """A router with one hook of each preset, named as its preset."""
    lines = ["hooks:"]
    for preset, secret in SECRETS.items():
        (tmp_path / f"{preset}.secret").write_text(secret + "\n")
        endpoint = ", endpoint: web" if preset in ("whatsapp", "telegram") else ""
        lines.append(f"  {preset}: {{preset: {preset}, secret_files: [{tmp_path / preset}.secret]{endpoint}}}")
    router = make_router(project() + "\n".join(lines) + "\n").start()
    router.expect_log("a webhook is not signed")
    return router


def open_interactions(router):
    return router.client().ok("GET", "interactions?state=open")["items"]


def test_a_call_rings_over_twilio_and_a_blocked_caller_is_rejected(hooks):
    twilio = Twilio(hooks, "twilio", "twilio", SECRETS["twilio"])
    answer = twilio.call("CA1", "ringing")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/xml"
    assert answer.bytes.endswith(b"<Response><Enqueue>support</Enqueue></Response>")
    again = twilio.call("CA1", "ringing")
    assert again.bytes == answer.bytes and again.headers["Patchbay-Duplicate"] == "true"
    assert twilio.call("CA1", "ringing", secret="guess").status == 401
    [call] = open_interactions(hooks)
    assert twilio.call("CA2", "ringing", From="+266696687").status == 200
    assert [item["identity"]["outcome"] for item in open_interactions(hooks) if item["id"] != call["id"]] == ["anonymous"]
    for sid in ("CA1", "CA2"):
        assert twilio.call(sid, "completed", SequenceNumber="0").bytes.endswith(b"<Response></Response>")
    assert open_interactions(hooks) == []
    hooks.client().ok("POST", "blacklist", {"phone": "+4930123456", "reason": "test"}, status=201)
    assert twilio.call("CA3", "ringing").bytes.endswith(b"<Response><Reject/></Response>")


def test_telnyx_is_heard_within_five_minutes(hooks):
    telnyx = Telnyx(hooks, "telnyx", "telnyx", SEED)
    assert telnyx.event("call.initiated", "e1", age=301).status == 401
    assert telnyx.event("call.initiated", "e1", age=-302).status == 401
    assert open_interactions(hooks) == []
    assert telnyx.event("call.initiated", "e1", age=290).json["decisions"][0]["outcome"] == "queued"
    assert telnyx.event("call.hangup", "e2", hangup_cause="normal_clearing").json["decisions"][0]["outcome"] == "ended"
    assert open_interactions(hooks) == []


def test_whatsapp_subscribes_and_delivers_several_messages_at_once(hooks):
    whatsapp = WhatsApp(hooks, "whatsapp", "whatsapp", SECRETS["whatsapp"])
    answer = whatsapp.subscribe(whatsapp.path.rsplit("/", 1)[1])
    assert (answer.status, answer.bytes) == (200, b"1158201444")
    assert whatsapp.subscribe("guess").status == 401
    sent = [whatsapp.text(1, "Hello"), whatsapp.text(2, "Is anybody there?"), whatsapp.text(3, "Hi", sender="4915187654321")]
    decisions = whatsapp.messages(*sent).json["decisions"]
    assert [item["outcome"] for item in decisions] == ["queued", "attached", "queued"]
    assert decisions[0]["interaction"] == decisions[1]["interaction"] != decisions[2]["interaction"]
    assert whatsapp.messages(*sent).headers["Patchbay-Duplicate"] == "true"
    assert whatsapp.messages(whatsapp.text(4, "x"), secret="guess").status == 401
    assert len(open_interactions(hooks)) == 2


def test_a_chat_lives_until_it_is_ended_and_one_person_is_one_customer(hooks, redis):
    whatsapp, telegram = (WhatsApp(hooks, "whatsapp", "whatsapp", SECRETS["whatsapp"]),
                          Telegram(hooks, "telegram", "telegram", SECRETS["telegram"]))
    admin = hooks.client()
    ann = admin.ok("POST", "customers", {"name": "Ann", "contacts": [{"phone": NUMBER}]}, status=201)["id"]
    hooks.presence("ben")
    [first] = whatsapp.messages(whatsapp.text(1, "Hello")).json["decisions"]
    assert first["outcome"] == "offered" and first["agent"] == "ben"
    assert telegram.update(1, secret="guess", text="x").status == 401
    shared = {"phone_number": NUMBER, "first_name": "Ann", "user_id": 77}
    assert telegram.update(2, contact=shared).json == {}
    assert {item["identity"]["customer"] for item in open_interactions(hooks)} == {ann}
    assert len(open_interactions(hooks)) == 2
    written = {"from": {"id": "ben"}, "to": NUMBER, "text": "How can I help?", "direction": "outbound"}
    event = {"specversion": "1.0", "type": "chat.message", "source": "hooks/whatsapp", "id": "out-1", "subject": "1065:4915112345678",
             "data": written}
    assert hooks.source().event(event).json["outcome"] == "attached"
    subscriber = redis.subscribe(hooks.channel("all"))
    image = {"id": "77", "mime_type": "image/jpeg", "url": "https://lookaside.example/x"}
    whatsapp.messages({**whatsapp.text(5, ""), "type": "image", "image": image})
    read = hooks.agent("ben").ok("GET", "agents/ben/feed?limit=1000")["items"]
    [told] = [item["data"] for item in read if item["type"] == "interaction.message" and "attachments" in item["data"].get("attributes", {})]
    assert told["attributes"]["attachments"] == [{"kind": "image", "id": "77", "type": "image/jpeg", "url": "https://lookaside.example/x"}]
    assert subscriber.wait_event("interaction.message", first["interaction"])["data"] == told
    subscriber.close()
    admin.ok("POST", f"interactions/{first['interaction']}/end")
    [later] = whatsapp.messages(whatsapp.text(2, "One more thing")).json["decisions"]
    assert later["interaction"] != first["interaction"] and later["outcome"] == "offered"
    assert telegram.update(3, text="Still me").json == {}
    assert len(open_interactions(hooks)) == 2


def test_what_is_refused_for_good_leaves_a_trace(hooks):
    """Both platforms are told 200, or they would send it for hours."""
    hooks.expect_log("a message of a webhook is refused for good")
    whatsapp, telegram = (WhatsApp(hooks, "whatsapp", "whatsapp", SECRETS["whatsapp"]),
                          Telegram(hooks, "telegram", "telegram", SECRETS["telegram"]))

    def refusals(preset):
        return {reason: hooks.metric("patchbay_hook_refusals_total", preset=preset, reason=reason) for reason in REASONS}

    good, nameless = whatsapp.text(1, "Hello"), {**whatsapp.text(2, "Sesame"), "id": ""}
    stale, ahead = [{**whatsapp.text(number, "Sesame"), "timestamp": str(stamp)} for number, stamp in ((3, 1), (4, 4102444800))]
    assert len(whatsapp.messages(good, nameless).json["decisions"]) == 1
    assert [item["outcome"] for item in whatsapp.messages(whatsapp.text(5, "x"), stale, ahead).json["decisions"]] == ["attached"] + ["refused"] * 2
    answer = whatsapp.messages(nameless, nameless)
    assert answer.status == 200 and answer.json["code"] == "invalid"
    assert refusals("whatsapp") == {"malformed": 3, "too_many": 0, "too_large": 0, "unsupported": 0, "invalid": 1, "stale": 1, "other": 0}
    assert telegram.update(None, text="Sesame").status == 200
    assert telegram.update(7, date=1, text="Sesame").json["code"] == "stale"
    large = telegram.update(8, text="Sesame" * 1_000_000)
    assert large.status == 200 and large.json["code"] == "too_large"
    assert refusals("telegram") == {"malformed": 1, "too_many": 0, "too_large": 1, "unsupported": 0, "invalid": 0, "stale": 1, "other": 0}
    hooks.wait_log("refused for good")
    [first, *_] = [line for line in hooks.log().splitlines() if "refused for good" in line]
    assert "hook=whatsapp" in first and "reason=malformed" in first and "pointer=/entry/0/changes/0/value/messages/1/id" in first
    assert not any(word in hooks.log() for word in ("Sesame", "4915112345678", "wamid"))
