#include "link_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_peer.h"
#include "support.h"

static void terminate(const struct pg_peer *peer)
{
    support_sql("SELECT pg_terminate_backend(%d)", peer->backend_pid);
}

static void a_killed_backend_makes_its_query_uncertain_and_the_link_returns(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer running = {0}, behind = {0}, after = {0};
    pg_peer_start_up(&peer);
    assert_true(pg_peer_submit(&peer, "sleep", "30", &running));
    assert_true(pg_peer_probe(&peer, "1", &behind));
    support_run_for(&peer.loop, 50);
    terminate(&peer);
    support_run_until(&peer.loop, &peer.down);
    assert_int_equal(running.outcome, PG_UNCERTAIN);
    assert_int_equal(running.calls, 1);
    assert_int_equal(behind.outcome, PG_UNCERTAIN);
    assert_int_equal(peer.owed_at_down, 0);
    assert_non_null(strstr(peer.why, "terminating connection"));
    support_run_until(&peer.loop, &peer.up);
    assert_true(pg_peer_probe(&peer, "1", &after));
    pg_peer_wait(&peer, &after);
    assert_int_equal(after.outcome, PG_OK);
    assert_int_equal(peer.downs, 1);
    assert_int_equal(peer.ups, 2);
    pg_peer_end(&peer);
}

static void the_loss_of_an_idle_link_is_noticed(void **state)
{
    (void)state;
    struct pg_peer peer;
    pg_peer_start_up(&peer);
    terminate(&peer);
    support_run_until(&peer.loop, &peer.down);
    assert_non_null(strstr(peer.why, "terminating connection"));
    support_run_until(&peer.loop, &peer.up);
    pg_peer_end(&peer);
}

static void the_reset_of_an_idle_link_is_noticed(void **state)
{
    (void)state;
    struct pg_peer peer;
    pg_peer_start_via_proxy(&peer);
    proxy_reset(peer.proxy);
    support_run_until(&peer.loop, &peer.down);
    support_run_until(&peer.loop, &peer.up);
    pg_peer_end(&peer);
}

static void on_down_comes_once_while_the_server_is_away(void **state)
{
    (void)state;
    struct pg_peer peer;
    pg_peer_start_via_proxy(&peer);
    proxy_refuse(peer.proxy);
    proxy_cut(peer.proxy);
    support_run_for(&peer.loop, 1000); /* several attempts, all refused */
    assert_int_equal(peer.downs, 1);
    assert_false(pg_link_is_up(peer.link));
    struct pg_answer refused = {0};
    assert_false(pg_peer_probe(&peer, "1", &refused));
    pg_peer_end(&peer);
    assert_int_equal(refused.calls, 0);
}

static void a_query_that_never_left_is_cancelled(void **state)
{
    (void)state;
    struct pg_peer peer;
    static char bytes[4 << 20];
    struct pg_answer answers[6] = {0};
    struct pg_param params[2] = {{.len = 1}, {.data = bytes, .len = sizeof bytes, .binary = true}};
    struct pg_query query = {.name = "insert_large", .params = params, .param_count = 2};
    support_sql("CREATE TABLE large (n int)");
    pg_peer_start_via_proxy(&peer);
    proxy_stall(peer.proxy, true);
    for (int i = 0; i < 6; i++) {
        params[0].data = (const char *[]){"0", "1", "2", "3", "4", "5"}[i];
        assert_true(pg_link_submit(peer.link, &query, pg_peer_on_answer, &answers[i]));
    }
    support_run_for(&peer.loop, 50);
    pg_link_cut(peer.link, "the test says so");
    assert_int_equal(answers[0].calls, 0);
    assert_false(pg_link_is_up(peer.link));
    proxy_stall(peer.proxy, false);
    support_run_until(&peer.loop, &peer.down);
    for (int i = 0; i < 5; i++)
        assert_int_equal(answers[i].outcome, PG_UNCERTAIN);
    assert_int_equal(answers[5].outcome, PG_CANCELLED);
    support_run_until(&peer.loop, &peer.up); /* by now the proxy has handed on all that it was given */
    support_run_for(&peer.loop, 300);
    assert_string_equal(support_sql("SELECT count(*) FROM large WHERE n = 5"), "0");
    assert_string_equal(peer.why, "the test says so");
    pg_peer_end(&peer);
}

static void a_cut_query_may_have_happened(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answer = {0};
    support_sql("CREATE TABLE IF NOT EXISTS rows (n int PRIMARY KEY); TRUNCATE rows");
    pg_peer_start_up(&peer);
    assert_true(pg_peer_submit(&peer, "insert", "7", &answer));
    pg_link_cut(peer.link, "cut");
    pg_link_cut(peer.link, "cut again");
    pg_peer_wait(&peer, &answer);
    assert_int_equal(answer.outcome, PG_UNCERTAIN);
    support_run_until(&peer.loop, &peer.up);
    assert_int_equal(peer.downs, 1);
    pg_peer_end(&peer);
}

