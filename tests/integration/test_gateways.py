"""What all gateways share: names that are not resolved, lines that go, peers and routers that are killed in mid-conversation."""
import json
import os
import pathlib
import re
import socket
import time

import pytest

from harness.ami_server import AmiServer, channel
from harness.http_client import cloudevent, ringing
from harness.process import free_port, wait_for
from harness.projects import project
from test_freeswitch import SAMPLES, Switch, frames, now

BUILD = pathlib.Path(os.environ.get("PATCHBAY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/asan"))
UNRESOLVED = str(BUILD / "tests/patchbay_unresolved")  # tests/CMakeLists.txt: tests/integration/names.c is its resolver
NAMED = project().replace("  - {phone:", "  - {name: main, phone:")


def project_with(**lines):
    return NAMED + "gateways:\n" + "".join(f"  {name}: {line}\n" for name, line in lines.items())


def change(router, text):
    pathlib.Path(router.project_file).write_text(text)
    router.apply()


def gateways(router):
    return {one["name"]: one for one in router.client().ok("GET", "/readyz")["gateways"]}


def wait_state(router, name, wanted):
    wait_for(lambda: gateways(router).get(name, {}).get("state") == wanted, lambda: f"{name} is {wanted}: {gateways(router)}")


def calls(router, state="open"):
    return router.client().ok("GET", f"interactions?state={state}")["items"]


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    return path


def test_a_resolver_that_hangs_holds_up_neither_a_reload_nor_the_end(make_router):
    hangs, unknown = "{kind: kamailio, address: 'hangs.invalid:1'}", "{kind: kamailio, address: 'unknown.invalid:1'}"
    router = make_router(project_with(kam1=hangs, kam2=unknown), binary=UNRESOLVED)
    router.expect_log("a gateway is away")
    router.start()
    wait_for(lambda: gateways(router)["kam2"].get("why") == "its name cannot be resolved", lambda: str(gateways(router)))
    assert gateways(router)["kam2"]["state"] in ("waiting", "connecting")
    wait_state(router, "kam1", "connecting")
    with socket.create_server(("127.0.0.1", 0)) as peer:
        address = f"{{kind: kamailio, address: '127.0.0.1:{peer.getsockname()[1]}'}}"
        change(router, project_with(kam1=address, kam2=hangs))
        wait_state(router, "kam1", "connected")
        wait_state(router, "kam2", "connecting")
        router.stop()
    router.wait_log("the look-up of a name is left to itself")


def all_calls(tables):
    return tables.query("SELECT k.source, k.subject, i.closed_ms IS NULL, i.cause FROM interactions i "
                        "JOIN content k ON k.seq = i.opened_seq AND k.project = i.project ORDER BY i.id")


def wait_calls(tables, *wanted):
    wait_for(lambda: all_calls(tables) == list(wanted), lambda: f"{wanted}, not {all_calls(tables)}")


def test_calls_of_a_gateway_that_is_taken_away_or_renamed_end(make_router, tables, secret):
    asterisk = AmiServer()
    line = f"{{kind: asterisk, address: '127.0.0.1:{asterisk.port}', user: patchbay, secret_file: {secret}, endpoint: main}}"
    router = make_router(project_with(pbx1=line)).start()
    wait_state(router, "pbx1", "connected")
    router.presence("anna")
    router.presence("ben")
    asterisk.play(channel("Newchannel", "PJSIP/trunk-1", "1.1") + channel("Newchannel", "PJSIP/trunk-2", "2.1"))
    wait_for(lambda: len(calls(router, "offered")) == 2, lambda: str(calls(router)))
    taken = calls(router, "offered")[0]
    router.agent(taken["agent"]).ok("POST", f"offers/{taken['offer']}/accept", {})
    assert router.source().event(ringing(subject="3.1", source="asterisk/pbx3")).status == 200  # somebody else's, whatever it looks like
    ended = [("asterisk/pbx1", "1.1", False, "lost"), ("asterisk/pbx1", "2.1", False, "lost")]
    other = ("asterisk/pbx3", "3.1", True, None)
    change(router, NAMED)
    wait_calls(tables, *ended, other)
    asterisk.drop()
    change(router, project_with(pbx1=line))
    wait_state(router, "pbx1", "connected")
    asterisk.play(channel("Newchannel", "PJSIP/trunk-4", "4.1"))
    wait_calls(tables, *ended, other, ("asterisk/pbx1", "4.1", True, None))
    router.kill()
    asterisk.channels = [{"name": "PJSIP/trunk-4", "uniqueid": "4.1", "state": 4, "Duration": "00:00:10"}]
    change(router, project_with(pbx2=line))
    router.start()
    wait_calls(tables, *ended, other, ("asterisk/pbx1", "4.1", False, "lost"), ("asterisk/pbx2", "4.1", True, None))
    assert tables.one("SELECT count(*) FROM journal WHERE position('lost'::bytea IN input) > 0") == 3
    asterisk.stop()
    router.expect_log("a gateway is away")


