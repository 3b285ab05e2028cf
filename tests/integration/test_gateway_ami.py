"""Asterisk's manager interface as a gateway: recorded and made calls, connections and routers that break off in the middle."""
import json
import os
import pathlib
import time
import urllib.request

import pytest

from harness.ami_server import AmiServer, channel
from harness.process import wait_for
from harness.projects import project

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("PATCHBAY_SHARED", ROOT.parent / "shared"))
PING_AND_ANSWER_S = 25
TRUNK = "PJSIP/trunk-0000000{}"


@pytest.fixture
def asterisk():
    server = AmiServer()
    yield server
    server.stop()


@pytest.fixture
def make(make_router, asterisk, tmp_path):
    def start(more="", secret="s3cret", **flags):
        (tmp_path / "secret").write_text(secret + "\n")
        text = project().replace("  - {phone:", "  - {name: main, phone:")
        router = make_router(text + f"""gateways:
  pbx1: {{kind: asterisk, address: "127.0.0.1:{asterisk.port}", user: patchbay, secret_file: {tmp_path}/secret, endpoint: main{more}}}
""", **flags)
        router.expect_log("a gateway is away")
        return router.start()
    return start


def state(router):
    with urllib.request.urlopen(f"http://{router.http}/readyz", timeout=5) as answer:
        gateways = json.load(answer)["gateways"]
    assert all(one["name"] == "pbx1" and one["kind"] == "asterisk" and one["since"] for one in gateways)
    return gateways[0]["state"] if gateways else None


def wait_state(router, wanted):
    wait_for(lambda: state(router) == wanted, lambda: f"the gateway is {wanted}, not {state(router)}; {router.log()[-2000:]}")


def calls(tables, where="true"):
    return tables.query("SELECT k.subject, i.closed_ms IS NULL, i.cause, k.phone_key, i.agent FROM interactions i "
                        f"JOIN content k ON k.seq = i.opened_seq AND k.project = i.project WHERE {where} ORDER BY i.id")


def wait_calls(tables, wanted):
    wait_for(lambda: calls(tables) == wanted, lambda: f"{wanted}, not {calls(tables)}")


def ring(line, **more):
    return channel("Newchannel", TRUNK.format(line), f"{line}.1", **more)


def hang_up(line, cause=16):
    return channel("Hangup", TRUNK.format(line), f"{line}.1", Cause=cause)


def wait_asked(asterisk, count):
    wait_for(lambda: len(asterisk.asked("GetVar")) == count, lambda: "how a number is presented is asked for each call")


def test_a_call_rings_is_answered_and_ends(make, asterisk, tables):
    router = make(', extensions: {anna: "1001"}, redirect: {context: agents}')
    wait_state(router, "connected")
    login = asterisk.asked("Login")[0]
    assert login["AuthType"] == "MD5" and "Secret" not in login and login["Events"] == "call,agent,system"
    router.presence("anna")
    asterisk.presentation[TRUNK.format(2)] = "prohib_passed_screen"
    asterisk.play(ring(1) + ring(2, number="+442079460123"), piece=7)
    wait_calls(tables, [("1.1", True, None, "+4915112345678", "anna"), ("2.1", True, None, None, None)])
    [offer] = router.client().ok("GET", "interactions?state=offered")["items"]
    assert offer["queue"] == "support" and offer["from"]["name"] == "Ann"
    router.agent("anna").ok("POST", f"offers/{offer['offer']}/accept", {})
    [redirect] = wait_for(lambda: asterisk.asked("Redirect"), lambda: "the call is sent to its agent")
    assert (redirect["Channel"], redirect["Context"], redirect["Exten"]) == (TRUNK.format(1), "agents", "1001")
    asterisk.play(hang_up(1) + hang_up(2, cause=0))
    wait_for(lambda: not calls(tables, "i.closed_ms IS NULL"), lambda: "both have ended")
    assert router.metric("patchbay_gateway_events_total", gateway="pbx1") == 4 and router.metric("patchbay_gateway_up", gateway="pbx1") == 1


