#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/redis_url.h"

static void an_address_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        struct redis_url parts;
    } rows[] = {
        {"redis://h", {.host = "h", .port = 6379}},
        {"redis://h/", {.host = "h", .port = 6379}},
        {"redis://h:1/15", {.host = "h", .port = 1, .database = 15}},
        {"redis://h/0", {.host = "h", .port = 6379}},
        {"redis://[::1]:65535", {.host = "::1", .port = 65535}},
        {"redis://u:p@h", {.host = "h", .port = 6379, .user = "u", .password = "p"}},
        {"redis://:p%40%2F%3a@h", {.host = "h", .port = 6379, .password = "p@/:"}},
        {"redis://:a:b@h", {.host = "h", .port = 6379, .password = "a:b"}},
        {"redis://@h", {.host = "h", .port = 6379}},
        {"unix:///run/a@b", {.is_socket = true, .host = "/run/a@b", .port = 6379}},
        {"unix://u:p@/s?db=2",
         {.is_socket = true, .host = "/s", .port = 6379, .database = 2, .user = "u", .password = "p"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redis_url out;
        const struct redis_url *parts = &rows[i].parts;
        if (redis_url_parse(&out, rows[i].url))
            fail_msg("%s", rows[i].url);
        assert_int_equal(out.is_socket, parts->is_socket);
        assert_string_equal(out.host, parts->host);
        assert_int_equal(out.port, parts->port);
        assert_int_equal(out.database, parts->database);
        assert_string_equal(out.user, parts->user);
        assert_string_equal(out.password, parts->password);
    }
}

static void an_address_that_is_not_one_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "redis",
        "redis://",
        "http://h",
        "rediss://h",
        "redis://h:0",
        "redis://h:",
        "redis://h:x",
        "redis://h:65536",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/99999",
        "redis://[]",
        "redis://[::1",
        "redis://[::1]x",
        "redis://u@h",
        "redis://:%zz@h",
        "redis://:%4@h",
        "unix://",
        "unix://relative",
        "unix:///s?x=1",
        "unix:///s?db=",
        "redis://:%00@h",
        "redis:///1",
    };
    struct redis_url out;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!redis_url_parse(&out, bad[i]))
            fail_msg("%s", bad[i]);
    assert_non_null(redis_url_parse(&out, NULL));
}

static void parts_beyond_their_bound_are_refused(void **state)
{
    (void)state;
    char url[2 * REDIS_URL_PART_MAX + 32];
    struct redis_url out;
    for (int len = REDIS_URL_PART_MAX - 1; len <= REDIS_URL_PART_MAX; len++) {
        bool fits = len < REDIS_URL_PART_MAX;
        memset(url, 'x', sizeof url);
        memcpy(url, "redis://", 8);
        url[8 + len] = '\0';
        assert_int_equal(redis_url_parse(&out, url) == NULL, fits);
        memset(url, 'x', sizeof url);
        memcpy(url, "redis://:", 9);
        memcpy(url + 9 + len, "@h", 3);
        assert_int_equal(redis_url_parse(&out, url) == NULL, fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_taken_apart),
        cmocka_unit_test(an_address_that_is_not_one_is_refused),
        cmocka_unit_test(parts_beyond_their_bound_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
