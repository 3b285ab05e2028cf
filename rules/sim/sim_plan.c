#include "rules/sim/sim_plan.h"

#include <assert.h>

static const char *const queue_names[SIM_QUEUES_MAX] = {"support", "mail", "chat", "sales", "billing"};
static const char *const agent_names[SIM_AGENTS_MAX] = {"anna", "ben",  "carl", "dora",
                                                        "emil", "fred", "gina", "hans"};
static const char *const phones[SIM_PARTIES_MAX] = {"+4930100", "+4930101", "+4930102", "+4940103",
                                                    "+4940104", "+4940105", "+4950106", "+4950107",
                                                    "+4950108", "+4960109", "+4960110", "+4960111"};
static const char *const emails[SIM_PARTIES_MAX] = {
    "p0@a.example", "p1@a.example", "p2@a.example", "p3@b.example", "p4@b.example",  "p5@b.example",
    "p6@c.example", "p7@c.example", "p8@c.example", "p9@d.example", "p10@d.example", "p11@d.example"};
static const char *const endpoints[CHANNEL_COUNT][SIM_QUEUES_MAX] = {
    {"+49309000", "+49309001", "+49309002", "+49309003", "+49309004"},
    {"web0", "web1", "web2", "web3", "web4"},
    {"q0@x.example", "q1@x.example", "q2@x.example", "q3@x.example", "q4@x.example"}};

struct slice sim_queue_name(uint32_t queue)
{
    return slice_of(queue_names[queue]);
}

struct slice sim_agent_name(uint32_t agent)
{
    return slice_of(agent_names[agent]);
}

struct slice sim_agent_named(struct slice name)
{
    uint32_t agent = 0;
    while (agent < SIM_AGENTS_MAX && !slice_is(name, agent_names[agent]))
        agent++;
    assert(agent < SIM_AGENTS_MAX);
    return slice_of(agent_names[agent]);
}

struct slice sim_party_phone(uint32_t party)
{
    return slice_of(phones[party]);
}

struct slice sim_party_email(uint32_t party)
{
    return slice_of(emails[party]);
}

struct slice sim_endpoint(enum channel channel, uint32_t queue)
{
    return slice_of(endpoints[channel][queue]);
}

struct sim_plan sim_plan_draw(uint64_t seed)
{
    static const uint32_t paces[] = {50, 400, 3000, 20000, 90000};
    struct sim_dice dice = sim_dice_of(seed, 0);
    struct sim_plan plan = {.seed = seed};
    plan.features = (uint32_t)sim_dice_next(&dice) | (uint32_t)sim_dice_next(&dice);
    plan.features &= SIM_FEATURES;
    plan.queues = 1 + sim_dice_roll(&dice, SIM_QUEUES_MAX);
    plan.agents = 1 + sim_dice_roll(&dice, SIM_AGENTS_MAX);
    plan.parties = 2 + sim_dice_roll(&dice, SIM_PARTIES_MAX - 1);
    plan.subjects = 3 * (1 + sim_dice_roll(&dice, SIM_SUBJECTS_MAX / 3));
    plan.versions = sim_dice_chance(&dice, 3) ? 1 : 1 + sim_dice_roll(&dice, SIM_VERSIONS_MAX);
    plan.batch = sim_dice_chance(&dice, 2) ? 1 : 1 + sim_dice_roll(&dice, 8);
    plan.pace_ms = paces[sim_dice_roll(&dice, sizeof paces / sizeof *paces)];
    plan.is_thorough = sim_dice_chance(&dice, 8);
    return plan;
}