def test_what_happens_while_the_connection_is_away_is_made_up_for(make, asterisk, tables):
    router = make()
    wait_state(router, "connected")
    asterisk.play(ring(1) + ring(2))
    wait_for(lambda: len(calls(tables)) == 2, lambda: "two calls")
    asterisk.stop()
    wait_for(lambda: state(router) != "connected", lambda: "it is away")
    asterisk.channels = [{"name": TRUNK.format(n), "uniqueid": f"{n}.1", "state": 4, "Duration": "00:01:00"} for n in (2, 3)]
    asterisk.start()
    wait_for(lambda: [row[:2] for row in calls(tables)] == [("1.1", False), ("2.1", True), ("3.1", True)], lambda: str(calls(tables)))
    router.kill()  # and what happens while the router is away, too
    asterisk.channels = asterisk.channels[1:] + [{"name": TRUNK.format(4), "uniqueid": "4.1", "state": 4, "Duration": "00:00:10"}]
    router.start()
    wait_for(lambda: [row[:2] for row in calls(tables)] == [("1.1", False), ("2.1", False), ("3.1", True), ("4.1", True)],
             lambda: f"{calls(tables)} {router.log()[-2000:]}")
    asterisk.play(hang_up(3) + hang_up(4))
    wait_for(lambda: not calls(tables, "i.closed_ms IS NULL"), lambda: "none is left open")
    assert len(calls(tables)) == 4


@pytest.mark.parametrize("may_filter", [True, False])
def test_asterisk_is_asked_to_send_only_what_is_used(make, asterisk, tables, may_filter):
    asterisk.may_filter = may_filter
    router = make()
    wait_state(router, "connected")
    asterisk.drop()
    wait_for(lambda: asterisk.logins == 2 and state(router) == "connected", "it is back")
    assert len(asterisk.asked("Filter")) == 2
    wait_for(lambda: router.log().count("Asterisk refuses to filter") == (0 if may_filter else 1), "said once")
    passes = lambda name: bool(asterisk.filter.match(channel(name, TRUNK.format(1), "1.1")))
    if may_filter:
        assert [name for name in ("Newchannel", "Newexten", "HangupRequest", "Hangup", "NewConnectedLine") if passes(name)] == ["Newchannel", "Hangup"]
    asterisk.play(ring(1) + channel("Newexten", TRUNK.format(1), "1.1") + hang_up(1))
    wait_for(lambda: [row[:2] for row in calls(tables)] == [("1.1", False)], lambda: str(calls(tables)))


def away(router, asterisk):
    asterisk.hold()
    asterisk.drop()
    wait_for(lambda: state(router) != "connected", "it is away")


def back(router, asterisk, *channels):
    asterisk.channels = list(channels)
    asterisk.release()
    wait_state(router, "connected")


def listed(line, state=4, name=None, leg=1, **more):
    return {"name": name or TRUNK.format(line), "uniqueid": f"{line}.{leg}", "linkedid": f"{line}.1", "state": state, "Duration": "00:01:00", **more}


def talks(line, phone):
    """The call and the telephone that has answered it, on a list."""
    return [listed(line, state=6, BridgeId=line), listed(line, state=6, name=f"PJSIP/{phone}-0000000a", leg=2, BridgeId=line)]


def enter(line, name=None, leg=1):
    return channel("BridgeEnter", name or TRUNK.format(line), f"{line}.{leg}", f"{line}.1", state=6, BridgeUniqueid=line)


def accept(router, agent):
    [offer] = wait_for(lambda: [one for one in router.client().ok("GET", "interactions?state=offered")["items"] if one["agent"] == agent],
                       lambda: f"{agent} is offered it")
    router.agent(agent).ok("POST", f"offers/{offer['offer']}/accept", {})


