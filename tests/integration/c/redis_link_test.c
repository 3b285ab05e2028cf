#include "link_test.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "storage/redis_link.h"
#include "storage/redis_url.h"
#include "support.h"

/* A Redis server of the test's own, which it may kill, or the one of the environment. */
struct peer {
    uv_loop_t loop;
    struct redis_link *link;
    struct proxy *proxy;
    uv_process_t server;
    char folder[64], path[96];
    bool up, down, closed, exited;
    int ups, downs;
    char why[256];
};

struct answer {
    bool came, done;
    int calls;
    struct peer *peer;
};

static void on_up(void *ctx)
{
    struct peer *peer = ctx;
    peer->up = true;
    peer->down = false;
    peer->ups++;
}

static void on_down(void *ctx, const char *why)
{
    struct peer *peer = ctx;
    assert_int_equal(redis_link_pending(peer->link), 0);
    peer->up = false;
    peer->down = true;
    peer->downs++;
    snprintf(peer->why, sizeof peer->why, "%s", why);
}

static void on_closed(void *ctx)
{
    ((struct peer *)ctx)->closed = true;
}

static void on_answer(void *ctx, bool done)
{
    struct answer *answer = ctx;
    answer->came = true;
    answer->done = done;
    answer->calls++;
}

static void start(struct peer *peer, const char *url)
{
    char why[128] = "";
    peer->link = redis_link_open(
        &peer->loop,
        &(struct redis_link_options){
            .url = url, .client_name = "link-test", .on_up = on_up, .on_down = on_down, .ctx = peer},
        why, sizeof why);
    if (!peer->link)
        fail_msg("%s", why);
}

static void start_up(struct peer *peer)
{
    *peer = (struct peer){.ups = 0};
    uv_loop_init(&peer->loop);
    start(peer, getenv("PATCHBAY_TEST_REDIS"));
    support_run_until(&peer->loop, &peer->up);
}

static void end(struct peer *peer)
{
    if (peer->link)
        redis_link_close(&peer->link, on_closed, peer);
    if (peer->proxy)
        proxy_close(&peer->proxy);
    support_end_loop(&peer->loop);
}

static bool publish(struct peer *peer, const char *text, struct answer *answer)
{
    return redis_link_publish(peer->link, SLICE("link-test"), slice_of(text), on_answer, answer);
}

static redisContext *connect_blocking(void)
{
    struct redis_url url;
    assert_null(redis_url_parse(&url, getenv("PATCHBAY_TEST_REDIS")));
    redisContext *context = url.is_socket ? redisConnectUnix(url.host) : redisConnect(url.host, url.port);
    assert_true(context && !context->err);
    if (*url.password)
        freeReplyObject(*url.user ? redisCommand(context, "AUTH %s %s", url.user, url.password)
                                  : redisCommand(context, "AUTH %s", url.password));
    return context;
}

static void what_is_published_arrives_byte_for_byte(void **state)
{
    (void)state;
    struct peer peer;
    struct answer answer = {0}, empty = {0};
    redisContext *subscriber = connect_blocking();
    freeReplyObject(redisCommand(subscriber, "SUBSCRIBE link-test"));
    start_up(&peer);
    assert_true(redis_link_publish(peer.link, SLICE("link-test"), (struct slice){"a\0%s\r\n", 6}, on_answer,
                                   &answer));
    assert_true(
        redis_link_publish(peer.link, SLICE("link-test"), (struct slice){NULL, 0}, on_answer, &empty));
    assert_true(redis_link_publish(peer.link, SLICE("link-test"), SLICE("unheard"), NULL, NULL));
    assert_int_equal(answer.calls, 0);
    assert_int_equal(redis_link_pending(peer.link), 3);
    support_run_until(&peer.loop, &empty.came);
    assert_true(answer.done && empty.done);
    redisReply *reply = NULL;
    assert_int_equal(redisGetReply(subscriber, (void **)&reply), REDIS_OK);
    assert_int_equal(reply->element[2]->len, 6);
    assert_memory_equal(reply->element[2]->str, "a\0%s\r\n", 6);
    freeReplyObject(reply);
    redisFree(subscriber);
    end(&peer);
    assert_true(peer.closed);
    assert_int_equal(answer.calls, 1);
}

