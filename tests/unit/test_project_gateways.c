#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/project_world.h"

#define BASE                                                                                                 \
    "project: p\nregion: DE\nqueues: {a: {}}\nagents: {anna: {queues: [a]}, carl: {}}\n"                     \
    "endpoints:\n- {name: main, phone: \"+4930901820\", queue: a}\n- {chat: web, queue: a}\n"                \
    "rules: [{name: r, when: \"true\", queue: a}]\ngateways:\n"

static struct project_config read_good(const char *line)
{
    return project_of(arena_format(&arena, BASE "  g: %s\n", line));
}

static void a_line_says_what_is_connected(void **state)
{
    (void)state;
    struct project_config config = read_good(
        "{kind: asterisk, address: \"pbx.example:5038\", user: patchbay, secret_file: /etc/s, endpoint: main,"
        " contexts: [from-trunk, from-pstn], extensions: {carl: 1002, anna: \"1001\"}, redirect: {context: agents},"
        " blocked: hangup}");
    const struct config_gateway *gateway = config.gateways;
    assert_int_equal(config.gateway_count, 1);
    assert_int_equal(gateway->protocol, GATEWAY_ASTERISK);
    assert_true(slice_is(gateway->host, "pbx.example") && gateway->port == 5038 && !gateway->listens);
    assert_true(slice_is(gateway->user, "patchbay") && slice_is(gateway->secret_file, "/etc/s"));
    assert_true(slice_is(config.endpoints[gateway->endpoint].name, "main") && !gateway->plain_login);
    assert_int_equal(gateway->context_count, 2);
    assert_true(gateway->hangs_up_blocked);
    assert_int_equal(gateway->extension_count, 2);
    assert_true(slice_is(config.agents[gateway->extensions[0].agent].name, "carl"));
    assert_true(slice_is(gateway->extensions[0].number, "1002") && slice_is(gateway->redirect, "agents"));
    config_close(&config);
}

static void endpoints_go_by_name_or_address(void **state)
{
    (void)state;
    struct project_config config =
        read_good("{kind: freeswitch, listen: \"[::1]:0\", endpoint: \"+4930901820\"}");
    assert_true(config.gateways->listens && slice_is(config.gateways->host, "::1"));
    assert_true(slice_is(config.endpoints[config.gateways->endpoint].name, "main"));
    assert_false(config.gateways->hangs_up_blocked);
    config_close(&config);
    config = read_good("{kind: kamailio, address: \"127.0.0.1:8448\", endpoint: main}");
    assert_int_equal(config.endpoints[config.gateways->endpoint].channel, CHANNEL_CALL);
    config_close(&config);
}

static void faults_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *fault;
    } cases[] = {
        {"{address: \"a:1\"}", "gateways.g: needs kind: asterisk, freeswitch or kamailio"},
        {"{kind: sip, address: \"a:1\"}", "gateways.g.kind: must be one of asterisk, freeswitch, kamailio"},
        {"{kind: kamailio}", "gateways.g: needs address"},
        {"{kind: kamailio, listen: \"a:1\"}",
         "gateways.g.listen: kamailio is connected to: give its address"},
        {"{kind: kamailio, address: \"a\"}", "gateways.g.address: must be HOST:PORT"},
        {"{kind: kamailio, address: \"a:0\"}", "gateways.g.address: must be HOST:PORT"},
        {"{kind: kamailio, address: \"a:65536\"}", "gateways.g.address: must be HOST:PORT"},
        {"{kind: kamailio, address: \"a:-1\"}", "gateways.g.address: must be HOST:PORT"},
        {"{kind: kamailio, address: \"::1:80\"}", "gateways.g.address: must be HOST:PORT"},
        {"{kind: kamailio, address: \"a:1\", user: x}", "gateways.g.user: kamailio has no such key"},
        {"{kind: kamailio, address: \"a:1\", blocked: hangup}",
         "gateways.g.blocked: kamailio has no such key"},
        {"{kind: asterisk, address: \"a:1\", user: u, secret_file: /s, blocked: busy}",
         "gateways.g.blocked: must be one of leave, hangup"},
        {"{kind: kamailio, address: \"a:1\", secret: x}", "gateways.g.secret: unknown key"},
        {"{kind: freeswitch, address: \"a:1\", listen: \"a:2\"}",
         "gateways.g: needs either address or listen"},
        {"{kind: freeswitch, address: \"a:1\"}", "gateways.g: needs secret_file"},
        {"{kind: asterisk, address: \"a:1\", secret_file: /s}", "gateways.g: needs user"},
        {"{kind: asterisk, address: \"a:1\", user: \"a b\", secret_file: /s}",
         "gateways.g.user: may hold A-Z, a-z, 0-9 and ._-@"},
        {"{kind: asterisk, address: \"a:1\", user: u, secret_file: s}",
         "gateways.g.secret_file: must be an absolute path"},
        {"{kind: kamailio, address: \"a:1\", endpoint: shop}",
         "gateways.g.endpoint: there is no endpoint \"shop\""},
        {"{kind: asterisk, address: \"a:1\", user: u, secret_file: /s, extensions: {eva: 1}}",
         "gateways.g.extensions.eva: there is no agent \"eva\""},
        {"{kind: asterisk, address: \"a:1\", user: u, secret_file: /s, extensions: {anna: \"1,2\"}}",
         "gateways.g.extensions.anna: may hold A-Z, a-z, 0-9 and *#+._-"},
        {"{kind: asterisk, address: \"a:1\", user: u, secret_file: /s, redirect: {context: x}}",
         "gateways.g.redirect: needs extensions: where the agents are reached"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct project_config config;
        struct slice text = arena_format(&arena, BASE "  g: %s\n", cases[i].line);
        assert_false(project_file_read(&config, text, &arena, &faults));
        assert_string_equal(faults.items[0].detail, cases[i].fault);
        assert_int_equal(faults.items[0].line, 10);
    }
}

static void two_endpoints_cannot_have_one_name(void **state)
{
    (void)state;
    struct project_config config;
    struct slice text =
        SLICE("project: p\nqueues: {a: {}}\nrules: [{name: r, when: \"true\", queue: a}]\n"
              "endpoints:\n- {name: x, chat: web, queue: a}\n- {name: x, chat: shop, queue: a}\n");
    assert_false(project_file_read(&config, text, &arena, &faults));
    assert_string_equal(faults.items[0].detail, "endpoints: two endpoints have the name \"x\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_line_says_what_is_connected),
        ARENA_TEST(endpoints_go_by_name_or_address),
        ARENA_TEST(faults_are_named_with_their_line),
        ARENA_TEST(two_endpoints_cannot_have_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
