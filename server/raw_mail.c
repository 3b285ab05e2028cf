#include "server/raw_mail.h"

#include "server/app.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project.h"
#include "server/query_params.h"
#include "storage/pg_link.h"

struct keeping {
    struct app *app;
    size_t bytes;
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

static void count_bytes(struct app *app, size_t bytes)
{
    app->raw_mail_bytes = bytes;
    metric_set(METRIC_RAW_MAIL_BYTES, 0, (double)bytes);
}

static void end(const struct keeping *keeping, enum raw_mail_outcome outcome)
{
    metric_add(METRIC_RAW_MAILS, outcome, 1);
    keeping->on_kept(keeping->ctx, outcome);
}

static void on_reply(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    const struct keeping *keeping = ctx;
    count_bytes(keeping->app, keeping->app->raw_mail_bytes - keeping->bytes);
    if (reply->outcome == PG_REFUSED)
        log_event_limited(&limit, LOG_ERROR, "a mail cannot be kept",
                          (struct log_field[]){log_str("why", reply->message)}, 1);
    end(keeping, reply->outcome == PG_OK ? RAW_MAIL_KEPT : RAW_MAIL_UNKEPT);
}

/* The link copies what it is given, for each recipient once more. */
static bool is_too_much(const struct keeping *keeping)
{
    static struct log_limit limit;
    if (keeping->bytes <= RAW_MAIL_UNDER_WAY_MAX - keeping->app->raw_mail_bytes)
        return false;
    log_event_limited(&limit, LOG_WARN, "too much mail is on its way to be kept; it is to come again",
                      (struct log_field[]){log_int("bytes", (int64_t)keeping->app->raw_mail_bytes),
                                           log_int("bound", RAW_MAIL_UNDER_WAY_MAX)},
                      2);
    return true;
}

static bool is_wanted(const struct raw_mail *wish, const struct intake_request *request,
                      struct uuid *interaction)
{
    const struct value *id = value_member(&request->answer, "interaction");
    return wish->is_kept && !request->refused && id && id->kind == VALUE_STRING &&
           uuid_parse(interaction, id->string);
}

static void fill(struct query_params *params, const struct raw_mail *wish,
                 const struct intake_request *request, const struct uuid *interaction, struct slice message)
{
    struct slice sender = request->input.email.key;
    params_int(params, wish->project);
    params_uuid(params, &request->event_key);
    params_uuid(params, interaction);
    params_number(params, (uint64_t)clock_now_ms());
    params_number(params, (uint64_t)wish->for_ms);
    if (sender.len)
        params_text(params, arena_string(request->arena, sender));
    else
        params_null(params);
    params_number(params, message.len);
    params_null(params);
    if (message.len <= wish->max)
        params->items[params->count - 1] =
            (struct pg_param){.data = message.ptr, .len = message.len, .binary = true};
}

bool raw_mail_keep(struct app *app, const struct raw_mail *wish, const struct intake_request *request,
                   struct slice message, raw_mail_on_kept on_kept, void *ctx)
{
    struct query_params params = {.count = 0};
    struct uuid interaction;
    if (!is_wanted(wish, request, &interaction))
        return false;
    struct keeping *keeping = arena_new(request->arena, struct keeping);
    *keeping = (struct keeping){app, message.len <= wish->max ? message.len : 0, on_kept, ctx};
    if (is_too_much(keeping)) {
        end(keeping, RAW_MAIL_TOO_MUCH);
        return true;
    }
    fill(&params, wish, request, &interaction, message);
    struct pg_query query = {.name = "raw_mail_keep", .params = params.items, .param_count = params.count};
    if (pg_link_submit(app->desk, &query, on_reply, keeping))
        count_bytes(app, app->raw_mail_bytes + keeping->bytes);
    else
        end(keeping, RAW_MAIL_UNKEPT);
    return true;
}
