"""FreeSWITCH's event socket, played by a peer that sends what FreeSWITCH sends: Debian 12 has no FreeSWITCH to install."""
import json
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

from harness.process import free_port, wait_for
from harness.projects import project
from harness.router import BINARY

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "gateways/esl"
NO_CHANNELS = '{"row_count":0}'
NO_SUCH_CHANNEL = b"Content-Type: api/response\nContent-Length: 22\n\n-ERR No such channel!\n"


def frames(name):
    """What a sample says after the login, a frame each."""
    rest = (SAMPLES / f"{name}.in").read_bytes()
    found = []
    while rest:
        head, rest = rest.split(b"\n\n", 1)
        length = re.search(rb"Content-Length: (\d+)", head)
        body = rest[:int(length.group(1))] if length else b""
        rest = rest[len(body):]
        if length:
            found.append(head + b"\n\n" + body)
    return found


def now(frame):
    """The sample's times lie in the past: its events have happened just now."""
    stamp = str(int(time.time() * 1e6)).encode()
    head, body = frame.split(b"\n\n", 1)
    body = re.sub(rb"(Timestamp|-Created-Time): [1-9]\d+", rb"\g<1>: " + stamp, body)
    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(body), head)
    return head + b"\n\n" + body


def channel(id, call, to, way, state):
    return {"uuid": id, "direction": way, "call_uuid": call, "dest": to, "callstate": state, "cid_name": "x" * 900}


def told(name, id, **fields):
    """An event as the stream has it."""
    stamp = int(time.time() * 1e6)
    body = f"Event-Name: {name}\nUnique-ID: {id}\nEvent-Date-Timestamp: {stamp}\n"
    body += "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in fields.items()) + "\n"
    return f"Content-Type: text/event-plain\nContent-Length: {len(body)}\n\n{body}".encode()


def listed(*rows, count=None):
    return json.dumps({"row_count": len(rows) if count is None else count, "rows": rows})


def dump(id, more, state="answered"):
    """What uuid_dump says of a channel."""
    body = f"Event-Name: CHANNEL_DATA\nUnique-ID: {id}\nAnswer-State: {state}\n{more}\n\n".encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)


