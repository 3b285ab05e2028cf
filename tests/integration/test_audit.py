"""The auditor looks at what was decided, and finds nothing."""
import re
import urllib.request

from harness.http_client import ringing
from harness.process import wait_for


def metric(router, name):
    with urllib.request.urlopen(f"http://{router.http}/metrics", timeout=5) as answer:
        return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.M).group(1))


def test_the_auditor_sweeps_and_finds_nothing(router):
    router.presence("anna")
    for _ in range(5):
        assert router.source().event(ringing()).status == 200
    swept = metric(router, "patchbay_audit_sweeps_total")
    wait_for(lambda: metric(router, "patchbay_audit_sweeps_total") > swept + 1, "two more sweeps")
    assert metric(router, "patchbay_audit_findings_total") == 0