def test_one_call_that_cannot_be_ended_keeps_nobody_from_the_others(make_router):
    with socket.create_server(("127.0.0.1", 0)) as peer:
        line = f"{{kind: kamailio, address: '127.0.0.1:{peer.getsockname()[1]}'}}"
        router = make_router(project_with(kam1=line), flags=["--intake-max", "200"]).start()
        wait_state(router, "kam1", "connected")
        source, told = router.source(), [ringing(subject=f"c{i}", source="kamailio/kam1") for i in range(300)]
        answers = [answer for at in range(0, 300, 100) for answer in source.batch(told[at:at + 100]).json]
        assert {answer["outcome"] for answer in answers} == {"queued"}
        first = answers[0]["interaction"]  # what its end would be is something else already
        other = cloudevent("call.answered", "c0", {}, source="kamailio/kam1", id=f"{first}:removed")
        assert source.event(other).status == 200
        change(router, NAMED)  # more at once than the intake takes
        left = lambda: [one["subject"] for one in calls(router)]
        wait_for(lambda: left() == ["c0"], lambda: f"{len(left())} are left")
        router.expect_log("a call of a gateway that is no more cannot be ended")
        router.wait_log("a call of a gateway that is no more cannot be ended")


class SilentAsterisk(AmiServer):
    """Says nothing to who wants in while it is held."""
    held = None

    def hold(self):
        self.held = []

    def let_in(self):
        held, self.held = self.held, None
        for client, action in held:
            self._act(client, action)

    def _act(self, client, action):
        if self.held is not None and action["Action"] == "Challenge":
            self.held.append((client, action))
        else:
            super()._act(client, action)


def test_nobody_is_sent_anywhere_before_asterisk_has_let_us_in(make_router, secret):
    asterisk = SilentAsterisk()
    line = (f"{{kind: asterisk, address: '127.0.0.1:{asterisk.port}', user: patchbay, secret_file: {secret}, endpoint: main, "
            "extensions: {anna: 1001}, redirect: {context: agents}}")
    router = make_router(project_with(pbx1=line)).start()
    router.expect_log("a gateway is away")
    wait_state(router, "pbx1", "connected")
    router.presence("anna")
    asterisk.play(channel("Newchannel", "PJSIP/trunk-1", "1.1"))
    [call] = wait_for(lambda: calls(router, "offered"), lambda: str(calls(router)))
    asterisk.channels = [{"name": "PJSIP/trunk-1", "uniqueid": "1.1", "state": 4}]
    asterisk.hold()
    asterisk.drop()
    wait_for(lambda: asterisk.held, "it is asked to let us in")
    router.agent("anna").ok("POST", f"offers/{call['offer']}/accept", {})
    wait_for(lambda: calls(router, "active"), lambda: str(calls(router)))
    asterisk.let_in()
    wait_state(router, "pbx1", "connected")
    names = [action["Action"] for action in asterisk.actions]
    again = names.index("Challenge", names.index("Challenge") + 1)
    assert "Redirect" not in names[:again], names
    asterisk.stop()