class Switch:
    """The inbound event socket of one FreeSWITCH."""

    def __init__(self, password="secret", port=0):
        self.password, self.channels, self.commands, self.peer = password, NO_CHANNELS, [], None
        self.dumps = {}
        self.greets = threading.Event()
        self.greets.set()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.greets.wait()
            try:
                peer.sendall(b"Content-Type: auth/request\n\n")
            except OSError:
                continue
            self._talk(peer)

    def _talk(self, peer):
        buffer = b""
        while True:
            try:
                data = peer.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while b"\n\n" in buffer:
                command, buffer = buffer.split(b"\n\n", 1)
                self._answer(peer, command.decode())

    def _answer(self, peer, command):
        self.commands.append(command)
        if command.startswith("auth "):
            good = command == f"auth {self.password}"
            peer.sendall(b"Content-Type: command/reply\nReply-Text: %s\n\n" % (b"+OK accepted" if good else b"-ERR invalid"))
        elif command.startswith("event plain"):
            peer.sendall(b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n")
        elif command == "api show channels as json":
            body = self.channels.encode()
            peer.sendall(b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body))
            self.peer = peer
        elif command.startswith("api uuid_dump "):
            peer.sendall(self.dumps.pop(command.split()[-1], NO_SUCH_CHANNEL))
        elif command == "api uptime":
            peer.sendall(b"Content-Type: api/response\nContent-Length: 2\n\n17")
        elif command.startswith("bgapi "):
            peer.sendall(b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: 1\nJob-UUID: 1\n\n")

    def send(self, frame):
        self.peer.sendall(frame)

    def cut(self):
        peer, self.peer = self.peer, None
        peer.shutdown(socket.SHUT_RDWR)
        peer.close()

    def close(self):
        self.listener.close()
        if self.peer:
            self.peer.close()


@pytest.fixture
def switch():
    made = Switch()
    yield made
    made.close()


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "fs.secret"
    path.write_text("secret\n")
    path.chmod(0o644)
    return path


def project_with(line):
    return project().replace('{phone: "+4930901820", queue: support}', '{name: main, phone: "+4930901820", queue: support}') + \
        f"gateways:\n  fs1: {line}\n"


def state(router):
    return router.client().ok("GET", "/readyz")["gateways"][0]["state"]


def calls(router, which="open"):
    return router.client().ok("GET", f"interactions?state={which}")["items"]


@pytest.fixture
def connect(switch, secret, make_router):
    def start(**more):
        line = (f"{{kind: freeswitch, address: '127.0.0.1:{switch.port}', secret_file: {secret}, endpoint: main, contexts: [public], "
                "extensions: {anna: 1001, ben: 1002}, redirect: {context: agents}, blocked: hangup}")
        router = make_router(project_with(line), **more).start()
        wait_for(lambda: switch.peer and state(router) == "connected", "the gateway is connected")
        return router
    return start


@pytest.fixture
def connected(connect):
    return connect()


def test_a_call_is_followed_through_cuts_to_its_end(connected, switch):
    router = connected
    told = [now(frame) for frame in frames("blind_transfer")]
    router.presence("anna")
    switch.send(told[0][:100])
    switch.send(told[0][100:])
    wait_for(lambda: calls(router), "the call is there")
    [call] = calls(router)
    assert call["state"] == "offered" and call["agent"] == "anna" and call["source"] == "freeswitch/fs1"
    switch.channels = json.dumps({"row_count": 1, "rows": [{"uuid": call["subject"], "direction": "inbound", "call_uuid": call["subject"]}]})
    switch.cut()
    wait_for(lambda: switch.peer, "it is dialled again")
    switch.send(told[0])  # once more
    router.agent("anna").ok("POST", f"offers/{call['offer']}/accept")
    transfer = f"bgapi uuid_transfer {call['subject']} 1001 XML agents"
    wait_for(lambda: transfer in switch.commands, lambda: switch.commands)
    for frame in told[1:]:
        switch.send(frame)
    wait_for(lambda: not calls(router), lambda: calls(router))
    assert len(calls(router, "closed")) == 1 and switch.commands.count(transfer) == 1
    router.expect_log("a gateway is away")


def test_what_freeswitch_forgot_is_ended(connected, switch):
    router = connected
    switch.send(now(frames("answered")[0]))
    wait_for(lambda: calls(router), "the call is there")
    router.kill()
    router.start()
    wait_for(lambda: not calls(router), lambda: calls(router))
    assert len(calls(router, "closed")) == 1


def test_what_was_missed_is_made_up_for(connected, switch):
    router = connected
    frame = now(frames("answered")[0])
    mine = re.search(rb"Unique-ID: (\S+)", frame).group(1)
    router.presence("anna")
    switch.send(frame)
    wait_for(lambda: calls(router), "the call is there")
    [call] = calls(router)
    switch.send(now(frame.replace(mine, b"another")))
    wait_for(lambda: len(calls(router)) == 2, lambda: calls(router))
    switch.greets.clear()
    switch.cut()
    router.agent("anna").ok("POST", f"offers/{call['offer']}/accept")
    switch.channels = listed(channel(call["subject"], call["subject"], "+4930901820", "inbound", "RINGING"),
                             channel("another", "another", "+4930901820", "inbound", "ACTIVE"),
                             channel("desk", "another", "1002", "outbound", "ACTIVE"))
    switch.dumps = {"another": dump("another", "Other-Type: originatee\nOther-Leg-Unique-ID: desk\n"
                                    "Other-Leg-Destination-Number: 1002\nvariable_bridge_uuid: desk"),
                    "desk": dump("desk", "Call-Direction: outbound\nvariable_bridge_uuid: another")}
    switch.greets.set()
    transfer = f"bgapi uuid_transfer {call['subject']} 1001 XML agents"
    wait_for(lambda: transfer in switch.commands, lambda: switch.commands)
    wait_for(lambda: ("another", "active", "ben") in [(one["subject"], one["state"], one["agent"]) for one in calls(router)],
             lambda: calls(router))
    assert [command for command in switch.commands if "bgapi" in command] == [transfer]
    router.expect_log("a gateway is away")


def test_a_call_that_is_handed_on_goes_to_each_agent(connected, switch):
    router = connected
    router.presence("anna")
    switch.send(now(frames("answered")[0]))
    wait_for(lambda: calls(router), "the call is there")
    [call] = calls(router)
    id = call["subject"]
    sent = lambda: [command for command in switch.commands if "bgapi" in command]
    talks = lambda: router.metric("patchbay_gateway_events_total", gateway="fs1")
    transfers = []

    def take(agent, number, offer):
        router.agent(agent).ok("POST", f"offers/{offer}/accept")
        transfers.append(f"bgapi uuid_transfer {id} {number} XML agents")

    def talk(desk, number, seen):
        switch.send(told("CHANNEL_CREATE", desk, Call_Direction="outbound", Caller_Destination_Number=number, Other_Leg_Unique_ID=id))
        switch.send(told("CHANNEL_BRIDGE", id, Other_Leg_Unique_ID=desk))
        wait_for(lambda: talks() == seen, "that they talk is decided")

    def hand_on(agent, to):
        router.presence(to)
        return router.agent(agent).ok("POST", f"interactions/{call['id']}/transfer", {"agent": to})["offer"]

    take("anna", 1001, call["offer"])
    wait_for(lambda: sent() == transfers, lambda: switch.commands)
    talk("desk-1", 1001, 2)
    take("ben", 1002, hand_on("anna", "ben"))
    wait_for(lambda: sent() == transfers, lambda: switch.commands)
    switch.send(told("CHANNEL_HANGUP_COMPLETE", "desk-1"))
    talk("desk-2", 1002, 3)
    switch.greets.clear()
    switch.cut()
    take("anna", 1001, hand_on("ben", "anna"))
    switch.channels = listed(channel(id, id, "+4930901820", "inbound", "ACTIVE"), channel("desk-2", id, "1002", "outbound", "ACTIVE"))
    switch.greets.set()
    wait_for(lambda: sent() == transfers, lambda: switch.commands)
    switch.send(told("CHANNEL_HANGUP_COMPLETE", "desk-2"))
    talk("desk-3", 1001, 4)
    talk("desk-4", 1002, 5)  # transferred at the exchange: it is there already
    wait_for(lambda: [one["agent"] for one in calls(router)] == ["ben"], lambda: calls(router))
    assert sent() == transfers
    router.expect_log("a gateway is away")


def test_blocked_callers_are_hung_up(connected, switch):
    router = connected
    first, late = b"3012345678", b"3087654321"
    block = lambda number: router.client("supervisor").ok("POST", "blacklist", {"phone": f"+49{number.decode()}"}, 201)
    frame = now(frames("answered")[0])
    id = re.search(rb"Unique-ID: (\S+)", frame).group(1)
    block(first)
    switch.send(frame)
    killed = lambda: [command for command in switch.commands if "bgapi" in command]
    wait_for(lambda: killed() == [f"bgapi uuid_kill {id.decode()} CALL_REJECTED"], lambda: switch.commands)
    switch.send(now(frame.replace(id, b"late").replace(first, late)))
    wait_for(lambda: [one["subject"] for one in calls(router)] == ["late"], lambda: calls(router))
    switch.greets.clear()
    switch.cut()
    block(late)
    switch.channels = listed(channel("late", "late", "+4930901820", "inbound", "RINGING"))
    switch.greets.set()
    wait_for(lambda: killed()[1:] == ["bgapi uuid_kill late CALL_REJECTED"], lambda: switch.commands)
    router.expect_log("a gateway is away")


def test_ten_thousand_channels_and_a_list_that_is_cut(connected, switch):
    router = connected
    frame = now(frames("answered")[0])
    switch.send(frame)
    wait_for(lambda: calls(router), "the call is there")
    [call] = calls(router)
    there = channel(call["subject"], call["subject"], "+4930901820", "inbound", "RINGING")
    others = [channel(f"leg-{i}", f"call-{i}", "2000", "outbound", "ACTIVE") for i in range(9800)]
    unknown = [channel(f"in-{i}", f"in-{i}", "+4930901820", "inbound", "RINGING") for i in range(200)]
    switch.channels = listed(*others, *unknown, there)
    assert len(switch.channels) > 10_000_000
    switch.cut()
    wait_for(lambda: "api uuid_dump in-199" in switch.commands and switch.peer, "they are all asked for")
    assert not [command for command in switch.commands if "dump leg" in command or f"dump {call['subject']}" in command]
    switch.channels = listed(*others[:10], count=20)
    switch.dumps[call["subject"]] = dump(call["subject"], "Call-Direction: inbound", "ringing")
    switch.cut()
    wait_for(lambda: not switch.dumps, "what is not listed is asked for")
    switch.send(now(frame.replace(call["subject"].encode(), b"another")))
    wait_for(lambda: len(calls(router)) == 2, lambda: calls(router))
    assert not calls(router, "closed")
    router.expect_log("a gateway is away")
    router.expect_log("a gateway has more channels than it lists or than can be followed")


def test_a_list_that_is_refused_ends_nothing(connected, switch):
    router = connected
    frame = now(frames("answered")[0])
    switch.send(frame)
    wait_for(lambda: calls(router), "the call is there")
    id = calls(router)[0]["subject"]
    mine = id.encode()
    switch.send(now(frame.replace(mine, b"gone")))
    switch.send(now(frame.replace(mine, b"unclear")))
    wait_for(lambda: len(calls(router)) == 3, lambda: calls(router))
    switch.channels = "-ERR Database error!\n"
    switch.dumps = {id: dump(id, "Call-Direction: inbound", "ringing"),
                    "unclear": b"Content-Type: api/response\nContent-Length: 34\n\n-ERR uuid_dump Command not found!\n"}
    before = router.metric("patchbay_gateway_unlisted_total", gateway="fs1")
    switch.cut()
    wait_for(lambda: not switch.dumps, "they are asked for one by one")
    wait_for(lambda: [one["subject"] for one in calls(router, "closed")] == ["gone"], lambda: calls(router, "closed"))
    switch.send(now(frame.replace(mine, b"another")))  # on the same connection
    wait_for(lambda: len(calls(router)) == 3, lambda: calls(router))
    assert router.metric("patchbay_gateway_unlisted_total", gateway="fs1") == before + 2
    assert {one["subject"] for one in calls(router)} == {id, "unclear", "another"}
    router.expect_log("a gateway is away")
    router.expect_log("a gateway does not say which calls it has")


def test_a_call_that_talks_elsewhere_outlives_a_restart(connected, switch):
    router = connected
    switch.send(now(frames("answered")[0]))
    wait_for(lambda: calls(router), "the call is there")
    call = calls(router)[0]["subject"]
    switch.channels = json.dumps({"row_count": 1, "rows": [{"uuid": call, "direction": "inbound", "call_uuid": call}]})
    data = now(frames("bridged_before")[0]).replace(b"Caller-Context: public", b"Caller-Context: agents")
    assert call.encode() in data and b"Other-Type: originatee" in data
    switch.dumps[call] = data.replace(b"text/event-plain", b"api/response")
    router.kill()
    router.start()
    wait_for(lambda: not switch.dumps, "it is asked what the call is")
    switch.send(now(frames("busy")[0].replace(call.encode(), b"another")))
    wait_for(lambda: len(calls(router)) == 2, lambda: calls(router))
    assert call in [one["subject"] for one in calls(router)] and not calls(router, "closed")
    switch.send(frames("bridged_before")[1])
    wait_for(lambda: [one["subject"] for one in calls(router, "closed")] == [call], lambda: calls(router))


def test_what_is_tried_again_is_what_was_told(connect, switch, make_proxy, database, tmp_path):
    proxy = make_proxy(database.cluster.port)
    router = connect(database_port=proxy.port, flags=["--storage-wait", "1s"])
    router.expect_log("database is away")
    frame = now(frames("outbound")[0])
    proxy.refuse()
    proxy.drop_all()
    switch.send(frame)
    wait_for(lambda: router.metric("patchbay_refusals_total", code="storage_unavailable") >= 2, "it is tried again")
    proxy.heal()
    wait_for(lambda: router.is_ready() and calls(router), "the call is there")
    (tmp_path / "frame").write_bytes(frame)
    told = json.loads(subprocess.run([BINARY, "decode", "esl", tmp_path / "frame"], check=True, capture_output=True, timeout=20).stdout)
    answer = router.client().event({**told, "source": "freeswitch/fs1"})
    assert answer.status == 200 and answer.json["interaction"] == calls(router)[0]["id"], answer


def test_a_peer_that_is_silent_is_asked_whether_it_is_there(connected, switch):
    ours = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    timers = [fields[5][:2] for fields in ours if fields[2].endswith(f":{switch.port:04X}") and fields[3] == "01"]
    assert timers == ["02"], "the timer of the connection is the one of keepalive"


def test_the_password_that_everybody_knows_is_refused(make_router, switch, secret):
    secret.write_text("ClueCon")
    line = f"{{kind: freeswitch, address: '127.0.0.1:{switch.port}', secret_file: {secret}}}"
    router = make_router(project_with(line)).start()
    wait_for(lambda: state(router) == "refused", lambda: state(router))
    assert not switch.commands
    router.expect_log("a gateway is away")


def test_half_a_frame_a_byte_at_a_time_is_cut_off(connected, switch):
    frame, began = now(frames("answered")[0]), time.monotonic()
    peer, cut = switch.peer, None
    peer.settimeout(1)
    for i in range(30):
        try:
            peer.sendall(frame[i:i + 1])
            if wait_gone(peer):
                cut = time.monotonic() - began
                break
        except OSError:
            cut = time.monotonic() - began
            break
    assert cut and 9 < cut < 20
    connected.expect_log("a gateway is away")


def wait_gone(peer):
    """A second, or less when the other side closes."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        try:
            if not peer.recv(1, socket.MSG_PEEK):
                return True
        except TimeoutError:
            return False
    return False


def test_a_call_dials_out_to_us_and_is_gone_with_its_connection(make_router):
    port = free_port()
    router = make_router(project_with(f"{{kind: freeswitch, listen: '127.0.0.1:{port}', endpoint: main}}")).start()
    wait_for(lambda: state(router) == "listening", lambda: state(router))
    text = (SAMPLES / "outbound_socket.in").read_bytes().split(b"\n\n")[0] + b"\n\n"
    text = re.sub(rb"(Timestamp|-Created-Time): [1-9]\d+", rb"\g<1>: " + str(int(time.time() * 1e6)).encode(), text)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        assert peer.recv(100) == b"connect\n\n"
        peer.sendall(text)
        assert peer.recv(100).startswith(b"myevents plain\n\n")
        wait_for(lambda: calls(router), "the call is there")
        assert calls(router)[0]["from"]["name"] == "Mara Beispiel"
    wait_for(lambda: not calls(router), lambda: calls(router))


class CallsOwn:
    """The connection that a call makes to us, from the dialplan of one of several FreeSWITCHes."""

    def __init__(self, port, core, call):
        ids = {b"6cd7d004-e3c9-11e7-b0f3-73bec77e82ec": core.encode(), b"cd613e30-d8f1-4adf-91b7-584a2265b1f5": call.encode()}
        self.told = (SAMPLES / "outbound_socket.in").read_bytes()
        for theirs, ours in ids.items():
            self.told = self.told.replace(theirs, ours)
        self.heard = b""
        self.peer = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.wait(b"connect\n\n")
        stamp = str(int(time.time() * 1e6)).encode()
        greeting = re.sub(rb"(Timestamp|-Created-Time): [1-9]\d+", rb"\g<1>: " + stamp, self.told.split(b"\n\n")[0])
        self.peer.sendall(greeting + b"\n\n")
        self.wait(b"linger\n\n")
        self.peer.sendall(b"Content-Type: command/reply\nReply-Text: +OK\n\n" * 2)

    def wait(self, text):
        while text not in self.heard:
            data = self.peer.recv(4096)
            assert data, self.heard
            self.heard += data

    def answered(self):
        """CHANNEL_ANSWER, as it is told next."""
        body = now(b"x: y\n\n" + self.told[self.told.index(b"Event-Name: CHANNEL_ANSWER"):].split(b"\n\n")[0] + b"\n\n").split(b"\n\n", 1)[1]
        self.peer.sendall(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(body), body))

    def unread(self):
        self.peer.setblocking(False)
        try:
            return self.peer.recv(4096)
        except BlockingIOError:
            return b""

    def close(self):
        self.peer.close()


def test_two_freeswitches_that_dial_one_listener_keep_their_calls(make_router):
    port = free_port()
    line = f"{{kind: freeswitch, listen: '127.0.0.1:{port}', endpoint: main, extensions: {{anna: 1001}}, redirect: {{context: agents}}}}"
    router = make_router(project_with(line)).start()
    wait_for(lambda: state(router) == "listening", lambda: state(router))
    router.presence("anna")
    one = CallsOwn(port, "core-1", "call-1")
    wait_for(lambda: calls(router), "the first call is there")
    [call] = calls(router)
    two = CallsOwn(port, "core-2", "call-2")
    wait_for(lambda: len(calls(router)) == 2, lambda: calls(router))
    one.answered()
    router.agent("anna").ok("POST", f"offers/{call['offer']}/accept")
    one.wait(b"bgapi uuid_transfer call-1 1001 XML agents\n\n")
    assert not calls(router, "closed") and not two.unread()
    two.close()
    wait_for(lambda: [one["subject"] for one in calls(router, "closed")] == ["call-2"], lambda: calls(router, "closed"))
    assert [one["subject"] for one in calls(router)] == ["call-1"]
    one.close()
    wait_for(lambda: not calls(router), lambda: calls(router))
