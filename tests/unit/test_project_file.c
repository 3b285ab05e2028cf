#include "proto/json.h"
#include "tests/unit/project_world.h"

static void assert_text(struct slice text, const char *want)
{
    if (!slice_is(text, want))
        fail_msg("\"%.*s\" is not \"%s\"", (int)text.len, text.ptr ? text.ptr : "", want);
}

static struct project_config good(const char *text)
{
    struct project_config config = project_of(slice_of(text));
    config_close(&config);
    return config;
}

static const char *yaml_as_json(const char *text)
{
    struct value value;
    struct fault fault;
    if (!yaml_read(&value, slice_of(text), &arena, &fault))
        fail_msg("line %u: %s", fault.line, fault.detail);
    return json_write(&value, &arena).ptr;
}

static void plain_scalars_become_values_and_numbers_like_phones_stay_text(void **state)
{
    (void)state;
    assert_string_equal(yaml_as_json("[~, null, '', true, false, yes, 5, -5, 1.5, 1e3, 'true', \"5\"]"),
                        "[null,null,\"\",true,false,\"yes\",5,-5,1.5,1000.0,\"true\",\"5\"]");
    assert_string_equal(
        yaml_as_json("[+4930901820, 0800, 1_000, 0x10, 9223372036854775808, .5, 5., 1:30, -, .inf]"),
        "[\"+4930901820\",\"0800\",\"1_000\",\"0x10\",9.223372036854776e+18,\".5\",\"5.\",\"1:30\",\"-\","
        "\".inf\"]");
    assert_string_equal(yaml_as_json("a: {b: [1, {c: d}]}\ne:\n- f\n- |\n  g\n"),
                        "{\"a\":{\"b\":[1,{\"c\":\"d\"}]},\"e\":[\"f\",\"g\\n\"]}");
}

static void json_is_accepted_as_yaml(void **state)
{
    (void)state;
    static const char text[] =
        "{\"project\":\"p\",\"queues\":{\"q\":{}},\"rules\":[{\"name\":\"r\",\"when\":\"true\","
        "\"queue\":\"q\"}]}";
    assert_string_equal(yaml_as_json(text), text);
    struct project_config config = good(text);
    assert_int_equal(config.rules[0].queue, 0);
}

static void lines_are_those_of_the_keys(void **state)
{
    (void)state;
    struct value value;
    struct fault fault;
    assert_true(yaml_read(&value, SLICE("# comment\na: 1\nb:\n  c:\n  - x\n\n  - y\n"), &arena, &fault));
    const struct value *b = value_member(&value, "b"), *c = value_member(b, "c");
    assert_int_equal(value.line, 2);
    assert_int_equal(value_member(&value, "a")->line, 2);
    assert_int_equal(b->line, 3);
    assert_int_equal(c->line, 4);
    assert_int_equal(c->items[1].line, 7);
}

static void what_yaml_can_do_too_much_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
    } cases[] = {
        {"", 1},
        {"# nothing\n", 1},
        {"a: 1\na: 2\n", 2},
        {"a: &x 1\n", 1},
        {"a: 1\nb: *x\n", 2},
        {"a: &x [1]\n", 1},
        {"a: &x {b: 1}\n", 1},
        {"a: !!str 1\n", 1},
        {"a: !foo {}\n", 1},
        {"a: 1\n---\nb: 2\n", 2},
        {"? [a]\n: 1\n", 1},
        {"a: \"x\\0y\"\n", 1},
        {"a: [1\nb: 2\n", 2},
        {"a: \xff\n", 1},
        {"'': 1\n", 1},
        {"a:\n\t- b\n", 2},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value value;
        struct fault fault = {.line = 99};
        if (yaml_read(&value, slice_of(cases[i].text), &arena, &fault))
            fail_msg("accepted: %s", cases[i].text);
        assert_true(strlen(fault.detail) > 0);
        if (fault.line != cases[i].line)
            fail_msg("line %u of %s (%s)", fault.line, cases[i].text, fault.detail);
    }
}

