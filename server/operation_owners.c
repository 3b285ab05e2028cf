#include "server/operation_owners.h"

#include <stdio.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/decision.h"
#include "rules/ascii.h"
#include "rules/project_config.h"
#include "server/operation_batch.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"

static bool refuse(struct operation_call *call, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_INVALID, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

/* --- Assigning --- */

static bool check_names(struct operation_call *call, const char *list_name, size_t max)
{
    const struct value *list = value_member(call->params, list_name);
    for (uint32_t i = 0; list && i < list->count; i++) {
        const struct value *name = &list->items[i];
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/%s/%u", list_name, i);
        if (name->kind != VALUE_STRING || name->string.len == 0 || name->string.len > max)
            return refuse(call, pointer, "must be a name");
        for (size_t at = 0; at < name->string.len; at++)
            if ((unsigned char)name->string.ptr[at] < 0x20 || name->string.ptr[at] == 0x7f)
                return refuse(call, pointer, "control characters are not allowed");
    }
    return true;
}

static bool check_targets(struct operation_call *call)
{
    if (!value_member(call->params, "agents") && !value_member(call->params, "departments"))
        return refuse(call, NULL, "agents or departments are required");
    return check_names(call, "agents", CONFIG_NAME_MAX) && check_names(call, "departments", DEPARTMENT_MAX);
}

void operation_assign_customer(struct operation_call *call)
{
    if (check_targets(call))
        operation_change_customer(call);
}

void operation_assign_customers(struct operation_call *call)
{
    if (check_targets(call))
        operation_batch_facts(call);
}

/* --- Pools --- */

static bool check_reason(struct operation_call *call)
{
    struct slice reason = ascii_trim(value_member(call->params, "reason")->string);
    return reason.len || refuse(call, "/reason", "must not be blank");
}

void operation_return_customer(struct operation_call *call)
{
    if (check_reason(call))
        operation_change_customer(call);
}

void operation_return_customers(struct operation_call *call)
{
    if (check_reason(call))
        operation_batch_facts(call);
}

void operation_create_pool(struct operation_call *call)
{
    struct value args = operation_args(call->arena, call->params, 2);
    const struct value *reclaim = value_member(call->params, "reclaim_days");
    const struct value *remind = value_member(call->params, "remind_days");
    struct uuid id = operation_make_id();
    bool reminds = remind && remind->kind == VALUE_INT;
    if (reminds && (!reclaim || reclaim->kind != VALUE_INT || remind->integer >= reclaim->integer)) {
        refuse(call, "/remind_days", "must be less than reclaim_days");
        return;
    }
    value_set_uuid(&args, call->arena, "id", &id);
    if (!value_member(call->params, "cool_down"))
        value_set(&args, "cool_down", value_int(POOL_COOL_DOWN));
    operation_sql_run(call, call->operation->sql, &args, NULL);
}

/* --- The log --- */

/* Whatever the statements write into a customer's log. */
#define LOG_OPERATIONS                                                                                       \
    "Assign customer, Back customer, Batch Cancel Share customer, Batch Share customer, Batch delete, "      \
    "Block customer, Create customer, Delete customer, Edit customer, Erase customer, Follow customer, "     \
    "Import customer, Link customer, Merge customer, Mute interaction, Pick up customer, Regroup customer, " \
    "Remind owner, Share customer, Tag customer, Unblock customer, Unfollow customer, Unmerge customer, "    \
    "Unmute interaction"

static bool is_log_operation(struct slice name)
{
    for (const char *at = LOG_OPERATIONS, *end; *at; at = *end ? end + 2 : end) {
        end = at + strcspn(at, ",");
        if (slice_equal(name, (struct slice){at, (size_t)(end - at)}))
            return true;
    }
    return false;
}

static bool check_operation(struct operation_call *call)
{
    const struct value *operation = value_member(call->params, "operation");
    return !operation || is_log_operation(operation->string) ||
           refuse(call, "/operation", "must be one of: " LOG_OPERATIONS);
}

static bool add_time(struct operation_call *call, struct value *args, const char *name, const char *as)
{
    const struct value *given = value_member(call->params, name);
    int64_t at_ms;
    char pointer[16];
    snprintf(pointer, sizeof pointer, "/%s", name);
    if (given && !time_read(&at_ms, given->string))
        return refuse(call, pointer, "must be a time of RFC 3339, such as 2026-12-24T18:00:00Z");
    if (given)
        value_set(args, as, value_int(at_ms));
    return true;
}

static bool check_cursor(struct operation_call *call)
{
    const struct value *after = value_member(call->params, "after");
    uint64_t id;
    if (after && (!sequence_read(&id, after->string) || id > INT64_MAX))
        return refuse(call, "/after", "must be the `next` of a page");
    return true;
}

void operation_read_customer_log(struct operation_call *call)
{
    struct value args = operation_args(call->arena, call->params, 3);
    if (!check_operation(call) || !check_cursor(call) || !add_time(call, &args, "since", "since_ms") ||
        !add_time(call, &args, "until", "until_ms"))
        return;
    if (!value_member(call->params, "limit"))
        value_set(&args, "limit", value_int(LIST_LIMIT_DEFAULT));
    operation_sql_run(call, call->operation->sql, &args, NULL);
}
