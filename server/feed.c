/* Two queries a page: the journal's rows, then the people that they speak of. Results die with their
 * callbacks, so what is needed of them is copied into the page's arena. */
#include "server/feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/decision.h"
#include "proto/json.h"
#include "rules/record.h"
#include "server/feed_people.h"
#include "server/log.h"
#include "server/people_texts.h"

#define NUMBER_TEXT_MAX 24

struct feed_row {
    struct outcome outcome;
    uint64_t agentsequence; /* journal: 0 */
    uint32_t n;             /* which of its announcements; journal: all */
};

struct feed_read {
    struct app *app;
    uint32_t project, limit, row_count;
    bool is_journal;
    struct slice project_name;
    struct arena arena;
    struct feed_row *rows; /* those that could be read */
    struct feed_people people;
    uint64_t last;
    bool more;
    feed_on_read on_read;
    void *ctx;
    uv_timer_t refusal; /* in use only when the link takes no query: no callback comes from inside */
};

static struct announcement *find_announcement(const struct feed_row *row)
{
    struct announcement *announcement = row->outcome.announcements;
    for (uint32_t n = 1; announcement && n < row->n; n++)
        announcement = announcement->next;
    return announcement && announcement->agentsequence == row->agentsequence ? announcement : NULL;
}

static void log_unreadable(const struct feed_read *read, uint64_t seq)
{
    static struct log_limit limit;
    log_event_limited(
        &limit, LOG_ERROR, "a decision in the journal cannot be read",
        (struct log_field[]){log_text("project", read->project_name), log_int("sequence", (int64_t)seq)}, 2);
}

/* --- The answer --- */

static void add_one(struct feed_read *read, const struct feed_row *row, struct announced *announced)
{
    const struct announcement *announcement = find_announcement(row);
    struct announced_item *item = arena_new(&read->arena, struct announced_item);
    item->seq = row->outcome.seq;
    item->agent = announcement->agent;
    item->agentsequence = announcement->agentsequence;
    item->agent_value =
        decision_announcement(&row->outcome, announcement, row->n, read->project_name, true, &read->arena);
    item->agent_json = json_write(&item->agent_value, &read->arena);
    *announced->tail = item;
    announced->tail = &item->next;
    announced->count++;
    announced->last_seq = item->seq;
}

static void answer(struct feed_read *read, bool ok)
{
    struct announced announced;
    announced_init(&announced);
    for (uint32_t i = 0; ok && i < read->row_count; i++) {
        if (read->is_journal)
            announced_add(&announced, &read->rows[i].outcome, read->project_name, &read->arena);
        else
            add_one(read, &read->rows[i], &announced);
    }
    read->on_read(read->ctx, ok, &announced, read->last, read->more);
    arena_deinit(&read->arena);
}

static void finish(struct feed_read *read, bool ok)
{
    answer(read, ok);
    free(read);
}

static void on_refusal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_refusal(uv_timer_t *timer)
{
    answer(timer->data, false);
    uv_close((uv_handle_t *)timer, on_refusal_closed);
}

/* --- The rows --- */

static void want_people(struct feed_read *read, const struct announcement *announcement)
{
    if (announcement->snapshot)
        feed_people_add(&read->people, (struct snapshot *)announcement->snapshot, &read->arena);
}

/* What cannot be read any more is left out. */
static struct value read_attributes(const struct pg_reply *reply, int row, int column, struct arena *arena)
{
    struct slice text = people_copy(reply, row, column, arena);
    struct value attributes;
    struct fault fault;
    return text.len && json_read(&attributes, text, arena, &fault) ? attributes : value_null();
}

/* Of an end: the decision has our word for it only. */
static struct slice read_reported(const struct outcome *outcome, struct slice input, struct arena *arena)
{
    if (outcome->outcome != OUTCOME_ENDED)
        return (struct slice){NULL, 0};
    return record_reported(arena_copy(arena, input), arena);
}

