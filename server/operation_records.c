#include "server/operation_records.h"

#include "proto/json.h"
#include "server/http.h"
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

static void on_person_erased(struct operation_call *call, unsigned status, struct slice json)
{
    project_facts_changed(call->project, NULL, NULL);
    on_erased(call, status, json);
}

void operation_erase_customer(struct operation_call *call)
{
    operation_sql_run(call, "customer_erase", call->params, on_person_erased);
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
