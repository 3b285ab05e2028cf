#include "server/operation_explain.h"

#include "proto/decision.h"
#include "server/explain_row.h"
#include "server/project.h"
#include "server/query_params.h"

enum closed_column { OFFER, OPENED_SEQ, AGENT, CLOSED_MS, CAUSE };

/* `why` of a closed interaction: the decision that is explained, and how it closed; VALUE_NULL: not in the
 * tables yet. */
struct why {
    struct operation_call *call;
    struct value closed;
};

static void fail(struct operation_call *call, enum problem_code code, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
}

/* Whose work it must be; empty: anybody's. */
static struct slice reader_of(const struct operation_call *call)
{
    bool anyones = call->principal->role == ROLE_SUPERVISOR || call->principal->role == ROLE_ADMIN;
    return anyones ? (struct slice){NULL, 0} : call->principal->agent;
}

static bool ask(struct operation_call *call, const char *name, const struct query_params *params,
                pg_on_reply on_reply, void *ctx)
{
    struct pg_query query = {
        .name = name, .params = params->items, .param_count = params->count, .binary_result = true};
    if (pg_link_submit(call->app->desk, &query, on_reply, ctx))
        return true;
    fail(call, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the database is away");
    return false;
}

static bool is_answered(struct operation_call *call, const struct pg_reply *reply)
{
    if (reply->outcome == PG_OK)
        return true;
    fail(call, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the journal cannot be read at the moment");
    return false;
}

static void answer_row(struct operation_call *call, const struct pg_reply *reply, const struct value *closed)
{
    struct value document;
    if (!is_answered(call, reply))
        return;
    if (!explain_row(&document, reply, reader_of(call), call->arena)) {
        fail(call, PROBLEM_NOT_FOUND, NULL, "there is no such decision, or it is no longer in the journal");
        return;
    }
    if (closed && closed->kind != VALUE_NULL)
        value_set(&document, "closed", *closed);
    operation_reply(call, 200, &document);
}

static void on_row(void *ctx, const struct pg_reply *reply)
{
    answer_row(ctx, reply, NULL);
}

static void on_why_row(void *ctx, const struct pg_reply *reply)
{
    const struct why *why = ctx;
    answer_row(why->call, reply, &why->closed);
}

static void ask_row(struct operation_call *call, uint64_t sequence, pg_on_reply on_reply, void *ctx)
{
    struct query_params params = {.count = 0};
    params_int(&params, call->principal->project);
    params_number(&params, sequence);
    ask(call, "explain_row", &params, on_reply, ctx);
}

/* An agent's token without an agent sees nobody's work. */
static bool may_read(struct operation_call *call)
{
    bool anyones = call->principal->role == ROLE_SUPERVISOR || call->principal->role == ROLE_ADMIN;
    if (anyones || call->principal->agent.len)
        return true;
    fail(call, PROBLEM_FORBIDDEN, NULL, "the token has no agent");
    return false;
}

void operation_explain_decision(struct operation_call *call)
{
    struct slice text;
    uint64_t sequence;
    if (!may_read(call) || !operation_text(call, "sequence", true, SEQUENCE_DIGITS, &text))
        return;
    if (!sequence_read(&sequence, text) || sequence > INT64_MAX)
        fail(call, PROBLEM_INVALID, "/sequence", "must be a sequence: at most 20 digits");
    else
        ask_row(call, sequence, on_row, call);
}

/* --- An interaction --- */

static struct value closed_of(const struct pg_reply *reply, struct arena *arena)
{
    if (pg_is_null(reply, 0, CLOSED_MS))
        return value_null();
    struct value closed = value_map(arena, 2);
    value_set(&closed, "at_ms", value_int(pg_int64(reply, 0, CLOSED_MS)));
    value_set_text(&closed, "cause", arena_copy(arena, pg_cell(reply, 0, CAUSE)));
    return closed;
}

/* The row that made its last offer, or that let it in: ids say where they were made. */
static void on_closed(void *ctx, const struct pg_reply *reply)
{
    struct why *why = ctx;
    struct operation_call *call = why->call;
    struct slice reader = reader_of(call);
    uint64_t sequence;
    if (!is_answered(call, reply))
        return;
    if (reply->rows != 1 || (reader.len && !slice_equal(reader, pg_cell(reply, 0, AGENT)))) {
        fail(call, PROBLEM_NOT_FOUND, NULL, "there is no such interaction");
        return;
    }
    struct uuid offer = pg_uuid(reply, 0, OFFER);
    if (uuid_is_nil(&offer) || !uuid_derived_seq(&offer, call->principal->project, &sequence))
        sequence = (uint64_t)pg_int64(reply, 0, OPENED_SEQ);
    why->closed = closed_of(reply, call->arena);
    ask_row(call, sequence, on_why_row, why);
}

static void why_closed(struct operation_call *call, const struct uuid *id)
{
    struct query_params params = {.count = 0};
    struct why *why = arena_new(call->arena, struct why);
    why->call = call;
    params_int(&params, call->principal->project);
    params_uuid(&params, id);
    ask(call, "explain_closed", &params, on_closed, why);
}

static bool is_readers(const struct operation_call *call, const struct core *core,
                       const struct interaction *interaction)
{
    struct slice reader = reader_of(call);
    return !reader.len ||
           (interaction->data.agent >= 0 && slice_equal(reader, core->agents[interaction->data.agent].name));
}

void operation_why(struct operation_call *call)
{
    struct uuid id;
    struct value document;
    const struct core *core = project_core(call->project);
    if (!may_read(call) || !operation_uuid(call, "interaction", &id))
        return;
    const struct interaction *open = core ? core_find_interaction(core, &id) : NULL;
    if (!core)
        fail(call, PROBLEM_NOT_OWNER, NULL, "another server owns the project, or will in a moment");
    else if (!open || open->data.state == INTERACTION_CLOSED)
        why_closed(call, &id);
    else if (is_readers(call, core, open) && explain_now(&document, core, open, call->arena))
        operation_reply(call, 200, &document);
    else
        fail(call, PROBLEM_NOT_FOUND, NULL, "there is no such interaction");
}
