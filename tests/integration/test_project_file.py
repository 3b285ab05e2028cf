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


RULES = """\
  - {name: vip, when: "'vip' in customer.tags && channel == 'call'", queue: mail, priority: 5}
  - {name: gold, when: "has(customer.fields.plan) && customer.fields.plan == 'gold'", queue: chat}
  - {name: fair, when: "customer.known && customer.stage == 'follow_up' && customer.source == 'fair'", queue: chat}
  - {name: ivr, when: "has(event.attributes.ivr) && event.attributes.ivr == '3'", queue: mail}
  - {name: abroad, when: "has(from.region) && from.region == 'CH'", queue: chat}
  - {name: trusted, when: "from.verified", queue: chat}
  - {name: past, when: "now.getFullYear('Europe/Berlin') < 2000", queue: chat}
  - {name: full, when: "queues['support'].waiting >= 2", queue: mail}
"""


def queue_of(source, caller, attributes=None):
    event = ringing(caller)
    if attributes:
        event["data"]["attributes"] = attributes
    answer = source.event(event).json
    assert answer["outcome"] == "queued", answer
    return answer["queue"]


def test_rules_read_customers_attributes_numbers_and_queues(make_router):
    router = make_router(with_rules(RULES))
    router.start()
    desk, source = router.client("admin"), router.source()

    def customer(phone, **more):
        return desk.ok("POST", "customers", {"name": "C", "contacts": [{"phone": phone}], **more}, 201)

    customer("+4915111111111", tags=["fleet", "vip"])
    customer("+4915122222222", fields={"plan": "gold"})
    customer("+4915133333333", stage="follow_up", owner="anna", source="fair")
    assert queue_of(source, "+4915111111111") == "mail"
    assert queue_of(source, "+4915122222222") == "chat"
    assert queue_of(source, "+4915133333333") == "chat"
    assert queue_of(source, "+4915144444444", {"ivr": "3"}) == "mail"
    assert queue_of(source, "+41446681800") == "chat"
    assert queue_of(source, "+4915144444445", {"verified": True}) == "chat"
    assert queue_of(source, "+4915144444446", {"verified": "yes"}) == "support"
    assert queue_of(source, "+4915144444447") == "support"
    assert queue_of(source, "+4915144444448") == "mail"


def test_an_edited_customer_is_ruled_by_what_it_is_now(make_router):
    router = make_router(with_rules(RULES))
    router.start()
    desk, source = router.client("admin"), router.source()
    made = desk.ok("POST", "customers", {"name": "C", "contacts": [{"phone": "+4915122222222"}]}, 201)
    assert queue_of(source, "+4915122222222") == "support"
    desk.ok("PATCH", f"customers/{made['id']}", {"fields": {"plan": "gold"}})
    assert queue_of(source, "+4915122222222") == "chat"
    desk.ok("PATCH", f"customers/{made['id']}", {"fields": {}, "tags": ["vip"]})
    assert queue_of(source, "+4915122222222") == "mail"


def test_fields_are_read_from_when_a_rule_asks_for_them(router):
    desk, source = router.client("admin"), router.source()
    desk.ok("POST", "customers", {"name": "C", "contacts": [{"phone": "+4915122222222"}], "fields": {"plan": "gold"}}, 201)
    assert queue_of(source, "+4915122222222") == "support"
    assert put(router, with_rules(RULES)).status == 200
    assert queue_of(source, "+4915122222222") == "chat"


def test_who_took_work_last_is_remembered_with_the_customer(router, tables):
    source = router.source()
    router.presence("anna")
    offered = source.event(ringing("+4915112345678")).json
    assert tables.query("SELECT agent, at_ms FROM activity") == []
    router.agent("anna").ok("POST", f"offers/{offered['offer']}/accept", {})
    taken = tables.query("SELECT interaction, agent, at_ms FROM activity")
    assert taken[0][:2] == (offered["interaction"], "anna") and taken[0][2] > 0
    router.agent("anna").ok("POST", f"interactions/{offered['interaction']}/end", {})
    # The next call makes the newest interaction; who took one last is still Anna.
    again = source.event(ringing("+4915112345678")).json
    assert tables.query("SELECT interaction, agent, at_ms FROM activity") == [(again["interaction"], "anna", taken[0][2])]