static void defaults_fill_what_is_left_out(void **state)
{
    (void)state;
    struct project_config config = good("project: demo\n");
    assert_text(config.project, "demo");
    assert_text(config.region, "ZZ");
    assert_int_equal(config.contacts_max, 9);
    assert_int_equal(config.phone_slots, 3);
    assert_true(config.create_auto[CHANNEL_CALL] && config.create_auto[CHANNEL_EMAIL]);
    assert_false(config.create_auto[CHANNEL_CHAT] || config.create_at_ingest);
    assert_int_equal(config.cool_down_ms[REJECT_REJECT], 10000);
    assert_int_equal(config.cool_down_ms[REJECT_BUSY], 30000);
    assert_int_equal(config.cool_down_ms[REJECT_NO_ANSWER], 10000);
    assert_int_equal(config.cool_down_ms[REJECT_UNREACHABLE], 60000);
    assert_int_equal(config.misses, 3);
    assert_int_equal(config.grace_ms, 60000);
    assert_int_equal(config.window_ms, INT64_C(604800000));
    assert_int_equal(config.rule_count, 1);
    assert_text(config.rules[0].name, "rest");
    assert_int_equal(config.rules[0].queue, CONFIG_QUEUE_OF_ENDPOINT);
    assert_true(config.exclusive[CHANNEL_CALL]);
    assert_false(config.exclusive[CHANNEL_CHAT] || config.exclusive[CHANNEL_EMAIL]);
    assert_true(config.prefer.owner_ms == 0 && config.prefer.last_agent_ms == 0);
    assert_int_equal(config.prefer.within_ms, INT64_C(2592000000));
    assert_int_equal(config.skill_count + config.hours_count + config.zone_count, 0);
}

static void a_queue_that_says_nothing_has_defaults(void **state)
{
    (void)state;
    struct config_queue queue = good("project: p\nqueues: {q: }\n").queues[0];
    assert_int_equal(queue.strategy, STRATEGY_LONGEST_IDLE);
    assert_int_equal(queue.offer_timeout_ms, 20000);
    assert_int_equal(queue.service_within_ms, 20000);
    assert_int_equal(queue.wrap_up_ms + queue.first_reply_ms + queue.wait_max_ms, 0);
    assert_int_equal(queue.weight + queue.waiting_max + queue.service_target, 0);
    assert_int_equal(queue.relax_count, 0);
    assert_true(queue.hours == -1 && queue.overflow == -1);
    for (int i = 0; i < EMPTY_REASON_COUNT; i++)
        assert_int_equal(queue.when_empty[i], -1);
}

static const char full[] =
    "project: demo\n"
    "region: DE\n"
    "contacts: {max: 5, phone_slots: 2}\n"
    "create: {call: manual, chat: auto, email: manual, at: ingest}\n"
    "cool_down: {busy: 500ms, reject: 5}\n"
    "misses: 2\n"
    "grace: 2m\n"
    "window: 30d\n"
    "permissions: {block: [agent, pool_admin]}\n"
    "endpoints:\n"
    "  - {chat: web, queue: chat}\n"
    "  - {email: Help@Demo.Example, queue: mail}\n"
    "  - {phone: \"030 901820\", queue: support}\n"
    "  - {phone: 442079460018, region: GB, queue: support}\n"
    "queues:\n"
    "  support: {strategy: longest_idle, offer_timeout: 20s, wrap_up: 1h}\n"
    "  mail:\n"
    "  chat: {}\n"
    "agents:\n"
    "  carl: {name: Carl, queues: [support, chat], role: supervisor, department: Sales & more}\n"
    "  anna: {capacity: {call: 2, chat: 0}, queues: [mail], reports_to: carl}\n"
    "rules:\n"
    "  - {name: all, when: \"true\", queue: endpoint, priority: -5}\n";

