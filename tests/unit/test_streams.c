/* Streams against a feed, a project and clients that are made up here: commits, pages, tells and losses come
 * in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/core.h"
#include "server/feed.h"
#include "server/project.h"
#include "server/publisher.h"
#include "server/streams_internal.h"

#define CLIENTS 6
#define PAGES_MAX 64
#define JSON_MAX 100

struct client {
    struct stream *stream; /* NULL: away */
    uint64_t have;
    size_t room;
    unsigned tips;
};

struct page {
    feed_on_read on_read;
    void *ctx;
    uint64_t after, visible; /* what was committed when the database looked */
    uint32_t limit;
};

static struct world {
    uv_loop_t loop;
    struct app app;
    struct streams *streams;
    unsigned dice;
    struct core core;
    struct agent agent;
    bool owned;
    uint64_t committed, told;
    struct page pages[PAGES_MAX];
    size_t page_count;
    struct client clients[CLIENTS];
    bool closed;
} world;

static unsigned roll(unsigned sides)
{
    world.dice = world.dice * 1103515245u + 12345u;
    return (world.dice >> 16) % sides;
}

/* --- What the streams stand on --- */

struct project {
    int unused;
};
static struct project the_project;

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

struct project *project_next(const struct project *project)
{
    (void)project;
    return NULL;
}

bool project_is_owned(const struct project *project)
{
    (void)project;
    return world.owned;
}

const struct core *project_core(const struct project *project)
{
    (void)project;
    return world.owned ? &world.core : NULL;
}

void publisher_tick(struct publisher *publisher)
{
    (void)publisher;
}

void feed_read_agent(struct app *app, uint32_t project, struct slice project_name_, struct slice agent,
                     uint64_t after, uint32_t limit, feed_on_read on_read, void *ctx)
{
    (void)app;
    assert_int_equal(project, 7);
    assert_true(slice_is(project_name_, "demo") && slice_is(agent, "anna"));
    assert_true(world.page_count < PAGES_MAX);
    world.pages[world.page_count++] = (struct page){on_read, ctx, after, world.committed, limit};
}

void feed_read_journal(struct app *app, uint32_t project, struct slice project_name_, uint64_t after,
                       uint64_t until, uint32_t limit, feed_on_read on_read, void *ctx)
{
    (void)app, (void)project, (void)project_name_, (void)after, (void)until, (void)limit;
    (void)on_read, (void)ctx;
    fail();
}

/* --- A client --- */

static struct client *client_of(const struct stream *stream)
{
    return (struct client *)stream->http;
}

static size_t room(const struct stream *stream)
{
    return client_of(stream)->room;
}

static void open_client(struct stream *stream)
{
    (void)stream;
}

static bool event(struct stream *stream, const struct announced_item *item)
{
    struct client *client = client_of(stream);
    assert_ptr_equal(client->stream, stream);
    assert_int_equal(item->agentsequence, client->have + 1);
    client->have = item->agentsequence;
    client->room -= client->room < JSON_MAX ? client->room : JSON_MAX;
    return roll(400) > 0;
}

static bool tip(struct stream *stream)
{
    struct client *client = client_of(stream);
    assert_int_equal(stream->sent, client->have);
    assert_true(client->have <= world.committed);
    client->tips++;
    return true;
}

static void end(struct stream *stream)
{
    client_of(stream)->stream = NULL;
    stream->connected = false;
}

static void cut(struct stream *stream)
{
    (void)stream;
}

static const struct stream_transport transport = {
    .room_max = 2000, .room = room, .open = open_client, .event = event, .tip = tip, .end = end, .cut = cut};

static void come(struct client *client, bool from_newest)
{
    uint64_t after = from_newest ? STREAMS_FROM_NEWEST : client->have;
    client->stream = stream_open(world.streams, &the_project, SLICE("anna"), after, &transport);
    assert_non_null(client->stream);
    client->room = transport.room_max;
    client->stream->http = (struct http_stream *)client;
    client->stream->connected = true;
    stream_begin(client->stream);
    if (from_newest && client->stream && !client->stream->from_newest)
        client->have = client->stream->sent;
}

