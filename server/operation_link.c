/* The core learns it through the journal (INPUT_LINK, docs/journal.md), with what the customer looked like.
 * That is read first, together with the version of the facts: if they have moved on by the time of the
 * decision, it is read again. */
#include "server/operation_link.h"

#include <assert.h>
#include <string.h>

#include "proto/json.h"
#include "server/intake.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"
#include "server/project.h"

#define WITHIN "/create"

struct link_call {
    struct operation_call call; /* first: what comes back with each answer of a statement */
    struct operation_call *asked;
    struct intake_request request;
    struct customer_fact customer;
    struct value id; /* of the customer */
    bool is_created;
    unsigned tries;
};

static void read_customer(struct link_call *link);

static void fail(struct operation_call *call, enum problem_code code, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
}

static bool acts_for_anyone(const struct operation_call *call)
{
    return call->principal->role == ROLE_SUPERVISOR || call->principal->role == ROLE_ADMIN;
}

static void on_linked(struct intake_request *request)
{
    struct link_call *link = request->ctx;
    if (request->is_outdated && ++link->tries < OPERATION_SQL_TRIES)
        read_customer(link);
    else if (request->refused)
        operation_fail(link->asked, &request->problem);
    else
        operation_reply(link->asked, link->is_created ? 201 : 200, &request->answer);
}

static struct slice text_of(const struct value *map, const char *name)
{
    const struct value *text = value_member(map, name);
    return text && text->kind == VALUE_STRING ? text->string : (struct slice){NULL, 0};
}

static int64_t number_of(const struct value *map, const char *name, int64_t fallback)
{
    const struct value *number = value_member(map, name);
    return number && number->kind == VALUE_INT ? number->integer : fallback;
}

static void take_fact(struct link_call *link, const struct value *found)
{
    struct customer_fact *fact = &link->customer;
    const struct value *tags = value_member(found, "tags"), *fields = value_member(found, "fields");
    *fact = (struct customer_fact){.name = text_of(found, "name"),
                                   .owner = text_of(found, "owner"),
                                   .stage = text_of(found, "stage"),
                                   .source = text_of(found, "source"),
                                   .last_agent = text_of(found, "last_agent"),
                                   .last_ms = number_of(found, "last_ms", TIME_NEVER)};
    bool is_id = uuid_parse(&fact->id, link->id.string);
    assert(is_id); /* it was found by it */
    fact->tags = arena_array(link->call.arena, struct slice, tags->count);
    for (uint32_t i = 0; i < tags->count; i++)
        fact->tags[fact->tag_count++] = tags->items[i].string;
    if (fields && fields->kind == VALUE_MAP)
        fact->fields = *fields;
}

/* For the customers' log: who did it and from where. */
static struct slice log_entry(const struct operation_call *call)
{
    struct value entry = value_map(call->arena, 3);
    value_set(&entry, "actor", value_string(operation_author(call)));
    value_set(&entry, "role", value_string(slice_of(role_name(call->principal->role))));
    value_set(&entry, "origin", operation_origin(call));
    return json_write(&entry, call->arena);
}

static void on_customer(struct operation_call *call, unsigned status, struct slice json)
{
    struct link_call *link = (struct link_call *)call;
    struct intake_request *request = &link->request;
    struct value found;
    struct fault fault;
    (void)status;
    if (!json_read(&found, json, call->arena, &fault) || !value_member(&found, "tags")) {
        fail(link->asked, PROBLEM_INTERNAL, NULL, "the customer cannot be read");
        return;
    }
    take_fact(link, &found);
    *request = (struct intake_request){.arena = call->arena,
                                       .on_done = on_linked,
                                       .ctx = link,
                                       .linked = &link->customer,
                                       .linked_version = (uint64_t)number_of(&found, "facts_version", 0),
                                       .link = log_entry(link->asked)};
    request->input.kind = INPUT_LINK;
    if (!acts_for_anyone(call))
        request->input.actor = call->principal->agent;
    if (link->tries == OPERATION_SQL_TRIES - 1)
        request->linked_version = UINT64_MAX; /* a moment old: better than never, where edits do not pause */
    if (operation_uuid(link->asked, "interaction", &request->input.interaction))
        intake_submit(call->project, request);
}

static void read_customer(struct link_call *link)
{
    struct value args = value_map(link->call.arena, 3);
    value_set(&args, "interaction", *value_member(link->asked->params, "interaction"));
    value_set(&args, "customer", link->id);
    value_set(&args, "is_created", value_bool(link->is_created));
    operation_sql_run(&link->call, "link_customer", &args, on_customer);
}

/* --- A customer that is made for it --- */

static void on_created(struct operation_call *call, unsigned status, struct slice json)
{
    struct link_call *link = (struct link_call *)call;
    struct value customer;
    struct fault fault;
    const struct value *id;
    (void)status;
    if (!json_read(&customer, json, call->arena, &fault) || !(id = value_member(&customer, "id"))) {
        fail(link->asked, PROBLEM_INTERNAL, NULL, "the customer cannot be read");
        return;
    }
    project_facts_changed(call->project, NULL, NULL);
    link->id = *id;
    link->is_created = true;
    call->within = NULL;
    read_customer(link);
}

static void on_held(struct operation_call *call, unsigned status, struct slice json)
{
    struct value args;
    (void)status;
    (void)json;
    call->within = WITHIN;
    if (operation_customer_args(call, true, &args))
        operation_sql_run(call, "customer_create", &args, on_created);
}

static const struct operation *find_create(void)
{
    const struct operation *operation = operations;
    while (!operation->rpc || strcmp(operation->rpc, "customer.create") != 0)
        operation++;
    return operation;
}

/* Nothing is made for an interaction that is not the caller's to link. */
static void create(struct link_call *link, const struct value *given)
{
    struct value args = operation_args(link->call.arena, link->asked->params, 0);
    link->call.operation = find_create();
    link->call.within = WITHIN;
    if (!operation_check_params(&link->call, given))
        return;
    link->call.within = NULL;
    operation_sql_run(&link->call, "interaction_held", &args, on_held);
}

void operation_link_customer(struct operation_call *call)
{
    const struct value *customer = value_member(call->params, "customer");
    const struct value *given = value_member(call->params, "create");
    struct link_call *link = arena_new(call->arena, struct link_call);
    *link = (struct link_call){.call = *call, .asked = call};
    if (!acts_for_anyone(call) && !call->principal->agent.len) {
        fail(call, PROBLEM_FORBIDDEN, NULL, "the token has no agent");
    } else if (!customer == !given) {
        fail(call, PROBLEM_INVALID, "/customer", "needs a customer or create, one of them");
    } else if (given) {
        create(link, given);
    } else {
        link->id = *customer;
        read_customer(link);
    }
}
