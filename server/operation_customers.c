#include "server/operation_customers.h"

#include <stdio.h>

#include "proto/json.h"
#include "server/customer_fields.h"
#include "server/operation_contacts.h"
#include "server/operation_sql.h"
#include "server/project.h"

static bool refuse(struct operation_call *call, enum problem_code code, const char *pointer,
                   const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

bool operation_is_stage(struct slice text)
{
    static const char *const stages[] = {"new", "to_be_assigned", "follow_up", "mine", "pool"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (slice_is(text, stages[i]))
            return true;
    return false;
}

bool operation_check_stage(struct operation_call *call)
{
    const struct value *stage = value_member(call->params, "stage");
    return !stage || operation_is_stage(stage->string) ||
           refuse(call, PROBLEM_INVALID, "/stage", CUSTOMER_STAGES);
}

static bool tag_is_good(const struct value *tag)
{
    if (tag->kind != VALUE_STRING || tag->string.len == 0 || tag->string.len > CUSTOMER_TAG_MAX)
        return false;
    for (size_t i = 0; i < tag->string.len; i++)
        if ((unsigned char)tag->string.ptr[i] < 0x20 || tag->string.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool check_tags(struct operation_call *call)
{
    const struct value *tags = value_member(call->params, "tags");
    for (uint32_t i = 0; tags && i < tags->count; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/tags/%u", i);
        if (!tag_is_good(&tags->items[i]))
            return refuse(call, PROBLEM_INVALID, pointer,
                          "must be a string of 1 to 64 bytes without control characters");
        for (uint32_t j = 0; j < i; j++)
            if (slice_equal(tags->items[i].string, tags->items[j].string))
                return refuse(call, PROBLEM_INVALID, pointer, "is in the list twice");
    }
    return true;
}

static struct value required_names(const struct fields_config *fields, struct arena *arena)
{
    struct value names = value_list(arena, fields->count);
    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->items[i].required)
            value_append(&names, value_string(fields->items[i].name));
    return names;
}

/* The statement sees to it that an edit takes no required value away: it knows what was there. */
static bool add_fields(struct operation_call *call, const struct value *given, bool is_new,
                       struct value *args)
{
    struct fields_check check;
    struct value fields = given ? *given : value_null();
    struct fault fault;
    struct problem problem;
    if (customer_fields_of(&check, project_config(call->project)) && (given || is_new)) {
        check.wants_required = is_new;
        if (!customer_fields_check(&fields, given, &check, call->arena, &fault)) {
            problem_set_fault(&problem, &fault);
            operation_fail(call, &problem);
            return false;
        }
        value_set(args, "required_fields", required_names(check.fields, call->arena));
    }
    if (fields.kind == VALUE_MAP && json_size(&fields) > CUSTOMER_FIELDS_SIZE_MAX)
        return refuse(call, PROBLEM_INVALID, "/fields", "at most 16384 bytes as JSON");
    if (fields.kind == VALUE_MAP)
        value_set(args, "fields", fields);
    return true;
}

bool operation_customer_args(struct operation_call *call, bool is_new, struct value *args)
{
    const struct value *contacts = value_member(call->params, "contacts");
    const struct value *fields = value_member(call->params, "fields");
    if (!operation_check_stage(call) || !check_tags(call))
        return false;
    *args = value_map(call->arena, call->params->count + 6);
    for (uint32_t i = 0; i < call->params->count; i++)
        if (!slice_is(call->params->members[i].name, "contacts") &&
            !slice_is(call->params->members[i].name, "fields"))
            args->members[args->count++] = call->params->members[i];
    if (is_new) {
        struct uuid id = operation_make_id();
        value_set_uuid(args, call->arena, "id", &id);
    }
    if (!add_fields(call, fields, is_new, args))
        return false;
    return !contacts || operation_contacts_add(call, contacts, args);
}

/* The change is durable and the next decision is made on it; nobody waits for the router's cache. */
static void answer_change(struct operation_call *call, unsigned status, struct slice json)
{
    struct project *project = call->project;
    operation_reply_json(call, status, json);
    project_facts_changed(project, NULL, NULL);
}

void operation_change_customer(struct operation_call *call)
{
    operation_sql_run(call, call->operation->sql, call->params, answer_change);
}

void operation_create_customer(struct operation_call *call)
{
    struct value args;
    if (operation_customer_args(call, true, &args))
        operation_sql_run(call, "customer_create", &args, answer_change);
}

void operation_edit_customer(struct operation_call *call)
{
    struct value args;
    if (operation_customer_args(call, false, &args))
        operation_sql_run(call, "customer_edit", &args, answer_change);
}
