#include "rules/cel_time.h"
#include "tests/unit/project_world.h"

struct finding {
    const char *text, *pointer, *detail; /* a part of it */
    uint32_t line;
};

static void assert_findings(const struct finding *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
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

static void assert_accepted(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct project_config config = project_of(slice_of(texts[i]));
        config_close(&config);
    }
}

/* anna has german 5, bert german 2 and polish 4, both are in support; carl is in mail. */
#define AGENTS                                                                                               \
    "agents:\n"                                                                                              \
    "  anna: {queues: [support], skills: {german: 5}}\n"                                                     \
    "  bert: {queues: [support], skills: {german: 2, polish: 4}}\n"                                          \
    "  carl: {queues: [mail]}\n"
#define ENDPOINTS "endpoints: [{chat: web, queue: support}, {email: a@b.example, queue: mail}]\n"
#define RULE(when, queue, skills)                                                                            \
    "rules:\n- {name: a, when: \"" when "\", queue: " queue ", skills: " skills "}\n"                        \
    "- {name: b, when: true, queue: endpoint}\n"

static void a_rule_may_ask_for_what_one_agent_of_its_queue_has(void **state)
{
    (void)state;
    static const char *const good[] = {
        "project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "support",
                                                                "{german: 5}"),
        "project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "support",
                                                                "{german: 2, polish: 4}"),
        "project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "mail", "{}"),
        /* at the last step it asks for less, or for nothing */
        "project: p\nqueues: {mail: , support: {relax: [{after: 5s, skills: {german: 2, polish: 9}}]}}\n" AGENTS
            RULE("channel == 'call'", "support", "{german: 9, polish: 4}"),
        "project: p\nqueues: {mail: {relax: [{after: 5s, skills: {}}]}, support: }\n" AGENTS RULE(
            "channel == 'call'", "mail", "{german: 9}"),
        /* no mail can match, and no chat leads to mail */
        "project: p\nqueues: {support: , mail: }\n" AGENTS ENDPOINTS RULE(
            "'vip' in customer.tags && channel == 'chat'", "endpoint", "{german: 3}"),
        "project: p\nqueues: {support: , mail: }\n" AGENTS ENDPOINTS RULE("channel != 'email' || false",
                                                                          "endpoint", "{german: 3}"),
        /* nobody serves the other endpoint's queue anyway */
        "project: p\nqueues: {support: , voicemail: , mail: }\n"
        "endpoints: [{chat: web, queue: support}, {chat: late, queue: voicemail}]\n" AGENTS RULE(
            "customer.known", "endpoint", "{german: 3}"),
    };
    assert_accepted(good, sizeof good / sizeof *good);
}

static void a_requirement_that_no_agent_can_meet_is_refused(void **state)
{
    (void)state;
    static const struct finding cases[] = {
        {"project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "support",
                                                                 "{german: 6}"),
         "/rules/0/skills", "no agent of queue \"support\" has german 6", 8},
        {"project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "support",
                                                                 "{polish: 1, german: 3}"),
         "/rules/0/skills", "has german 3, polish 1", 8},
        {"project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "mail", "{german: 1}"),
         "/rules/0/skills", "\"mail\"", 8},
        {"project: p\nqueues: {support: , mail: }\n" AGENTS RULE("channel == 'call'", "support",
                                                                 "{finnish: 1}"),
         "/rules/0/skills", "has finnish 1", 8},
        {"project: p\nqueues: {mail: , support: {relax: [{after: 5s, skills: {german: 6}}]}}\n" AGENTS RULE(
             "channel == 'call'", "support", "{german: 7, polish: 9}"),
         "/rules/0/skills", "has german 6, which its last step still asks for", 8},
        {"project: p\nqueues: {support: , mail: , voicemail: }\n" AGENTS RULE("channel == 'call'",
                                                                              "voicemail", "{german: 1}"),
         "/rules/0/skills", "\"voicemail\"", 8},
        {"project: p\nqueues: {support: , mail: , v: {relax: [{after: 5s, skills: {}}]}}\n" AGENTS RULE(
             "channel == 'call'", "v", "{german: 1}"),
         "/rules/0/skills", "no agent is in queue \"v\"", 8},
        /* a mail may match, and leads to carl, who has no german */
        {"project: p\nqueues: {support: , mail: }\n" AGENTS ENDPOINTS RULE("'vip' in customer.tags",
                                                                           "endpoint", "{german: 3}"),
         "/rules/0/skills", "no agent of queue \"mail\" has german 3", 9},
    };
    assert_findings(cases, sizeof cases / sizeof *cases);
}

