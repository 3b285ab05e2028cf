/* The project of a simulated run: how large it is and what it uses, drawn from the seed; and the versions of
 * its configuration, each worked out from the plan alone. A plan is made smaller by taking something away:
 * what stays is as it was. */
#ifndef RULES_SIM_SIM_PLAN_H
#define RULES_SIM_SIM_PLAN_H

#include "rules/project_config.h"
#include "rules/sim/sim_dice.h"

#define SIM_QUEUES_MAX 5
#define SIM_AGENTS_MAX 8
#define SIM_PARTIES_MAX 12
#define SIM_SUBJECTS_MAX 96 /* conversations, a third of them of each channel */
#define SIM_VERSIONS_MAX 4  /* of the configuration */
#define SIM_SKILLS_MAX 3
#define SIM_RULES_MAX 5
#define SIM_HOURS_MAX 3
#define SIM_START_MS INT64_C(1795000000000)

/* What a plan may use; each can be taken away. */
enum sim_feature {
    SIM_WRAP_UP = 1 << 0,
    SIM_CAPACITY = 1 << 1,  /* other capacities than the default ones */
    SIM_TIMEOUTS = 1 << 2,  /* other offer timeouts, cool-downs, misses, grace */
    SIM_MEMBERS = 1 << 3,   /* not everybody is in every queue */
    SIM_PRIORITY = 1 << 4,  /* of the rules */
    SIM_CREATION = 1 << 5,  /* other creation policies */
    SIM_REMOVALS = 1 << 6,  /* later versions lack a queue or an agent */
    SIM_BLOCKS = 1 << 7,    /* traffic with blocks */
    SIM_PEOPLE = 1 << 8,    /* customers who are known, shared addresses, withheld numbers */
    SIM_FAULTS = 1 << 9,    /* crashes, rollbacks, stacked batches */
    SIM_LATENESS = 1 << 10, /* time passes without its timers, late and doubled inputs */
    SIM_RULES = 1 << 11,    /* more rules than the last one */
    SIM_SKILLS = 1 << 12,   /* rules ask for skills */
    SIM_RELAXATION = 1 << 13,
    SIM_STRATEGIES = 1 << 14,
    SIM_WEIGHTS = 1 << 15,
    SIM_EXCLUSIVE = 1 << 16, /* another set of exclusive channels than calls alone */
    SIM_HOURS = 1 << 17,     /* queues are closed at times */
    SIM_EMPTY = 1 << 18,     /* when_empty */
    SIM_OVERLOAD = 1 << 19,  /* overflow */
    SIM_PREFER = 1 << 20,    /* whom the customer knows */
    SIM_REPLIES = 1 << 21,   /* first_reply, and what agents write */
    SIM_HANDING = 1 << 22,   /* transfer, assign, pull */
    SIM_FEATURES = (1 << 23) - 1,
};

struct sim_plan {
    uint64_t seed;
    uint32_t features; /* bits of enum sim_feature */
    uint32_t queues, agents, parties, subjects, versions;
    uint32_t batch;   /* inputs of a batch at most */
    uint32_t pace_ms; /* between batches at most, mostly */
    bool is_thorough; /* everything is looked at after each input */
};

struct sim_plan sim_plan_draw(uint64_t seed);

/* Names are the plan's for ever, so that they may be borrowed. */
struct slice sim_queue_name(uint32_t queue);
struct slice sim_agent_name(uint32_t agent);
struct slice sim_agent_named(struct slice name); /* the same text, of the plan; asserts that there is one */
struct slice sim_party_phone(uint32_t party);
struct slice sim_party_email(uint32_t party);
struct slice sim_endpoint(enum channel channel, uint32_t queue);

/* Version 1 to plan->versions. Lies in the arena. A rule's `line` is the number of its condition. */
const struct project_config *sim_plan_config(const struct sim_plan *plan, uint32_t version,
                                             struct arena *arena);
/* Gives back what its rules hold. */
void sim_config_close(const struct project_config *config);
/* What of it is not the default, a line each. */
struct slice sim_plan_text(const struct sim_plan *plan, const struct project_config *config,
                           struct arena *arena);

#endif
