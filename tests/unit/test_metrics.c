#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/event.h"
#include "server/metrics.h"

#define LINES_MAX 1000

static struct arena arena;
static char *lines[LINES_MAX];
static size_t line_count;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    metrics_reset();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    metrics_on_collect(NULL, NULL);
    arena_deinit(&arena);
    return 0;
}

static char *render(void)
{
    return arena_string(&arena, metrics_render(&arena));
}

static void render_lines(void)
{
    char *text = render();
    assert_int_equal(text[strlen(text) - 1], '\n');
    line_count = 0;
    for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        assert_true(line_count < LINES_MAX);
        lines[line_count++] = line;
    }
}

static void assert_has_line(const char *line)
{
    char wanted[256];
    char *text = render();
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(text, wanted))
        fail_msg("there is no line %s", line);
}

/* A queue whose name needs escaping, and one without. */
static void collect_two(void *ctx, struct metrics_collector *collector)
{
    (void)ctx;
    metrics_queue(collector, SLICE("demo"), SLICE("support"), CHANNEL_CALL, 3, 12.5);
    metrics_queue(collector, SLICE("demo"), SLICE("a\"b\\c\nd"), CHANNEL_EMAIL, 0, 0);
}

static void counters_count_by_label(void **state)
{
    (void)state;
    metric_add(METRIC_EVENTS, EVENT_CHAT_MESSAGE, 2);
    metric_add(METRIC_EVENTS, EVENT_CHAT_MESSAGE, 3);
    metric_add(METRIC_OFFERS, 0, 1);
    assert_has_line("patchbay_events_total{type=\"chat.message\"} 5");
    assert_has_line("patchbay_events_total{type=\"call.ringing\"} 0");
    assert_has_line("patchbay_offers_total 1");
    assert_int_equal(metric_count(METRIC_EVENTS, EVENT_CHAT_MESSAGE), 5);
}

static void counters_stay_exact_above_two_to_the_53(void **state)
{
    (void)state;
    metric_add(METRIC_OFFERS, 0, (UINT64_C(1) << 53) + 1);
    assert_has_line("patchbay_offers_total 9007199254740993");
}

static void gauges_show_the_last_value(void **state)
{
    (void)state;
    metric_set(METRIC_DATABASE_UP, 0, 1);
    metric_set(METRIC_CONNECTIONS, METRIC_CONNECTION_RPC, 17);
    metric_set(METRIC_CONNECTIONS, METRIC_CONNECTION_RPC, 4);
    assert_has_line("patchbay_database_up 1");
    assert_has_line("patchbay_connections{kind=\"rpc\"} 4");
}

static void a_histogram_is_cumulative_and_ends_with_infinity(void **state)
{
    (void)state;
    metric_observe(METRIC_WAIT_SECONDS, CHANNEL_CHAT, 1); /* a bound belongs to its bucket */
    metric_observe(METRIC_WAIT_SECONDS, CHANNEL_CHAT, 1.5);
    metric_observe(METRIC_WAIT_SECONDS, CHANNEL_CHAT, 4000);
    assert_has_line("patchbay_wait_seconds_bucket{channel=\"chat\",le=\"1\"} 1");
    assert_has_line("patchbay_wait_seconds_bucket{channel=\"chat\",le=\"2\"} 2");
    assert_has_line("patchbay_wait_seconds_bucket{channel=\"chat\",le=\"3600\"} 2");
    assert_has_line("patchbay_wait_seconds_bucket{channel=\"chat\",le=\"+Inf\"} 3");
    assert_has_line("patchbay_wait_seconds_sum{channel=\"chat\"} 4002.5");
    assert_has_line("patchbay_wait_seconds_count{channel=\"chat\"} 3");
    assert_int_equal(metric_count(METRIC_WAIT_SECONDS, CHANNEL_CHAT), 3);
}

static void a_histogram_without_label_has_no_empty_braces(void **state)
{
    (void)state;
    metric_observe(METRIC_BATCH_SIZE, 0, 256);
    assert_has_line("patchbay_batch_size_bucket{le=\"128\"} 0");
    assert_has_line("patchbay_batch_size_bucket{le=\"256\"} 1");
    assert_has_line("patchbay_batch_size_sum 256");
    assert_has_line("patchbay_batch_size_count 1");
}

static void queues_are_collected_when_asked_and_escaped(void **state)
{
    (void)state;
    metrics_on_collect(collect_two, NULL);
    assert_has_line("patchbay_queue_depth{project=\"demo\",queue=\"support\",channel=\"call\"} 3");
    assert_has_line("patchbay_oldest_wait_seconds{project=\"demo\",queue=\"support\",channel=\"call\"} 12.5");
    assert_has_line("patchbay_queue_depth{project=\"demo\",queue=\"a\\\"b\\\\c\\nd\",channel=\"email\"} 0");
}

