"""Why: of an interaction as things stand, of a decision from the journal alone."""
import json

from harness.http_client import ringing
from harness.router import admin


def by_agent(explanation):
    return {candidate["agent"]: candidate for candidate in explanation["candidates"]}


def test_a_decision_and_a_wait_are_explained_to_the_last_candidate(router, database):
    supervisor, source = router.client("supervisor"), router.source()
    router.presence("anna")
    first = source.event(ringing("+4915112345671")).json
    second = source.event(ringing("+4915112345672")).json
    assert (first["agent"], second["outcome"]) == ("anna", "queued")

    offered = supervisor.ok("GET", f"decisions/{first['sequence']}/explain")
    [why] = offered["explanations"]
    assert offered["config_version"] == 1 and why["chosen"] == "anna" and why["rule"]["name"] == "rest"
    assert {name: each["reason"] for name, each in by_agent(why).items()} == {
        "anna": "chosen", "ben": "offline", "carl": "membership"}
    assert "goes to anna" in offered["words"]

    waits = supervisor.ok("GET", f"interactions/{second['interaction']}/why")
    assert waits["state"] == "queued" and by_agent(waits["why"])["anna"]["failed"] == "capacity"
    assert by_agent(waits["why"])["ben"]["change"] == "would have to be available"
    over_rpc = router.rpc_client("supervisor").call("interaction.why", {"interaction": second["interaction"]})
    assert over_rpc == waits

    # Agents see their own.
    assert router.agent("anna").ok("GET", f"interactions/{first['interaction']}/why")["state"] == "offered"
    assert router.agent("anna").ok("GET", f"decisions/{first['sequence']}/explain") == offered
    assert router.agent("ben").get(f"interactions/{first['interaction']}/why").status == 404
    assert router.agent("ben").get(f"decisions/{first['sequence']}/explain").status == 404
    assert source.get(f"decisions/{first['sequence']}/explain").status == 403

    # Closed: from the decision that made its last offer; in words from the command line, long after.
    router.agent("anna").ok("POST", f"offers/{first['offer']}/accept", {})
    router.agent("anna").ok("POST", f"interactions/{first['interaction']}/end", {})
    assert supervisor.ok("GET", f"interactions/{first['interaction']}/why") == offered
    words = admin(database.url, "explain", first["sequence"]).stdout
    assert "goes to anna" in words and "ben: offline - would have to be available" in words
    assert json.loads(admin(database.url, "explain", "--json", "--project", "demo", first["sequence"]).stdout) == offered


def test_what_is_not_there_is_not_found(router, database):
    supervisor = router.client("supervisor")
    assert supervisor.get("decisions/99999999/explain").status == 404
    assert supervisor.get("decisions/x/explain").status == 400
    assert supervisor.get("interactions/018f0000-0000-7000-8000-000000000000/why").status == 404
    assert admin(database.url, "explain", "99999", check=False).returncode == 1
    assert admin(database.url, "explain", "x", check=False).returncode == 2
