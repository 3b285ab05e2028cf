#include "server/operation_records.h"

#include "proto/json.h"
#include "server/http.h"
#include "server/operation_contacts.h"
#include "server/operation_sql.h"
#include "server/project.h"

#define STATUS_MOVED 308

static void answer_change(struct operation_call *call, unsigned status, struct slice json)
{
    struct project *project = call->project;
    operation_reply_json(call, status, json);
    project_facts_changed(project, NULL, NULL);
}

void operation_change_facts(struct operation_call *call)
{
    operation_sql_run(call, call->operation->sql, call->params, answer_change);
}

/* --- Erasure --- */

static void erase_page(struct operation_call *call);

static bool is_done(struct operation_call *call, struct slice json)
{
    struct value answer;
    struct fault fault;
    if (!json_read(&answer, json, call->arena, &fault))
        return true;
    const struct value *done = value_member(&answer, "done");
    return !done || done->boolean;
}

static void on_erased(struct operation_call *call, unsigned status, struct slice json)
{
    if (is_done(call, json))
        operation_reply_json(call, status, json);
    else
        erase_page(call);
}

static void erase_page(struct operation_call *call)
{
    struct value args = operation_args(call->arena, call->params, 1);
    value_set(&args, "page", value_int(ERASE_PAGE));
    operation_sql_run(call, "customer_erase_content", &args, on_erased);
}

/* A contact of before, as the log has it: by its key whatever came in another spelling is found. */
static struct value with_key(struct operation_call *call, const struct value *contact)
{
    struct value keyed = operation_args(call->arena, contact, 1);
    struct slice text = value_member(contact, "text")->string;
    struct email_key email = {.key = {NULL, 0}};
    if (slice_is(value_member(contact, "kind")->string, "phone"))
        value_set_text(&keyed, "key", operation_phone_key(call, text).key);
    else if (email_key(&email, text, call->arena) == EMAIL_OK)
        value_set_text(&keyed, "key", email.key);
    return keyed;
}

static void erase_person(struct operation_call *call, const struct value *former);

/* The statement lacks keys: they are made of those contacts that have come without. It keeps those of before.
 */
static bool lacks_keys(struct operation_call *call, struct slice json)
{
    struct value answer;
    struct fault fault;
    if (!json_read(&answer, json, call->arena, &fault)) {
        struct problem problem;
        problem_set(&problem, PROBLEM_INTERNAL, NULL, "what they had before cannot be read");
        operation_fail(call, &problem);
        return true;
    }
    const struct value *unknown = value_member(&answer, "unknown");
    if (!unknown)
        return false;
    struct value former = value_list(call->arena, unknown->count);
    for (uint32_t i = 0; i < unknown->count; i++)
        value_append(&former, with_key(call, &unknown->items[i]));
    erase_person(call, &former);
    return true;
}

static void on_person_erased(struct operation_call *call, unsigned status, struct slice json)
{
    if (lacks_keys(call, json))
        return;
    project_facts_changed(call->project, NULL, NULL);
    on_erased(call, status, json);
}

static void erase_person(struct operation_call *call, const struct value *former)
{
    struct value args = operation_args(call->arena, call->params, 2);
    value_set(&args, "former", *former);
    value_set(&args, "most", value_int(ERASE_KEYS));
    operation_sql_run(call, "customer_erase", &args, on_person_erased);
}

void operation_erase_customer(struct operation_call *call)
{
    struct value none = value_list(call->arena, 0);
    erase_person(call, &none);
}

/* --- Where it went --- */

static void answer_moved(struct operation_call *call, const struct value *customer)
{
    const struct value *id = value_member(customer, "id");
    struct slice project = call->principal->project_name;
    struct slice location = arena_format(call->arena, "/v1/projects/%.*s/customers/%.*s", (int)project.len,
                                         project.ptr, (int)id->string.len, id->string.ptr);
    struct http_header header = {"Location", arena_string(call->arena, location)};
    http_reply(call->transport, STATUS_MOVED, "application/json", json_write(customer, call->arena), &header,
               1);
}

static void on_found(struct operation_call *call, unsigned status, struct slice json)
{
    struct value customer;
    struct fault fault;
    if (status != STATUS_MOVED || !json_read(&customer, json, call->arena, &fault)) {
        operation_reply_json(call, status, json);
        return;
    }
    struct value found = operation_args(call->arena, &customer, 1);
    value_set(&found, "redirected_from", *value_member(call->params, "customer"));
    if (call->over_rpc)
        operation_reply(call, status, &found);
    else
        answer_moved(call, &found);
}

void operation_get_customer(struct operation_call *call)
{
    operation_sql_run(call, "customer_get", call->params, on_found);
}