static void commands_beyond_the_bounds_are_refused_without_a_trace(void **state)
{
    (void)state;
    struct peer peer;
    struct answer answer = {0}, refused = {0};
    start_up(&peer);
    for (int i = 0; i < REDIS_LINK_PENDING_MAX; i++)
        assert_true(publish(&peer, "x", &answer));
    assert_false(publish(&peer, "x", &refused));
    while (redis_link_pending(peer.link) > 0)
        uv_run(&peer.loop, UV_RUN_ONCE);
    assert_int_equal(answer.calls, REDIS_LINK_PENDING_MAX);
    char *large = calloc(1, REDIS_LINK_BYTES_MAX);
    struct slice most = {large, REDIS_LINK_BYTES_MAX - 1};
    assert_true(redis_link_publish(peer.link, SLICE("c"), most, on_answer, &answer));
    assert_false(publish(&peer, "", &refused));
    while (redis_link_pending(peer.link) > 0)
        uv_run(&peer.loop, UV_RUN_ONCE);
    free(large);
    assert_true(answer.done);
    assert_int_equal(refused.calls, 0);
    end(&peer);
}

static void a_killed_client_comes_back(void **state)
{
    (void)state;
    struct peer peer;
    start_up(&peer);
    redisContext *other = connect_blocking();
    redisReply *list = redisCommand(other, "CLIENT LIST");
    const char *at = strstr(list->str, "name=link-test");
    assert_non_null(at);
    while (at > list->str && at[-1] != '\n')
        at--;
    freeReplyObject(redisCommand(other, "CLIENT KILL ID %d", atoi(at + 3)));
    freeReplyObject(list);
    support_run_until(&peer.loop, &peer.down);
    support_run_until(&peer.loop, &peer.up);
    struct answer answer = {0};
    assert_true(publish(&peer, "x", &answer));
    support_run_until(&peer.loop, &answer.came);
    assert_true(answer.done);
    redisFree(other);
    end(&peer);
}

static void on_server_exit(uv_process_t *process, int64_t status, int signal_number)
{
    (void)status, (void)signal_number;
    ((struct peer *)process->data)->exited = true;
    uv_close((uv_handle_t *)process, NULL);
}

static void spawn_server(struct peer *peer)
{
    char *args[] = {"redis-server", "--port",        "0",       "--unixsocket",
                    peer->path,     "--save",        "",        "--dir",
                    peer->folder,   "--requirepass", "se cret", NULL};
    uv_process_options_t options = {.file = args[0], .args = args, .exit_cb = on_server_exit};
    peer->exited = false;
    peer->server.data = peer;
    assert_int_equal(uv_spawn(&peer->loop, &peer->server, &options), 0);
}

static void start_own(struct peer *peer)
{
    *peer = (struct peer){.ups = 0};
    strcpy(peer->folder, "/tmp/link_test.XXXXXX");
    assert_non_null(mkdtemp(peer->folder));
    snprintf(peer->path, sizeof peer->path, "%s/redis", peer->folder);
    uv_loop_init(&peer->loop);
    spawn_server(peer);
}

static void kill_server(struct peer *peer)
{
    uv_process_kill(&peer->server, SIGKILL);
    support_run_until(&peer->loop, &peer->exited);
}

static void end_own(struct peer *peer)
{
    if (!peer->exited)
        kill_server(peer);
    unlink(peer->path);
    assert_int_equal(rmdir(peer->folder), 0);
    end(peer);
}

static void url_of(struct peer *peer, char *out, size_t size)
{
    snprintf(out, size, "unix://:se%%20cret@%s?db=3", peer->path);
}