static void leave(struct client *client)
{
    if (!client->stream)
        return;
    struct stream *stream = client->stream;
    client->stream = NULL;
    stream->connected = false;
    stream_end(stream);
}

/* --- The world goes on --- */

static void add_items(struct announced *announced, struct arena *arena, uint64_t after, uint64_t last)
{
    announced_init(announced);
    for (uint64_t number = after + 1; number <= last; number++) {
        struct announced_item *item = arena_new(arena, struct announced_item);
        item->agent = SLICE("anna");
        item->agentsequence = number;
        item->agent_json = SLICE("{}");
        *announced->tail = item;
        announced->tail = &item->next;
        announced->count++;
    }
}

static void answer_page(bool ok)
{
    struct arena arena;
    struct announced announced;
    if (!world.page_count)
        return;
    size_t which = roll((unsigned)world.page_count);
    struct page page = world.pages[which];
    world.pages[which] = world.pages[--world.page_count];
    uint64_t last = page.after + page.limit < page.visible ? page.after + page.limit : page.visible;
    arena_init(&arena);
    announced_init(&announced);
    if (ok)
        add_items(&announced, &arena, page.after, last);
    page.on_read(page.ctx, ok, &announced, last, ok && announced.count == page.limit);
    arena_deinit(&arena);
}

static void decide(void)
{
    if (!world.owned || world.core.batch_count)
        return;
    world.core.batch_count = 1;
    world.agent.undo = (struct undo *)&world;
    world.agent.data.agentsequence += 1 + roll(40);
}

static void finish_batch(bool ok)
{
    struct arena arena;
    struct announced announced;
    if (!world.core.batch_count || !world.owned)
        return;
    if (ok) {
        world.committed = world.agent.data.agentsequence;
        arena_init(&arena);
        add_items(&announced, &arena, world.told, world.committed);
        streams_tell(world.streams, &the_project, &announced);
        arena_deinit(&arena);
        world.told = world.committed;
    }
    world.agent.data.agentsequence = world.told;
    world.agent.undo = NULL;
    world.core.batch_count = 0;
}

/* The commit is in, and readers see it, before the word of it comes. */
static void commit_unseen(void)
{
    if (world.core.batch_count)
        world.committed = world.agent.data.agentsequence;
}

static void lose_project(void)
{
    world.owned = false;
    streams_project_gone(world.streams, &the_project);
}

static void take_project(void)
{
    world.told = world.agent.data.agentsequence = world.committed;
    world.agent.undo = NULL;
    world.core.batch_count = 0;
    world.owned = true;
}

static void look_again(void)
{
    for (struct stream *stream = world.streams->all; stream; stream = stream->next)
        stream->retry_ms = 0;
    streams_on_resume(&world.streams->resume);
}

static void set_up(unsigned seed)
{
    memset(&world, 0, sizeof world);
    world.dice = seed;
    uv_loop_init(&world.loop);
    world.app = (struct app){.loop = &world.loop, .projects = &the_project};
    world.agent.name = SLICE("anna");
    world.core.agents = &world.agent;
    world.core.agent_count = 1;
    world.owned = true;
    world.streams = streams_open(&world.app);
}

static void on_closed(void *ctx)
{
    (void)ctx;
    world.closed = true;
}

static void tear_down(void)
{
    streams_close(&world.streams, on_closed, NULL);
    assert_null(world.streams);
    for (int i = 0; i < CLIENTS; i++)
        assert_null(world.clients[i].stream);
    while (world.page_count)
        answer_page(false);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.closed);
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

static void settle(void)
{
    if (!world.owned)
        take_project();
    finish_batch(true);
    for (int i = 0; i < CLIENTS; i++) {
        if (!world.clients[i].stream)
            come(&world.clients[i], false);
    }
    for (int round = 0; round < 20000; round++) {
        bool done = true;
        streams_on_scan(&world.streams->scan);
        for (int i = 0; i < CLIENTS; i++) {
            struct client *client = &world.clients[i];
            client->room = transport.room_max;
            if (!client->stream)
                come(client, false);
            done &= client->have == world.committed && client->stream->state == STREAM_LIVE;
        }
        if (done)
            return;
        answer_page(true);
        look_again();
    }
    fail_msg("the streams do not catch up");
}

/* --- Tests --- */

