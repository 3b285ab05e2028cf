/* Gateways on a loop with peers that the test plays, a resolver and a clock of our own: the linker takes
 * these instead of the real ones. */
#ifndef TESTS_UNIT_GATEWAY_WORLD_H
#define TESTS_UNIT_GATEWAY_WORLD_H

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/cloudevent.h"
#include "server/gateway_internal.h"
#include "server/gateways.h"
#include "server/log.h"
#include "server/project.h"
#include "server/settings.h"

#define TURNS_MAX 30000 /* of a millisecond: somebody who is asked on this machine answers sooner */
#define REQUESTS_MAX 512
#define HEARD_MAX 4096

/* --- what gateways stand on --- */

struct project {
    int unused;
};

static struct {
    uv_loop_t loop;
    struct app app;
    struct settings settings;
    struct gateways *gateways;
    struct project project;
    struct project_config config;
    struct config_gateway line;
    struct core core;
    bool is_loading, is_closed;
    struct intake_request *requests[REQUESTS_MAX];
    unsigned request_count;
} world;

struct slice project_name(const struct project *project)
{
    (void)project;
    return SLICE("demo");
}

uint32_t project_id(const struct project *project)
{
    (void)project;
    return 7;
}

bool project_is_serving(const struct project *project)
{
    (void)project;
    return true;
}

const struct project_config *project_config(const struct project *project)
{
    (void)project;
    return &world.config;
}

const struct core *project_core(const struct project *project)
{
    (void)project;
    return world.is_loading ? NULL : &world.core;
}

int64_t project_waiting(const struct project *project)
{
    (void)project;
    return 0;
}

void intake_submit(struct project *project, struct intake_request *request)
{
    (void)project;
    assert_true(world.request_count < REQUESTS_MAX);
    world.requests[world.request_count++] = request;
}

/* The oldest that was asked for is refused. */
static inline void refuse_first_at(enum problem_code code, const char *pointer)
{
    struct intake_request *request = world.requests[0];
    assert_true(world.request_count > 0);
    memmove(world.requests, world.requests + 1, --world.request_count * sizeof world.requests[0]);
    request->refused = true;
    problem_set(&request->problem, code, pointer, "refused");
    request->on_done(request);
}

static inline void refuse_first(enum problem_code code)
{
    refuse_first_at(code, NULL);
}

/* As freeaddrinfo() frees it. */
static inline struct addrinfo *address_of(uint32_t number)
{
    struct {
        struct addrinfo info;
        struct sockaddr_in address;
    } *found = calloc(1, sizeof *found);
    found->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(number)};
    found->info = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_addrlen = sizeof found->address,
                                    .ai_addr = (struct sockaddr *)&found->address};
    return &found->info;
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_released;
    unsigned hanging;
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* hangs.invalid is not answered until it is released; here.invalid is this machine, behind an address that is
 * not: TEST-NET-1 (RFC 5737). */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
    (void)service, (void)hints;
    *list = NULL;
    if (strcmp(name, "here.invalid") == 0) {
        *list = address_of(0xc0000201);
        (*list)->ai_next = address_of(INADDR_LOOPBACK);
        return 0;
    }
    if (strcmp(name, "hangs.invalid") != 0)
        return EAI_NONAME;
    pthread_mutex_lock(&resolver.lock);
    resolver.hanging++;
    while (!resolver.is_released)
        pthread_cond_wait(&resolver.changed, &resolver.lock);
    resolver.hanging--;
    pthread_mutex_unlock(&resolver.lock);
    return EAI_AGAIN;
}

static inline unsigned hanging(void)
{
    pthread_mutex_lock(&resolver.lock);
    unsigned count = resolver.hanging;
    pthread_mutex_unlock(&resolver.lock);
    return count;
}

static inline void release(void)
{
    pthread_mutex_lock(&resolver.lock);
    resolver.is_released = true;
    pthread_cond_broadcast(&resolver.changed);
    pthread_mutex_unlock(&resolver.lock);
}

static uint64_t clock_ms;

