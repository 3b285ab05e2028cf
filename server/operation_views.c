#include "server/operation_views.h"

#include "proto/json.h"
#include "server/operation_sql.h"
#include "server/project.h"
#include "server/waits.h"

void operation_list_interactions(struct operation_call *call)
{
    static const char *const states[] = {"open", "queued", "offered", "active", "closed"};
    const struct value *state = value_member(call->params, "state");
    bool known = !state;
    for (size_t i = 0; !known && i < sizeof states / sizeof states[0]; i++)
        known = slice_is(state->string, states[i]);
    if (known) {
        operation_sql(call);
        return;
    }
    struct problem problem;
    problem_set(&problem, PROBLEM_INVALID, "/state", "must be open, queued, offered, active or closed");
    operation_fail(call, &problem);
}

/* Of what waits in the core, if this router has it: the tables know no order. */
static void set_wait(struct operation_call *call, struct value *answer, const struct uuid *id)
{
    const struct core *core = call->project ? project_core(call->project) : NULL;
    const struct interaction *interaction = core ? core_find_interaction(core, id) : NULL;
    uint32_t position = interaction ? core_position(core, interaction) : 0;
    int64_t wait = position ? project_estimated_wait(call->project, interaction, position) : WAITS_UNKNOWN;
    value_set(answer, "position", position ? value_int(position) : value_null());
    value_set(answer, "estimated_wait_ms", wait == WAITS_UNKNOWN ? value_null() : value_int(wait));
}

static void on_interaction(struct operation_call *call, unsigned status, struct slice json)
{
    struct value document;
    struct fault fault;
    struct uuid id;
    if (!json_read(&document, json, call->arena, &fault) || !operation_uuid(call, "interaction", &id)) {
        operation_reply_json(call, status, json);
        return;
    }
    struct value answer = operation_args(call->arena, &document, 2);
    set_wait(call, &answer, &id);
    operation_reply(call, status, &answer);
}

void operation_get_interaction(struct operation_call *call)
{
    operation_sql_run(call, "interaction_get", call->params, on_interaction);
}
