/* tests/hooks/: recorded requests of each preset with what must come of them; README.md there has the form.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/cloudevent.h"
#include "proto/hook_generic.h"
#include "proto/hook_recording.h"
#include "proto/json.h"
#include "proto/mail.h"
#include "proto/project_file.h"

#define FOLDER TEST_SOURCE_DIR "/tests/hooks/"
#define FILE_MAX (1u << 20)
#define PATH_SIZE 1024
#define RECORDINGS_MIN 55

struct expectation {
    const char *path;
    struct hook_request request;
    struct hook_voice voice;
    struct slice status, fault, decide, queue, agent, answer;
    struct slice events[HOOK_EVENTS_MAX], skips[HOOK_SKIPS_MAX];
    uint32_t event_count, skip_count;
    bool says;
};

static struct slice read_whole(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    char *bytes = arena_alloc(arena, FILE_MAX);
    size_t len = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    return (struct slice){bytes, len};
}

/* Of the hook `hook` of a project file. */
static const struct hook_mapping *read_mapping(struct slice name, struct arena *arena)
{
    char path[PATH_SIZE];
    struct project_config *config = arena_new(arena, struct project_config);
    struct project_faults *faults = arena_new(arena, struct project_faults);
    snprintf(path, sizeof path, FOLDER "%.*s", (int)name.len, name.ptr);
    if (!project_file_read(config, read_whole(path, arena), arena, faults))
        fail_msg("%s:%u: %s", path, faults->items[0].line, faults->items[0].detail);
    const struct config_hook *hook = config_find_hook(config, SLICE("hook"));
    assert_non_null(hook);
    const struct hook_mapping *mapping = hook_mapping_copy(hook->mapping, arena);
    config_close(config);
    return mapping;
}

static void read_line(struct expectation *to, struct slice key, struct slice rest, struct arena *arena)
{
    if (slice_is(key, "secret") && to->request.secret_count < HOOK_SECRETS_MAX)
        to->request.secrets[to->request.secret_count++] = rest;
    else if (slice_is(key, "now"))
        to->request.now_ms = strtoll(arena_string(arena, rest), NULL, 10);
    else if (slice_is(key, "to"))
        to->request.to = rest;
    else if (slice_is(key, "e164"))
        to->request.is_e164 = true;
    else if (slice_is(key, "redirect"))
        to->voice.redirect = rest;
    else if (slice_is(key, "enqueue"))
        to->voice.enqueue = rest;
    else if (slice_is(key, "pause"))
        to->voice.pause_s = (uint32_t)strtoul(arena_string(arena, rest), NULL, 10);
    else if (slice_is(key, "busy"))
        to->voice.is_busy = true;
    else if (slice_is(key, "queue"))
        to->queue = rest;
    else if (slice_is(key, "agent"))
        to->agent = rest;
    else if (slice_is(key, "status"))
        to->status = rest;
    else if (slice_is(key, "fault"))
        to->fault = rest;
    else if (slice_is(key, "skip"))
        to->skips[to->skip_count++] = rest;
    else if (slice_is(key, "decide"))
        to->decide = rest;
    else if (slice_is(key, "event"))
        to->events[to->event_count++] = rest;
    else if (slice_is(key, "project"))
        to->request.mapping = read_mapping(rest, arena);
    else if (slice_is(key, "answer")) {
        to->answer = rest;
        to->says = true;
    } else {
        fail_msg("%s: %.*s is no key", to->path, (int)key.len, key.ptr);
    }
}

static void read_expectation(struct expectation *to, struct arena *arena)
{
    struct slice rest = read_whole(to->path, arena);
    while (rest.len) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        struct slice line = {rest.ptr, len};
        rest = (struct slice){rest.ptr + len + (end != NULL), rest.len - len - (end != NULL)};
        const char *space = memchr(line.ptr, ' ', line.len);
        size_t key = space ? (size_t)(space - line.ptr) : line.len;
        struct slice value = {line.ptr + key + (space != NULL), line.len - key - (space != NULL)};
        if (line.len)
            read_line(to, (struct slice){line.ptr, key}, value, arena);
    }
}

static unsigned differs(const struct expectation *of, const char *what, struct slice expected,
                        struct slice found)
{
    if (slice_equal(expected, found))
        return 0;
    print_error("%s: %s is\n  %.*s\nand not\n  %.*s\n", of->path, what, (int)found.len, found.ptr,
                (int)expected.len, expected.ptr);
    return 1;
}