/* libuv's, too. */
int clock_gettime(clockid_t clock, struct timespec *at)
{
    (void)clock;
    *at = (struct timespec){(time_t)(clock_ms / 1000), (long)(clock_ms % 1000) * 1000000};
    return 0;
}

/* --- the world goes on --- */

static inline void turn(void)
{
    uv_run(&world.loop, UV_RUN_NOWAIT);
    poll(NULL, 0, 1);
}

#define UNTIL(condition)                                                                                     \
    do {                                                                                                     \
        for (int turns = 0; !(condition) && turns < TURNS_MAX; turns++)                                      \
            turn();                                                                                          \
        assert_true(condition);                                                                              \
    } while (0)

/* Timers that are due by then fire. */
static inline void pass(uint64_t ms)
{
    clock_ms += ms;
    uv_run(&world.loop, UV_RUN_NOWAIT);
}

static inline struct gateway *open_line(void)
{
    world.config.gateways = &world.line;
    world.config.gateway_count = 1;
    gateways_sync(world.gateways, &world.project);
    assert_non_null(world.gateways->first);
    return world.gateways->first;
}

static inline void take_line_away(void)
{
    world.config.gateway_count = 0;
    gateways_sync(world.gateways, &world.project);
}

static inline void on_closed(void *ctx)
{
    (void)ctx;
    assert_false(world.is_closed);
    world.is_closed = true;
}

static inline bool is_in(const struct gateway *gateway, const char *state, const char *why)
{
    return strcmp(gateway_phase_name(gateway), state) == 0 &&
           (why ? gateway->why && strcmp(gateway->why, why) == 0 : !gateway->why);
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    resolver.is_released = false;
    clock_ms = 1000000;
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.settings.intake_max = 1000;
    world.app.loop = &world.loop;
    world.app.settings = &world.settings;
    core_init(&world.core, 7, &world.config, 1);
    world.gateways = gateways_open(&world.app);
    world.line = (struct config_gateway){
        .name = SLICE("g"), .protocol = GATEWAY_KAMAILIO, .host = SLICE("127.0.0.1"), .endpoint = -1};
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    if (world.gateways)
        gateways_close(&world.gateways, on_closed, NULL);
    while (world.request_count)
        refuse_first(PROBLEM_STORAGE_UNAVAILABLE);
    UNTIL(world.is_closed);
    release();
    UNTIL(!uv_loop_alive(&world.loop));
    assert_int_equal(uv_loop_close(&world.loop), 0);
    core_deinit(&world.core);
    return 0;
}

/* --- calls that are open --- */

static inline void load_call(const char *source, unsigned number)
{
    const struct slice none = {NULL, 0};
    char call[16];
    struct interaction interaction = {.channel = CHANNEL_CALL,
                                      .outbound = true,
                                      .opened_ms = number / 3, /* of some the id alone says which is older */
                                      .data = {.state = INTERACTION_ACTIVE, .reply_by = TIME_NEVER}};
    snprintf(call, sizeof call, "c%u", number);
    memcpy(interaction.id.bytes, &number, sizeof number);
    cloudevent_conversation(&interaction.conversation, CHANNEL_CALL, slice_of(source), slice_of(call));
    interaction.texts.source = slice_of(source);
    interaction.texts.subject = slice_of(call);
    core_load_interaction(&world.core, &interaction, none, none, none, none);
}

/* --- peers --- */

static inline int peer_listen(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static inline int peer_accept(int listener)
{
    int peer = -1;
    UNTIL(peer >= 0 || (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    return peer;
}

static inline int peer_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

static inline void say(int peer, struct slice text)
{
    assert_int_equal(send(peer, text.ptr, text.len, MSG_NOSIGNAL), text.len);
}

/* Whatever was said to it is thrown away. */
static inline bool is_hung_up(int peer)
{
    char heard[HEARD_MAX];
    ssize_t len;
    while ((len = recv(peer, heard, sizeof heard, MSG_DONTWAIT)) > 0)
        ;
    return len == 0 || (errno != EAGAIN && errno != EINTR);
}

#define GATEWAY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
