"""The project's file over HTTP and MessagePack-RPC: validated whole, versioned, active at once."""
import json

from harness.fence import Fence, Later
from harness.http_client import ringing
from harness.process import wait_for
from harness.projects import AGENTS, project

YAML = {"Content-Type": "application/yaml"}


def put(client, text, headers=None):
    return client.request("PUT", "config", text.encode(), headers or YAML)


def test_a_new_version_is_active_at_once_and_disturbs_nothing_else(router):
    client, source = router.client("admin"), router.source()
    router.presence("anna")
    offered = source.event(ringing("+4915112345671")).json
    grown = project({**AGENTS, "dora": "{name: Dora, queues: [support]}"})
    assert put(client, grown).json == {"version": 2, "changed": True}
    assert put(client, grown).json == {"version": 2, "changed": False}
    router.presence("dora")
    assert source.event(ringing("+4915112345672")).json["agent"] == "dora"
    router.agent("anna").ok("POST", f"offers/{offered['offer']}/accept", {})
    current, first = client.ok("GET", "config"), client.ok("GET", "config?version=1")
    assert current["version"] == 2 and current["file"] == grown and current["author"] == "admin"
    assert first["version"] == 1 and first["file"] == project() and first["author"] == "apply"
    assert client.get("config?version=3").status == 404


def test_a_configuration_whose_batch_met_newer_facts_is_active_without_anybody_being_turned_away(router, tables):
    """The facts move while the batch that takes the configuration over waits for the fence."""
    client, source = router.client("admin"), router.source()
    router.presence("anna")
    offered = source.event(ringing("+4915112345671")).json
    before = [client.ok("GET", "agents"), client.ok("GET", f"interactions/{offered['interaction']}")]
    grown = project({**AGENTS, "dora": "{name: Dora, queues: [support]}"})
    fence = Fence(tables)
    configured = Later(put, client, grown)
    wait_for(lambda: tables.waits_for_a_lock("%apply_config%"), "the file is being stored")
    facts = tables.connect()  # behind the file, before its batch
    facts.autocommit = False
    moved = Later(lambda: facts.cursor().execute(
        "WITH moved AS (UPDATE fences SET facts_version = facts_version + 1 RETURNING project, facts_version)"
        " INSERT INTO changes (project, version, kind, ref) SELECT project, facts_version, 'block', gen_random_uuid() FROM moved"))
    wait_for(lambda: tables.waits_for_a_lock("%facts_version + 1 %"), "the facts are about to move")
    fence.commit()
    moved.wait()
    fence.wait_stuck()
    waiting = Later(source.event, ringing("+4915112345672"))
    facts.commit()
    answers = [source.event(ringing(f"+491511234568{number}")) for number in range(8)]
    assert [answer.json.get("code", answer.status) for answer in [*answers, waiting.wait()]] == [200] * 9
    assert configured.wait().json == {"version": 2, "changed": True}
    router.wait_log("loading the project again")
    agents = client.ok("GET", "agents")["items"]
    assert [agent for agent in agents if agent["name"] != "dora"] == before[0]["items"]
    assert client.ok("GET", f"interactions/{offered['interaction']}") == before[1]
    router.presence("dora")
    assert client.ok("GET", f"interactions/{waiting.value.json['interaction']}")["state"] in ("offered", "queued")
    router.agent("anna").ok("POST", f"offers/{offered['offer']}/accept", {})
    facts.close()


def test_an_agent_that_is_no_longer_listed_is_gone(router):
    client = router.client("admin")
    fewer = {name: text for name, text in AGENTS.items() if name != "ben"}
    assert put(client, project(fewer)).status == 200
    assert [agent["name"] for agent in client.ok("GET", "agents")["items"]] == ["anna", "carl"]
    assert client.put("agents/ben/presence", {"state": "available"}).status in (400, 404)
    assert put(client, project()).json["version"] == 3
    assert [agent["name"] for agent in client.ok("GET", "agents")["items"]] == ["anna", "ben", "carl"]


def test_a_file_with_faults_changes_nothing_and_names_them_all(router):
    client = router.client("admin")
    answer = put(client, project() + "strange: 1\nregion: Germany\n")
    assert answer.status == 400 and answer.json["code"] == "invalid"
    bad = project().replace("region: DE", "region: Germany") + "strange: 1\n"
    answer = put(client, bad)
    assert answer.status == 400 and answer.json["code"] == "invalid"
    faults = answer.json["faults"]
    assert len(faults) >= 2 and all(fault["line"] and fault["detail"] for fault in faults)
    assert {"/region", "/strange"} <= {fault["pointer"] for fault in faults}
    assert client.ok("GET", "config")["version"] == 1


def test_a_file_of_another_project_is_refused(router):
    answer = put(router.client("admin"), project().replace("project: demo", "project: other"))
    assert answer.status == 400 and answer.json["pointer"] == "/project"


def test_json_is_taken_and_other_types_are_not(router):
    client = router.client("admin")
    file = {"project": "demo", "region": "DE", "endpoints": [{"chat": "web", "queue": "chat"}], "queues": {"chat": {}},
            "agents": {"anna": {"queues": ["chat"]}}, "rules": [{"name": "rest", "when": "true", "queue": "endpoint"}]}
    assert put(client, json.dumps(file), {"Content-Type": "application/json"}).status == 200
    assert put(client, project(), {"Content-Type": "text/plain"}).status == 415


def test_configuration_over_messagepack_rpc(router):
    client = router.rpc_client("admin")
    assert client.call("config.put", {"file": project(offer_timeout="5s")}) == {"version": 2, "changed": True}
    assert client.call("config.get", {"version": 1})["file"] == project()
    client.close()