/* Both queries end with the same columns; the feed's begin with the agent's number and n. */
static bool take_row(struct feed_read *read, const struct pg_reply *reply, int row, struct feed_row *out)
{
    int column = 0;
    if (!read->is_journal) {
        out->agentsequence = (uint64_t)pg_int64(reply, row, column++);
        out->n = (uint32_t)pg_int64(reply, row, column++);
    }
    uint64_t seq = (uint64_t)pg_int64(reply, row, column++);
    int64_t at_ms = pg_int64(reply, row, column++);
    uint64_t version = (uint64_t)pg_int64(reply, row, column++);
    struct slice bytes = arena_copy(&read->arena, pg_cell(reply, row, column++));
    struct slice input = pg_cell(reply, row, column++);
    read->last = read->is_journal ? seq : out->agentsequence;
    if (!record_read_decision(&out->outcome, bytes, &read->arena) ||
        (!read->is_journal && !find_announcement(out))) {
        log_unreadable(read, seq);
        return false;
    }
    out->outcome.seq = seq;
    out->outcome.at_ms = at_ms;
    out->outcome.config_version = version;
    out->outcome.reported = read_reported(&out->outcome, input, &read->arena);
    out->outcome.text = people_copy(reply, row, column++, &read->arena);
    out->outcome.author.email = people_copy(reply, row, column++, &read->arena);
    out->outcome.author.name = people_copy(reply, row, column++, &read->arena);
    out->outcome.attributes = read_attributes(reply, row, column, &read->arena);
    if (!read->is_journal) {
        want_people(read, find_announcement(out));
        return true;
    }
    for (const struct announcement *a = out->outcome.announcements; a; a = a->next)
        want_people(read, a);
    return true;
}

static void on_people(void *ctx, const struct pg_reply *reply)
{
    struct feed_read *read = ctx;
    if (reply->outcome == PG_OK)
        feed_people_take(&read->people, reply, &read->arena);
    finish(read, reply->outcome == PG_OK);
}

static void on_rows(void *ctx, const struct pg_reply *reply)
{
    struct feed_read *read = ctx;
    if (reply->outcome != PG_OK) {
        finish(read, false);
        return;
    }
    read->rows = arena_array(&read->arena, struct feed_row, (size_t)reply->rows);
    read->more = (uint32_t)reply->rows == read->limit;
    for (int row = 0; row < reply->rows; row++) {
        if (take_row(read, reply, row, &read->rows[read->row_count]))
            read->row_count++;
    }
    if (read->people.count == 0)
        finish(read, true);
    else if (!feed_people_ask(&read->people, read->project, read->app->desk, on_people, read, &read->arena))
        finish(read, false);
}

/* --- Asking --- */

static struct feed_read *read_open(struct app *app, uint32_t project, struct slice project_name,
                                   uint64_t after, uint32_t limit, feed_on_read on_read, void *ctx)
{
    struct feed_read *read = calloc(1, sizeof *read);
    if (!read)
        abort();
    arena_init(&read->arena);
    read->app = app;
    read->project = project;
    read->project_name = arena_copy(&read->arena, project_name);
    read->limit = limit < FEED_PAGE_MAX ? limit : FEED_PAGE_MAX;
    read->last = after;
    read->on_read = on_read;
    read->ctx = ctx;
    return read;
}

static struct pg_param number_param(struct feed_read *read, uint64_t number)
{
    char *text = arena_alloc(&read->arena, NUMBER_TEXT_MAX);
    /* A number that no row can have is as good as the highest that one could. */
    unsigned long long shown = number > INT64_MAX ? INT64_MAX : number;
    return (struct pg_param){text, (size_t)snprintf(text, NUMBER_TEXT_MAX, "%llu", shown), false};
}

static void ask(struct feed_read *read, const char *name, const struct pg_param *params)
{
    const struct pg_query query = {.name = name, .params = params, .param_count = 4, .binary_result = true};
    if (pg_link_submit(read->app->desk, &query, on_rows, read))
        return;
    uv_timer_init(read->app->loop, &read->refusal);
    read->refusal.data = read;
    uv_timer_start(&read->refusal, on_refusal, 0, 0);
}

void feed_read_agent(struct app *app, uint32_t project, struct slice project_name, struct slice agent,
                     uint64_t after, uint32_t limit, feed_on_read on_read, void *ctx)
{
    struct feed_read *read = read_open(app, project, project_name, after, limit, on_read, ctx);
    const struct pg_param params[] = {number_param(read, project),
                                      {arena_string(&read->arena, agent), agent.len, false},
                                      number_param(read, after),
                                      number_param(read, read->limit)};
    ask(read, "feed_rows", params);
}

void feed_read_journal(struct app *app, uint32_t project, struct slice project_name, uint64_t after,
                       uint64_t until, uint32_t limit, feed_on_read on_read, void *ctx)
{
    struct feed_read *read = read_open(app, project, project_name, after, limit, on_read, ctx);
    const struct pg_param params[] = {number_param(read, project), number_param(read, after),
                                      number_param(read, until), number_param(read, read->limit)};
    read->is_journal = true;
    ask(read, "publish_rows", params);
}
