/* One agent: its presence, its load, and where it stands ready. */
#include <string.h>

#include "rules/invariant_check.h"

static void check_load(const struct check *check, const struct agent *agent)
{
    int32_t load[CHANNEL_COUNT] = {0};
    for (const struct rank_node *node = rank_first(&agent->work); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        load[interaction->channel]++;
        if (!check_is_held(&interaction->data) ||
            interaction->data.agent != (int)(agent - check->core->agents))
            check_fail(check, INVARIANT_AMONG_WORK, interaction, agent, "another's work");
        if (agent->data.state == AGENT_NOT_RESPONDING && interaction->data.state == INTERACTION_OFFERED)
            check_fail(check, INVARIANT_PRESENCE_FITS, interaction, agent, "not responding, and still asked");
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (load[channel] != agent->data.load[channel])
            check_fail(check, INVARIANT_LOAD_COUNTED, NULL, agent, "%s: holds %d, counts %d",
                       channel_name((enum channel)channel), load[channel], agent->data.load[channel]);
    }
}

static void check_presence(const struct check *check, const struct agent *agent)
{
    const struct agent_data *data = &agent->data;
    const char *why = NULL;
    if (data->state > AGENT_NOT_RESPONDING)
        check_fail(check, INVARIANT_PRESENCE_FITS, NULL, agent, "%d is no state", (int)data->state);
    else if (data->state == AGENT_OFFLINE && data->lease_until != TIME_NEVER)
        why = "offline with a lease";
    else if (data->lease_until != TIME_NEVER && data->lease_ms <= 0)
        why = "a lease without length";
    else if (data->grace_until != TIME_NEVER && data->state != AGENT_OFFLINE)
        why = "a grace without being offline";
    else if (data->misses < 0 || !memchr(data->reason, 0, sizeof data->reason))
        why = "misses below 0 or a reason without end";
    if (why)
        check_fail(check, INVARIANT_PRESENCE_FITS, NULL, agent, "%s: %s", agent_state_name(data->state), why);
}

static void check_config(const struct check *check, const struct agent *agent)
{
    const struct core *core = check->core;
    uint32_t index = (uint32_t)(agent - core->agents);
    if (index && slice_compare(core->agents[index - 1].name, agent->name) >= 0)
        check_fail(check, INVARIANT_AGENT_OF_CONFIG, NULL, agent, "not behind the one before");
    if (agent->config != config_find_agent(core->config, agent->name))
        check_fail(check, INVARIANT_AGENT_OF_CONFIG, NULL, agent, "has the configuration of another");
}

static void check_timer(const struct check *check, const struct agent *agent)
{
    int64_t due = able_agent_due(&agent->data);
    bool linked = agent->timer.linked;
    if ((due != TIME_NEVER) != linked || (linked && agent->timer.rank.first != due) ||
        (linked && !check_stands_in(&check->core->timers, &agent->timer, &agent->timer.rank)))
        check_fail(check, INVARIANT_TIMER_OF_AGENT, NULL, agent, "due and timer differ");
    if (!check->has_due && due <= check->core->at_ms)
        check_fail(check, INVARIANT_NOTHING_OVERDUE, NULL, agent, "due %lld ms ago",
                   (long long)(check->core->at_ms - due));
}

void check_agent(const struct check *check, const struct agent *agent)
{
    check_load(check, agent);
    check_presence(check, agent);
    check_config(check, agent);
    check_timer(check, agent);
    check_ready(check, agent);
}
