#include "server/operation_lists.h"

#include <stdio.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "server/customer_fields.h"
#include "server/operation_batch.h"
#include "server/operation_contacts.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"
#include "server/project.h"

#define ARGS_ADDED 4 /* limit, and keys */

static bool refuse(struct operation_call *call, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_INVALID, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

static bool refuse_member(struct operation_call *call, struct slice name, const char *detail)
{
    return refuse(
        call, arena_string(call->arena, arena_format(call->arena, "/%.*s", (int)name.len, name.ptr)), detail);
}

/* "a,b,c" as a list. */
static bool split(struct operation_call *call, const struct value_member *member, struct value *out)
{
    struct slice rest = member->value.string;
    *out = value_list(call->arena, LIST_TEXTS_MAX);
    for (;;) {
        const char *comma = memchr(rest.ptr, ',', rest.len);
        struct slice text = {rest.ptr, comma ? (size_t)(comma - rest.ptr) : rest.len};
        if (text.len == 0)
            return refuse_member(call, member->name, "has an empty entry");
        if (out->count == LIST_TEXTS_MAX)
            return refuse_member(call, member->name, "at most 64 entries");
        value_append(out, value_string(text));
        if (!comma)
            return true;
        rest = (struct slice){comma + 1, rest.len - text.len - 1};
    }
}

static bool add_moment(struct operation_call *call, const struct value_member *member, struct value *args)
{
    int64_t ms;
    if (!time_read(&ms, member->value.string))
        return refuse_member(call, member->name, "must be a time as in RFC 3339, with an offset");
    args->members[args->count++] = (struct value_member){member->name, value_int(ms)};
    return true;
}

/* Whatever else a keyword is, it may be somebody's phone or e-mail address. */
static void add_keyword(struct operation_call *call, struct slice text, struct value *args)
{
    struct phone_key phone = operation_phone_key(call, text);
    struct email_key email;
    value_set(args, "keyword", value_string(text));
    if (phone.key.len)
        value_set(args, "keyword_phone", value_string(phone.key));
    if (email_key(&email, text, call->arena) == EMAIL_OK)
        value_set(args, "keyword_email", value_string(email.key));
}

/* False: a spelling without a canonical key, which belongs to nobody. */
static bool add_key(struct operation_call *call, const struct value_member *member, struct value *args)
{
    struct email_key email;
    if (slice_is(member->name, "phone")) {
        struct phone_key phone = operation_phone_key(call, member->value.string);
        if (phone.key.len)
            value_set(args, "phone_key", value_string(phone.key));
        return phone.key.len > 0;
    }
    if (email_key(&email, member->value.string, call->arena) != EMAIL_OK)
        return false;
    value_set(args, "email_key", value_string(email.key));
    return true;
}

/* Whole values of dates, phone numbers and e-mail addresses; a part of one has no canonical form. */
static bool compares_whole(const struct value *condition)
{
    const struct value *op = value_member(condition, "op");
    return !op || op->kind != VALUE_STRING ||
           (!slice_is(op->string, "contains") && !slice_is(op->string, "prefix") &&
            !slice_is(op->string, "exists"));
}

static bool read_operand(struct operation_call *call, struct value *condition, uint32_t n)
{
    const struct value *field = value_member(condition, "field"), *given = value_member(condition, "value");
    const struct project_config *config = project_config(call->project);
    struct fields_check check;
    struct fault fault;
    if (!field || field->kind != VALUE_STRING || !given || !config || !customer_fields_of(&check, config) ||
        !compares_whole(condition))
        return true; /* the statement says what is wrong with it */
    struct value operand = *given;
    if (!customer_field_operand(&operand, field->string, &check, call->arena, &fault)) {
        struct slice pointer = arena_format(call->arena, "/fields/%u/value", n);
        return refuse(call, arena_string(call->arena, pointer), fault.detail);
    }
    *condition = operation_args(call->arena, condition, 1);
    for (uint32_t i = 0; i < condition->count; i++)
        if (slice_is(condition->members[i].name, "value"))
            condition->members[i].value = operand;
    if (!value_member(condition, "type") && customer_field_is_date(check.fields, field->string))
        value_set(condition, "type", value_string(SLICE("date"))); /* anything else would never match */
    return true;
}

/* Conditions on custom fields, with whole dates, phone numbers and e-mail addresses in canonical form. */
static bool add_fields(struct operation_call *call, const struct value_member *member, struct value *args)
{
    struct value list = value_list(call->arena, member->value.count);
    for (uint32_t i = 0; i < member->value.count; i++) {
        struct value condition = member->value.items[i];
        if (!read_operand(call, &condition, i))
            return false;
        value_append(&list, condition);
    }
    value_set(args, "fields", list);
    return true;
}

static bool is_list(struct slice name)
{
    return slice_is(name, "tags_any") || slice_is(name, "tags_all") || slice_is(name, "tags_none") ||
           slice_is(name, "columns");
}

/* False after it has answered. */
static bool add_param(struct operation_call *call, const struct value_member *member, struct value *args,
                      bool *is_nobody)
{
    if (slice_is(member->name, "phone") || slice_is(member->name, "email")) {
        *is_nobody |= !add_key(call, member, args);
        return true;
    }
    if (slice_is(member->name, "keyword")) {
        add_keyword(call, member->value.string, args);
        return true;
    }
    if (slice_is(member->name, "created_from") || slice_is(member->name, "created_until"))
        return add_moment(call, member, args);
    if (slice_is(member->name, "fields"))
        return add_fields(call, member, args);
    struct value value = member->value;
    if (is_list(member->name) && value.kind == VALUE_STRING && !split(call, member, &value))
        return false;
    args->members[args->count++] = (struct value_member){member->name, value};
    return true;
}

static void answer_nobody(struct operation_call *call)
{
    struct value page = value_map(call->arena, 2);
    value_set(&page, "items", value_list(call->arena, 0));
    value_set(&page, "next", value_null());
    operation_reply(call, 200, &page);
}

/* Each a text of 1 to `max` bytes without control characters, and there once. */
static bool check_texts(struct operation_call *call, const char *name, const struct value *texts, size_t max)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        char pointer[CONFIG_NAME_MAX];
        struct slice text = texts->items[i].string;
        bool good = texts->items[i].kind == VALUE_STRING && text.len && text.len <= max;
        snprintf(pointer, sizeof pointer, "/%s/%u", name, i);
        for (size_t at = 0; good && at < text.len; at++)
            good = (unsigned char)text.ptr[at] >= 0x20 && text.ptr[at] != 0x7f;
        if (!good)
            return refuse(call, pointer, "must be a short text without control characters");
        for (uint32_t j = 0; j < i; j++)
            if (slice_equal(text, texts->items[j].string))
                return refuse(call, pointer, "is in the list twice");
    }
    return true;
}

