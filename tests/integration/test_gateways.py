"""What all gateways share: names that are not resolved, lines that go, peers and routers that are killed in mid-conversation."""
import os
import pathlib
import socket

import pytest

from harness.ami_server import AmiServer, channel
from harness.http_client import ringing
from harness.process import wait_for
from harness.projects import project

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
    assert "the look-up of a name is left to itself" in router.log()


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
    ended = [("asterisk/pbx1", "1.1", False, "ended"), ("asterisk/pbx1", "2.1", False, "ended")]
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
    wait_calls(tables, *ended, other, ("asterisk/pbx1", "4.1", False, "ended"), ("asterisk/pbx2", "4.1", True, None))
    assert tables.one("SELECT count(*) FROM journal WHERE position('lost'::bytea IN input) > 0") == 3
    asterisk.stop()
    router.expect_log("a gateway is away")
