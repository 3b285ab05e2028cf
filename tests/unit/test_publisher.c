/* The publisher against a Redis and a journal that are made up here: both fail whenever the dice say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/feed.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project.h"
#include "server/publisher.h"
#include "storage/redis_link.h"

#define ROWS_MAX 4000
#define COMMANDS_MAX 64 /* what the link holds, a large row makes more */
#define LARGE_ROW 50    /* announcements; three commands each */

struct command {
    uint64_t seq; /* of an announcement on :all, else 0 */
    size_t n;
    redis_on_reply on_reply;
    void *ctx;
};

struct page {
    feed_on_read on_read;
    void *ctx;
    uint64_t after, until;
    uint32_t limit;
};

static struct world {
    uv_loop_t loop;
    struct app app;
    struct publisher *publisher;
    unsigned dice;
    unsigned large; /* rows in 200 that announce more than the link holds */
    bool up;
    struct command commands[COMMANDS_MAX];
    size_t command_count;
    struct page page;
    bool has_page;
    size_t items[ROWS_MAX + 1]; /* announcements of each row */
    uint64_t committed;
    uint64_t got_seq; /* the subscriber: the last new announcement */
    size_t got_n;
    uint64_t taken_seq; /* the last row that Redis has taken whole */
    size_t received;
} world;

static unsigned roll(unsigned sides)
{
    world.dice = world.dice * 1103515245u + 12345u;
    return (world.dice >> 16) % sides;
}

/* --- What the publisher stands on --- */

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

bool pg_link_is_up(const struct pg_link *link)
{
    (void)link;
    return true;
}

bool redis_link_is_up(const struct redis_link *link)
{
    (void)link;
    return world.up;
}

bool redis_link_publish(struct redis_link *link, struct slice channel, struct slice payload,
                        redis_on_reply on_reply, void *ctx)
{
    (void)link;
    if (!world.up || world.command_count == COMMANDS_MAX)
        return false;
    struct command *command = &world.commands[world.command_count++];
    *command = (struct command){.on_reply = on_reply, .ctx = ctx};
    if (slice_equal(channel, SLICE("patchbay:{demo}:all"))) {
        char text[64];
        assert_true(payload.len < sizeof text);
        memcpy(text, payload.ptr, payload.len);
        text[payload.len] = 0;
        char *dot;
        command->seq = strtoull(text, &dot, 10);
        command->n = strtoull(dot + 1, NULL, 10);
    }
    return true;
}

void feed_read_journal(struct app *app, uint32_t project, struct slice project_name_, uint64_t after,
                       uint64_t until, uint32_t limit, feed_on_read on_read, void *ctx)
{
    (void)app, (void)project, (void)project_name_;
    assert_false(world.has_page);
    assert_true(after < until && until <= world.committed);
    world.has_page = true;
    world.page = (struct page){on_read, ctx, after, until, limit};
}

void feed_read_agent(struct app *app, uint32_t project, struct slice project_name_, struct slice agent,
                     uint64_t after, uint32_t limit, feed_on_read on_read, void *ctx)
{
    (void)app, (void)project, (void)project_name_, (void)agent, (void)after, (void)limit;
    (void)on_read, (void)ctx;
    fail();
}

/* --- The world goes on --- */

static void add_rows(struct announced *announced, struct arena *arena, uint64_t first, uint64_t last)
{
    announced_init(announced);
    for (uint64_t seq = first; seq <= last; seq++) {
        for (size_t n = 1; n <= world.items[seq]; n++) {
            struct announced_item *item = arena_new(arena, struct announced_item);
            item->seq = seq;
            item->agent = SLICE("anna");
            item->queue = SLICE("support");
            item->json = item->agent_json = arena_format(arena, "%llu.%zu", (unsigned long long)seq, n);
            *announced->tail = item;
            announced->tail = &item->next;
            announced->count++;
        }
    }
    announced->last_seq = last;
}