def test_answers_and_accepts_while_the_connection_is_away_are_made_up_for(make, asterisk, tables):
    router = make(', extensions: {anna: "1001", ben: "1002"}, redirect: {context: agents}')
    wait_state(router, "connected")
    router.presence("anna")
    router.presence("ben")
    asterisk.play(ring(1) + ring(2, number="+442079460123"))
    wait_for(lambda: [row[4] for row in calls(tables)] == ["anna", "ben"], lambda: f"both are offered: {calls(tables)}")
    offers = {one["agent"]: one["offer"] for one in router.client().ok("GET", "interactions?state=offered")["items"]}
    away(router, asterisk)
    router.agent("anna").ok("POST", f"offers/{offers['anna']}/accept", {})
    # Meanwhile ben's telephone was picked up, which nobody told; the other call still waits.
    back(router, asterisk, listed(1), *talks(2, "1002"))
    wait_for(lambda: len(router.client().ok("GET", "interactions?state=active")["items"]) == 2, lambda: str(calls(tables)))
    [redirect] = wait_for(lambda: asterisk.asked("Redirect"), "the accept is made up for")
    assert (redirect["Channel"], redirect["Exten"]) == (TRUNK.format(1), "1001")
    away(router, asterisk)
    back(router, asterisk, listed(1), *talks(2, "1002"))
    asterisk.play(hang_up(1) + hang_up(2) + channel("Hangup", "PJSIP/1002-0000000a", "2.2", "2.1", Cause=16))
    wait_for(lambda: not calls(tables, "i.closed_ms IS NULL"), lambda: "both have ended")
    assert len(asterisk.asked("Redirect")) == 1, "once"


def test_orders_that_were_never_answered_are_sent_again(make, asterisk, tables):
    router = make(', extensions: {anna: "1001", ben: "1002"}, redirect: {context: agents}, blocked: hangup')
    wait_state(router, "connected")
    router.presence("anna")
    router.presence("ben")
    asterisk.play(ring(1) + ring(2, number="+442079460123") + ring(3, number="+33612345678"))
    wait_for(lambda: [row[4] for row in calls(tables)] == ["anna", "ben", None], lambda: f"two are offered: {calls(tables)}")
    asterisk.is_deaf = True
    accept(router, "anna")
    accept(router, "ben")
    router.client("supervisor").ok("POST", "blacklist", {"phone": "+33612345678"}, 201)
    orders = lambda: [(one["Action"], one["Channel"]) for one in asterisk.actions if one["Action"] in ("Redirect", "Hangup")]
    first = [("Redirect", TRUNK.format(1)), ("Redirect", TRUNK.format(2)), ("Hangup", TRUNK.format(3))]
    wait_for(lambda: sorted(orders()) == sorted(first), lambda: f"all are sent: {orders()}")
    away(router, asterisk)
    asterisk.is_deaf = False
    back(router, asterisk, listed(1), listed(2, context="agents", exten="1002"), listed(3))  # of these one was done
    wait_for(lambda: sorted(orders()[3:]) == [first[2], first[0]], lambda: f"the others are sent again: {orders()}")
    away(router, asterisk)
    back(router, asterisk, listed(1), listed(2), listed(3))
    asterisk.play(hang_up(1) + hang_up(2) + hang_up(3, cause=21))
    wait_for(lambda: not calls(tables, "i.closed_ms IS NULL"), lambda: "all have ended")
    assert len(orders()) == 5, "what was answered is done with"


