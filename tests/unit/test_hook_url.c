/* As whom a peer asked for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/hook_url.h"

#define HEADERS_MAX 5

struct scene {
    const char *headers[HEADERS_MAX][2]; /* ends with NULL, if before the last */
    const char *url;                     /* before the path */
};

static const struct scene scenes[] = {
    {{{"Host", "patch.example:8080"}}, "http://patch.example:8080"},
    {{{"host", "router"}, {"X-Forwarded-Proto", "https"}}, "https://router"},
    {{{"Host", "router"}, {"X-Forwarded-Proto", "HTTPS"}, {"X-Forwarded-Host", " patch.example "}},
     "https://patch.example"},
    /* two proxies, or a peer and a proxy, each with a header of its own: the last was there last */
    {{{"X-Forwarded-Proto", "http"}, {"Host", "router"}, {"x-forwarded-proto", "https"}}, "https://router"},
    {{{"X-Forwarded-Proto", "https"}, {"Host", "router"}, {"X-Forwarded-Proto", "http"}}, "http://router"},
    {{{"X-Forwarded-Host", "forged.example"}, {"Host", "router"}, {"X-Forwarded-Host", "patch.example"}},
     "http://patch.example"},
    /* the same as a list */
    {{{"Host", "router"}, {"X-Forwarded-Proto", "http, https"}, {"X-Forwarded-Host", "a,b:81 ,c"}},
     "https://c"},
    {{{"X-Forwarded-Host", "a,b"}, {"X-Forwarded-Host", "c, d"}, {"Host", "router"}}, "http://d"},
    /* nothing is no word */
    {{{"Host", "router"}, {"X-Forwarded-Proto", "https, ,"}, {"X-Forwarded-Host", ""}}, "https://router"},
    {{{"Host", "router"}, {"X-Forwarded-Host", "patch.example"}, {"X-Forwarded-Host", " , "}},
     "http://patch.example"},
    {{{"Host", "router"}, {"X-Forwarded-Proto", ""}, {"X-Forwarded-Host", ","}}, "http://router"},
    /* no scheme of ours */
    {{{"Host", "router"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "wss"}}, "http://router"},
    {{{"Host", "router"}, {"X-Forwarded-Port", "1"}, {"Forwarded", "host=x;proto=https"}}, "http://router"},
};

static void note_all(struct hook_url_parts *parts, const struct scene *scene)
{
    for (size_t i = 0; i < HEADERS_MAX && scene->headers[i][0]; i++)
        hook_url_note(parts, slice_of(scene->headers[i][0]), slice_of(scene->headers[i][1]));
}

static void the_last_proxy_says_as_whom_we_were_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct hook_url_parts parts = {.host = {NULL, 0}};
        struct arena arena;
        arena_init(&arena);
        note_all(&parts, &scenes[i]);
        struct slice url = hook_url(&parts, "", SLICE("/hooks/x"), SLICE(""), &arena);
        struct slice expected = arena_format(&arena, "%s/hooks/x", scenes[i].url);
        if (!slice_equal(url, expected))
            fail_msg("scene %zu: %.*s", i, (int)url.len, url.ptr);
        arena_deinit(&arena);
    }
}

static void a_query_stands_behind_and_what_is_configured_goes_before(void **state)
{
    struct hook_url_parts parts = {.host = {NULL, 0}};
    struct arena arena;
    (void)state;
    arena_init(&arena);
    note_all(&parts, &scenes[2]);
    assert_true(
        slice_is(hook_url(&parts, "", SLICE("/a"), SLICE("b=c"), &arena), "https://patch.example/a?b=c"));
    assert_true(slice_is(hook_url(&parts, "https://other.example", SLICE("/a"), SLICE("b=c"), &arena),
                         "https://other.example/a?b=c"));
    /* In recordings there may be anything. */
    struct slice odd = hook_url(&parts, "http://h", SLICE("/a"), (struct slice){"b\0c", 3}, &arena);
    assert_int_equal(odd.len, strlen("http://h/a?") + 3);
    assert_memory_equal(odd.ptr, "http://h/a?b\0c", odd.len);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_proxy_says_as_whom_we_were_asked),
        cmocka_unit_test(a_query_stands_behind_and_what_is_configured_goes_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