/* "2027-01-01, ...": `count` dates, one every `step` days from a Friday on. */
static const char *dates(int count, int step)
{
    struct slice list = SLICE("");
    for (int i = 0; i < count; i++) {
        struct cel_date day = cel_date_at((INT64_C(20819) + i * step) * 86400);
        list =
            arena_format(&arena, "%s%s%d-%02d-%02d", list.ptr, i ? ", " : "", day.year, day.month, day.day);
    }
    return list.ptr;
}

static void hours_that_never_open_are_refused(void **state)
{
    (void)state;
    static const struct finding none = {"project: p\nhours:\n  h:\n    zone: UTC\n    open: []\n",
                                        "/hours/h/open", "never opens", 5};
    assert_findings(&none, 1);
    const char *const good[] = {
        "project: p\nhours:\n  h: {zone: UTC, open: [\"mon 00:00-00:01\"]}\n",
        arena_format(&arena,
                     "project: p\nhours: {h: {zone: UTC, open: [\"mon-sun 00:00-00:01\"], closed: [%s]}}\n",
                     dates(130, 1))
            .ptr,
    };
    assert_accepted(good, 2);
}

static void hours_whose_every_opening_is_a_closed_date_are_refused(void **state)
{
    (void)state;
    const struct finding closed = {
        arena_format(&arena,
                     "project: p\nhours:\n  h: {zone: UTC, open: [\"fri 08:00-18:00\"], closed: [%s]}\n",
                     dates(106, 7))
            .ptr,
        "/hours/h/open", "does not open within two years", 3};
    assert_findings(&closed, 1);
}

#define QUEUES(rest) "project: p\nqueues:\n" rest "agents: {x: {queues: [a, b]}}\n"

static void ways_out_of_a_queue_that_lead_back_are_refused(void **state)
{
    (void)state;
    static const struct finding cases[] = {
        {QUEUES("  a: {when_empty: {none_logged_in: a}}\n  b: {}\n"), "/queues/a/when_empty/none_logged_in",
         "leads in a ring: a -> a", 3},
        {QUEUES("  a: {when_empty: {all_on_break: b}}\n  b:\n    overflow:\n      wait: 5s\n      queue: c\n"
                "  c: {hours: h}\nhours: {h: {zone: UTC, open: [\"mon 09:00-10:00\"], otherwise: a}}\n"),
         "/queues/c/hours", "leads in a ring: a -> b -> c -> a", 8},
        {QUEUES("  a: {when_empty: {all_on_break: b, none_skilled: c}}\n"
                "  b: {when_empty: {none_skilled: d}}\n  c: {when_empty: {none_skilled: d}}\n"
                "  d: {overflow: {waiting: 5, queue: b}}\n"),
         "/queues/d/overflow/queue", "leads in a ring: b -> d -> b", 6},
    };
    assert_findings(cases, sizeof cases / sizeof *cases);
}

static void a_way_to_a_queue_that_nobody_serves_is_refused_unless_it_is_meant_so(void **state)
{
    (void)state;
    static const struct finding cases[] = {
        {QUEUES("  a: {when_empty: {all_on_break: c}}\n  b: {}\n  c: {wrap_up: 5s}\n"),
         "/queues/a/when_empty/all_on_break", "queue \"c\", which no agent is in although", 3},
        {QUEUES("  a: {overflow: {waiting: 5, queue: c}}\n  b: {}\n  c: {strategy: linear}\n"),
         "/queues/a/overflow/queue", "(strategy)", 3},
        {QUEUES("  a: {hours: h}\n  b: {}\n  c: {relax: []}\n"
                "hours: {h: {zone: UTC, open: [\"mon 09:00-10:00\"], otherwise: c}}\n"),
         "/queues/a/hours", "(relax)", 3},
    };
    static const char *const good[] = {
        QUEUES(
            "  a: {when_empty: {all_on_break: c, none_skilled: b}}\n  b: {overflow: {wait: 5s, queue: c}}\n"
            "  c: {}\n"),
        QUEUES(
            "  a: {when_empty: {all_on_break: c}}\n  b: {wrap_up: 5s}\n  c: {when_empty: {none_logged_in: b}}\n"),
    };
    assert_findings(cases, sizeof cases / sizeof *cases);
    assert_accepted(good, sizeof good / sizeof *good);
}

#define PEERS                                                                                                \
    "project: p\nregion: DE\nqueues: {a: }\n"                                                                \
    "endpoints: [{phone: \"+4930901820\", queue: a}, {chat: web, queue: a}, {email: a@b.example, queue: a}]\n"
#define CHAT "event: chat.message, id: /id, subject: /s, from: {id: /who}"
#define CLOSED "event: chat.ended, id: /id, subject: /s"

