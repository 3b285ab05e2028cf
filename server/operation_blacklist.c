#include "server/operation_blacklist.h"

#include <stdio.h>

#include "proto/cloudevent.h"
#include "rules/blacklist.h"
#include "rules/blacklist_key.h"
#include "server/operation_contacts.h"
#include "server/operation_sql.h"
#include "server/project.h"

struct change {
    struct operation_call *call;
    unsigned status;
    struct slice json;
};

static bool refuse(struct operation_call *call, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_INVALID, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

static bool is_blocker(const struct project_config *config, struct slice role)
{
    if (slice_is(role, role_name(ROLE_SUPERVISOR)) || slice_is(role, role_name(ROLE_ADMIN)))
        return true;
    for (uint32_t i = 0; i < config->blocker_count; i++)
        if (slice_equal(config->blockers[i], role))
            return true;
    return false;
}

/* The token's role, or the role that the project's file gives the token's agent. */
static bool may_block(struct operation_call *call)
{
    const struct project_config *config = project_config(call->project);
    int agent = config_find_agent(config, call->principal->agent);
    if (is_blocker(config, slice_of(role_name(call->principal->role))) ||
        (agent >= 0 && is_blocker(config, config->agents[agent].role)))
        return true;
    struct problem problem;
    problem_set(&problem, PROBLEM_FORBIDDEN, NULL, "the blacklist needs the permission to block");
    operation_fail(call, &problem);
    return false;
}

static void on_settled(void *ctx, bool settled)
{
    struct change *change = ctx;
    (void)settled; /* durable either way; another router takes it over before it decides again */
    operation_reply_json(change->call, change->status, change->json);
}

static void answer_when_settled(struct operation_call *call, unsigned status, struct slice json)
{
    struct change *change = arena_new(call->arena, struct change);
    *change = (struct change){call, status, json};
    project_facts_changed(call->project, on_settled, change);
}

/* --- what to block --- */

static bool fold_phone(struct operation_call *call, struct slice input, struct slice *key)
{
    *key = operation_phone_key(call, input).key;
    return key->len || refuse(call, "/phone", "is no phone number");
}

static bool fold_email(struct operation_call *call, struct slice input, struct slice *key)
{
    struct email_key email;
    if (email_key(&email, input, call->arena) != EMAIL_OK)
        return refuse(call, "/email", "is no e-mail address");
    *key = email_fold(&email, call->arena);
    return true;
}

static bool fold_value(struct operation_call *call, enum block_kind kind, struct slice input,
                       struct slice *key)
{
    switch (kind) {
    case BLOCK_PHONE:
        return fold_phone(call, input, key);
    case BLOCK_EMAIL:
        return fold_email(call, input, key);
    case BLOCK_DOMAIN:
        return blacklist_key_domain(key, input, call->arena) || refuse(call, "/domain", "is no domain");
    case BLOCK_PREFIX:
        return blacklist_key_prefix(key, input, call->arena) ||
               refuse(call, "/prefix", "must be digits, with or without a leading +");
    case BLOCK_CUSTOMER:
        break;
    }
    return true;
}

static bool add_target(struct operation_call *call, struct value *args)
{
    const struct value *target = NULL;
    enum block_kind kind = BLOCK_CUSTOMER;
    for (int i = 0; i < BLOCK_KIND_COUNT; i++) {
        const struct value *given = value_member(call->params, block_kind_name((enum block_kind)i));
        if (given && target)
            return refuse(call, NULL, "only one of customer, phone, email, domain and prefix");
        if (given) {
            target = given;
            kind = (enum block_kind)i;
        }
    }
    if (!target)
        return refuse(call, NULL, "one of customer, phone, email, domain and prefix is required");
    value_set(args, "kind", value_string(slice_of(block_kind_name(kind))));
    if (kind == BLOCK_CUSTOMER) {
        value_set(args, "customer", *target);
        return true;
    }
    struct slice key;
    if (!fold_value(call, kind, target->string, &key))
        return false;
    value_set(args, "key", value_string(key));
    value_set(args, "value", *target);
    return true;
}

static bool add_channels(struct operation_call *call, struct value *args)
{
    const struct value *list = value_member(call->params, "channels");
    int64_t bits = list ? 0 : (1 << CHANNEL_COUNT) - 1;
    for (uint32_t i = 0; list && i < list->count; i++) {
        enum channel channel;
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/channels/%u", i);
        if (list->items[i].kind != VALUE_STRING || !channel_parse(&channel, list->items[i].string))
            return refuse(call, pointer, "must be call, chat or email");
        bits |= 1 << channel;
    }
    value_set(args, "channels", value_int(bits));
    return true;
}

static bool add_until(struct operation_call *call, struct value *args)
{
    const struct value *until = value_member(call->params, "until");
    int64_t until_ms;
    if (!until)
        return true;
    if (!time_read(&until_ms, until->string))
        return refuse(call, "/until", "must be a time of RFC 3339, such as 2026-12-24T18:00:00Z");
    value_set(args, "until_ms", value_int(until_ms));
    return true;
}

void operation_add_block(struct operation_call *call)
{
    struct value args = value_map(call->arena, 9);
    const struct value *reason = value_member(call->params, "reason");
    struct uuid id = operation_make_id();
    if (!may_block(call) || !add_target(call, &args) || !add_channels(call, &args) || !add_until(call, &args))
        return;
    if (reason)
        value_set(&args, "reason", *reason);
    value_set_uuid(&args, call->arena, "id", &id);
    value_set(&args, "author", value_string(operation_author(call)));
    operation_sql_run(call, "blacklist_add", &args, answer_when_settled);
}

void operation_lift_block(struct operation_call *call)
{
    struct value args = operation_args(call->arena, call->params, 1);
    if (!may_block(call))
        return;
    value_set(&args, "author", value_string(operation_author(call)));
    operation_sql_run(call, "blacklist_lift", &args, answer_when_settled);
}

void operation_list_blocks(struct operation_call *call)
{
    if (may_block(call))
        operation_sql(call);
}
