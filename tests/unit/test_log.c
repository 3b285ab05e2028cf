#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/log.h"

#define CAPTURE_MAX (1u << 20)
#define STALL_LINES 20000

static char captured[CAPTURE_MAX];
static int pair[2]; /* [0] is read by the test, [1] is the log's */

static int open_log(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    assert_true(log_open(pair[1]));
    return 0;
}

static int close_log(void **state)
{
    (void)state;
    log_close();
    close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
    return 0;
}

/* Closes the log and gives all that was written. */
static const char *read_log(void)
{
    size_t len = 0;
    log_close();
    close(pair[1]);
    pair[1] = -1;
    for (ssize_t n; (n = read(pair[0], captured + len, sizeof captured - 1 - len)) > 0;)
        len += (size_t)n;
    captured[len] = '\0';
    return captured;
}

/* What stands behind the time, which is never the same. */
static const char *behind_time(const char *line)
{
    const char *level = strstr(line, " level=");
    assert_non_null(level);
    return level + 1;
}

static void words_stand_bare_and_other_texts_in_quotes(void **state)
{
    (void)state;
    struct log_field fields[] = {log_str("word", "a-b:1"),   log_str("empty", ""),
                                 log_str("space", "a b"),    log_str("equals", "a=b"),
                                 log_str("quote", "a\"\\b"), log_int("n", -5),
                                 log_bool("up", true),       log_real("lag", 0.25),
                                 log_str("null", NULL),      log_str("umlaut", "M\xc3\xbcller")};
    log_event(LOG_INFO, "it happened", fields, 10);
    assert_string_equal(behind_time(read_log()),
                        "level=info msg=\"it happened\" word=a-b:1 empty=\"\" space=\"a b\" equals=\"a=b\" "
                        "quote=\"a\\\"\\\\b\" n=-5 up=true lag=0.25 null=\"\" umlaut=\"M\xc3\xbcller\"\n");
}

static void time_is_utc_with_milliseconds(void **state)
{
    (void)state;
    int parts[7], end = 0;
    log_line(LOG_INFO, "x");
    const char *line = read_log();
    assert_int_equal(sscanf(line, "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &parts[0], &parts[1], &parts[2],
                            &parts[3], &parts[4], &parts[5], &parts[6], &end),
                     7);
    assert_int_equal(end, strlen("time=2000-01-01T00:00:00.000Z"));
}

static void a_line_break_in_a_text_does_not_break_the_line(void **state)
{
    (void)state;
    log_event(LOG_INFO, "a\nb", (struct log_field[]){log_str("k", "c\r\nd\x7f")}, 1);
    assert_string_equal(behind_time(read_log()), "level=info msg=\"a\\nb\" k=\"c\\u000d\\nd\\u007f\"\n");
}

static void json_lines_are_json_whatever_the_bytes(void **state)
{
    (void)state;
    char hostile[300];
    for (size_t i = 0; i < sizeof hostile; i++)
        hostile[i] = (char)(i * 7);
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    struct log_field fields[] = {log_text("bytes", (struct slice){hostile, sizeof hostile}),
                                 log_int("n", 7),
                                 log_real("inf", INFINITY),
                                 log_masked("from", SLICE("anna@example.com")),
                                 log_text("surrogate", SLICE("\xed\xa0\x80")),
                                 log_bool("b", false)};
    log_event(LOG_WARN, "odd \"things\"", fields, 6);
    json_error_t error;
    json_t *root = json_loads(read_log(), JSON_ALLOW_NUL, &error);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(root, "msg")), "odd \"things\"");
    assert_int_equal(json_integer_value(json_object_get(root, "n")), 7);
    assert_true(json_is_null(json_object_get(root, "inf")));
    assert_string_equal(json_string_value(json_object_get(root, "from")), "a***@example.com");
    assert_string_equal(json_string_value(json_object_get(root, "surrogate")),
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    json_decref(root);
}