static void a_full_file_is_read_whole(void **state)
{
    (void)state;
    struct project_config config = good(full);
    assert_text(config.region, "DE");
    assert_int_equal(config.contacts_max, 5);
    assert_int_equal(config.phone_slots, 2);
    assert_true(config.create_auto[CHANNEL_CHAT] && config.create_at_ingest);
    assert_false(config.create_auto[CHANNEL_CALL] || config.create_auto[CHANNEL_EMAIL]);
    assert_int_equal(config.cool_down_ms[REJECT_BUSY], 500);
    assert_int_equal(config.cool_down_ms[REJECT_REJECT], 5000);
    assert_int_equal(config.window_ms, INT64_C(2592000000));
    assert_int_equal(config.blocker_count, 2);
    assert_text(config.blockers[1], "pool_admin");
    assert_int_equal(config.queue_count, 3);
    assert_int_equal(config.queues[0].wrap_up_ms, 3600000);
    assert_int_equal(config.queues[1].offer_timeout_ms, 20000);
    assert_int_equal(config.agent_count, 2);
    const struct config_agent *anna = &config.agents[0];
    assert_text(anna->name, "anna");
    assert_text(anna->display_name, "anna");
    assert_text(anna->role, "agent");
    assert_text(anna->reports_to, "carl");
    assert_int_equal(anna->capacity[CHANNEL_CALL], 2);
    assert_int_equal(anna->capacity[CHANNEL_CHAT], 0);
    assert_int_equal(anna->capacity[CHANNEL_EMAIL], 10);
    assert_int_equal(anna->queue_count, 1);
    assert_int_equal(anna->queues[0], 1);
    assert_int_equal(config.endpoint_count, 4);
    assert_non_null(config_find_endpoint(&config, CHANNEL_CHAT, SLICE("web")));
    assert_non_null(config_find_endpoint(&config, CHANNEL_EMAIL, SLICE("help@demo.example")));
    assert_non_null(config_find_endpoint(&config, CHANNEL_CALL, SLICE("+4930901820")));
    assert_int_equal(config.rules[0].priority, -5);
}

/* Contract section 5, but for the numbers of phones. */
static const char whole[] =
    "project: demo\n"
    "endpoints: [{chat: web, queue: support}]\n"
    "queues:\n"
    "  support:\n"
    "    strategy: most_skilled\n"
    "    service_level: {target: 80, within: 30s}\n"
    "    relax: [{after: 30s, skills: {german: 2}}, {after: 60s, skills: {}}]\n"
    "    when_empty: {none_logged_in: voicemail, all_at_capacity: mail}\n"
    "    hours: office\n"
    "    weight: -5\n"
    "    overflow: {waiting: 50, wait: 5m, queue: mail}\n"
    "    first_reply: 2m\n"
    "  mail: {}\n"
    "  voicemail: {}\n"
    "hours:\n"
    "  office: {zone: Europe/Berlin, open: [\"mon-fri 09:00-17:00\"], closed: [2026-12-25], otherwise: "
    "voicemail}\n"
    "agents:\n"
    "  zoe: {queues: [support], skills: {polish: 1, german: 5}}\n"
    "  anna: {queues: [support, mail]}\n"
    "prefer: {owner: 15s, last_agent: 10s, within: 20d}\n"
    "exclusive: [call, chat]\n"
    "rules:\n"
    "  - name: vip\n"
    "    when: \"'vip' in customer.tags && channel == 'call'\"\n"
    "    queue: support\n"
    "    priority: 5\n"
    "    skills: {german: 3, polish: 1}\n"
    "  - {name: rest, when: \"1 < 2\", queue: endpoint}\n";

