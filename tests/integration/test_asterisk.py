"""A real Asterisk with calls by SIPp. tests/asterisk/install fetches it into a folder; where it cannot, these tests are skipped."""
import json
import urllib.request

import pytest

from harness import asterisk as real
from harness.process import wait_for
from harness.projects import project


@pytest.fixture
def asterisk(tmp_path):
    if not real.is_here():
        pytest.skip("no Asterisk: tests/asterisk/install cannot fetch one")
    made = real.Asterisk(tmp_path / "asterisk").start()
    yield made
    made.stop()


@pytest.fixture
def pbx(make_router, asterisk, tmp_path):
    """A router that is connected to Asterisk."""
    (tmp_path / "secret").write_text("s3cret\n")
    router = make_router(project().replace("  - {phone:", "  - {name: main, phone:") + f"""gateways:
  pbx1:
    kind: asterisk
    address: "127.0.0.1:{asterisk.ami}"
    user: patchbay
    secret_file: {tmp_path}/secret
    endpoint: main
    contexts: [from-trunk]
    extensions: {{anna: "1001", ben: "1002"}}
    redirect: {{context: agents}}
""")
    router.expect_log("a gateway is away")
    router.start()
    wait_connected(router, asterisk)
    return router


def state(router):
    with urllib.request.urlopen(f"http://{router.http}/readyz", timeout=5) as answer:
        gateways = json.load(answer)["gateways"]
    return gateways[0]["state"] if gateways else None


def wait_connected(router, asterisk):
    wait_for(lambda: state(router) == "connected", lambda: f"{state(router)} {asterisk.output()} {router.log()[-2000:]}", 60)


def calls(tables):
    """Of each: the caller's key, the agent, and whether it is open."""
    return tables.query("SELECT k.phone_key, i.agent, i.closed_ms IS NULL FROM interactions i "
                        "JOIN content k ON k.seq = i.opened_seq AND k.project = i.project ORDER BY i.id")


def wait_calls(tables, asterisk, *wanted):
    wait_for(lambda: calls(tables) == list(wanted), lambda: f"{wanted}, not {calls(tables)}; {asterisk.output()}", 30)


def test_calls_ring_end_are_given_up_and_hide_their_number(pbx, asterisk, tables):
    asterisk.call("short")
    wait_calls(tables, asterisk, ("+4915112345678", None, False))
    asterisk.call("ring", number="03012345678", then="cancel")
    wait_calls(tables, asterisk, ("+4915112345678", None, False), ("+493012345678", None, False))
    hidden = "P-Asserted-Identity: <sip:+442079460123@127.0.0.1>\nPrivacy: id\n"
    asterisk.call("wait", number="anonymous", name="Anonymous", headers=hidden, then="500")
    wait_for(lambda: len(calls(tables)) == 3 and calls(tables)[2] == (None, None, False), lambda: str(calls(tables)))


def test_a_call_through_local_channels_and_a_redirect_on_accept_are_one_interaction(pbx, asterisk, tables):
    pbx.presence("anna")
    asterisk.call("transfer")
    wait_calls(tables, asterisk, ("+4915112345678", "anna", True))
    [offer] = pbx.client().ok("GET", "interactions?state=offered")["items"]
    pbx.agent("anna").ok("POST", f"offers/{offer['offer']}/accept", {})
    wait_calls(tables, asterisk, ("+4915112345678", "anna", False))  # sent to 1001, who does not answer: nobody else hangs up


def test_nothing_is_doubled_or_left_open_when_asterisk_or_the_router_are_killed(pbx, asterisk, tables):
    asterisk.call("wait")
    wait_calls(tables, asterisk, ("+4915112345678", None, True))
    pbx.kill()
    pbx.start()
    wait_connected(pbx, asterisk)
    asterisk.call("short", number="+33612345678")
    wait_calls(tables, asterisk, ("+4915112345678", None, True), ("+33612345678", None, False))
    asterisk.kill()
    wait_for(lambda: state(pbx) != "connected", lambda: "it is away")
    asterisk.start()
    wait_connected(pbx, asterisk)
    wait_calls(tables, asterisk, ("+4915112345678", None, False), ("+33612345678", None, False))


def hang_up_phone(asterisk, phone):
    assert asterisk.act("Hangup", Channel=f"/^PJSIP.{phone}-.*$/")[0]["Response"] == "Success"


def wait_talks(asterisk, phone):
    return wait_for(lambda: asterisk.channel_of(phone), lambda: f"{phone} talks: {asterisk.act('CoreShowChannels')} {asterisk.output()}", 30)


