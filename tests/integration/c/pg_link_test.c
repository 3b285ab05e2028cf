#include "link_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_peer.h"
#include "storage/pg_array.h"
#include "support.h"

static void a_query_is_answered_once_and_never_from_inside_submit(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answer = {0};
    pg_peer_start_up(&peer);
    assert_true(peer.backend_pid > 0);
    assert_true(pg_peer_probe(&peer, "9007199254740993", &answer));
    assert_false(answer.done);
    assert_int_equal(pg_link_pending(peer.link), 1);
    pg_peer_wait(&peer, &answer);
    assert_int_equal(answer.outcome, PG_OK);
    assert_int_equal(answer.rows, 1);
    assert_int_equal(answer.number, 9007199254740993);
    pg_peer_end(&peer);
    assert_true(peer.closed);
    assert_int_equal(answer.calls, 1);
    assert_int_equal(peer.downs, 0);
}

static void answers_come_in_the_order_of_submission(void **state)
{
    (void)state;
    struct pg_peer peer;
    static struct pg_answer answers[500];
    memset(answers, 0, sizeof answers);
    int order = 0;
    pg_peer_start_up(&peer);
    for (int i = 0; i < 500; i++) {
        char text[16];
        answers[i].order = &order;
        snprintf(text, sizeof text, i % 7 == 3 ? "no number" : "%d", i);
        assert_true(pg_peer_probe(&peer, text, &answers[i]));
    }
    pg_peer_wait(&peer, &answers[499]);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(answers[i].place, i);
        assert_int_equal(answers[i].outcome, i % 7 == 3 ? PG_REFUSED : PG_OK);
        assert_int_equal(answers[i].number, i % 7 == 3 ? 0 : i);
    }
    pg_peer_end(&peer);
}

static void a_refusal_says_why_and_leaves_the_link_up(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer refused = {0}, fine = {0};
    pg_peer_start_up(&peer);
    assert_true(pg_peer_probe(&peer, "no number", &refused));
    assert_true(pg_peer_probe(&peer, "1", &fine));
    pg_peer_wait(&peer, &fine);
    assert_int_equal(refused.outcome, PG_REFUSED);
    assert_string_equal(refused.sqlstate, "22P02");
    assert_non_null(strstr(refused.message, "bigint"));
    assert_int_equal(fine.outcome, PG_OK);
    assert_true(pg_link_is_up(peer.link));
    pg_peer_end(&peer);
}

static void a_statement_that_cannot_be_prepared_is_prepared_again(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer first = {0}, beside = {0}, other = {0}, again = {0}, once_more = {0};
    pg_peer_start_up(&peer);
    assert_true(pg_peer_submit(&peer, "later", "1", &first));
    assert_true(pg_peer_submit(&peer, "later", "1", &beside));
    assert_true(pg_peer_probe(&peer, "1", &other));
    pg_peer_wait(&peer, &other);
    assert_string_equal(first.sqlstate, "42P01");
    assert_string_equal(beside.sqlstate, "42P01");
    assert_int_equal(other.outcome, PG_OK);
    support_sql("CREATE TABLE made_later AS SELECT 1 AS n");
    assert_true(pg_peer_submit(&peer, "later", "1", &again));
    pg_peer_wait(&peer, &again);
    assert_int_equal(again.outcome, PG_OK);
    assert_int_equal(again.rows, 1);
    support_sql("ALTER TABLE made_later ALTER n TYPE bigint");
    again = (struct pg_answer){0};
    assert_true(pg_peer_submit(&peer, "later", "1", &again));
    pg_peer_wait(&peer, &again);
    assert_string_equal(again.sqlstate, "0A000"); /* the plan's result type has changed: refused once */
    assert_true(pg_peer_submit(&peer, "later", "1", &once_more));
    pg_peer_wait(&peer, &once_more);
    assert_int_equal(once_more.outcome, PG_OK);
    support_sql("DROP TABLE made_later");
    pg_peer_end(&peer);
}

