"""A real Kamailio with the script of docs/kamailio.md: calls wait for their decision and go where it says, whoever is killed."""
import json
import socket
import threading

import pytest

from harness.kamailio import Kamailio, Phone, sipp, udp_port
from harness.process import wait_for
from harness.projects import project

CALLER, BLOCKED = "+493012345678", "+4930666666"


@pytest.fixture
def phones():
    made = [Phone(), Phone()]
    yield made
    for phone in made:
        phone.close()


@pytest.fixture
def kamailio(scratch, tmp_path, phones):
    made = Kamailio(scratch / f"kamailio-{tmp_path.name}", phones[1].port).start()
    yield made
    made.kill()


class Script:
    """What a routing script says and hears over evapi, played."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(20)
        self.evapi, self.peer, self.heard, self.rest = self.listener.getsockname()[1], None, [], b""

    def accept(self):
        self.peer, self.rest = self.listener.accept()[0], b""
        self.peer.settimeout(20)
        self.say({"event": "gateway.hello", "started": 1})

    def say(self, message):
        text = json.dumps(message).encode()
        self.peer.sendall(b"%d:%s," % (len(text), text))

    def hear(self, **wanted):
        """Waits for a message that has these members."""
        while not any(wanted.items() <= message.items() for message in self.heard):
            length, colon, text = self.rest.partition(b":")
            if colon and len(text) > int(length):
                self.heard.append(json.loads(text[:int(length)]))
                self.rest = text[int(length) + 1:]
                continue
            data = self.peer.recv(4096)
            assert data, self.heard
            self.rest += data

    def close(self):
        if self.peer:
            self.peer.close()
        self.listener.close()


@pytest.fixture
def script():
    made = Script()
    yield made
    made.close()


def invite(callid, index):
    return {"event": "sip.INVITE", "callid": callid, "index": index, "label": 1, "from": f"sip:{CALLER}@c.example", "ruri": "sip:+4930901820@p.example"}


def project_with(kamailio):
    text = project().replace('{phone: "+4930901820", queue: support}', '{name: main, phone: "+4930901820", queue: support}')
    return text + f"gateways:\n  kam1: {{kind: kamailio, address: '127.0.0.1:{kamailio.evapi}', endpoint: main}}\n"


@pytest.fixture
def connected(kamailio, make_router):
    router = make_router(project_with(kamailio)).start()
    wait_connected(router)
    return router


def wait_connected(router):
    client = router.client()
    wait_for(lambda: client.ok("GET", "/readyz")["gateways"][0]["state"] == "connected", "the gateway is connected")


def calls(router, state="open"):
    return router.client().ok("GET", f"interactions?state={state}")["items"]


def wait_calls(router, count, state="open"):
    return wait_for(lambda: len(calls(router, state)) == count and (calls(router, state) or [{}]),
                    lambda: f"{count} {state} calls: {calls(router, state)}", 30)


def test_calls_go_where_their_decision_says(connected, kamailio, phones):
    router = connected
    phone, desk = phones
    router.client().ok("POST", "blacklist", {"phone": BLOCKED, "reason": "test"}, status=201)
    router.presence("anna")
    phone.send("INVITE", kamailio.sip, "call-1", CALLER)
    called, invite, peer = desk.called()
    assert called == "anna"
    [call] = wait_calls(router, 1)
    assert call["agent"] == "anna" and call["queue"] == "support"
    desk.reply(invite, peer, "200 OK")
    assert phone.response() == 200
    wait_for(lambda: [(one["state"], one["agent"]) for one in calls(router)] == [("active", "anna")], lambda: calls(router))
    phone.send("INVITE", kamailio.sip, "call-2", BLOCKED)
    assert phone.response() == 603
    phone.send("INVITE", kamailio.sip, "call-3", "+4930222222")
    called, invite, peer = desk.called()
    assert called == "queue-support"  # anna has a call
    desk.reply(invite, peer, "486 Busy Here")
    assert phone.response() == 486
    phone.send("BYE", kamailio.sip, "call-1", CALLER, cseq=2, extra="Route: <sip:127.0.0.1:%d;lr>\r\n" % kamailio.sip)
    wait_calls(router, 0)


def test_a_caller_gives_up_while_the_agent_is_asked(connected, kamailio, phones):
    phone, desk = phones
    connected.presence("anna")
    phone.send("INVITE", kamailio.sip, "call-1", CALLER)
    _, invite, peer = desk.called()
    wait_calls(connected, 1)
    phone.send("CANCEL", kamailio.sip, "call-1", CALLER)
    desk.cancelled(invite, peer)
    assert phone.response() == 487
    wait_calls(connected, 0)


def test_a_router_that_dies_decides_the_waiting_call_when_it_is_back(connected, kamailio, phones):
    router, (phone, desk) = connected, phones
    router.presence("anna")
    router.kill()
    phone.send("INVITE", kamailio.sip, "call-1", CALLER)
    router.start()
    called, invite, peer = desk.called()
    assert called == "anna"
    wait_calls(router, 1)
    router.kill()
    phone.send("CANCEL", kamailio.sip, "call-1", CALLER)
    desk.cancelled(invite, peer)
    assert phone.response() == 487
    router.start()
    wait_calls(router, 0)  # it asks what has become of the call
    assert len(calls(router, "closed")) == 1


def test_what_is_decided_after_the_next_greeting_is_asked_for(script, make_router, make_proxy, database):
    proxy = make_proxy(database.cluster.port)
    router = make_router(project_with(script), database_port=proxy.port, flags=["--storage-wait", "1s"]).start()
    script.accept()
    wait_connected(router)
    router.expect_log("database is away")
    router.expect_log("a gateway is away")
    router.expect_log("an event of a gateway cannot be used")
    proxy.refuse()
    proxy.drop_all()
    for index, callid in enumerate(("given-up", "waits")):
        script.say(invite(callid, index))
    wait_for(lambda: router.metric("patchbay_refusals_total", code="storage_unavailable") >= 2, "they are tried again")
    script.peer.close()
    script.accept()
    script.say(invite("waits", 7))
    script.say({"event": "sip.INVITE", "index": 9, "label": 1})
    script.hear(event="decision", index=9)  # and what was said before it is taken
    proxy.heal()
    script.hear(event="call.ask", callid="given-up")
    script.say({"event": "call.state", "callid": "given-up", "known": False})
    script.hear(event="call.ask", callid="waits")
    script.say({"event": "call.state", "callid": "waits", "known": True})
    script.hear(event="decision", index=7, callid="waits", outcome="queued")
    router.wait_ready()  # the desk's connection comes back when it does
    wait_for(lambda: [one["subject"] for one in calls(router, "closed")] == ["given-up"], lambda: calls(router, "closed"))
    assert [one["subject"] for one in calls(router)] == ["waits"]


def test_a_kamailio_that_dies_takes_its_ringing_calls_along(connected, kamailio, phones):
    router, (phone, desk) = connected, phones
    router.presence("anna")
    phone.send("INVITE", kamailio.sip, "call-1", CALLER)
    desk.called()
    wait_calls(router, 1)
    kamailio.kill()
    kamailio.start()
    wait_calls(router, 0)
    router.expect_log("a gateway is away")
    assert len(calls(router, "closed")) == 1


def test_sipp_calls_and_is_answered(connected, kamailio, phones, tmp_path):
    router, (_, desk) = connected, phones
    router.presence("anna")
    answering = threading.Thread(target=desk.answer, daemon=True)
    answering.start()
    sipp(tmp_path, kamailio, CALLER, udp_port())
    answering.join(20)
    wait_calls(router, 0)
    [call] = calls(router, "closed")
    assert CALLER in call["from"]["phone"]