static void a_server_that_is_killed_is_missed_and_found_again(void **state)
{
    (void)state;
    struct peer peer;
    char url[256];
    struct answer answers[3] = {0};
    start_own(&peer);
    url_of(&peer, url, sizeof url);
    start(&peer, url);
    support_run_until(&peer.loop, &peer.up);
    uv_process_kill(&peer.server, SIGSTOP);
    for (int i = 0; i < 3; i++)
        assert_true(publish(&peer, "x", &answers[i]));
    support_run_for(&peer.loop, 50);
    kill_server(&peer);
    support_run_until(&peer.loop, &peer.down);
    for (int i = 0; i < 3; i++)
        assert_true(answers[i].calls == 1 && !answers[i].done);
    struct answer refused = {0};
    assert_false(publish(&peer, "x", &refused));
    support_run_for(&peer.loop, 500);
    int downs = peer.downs;
    spawn_server(&peer);
    support_run_until(&peer.loop, &peer.up);
    assert_int_equal(peer.downs, downs);
    kill_server(&peer); /* idle this time */
    support_run_until(&peer.loop, &peer.down);
    end_own(&peer);
}

static void a_server_that_stalls_is_given_up(void **state)
{
    (void)state;
    struct peer peer;
    char url[256];
    start_own(&peer);
    url_of(&peer, url, sizeof url);
    start(&peer, url);
    support_run_until(&peer.loop, &peer.up);
    uv_process_kill(&peer.server, SIGSTOP);
    uint64_t begin = uv_hrtime();
    struct answer answer = {0};
    assert_true(publish(&peer, "x", &answer));
    support_run_until(&peer.loop, &peer.down);
    assert_in_range((uv_hrtime() - begin) / 1000000, 4000, 11000);
    assert_true(answer.calls == 1 && !answer.done);
    assert_non_null(strstr(peer.why, "stalled"));
    uv_process_kill(&peer.server, SIGCONT);
    support_run_until(&peer.loop, &peer.up);
    end_own(&peer);
}

/* The socket's file is there a moment before anybody listens on it. */
static bool listens(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0 && strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static void a_wrong_password_is_told(void **state)
{
    (void)state;
    struct peer peer;
    char url[256];
    start_own(&peer);
    while (!listens(peer.path))
        support_run_for(&peer.loop, 10);
    snprintf(url, sizeof url, "unix://%s", peer.path);
    start(&peer, url);
    support_run_until(&peer.loop, &peer.down);
    assert_non_null(strstr(peer.why, "NOAUTH"));
    redis_link_close(&peer.link, NULL, NULL);
    peer.down = false;
    snprintf(url, sizeof url, "unix://nobody:wrong@%s", peer.path);
    start(&peer, url);
    support_run_until(&peer.loop, &peer.down);
    assert_non_null(strstr(peer.why, "AUTH: WRONGPASS"));
    assert_int_equal(peer.ups, 0);
    end_own(&peer);
}

static void start_via_proxy(struct peer *peer, const char *host)
{
    *peer = (struct peer){.ups = 0};
    struct redis_url url;
    char text[128];
    uv_loop_init(&peer->loop);
    assert_null(redis_url_parse(&url, getenv("PATCHBAY_TEST_REDIS")));
    peer->proxy = proxy_open(&peer->loop, url.host, url.is_socket ? 0 : url.port);
    snprintf(text, sizeof text, "redis://%s:%d", host, proxy_port(peer->proxy));
    start(peer, text);
}

static void resets_and_refusals_over_tcp_are_noticed(void **state)
{
    (void)state;
    struct peer peer;
    start_via_proxy(&peer, "localhost");
    support_run_until(&peer.loop, &peer.up);
    proxy_reset(peer.proxy);
    support_run_until(&peer.loop, &peer.down);
    support_run_until(&peer.loop, &peer.up);
    proxy_refuse(peer.proxy);
    proxy_cut(peer.proxy);
    support_run_until(&peer.loop, &peer.down);
    support_run_for(&peer.loop, 1000);
    assert_int_equal(peer.downs, 2);
    assert_int_equal(peer.ups, 2);
    end(&peer);
}

static void a_refused_first_attempt_is_told(void **state)
{
    (void)state;
    struct peer peer;
    start_via_proxy(&peer, "127.0.0.1");
    proxy_refuse(peer.proxy);
    support_run_until(&peer.loop, &peer.down);
    assert_non_null(strstr(peer.why, "refused"));
    end(&peer);
}

static void a_host_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    struct peer peer;
    start_via_proxy(&peer, "127.0.0.1");
    proxy_stall(peer.proxy, true);
    support_run_until(&peer.loop, &peer.down);
    assert_non_null(strstr(peer.why, "in time"));
    proxy_stall(peer.proxy, false);
    support_run_until(&peer.loop, &peer.up);
    end(&peer);
}

