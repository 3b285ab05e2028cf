"""What a project file may say, from outside: refused with line and column, reloaded without disturbing anybody."""
from harness.http_client import ringing
from harness.projects import project
from harness.router import admin

YAML = {"Content-Type": "application/yaml"}
REST = '  - {name: rest, when: "true", queue: endpoint}\n'


def with_rules(rules, **more):
    """The tests' project with these rules before the last one."""
    text = project(**more)
    assert REST in text
    return text.replace(REST, rules + REST)


def put(router, text):
    return router.client("admin").request("PUT", "config", text.encode(), YAML)


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_file_that_cannot_work_is_refused_with_its_line(router):
    unreachable = with_rules('  - {name: all, when: "channel == channel || true", queue: mail}\n')
    answer = put(router, unreachable)
    assert answer.status == 400 and answer.json["code"] == "invalid"
    assert answer.json["faults"] == [{
        "line": line_of(unreachable, "name: rest"), "pointer": "/rules/1",
        "detail": f"rules[1]: cannot be reached: rule \"all\" (line {line_of(unreachable, 'name: all')}) before it always"
                  " matches"}]
    unskilled = with_rules('  - {name: vip, when: "customer.known", queue: support, skills: {german: 3}}\n')
    fault = put(router, unskilled).json["faults"][0]
    assert fault["line"] == line_of(unskilled, "name: vip") and fault["pointer"] == "/rules/0/skills"
    assert "no agent of queue \"support\" has german 3" in fault["detail"]
    assert router.client("admin").ok("GET", "config")["version"] == 1


def test_a_wrong_condition_is_refused_with_line_and_column(router, tmp_path):
    text = with_rules("  - name: vip\n    when: >\n      channel == 'call' &&\n      customer.tagz == []\n    queue: mail\n")
    line = line_of(text, "customer.tagz")
    fault = put(router, text).json["faults"][0]
    assert (fault["line"], fault["column"], fault["pointer"]) == (line, 16, "/rules/0/when")
    path = tmp_path / "project.yaml"
    path.write_text(text)
    for command in ("check", "apply"):
        done = admin(router.database.url, command, path, check=False)
        assert done.returncode == 1
        assert done.stdout.startswith(f"{path}:{line}:16: rules.0.when: ") and "'tagz' of 'customer'" in done.stdout
    assert router.client("admin").ok("GET", "config")["version"] == 1


def test_a_good_reload_changes_no_agent(router):
    source, anna = router.source(), router.agent("anna")
    router.presence("anna")
    offered = source.event(ringing("+4915112345671")).json
    anna.ok("POST", f"offers/{offered['offer']}/accept", {})
    router.presence("ben")
    waiting = source.event(ringing("+4915112345672")).json
    assert waiting["agent"] == "ben"
    before = router.client("admin").ok("GET", "agents")
    text = with_rules('  - {name: late, when: "now.getHours(\'Europe/Berlin\') > 24", queue: mail, priority: 2}\n')
    assert put(router, text).json == {"version": 2, "changed": True}
    assert router.client("admin").ok("GET", "agents") == before
    assert router.agent("ben").ok("GET", f"interactions/{waiting['interaction']}")["offer"] == waiting["offer"]
    router.agent("ben").ok("POST", f"offers/{waiting['offer']}/accept", {})


def test_the_zones_of_a_version_are_stored_with_it(router, tables):
    text = with_rules('  - {name: late, when: "now.getHours(\'Asia/Tokyo\') > 24", queue: mail}\n')
    text += 'hours:\n  office: {zone: Europe/Berlin, open: ["mon-fri 09:00-17:00"]}\n'
    assert put(router, text).json["version"] == 2
    rows = tables.query("SELECT z ->> 'name', (z ->> 'offset')::int, jsonb_array_length(z -> 'changes') > 100"
                        " FROM configs, jsonb_array_elements(zones) z WHERE version = 2 ORDER BY 1")
    assert rows == [("Asia/Tokyo", 32400, False), ("Europe/Berlin", 3600, True)]
    # What the tz database says later changes no version; applied again it is a new one.
    tables.query("UPDATE configs SET zones = '[]' WHERE version = 1")
    assert put(router, text).json == {"version": 2, "changed": False}
    tables.query("UPDATE configs SET zones = jsonb_set(zones, '{0,offset}', '0') WHERE version = 2")
    assert put(router, text).json == {"version": 3, "changed": True}
