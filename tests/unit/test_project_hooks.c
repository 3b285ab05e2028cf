#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/hook_generic.h"
#include "tests/unit/project_world.h"

#define BASE                                                                                                 \
    "project: p\nregion: DE\nqueues: {a: {}}\nagents: {anna: {queues: [a]}}\n"                               \
    "endpoints:\n- {name: main, phone: \"+4930901820\", queue: a}\n- {chat: web, queue: a}\n"                \
    "rules: [{name: r, when: \"true\", queue: a}]\nhooks:\n"
#define RULE "event: chat.message, id: /id, subject: /s, from: {id: /who}"

static void a_line_says_what_may_come_in(void **state)
{
    (void)state;
    struct project_config config = project_of(arena_format(
        &arena, BASE
        "  shop: {preset: cti-generic, endpoint: main, e164: true, secret_files: [/etc/a, /etc/b]}\n"
        "  web: {preset: generic, endpoint: web, each: /m, map: [{" RULE ", when: {/n: 2, /b: true}}]}\n"));
    const struct config_hook *shop = config_find_hook(&config, SLICE("shop"));
    const struct config_hook *web = config_find_hook(&config, SLICE("web"));
    assert_true(shop && web && !config_find_hook(&config, SLICE("none")));
    assert_string_equal(shop->preset->name, "cti-generic");
    assert_true(slice_is(shop->endpoint, "+4930901820") && shop->is_e164 && !shop->mapping);
    assert_int_equal(shop->secret_count, 2);
    assert_true(slice_is(shop->secret_files[1], "/etc/b"));
    assert_true(slice_is(web->mapping->each, "/m") && web->mapping->hash == HOOK_SHA256);
    assert_true(slice_is(web->mapping->header, "x-patchbay-signature") &&
                slice_is(web->mapping->prefix, "sha256="));
    const struct hook_rule *rule = web->mapping->rules;
    assert_int_equal(rule->condition_count, 2);
    assert_true(slice_is(rule->conditions[0].equals, "2") && slice_is(rule->conditions[1].equals, "true"));
    config_close(&config);
}

static void faults_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *line, *fault;
    } cases[] = {
        {"{}", "hooks.g.preset: is required"},
        {"{preset: carrier-pigeon}", "hooks.g.preset: there is no preset \"carrier-pigeon\""},
        {"{preset: twilio}", "hooks.g: twilio signs what it sends: secret_files is required"},
        {"{preset: cti-generic, secret: x}", "hooks.g.secret: unknown key"},
        {"{preset: cti-generic, secret_files: [etc/a]}", "hooks.g.secret_files[0]: must be an absolute path"},
        {"{preset: cti-generic, map: []}", "hooks.g.map: only the preset generic has it"},
        {"{preset: generic}", "hooks.g.map: is required"},
        {"{preset: generic, each: messages, map: [{" RULE "}]}", "hooks.g.each: must be a JSON Pointer"},
        {"{preset: generic, map: [{event: chat.message, subject: /s, from: {id: /a}}]}",
         "hooks.g.map[0].id: is required"},
        {"{preset: generic, map: [{event: chat.said, id: /i, subject: /s}]}",
         "hooks.g.map[0].event: must be"},
        {"{preset: generic, map: [{event: call.ringing, id: /i, subject: /s}]}",
         "hooks.g.map[0]: call.ringing needs phone, email or id in from"},
        {"{preset: generic, map: [{" RULE ", text: body}]}", "hooks.g.map[0].text: must be a JSON Pointer"},
        {"{preset: generic, map: [{" RULE ", text: /a~2}]}", "hooks.g.map[0].text: ~ in a JSON Pointer"},
        {"{preset: generic, map: [{" RULE ", when: {type: x}}]}",
         "hooks.g.map[0].when.type: the key must be a JSON Pointer"},
        {"{preset: generic, map: [{" RULE ", when: {/t: [x]}}]}",
         "hooks.g.map[0].when./t: must be text, a number, true or false"},
        {"{preset: generic, signature: {algorithm: md5}, map: [{" RULE "}]}",
         "hooks.g.signature.algorithm: must be one of sha1, sha256"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice text = arena_format(&arena, BASE "  g: %s\n", cases[i].line);
        struct project_config config;
        assert_false(project_file_read(&config, text, &arena, &faults));
        assert_ptr_equal(strstr(faults.items[0].detail, cases[i].fault), faults.items[0].detail);
        assert_int_equal(faults.items[0].line, 10);
    }
}

static void a_pointer_that_is_none_is_told_with_its_column(void **state)
{
    (void)state;
    struct project_config config;
    struct slice text = SLICE(BASE "  g: {preset: generic, map: [{" RULE ", text: /a/b~2}]}\n");
    assert_false(project_file_read(&config, text, &arena, &faults));
    assert_int_equal(faults.items[0].line, 10);
    assert_int_equal(faults.items[0].column, 102);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_line_says_what_may_come_in),
        ARENA_TEST(faults_are_named_with_their_place),
        ARENA_TEST(a_pointer_that_is_none_is_told_with_its_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