class SilentSwitch(Switch):
    held = None

    def _answer(self, peer, command):
        if self.held is not None and command.startswith("auth "):
            self.held.append((peer, command))
        else:
            super()._answer(peer, command)

    def let_in(self):
        held, self.held = self.held, None
        for peer, command in held:
            self._answer(peer, command)


def test_nobody_is_sent_anywhere_before_freeswitch_has_let_us_in(make_router, secret):
    switch = SilentSwitch("s3cret")
    line = (f"{{kind: freeswitch, address: '127.0.0.1:{switch.port}', secret_file: {secret}, endpoint: main, "
            "extensions: {anna: 1001}, redirect: {context: agents}}")
    router = make_router(project_with(fs1=line)).start()
    router.expect_log("a gateway is away")
    wait_for(lambda: switch.peer, "it is connected")
    router.presence("anna")
    switch.send(now(frames("answered")[0]))
    [call] = wait_for(lambda: calls(router, "offered"), lambda: str(calls(router)))
    switch.channels = json.dumps({"row_count": 1, "rows": [{"uuid": call["subject"], "direction": "inbound", "call_uuid": call["subject"]}]})
    switch.held = []
    switch.cut()
    wait_for(lambda: switch.held, "it is asked to let us in")
    router.agent("anna").ok("POST", f"offers/{call['offer']}/accept", {})
    wait_for(lambda: calls(router, "active"), lambda: str(calls(router)))
    switch.let_in()
    wait_state(router, "fs1", "connected")
    last = len(switch.commands) - switch.commands[::-1].index("auth s3cret")
    assert not [command for command in switch.commands[:last] if "transfer" in command], switch.commands
    switch.close()


def test_a_freeswitch_that_dies_takes_its_call_along(make_router, secret):
    switch = Switch("s3cret")
    line = f"{{kind: freeswitch, address: '127.0.0.1:{switch.port}', secret_file: {secret}, endpoint: main}}"
    router = make_router(project_with(fs1=line)).start()
    router.expect_log("a gateway is away")
    wait_for(lambda: switch.peer, "it is connected")
    router.presence("anna")
    switch.send(now(frames("answered")[0]))
    [call] = wait_for(lambda: calls(router, "offered"), lambda: str(calls(router)))
    router.agent("anna").ok("POST", f"offers/{call['offer']}/accept", {})
    switch.cut()  # and it comes back with no channels
    wait_for(lambda: not calls(router), lambda: str(calls(router)))
    assert [one["id"] for one in calls(router, "closed")] == [call["id"]]
    switch.close()


def dial_in(port, number):
    """A call's own connection, as FreeSWITCH makes it."""
    text = (SAMPLES / "outbound_socket.in").read_bytes().split(b"\n\n")[0] + b"\n\n"
    stamp = str(int(time.time() * 1e6)).encode()
    text = re.sub(rb"(Timestamp|-Created-Time): [1-9]\d+", rb"\g<1>: " + stamp, text).replace(b"cd613e30", number)
    peer = socket.create_connection(("127.0.0.1", port), timeout=20)
    assert peer.recv(100) == b"connect\n\n"
    peer.sendall(text)
    assert peer.recv(100).startswith(b"myevents plain\n\n")
    return peer


def test_calls_that_dialled_out_to_a_router_that_dies_end(make_router):
    port = free_port()
    router = make_router(project_with(fs1=f"{{kind: freeswitch, listen: '127.0.0.1:{port}', endpoint: main}}")).start()
    wait_state(router, "fs1", "listening")
    router.presence("anna")
    with dial_in(port, b"cd613e30"):
        [call] = wait_for(lambda: calls(router, "offered"), lambda: str(calls(router)))
        router.agent("anna").ok("POST", f"offers/{call['offer']}/accept", {})
        router.kill()
    router.start()
    wait_for(lambda: not calls(router), lambda: str(calls(router)))
    assert [one["id"] for one in calls(router, "closed")] == [call["id"]]
    with dial_in(port, b"cd613e31"):
        wait_for(lambda: len(calls(router)) == 1, lambda: str(calls(router)))
    wait_for(lambda: not calls(router), lambda: str(calls(router)))
    assert len(calls(router, "closed")) == 2
