/* A project is LIVE while all that was told went to Redis at once, and BEHIND from the first refusal until
 * everything missed has been read back and sent. Redis answers in order, so it is enough to count: a mark
 * says which place of the journal is reached when so many commands are answered. A place is a row and, when
 * Redis took no more in the middle of one, how many announcements of the next: a single row may announce
 * more than the link holds. */
#include "server/publisher.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/project_config.h"
#include "server/feed.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project.h"
#include "storage/pg_link.h"
#include "storage/redis_link.h"

#define PUBLISHER_MARKS_MAX 1024      /* batches and pages sent and not yet answered, per project */
#define PUBLISHER_UNANSWERED_MAX 4096 /* commands, above which the next page waits */

enum publication_state { PUBLICATION_LIVE, PUBLICATION_BEHIND, PUBLICATION_GONE };

/* Everything through row `seq`, and the first `items` announcements after it. */
struct place {
    uint64_t seq;
    size_t items;
};

struct mark {
    struct place place;
    uint64_t sent; /* reached when so many commands are answered */
};

struct publication {
    struct publication *next;
    struct publisher *publisher; /* NULL: freed while a page was being read */
    const struct project *project;
    uint32_t project_id;
    struct slice name;
    char name_text[CONFIG_NAME_MAX];
    enum publication_state state;
    struct place taken;        /* by Redis, for certain */
    struct place cursor;       /* handed to it */
    uint64_t committed, until; /* until: of the page being read */
    uint64_t sent, answered;
    struct mark marks[PUBLISHER_MARKS_MAX];
    size_t mark_head, mark_count;
    bool reading;
    bool failed; /* a command was not taken: what follows it counts as not sent */
    bool waits;  /* for the next tick, after a failure */
    bool logged; /* that it is behind; when `caught` is taken, that it was */
    uint64_t behind_since_ms, behind_from, caught;
    struct arena arena; /* the channels of the batch being sent */
};

struct publisher {
    struct app *app;
    struct publication *publications;
};

static void go_on(struct publication *publication);

/* Links are closed before their last callbacks come. */
static bool redis_is_up(const struct app *app)
{
    return app->redis && redis_link_is_up(app->redis);
}

struct publisher *publisher_open(struct app *app)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        abort();
    publisher->app = app;
    return publisher;
}

static void publication_free(struct publication *publication)
{
    arena_deinit(&publication->arena);
    free(publication);
}

void publisher_free(struct publisher **publisher)
{
    if (!*publisher)
        return;
    for (struct publication *next, *p = (*publisher)->publications; p; p = next) {
        next = p->next;
        p->publisher = NULL;
        p->state = PUBLICATION_GONE;
        if (!p->reading && p->answered == p->sent)
            publication_free(p);
    }
    free(*publisher);
    *publisher = NULL;
}

static void show_lag(const struct publisher *publisher)
{
    uint64_t lag = 0;
    for (const struct publication *p = publisher->publications; p; p = p->next) {
        if (p->state != PUBLICATION_GONE)
            lag += p->committed - p->taken.seq;
    }
    metric_set(METRIC_PUBLISH_LAG, 0, (double)lag);
}

static struct publication *find(const struct publisher *publisher, const struct project *project)
{
    struct publication *publication = publisher->publications;
    while (publication && (publication->project != project || publication->state == PUBLICATION_GONE))
        publication = publication->next;
    return publication;
}

/* A publication that is gone stays until its last callback. */
static void leave(struct publication *publication)
{
    struct publisher *publisher = publication->publisher;
    if (publication->state != PUBLICATION_GONE || publication->reading ||
        publication->answered != publication->sent)
        return;
    if (publisher) {
        struct publication **link = &publisher->publications;
        while (*link != publication)
            link = &(*link)->next;
        *link = publication->next;
    }
    publication_free(publication);
}

/* --- Sending --- */

static void log_caught_up(struct publication *publication)
{
    uint64_t took_ms = uv_now(publication->publisher->app->loop) - publication->behind_since_ms;
    publication->logged = false;
    log_event(LOG_INFO, "what Redis had missed is published",
              (struct log_field[]){log_text("project", publication->name),
                                   log_int("rows", (int64_t)(publication->caught - publication->behind_from)),
                                   log_int("ms", (int64_t)took_ms)},
              3);
}

