/* What the batch announced, followed step by step, ends where the state is now: nothing changes untold, and
 * what is told is one offer at a time. */
#include "rules/invariant_check.h"

static void tell_agent(const struct check *check, struct touched *touched,
                       const struct announcement *announcement)
{
    struct touched_agent *told = touched_agent(touched, announcement->agent);
    if (!told) {
        check_fail(check, INVARIANT_AGENTSEQUENCE_GAPLESS, NULL, NULL, "%s told to one who did not change",
                   announcement_type_name(announcement->type));
        return;
    }
    if (announcement->agentsequence != ++told->sequence)
        check_fail(check, INVARIANT_AGENTSEQUENCE_GAPLESS, NULL, told->agent, "%llu where %llu comes next",
                   (unsigned long long)announcement->agentsequence, (unsigned long long)told->sequence);
    told->offers += announcement->type == ANNOUNCE_OFFERED;
}

/* Whether an interaction that was told to be `from` may be told this next. */
static bool may_follow(const struct touched_interaction *told, enum announcement_type type,
                       const struct snapshot *now)
{
    bool is_open = told->told != INTERACTION_CLOSED || (!told->before && !told->is_told);
    switch (type) {
    case ANNOUNCE_OFFERED:
        return is_open && told->told != INTERACTION_OFFERED && now->state == INTERACTION_OFFERED;
    case ANNOUNCE_WITHDRAWN:
        return told->told == INTERACTION_OFFERED && uuid_equal(&now->offer, &told->told_offer);
    case ANNOUNCE_QUEUED:
        return is_open && told->told != INTERACTION_OFFERED && now->state == INTERACTION_QUEUED;
    case ANNOUNCE_ASSIGNED: /* who has it is told first that it is gone */
        return is_open && now->state == INTERACTION_ACTIVE &&
               (told->told != INTERACTION_ACTIVE || !told->told_agent.len);
    case ANNOUNCE_MESSAGE:
    case ANNOUNCE_CUSTOMER:
        return is_open;
    case ANNOUNCE_ENDED:
    case ANNOUNCE_BLOCKED:
        return is_open && told->told != INTERACTION_OFFERED && now->state == INTERACTION_CLOSED;
    case ANNOUNCE_PRESENCE:
        return false;
    }
    return false;
}

static void tell_interaction(const struct check *check, struct touched *touched, const struct input *input,
                             const struct announcement *announcement)
{
    const struct snapshot *now = announcement->snapshot;
    struct touched_interaction *told = touched_interaction(touched, &now->interaction);
    if (announcement->type == ANNOUNCE_MESSAGE && !told)
        return;
    if (!told) {
        check_fail(check, INVARIANT_CHANGES_TOLD, NULL, NULL, "%s of one that did not change",
                   announcement_type_name(announcement->type));
        return;
    }
    if (!may_follow(told, announcement->type, now))
        check_fail(check, INVARIANT_STATE_MOVES, told->interaction, NULL, "%s when it was told to be %s",
                   announcement_type_name(announcement->type), interaction_state_name(told->told));
    told->is_told = true;
    told->told_customer = now->customer;
    if (announcement->type == ANNOUNCE_MESSAGE || announcement->type == ANNOUNCE_CUSTOMER)
        return;
    if (announcement->type == ANNOUNCE_OFFERED)
        told->offered_by = input;
    bool is_back = announcement->type == ANNOUNCE_WITHDRAWN;
    told->told = is_back ? INTERACTION_QUEUED : now->state;
    told->told_offer = is_back ? (struct uuid){{0}} : now->offer;
    told->told_agent = is_back ? (struct slice){NULL, 0} : now->agent;
}

static bool is_told_right(const struct check *check, const struct touched_interaction *told)
{
    const struct interaction_data *now = &told->interaction->data;
    struct slice agent = {NULL, 0};
    if (!told->before && !told->is_told)
        return false;
    if (check_is_held(now))
        agent = check->core->agents[now->agent].name;
    if (told->told != now->state || !slice_equal(told->told_agent, agent))
        return false;
    return now->state == INTERACTION_CLOSED || uuid_equal(&told->told_offer, &now->offer);
}

static const struct announcement *last_presence(const struct touched *touched, const struct agent *agent)
{
    const struct announcement *last = NULL;
    for (size_t i = 0; i < touched->row_count; i++) {
        for (const struct announcement *a = touched->rows[i].outcome->announcements; a; a = a->next) {
            if (a->type == ANNOUNCE_PRESENCE && slice_equal(a->agent, agent->name))
                last = a;
        }
    }
    return last;
}

void check_told(const struct check *check, struct touched *touched)
{
    for (size_t i = 0; i < touched->row_count; i++) {
        for (const struct announcement *a = touched->rows[i].outcome->announcements; a; a = a->next) {
            if (a->agent.len)
                tell_agent(check, touched, a);
            if (a->snapshot)
                tell_interaction(check, touched, touched->rows[i].input, a);
        }
    }
    for (uint32_t i = 0; i < touched->interaction_count; i++) {
        const struct touched_interaction *told = &touched->interactions[i];
        if (!uuid_equal(&told->told_customer, &told->interaction->data.customer))
            check_fail(check, INVARIANT_CHANGES_TOLD, told->interaction, NULL, "is about another than told");
        if (!is_told_right(check, told))
            check_fail(check, INVARIANT_CHANGES_TOLD, told->interaction, NULL, "is %s, told to be %s",
                       interaction_state_name(told->interaction->data.state),
                       interaction_state_name(told->told));
    }
    for (uint32_t i = 0; i < touched->agent_count; i++) {
        const struct touched_agent *told = &touched->agents[i];
        const struct agent_data *now = &told->agent->data;
        if (told->sequence != now->agentsequence)
            check_fail(check, INVARIANT_AGENTSEQUENCE_GAPLESS, NULL, told->agent, "stands at %llu, told %llu",
                       (unsigned long long)now->agentsequence, (unsigned long long)told->sequence);
        if (now->state == told->before->state)
            continue;
        const struct announcement *last = last_presence(touched, told->agent);
        if (!last || last->state != now->state)
            check_fail(check, INVARIANT_CHANGES_TOLD, NULL, told->agent, "is %s and was not told so",
                       agent_state_name(now->state));
    }
}