static void a_file_that_uses_everything_is_read_whole(void **state)
{
    (void)state;
    struct project_config config = good(whole);
    const struct config_queue *support = &config.queues[0];
    assert_int_equal(support->strategy, STRATEGY_MOST_SKILLED);
    assert_int_equal(support->service_target, 80);
    assert_int_equal(support->service_within_ms, 30000);
    assert_int_equal(support->when_empty[EMPTY_NONE_LOGGED_IN], 2);
    assert_int_equal(support->when_empty[EMPTY_ALL_ON_BREAK], -1);
    assert_int_equal(support->when_empty[EMPTY_ALL_AT_CAPACITY], 1);
    assert_int_equal(support->weight, -5);
    assert_int_equal(support->waiting_max, 50);
    assert_int_equal(support->wait_max_ms, 300000);
    assert_int_equal(support->overflow, 1);
    assert_int_equal(support->first_reply_ms, 120000);
    assert_int_equal(support->hours, 0);
    assert_int_equal(config.prefer.owner_ms, 15000);
    assert_int_equal(config.prefer.last_agent_ms, 10000);
    assert_int_equal(config.prefer.within_ms, INT64_C(1728000000));
    assert_true(config.exclusive[CHANNEL_CALL] && config.exclusive[CHANNEL_CHAT]);
    assert_false(config.exclusive[CHANNEL_EMAIL]);
}

static void skills_are_numbered_by_name_everywhere(void **state)
{
    (void)state;
    struct project_config config = good(whole);
    assert_int_equal(config.skill_count, 2);
    assert_text(config.skills[0], "german");
    assert_text(config.skills[1], "polish");
    const struct config_agent *zoe = &config.agents[1], *anna = &config.agents[0];
    assert_int_equal(zoe->skills.count, 2);
    assert_true(zoe->skills.items[0].skill == 0 && zoe->skills.items[0].level == 5);
    assert_true(zoe->skills.items[1].skill == 1 && zoe->skills.items[1].level == 1);
    assert_int_equal(anna->skills.count, 0);
    assert_true(zoe->position == 0 && anna->position == 1);
    const struct config_relax *relax = config.queues[0].relax;
    assert_int_equal(config.queues[0].relax_count, 2);
    assert_int_equal(relax[0].after_ms, 30000);
    assert_true(relax[0].skills.count == 1 && relax[0].skills.items[0].skill == 0 &&
                relax[0].skills.items[0].level == 2);
    assert_true(relax[1].after_ms == 60000 && relax[1].skills.count == 0);
    const struct config_rule *vip = &config.rules[0];
    assert_true(vip->skills.count == 2 && vip->skills.items[0].level == 3 && vip->skills.items[1].level == 1);
}

static void hours_know_their_zone_spans_and_dates(void **state)
{
    (void)state;
    struct project_config config = good(whole);
    const struct hours *office = &config.hours[0];
    assert_int_equal(config.hours_count, 1);
    assert_text(office->name, "office");
    assert_int_equal(office->span_count, 5);
    assert_int_equal(office->closed_count, 1);
    assert_int_equal(office->otherwise, 2);
    assert_true(config.zone_count == 1 && office->zone == &config.zones[0]);
    assert_text(office->zone->name, "Europe/Berlin");
    assert_true(hours_are_open(office, INT64_C(1785135600000)));  /* Monday 2026-07-27 09:00 in Berlin */
    assert_false(hours_are_open(office, INT64_C(1798185600000))); /* Friday 2026-12-25 09:00 */
}