def wait_told(pbx, events):
    """Of one call: it rings, is answered by anna, is answered by ben, ends."""
    told = lambda: pbx.metric("patchbay_gateway_events_total", gateway="pbx1")
    wait_for(lambda: told() >= events, lambda: f"{told()} events, not {events}", 30)
    assert told() == events


def meet(pbx, asterisk, tables, events=0):
    """A caller talks with anna, who then does with her telephone what it was told."""
    asterisk.call("1001")
    wait_talks(asterisk, "1001")
    wait_told(pbx, events + 2)
    assert calls(tables)[-1] == ("+4915112345678", "anna", True)
    asterisk.go("1001")
    wait_talks(asterisk, "1002")


def let_a_call_pass(asterisk, pbx, events):
    """What Asterisk said before it has been read when this is: it rings, is answered and ends."""
    asterisk.call("short", number="+33612345678")
    wait_told(pbx, events + 3)


def test_a_blind_transfer_is_one_interaction_and_moves_the_work(pbx, asterisk, tables):
    asterisk.phone_at("1001", refer_to="1002")
    asterisk.phone_at("1002")
    meet(pbx, asterisk, tables)
    wait_told(pbx, 3)
    wait_for(lambda: not asterisk.channel_of("1001"), "anna is out of it")
    wait_calls(tables, asterisk, ("+4915112345678", "ben", True))
    hang_up_phone(asterisk, "1002")
    wait_calls(tables, asterisk, ("+4915112345678", "ben", False))
    wait_told(pbx, 4)


def test_an_attended_transfer_moves_the_work_when_it_is_done(pbx, asterisk, tables):
    asterisk.phone_at("1001", dials="*21002")
    asterisk.phone_at("1002")
    meet(pbx, asterisk, tables)
    hang_up_phone(asterisk, "1002")  # it was a question
    wait_for(lambda: not asterisk.channel_of("1002"), "ben is out of it")
    let_a_call_pass(asterisk, pbx, 2)
    assert calls(tables)[0] == ("+4915112345678", "anna", True)
    hang_up_phone(asterisk, "1001")
    wait_told(pbx, 6)
    meet(pbx, asterisk, tables, 6)
    let_a_call_pass(asterisk, pbx, 8)
    assert calls(tables)[2] == ("+4915112345678", "anna", True), "ben is only asked"
    hang_up_phone(asterisk, "1001")
    wait_told(pbx, 12)
    wait_for(lambda: calls(tables)[2] == ("+4915112345678", "ben", True), lambda: f"{calls(tables)}")
    hang_up_phone(asterisk, "1002")
    wait_for(lambda: calls(tables)[2] == ("+4915112345678", "ben", False), lambda: f"{calls(tables)}")
    wait_told(pbx, 13)


def test_of_three_who_talk_the_one_who_came_last_has_the_work(pbx, asterisk, tables):
    asterisk.phone_at("1001", dials="*21002")
    asterisk.phone_at("1002")
    meet(pbx, asterisk, tables)
    let_a_call_pass(asterisk, pbx, 2)
    asterisk.press("1001", "*3")
    wait_told(pbx, 6)
    let_a_call_pass(asterisk, pbx, 6)
    assert calls(tables)[0] == ("+4915112345678", "ben", True) and asterisk.channel_of("1001"), "anna talks too, and nothing flips back"
    hang_up_phone(asterisk, "1001")
    hang_up_phone(asterisk, "1002")
    wait_told(pbx, 10)


def accept(pbx, agent):
    [offer] = wait_for(lambda: [one for one in pbx.client().ok("GET", "interactions?state=offered")["items"] if one["agent"] == agent],
                       lambda: f"{agent} is offered it", 30)
    pbx.agent(agent).ok("POST", f"offers/{offer['offer']}/accept", {})


def test_a_call_that_is_handed_on_is_taken_to_the_next_telephone(pbx, asterisk, tables):
    asterisk.phone_at("1001")
    asterisk.phone_at("1002")
    pbx.presence("anna")
    asterisk.call("wait")
    accept(pbx, "anna")
    wait_talks(asterisk, "1001")
    pbx.presence("ben")
    [call] = pbx.client().ok("GET", "interactions?state=active")["items"]
    pbx.agent("anna").ok("POST", f"interactions/{call['id']}/transfer", {"agent": "ben"})
    accept(pbx, "ben")
    wait_talks(asterisk, "1002")
    wait_for(lambda: not asterisk.channel_of("1001"), "anna is out of it")
    wait_calls(tables, asterisk, ("+4915112345678", "ben", True))
    hang_up_phone(asterisk, "1002")
    wait_calls(tables, asterisk, ("+4915112345678", "ben", False))
