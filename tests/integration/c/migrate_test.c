#include "link_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/migrate.h"
#include "storage/pg_blocking.h"
#include "support.h"

struct said {
    char *out, *err;
    size_t out_size, err_size;
};

static int run(struct said *said)
{
    *said = (struct said){NULL, NULL, 0, 0};
    FILE *out = open_memstream(&said->out, &said->out_size),
         *err = open_memstream(&said->err, &said->err_size);
    int code = migrate_run(support_conninfo(), out, err);
    fclose(out);
    fclose(err);
    return code;
}

static int pending(void)
{
    return migrate_pending(support_conninfo(), stderr);
}

static void hush(struct said *said)
{
    free(said->out);
    free(said->err);
}

static void a_failing_migration_leaves_nothing_and_names_its_line(void **state)
{
    (void)state;
    struct said said;
    assert_int_equal(pending(), 2);
    assert_int_equal(run(&said), 1);
    assert_string_equal(said.out, "applied 0001_first\n");
    assert_non_null(
        strstr(said.err, "0002_second.sql:3:15: relation \"switch\" does not exist (SQLSTATE 42P01)"));
    hush(&said);
    assert_string_equal(support_sql("SELECT array_agg(n) FROM first"), "{1}");
    assert_int_equal(pending(), 1);
}

static void runners_at_the_same_time_take_turns(void **state)
{
    (void)state;
    support_sql("CREATE TABLE switch (n int)");
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            FILE *nowhere = fopen("/dev/null", "w");
            _exit(migrate_run(support_conninfo(), nowhere, stderr));
        }
    }
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_string_equal(support_sql("SELECT array_agg(n) FROM first"), "{1,2}");
    assert_int_equal(pending(), 0);
    assert_string_equal(
        support_sql("SELECT string_agg(version || name || length(checksum), ' ' ORDER BY version) "
                    "FROM schema_migrations"),
        "1first64 2second64");
}

static void a_second_run_has_nothing_to_do(void **state)
{
    (void)state;
    struct said said;
    assert_int_equal(run(&said), 0);
    assert_string_equal(said.err, "");
    assert_non_null(strstr(said.out, "nothing to do"));
    hush(&said);
}

static void expect_refusal(const char *change, const char *words, const char *undo)
{
    struct said said;
    support_sql("%s", change);
    assert_int_equal(run(&said), 1);
    if (!strstr(said.err, words))
        fail_msg("%s", said.err);
    hush(&said);
    assert_int_equal(pending(), -1);
    support_sql("%s", undo);
}

static void a_schema_that_is_not_known_in_full_is_left_alone(void **state)
{
    (void)state;
    expect_refusal("UPDATE schema_migrations SET checksum = 'x' || checksum WHERE version = 1",
                   "0001_first.sql is not the text",
                   "UPDATE schema_migrations SET checksum = substr(checksum, 2) WHERE version = 1");
    expect_refusal("INSERT INTO schema_migrations VALUES (3, 'newer', '')",
                   "0003_newer, which this binary does not",
                   "DELETE FROM schema_migrations WHERE version = 3");
    expect_refusal("UPDATE schema_migrations SET version = 0 WHERE version = 1", "0000_first",
                   "UPDATE schema_migrations SET version = 1 WHERE version = 0");
    expect_refusal("CREATE TABLE kept AS SELECT * FROM schema_migrations WHERE version = 1; "
                   "DELETE FROM schema_migrations WHERE version = 1",
                   "0001_first.sql was never applied, but 0002_second was",
                   "INSERT INTO schema_migrations SELECT * FROM kept");
}

static void a_former_text_that_the_file_names_is_known(void **state)
{
    (void)state;
    support_sql("CREATE TABLE today AS SELECT checksum FROM schema_migrations WHERE version = 1");
    support_sql("UPDATE schema_migrations SET checksum = 'the former text''s' WHERE version = 1");
    assert_int_equal(pending(), 0);
    expect_refusal("UPDATE schema_migrations SET checksum = 'the former text' WHERE version = 1",
                   "0001_first.sql is not the text",
                   "UPDATE schema_migrations SET checksum = (SELECT checksum FROM today) WHERE version = 1");
    expect_refusal("UPDATE schema_migrations SET checksum = '' WHERE version = 1",
                   "0001_first.sql is not the text",
                   "UPDATE schema_migrations SET checksum = (SELECT checksum FROM today) WHERE version = 1");
}

