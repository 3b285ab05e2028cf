/* A mail that is kept as it came: after its decision, which says where it belongs, and before it is
 * acknowledged. What cannot be written now is delivered again, and finds its decision. */
#include "rules/project_config.h"
#include "server/clock.h"
#include "server/lmtp_internal.h"
#include "server/log.h"
#include "server/query_params.h"
#include "storage/pg_link.h"

static void on_kept(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    struct lmtp_recipient *recipient = ctx;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(&limit, LOG_ERROR, "a mail cannot be kept",
                          (struct log_field[]){log_str("why", reply->message)}, 1);
    if (reply->outcome != PG_OK)
        recipient->reply = SLICE("451 4.3.0 decided but not kept; try again");
    lmtp_delivery_decided(recipient->delivery);
}

static bool is_wanted(const struct lmtp_recipient *recipient, const struct intake_request *request,
                      struct uuid *interaction)
{
    const struct value *id = value_member(&request->answer, "interaction");
    return recipient->keep_raw && !request->refused && id && id->kind == VALUE_STRING &&
           uuid_parse(interaction, id->string);
}

bool lmtp_keep(struct lmtp_recipient *recipient, const struct intake_request *request)
{
    struct lmtp_delivery *delivery = recipient->delivery;
    struct query_params params = {.count = 0};
    struct uuid interaction;
    if (!is_wanted(recipient, request, &interaction))
        return false;
    struct slice sender = request->input.email.key;
    params_int(&params, recipient->project);
    params_uuid(&params, &request->event_key);
    params_uuid(&params, &interaction);
    params_number(&params, (uint64_t)clock_now_ms());
    params_number(&params, (uint64_t)recipient->raw_for_ms);
    if (sender.len)
        params_text(&params, arena_string(&delivery->arena, sender));
    else
        params_null(&params);
    params_number(&params, delivery->len);
    params_null(&params);
    if (delivery->len <= recipient->raw_max)
        params.items[params.count - 1] =
            (struct pg_param){.data = delivery->bytes, .len = delivery->len, .binary = true};
    struct pg_query query = {.name = "raw_mail_keep", .params = params.items, .param_count = params.count};
    if (pg_link_submit(delivery->connection->server->app->desk, &query, on_kept, recipient))
        return true;
    recipient->reply = SLICE("451 4.3.0 decided but not kept; try again");
    return false;
}