static unsigned check_events(const struct expectation *of, const struct hook_result *result,
                             struct arena *arena)
{
    unsigned faults = 0;
    for (uint32_t i = 0; i < result->event_count; i++) {
        struct event event;
        struct fault fault;
        struct slice none = {NULL, 0};
        faults += differs(of, "an event", i < of->event_count ? of->events[i] : none,
                          json_write(&result->events[i], arena));
        if (!cloudevent_read(&event, &result->events[i], arena, &fault)) {
            print_error("%s: the event is refused: %s\n", of->path, fault.detail);
            faults++;
        }
    }
    if (result->event_count < of->event_count) {
        print_error("%s: %u events instead of %u\n", of->path, result->event_count, of->event_count);
        faults++;
    }
    return faults;
}

static unsigned check_skips(const struct expectation *of, const struct hook_result *result)
{
    unsigned faults = 0;
    for (uint32_t i = 0; i < result->skipped && i < HOOK_SKIPS_MAX; i++)
        faults += differs(of, "what is skipped", i < of->skip_count ? of->skips[i] : SLICE(""),
                          slice_of(result->skips[i].pointer));
    if (result->skipped < of->skip_count) {
        print_error("%s: %u are skipped instead of %u\n", of->path, result->skipped, of->skip_count);
        faults++;
    }
    return faults;
}

static unsigned check_answer(const struct expectation *of, const struct hook_preset *preset,
                             const struct hook_result *result, struct arena *arena)
{
    struct hook_answer answer = result->answer;
    struct hook_decision *decisions = arena_array(arena, struct hook_decision, result->event_count + 1);
    for (uint32_t i = 0; i < result->event_count; i++) {
        decisions[i].outcome = of->decide.len ? of->decide : SLICE("queued");
        decisions[i].blocked = slice_is(of->decide, "blocked");
        decisions[i].queue = of->queue;
        decisions[i].agent = of->agent;
    }
    if (!answer.status && preset->answer && result->event_count)
        preset->answer(&answer, &of->request, result, decisions, arena);
    return differs(of, "the answer", of->answer,
                   arena_format(arena, "%u %.*s", answer.status, (int)answer.body.len, answer.body.ptr));
}

static unsigned check(const struct hook_preset *preset, const char *recording, const char *expected)
{
    struct arena arena;
    struct hook_result result;
    unsigned faults = 0;
    arena_init(&arena);
    struct expectation *of = arena_new(&arena, struct expectation);
    of->path = expected;
    of->request.source = SLICE(HOOK_RECORDING_SOURCE);
    of->request.voice = &of->voice;
    read_expectation(of, &arena);
    const char *why = hook_recording_read(&of->request, read_whole(recording, &arena), &arena);
    if (why)
        fail_msg("%s: %s", recording, why);
    assert_true(preset->methods & of->request.method);
    enum hook_status status = hook_read(&result, preset, &of->request, of->request.secret_count == 0, &arena);
    faults += differs(of, "the status", of->status, slice_of(hook_status_name(status)));
    if (status == HOOK_MALFORMED)
        faults += differs(of, "the fault", of->fault, slice_of(result.fault.pointer));
    if (status == HOOK_OK)
        faults += check_events(of, &result, &arena);
    if (status == HOOK_OK || status == HOOK_MALFORMED)
        faults += check_skips(of, &result);
    if (of->says)
        faults += check_answer(of, preset, &result, &arena);
    arena_deinit(&arena);
    return faults;
}

static unsigned check_preset(const struct hook_preset *preset, unsigned *recordings)
{
    char folder[PATH_SIZE], path[2 * PATH_SIZE], expected[2 * PATH_SIZE];
    unsigned faults = 0;
    snprintf(folder, sizeof folder, FOLDER "%s", preset->name);
    DIR *entries = opendir(folder);
    if (!entries)
        fail_msg("%s: there is no recording of the preset", folder);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        size_t len = strlen(entry->d_name);
        if (len <= 5 || strcmp(entry->d_name + len - 5, ".http") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        snprintf(expected, sizeof expected, "%s/%.*s.expected", folder, (int)(len - 5), entry->d_name);
        faults += check(preset, path, expected);
        (*recordings)++;
    }
    closedir(entries);
    return faults;
}

static void every_recording_gives_the_events_that_are_expected(void **state)
{
    (void)state;
    unsigned faults = 0, recordings = 0;
    mail_init();
    for (const struct hook_preset *preset = hook_presets; preset->name; preset++)
        faults += check_preset(preset, &recordings);
    assert_int_equal(faults, 0);
    assert_true(recordings >= RECORDINGS_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_recording_gives_the_events_that_are_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