static void commit_batch(void)
{
    struct arena arena;
    struct announced announced;
    uint64_t first = world.committed + 1, count = 1 + roll(5);
    if (world.committed + count > ROWS_MAX)
        return;
    for (uint64_t seq = first; seq < first + count; seq++)
        world.items[seq] = roll(200) < world.large ? LARGE_ROW : roll(3);
    world.committed += count;
    arena_init(&arena);
    add_rows(&announced, &arena, first, world.committed);
    publisher_tell(world.publisher, &the_project, &announced);
    arena_deinit(&arena);
}

static void answer_page(void)
{
    if (!world.has_page)
        return;
    struct page page = world.page;
    struct arena arena;
    struct announced announced;
    uint64_t last = page.after + page.limit < page.until ? page.after + page.limit : page.until;
    bool ok = roll(10) > 0;
    world.has_page = false;
    arena_init(&arena);
    announced_init(&announced);
    if (ok)
        add_rows(&announced, &arena, page.after + 1, last);
    page.on_read(page.ctx, ok, &announced, ok ? last : page.after, ok && last - page.after == page.limit);
    arena_deinit(&arena);
}

/* The subscriber drops what it has; what is new must be the very next. */
static void receive(const struct command *command)
{
    if (!command->seq)
        return;
    world.received++;
    if (command->seq < world.got_seq || (command->seq == world.got_seq && command->n <= world.got_n))
        return;
    if (command->seq == world.got_seq) {
        assert_int_equal(command->n, world.got_n + 1);
    } else {
        assert_int_equal(world.got_n, world.items[world.got_seq]);
        for (uint64_t seq = world.got_seq + 1; seq < command->seq; seq++)
            assert_int_equal(world.items[seq], 0);
        assert_int_equal(command->n, 1);
    }
    world.got_seq = command->seq;
    world.got_n = command->n;
}

static void check_watermark(void)
{
    uint64_t watermark = publisher_watermark(world.publisher, &the_project);
    assert_true(watermark <= world.committed);
    for (uint64_t seq = world.got_seq + 1; seq <= watermark; seq++)
        assert_int_equal(world.items[seq], 0);
    if (watermark >= world.got_seq)
        assert_int_equal(world.got_n, world.items[world.got_seq]);
}

static void answer_command(bool done)
{
    if (!world.command_count)
        return;
    struct command command = world.commands[0];
    memmove(world.commands, world.commands + 1, --world.command_count * sizeof command);
    if (done)
        receive(&command);
    command.on_reply(command.ctx, done);
    check_watermark();
}

/* Errors come for all that is under way: one alone would tear a hole that no publisher can mend in order. */
static void refuse_commands(void)
{
    while (world.command_count)
        answer_command(false);
}

static void lose_link(void)
{
    world.up = false;
    /* Some were delivered and only the answer was lost. */
    size_t delivered = world.command_count ? roll((unsigned)world.command_count + 1) : 0;
    for (size_t i = 0; i < delivered; i++)
        receive(&world.commands[i]);
    refuse_commands();
    publisher_on_redis_down(world.publisher);
}

static void set_up(unsigned seed, uint64_t published, uint64_t committed)
{
    memset(&world, 0, sizeof world);
    world.dice = seed;
    world.large = 1;
    world.up = true;
    uv_loop_init(&world.loop);
    world.app = (struct app){
        .loop = &world.loop, .redis = (struct redis_link *)&world, .desk = (struct pg_link *)&world};
    world.publisher = publisher_open(&world.app);
    for (uint64_t seq = 1; seq <= committed; seq++)
        world.items[seq] = 1;
    world.got_seq = published;
    world.got_n = published ? 1 : 0;
    world.committed = committed;
    publisher_project_loaded(world.publisher, &the_project, published, committed);
}

static bool shows_no_lag(void)
{
    struct arena arena;
    arena_init(&arena);
    struct slice text = metrics_render(&arena);
    bool shows = memmem(text.ptr, text.len, "patchbay_publish_lag 0\n", strlen("patchbay_publish_lag 0\n"));
    arena_deinit(&arena);
    return shows;
}