static void take_marks(struct publication *publication)
{
    while (publication->mark_count && !publication->failed &&
           publication->marks[publication->mark_head].sent <= publication->answered) {
        publication->taken = publication->marks[publication->mark_head].place;
        publication->mark_head = (publication->mark_head + 1) % PUBLISHER_MARKS_MAX;
        publication->mark_count--;
    }
    if (publication->logged && publication->state == PUBLICATION_LIVE &&
        publication->taken.seq >= publication->caught)
        log_caught_up(publication);
}

static void on_reply(void *ctx, bool done)
{
    struct publication *publication = ctx;
    publication->answered++;
    if (!done)
        publication->failed = true;
    take_marks(publication);
    if (publication->state == PUBLICATION_GONE) {
        leave(publication);
        return;
    }
    if (!done || publication->state == PUBLICATION_BEHIND)
        go_on(publication);
    if (publication->answered == publication->sent)
        show_lag(publication->publisher);
}

/* The place is reached when all that was sent so far is answered. */
static void set_mark(struct publication *publication, struct place place)
{
    publication->cursor = place;
    if (publication->mark_count) {
        size_t last = (publication->mark_head + publication->mark_count - 1) % PUBLISHER_MARKS_MAX;
        if (publication->marks[last].sent == publication->sent) {
            publication->marks[last].place = place;
            return;
        }
    }
    size_t at = (publication->mark_head + publication->mark_count++) % PUBLISHER_MARKS_MAX;
    publication->marks[at] = (struct mark){place, publication->sent};
    take_marks(publication);
}

static bool send_to(struct publication *publication, const char *kind, struct slice name, struct slice json)
{
    const struct app *app = publication->publisher->app;
    struct slice channel = channel_text(publication->name, kind, name, &publication->arena);
    if (!redis_is_up(app) || !redis_link_publish(app->redis, channel, json, on_reply, publication))
        return false;
    publication->sent++;
    return true;
}

static bool send_item(struct publication *publication, const struct announced_item *item)
{
    struct slice none = {NULL, 0};
    return (!item->agent.len || send_to(publication, "agent", item->agent, item->agent_json)) &&
           (!item->queue.len || send_to(publication, "queue", item->queue, item->json)) &&
           send_to(publication, "all", none, item->json);
}

/* Sends what comes after the cursor, up to and including row `last`; false when the link takes no more. */
static bool send_announced(struct publication *publication, const struct announced *announced, uint64_t last)
{
    struct place at = publication->cursor;
    bool taken = true;
    uint64_t skipping = at.seq + 1;
    size_t skip = at.items;
    for (const struct announced_item *item = announced->first; item && taken; item = item->next) {
        if (item->seq == skipping && skip > 0) {
            skip--;
            continue;
        }
        if (item->seq > at.seq + 1)
            at = (struct place){item->seq - 1, 0};
        taken = send_item(publication, item);
        if (taken)
            at.items++;
    }
    set_mark(publication, taken ? (struct place){last, 0} : at);
    arena_reset(&publication->arena);
    return taken;
}

/* --- Behind --- */

static void fall_behind(struct publication *publication, enum log_level level, const char *why)
{
    publication->state = PUBLICATION_BEHIND;
    if (publication->logged)
        return;
    publication->logged = true;
    publication->behind_since_ms = uv_now(publication->publisher->app->loop);
    publication->behind_from = publication->taken.seq;
    log_event(level, "decisions wait for Redis",
              (struct log_field[]){log_text("project", publication->name), log_str("why", why),
                                   log_int("after", (int64_t)publication->taken.seq)},
              3);
}

/* That Redis is away is told by the link's owner. */
static enum log_level level_of(const struct publication *publication)
{
    return redis_is_up(publication->publisher->app) ? LOG_WARN : LOG_INFO;
}

/* All of it was handed over; that Redis has taken it is logged when it has. */
static void become_live(struct publication *publication)
{
    publication->state = PUBLICATION_LIVE;
    publication->caught = publication->cursor.seq;
    take_marks(publication);
}

static void on_page(void *ctx, bool ok, const struct announced *announced, uint64_t last, bool more)
{
    struct publication *publication = ctx;
    publication->reading = false;
    if (publication->state == PUBLICATION_GONE) {
        leave(publication);
        return;
    }
    if (!ok)
        publication->waits = true;
    else if (!publication->failed)
        (void)send_announced(publication, announced, more ? last : publication->until);
    go_on(publication);
    show_lag(publication->publisher);
}