static void a_server_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    struct pg_peer peer = {.ups = 0};
    char conninfo[1024];
    uv_loop_init(&peer.loop);
    peer.proxy = support_database_proxy(&peer.loop);
    proxy_stall(peer.proxy, true);
    support_conninfo_via(conninfo, sizeof conninfo, "localhost", proxy_port(peer.proxy));
    uint64_t start = uv_hrtime();
    pg_peer_start(&peer, &(struct pg_link_options){.conninfo = conninfo});
    support_run_until(&peer.loop, &peer.down);
    assert_in_range((uv_hrtime() - start) / 1000000, 4500, 7000);
    assert_non_null(strstr(peer.why, "in time"));
    proxy_stall(peer.proxy, false);
    support_run_until(&peer.loop, &peer.up);
    pg_peer_end(&peer);
}

static void the_second_host_is_taken_when_the_first_is_away(void **state)
{
    (void)state;
    struct pg_peer peer = {.ups = 0};
    char conninfo[1024], hosts[1200];
    uv_loop_init(&peer.loop);
    peer.proxy = support_database_proxy(&peer.loop);
    support_conninfo_via(conninfo, sizeof conninfo, "x", 1);
    snprintf(hosts, sizeof hosts,
             "%s host='no-such-host.invalid,/no/such/folder,127.0.0.1,localhost' port='1,2,1,%d'", conninfo,
             proxy_port(peer.proxy));
    pg_peer_start(&peer, &(struct pg_link_options){.conninfo = hosts});
    support_run_until(&peer.loop, &peer.up);
    assert_int_equal(peer.downs, 0);
    pg_peer_end(&peer);
}

static void a_set_up_that_fails_keeps_the_link_down(void **state)
{
    (void)state;
    struct pg_peer peer = {.ups = 0};
    uv_loop_init(&peer.loop);
    pg_peer_start(&peer,
                  &(struct pg_link_options){.conninfo = support_conninfo(), .setup = "SET nonsense = 1"});
    support_run_until(&peer.loop, &peer.down);
    assert_non_null(strstr(peer.why, "nonsense"));
    assert_int_equal(peer.ups, 0);
    pg_peer_end(&peer);
}

static void the_set_up_runs_on_every_connection(void **state)
{
    (void)state;
    struct pg_peer peer = {.ups = 0};
    uv_loop_init(&peer.loop);
    support_sql("CREATE TABLE set_up (n int)");
    pg_peer_start(&peer,
                  &(struct pg_link_options){.conninfo = support_conninfo(),
                                            .setup = "SET work_mem = '1MB'; INSERT INTO set_up VALUES (1)"});
    support_run_until(&peer.loop, &peer.up);
    terminate(&peer);
    support_run_until(&peer.loop, &peer.down);
    support_run_until(&peer.loop, &peer.up);
    assert_string_equal(support_sql("SELECT count(*) FROM set_up"), "2");
    pg_peer_end(&peer);
}

static void a_conninfo_that_cannot_be_read_is_refused_at_once(void **state)
{
    (void)state;
    const char *const bad[] = {"nonsense=1", "host=a,b hostaddr=1.2.3.4", "host=a,b,c port=1,2", "service=x",
                               "host=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"};
    uv_loop_t loop;
    uv_loop_init(&loop);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[128] = "";
        assert_null(pg_link_open(&loop, &(struct pg_link_options){.conninfo = bad[i]}, why, sizeof why));
        assert_true(strlen(why) > 0);
    }
    support_end_loop(&loop);
}

static void on_answer_submit_more(void *ctx, const struct pg_reply *reply)
{
    struct pg_answer *answer = ctx;
    assert_int_equal(reply->outcome, PG_OK);
    if (++answer->calls < 2000)
        assert_true(pg_link_submit(answer->peer->link,
                                   &(struct pg_query){.name = "link_probe",
                                                      .params = &(struct pg_param){.data = "1", .len = 1},
                                                      .param_count = 1},
                                   on_answer_submit_more, answer));
    else
        answer->done = true;
}

static void a_callback_may_submit_more(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answer = {.peer = &peer};
    pg_peer_start_up(&peer);
    struct pg_param param = {.data = "1", .len = 1};
    struct pg_query query = {.name = "link_probe", .params = &param, .param_count = 1};
    for (int i = 0; i < 3; i++)
        assert_true(pg_link_submit(peer.link, &query, on_answer_submit_more, &answer));
    support_run_until(&peer.loop, &answer.done);
    support_run_for(&peer.loop, 50);
    pg_peer_end(&peer);
}

static void on_answer_cut(void *ctx, const struct pg_reply *reply)
{
    struct pg_answer *answer = ctx;
    pg_peer_on_answer(ctx, reply);
    pg_link_cut(answer->peer->link, "cut by a callback");
}

static void on_answer_close(void *ctx, const struct pg_reply *reply)
{
    struct pg_answer *answer = ctx;
    pg_peer_on_answer(ctx, reply);
    pg_link_close(&answer->peer->link, NULL, NULL);
}