static void a_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[LOG_VALUE_MAX + 100];
    memset(text, 'x', sizeof text);
    memcpy(text + LOG_VALUE_MAX - 1, "\xc3\xbc", 2);
    log_event(LOG_INFO, "m", (struct log_field[]){log_text("k", (struct slice){text, sizeof text})}, 1);
    const char *value = strstr(read_log(), "k=");
    assert_non_null(value);
    assert_int_equal(strlen(value), strlen("k=\"") + LOG_VALUE_MAX - 1 + strlen("...\"\n"));
}

static void fields_that_do_not_fit_are_left_out_whole(void **state)
{
    (void)state;
    char text[1000];
    struct log_field fields[7];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 6; i++)
        fields[i] = log_text("long", (struct slice){text, sizeof text});
    fields[6] = log_str("short", "fits");
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    log_event(LOG_INFO, "m", fields, 7);
    const char *line = read_log();
    assert_true(strlen(line) <= LOG_LINE_MAX);
    assert_non_null(strstr(line, "\"short\":\"fits\",\"truncated\":true}\n"));
    json_t *root = json_loads(line, 0, NULL);
    assert_non_null(root);
    json_decref(root);
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    log_line(LOG_DEBUG, "unseen");
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    log_line(LOG_WARN, "unseen");
    log_line(LOG_ERROR, "seen");
    assert_string_equal(behind_time(read_log()), "level=error msg=seen\n");
}

static void a_repeating_fault_is_written_once_a_second_with_a_count(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    for (int i = 0; i < 5; i++)
        log_event_limited(&limit, LOG_WARN, "again", NULL, 0);
    assert_int_equal(limit.suppressed, 4);
    limit.next_ms = 0; /* a second later */
    log_event_limited(&limit, LOG_WARN, "again", NULL, 0);
    const char *first = behind_time(read_log());
    assert_int_equal(strncmp(first, "level=warn msg=again\n", strlen("level=warn msg=again\n")), 0);
    assert_string_equal(behind_time(first + 1), "level=warn msg=again suppressed=4\n");
}

static void a_reader_that_stalls_costs_lines_and_not_time(void **state)
{
    (void)state;
    uint64_t before = log_dropped();
    for (int i = 0; i < STALL_LINES; i++)
        log_event(LOG_INFO, "a line among many others", (struct log_field[]){log_int("i", i)}, 1);
    uint64_t dropped = log_dropped() - before;
    assert_true(dropped > 0);
    /* Now it reads: what was kept comes whole and in order, then the report. */
    size_t len = 0;
    char report[40];
    snprintf(report, sizeof report, "dropped=%llu\n", (unsigned long long)dropped);
    captured[0] = '\0';
    while (!strstr(captured + (len > 8192 ? len - 8192 : 0), report)) {
        ssize_t n = read(pair[0], captured + len, 4096);
        assert_true(n > 0);
        len += (size_t)n;
        assert_true(len < sizeof captured - 4096);
        captured[len] = '\0';
    }
    int last = -1;
    uint64_t kept = 0;
    for (char *line = captured, *end; (end = strchr(line, '\n')); line = end + 1) {
        int i;
        *end = '\0';
        if (sscanf(behind_time(line), "level=info msg=\"a line among many others\" i=%d", &i) == 1) {
            assert_true(i > last); /* not always the next: room may come back while lines are dropped */
            last = i;
            kept++;
        } else {
            assert_non_null(strstr(line, "msg=\"log lines dropped\""));
        }
    }
    assert_int_equal(kept + dropped, STALL_LINES);
}