static void a_statement_that_the_server_forgot_is_prepared_again(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer before = {0}, forget = {0}, missing = {0}, missing_too = {0}, after = {0};
    pg_peer_start_up(&peer);
    assert_true(pg_peer_probe(&peer, "1", &before));
    pg_peer_wait(&peer, &before);
    assert_true(pg_peer_submit(&peer, "deallocate", NULL, &forget));
    assert_true(pg_peer_probe(&peer, "2", &missing));
    assert_true(pg_peer_probe(&peer, "3", &missing_too));
    pg_peer_wait(&peer, &missing_too);
    assert_string_equal(missing.sqlstate, "26000");
    assert_string_equal(missing_too.sqlstate, "26000");
    assert_true(pg_peer_probe(&peer, "4", &after));
    pg_peer_wait(&peer, &after);
    assert_int_equal(after.outcome, PG_OK);
    pg_peer_end(&peer);
}

static void an_error_at_the_commit_is_a_refusal(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer refused = {0}, fine = {0};
    support_sql("CREATE TABLE parents (n int PRIMARY KEY); CREATE TABLE children (n int REFERENCES parents "
                "DEFERRABLE INITIALLY DEFERRED); INSERT INTO parents VALUES (1)");
    pg_peer_start_up(&peer);
    assert_true(pg_peer_submit(&peer, "deferred", "2", &refused));
    assert_true(pg_peer_submit(&peer, "deferred", "1", &fine));
    pg_peer_wait(&peer, &fine);
    assert_int_equal(refused.outcome, PG_REFUSED);
    assert_string_equal(refused.sqlstate, "23503");
    assert_int_equal(fine.outcome, PG_OK);
    assert_string_equal(support_sql("SELECT array_agg(n) FROM children"), "{1}");
    pg_peer_end(&peer);
}

static void each_query_is_a_transaction_of_its_own(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answers[3] = {0};
    support_sql("CREATE TABLE rows (n int PRIMARY KEY)");
    pg_peer_start_up(&peer);
    assert_true(pg_peer_submit(&peer, "insert", "1", &answers[0]));
    assert_true(pg_peer_submit(&peer, "insert", "1", &answers[1]));
    assert_true(pg_peer_submit(&peer, "insert", "2", &answers[2]));
    pg_peer_wait(&peer, &answers[2]);
    assert_int_equal(answers[0].outcome, PG_OK);
    assert_string_equal(answers[1].sqlstate, "23505");
    assert_int_equal(answers[2].outcome, PG_OK);
    assert_string_equal(support_sql("SELECT count(*) FROM rows"), "2");
    pg_peer_end(&peer);
}

static void queries_beyond_the_bound_are_refused_without_a_trace(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer *answers = calloc(PG_LINK_PENDING_MAX + 1, sizeof *answers);
    pg_peer_start_up(&peer);
    for (int i = 0; i < PG_LINK_PENDING_MAX; i++)
        assert_true(pg_peer_probe(&peer, "1", &answers[i]));
    assert_int_equal(pg_link_pending(peer.link), PG_LINK_PENDING_MAX);
    assert_false(pg_peer_probe(&peer, "1", &answers[PG_LINK_PENDING_MAX]));
    pg_peer_wait(&peer, &answers[PG_LINK_PENDING_MAX - 1]);
    assert_int_equal(pg_link_pending(peer.link), 0);
    pg_peer_end(&peer);
    assert_int_equal(answers[PG_LINK_PENDING_MAX].calls, 0);
    free(answers);
}

