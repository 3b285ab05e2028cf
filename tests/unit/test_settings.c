#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/settings.h"

static struct settings settings;
static struct settings_faults faults;
static char path[64];

static void clear_variables(void)
{
    for (unsigned i = 0; i < SETTINGS_COUNT; i++)
        unsetenv(settings_row(i).variable);
}

static int set_up(void **state)
{
    (void)state;
    clear_variables();
    memset(&settings, 0, sizeof settings);
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    strcpy(path, "/tmp/test_settings_XXXXXX");
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    clear_variables();
    unlink(path);
    return 0;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool load(const char *flag, const char *value)
{
    struct settings_source source = {.file = path};
    if (flag)
        source.flags[settings_row_of(flag)] = value;
    return settings_load(&settings, &source, &faults);
}

static void assert_fault(const char *text, const char *fault)
{
    assert_false(settings_read(&settings, "f.yaml", slice_of(text), &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.lines[0], fault);
}

static void without_anything_the_defaults_hold(void **state)
{
    (void)state;
    assert_true(load(NULL, NULL));
    assert_string_equal(settings.database, "");
    assert_string_equal(settings.redis, "redis://127.0.0.1:6379");
    assert_string_equal(settings.http.host, "127.0.0.1");
    assert_int_equal(settings.http.port, 8080);
    assert_int_equal(settings.rpc.port, 8081);
    assert_string_equal(settings.rpc_socket, "");
    assert_string_equal(settings.secret_folder, "/etc/patchbay/secrets");
    assert_int_equal(settings.log_level, LOG_INFO);
    assert_int_equal(settings.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(settings.batch_max, 256);
    assert_int_equal(settings.intake_max, 8192);
    assert_int_equal(settings.storage_wait_ms, 5000);
    assert_int_equal(settings.lease_ms, 10000);
    assert_int_equal(settings.cache_entries, 65536);
}

static void the_file_gives_way_to_variables_and_those_to_flags(void **state)
{
    (void)state;
    write_file("batch_max: 10\nintake_max: 20\nlease: 30s\n");
    setenv("PATCHBAY_INTAKE_MAX", "200", 1);
    setenv("PATCHBAY_LEASE", "60s", 1);
    assert_true(load("lease", "90s"));
    assert_int_equal(settings.batch_max, 10);
    assert_int_equal(settings.intake_max, 200);
    assert_int_equal(settings.lease_ms, 90000);
}

static void every_setting_can_stand_in_the_file(void **state)
{
    (void)state;
    write_file(
        "database: \"postgresql:///p\"\nredis: unix:///run/redis\nhttp: \"[::1]:0\"\nrpc: 0.0.0.0:65535\n"
        "rpc_socket: /run/p/rpc\ninstance: router-1.example:8080\nlog_level: debug\nlog_format: json\n"
        "batch_max: 1024\nintake_max: 1\nstorage_wait: 1500ms\nlease: 1m\ncache_entries: 0\n"
        "secret_folder: /srv/secrets\n");
    assert_true(load(NULL, NULL));
    assert_string_equal(settings.database, "postgresql:///p");
    assert_string_equal(settings.redis, "unix:///run/redis");
    assert_string_equal(settings.http.host, "::1");
    assert_int_equal(settings.http.port, 0);
    assert_string_equal(settings.rpc.host, "0.0.0.0");
    assert_int_equal(settings.rpc.port, 65535);
    assert_string_equal(settings.rpc_socket, "/run/p/rpc");
    assert_string_equal(settings.instance, "router-1.example:8080");
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.log_format, LOG_FORMAT_JSON);
    assert_int_equal(settings.storage_wait_ms, 1500);
    assert_int_equal(settings.lease_ms, 60000);
    assert_string_equal(settings.secret_folder, "/srv/secrets");
}

static void an_address_may_be_a_base_url(void **state)
{
    (void)state;
    setenv("PATCHBAY_HTTP", "http://127.0.0.1:9000/", 1);
    assert_true(load(NULL, NULL));
    assert_string_equal(settings.http.host, "127.0.0.1");
    assert_int_equal(settings.http.port, 9000);
}

static void an_empty_variable_counts_as_unset(void **state)
{
    (void)state;
    setenv("PATCHBAY_BATCH_MAX", "", 1);
    assert_true(load(NULL, NULL));
    assert_int_equal(settings.batch_max, 256);
}

static void an_empty_file_is_a_valid_one(void **state)
{
    (void)state;
    assert_true(settings_read(&settings, "f", SLICE(""), &faults));
    assert_true(settings_read(&settings, "f", SLICE("# nothing yet\n"), &faults));
}

static void faults_name_file_line_and_key(void **state)
{
    (void)state;
    assert_fault("redis: redis://r\n\nbatch_max: 1025\n",
                 "f.yaml:3: batch_max: must be a whole number of 1 to 1024");
    assert_fault("batch_max: -1\n", "f.yaml:1: batch_max: must be a whole number of 1 to 1024");
    assert_fault("batch_max: 99999999999999999999\n", "f.yaml:1: batch_max: must be one text or number");
    assert_fault("batch_max: 2.5\n", "f.yaml:1: batch_max: must be one text or number");
    assert_fault("bach_max: 1\n", "f.yaml:1: bach_max: there is no such setting");
    assert_fault("lease: 5\n", "f.yaml:1: lease: must be a duration such as 500ms, 5s or 2m");
    assert_fault("lease: 0s\n", "f.yaml:1: lease: must be a duration of 1s to 3600s");
    assert_fault("log_level: loud\n", "f.yaml:1: log_level: must be error, warn, info or debug");
    assert_fault("log_format: xml\n", "f.yaml:1: log_format: must be text or json");
    assert_fault("http: 8080\n", "f.yaml:1: http: must be HOST:PORT");
    assert_fault("http: localhost:8080\n",
                 "f.yaml:1: http: must be HOST:PORT with a numeric address, IPv6 in brackets");
    assert_fault("http: \"::1:80\"\n",
                 "f.yaml:1: http: must be HOST:PORT with a numeric address, IPv6 in brackets");
    assert_fault("http: \"[127.0.0.1]:80\"\n",
                 "f.yaml:1: http: must be HOST:PORT with a numeric address, IPv6 in brackets");
    assert_fault("http: \"127.0.0.1:\"\n", "f.yaml:1: http: must end with a port of 0 to 65535");
    assert_fault("http: \"127.0.0.1:65536\"\n", "f.yaml:1: http: must end with a port of 0 to 65535");
    assert_fault("http: {port: 80}\n", "f.yaml:1: http: must be one text or number");
    assert_fault("rpc:\n", "f.yaml:1: rpc: has no value");
    assert_fault("secret_folder: secrets\n", "f.yaml:1: secret_folder: must be an absolute path");
    assert_fault("- rpc\n", "f.yaml:1: must be a map of settings");
}

static void a_fault_never_repeats_a_password(void **state)
{
    (void)state;
    assert_fault("database: \"mysql://u:secret@h/d\"\n",
                 "f.yaml:1: database: must be a postgresql:// URL or key=value pairs");
    assert_fault("redis: \"http://:secret@h\"\n", "f.yaml:1: redis: must be a redis:// or unix:// URL");
}

static void all_faults_are_listed_with_their_sources(void **state)
{
    (void)state;
    char line[128];
    write_file("batch_max: x\nlease: y\n");
    setenv("PATCHBAY_INTAKE_MAX", "z", 1);
    assert_false(load("rpc", "w"));
    assert_int_equal(faults.count, 4);
    snprintf(line, sizeof line, "%s:1: batch_max: must be a whole number of 1 to 1024", path);
    assert_string_equal(faults.lines[0], line);
    assert_string_equal(faults.lines[2], "PATCHBAY_INTAKE_MAX: must be a whole number of 1 to 1000000");
    assert_string_equal(faults.lines[3], "--rpc: must be HOST:PORT");
}

static void more_faults_than_fit_are_cut(void **state)
{
    (void)state;
    char text[1024];
    size_t len = 0;
    for (int i = 0; i < 50; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "unknown%d: 1\n", i);
    assert_false(settings_read(&settings, "f", (struct slice){text, len}, &faults));
    assert_int_equal(faults.count, SETTINGS_FAULTS_MAX);
}

static void broken_yaml_is_a_fault_with_its_line(void **state)
{
    (void)state;
    assert_false(settings_read(&settings, "f.yaml", SLICE("redis: redis://r\nhttp: [\n"), &faults));
    assert_int_equal(faults.count, 1);
    int line = 0;
    assert_int_equal(sscanf(faults.lines[0], "f.yaml:%d: ", &line), 1);
    assert_true(line >= 2);
}

static void a_file_that_is_not_there_is_a_fault(void **state)
{
    (void)state;
    char expected[128];
    unlink(path);
    assert_false(load(NULL, NULL));
    snprintf(expected, sizeof expected, "%s: No such file or directory", path);
    assert_string_equal(faults.lines[0], expected);
}

static void with_a_fault_the_settings_stay(void **state)
{
    (void)state;
    settings.batch_max = 77;
    write_file("batch_max: 0\n");
    assert_false(load(NULL, NULL));
    assert_int_equal(settings.batch_max, 77);
}

static void a_text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[SETTINGS_PATH_MAX + 64];
    int len = snprintf(text, sizeof text, "rpc_socket: /%0*d\n", SETTINGS_PATH_MAX - 2, 0);
    assert_true(settings_read(&settings, "f", (struct slice){text, (size_t)len}, &faults));
    len = snprintf(text, sizeof text, "rpc_socket: /%0*d\n", SETTINGS_PATH_MAX - 1, 0);
    assert_false(settings_read(&settings, "f", (struct slice){text, (size_t)len}, &faults));
    assert_string_equal(faults.lines[0], "f:1: rpc_socket: is longer than 107 bytes");
}

static void a_reload_changes_what_may_change_while_running(void **state)
{
    (void)state;
    write_file("batch_max: 10\nlog_level: error\nlease: 20s\nhttp: 127.0.0.1:1000\n");
    assert_true(load(NULL, NULL));
    write_file("batch_max: 11\nlog_level: error\nlease: 21s\nhttp: 127.0.0.1:1001\n");
    assert_true(settings_reload(&settings));
    assert_int_equal(settings.batch_max, 11);
    assert_int_equal(settings.lease_ms, 20000);
    assert_int_equal(settings.http.port, 1000);
}

static void a_reload_keeps_to_the_flags(void **state)
{
    (void)state;
    write_file("batch_max: 10\nlog_level: error\n");
    assert_true(load("batch-max", "99"));
    write_file("batch_max: 11\nlog_level: error\n");
    assert_true(settings_reload(&settings));
    assert_int_equal(settings.batch_max, 99);
}

static void a_reload_with_a_fault_changes_nothing(void **state)
{
    (void)state;
    write_file("batch_max: 10\nlog_level: error\n");
    assert_true(load(NULL, NULL));
    write_file("batch_max: 11\nlog_level: error\nintake_max: many\n");
    assert_false(settings_reload(&settings));
    assert_int_equal(settings.batch_max, 10);
}

static void a_reload_sets_the_log(void **state)
{
    (void)state;
    write_file("log_level: error\n");
    assert_true(load(NULL, NULL));
    log_configure(settings.log_level, settings.log_format);
    assert_false(log_is_on(LOG_WARN));
    write_file("log_level: warn\n");
    assert_true(settings_reload(&settings));
    assert_true(log_is_on(LOG_WARN));
    assert_false(log_is_on(LOG_INFO));
}

static void durations_are_whole_numbers_with_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {{"0s", 0},
                {"500ms", 500},
                {"5s", 5000},
                {"2m", 120000},
                {"1h", 3600000},
                {"30d", INT64_C(2592000000)},
                {"", -1},
                {"5", -1},
                {"s", -1},
                {"-5s", -1},
                {"5 s", -1},
                {"1.5s", -1},
                {"5S", -1},
                {"5sec", -1},
                {"999999999999999d", -1},
                {"9999999999999999s", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = -1;
        bool valid = settings_duration(&ms, slice_of(rows[i].text));
        assert_int_equal(valid, rows[i].ms >= 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void flags_and_variables_are_the_name_in_other_clothes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SETTINGS_COUNT; i++) {
        struct settings_row_info info = settings_row(i);
        char variable[64] = "PATCHBAY_";
        size_t len = strlen(variable);
        for (const char *at = info.flag; *at; at++)
            variable[len++] = *at == '-' ? '_' : (char)(*at - 'a' + 'A');
        assert_string_equal(info.variable, variable);
        assert_int_equal(settings_row_of(info.flag), i);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_anything_the_defaults_hold),
        TEST(the_file_gives_way_to_variables_and_those_to_flags),
        TEST(every_setting_can_stand_in_the_file),
        TEST(an_address_may_be_a_base_url),
        TEST(an_empty_variable_counts_as_unset),
        TEST(an_empty_file_is_a_valid_one),
        TEST(faults_name_file_line_and_key),
        TEST(a_fault_never_repeats_a_password),
        TEST(all_faults_are_listed_with_their_sources),
        TEST(more_faults_than_fit_are_cut),
        TEST(broken_yaml_is_a_fault_with_its_line),
        TEST(a_file_that_is_not_there_is_a_fault),
        TEST(with_a_fault_the_settings_stay),
        TEST(a_text_that_is_too_long_is_refused),
        TEST(a_reload_changes_what_may_change_while_running),
        TEST(a_reload_keeps_to_the_flags),
        TEST(a_reload_with_a_fault_changes_nothing),
        TEST(a_reload_sets_the_log),
        TEST(durations_are_whole_numbers_with_a_unit),
        TEST(flags_and_variables_are_the_name_in_other_clothes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