static void settle(void)
{
    world.up = true;
    publisher_on_redis_up(world.publisher);
    for (int i = 0; i < 200000 && publisher_watermark(world.publisher, &the_project) < world.committed; i++) {
        answer_page();
        while (world.command_count)
            answer_command(true);
        publisher_tick(world.publisher);
    }
    assert_int_equal(publisher_watermark(world.publisher, &the_project), world.committed);
    assert_true(shows_no_lag());
    assert_int_equal(world.got_n, world.items[world.got_seq]);
    for (uint64_t seq = world.got_seq + 1; seq <= world.committed; seq++)
        assert_int_equal(world.items[seq], 0);
}

static void tear_down(void)
{
    refuse_commands();
    publisher_free(&world.publisher);
    if (world.has_page)
        answer_page();
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

/* --- Tests --- */

static void everything_arrives_in_order_whatever_fails(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        set_up(seed, 0, 0);
        for (int i = 0; i < 3000; i++) {
            unsigned what = roll(100);
            if (what < 25)
                commit_batch();
            else if (what < 79)
                answer_command(true);
            else if (what < 80 && roll(10) == 0)
                refuse_commands();
            else if (what < 94)
                answer_page();
            else if (what < 97)
                publisher_tick(world.publisher);
            else if (what < 98 && world.up)
                lose_link();
            else if (!world.up) {
                world.up = true;
                publisher_on_redis_up(world.publisher);
            }
        }
        settle();
        tear_down();
    }
}

static void what_is_told_goes_out_at_once_and_once(void **state)
{
    (void)state;
    size_t items = 0;
    set_up(5, 0, 0);
    world.large = 0;
    for (int i = 0; i < 200; i++) {
        commit_batch();
        assert_false(world.has_page);
        while (world.command_count)
            answer_command(true);
        assert_int_equal(publisher_watermark(world.publisher, &the_project), world.committed);
    }
    for (uint64_t seq = 1; seq <= world.committed; seq++)
        items += world.items[seq];
    assert_int_equal(world.received, items);
    tear_down();
}

static void a_row_with_more_announcements_than_the_link_holds_is_published(void **state)
{
    (void)state;
    struct arena arena;
    struct announced announced;
    set_up(1, 0, 0);
    world.items[1] = 1000;
    world.committed = 1;
    arena_init(&arena);
    add_rows(&announced, &arena, 1, 1);
    publisher_tell(world.publisher, &the_project, &announced);
    arena_deinit(&arena);
    settle();
    assert_true(world.received < 1100);
    tear_down();
}

static void what_the_last_owner_did_not_publish_comes_first(void **state)
{
    (void)state;
    set_up(1, 10, 600);
    assert_true(world.has_page);
    assert_int_equal(world.page.after, 10);
    commit_batch();
    settle();
    assert_true(world.received >= 590);
    tear_down();
}

static void rows_that_announce_nothing_leave_no_lag(void **state)
{
    (void)state;
    struct page page;
    struct announced nothing;
    set_up(1, 1, 300);
    page = world.page;
    world.has_page = false;
    announced_init(&nothing);
    page.on_read(page.ctx, true, &nothing, 300, false);
    assert_int_equal(publisher_watermark(world.publisher, &the_project), 300);
    assert_true(shows_no_lag());
    tear_down();
}

static void a_project_that_is_gone_waits_for_its_callbacks_only(void **state)
{
    (void)state;
    set_up(1, 0, 300);
    publisher_project_gone(world.publisher, &the_project);
    assert_int_equal(publisher_watermark(world.publisher, &the_project), 0);
    publisher_project_loaded(world.publisher, &the_project, 300, 300);
    answer_page();
    world.got_seq = 300;
    world.got_n = 1;
    commit_batch();
    publisher_project_gone(world.publisher, &the_project);
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_in_order_whatever_fails),
        cmocka_unit_test(what_is_told_goes_out_at_once_and_once),
        cmocka_unit_test(a_row_with_more_announcements_than_the_link_holds_is_published),
        cmocka_unit_test(what_the_last_owner_did_not_publish_comes_first),
        cmocka_unit_test(rows_that_announce_nothing_leave_no_lag),
        cmocka_unit_test(a_project_that_is_gone_waits_for_its_callbacks_only),
    };
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
