#include "server/raw_mail.h"

#include "server/app.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/project.h"
#include "server/query_params.h"
#include "storage/pg_link.h"

struct keeping {
    void (*on_kept)(void *ctx, bool kept);
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

static void on_reply(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    const struct keeping *keeping = ctx;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(&limit, LOG_ERROR, "a mail cannot be kept",
                          (struct log_field[]){log_str("why", reply->message)}, 1);
    keeping->on_kept(keeping->ctx, reply->outcome == PG_OK);
}

static bool is_wanted(const struct raw_mail *wish, const struct intake_request *request,
                      struct uuid *interaction)
{
    const struct value *id = value_member(&request->answer, "interaction");
    return wish->is_kept && !request->refused && id && id->kind == VALUE_STRING &&
           uuid_parse(interaction, id->string);
}

bool raw_mail_keep(struct app *app, const struct raw_mail *wish, const struct intake_request *request,
                   struct slice message, void (*on_kept)(void *ctx, bool kept), void *ctx)
{
    struct query_params params = {.count = 0};
    struct uuid interaction;
    if (!is_wanted(wish, request, &interaction))
        return false;
    struct slice sender = request->input.email.key;
    params_int(&params, wish->project);
    params_uuid(&params, &request->event_key);
    params_uuid(&params, &interaction);
    params_number(&params, (uint64_t)clock_now_ms());
    params_number(&params, (uint64_t)wish->for_ms);
    if (sender.len)
        params_text(&params, arena_string(request->arena, sender));
    else
        params_null(&params);
    params_number(&params, message.len);
    params_null(&params);
    if (message.len <= wish->max)
        params.items[params.count - 1] =
            (struct pg_param){.data = message.ptr, .len = message.len, .binary = true};
    struct keeping *keeping = arena_new(request->arena, struct keeping);
    *keeping = (struct keeping){on_kept, ctx};
    struct pg_query query = {.name = "raw_mail_keep", .params = params.items, .param_count = params.count};
    if (!pg_link_submit(app->desk, &query, on_reply, keeping))
        on_kept(ctx, false);
    return true;
}
