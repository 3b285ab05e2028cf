/* What an agent gets for what it did: wrap-up, cool-down, misses. Judged in batches of one input, where it is
 * known what was before. */
#include <string.h>

#include "rules/invariant_check.h"

static bool rests_until(int64_t until, int64_t at_ms)
{
    return until != TIME_NEVER && until >= at_ms;
}

/* The longest that the work of an agent which closed in this step grants. */
static int64_t most_wrap_up(const struct check *check, const struct touched *touched, int agent)
{
    int64_t most = 0;
    for (uint32_t i = 0; i < touched->interaction_count; i++) {
        const struct interaction_data *before = touched->interactions[i].before,
                                      *now = &touched->interactions[i].interaction->data;
        if (!before || before->state != INTERACTION_ACTIVE || before->agent != agent || now->queue < 0 ||
            now->state != INTERACTION_CLOSED)
            continue;
        int64_t wrap = check->core->config->queues[now->queue].wrap_up_ms;
        most = wrap > most ? wrap : most;
    }
    return most;
}

/* Work that was active and has closed. */
static void check_wrap_up(const struct check *check, const struct touched *touched,
                          const struct touched_interaction *item)
{
    const struct core *core = check->core;
    const struct interaction_data *before = item->before, *now = &item->interaction->data;
    if (!before || before->state != INTERACTION_ACTIVE || now->state != INTERACTION_CLOSED ||
        before->agent < 0 || now->identity == IDENTITY_BLOCKED)
        return; /* who is blocked when it comes back from somebody gone was not ended by anybody */
    const struct agent *agent = &core->agents[before->agent];
    int64_t wrap = most_wrap_up(check, touched, before->agent);
    const struct touched_agent *holder = touched_agent(touched, agent->name);
    if (!holder)
        check_fail(check, INVARIANT_REST_STARTED, item->interaction, agent,
                   "does not know that it has ended");
    else if (wrap > 0 && !rests_until(agent->data.wrap_until, now->closed_ms + wrap))
        check_fail(check, INVARIANT_REST_STARTED, item->interaction, agent, "no wrap-up of %lld ms",
                   (long long)wrap);
    else if (wrap == 0 && agent->data.wrap_until != holder->before->wrap_until)
        check_fail(check, INVARIANT_REST_STARTED, item->interaction, agent,
                   "a wrap-up that nobody asked for");
}

static void check_missed(const struct check *check, const struct touched_agent *told, enum reject_cause cause,
                         bool missed, int64_t at_ms)
{
    const struct project_config *config = check->core->config;
    const struct agent_data *before = told->before, *now = &told->agent->data;
    int64_t rest = config->cool_down_ms[cause];
    if (rest > 0 && !rests_until(now->cool_until, at_ms + rest))
        check_fail(check, INVARIANT_REST_STARTED, NULL, told->agent, "no cool-down of %lld ms",
                   (long long)rest);
    if (now->misses != before->misses + missed)
        check_fail(check, INVARIANT_MISSES_COUNTED, NULL, told->agent, "%d misses became %d", before->misses,
                   now->misses);
    bool is_out = missed && now->misses >= config->misses && before->state == AGENT_AVAILABLE;
    if (is_out != (now->state == AGENT_NOT_RESPONDING && before->state != AGENT_NOT_RESPONDING))
        check_fail(check, INVARIANT_MISSES_COUNTED, NULL, told->agent, "%d misses, %s", now->misses,
                   agent_state_name(now->state));
}

/* The offer that ended in this step, as its withdrawal says. */
static const struct announcement *first_withdrawn(const struct outcome *outcome)
{
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (a->type == ANNOUNCE_WITHDRAWN)
            return a;
    }
    return NULL;
}

/* Who took it and did not reply by then; NULL: that is not what the timer was for. */
static const struct touched_agent *missed_reply(const struct check *check, const struct touched *touched)
{
    const struct snapshot *snapshot = touched->rows[0].outcome->snapshot;
    const struct touched_interaction *item =
        snapshot ? touched_interaction(touched, &snapshot->interaction) : NULL;
    if (!item || !item->before || item->before->state != INTERACTION_ACTIVE)
        return NULL;
    return touched_agent(touched, check->core->agents[item->before->agent].name);
}

/* Of a renewal alone: the agent's own word, a break or the end of the lease bring it back. */
static void check_renewed(const struct check *check, const struct touched *touched)
{
    const struct input *input = touched->rows[0].input;
    const struct touched_agent *told = touched_agent(touched, input->agent);
    if (!told || told->before->state != AGENT_NOT_RESPONDING || told->before->lease_until == TIME_NEVER ||
        !input->actor.len || input->presence != AGENT_AVAILABLE || !input->lease_ms)
        return;
    if (told->agent->data.state != AGENT_NOT_RESPONDING || told->agent->data.misses != told->before->misses)
        check_fail(check, INVARIANT_MISSES_COUNTED, NULL, told->agent, "%s by a renewed lease",
                   agent_state_name(told->agent->data.state));
    if (told->agent->data.lease_until != input->at_ms + input->lease_ms)
        check_fail(check, INVARIANT_PRESENCE_FITS, NULL, told->agent, "a renewed lease lasts %lld ms",
                   (long long)(told->agent->data.lease_until - input->at_ms));
}

void check_rest(const struct check *check, const struct touched *touched)
{
    if (!touched_is_alone(touched))
        return;
    const struct input *input = touched->rows[0].input;
    const struct outcome *outcome = touched->rows[0].outcome;
    const struct announcement *withdrawn = first_withdrawn(outcome);
    const struct touched_agent *told = withdrawn ? touched_agent(touched, withdrawn->agent) : NULL;
    for (uint32_t i = 0; i < touched->interaction_count; i++)
        check_wrap_up(check, touched, &touched->interactions[i]);
    if (input->kind == INPUT_PRESENCE)
        check_renewed(check, touched);
    if (input->kind == INPUT_REJECT && told)
        check_missed(check, told, input->cause,
                     input->cause == REJECT_NO_ANSWER || input->cause == REJECT_UNREACHABLE, input->at_ms);
    else if (input->kind == INPUT_TIMER && told && slice_is(withdrawn->cause, "timeout"))
        check_missed(check, told, REJECT_NO_ANSWER, true, input->at_ms);
    else if (input->kind == INPUT_TIMER && (told = missed_reply(check, touched)))
        check_missed(check, told, REJECT_NO_ANSWER, true, input->at_ms);
    if (input->kind == INPUT_ACCEPT && outcome->outcome == OUTCOME_ASSIGNED && outcome->announcement_count) {
        told = touched_agent(touched, outcome->snapshot->agent);
        if (!told || told->agent->data.misses != 0)
            check_fail(check, INVARIANT_MISSES_COUNTED, NULL, told ? told->agent : NULL,
                       "misses are left behind an accept");
    }
}