void operation_list_customers(struct operation_call *call)
{
    struct value args = value_map(call->arena, call->params->count + ARGS_ADDED);
    bool is_nobody = false;
    if (!operation_check_stage(call))
        return;
    for (uint32_t i = 0; i < call->params->count; i++)
        if (!add_param(call, &call->params->members[i], &args, &is_nobody))
            return;
    const struct value *columns = value_member(&args, "columns");
    if (columns && !check_texts(call, "columns", columns, LIST_COLUMN_SIZE_MAX))
        return;
    if (!value_member(call->params, "limit"))
        value_set(&args, "limit", value_int(LIST_LIMIT_DEFAULT));
    if (is_nobody)
        answer_nobody(call);
    else
        operation_sql_run(call, "customer_list", &args, NULL);
}

void operation_put_columns(struct operation_call *call)
{
    if (check_texts(call, "columns", value_member(call->params, "columns"), LIST_COLUMN_SIZE_MAX))
        operation_sql(call);
}

static bool check_tags(struct operation_call *call)
{
    struct slice mode = value_member(call->params, "mode")->string;
    if (!slice_is(mode, "set") && !slice_is(mode, "add") && !slice_is(mode, "remove"))
        return refuse(call, "/mode", "must be set, add or remove");
    return check_texts(call, "tags", value_member(call->params, "tags"), CUSTOMER_TAG_MAX);
}

static void answer_change(struct operation_call *call, unsigned status, struct slice json)
{
    struct project *project = call->project;
    operation_reply_json(call, status, json);
    project_facts_changed(project, NULL, NULL);
}

void operation_tag_customer(struct operation_call *call)
{
    if (check_tags(call))
        operation_sql_run(call, "customer_tags", call->params, answer_change);
}

void operation_tag_customers(struct operation_call *call)
{
    if (check_tags(call))
        operation_batch_facts(call);
}