static void *log_many(void *ctx)
{
    for (int i = 0; i < 200; i++)
        log_event(LOG_INFO, "from a thread", (struct log_field[]){log_str("who", ctx), log_int("i", i)}, 2);
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    pthread_t threads[2];
    char names[2][2] = {"a", "b"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    /* Read while they write: line by line they take more room than a socket has, unread. */
    int lines = 0;
    size_t len = 0, begun = 0;
    while (lines < 400) {
        ssize_t n = read(pair[0], captured + len, sizeof captured - 1 - len);
        assert_true(n > 0);
        captured[len += (size_t)n] = '\0';
        for (char *end; (end = strchr(captured + begun, '\n')); begun = (size_t)(end - captured) + 1, lines++)
            assert_int_equal(strncmp(captured + begun, "time=", 5), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(read_log(), "");
}

static void a_broken_descriptor_loses_lines_and_nothing_else(void **state)
{
    (void)state;
    uint64_t before = log_dropped();
    log_close();
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_true(log_open(full));
    log_line(LOG_INFO, "lost");
    log_close();
    close(full);
    assert_int_equal(log_dropped() - before, 1);
}

static void numbers_and_addresses_are_masked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *masked;
    } rows[] = {
        {"+493012345620", "+49301***20"},
        {"+4930123456", "+49***"},
        {"030123", "***"},
        {"4711", "***"},
        {"anna@example.com", "a***@example.com"},
        {"\xc3\xb6zg\xc3\xbcr@example.com", "\xc3\xb6***@example.com"},
        {"@example.com", "***@example.com"},
        {"alice", "a***"},
        {"sip:+493012345620@pbx.example", "s***@pbx.example"},
        {"", ""},
    };
    char out[LOG_MASK_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(log_mask(out, slice_of(rows[i].text)), rows[i].masked);
    char domain[2 * LOG_MASK_MAX];
    memset(domain, 'd', sizeof domain);
    domain[1] = '@';
    assert_string_equal(log_mask(out, (struct slice){domain, sizeof domain}), "d***");
}

static void without_a_writer_lines_go_to_standard_error_at_once(void **state)
{
    (void)state;
    int fds[2], saved = dup(STDERR_FILENO);
    char line[256];
    assert_int_equal(pipe(fds), 0);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    dup2(fds[1], STDERR_FILENO);
    log_line(LOG_INFO, "early");
    dup2(saved, STDERR_FILENO);
    ssize_t len = read(fds[0], line, sizeof line - 1);
    assert_true(len > 0);
    line[len] = '\0';
    assert_string_equal(behind_time(line), "level=info msg=early\n");
    close(saved);
    close(fds[0]);
    close(fds[1]);
}

/* Last: it leaves a writer behind that can never be used again. */
static void closing_does_not_wait_for_ever(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    assert_true(log_open(fds[1]));
    for (int i = 0; i < STALL_LINES; i++)
        log_line(LOG_INFO, "nobody reads this");
    log_close();
    uint64_t before = log_dropped();
    log_line(LOG_INFO, "and this neither");
    assert_int_equal(log_dropped(), before + 1);
    assert_false(log_open(fds[1]));
    close(fds[0]); /* lets the left thread end */
}

#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, open_log, close_log)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOG(words_stand_bare_and_other_texts_in_quotes),
        WITH_LOG(time_is_utc_with_milliseconds),
        WITH_LOG(a_line_break_in_a_text_does_not_break_the_line),
        WITH_LOG(json_lines_are_json_whatever_the_bytes),
        WITH_LOG(a_long_text_is_cut_at_a_character),
        WITH_LOG(fields_that_do_not_fit_are_left_out_whole),
        WITH_LOG(lines_below_the_level_are_not_written),
        WITH_LOG(a_repeating_fault_is_written_once_a_second_with_a_count),
        WITH_LOG(a_reader_that_stalls_costs_lines_and_not_time),
        WITH_LOG(threads_do_not_mix_their_lines),
        WITH_LOG(a_broken_descriptor_loses_lines_and_nothing_else),
        cmocka_unit_test(numbers_and_addresses_are_masked),
        cmocka_unit_test(without_a_writer_lines_go_to_standard_error_at_once),
        cmocka_unit_test(closing_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