static void submit_three(struct pg_peer *peer, struct pg_answer answers[3], pg_on_reply first)
{
    struct pg_param param = {.data = "1", .len = 1};
    struct pg_query query = {.name = "link_probe", .params = &param, .param_count = 1};
    for (int i = 0; i < 3; i++) {
        answers[i].peer = peer;
        assert_true(pg_link_submit(peer->link, &query, i == 0 ? first : pg_peer_on_answer, &answers[i]));
    }
}

static void a_callback_may_cut_the_link(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answers[3] = {0};
    pg_peer_start_up(&peer);
    submit_three(&peer, answers, on_answer_cut);
    support_run_until(&peer.loop, &peer.down);
    assert_int_equal(answers[0].outcome, PG_OK);
    assert_int_equal(answers[1].outcome, PG_UNCERTAIN);
    assert_int_equal(answers[2].calls, 1);
    support_run_until(&peer.loop, &peer.up);
    pg_peer_end(&peer);
}

static void a_callback_may_close_the_link(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answers[3] = {0};
    pg_peer_start_up(&peer);
    submit_three(&peer, answers, on_answer_close);
    pg_peer_wait(&peer, &answers[0]);
    assert_null(peer.link);
    pg_peer_end(&peer);
    assert_int_equal(answers[1].outcome, PG_UNCERTAIN);
    assert_int_equal(answers[1].calls, 1);
    assert_int_equal(answers[2].calls, 1);
    assert_int_equal(peer.downs, 0);
}

static void an_abandoned_callback_may_close_the_link(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answers[3] = {0};
    pg_peer_start_up(&peer);
    submit_three(&peer, answers, on_answer_close);
    pg_link_cut(peer.link, "cut");
    pg_peer_wait(&peer, &answers[2]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(answers[i].outcome, PG_UNCERTAIN);
        assert_int_equal(answers[i].calls, 1);
    }
    pg_peer_end(&peer);
    assert_int_equal(peer.downs, 0);
}

struct closing {
    struct pg_answer *answer;
    bool closed;
};

static void on_closed(void *ctx)
{
    struct closing *closing = ctx;
    assert_int_equal(closing->answer->calls, 1);
    closing->closed = true;
}

static void closing_answers_what_is_pending_first(void **state)
{
    (void)state;
    struct pg_peer peer;
    struct pg_answer answer = {0};
    struct closing closing = {&answer, false};
    pg_peer_start_up(&peer);
    assert_true(pg_peer_submit(&peer, "sleep", "30", &answer));
    pg_link_close(&peer.link, on_closed, &closing);
    assert_null(peer.link);
    assert_int_equal(answer.calls, 0);
    support_run_until(&peer.loop, &closing.closed);
    assert_int_equal(answer.outcome, PG_UNCERTAIN);
    pg_peer_end(&peer);
}

static void a_link_may_be_closed_at_any_moment_of_its_dialling(void **state)
{
    (void)state;
    for (int turns = 0; turns < 25; turns++) {
        struct pg_peer peer = {.ups = 0};
        char conninfo[1024];
        uv_loop_init(&peer.loop);
        peer.proxy = support_database_proxy(&peer.loop);
        support_conninfo_via(conninfo, sizeof conninfo, "localhost", proxy_port(peer.proxy));
        pg_peer_start(&peer,
                      &(struct pg_link_options){.conninfo = conninfo, .setup = "SELECT 1", .listen = "x"});
        for (int i = 0; i < turns; i++) {
            uv_run(&peer.loop, UV_RUN_NOWAIT);
            uv_sleep(1);
        }
        pg_peer_end(&peer);
        assert_true(peer.closed);
    }
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

int run_pg_link_fault_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_backend_makes_its_query_uncertain_and_the_link_returns),
        cmocka_unit_test(the_loss_of_an_idle_link_is_noticed),
        cmocka_unit_test(the_reset_of_an_idle_link_is_noticed),
        cmocka_unit_test(on_down_comes_once_while_the_server_is_away),
        cmocka_unit_test(a_query_that_never_left_is_cancelled),
        cmocka_unit_test(a_cut_query_may_have_happened),
        cmocka_unit_test(a_server_that_does_not_answer_is_given_up),
        cmocka_unit_test(the_second_host_is_taken_when_the_first_is_away),
        cmocka_unit_test(a_set_up_that_fails_keeps_the_link_down),
        cmocka_unit_test(the_set_up_runs_on_every_connection),
        cmocka_unit_test(a_conninfo_that_cannot_be_read_is_refused_at_once),
        cmocka_unit_test(a_callback_may_submit_more),
        cmocka_unit_test(a_callback_may_cut_the_link),
        cmocka_unit_test(a_callback_may_close_the_link),
        cmocka_unit_test(an_abandoned_callback_may_close_the_link),
        cmocka_unit_test(closing_answers_what_is_pending_first),
        cmocka_unit_test(a_link_may_be_closed_at_any_moment_of_its_dialling),
    };
    return cmocka_run_group_tests_name("pg_link faults", tests, create, drop);
}