static void each_mistake_is_refused_where_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer, *detail; /* a part of it */
        uint32_t line;
    } cases[] = {
        {"[]", "", "must be a map", 1},
        {"~", "", "must hold a map", 1},
        {"region: DE\n", "/project", "is required", 1},
        {"project: 5\n", "/project", "text", 1},
        {"project: -x\n", "/project", "no name", 1},
        {"project: p\nregoin: DE\n", "/regoin", "is \"region\" meant?", 2},
        {"project: p\nzzzzzzzz: 1\n", "/zzzzzzzz", "unknown key", 2},
        {"project: p\nregion: Germany\n", "/region", "region", 2},
        {"project: p\nregion: xx\n", "/region", "no region", 2},
        {"project: p\ncontacts: {max: 10}\n", "/contacts/max", "from 1 to 9", 2},
        {"project: p\ncontacts: {max: 2, phone_slots: 3}\n", "/contacts/phone_slots", "from 0 to 2", 2},
        {"project: p\ncreate: {call: maybe}\n", "/create/call", "manual, auto", 2},
        {"project: p\ncreate: {at: once}\n", "/create/at", "accept, ingest", 2},
        {"project: p\ncreate: {stage: pool}\n", "/create/stage", "new, to_be_assigned", 2},
        {"project: p\nmisses: 0\n", "/misses", "from 1", 2},
        {"project: p\ngrace: 2 minutes\n", "/grace", "duration", 2},
        {"project: p\ngrace: 99999999999999999999d\n", "/grace", "duration", 2},
        {"project: p\ngrace: s\n", "/grace", "duration", 2},
        {"project: p\ngrace: -5\n", "/grace", "duration", 2},
        {"project: p\nwindow: 999999d\n", "/window", "from 1s to 366d", 2},
        {"project: p\npermissions: {block: [king]}\n", "/permissions/block/0", "one of", 2},
        {"project: p\nqueues: []\n", "/queues", "map", 2},
        {"project: p\nqueues:\n  a: 5\n", "/queues/a", "map", 3},
        {"project: p\nqueues:\n  a b: {}\n", "/queues/a b", "no name", 3},
        {"project: p\nqueues:\n  endpoint: {}\n", "/queues/endpoint", "reserved", 3},
        {"project: p\nqueues:\n  a: {strategy: fastest}\n", "/queues/a/strategy", "one of longest_idle", 3},
        {"project: p\nqueues:\n  a: {offer_timout: 5s}\n", "/queues/a/offer_timout", "\"offer_timeout\"", 3},
        {"project: p\nqueues:\n  a: {offer_timeout: 2h}\n", "/queues/a/offer_timeout", "from 100ms to 1h", 3},
        {"project: p\nagents:\n  a: {queues: [x]}\n", "/agents/a/queues/0", "no queue \"x\"", 3},
        {"project: p\nqueues: {x: {}}\nagents:\n  a: {queues: [x, x]}\n", "/agents/a/queues/1", "twice", 4},
        {"project: p\nagents:\n  a: {role: boss}\n", "/agents/a/role", "one of", 3},
        {"project: p\nagents:\n  a: {capacity: {call: 1001}}\n", "/agents/a/capacity/call", "0 to 1000", 3},
        {"project: p\nagents:\n  a: {reports_to: b}\n", "/agents/a/reports_to", "no agent", 3},
        {"project: p\nagents:\n  a: {reports_to: a}\n", "/agents/a/reports_to", "leads back", 3},
        {"project: p\nendpoints:\n  - {chat: w}\n", "/endpoints/0/queue", "required", 3},
        {"project: p\nqueues: {x: }\nendpoints:\n  - {queue: x}\n", "/endpoints/0", "one of phone", 4},
        {"project: p\nqueues: {x: }\nendpoints:\n  - {queue: x, chat: a, email: a@b.de}\n", "/endpoints/0",
         "one of", 4},
        {"project: p\nqueues: {x: }\nendpoints:\n  - {queue: x, email: nobody}\n", "/endpoints/0/email",
         "no e-mail", 4},
        {"project: p\nqueues: {x: }\nendpoints:\n  - {queue: x, phone: anonymous}\n", "/endpoints/0/phone",
         "no phone", 4},
        {"project: p\nqueues: {x: }\nendpoints:\n  - {queue: x, chat: w, region: DE}\n",
         "/endpoints/0/region", "phone", 4},
        {"project: p\nqueues: {x: }\nendpoints:\n  - {queue: x, chat: w}\n  - {queue: x, chat: w}\n",
         "/endpoints/1", "endpoints[0] is the same", 5},
        {"project: p\nregion: DE\nqueues: {x: }\nendpoints:\n  - {queue: x, phone: 030 901820}\n"
         "  - {queue: x, phone: +49 30 901820}\n",
         "/endpoints/1", "endpoints[0] is the same", 6},
        {"project: p\nqueues:\n  a: {service_level: {target: 101}}\n", "/queues/a/service_level/target",
         "1 to 100", 3},
        {"project: p\nqueues:\n  a: {relax: [{skills: {}}]}\n", "/queues/a/relax/0/after", "is required", 3},
        {"project: p\nqueues:\n  a: {relax: [{after: 5s}]}\n", "/queues/a/relax/0/skills", "is required", 3},
        {"project: p\nqueues:\n  a: {relax: [~]}\n", "/queues/a/relax/0", "must be a map", 3},
        {"project: p\nqueues:\n  a: {relax: [{after: 5s, skills: {}}, {after: 5s, skills: {}}]}\n",
         "/queues/a/relax/1/after", "later than the step before", 3},
        {"project: p\nqueues:\n  a: {relax: [{after: 5s, skills: {x y: 1}}]}\n",
         "/queues/a/relax/0/skills/x y", "no name", 3},
        {"project: p\nqueues:\n  a: {when_empty: {never: a}}\n", "/queues/a/when_empty/never", "unknown key",
         3},
        {"project: p\nqueues:\n  a: {when_empty: {none_skilled: b}}\n", "/queues/a/when_empty/none_skilled",
         "no queue", 3},
        {"project: p\nqueues:\n  a: {hours: office}\n", "/queues/a/hours", "no hours \"office\"", 3},
        {"project: p\nqueues:\n  a: {weight: 1001}\n", "/queues/a/weight", "-1000 to 1000", 3},
        {"project: p\nqueues:\n  a: {first_reply: 0}\n", "/queues/a/first_reply", "from 1s to 7d", 3},
        {"project: p\nqueues:\n  b: {}\n  a: {overflow: {queue: b}}\n", "/queues/a/overflow", "needs waiting",
         4},
        {"project: p\nqueues:\n  a: {overflow: {wait: 5m}}\n", "/queues/a/overflow/queue", "required", 3},
        {"project: p\nqueues:\n  b: {}\n  a: {overflow: {waiting: 0, queue: b}}\n",
         "/queues/a/overflow/waiting", "from 1", 4},
        {"project: p\nhours:\n  h: {open: [\"mon 09:00-10:00\"]}\n", "/hours/h/zone", "is required", 3},
        {"project: p\nhours:\n  h: {zone: Europe/Atlantis, open: [\"mon 09:00-10:00\"]}\n", "/hours/h/zone",
         "no time zone \"Europe/Atlantis\"", 3},
        {"project: p\nhours:\n  h: {zone: UTC}\n", "/hours/h/open", "is required", 3},
        {"project: p\nhours:\n  h: {zone: UTC, open: [9-17]}\n", "/hours/h/open/0", "mon-fri 09:00-17:00", 3},
        {"project: p\nhours:\n  h: {zone: UTC, open: [~]}\n", "/hours/h/open/0", "is empty", 3},
        {"project: p\nhours:\n  h: {zone: UTC, open: [\"mon 09:00-10:00\"], closed: [2026-02-30]}\n",
         "/hours/h/closed/0", "must be a date", 3},
        {"project: p\nhours:\n  h: {zone: UTC, open: [\"mon 09:00-10:00\"], otherwise: q}\n",
         "/hours/h/otherwise", "no queue", 3},
        {"project: p\nagents:\n  a: {skills: {german: 0}}\n", "/agents/a/skills/german", "from 1 to 100", 3},
        {"project: p\nagents:\n  a: {skills: {german: }}\n", "/agents/a/skills/german", "a level", 3},
        {"project: p\nagents:\n  a: {skills: [german]}\n", "/agents/a/skills", "must be a map", 3},
        {"project: p\nprefer: {owner: 2h}\n", "/prefer/owner", "100ms to 1h", 2},
        {"project: p\nprefer: {manager: 2s}\n", "/prefer/manager", "unknown key", 2},
        {"project: p\nexclusive: [fax]\n", "/exclusive/0", "one of call, chat, email", 2},
        {"project: p\nexclusive: call\n", "/exclusive", "must be a list", 2},
        {"project: p\nrules: []\n", "/rules", "must always match", 2},
        {"project: p\nrules:\n  - {name: a, when: 1, queue: endpoint}\n", "/rules/0/when", "an expression",
         3},
        {"project: p\nrules:\n  - {name: a, queue: endpoint}\n", "/rules/0/when", "is required", 3},
        {"project: p\nrules:\n  - {when: true, queue: endpoint}\n", "/rules/0/name", "is required", 3},
        {"project: p\nrules:\n  - {name: a, when: true}\n", "/rules/0/queue", "required", 3},
        {"project: p\nrules:\n  - {name: a, when: true, queue: x}\n", "/rules/0/queue", "no queue", 3},
        {"project: p\nrules:\n  - {name: a, when: true, queue: endpoint}\n  - {name: b, when: true, queue: endpoint}\n",
         "/rules/1", "cannot be reached", 4},
        {"project: p\nrules:\n  -\n", "/rules/0", "must be a map", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct project_config config;
        if (project_file_read(&config, slice_of(cases[i].text), &arena, &faults))
            fail_msg("accepted: %s", cases[i].text);
        const struct fault *fault = &faults.items[0];
        if (faults.count != 1 || strcmp(fault->pointer, cases[i].pointer) != 0 ||
            fault->line != cases[i].line || !strstr(fault->detail, cases[i].detail))
            fail_msg("%u faults, %s line %u: %s, in %s", faults.count, fault->pointer, fault->line,
                     fault->detail, cases[i].text);
    }
}