static void notifications_arrive_with_their_payload(void **state)
{
    (void)state;
    struct pg_peer peer;
    pg_peer_start_up(&peer);
    support_sql("NOTIFY \"Channel \"\"x\"\"\", 'gr\xc3\xbc\xc3\x9f'");
    support_run_until(&peer.loop, &peer.notified);
    assert_string_equal(peer.payload, "gr\xc3\xbc\xc3\x9f");
    assert_false(peer.notified_by_itself);
    struct pg_answer answer = {0};
    peer.notified = false;
    assert_true(pg_peer_submit(&peer, "notify", "own", &answer));
    support_run_until(&peer.loop, &peer.notified);
    assert_string_equal(peer.payload, "own");
    assert_true(peer.notified_by_itself);
    pg_peer_wait(&peer, &answer);
    support_sql("SELECT pg_notify('Channel \"x\"', n::text) FROM generate_series(1, 5000) n");
    for (int i = 0; i < 100 && peer.notifies < 5002; i++)
        support_run_for(&peer.loop, 20);
    assert_int_equal(peer.notifies, 5002);
    pg_peer_end(&peer);
}

static void on_types(void *ctx, const struct pg_reply *reply)
{
    bool *done = ctx;
    static const struct uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    static const struct uuid nil = {{0}};
    assert_int_equal(reply->outcome, PG_OK);
    assert_int_equal(pg_int64(reply, 0, 0), 1);
    assert_int_equal(pg_int64(reply, 0, 1), -2);
    assert_int_equal(pg_int64(reply, 0, 2), 3);
    assert_true(pg_bool(reply, 0, 3));
    assert_true(pg_float8(reply, 0, 4) == 1.5);
    struct uuid got = pg_uuid(reply, 0, 5);
    assert_true(uuid_equal(&got, &id));
    assert_true(pg_is_null(reply, 0, 6));
    assert_int_equal(pg_int64(reply, 0, 6), 0);
    got = pg_uuid(reply, 0, 6);
    assert_true(uuid_equal(&got, &nil));
    assert_null(pg_cell(reply, 0, 6).ptr);
    assert_non_null(pg_cell(reply, 0, 7).ptr);
    assert_int_equal(pg_cell(reply, 0, 7).len, 0);
    *done = true;
}

static void binary_cells_are_decoded(void **state)
{
    (void)state;
    struct pg_peer peer;
    bool done = false;
    pg_peer_start_up(&peer);
    struct pg_query query = {.name = "types", .binary_result = true};
    assert_true(pg_link_submit(peer.link, &query, on_types, &done));
    support_run_until(&peer.loop, &done);
    pg_peer_end(&peer);
}

static void on_arrays(void *ctx, const struct pg_reply *reply)
{
    bool *done = ctx;
    if (reply->outcome != PG_OK)
        fail_msg("%s", reply->message);
    assert_int_equal(reply->rows, 3);
    assert_true(pg_bool(reply, 0, 0));
    assert_false(pg_is_null(reply, 1, 0));
    assert_true(pg_is_null(reply, 2, 0));
    assert_memory_equal(pg_cell(reply, 0, 1).ptr, "\0\xff", 2);
    assert_int_equal(pg_int64(reply, 0, 2), INT64_MIN);
    assert_int_equal(pg_int64(reply, 1, 2), INT64_MAX);
    assert_int_equal(pg_int64(reply, 0, 3), INT16_MIN);
    assert_int_equal(pg_int64(reply, 0, 4), INT32_MIN);
    assert_true(slice_is(pg_cell(reply, 0, 5), "\xc3\xa4{,\"}"));
    assert_true(!pg_is_null(reply, 1, 5) && pg_cell(reply, 1, 5).len == 0);
    assert_true(pg_is_null(reply, 2, 5));
    assert_int_equal(pg_uuid(reply, 0, 6).bytes[15], 16);
    assert_true(pg_is_null(reply, 1, 6)); /* nil */
    assert_true(pg_is_null(reply, 2, 6)); /* an empty array */
    *done = true;
}