/* Whatever was handed over and not taken is handed over again, once all that is under way is answered. */
static bool is_settled(struct publication *publication)
{
    if (!publication->failed)
        return true;
    if (publication->answered != publication->sent)
        return false;
    publication->cursor = publication->taken;
    publication->mark_count = 0;
    publication->failed = false;
    publication->waits = true;
    return true;
}

static void go_on(struct publication *publication)
{
    const struct app *app = publication->publisher->app;
    uint64_t unanswered = publication->sent - publication->answered;
    if (publication->state == PUBLICATION_LIVE && publication->failed)
        fall_behind(publication, level_of(publication), "it did not take a message");
    if (publication->state != PUBLICATION_BEHIND || publication->reading || !is_settled(publication))
        return;
    if (publication->cursor.seq == publication->committed) {
        become_live(publication);
        return;
    }
    /* In the middle of a row the link was full: it must be empty first, lest it is full again. */
    if (publication->waits || !redis_is_up(app) || !app->desk || !pg_link_is_up(app->desk) ||
        unanswered > (publication->cursor.items ? 0 : PUBLISHER_UNANSWERED_MAX) ||
        publication->mark_count > PUBLISHER_MARKS_MAX / 2)
        return;
    publication->reading = true;
    publication->until = publication->committed;
    feed_read_journal(publication->publisher->app, publication->project_id, publication->name,
                      publication->cursor.seq, publication->until, PUBLISHER_PAGE, on_page, publication);
}

static void go_on_all(struct publisher *publisher)
{
    for (struct publication *p = publisher->publications; p; p = p->next) {
        p->waits = false;
        go_on(p);
    }
}

/* --- The interface --- */

void publisher_project_loaded(struct publisher *publisher, struct project *project, uint64_t published,
                              uint64_t committed)
{
    struct publication *publication = calloc(1, sizeof *publication);
    if (!publication)
        abort();
    struct slice name = project_name(project);
    publication->publisher = publisher;
    publication->project = project;
    publication->project_id = project_id(project);
    arena_init(&publication->arena);
    assert(name.len <= CONFIG_NAME_MAX);
    memcpy(publication->name_text, name.ptr, name.len);
    publication->name = (struct slice){publication->name_text, name.len};
    publication->taken.seq = publication->cursor.seq = published < committed ? published : committed;
    publication->committed = committed;
    publication->next = publisher->publications;
    publisher->publications = publication;
    show_lag(publisher);
    if (publication->taken.seq == committed)
        return;
    fall_behind(publication, LOG_INFO, "the last owner may not have published everything");
    go_on(publication);
}

void publisher_project_gone(struct publisher *publisher, const struct project *project)
{
    struct publication *publication = find(publisher, project);
    if (!publication)
        return;
    publication->state = PUBLICATION_GONE;
    leave(publication);
    show_lag(publisher);
}

void publisher_tell(struct publisher *publisher, struct project *project, const struct announced *announced)
{
    struct publication *publication = find(publisher, project);
    if (!publication || announced->last_seq <= publication->committed)
        return;
    publication->committed = announced->last_seq;
    if (publication->state == PUBLICATION_LIVE && publication->mark_count < PUBLISHER_MARKS_MAX - 1 &&
        send_announced(publication, announced, announced->last_seq)) {
        show_lag(publisher);
        return;
    }
    if (publication->state == PUBLICATION_LIVE)
        fall_behind(publication, level_of(publication),
                    redis_is_up(publisher->app) ? "it does not keep up" : "it is away");
    go_on(publication);
    show_lag(publisher);
}

uint64_t publisher_watermark(const struct publisher *publisher, const struct project *project)
{
    const struct publication *publication = find(publisher, project);
    return publication ? publication->taken.seq : 0;
}

void publisher_on_redis_up(struct publisher *publisher)
{
    metric_set(METRIC_REDIS_UP, 0, 1);
    go_on_all(publisher);
}

void publisher_on_redis_down(struct publisher *publisher)
{
    (void)publisher;
    metric_set(METRIC_REDIS_UP, 0, 0);
}

void publisher_on_desk_up(struct publisher *publisher)
{
    go_on_all(publisher);
}

void publisher_tick(struct publisher *publisher)
{
    go_on_all(publisher);
}