static void act(void)
{
    struct client *client = &world.clients[roll(CLIENTS)];
    switch (roll(16)) {
    case 0:
    case 1:
        decide();
        break;
    case 2:
        commit_unseen();
        break;
    case 3:
    case 4:
        finish_batch(world.committed > world.told || roll(5) > 0);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        answer_page(roll(10) > 0);
        break;
    case 9:
        client->room = transport.room_max;
        break;
    case 10:
        look_again();
        break;
    case 11:
        if (!client->stream)
            come(client, false);
        break;
    case 12:
        if (roll(5) == 0)
            leave(client);
        break;
    case 13:
        streams_on_scan(&world.streams->scan);
        break;
    case 14:
        if (roll(20) == 0 && world.owned)
            lose_project();
        break;
    default:
        if (!world.owned && roll(3) == 0)
            take_project();
    }
}

static void every_stream_gets_every_event_once_and_in_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 80; seed++) {
        set_up(seed);
        for (int calm = 0; calm < 100; calm++) {
            for (int i = 0; i < 40; i++)
                act();
            settle();
        }
        tear_down();
    }
}

static void a_stream_without_a_number_begins_where_the_tip_says(void **state)
{
    (void)state;
    set_up(1);
    world.committed = world.told = world.agent.data.agentsequence = 41;
    struct client *client = &world.clients[0];
    come(client, true);
    assert_int_equal(client->have, 41);
    assert_int_equal(world.page_count, 0);
    streams_on_scan(&world.streams->scan);
    assert_int_equal(client->tips, 1);
    decide();
    finish_batch(true);
    assert_int_equal(client->have, world.committed);
    tear_down();
}

static void a_number_of_a_batch_in_flight_is_told_to_nobody(void **state)
{
    (void)state;
    set_up(1);
    world.committed = world.told = world.agent.data.agentsequence = 41;
    decide();
    struct client *client = &world.clients[0];
    uint64_t newest;
    assert_false(streams_newest(world.streams, &the_project, SLICE("anna"), &newest));
    client->have = 41;
    come(client, true);
    streams_on_scan(&world.streams->scan);
    assert_int_equal(client->tips, 0);
    finish_batch(true); /* now it is known where the stream began */
    assert_int_equal(client->have, world.committed);
    assert_true(streams_newest(world.streams, &the_project, SLICE("anna"), &newest));
    assert_int_equal(newest, world.committed);
    tear_down();
}

static void a_number_that_was_never_told_counts_as_the_newest(void **state)
{
    (void)state;
    set_up(1);
    world.committed = world.told = world.agent.data.agentsequence = 5;
    struct client *client = &world.clients[0];
    client->have = 900;
    come(client, false);
    assert_int_equal(client->stream->sent, 5);
    client->have = 5;
    decide();
    finish_batch(true);
    assert_int_equal(client->have, world.committed);
    tear_down();
}

static void what_the_feed_no_longer_has_is_not_waited_for(void **state)
{
    (void)state;
    set_up(1);
    world.committed = world.told = world.agent.data.agentsequence = 5;
    struct client *client = &world.clients[0];
    come(client, false);
    assert_int_equal(world.page_count, 1);
    struct announced none;
    announced_init(&none);
    struct page page = world.pages[--world.page_count];
    page.on_read(page.ctx, true, &none, 0, false);
    assert_int_equal(client->stream->state, STREAM_LIVE);
    assert_int_equal(client->stream->sent, 5);
    tear_down();
}

static void there_is_a_bound_of_streams(void **state)
{
    (void)state;
    set_up(1);
    world.streams->count = STREAMS_MAX;
    assert_null(stream_open(world.streams, &the_project, SLICE("anna"), 0, &transport));
    world.streams->count = 0;
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stream_gets_every_event_once_and_in_order),
        cmocka_unit_test(a_stream_without_a_number_begins_where_the_tip_says),
        cmocka_unit_test(a_number_of_a_batch_in_flight_is_told_to_nobody),
        cmocka_unit_test(a_number_that_was_never_told_counts_as_the_newest),
        cmocka_unit_test(what_the_feed_no_longer_has_is_not_waited_for),
        cmocka_unit_test(there_is_a_bound_of_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