static void peers_that_would_not_do_what_was_meant_are_refused(void **state)
{
    (void)state;
    static const struct finding cases[] = {
        {PEERS "gateways: {k: {kind: kamailio, address: \"a:1\", endpoint: web}}\n", "/gateways/k/endpoint",
         "\"web\" is an endpoint of the channel chat, and what comes is of call", 5},
        {PEERS "gateways:\n  a: {kind: freeswitch, listen: \"127.0.0.1:1\"}\n"
               "  b: {kind: freeswitch, listen: \"127.0.0.1:1\"}\n",
         "/gateways/b/listen", "the gateway \"a\" listens there", 7},
        {PEERS "hooks: {h: {preset: cti-generic, endpoint: a@b.example}}\n", "/hooks/h/endpoint",
         "of the channel email, and what comes is of call", 5},
        {PEERS "hooks: {h: {preset: telegram, endpoint: \"+4930901820\", secret_files: [/s]}}\n",
         "/hooks/h/endpoint", "what comes is of chat", 5},
        {PEERS "hooks: {h: {preset: mailgun, endpoint: web}}\n", "/hooks/h/endpoint",
         "what comes is of email", 5},
        {PEERS "hooks:\n  h:\n    preset: generic\n    endpoint: a@b.example\n    map:\n    - {" CHAT "}\n",
         "/hooks/h/map/0/event", "what comes is of chat", 10},
        {PEERS "hooks:\n  h:\n    preset: generic\n    map:\n    - {" CHAT "}\n", "/hooks/h/map/0",
         "chat.message needs to, or the hook an endpoint", 9},
        {PEERS
         "hooks:\n  h:\n    preset: generic\n    map:\n    - {event: chat.ended, id: =x, subject: /s}\n",
         "/hooks/h/map/0/id", "a constant: all after the first would be repeats", 9},
        {PEERS "hooks:\n  h:\n    preset: generic\n    signature: {header: x-s}\n    map: [{" CLOSED "}]\n",
         "/hooks/h/signature", "nothing is checked without secret_files", 8},
        {PEERS "hooks:\n  h:\n    preset: generic\n    endpoint: web\n    map:\n    - {" CLOSED "}\n"
               "    - {" CHAT "}\n",
         "/hooks/h/map/1", "cannot be reached: map[0] before it has no when", 11},
    };
    static const char *const good[] = {
        PEERS
        "gateways:\n  a: {kind: freeswitch, listen: \"127.0.0.1:0\"}\n"
        "  b: {kind: freeswitch, listen: \"127.0.0.1:0\", endpoint: \"+4930901820\"}\n"
        "  c: {kind: freeswitch, listen: \"127.0.0.2:1\"}\n  d: {kind: freeswitch, listen: \"127.0.0.1:1\"}\n",
        PEERS "hooks:\n  h: {preset: generic, endpoint: web, map: [{when: {/k: x}, " CLOSED "}, {" CHAT
              "}]}\n"
              "  i: {preset: generic, map: [{" CHAT ", to: =web}]}\n"
              "  j: {preset: whatsapp, endpoint: web, secret_files: [/s]}\n"
              "  k: {preset: postmark, endpoint: a@b.example}\n",
    };
    assert_findings(cases, sizeof cases / sizeof *cases);
    assert_accepted(good, sizeof good / sizeof *good);
}

static void all_findings_come_in_one_run(void **state)
{
    (void)state;
    struct project_config config;
    assert_false(project_file_read(
        &config,
        SLICE(
            "project: p\nqueues:\n  a: {when_empty: {none_skilled: a}}\nhours:\n  h: {zone: UTC, open: []}\n"
            "agents: {x: {queues: [a]}}\nrules:\n- {name: r, when: \"to == 'x'\", queue: a, skills: {s: 1}}\n"
            "- {name: last, when: true, queue: a}\n"),
        &arena, &faults));
    static const uint32_t lines[] = {3, 5, 8};
    assert_int_equal(faults.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(faults.items[i].line, lines[i]);
}

static void what_was_applied_is_loaded_whatever_the_linter_says_now(void **state)
{
    (void)state;
    struct project_config config = {.rule_count = 0};
    assert_true(project_file_load(&config,
                                  SLICE("project: p\nqueues: {a: {when_empty: {none_skilled: a}}}\n"),
                                  SLICE("[]"), &arena, &faults));
    config_close(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_rule_may_ask_for_what_one_agent_of_its_queue_has),
        ARENA_TEST(a_requirement_that_no_agent_can_meet_is_refused),
        ARENA_TEST(hours_that_never_open_are_refused),
        ARENA_TEST(hours_whose_every_opening_is_a_closed_date_are_refused),
        ARENA_TEST(ways_out_of_a_queue_that_lead_back_are_refused),
        ARENA_TEST(a_way_to_a_queue_that_nobody_serves_is_refused_unless_it_is_meant_so),
        ARENA_TEST(peers_that_would_not_do_what_was_meant_are_refused),
        ARENA_TEST(all_findings_come_in_one_run),
        ARENA_TEST(what_was_applied_is_loaded_whatever_the_linter_says_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