def test_a_call_that_is_handed_on_goes_to_the_next_agents_telephone(make, asterisk, tables):
    router = make(', extensions: {anna: "1001", ben: "1002"}, redirect: {context: agents}')
    wait_state(router, "connected")
    router.presence("anna")
    asterisk.play(ring(1))
    accept(router, "anna")
    sent = lambda: [(one["Channel"], one["Exten"]) for one in asterisk.asked("Redirect")]
    wait_for(lambda: sent() == [(TRUNK.format(1), "1001")], lambda: f"to the first: {sent()}")
    anna, ben = "PJSIP/1001-0000000a", "PJSIP/1002-0000000b"
    asterisk.play(channel("Newchannel", anna, "1.2", "1.1", state=0) + enter(1, anna, leg=2) + enter(1))
    told = lambda: router.metric("patchbay_gateway_events_total", gateway="pbx1")
    wait_for(lambda: told() == 2, lambda: f"{told()} events: it is answered")
    assert sent() == [(TRUNK.format(1), "1001")], "they talk already"
    router.presence("ben")
    [call] = router.client().ok("GET", "interactions?state=active")["items"]
    router.agent("anna").ok("POST", f"interactions/{call['id']}/transfer", {"agent": "ben"})
    accept(router, "ben")
    wait_for(lambda: sent()[1:] == [(TRUNK.format(1), "1002")], lambda: f"to the next: {sent()}")
    asterisk.play(channel("Hangup", anna, "1.2", "1.1", Cause=16) + channel("Newchannel", ben, "1.3", "1.1", state=0)
                  + enter(1, ben, leg=3) + enter(1))
    wait_for(lambda: told() == 3, lambda: f"{told()} events: the next has answered")
    wait_calls(tables, [("1.1", True, None, "+4915112345678", "ben")])
    router.agent("ben").ok("POST", f"interactions/{call['id']}/transfer", {"agent": "anna"})
    accept(router, "anna")
    wait_for(lambda: sent()[2:] == [(TRUNK.format(1), "1001")], lambda: f"and back, while they talk: {sent()}")
    asterisk.play(ring(2, number="+442079460123") + channel("AgentConnect", TRUNK.format(2), "2.1", Queue="support", Interface="PJSIP/desk-7"))
    accept(router, "ben")
    asterisk.play(hang_up(2))
    wait_for(lambda: calls(tables)[1][:2] == ("2.1", False), lambda: f"it has ended: {calls(tables)}")
    assert len(sent()) == 3, "whom Asterisk has connected with somebody else is left there"