static void collect_many(void *ctx, struct metrics_collector *collector)
{
    for (int i = 0; i < *(int *)ctx; i++)
        metrics_queue(collector, SLICE("demo"), arena_format(&arena, "queue-%d", i), CHANNEL_CALL, 1, 2);
}

static void a_thousand_queues_fit(void **state)
{
    (void)state;
    int count = 1024;
    metrics_on_collect(collect_many, &count);
    assert_has_line("patchbay_oldest_wait_seconds{project=\"demo\",queue=\"queue-1023\",channel=\"call\"} 2");
}

static void labels_are_found_by_their_text(void **state)
{
    (void)state;
    assert_int_equal(metric_label(METRIC_EVENTS, "email.received"), EVENT_EMAIL_RECEIVED);
    assert_int_equal(metric_label(METRIC_MISSES, "busy"), 1);
    metric_add(METRIC_MISSES, metric_label(METRIC_MISSES, "never heard of"), 1);
    assert_has_line("patchbay_misses_total{cause=\"other\"} 1");
}

static void the_process_describes_itself(void **state)
{
    (void)state;
    double memory = 0, start = 0;
    assert_has_line("patchbay_build_info{version=\"" PATCHBAY_VERSION "\"} 1");
    render_lines();
    for (size_t i = 0; i < line_count; i++) {
        if (strncmp(lines[i], "process_resident_memory_bytes ", 30) == 0)
            memory = strtod(lines[i] + 30, NULL);
        if (strncmp(lines[i], "process_start_time_seconds ", 27) == 0)
            start = strtod(lines[i] + 27, NULL);
    }
    assert_true(memory > 100000);
    assert_true(start > 1600000000);
}

/* Where the name of a series ends: at its labels or its value. */
static size_t name_length(const char *line)
{
    return strcspn(line, "{ ");
}

static bool is_series_of(const char *line, const char *metric, const char *type)
{
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    size_t len = strlen(metric), name = name_length(line);
    if (strcmp(type, "histogram") != 0)
        return name == len && strncmp(line, metric, len) == 0;
    for (size_t i = 0; i < 3; i++)
        if (name == len + strlen(suffixes[i]) && strncmp(line, metric, len) == 0 &&
            strncmp(line + len, suffixes[i], strlen(suffixes[i])) == 0)
            return true;
    return false;
}

static void assert_valid_value(const char *line)
{
    const char *value = strrchr(line, ' ');
    char *end;
    assert_non_null(value);
    strtod(value + 1, &end);
    assert_true(end > value + 1 && *end == '\0');
}

/* What promtool checks: each metric has HELP and TYPE once and before its series, series stand together,
 * counters end in _total and nothing else does, every value is a number. */
static void the_exposition_is_well_formed(void **state)
{
    (void)state;
    char metric[128] = "", type[16] = "", seen[128][128];
    size_t metrics = 0;
    metrics_on_collect(collect_two, NULL);
    render_lines();
    for (size_t i = 0; i < line_count; i++) {
        if (strncmp(lines[i], "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(lines[i] + 7, "%127s", metric), 1);
            for (size_t k = 0; k < metrics; k++)
                assert_string_not_equal(seen[k], metric);
            strcpy(seen[metrics++], metric);
            assert_int_equal(lines[i][strlen(lines[i]) - 1], '.');
            char named[128];
            assert_int_equal(sscanf(lines[++i], "# TYPE %127s %15s", named, type), 2);
            assert_string_equal(named, metric);
            size_t len = strlen(metric);
            bool total = len > 6 && strcmp(metric + len - 6, "_total") == 0;
            assert_int_equal(total, strcmp(type, "counter") == 0);
        } else {
            assert_true(is_series_of(lines[i], metric, type));
            assert_valid_value(lines[i]);
        }
    }
    assert_int_equal(metrics, METRIC_COUNT);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void no_series_comes_twice(void **state)
{
    (void)state;
    metrics_on_collect(collect_two, NULL);
    render_lines();
    for (size_t i = 0; i < line_count; i++)
        if (lines[i][0] != '#')
            *strrchr(lines[i], ' ') = '\0';
    qsort(lines, line_count, sizeof lines[0], compare);
    for (size_t i = 1; i < line_count; i++)
        assert_string_not_equal(lines[i - 1], lines[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counters_count_by_label),
        TEST(counters_stay_exact_above_two_to_the_53),
        TEST(gauges_show_the_last_value),
        TEST(a_histogram_is_cumulative_and_ends_with_infinity),
        TEST(a_histogram_without_label_has_no_empty_braces),
        TEST(queues_are_collected_when_asked_and_escaped),
        TEST(a_thousand_queues_fit),
        TEST(labels_are_found_by_their_text),
        TEST(the_process_describes_itself),
        TEST(the_exposition_is_well_formed),
        TEST(no_series_comes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
