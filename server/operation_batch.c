#include "server/operation_batch.h"

#include <stdio.h>

#include "proto/json.h"
#include "server/operation_sql.h"
#include "server/project.h"

struct batch_call {
    struct operation_call call; /* first: what comes back with each answer */
    struct operation_call *asked;
    const struct value *customers;
    uint32_t next; /* customer */
    struct value items;
    bool moves_facts;
};

static void run_chunk(struct batch_call *batch);

static bool refuse(struct operation_call *call, enum problem_code code, const char *pointer,
                   const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

static bool check_customers(struct operation_call *call, const struct value *customers)
{
    struct uuid *ids = arena_array(call->arena, struct uuid, customers->count);
    for (uint32_t i = 0; i < customers->count; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/customers/%u", i);
        if (customers->items[i].kind != VALUE_STRING || !uuid_parse(&ids[i], customers->items[i].string))
            return refuse(call, PROBLEM_INVALID, pointer, "must be a UUID");
        for (uint32_t j = 0; j < i; j++)
            if (uuid_equal(&ids[i], &ids[j]))
                return refuse(call, PROBLEM_INVALID, pointer, "is in the list twice");
    }
    return true;
}

static void finish(struct batch_call *batch)
{
    struct value answer = value_map(batch->call.arena, 1);
    struct project *project = batch->asked->project;
    bool moves_facts = batch->moves_facts;
    value_set(&answer, "items", batch->items);
    operation_reply(batch->asked, 200, &answer); /* and the arena may be gone */
    if (moves_facts)
        project_facts_changed(project, NULL, NULL);
}

static void on_chunk(struct operation_call *call, unsigned status, struct slice json)
{
    struct batch_call *batch = (struct batch_call *)call;
    struct value items;
    struct fault fault;
    (void)status;
    if (!json_read(&items, json, call->arena, &fault) || items.kind != VALUE_LIST ||
        items.count > batch->customers->count - batch->items.count) {
        refuse(batch->asked, PROBLEM_INTERNAL, NULL, "the database gave no items");
        return;
    }
    for (uint32_t i = 0; i < items.count; i++)
        value_append(&batch->items, items.items[i]);
    if (batch->next < batch->customers->count)
        run_chunk(batch);
    else
        finish(batch);
}

static void run_chunk(struct batch_call *batch)
{
    const struct value *params = batch->asked->params;
    uint32_t left = batch->customers->count - batch->next;
    struct value chunk = {.kind = VALUE_LIST,
                          .count = left < BATCH_CHUNK ? left : BATCH_CHUNK,
                          .items = &batch->customers->items[batch->next]};
    struct value args = operation_args(batch->call.arena, params, 0);
    for (uint32_t i = 0; i < args.count; i++)
        if (slice_is(args.members[i].name, "customers"))
            args.members[i].value = chunk;
    batch->next += chunk.count;
    operation_sql_run(&batch->call, batch->call.operation->sql, &args, on_chunk);
}

static void run(struct operation_call *call, bool moves_facts)
{
    struct batch_call *batch = arena_new(call->arena, struct batch_call);
    *batch = (struct batch_call){.call = *call,
                                 .asked = call,
                                 .customers = value_member(call->params, "customers"),
                                 .moves_facts = moves_facts};
    if (!check_customers(call, batch->customers))
        return;
    batch->items = value_list(call->arena, batch->customers->count);
    run_chunk(batch);
}

void operation_batch(struct operation_call *call)
{
    run(call, false);
}

void operation_batch_facts(struct operation_call *call)
{
    run(call, true);
}