static void binary_arrays_are_what_the_server_reads(void **state)
{
    (void)state;
    struct pg_peer peer;
    bool done = false;
    enum pg_type types[] = {PG_BOOL, PG_BYTEA, PG_INT8, PG_INT2, PG_INT4, PG_TEXT, PG_UUID};
    struct pg_array arrays[7];
    struct pg_param params[7];
    for (int i = 0; i < 7; i++)
        pg_array_init(&arrays[i], types[i]);
    pg_array_bool(&arrays[0], true);
    pg_array_bool(&arrays[0], false);
    pg_array_null(&arrays[0]);
    pg_array_bytes(&arrays[1], (struct slice){"\0\xff", 2});
    pg_array_int(&arrays[2], INT64_MIN);
    pg_array_int(&arrays[2], INT64_MAX);
    pg_array_int(&arrays[3], INT16_MIN);
    pg_array_int(&arrays[4], INT32_MIN);
    pg_array_bytes(&arrays[5], slice_of("\xc3\xa4{,\"}"));
    pg_array_bytes(&arrays[5], SLICE(""));
    pg_array_bytes(&arrays[5], (struct slice){NULL, 0});
    pg_array_uuid(&arrays[6], &(struct uuid){{1, [15] = 16}});
    pg_array_uuid(&arrays[6], &(struct uuid){{0}});
    for (int i = 0; i < 7; i++)
        params[i] = pg_array_param(&arrays[i]);
    pg_peer_start_up(&peer);
    struct pg_query query = {.name = "arrays", .params = params, .param_count = 7, .binary_result = true};
    assert_true(pg_link_submit(peer.link, &query, on_arrays, &done));
    for (int i = 0; i < 7; i++) /* the parameters were borrowed for the call alone */
        pg_array_deinit(&arrays[i]);
    support_run_until(&peer.loop, &done);
    for (int i = 0; i < 7; i++)
        params[i] = pg_array_param(&arrays[i]);
    struct pg_answer empty = {.done = false};
    assert_true(pg_link_submit(peer.link, &query, pg_peer_on_answer, &empty));
    pg_peer_wait(&peer, &empty);
    assert_int_equal(empty.outcome, PG_OK);
    assert_int_equal(empty.rows, 0);
    for (int i = 0; i < 7; i++)
        pg_array_deinit(&arrays[i]);
    pg_peer_end(&peer);
}

static void both_directions_may_be_full_at_once(void **state)
{
    (void)state;
    struct pg_peer peer;
    static char bytes[512 * 1024];
    static struct pg_answer answers[64];
    memset(answers, 0, sizeof answers);
    struct pg_param param = {.data = bytes, .len = sizeof bytes, .binary = true};
    struct pg_query query = {.name = "echo", .params = &param, .param_count = 1, .binary_result = true};
    pg_peer_start_via_proxy(&peer);
    for (int i = 0; i < 64; i++)
        assert_true(pg_link_submit(peer.link, &query, pg_peer_on_answer, &answers[i]));
    pg_peer_wait(&peer, &answers[63]);
    for (int i = 0; i < 64; i++)
        assert_int_equal(answers[i].outcome, PG_OK);
    pg_peer_end(&peer);
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

int run_pg_link_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_answered_once_and_never_from_inside_submit),
        cmocka_unit_test(answers_come_in_the_order_of_submission),
        cmocka_unit_test(a_refusal_says_why_and_leaves_the_link_up),
        cmocka_unit_test(a_statement_that_cannot_be_prepared_is_prepared_again),
        cmocka_unit_test(a_statement_that_the_server_forgot_is_prepared_again),
        cmocka_unit_test(an_error_at_the_commit_is_a_refusal),
        cmocka_unit_test(each_query_is_a_transaction_of_its_own),
        cmocka_unit_test(queries_beyond_the_bound_are_refused_without_a_trace),
        cmocka_unit_test(notifications_arrive_with_their_payload),
        cmocka_unit_test(binary_cells_are_decoded),
        cmocka_unit_test(binary_arrays_are_what_the_server_reads),
        cmocka_unit_test(both_directions_may_be_full_at_once),
    };
    return cmocka_run_group_tests_name("pg_link", tests, create, drop);
}
