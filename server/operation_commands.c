#include "server/operation_commands.h"

#include "server/intake.h"
#include "server/operation_sql.h"
#include "server/project.h"

static void fail(struct operation_call *call, enum problem_code code, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
}

static void on_done(struct intake_request *request)
{
    if (request->refused)
        operation_fail(request->ctx, &request->problem);
    else
        operation_reply(request->ctx, 200, &request->answer);
}

/* A call comes with what is to be said. */
static void add_script(struct operation_call *call, struct value *answer)
{
    const struct project_config *config = project_config(call->project);
    const struct value *screen = value_member(answer, "screen"), *queue = value_member(answer, "queue");
    if (!config || !screen || !slice_is(screen->string, "script") || !queue)
        return;
    const struct script_config *script = config_find_script(config, queue->string);
    if (!script)
        return;
    struct value told = value_map(call->arena, 2);
    value_set(&told, "name", value_string(script->name));
    value_set(&told, "text", value_string(script->text));
    *answer = operation_args(call->arena, answer, 1);
    value_set(answer, "script", told);
}

static void on_taken(struct intake_request *request)
{
    if (!request->refused)
        add_script(request->ctx, &request->answer);
    on_done(request);
}

/* Supervisors and admins do; everybody else acts as the agent that the token names. */
static bool acts_for_anyone(const struct operation_call *call)
{
    return call->principal->role == ROLE_SUPERVISOR || call->principal->role == ROLE_ADMIN;
}

/* The core takes an empty actor for somebody who may act for anyone. */
static bool check_actor(struct operation_call *call)
{
    if (acts_for_anyone(call) || call->principal->agent.len)
        return true;
    fail(call, PROBLEM_FORBIDDEN, NULL, "the token has no agent");
    return false;
}

static struct intake_request *make_request(struct operation_call *call, enum input_kind kind)
{
    struct intake_request *request = arena_new(call->arena, struct intake_request);
    request->arena = call->arena;
    request->on_done = on_done;
    request->ctx = call;
    request->input.kind = kind;
    if (!acts_for_anyone(call))
        request->input.actor = call->principal->agent;
    return request;
}

static bool presence_parse(enum agent_state *out, struct slice name)
{
    static const enum agent_state settable[] = {AGENT_OFFLINE, AGENT_AVAILABLE, AGENT_BREAK};
    for (size_t i = 0; i < sizeof settable / sizeof settable[0]; i++) {
        if (slice_is(name, agent_state_name(settable[i]))) {
            *out = settable[i];
            return true;
        }
    }
    return false;
}

void operation_set_presence(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_PRESENCE);
    struct input *input = &request->input;
    struct slice state;
    int64_t lease;
    if (!operation_text(call, "agent", false, CONFIG_NAME_MAX, &input->agent) ||
        !operation_text(call, "state", true, CONFIG_NAME_MAX, &state) ||
        !operation_text(call, "reason", false, PRESENCE_REASON_MAX, &input->reason) ||
        !operation_int(call, "lease", 0, PRESENCE_LEASE_MAX_S, PRESENCE_LEASE_DEFAULT_S, &lease))
        return;
    if (!presence_parse(&input->presence, state)) {
        fail(call, PROBLEM_INVALID, "/state", "must be available, break or offline");
        return;
    }
    if (input->agent.len == 0)
        input->agent = call->principal->agent;
    if (input->agent.len == 0) {
        fail(call, PROBLEM_INVALID, "/agent", "is required: the token has no agent");
        return;
    }
    if (!acts_for_anyone(call) && !slice_equal(input->agent, call->principal->agent)) {
        fail(call, PROBLEM_FORBIDDEN, NULL, "an agent's token sets the presence of that agent alone");
        return;
    }
    input->lease_ms = lease * 1000;
    intake_submit(call->project, request);
}

/* Only somebody who takes interactions can answer an offer: the token must have an agent. */
static bool answer_as_agent(struct operation_call *call, struct intake_request *request)
{
    if (!operation_uuid(call, "offer", &request->input.offer))
        return false;
    request->input.actor = call->principal->agent;
    if (call->principal->agent.len)
        return true;
    fail(call, PROBLEM_FORBIDDEN, NULL, "only an agent can answer an offer, and the token has none");
    return false;
}

void operation_accept_offer(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_ACCEPT);
    request->on_done = on_taken;
    if (answer_as_agent(call, request))
        intake_submit(call->project, request);
}

void operation_reject_offer(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_REJECT);
    struct slice cause;
    if (!answer_as_agent(call, request) || !operation_text(call, "cause", false, CONFIG_NAME_MAX, &cause))
        return;
    request->input.cause = REJECT_REJECT;
    if (cause.len && !reject_cause_parse(&request->input.cause, cause)) {
        fail(call, PROBLEM_INVALID, "/cause", "must be reject, busy, no_answer or unreachable");
        return;
    }
    intake_submit(call->project, request);
}

/* To a queue or to an agent, one of them. */
void operation_transfer_interaction(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_TRANSFER);
    struct input *input = &request->input;
    if (!check_actor(call) || !operation_uuid(call, "interaction", &input->interaction) ||
        !operation_text(call, "queue", false, CONFIG_NAME_MAX, &input->queue) ||
        !operation_text(call, "agent", false, CONFIG_NAME_MAX, &input->agent) ||
        !operation_bool(call, "keep_age", true, &input->keep_age))
        return;
    if (!input->queue.len == !input->agent.len)
        fail(call, PROBLEM_INVALID, "/queue", "needs a queue or an agent, one of them");
    else
        intake_submit(call->project, request);
}

void operation_assign_interaction(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_ASSIGN);
    if (operation_uuid(call, "interaction", &request->input.interaction) &&
        operation_text(call, "agent", true, CONFIG_NAME_MAX, &request->input.agent))
        intake_submit(call->project, request);
}

void operation_pull_interaction(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_PULL);
    request->on_done = on_taken;
    request->input.agent = request->input.actor = call->principal->agent;
    if (!call->principal->agent.len)
        fail(call, PROBLEM_FORBIDDEN, NULL, "only an agent can take work, and the token has none");
    else if (operation_uuid(call, "interaction", &request->input.interaction))
        intake_submit(call->project, request);
}

void operation_end_interaction(struct operation_call *call)
{
    struct intake_request *request = make_request(call, INPUT_END);
    if (check_actor(call) && operation_uuid(call, "interaction", &request->input.interaction))
        intake_submit(call->project, request);
}
