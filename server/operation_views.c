#include "server/operation_views.h"

#include "server/operation_sql.h"

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