static void a_server_that_is_away_is_told(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *err = open_memstream(&text, &size);
    assert_int_equal(migrate_run("host=/no/such/folder", err, err), 1);
    assert_int_equal(migrate_pending("host=/no/such/folder", err), -1);
    fclose(err);
    assert_non_null(strstr(text, "migrate: "));
    free(text);
}

static void a_blocking_connection_runs_operations(void **state)
{
    (void)state;
    char why[128];
    struct pg_blocking *blocking = pg_blocking_open(support_conninfo(), "link test", why, sizeof why);
    assert_non_null(blocking);
    struct pg_reply reply = pg_blocking_run(blocking, "link_probe", (const char *[]){"12"}, 1);
    assert_int_equal(reply.outcome, PG_OK);
    assert_true(slice_is(pg_cell(&reply, 0, 0), "12"));
    reply = pg_blocking_run(blocking, "link_probe", (const char *[]){NULL}, 1);
    assert_true(pg_is_null(&reply, 0, 0));
    reply = pg_blocking_run(blocking, "link_probe", (const char *[]){"x"}, 1);
    assert_int_equal(reply.outcome, PG_REFUSED);
    assert_string_equal(reply.sqlstate, "22P02");
    pg_blocking_close(&blocking);
    assert_null(blocking);
    assert_null(pg_blocking_open("host=/no/such/folder", NULL, why, sizeof why));
}

static void a_doomed_transaction_is_refused_at_its_commit(void **state)
{
    (void)state;
    char why[128];
    struct pg_blocking *blocking = pg_blocking_open(support_conninfo(), "link test", why, sizeof why);
    support_sql("CREATE TABLE rows (n int PRIMARY KEY)");
    assert_int_equal(pg_blocking_begin(blocking).outcome, PG_OK);
    assert_int_equal(pg_blocking_run(blocking, "insert", (const char *[]){"1"}, 1).outcome, PG_OK);
    assert_int_equal(pg_blocking_run(blocking, "insert", (const char *[]){"1"}, 1).outcome, PG_REFUSED);
    assert_int_equal(pg_blocking_commit(blocking).outcome, PG_REFUSED);
    assert_string_equal(support_sql("SELECT count(*) FROM rows"), "0");
    assert_int_equal(pg_blocking_begin(blocking).outcome, PG_OK);
    assert_int_equal(pg_blocking_run(blocking, "insert", (const char *[]){"1"}, 1).outcome, PG_OK);
    assert_int_equal(pg_blocking_commit(blocking).outcome, PG_OK);
    assert_string_equal(support_sql("SELECT count(*) FROM rows"), "1");
    support_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'link test'");
    assert_int_equal(pg_blocking_run(blocking, "link_probe", (const char *[]){"1"}, 1).outcome, PG_UNCERTAIN);
    assert_int_equal(pg_blocking_run(blocking, "link_probe", (const char *[]){"1"}, 1).outcome, PG_CANCELLED);
    pg_blocking_close(&blocking);
}

static int create(void **state)
{
    (void)state;
    support_create_database();
    return 0;
}

static int drop(void **state)
{
    (void)state;
    support_drop_database();
    return 0;
}

int run_migrate_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_migration_leaves_nothing_and_names_its_line),
        cmocka_unit_test(runners_at_the_same_time_take_turns),
        cmocka_unit_test(a_second_run_has_nothing_to_do),
        cmocka_unit_test(a_schema_that_is_not_known_in_full_is_left_alone),
        cmocka_unit_test(a_former_text_that_the_file_names_is_known),
        cmocka_unit_test(a_server_that_is_away_is_told),
        cmocka_unit_test(a_blocking_connection_runs_operations),
        cmocka_unit_test(a_doomed_transaction_is_refused_at_its_commit),
    };
    return cmocka_run_group_tests_name("migrations and blocking connections", tests, create, drop);
}
