#include "server/raw_mail.h"

#include <string.h>

#include "server/app.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/long_links.h"
#include "server/metrics.h"
#include "server/project.h"
#include "server/query_params.h"
#include "storage/pg_link.h"

#define QUERY_CANCELED "57014" /* by the link's timeout of statements */

/* For one recipient. */
struct raw_mail_copy {
    struct app *app;
    struct raw_mail_copy *next;
    struct raw_mail_message *message;
    struct raw_mail wish;
    struct uuid event_key, interaction;
    const char *sender; /* its key, or NULL */
    int64_t at_ms;
    bool is_whole; /* else its length alone is kept */
    raw_mail_on_kept on_kept;
    void *ctx;
};

struct raw_mail raw_mail_wish(const struct project *project, const struct config_endpoint *or_null)
{
    const struct config_mail *mail = &project_config(project)->mail;
    return (struct raw_mail){.project = project_id(project),
                             .is_kept = or_null && or_null->keep_raw,
                             .max = (size_t)mail->raw_max,
                             .for_ms = mail->raw_for_ms};
}

/* --- how much is on its way --- */

static void count_bytes(struct app *app, size_t bytes)
{
    app->raw_mails.bytes = bytes;
    metric_set(METRIC_RAW_MAIL_BYTES, 0, (double)bytes);
}

static bool is_too_much(const struct raw_mail_copy *copy)
{
    static struct log_limit limit;
    const struct raw_mail_message *message = copy->message;
    const struct raw_mail_queue *queue = &copy->app->raw_mails;
    bool fits =
        !copy->is_whole || message->copies || message->bytes.len <= RAW_MAIL_UNDER_WAY_MAX - queue->bytes;
    if (fits && queue->count < RAW_MAIL_COPIES_MAX)
        return false;
    log_event_limited(
        &limit, LOG_WARN, "too much mail is on its way to be kept; it is to come again",
        (struct log_field[]){log_int("bytes", (int64_t)queue->bytes), log_int("copies", queue->count)}, 2);
    return true;
}

static void enter(const struct raw_mail_copy *copy)
{
    if (copy->is_whole && copy->message->copies++ == 0)
        count_bytes(copy->app, copy->app->raw_mails.bytes + copy->message->bytes.len);
}

static void leave(const struct raw_mail_copy *copy)
{
    if (copy->is_whole && --copy->message->copies == 0)
        count_bytes(copy->app, copy->app->raw_mails.bytes - copy->message->bytes.len);
}

/* --- one after the other --- */

static void end(const struct raw_mail_copy *copy, enum raw_mail_outcome outcome)
{
    metric_add(METRIC_RAW_MAILS, outcome, 1);
    copy->on_kept(copy->ctx, outcome);
}

static void put(struct raw_mail_queue *queue, struct raw_mail_copy *copy)
{
    if (queue->first)
        queue->last->next = copy;
    else
        queue->first = copy;
    queue->last = copy;
    queue->count++;
}

static struct raw_mail_copy *take(struct raw_mail_queue *queue)
{
    struct raw_mail_copy *copy = queue->first;
    queue->first = copy->next;
    queue->count--;
    return copy;
}

static void fill(struct query_params *params, const struct raw_mail_copy *copy)
{
    struct slice bytes = copy->message->bytes;
    params_int(params, copy->wish.project);
    params_uuid(params, &copy->event_key);
    params_uuid(params, &copy->interaction);
    params_number(params, (uint64_t)copy->at_ms);
    params_number(params, (uint64_t)copy->wish.for_ms);
    if (copy->sender)
        params_text(params, copy->sender);
    else
        params_null(params);
    params_number(params, bytes.len);
    params_null(params);
    if (copy->is_whole)
        params->items[params->count - 1] =
            (struct pg_param){.data = bytes.ptr, .len = bytes.len, .binary = true};
}

static void write_next(struct app *app);

static void give_up(struct app *app, uint32_t waiting)
{
    for (; waiting; waiting--) {
        struct raw_mail_copy *copy = take(&app->raw_mails);
        leave(copy);
        end(copy, RAW_MAIL_UNKEPT);
    }
}

/* Each of the others would wait as long for the same. */
static bool took_too_long(const struct pg_reply *reply)
{
    return reply->outcome == PG_REFUSED && strcmp(reply->sqlstate, QUERY_CANCELED) == 0;
}

static void on_reply(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    const struct raw_mail_copy *copy = ctx;
    struct app *app = copy->app;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(&limit, LOG_ERROR, "a mail cannot be kept",
                          (struct log_field[]){log_str("why", reply->message)}, 1);
    /* Before anybody is told, and comes again. */
    uint32_t waiting = took_too_long(reply) ? app->raw_mails.count : 0;
    leave(copy);
    end(copy, reply->outcome == PG_OK ? RAW_MAIL_KEPT : RAW_MAIL_UNKEPT);
    give_up(app, waiting);
    app->raw_mails.is_writing = false;
    write_next(app);
}

/* None: the router stops. The desk's while the others are still being dialled. */
static struct pg_link *link_for(const struct app *app)
{
    struct pg_link *link = app->long_links ? long_links_pick(app->long_links) : NULL;
    return link ? link : app->desk;
}

static bool submit(struct raw_mail_copy *copy)
{
    struct query_params params = {.count = 0};
    fill(&params, copy);
    struct pg_query query = {.name = "raw_mail_keep", .params = params.items, .param_count = params.count};
    struct pg_link *link = link_for(copy->app);
    return link && pg_link_submit(link, &query, on_reply, copy);
}

/* The link copies what it is given, so it is given one at a time, and people's lists have the other links. */
static void write_next(struct app *app)
{
    struct raw_mail_queue *queue = &app->raw_mails;
    while (queue->first && !queue->is_writing) {
        struct raw_mail_copy *copy = take(queue);
        queue->is_writing = submit(copy);
        if (queue->is_writing)
            continue;
        leave(copy);
        end(copy, RAW_MAIL_UNKEPT);
    }
}

/* --- what is to be kept --- */

static bool is_wanted(const struct raw_mail *wish, const struct intake_request *request,
                      struct uuid *interaction)
{
    const struct value *id = value_member(&request->answer, "interaction");
    return wish->is_kept && !request->refused && id && id->kind == VALUE_STRING &&
           uuid_parse(interaction, id->string);
}

bool raw_mail_keep(struct app *app, const struct raw_mail *wish, const struct intake_request *request,
                   struct raw_mail_message *message, raw_mail_on_kept on_kept, void *ctx)
{
    struct slice sender = request->input.email.key;
    struct uuid interaction;
    if (!is_wanted(wish, request, &interaction))
        return false;
    struct raw_mail_copy *copy = arena_new(request->arena, struct raw_mail_copy);
    *copy = (struct raw_mail_copy){.app = app,
                                   .message = message,
                                   .wish = *wish,
                                   .event_key = request->event_key,
                                   .interaction = interaction,
                                   .sender = sender.len ? arena_string(request->arena, sender) : NULL,
                                   .at_ms = clock_now_ms(),
                                   .is_whole = message->bytes.len <= wish->max,
                                   .on_kept = on_kept,
                                   .ctx = ctx};
    if (is_too_much(copy)) {
        end(copy, RAW_MAIL_TOO_MUCH);
        return true;
    }
    enter(copy);
    put(&app->raw_mails, copy);
    write_next(app);
    return true;
}
