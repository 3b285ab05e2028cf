/* What webhooks with mail need of the database besides decisions: whose content a signature was first, and
 * room for mail that is kept as it came. */
#include "rules/email_key.h"
#include "server/clock.h"
#include "server/hook_call.h"
#include "server/own_address.h"
#include "server/project.h"
#include "server/query_params.h"
#include "storage/pg_link.h"

/* --- signatures that say nothing of the content --- */

static void defer(struct hook_call *hook)
{
    hook_answer_fail(hook, METRIC_HOOK_DEFERRED, PROBLEM_STORAGE_UNAVAILABLE,
                     "the signature cannot be checked at the moment");
}

static void on_nonce(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    struct hook_call *hook = ctx;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(&limit, LOG_ERROR, "the nonce of a webhook cannot be kept",
                          (struct log_field[]){log_str("why", reply->message)}, 1);
    if (reply->outcome != PG_OK) {
        defer(hook);
    } else if (pg_bool(reply, 0, 0)) {
        hook_submit(hook);
    } else {
        hook->status = HOOK_REUSED;
        hook_answer_sender(hook);
    }
}

void hook_check_nonce(struct hook_call *hook)
{
    const struct hook_nonce *nonce = &hook->result.nonce;
    const struct project *project = app_find_project(hook->call.app, hook->project);
    struct query_params params = {.count = 0};
    if (!nonce->is_set || !project) { /* who submits tells that there is none */
        hook_submit(hook);
        return;
    }
    params_int(&params, project_id(project));
    params_text(&params, arena_string(hook->call.arena, hook->name));
    params_uuid(&params, &nonce->nonce);
    params_uuid(&params, &nonce->content);
    params_number(&params, (uint64_t)clock_now_ms());
    params_number(&params, (uint64_t)nonce->until_ms);
    struct pg_query query = {.name = "hook_nonce_claim",
                             .params = params.items,
                             .param_count = params.count,
                             .binary_result = true};
    if (!pg_link_submit(hook->call.app->desk, &query, on_nonce, hook))
        defer(hook);
}

/* --- mail as it came --- */

void hook_make_wishes(struct hook_call *hook, const struct project *project)
{
    struct arena *arena = hook->call.arena;
    if (!hook->result.message.len)
        return;
    hook->message.bytes = hook->result.message;
    hook->wishes = arena_array(arena, struct raw_mail, hook->result.event_count);
    for (uint32_t i = 0; i < hook->result.event_count; i++) {
        struct email_key to;
        const struct config_endpoint *endpoint = NULL;
        if (email_key(&to, hook->requests[i].event.to, arena) == EMAIL_OK)
            endpoint = own_endpoint(project_config(project), &to.key, arena);
        hook->wishes[i] = raw_mail_wish(project, endpoint);
    }
}

static void on_kept(void *ctx, enum raw_mail_outcome outcome)
{
    struct hook_call *hook = ctx;
    if (hook->kept < outcome)
        hook->kept = outcome;
    hook_settle(hook);
}

bool hook_keep(struct hook_call *hook, const struct intake_request *request)
{
    return hook->wishes && raw_mail_keep(hook->call.app, &hook->wishes[request - hook->requests], request,
                                         &hook->message, on_kept, hook);
}