def test_a_list_that_is_cut_ends_nothing(make, asterisk, tables):
    calls_max = 4096
    router = make(", contexts: [from-trunk]")
    wait_state(router, "connected")
    asterisk.play(ring(1) + ring(2))
    wait_for(lambda: len(calls(tables)) == 2, lambda: "two calls")
    router.kill()
    router.expect_log("more calls than are followed")
    inside = [{"name": f"PJSIP/inside-{n:08x}", "uniqueid": f"9.{n}", "context": "inside"} for n in range(calls_max)]
    asterisk.channels = [*inside, listed(1)]
    router.start()
    wait_state(router, "connected")
    asterisk.channels = [listed(1)]  # and when there is room, what does not live is known
    asterisk.play(b"".join(channel("Hangup", one["name"], one["uniqueid"], Cause=16) for one in inside[:calls_max // 8 + 1]))
    wait_for(lambda: [row[:2] for row in calls(tables)] == [("1.1", True), ("2.1", False)], lambda: str(calls(tables)))
    asterisk.play(hang_up(1))
    wait_for(lambda: [row[:2] for row in calls(tables)] == [("1.1", False), ("2.1", False)], lambda: str(calls(tables)))


def test_calls_of_blocked_callers_are_hung_up_where_the_line_says_so(make, asterisk, tables):
    router = make(", blocked: hangup")
    wait_state(router, "connected")
    block = lambda number: router.client("supervisor").ok("POST", "blacklist", {"phone": number}, 201)
    block("+442079460123")
    asterisk.play(ring(1, number="+442079460123") + ring(2) + ring(3, number="+33612345678"))
    wait_for(lambda: len(asterisk.asked("Hangup")) == 1, lambda: f"the blocked one is hung up: {asterisk.actions}")
    wait_calls(tables, [("1.1", False, "blocked", "+442079460123", None), ("2.1", True, None, "+4915112345678", None),
                        ("3.1", True, None, "+33612345678", None)])
    away(router, asterisk)
    block("+4915112345678")  # while it waits, and the connection is away
    wait_for(lambda: calls(tables)[1][2] == "blocked", lambda: str(calls(tables)))
    back(router, asterisk, listed(2), listed(3))
    wait_for(lambda: len(asterisk.asked("Hangup")) == 2, lambda: f"it is made up for: {asterisk.actions}")
    assert [(one["Channel"], one["Cause"]) for one in asterisk.asked("Hangup")] == [(TRUNK.format(1), "21"), (TRUNK.format(2), "21")]
    asterisk.play(hang_up(1, cause=21) + hang_up(2, cause=21))
    assert calls(tables)[2][1], "others ring on"


def test_a_wrong_password_is_said_and_not_tried_at_once_again(make, asterisk):
    router = make(secret="wrong")
    wait_state(router, "refused")
    assert router.metric("patchbay_gateway_up", gateway="pbx1") == 0 and "wrong" not in router.log()
    assert len(asterisk.asked("Login")) == 1
    text = pathlib.Path(router.project_file).read_text()
    pathlib.Path(router.project_file).write_text(text.replace("user: patchbay", "user: patchbay, login: plain"))
    (pathlib.Path(router.project_file).parent / "secret").write_text("s3cret")
    router.apply()  # what has changed is tried with the new file at once
    wait_state(router, "connected")
    assert asterisk.asked("Login")[-1]["Secret"] == "s3cret"
    pathlib.Path(router.project_file).write_text(text[:text.index("gateways:")])
    router.apply()
    wait_for(lambda: b'"gateways":[]' in urllib.request.urlopen(f"http://{router.http}/readyz").read(), lambda: "no gateway is left")


def test_half_a_frame_and_no_more_is_cut_off(make, asterisk):
    router = make()
    wait_state(router, "connected")
    asterisk.play(b"Event: Newchannel\r\nChan")
    router.expect_log("a gateway is away")
    wait_for(lambda: asterisk.logins == 2, lambda: "it is dialled again", timeout=20)
    router.wait_log("half a frame")


def test_a_ping_is_not_due_while_nothing_is_read(make, make_proxy, database, asterisk, tables):
    proxy = make_proxy(database.cluster.port)
    router = make(database_port=proxy.port)
    wait_state(router, "connected")
    router.expect_log("database is away")
    proxy.refuse()
    proxy.drop_all()
    asterisk.play(b"".join(ring(line) for line in range(300)))
    wait_for(lambda: router.metric("patchbay_gateway_waiting", gateway="pbx1") == 256, "there is no room")
    held = time.monotonic() + PING_AND_ANSWER_S + 2
    wait_for(lambda: time.monotonic() > held or asterisk.logins > 1, "time passes", timeout=PING_AND_ANSWER_S * 2)
    assert asterisk.logins == 1 and router.metric("patchbay_gateway_up", gateway="pbx1") == 1
    proxy.heal()
    wait_for(lambda: len(calls(tables)) == 300, lambda: f"{len(calls(tables))} calls", timeout=60)
    wait_for(lambda: asterisk.asked("Ping"), "it is asked again", timeout=PING_AND_ANSWER_S)
    assert asterisk.logins == 1


def test_recorded_calls_are_one_interaction_each(make, asterisk, tables):
    if not (SHARED / "captures/asterisk16").exists():
        pytest.skip("the captures are not here")
    router = make()
    wait_state(router, "connected")
    expected = json.loads((SHARED / "captures/asterisk16/expected.json").read_text())
    asterisk.presentation = {"PJSIP/trunk-00000003": "prohib_not_screened"}
    for number, name in enumerate(sorted(expected)):
        data = (SHARED / f"captures/asterisk16/ami/{name}.ami").read_bytes()
        begun = data.index(b"\r\n\r\n", data.index(b"Event: Newchannel")) + 4
        asterisk.play(data[data.index(b"\r\n\r\n") + 4:begun], piece=[None, 1000, 77][number % 3])
        wait_asked(asterisk, number + 1)
        asterisk.play(data[begun:], piece=[None, 1000, 77][number % 3])
    wait_for(lambda: len(calls(tables, "i.closed_ms IS NOT NULL")) == 20, lambda: str(calls(tables)))
    keys = [row[3] for row in calls(tables)]
    assert sorted(key for key in keys if key and key[0] == "+") == sorted(filter(None, (one["from_e164_default_region_DE"] for one in expected.values())))