static void an_unknown_host_is_told(void **state)
{
    (void)state;
    struct peer peer = {.ups = 0};
    uv_loop_init(&peer.loop);
    start(&peer, "redis://no-such-host.invalid");
    support_run_until(&peer.loop, &peer.down);
    end(&peer);
}

static void on_answer_close(void *ctx, bool done)
{
    struct answer *answer = ctx;
    on_answer(ctx, done);
    redis_link_close(&answer->peer->link, on_closed, answer->peer);
}

static void a_callback_may_close_the_link(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct peer peer;
        struct answer answer = {.peer = &peer}, behind = {0};
        start_via_proxy(&peer, "127.0.0.1");
        support_run_until(&peer.loop, &peer.up);
        if (lost)
            proxy_stall(peer.proxy, true);
        assert_true(redis_link_publish(peer.link, SLICE("c"), SLICE("x"), on_answer_close, &answer));
        assert_true(redis_link_publish(peer.link, SLICE("c"), SLICE("x"), on_answer, &behind));
        if (lost) {
            support_run_for(&peer.loop, 20);
            proxy_reset(peer.proxy);
        }
        support_run_until(&peer.loop, &peer.closed);
        assert_int_equal(answer.done, !lost);
        assert_int_equal(answer.calls, 1);
        assert_int_equal(behind.calls, 1);
        end(&peer);
        assert_int_equal(peer.downs, 0);
    }
}

static void closing_answers_what_is_pending_first(void **state)
{
    (void)state;
    struct peer peer;
    struct answer answer = {0};
    start_up(&peer);
    assert_true(publish(&peer, "x", &answer));
    redis_link_close(&peer.link, on_closed, &peer);
    assert_null(peer.link);
    assert_int_equal(answer.calls, 0);
    support_run_until(&peer.loop, &peer.closed);
    assert_int_equal(answer.calls, 1);
    end(&peer);
}

static void a_link_may_be_closed_at_any_moment_of_its_dialling(void **state)
{
    (void)state;
    for (int turns = 0; turns < 15; turns++) {
        struct peer peer;
        start_via_proxy(&peer, "localhost");
        if (turns % 3 == 2)
            proxy_refuse(peer.proxy);
        for (int i = 0; i < turns; i++) {
            uv_run(&peer.loop, UV_RUN_NOWAIT);
            uv_sleep(1);
        }
        end(&peer);
        assert_true(peer.closed);
    }
}

int run_redis_link_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_arrives_byte_for_byte),
        cmocka_unit_test(commands_beyond_the_bounds_are_refused_without_a_trace),
        cmocka_unit_test(a_killed_client_comes_back),
        cmocka_unit_test(a_server_that_is_killed_is_missed_and_found_again),
        cmocka_unit_test(a_server_that_stalls_is_given_up),
        cmocka_unit_test(a_wrong_password_is_told),
        cmocka_unit_test(resets_and_refusals_over_tcp_are_noticed),
        cmocka_unit_test(a_refused_first_attempt_is_told),
        cmocka_unit_test(a_host_that_does_not_answer_is_given_up),
        cmocka_unit_test(an_unknown_host_is_told),
        cmocka_unit_test(a_callback_may_close_the_link),
        cmocka_unit_test(closing_answers_what_is_pending_first),
        cmocka_unit_test(a_link_may_be_closed_at_any_moment_of_its_dialling),
    };
    return cmocka_run_group_tests_name("redis_link", tests, NULL, NULL);
}
