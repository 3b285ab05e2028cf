/* What a hook of the preset twilio may say in the project file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "proto/hook.h"
#include "tests/unit/project_world.h"

#define TWILIO "preset: twilio, secret_files: [/etc/patchbay/secrets/twilio]"

static struct slice file_with(const char *hook)
{
    return arena_format(&arena, "project: p\nqueues: {q: {}}\nhooks:\n  line: {%s}\n", hook);
}

static struct hook_voice voice_of(const char *hook)
{
    struct project_config config = project_of(file_with(hook));
    struct hook_voice voice = *config.hooks[0].voice;
    config_close(&config);
    return voice;
}

static void one_thing_is_said_of_a_call_that_is_let_in(void **state)
{
    (void)state;
    struct hook_voice silent = voice_of(TWILIO), busy = voice_of(TWILIO ", enqueue: front, busy: true");
    assert_true(!silent.redirect.len && !silent.enqueue.len && !silent.pause_s && !silent.is_busy);
    assert_true(slice_is(busy.enqueue, "front") && busy.is_busy);
    assert_int_equal(voice_of(TWILIO ", pause: 2m").pause_s, 120);
    assert_true(slice_is(voice_of(TWILIO ", redirect: 'https://voice.example/x?y=1'").redirect,
                         "https://voice.example/x?y=1"));
}

static const struct {
    const char *hook, *pointer, *detail;
} mistakes[] = {
    {TWILIO ", redirect: voice.example", "/hooks/line/redirect", "must be a URL"},
    {TWILIO ", redirect: 'https://voice.example/a b'", "/hooks/line/redirect", "must be a URL"},
    {TWILIO ", pause: 2h", "/hooks/line/pause", "from 1s to"},
    {TWILIO ", pause: 500ms", "/hooks/line/pause", "from 1s to"},
    {TWILIO ", busy: maybe", "/hooks/line/busy", "true or false"},
    {TWILIO ", enqueue: ''", "/hooks/line/enqueue", "1 to 64 bytes"},
    {TWILIO ", enqueue: a, pause: 30s", "/hooks/line", "one of redirect, enqueue and pause"},
    {"preset: cti-generic, busy: true", "/hooks/line/busy", "only the preset twilio"},
    {"preset: twilio", "/hooks/line", "secret_files is required"},
};

static void each_mistake_is_refused_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct project_config config;
        assert_false(project_file_read(&config, file_with(mistakes[i].hook), &arena, &faults));
        if (faults.count != 1 || strcmp(faults.items[0].pointer, mistakes[i].pointer) != 0 ||
            !strstr(faults.items[0].detail, mistakes[i].detail))
            fail_msg("%s: %u, %s: %s", mistakes[i].hook, faults.count, faults.items[0].pointer,
                     faults.items[0].detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(one_thing_is_said_of_a_call_that_is_let_in),
        ARENA_TEST(each_mistake_is_refused_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
