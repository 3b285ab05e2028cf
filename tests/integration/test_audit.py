"""The auditor looks at what was decided: it finds nothing, and what there is to find in a router whose core has a fault."""
import os
import pathlib
import re

from harness.http_client import chat, ringing
from harness.process import run, wait_for
from harness.projects import project
from harness.router import BINARY

BUILD = pathlib.Path(os.environ.get("PATCHBAY_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build/asan"))
FAULTY = str(BUILD / "tests/patchbay_faulty")  # tests/CMakeLists.txt: gives each agent one more than its capacity
AUDIT = 13  # INPUT_AUDIT


def findings(router):
    return router.metric("patchbay_audit_findings_total")


def replay(binary, database, *words):
    done = run([binary, "replay", "--database", database.url, *words], check=False)
    return done.returncode, done.stdout + (done.stderr or "")


def test_the_auditor_sweeps_and_finds_nothing(router):
    router.presence("anna")
    for _ in range(5):
        assert router.source().event(ringing()).status == 200
    swept = router.metric("patchbay_audit_sweeps_total")
    wait_for(lambda: router.metric("patchbay_audit_sweeps_total") > swept + 1, "two more sweeps")
    assert findings(router) == 0


def test_what_does_not_hold_is_counted_logged_and_journaled_and_the_router_goes_on(make_router, database, tables):
    router = make_router(project(), binary=FAULTY)
    router.expect_log("an invariant of the core does not hold")
    router.start()
    router.presence("ben")
    for number in range(2):
        assert router.source().event(chat(f"visitor-{number}")).json["agent"] == "ben"
    assert findings(router) == 0 and tables.one("SELECT count(*) FROM journal WHERE kind = %s", AUDIT) == 0
    assert router.source().event(chat("visitor-2")).json["agent"] == "ben"
    above = router.source().event(chat("visitor-3"))
    assert (above.status, above.json["agent"]) == (200, "ben"), "the fault is not there"
    wait_for(lambda: findings(router) > 0, "a finding is counted")
    line = wait_for(lambda: next((line for line in router.log().splitlines() if "offer_within_capacity" in line), None), "its line")
    assert "an invariant of the core does not hold" in line and "ben" in line and above.json["interaction"] in line
    # The journal has it with the next batch, each invariant once.
    for number in range(4, 7):
        assert router.source().event(chat(f"visitor-{number}")).status == 200
    entries = wait_for(lambda: tables.query("SELECT seq, convert_from(input, 'latin1') FROM journal WHERE kind = %s", AUDIT),
                       "an entry in the journal")
    told = [re.search(r"[a-z_]+: .*", text).group(0) for _, text in entries]
    assert any(text.startswith(f"offer_within_capacity: ben {above.json['interaction']}: ") for text in told), told
    names = [text.split(":")[0] for text in told]
    assert len(names) == len(set(names)), told
    wait_for(lambda: router.log().count("an invariant of the core does not hold") == len(names), lambda: f"a line for each of {told}")
    # It is replayed by the same core, and by a sound one up to the decision that was wrong.
    router.stop()
    seq = tables.one("SELECT min(seq) FROM journal WHERE interaction = %s", above.json["interaction"])
    assert replay(FAULTY, database)[0] == 0
    code, said = replay(BINARY, database)
    assert code == 1 and f"sequence {seq} is decided differently" in said, said
    assert replay(BINARY, database, "--to", str(seq - 1))[0] == 0