static void all_mistakes_are_listed_by_line(void **state)
{
    (void)state;
    struct project_config config;
    assert_false(project_file_read(&config,
                                   SLICE("rules:\n- {name: x, when: \"a\", queue: nowhere}\nmisses: many\n"
                                         "agents:\n  anna: {queues: [q1, q2]}\nproject: demo\ngrase: 5\n"),
                                   &arena, &faults));
    assert_int_equal(faults.count, 6);
    static const uint32_t lines[] = {2, 2, 3, 5, 5, 7};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(faults.items[i].line, lines[i]);
}

static void too_many_mistakes_are_cut(void **state)
{
    (void)state;
    struct project_config config;
    char text[4096] = "project: p\n";
    for (int i = 0; i < PROJECT_FAULTS_MAX + 10; i++)
        strcat(text, arena_format(&arena, "wrong%d: 1\n", i).ptr);
    assert_false(project_file_read(&config, slice_of(text), &arena, &faults));
    assert_int_equal(faults.count, PROJECT_FAULTS_MAX);
}

static void superiors_in_a_ring_are_refused_once(void **state)
{
    (void)state;
    struct project_config config;
    assert_false(project_file_read(&config,
                                   SLICE("project: p\nagents:\n  a: {reports_to: b}\n  b: {reports_to: c}\n"
                                         "  c: {reports_to: b}\n  d: {reports_to: a}\n"),
                                   &arena, &faults));
    assert_int_equal(faults.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(plain_scalars_become_values_and_numbers_like_phones_stay_text),
        ARENA_TEST(json_is_accepted_as_yaml),
        ARENA_TEST(lines_are_those_of_the_keys),
        ARENA_TEST(what_yaml_can_do_too_much_is_refused_with_its_line),
        ARENA_TEST(defaults_fill_what_is_left_out),
        ARENA_TEST(a_queue_that_says_nothing_has_defaults),
        ARENA_TEST(a_full_file_is_read_whole),
        ARENA_TEST(a_file_that_uses_everything_is_read_whole),
        ARENA_TEST(skills_are_numbered_by_name_everywhere),
        ARENA_TEST(hours_know_their_zone_spans_and_dates),
        ARENA_TEST(each_mistake_is_refused_where_it_is),
        ARENA_TEST(all_mistakes_are_listed_by_line),
        ARENA_TEST(too_many_mistakes_are_cut),
        ARENA_TEST(superiors_in_a_ring_are_refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
