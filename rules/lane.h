/* Lanes: a queue together with what is asked for there. Work that asks for the same waits in one lane, and an
 * agent stands ready in the lanes of its queues whose skills it has: so who is next is the first of an
 * ordered set, whatever the skills. Which lanes there can be follows from the configuration alone: what each
 * rule asks for in the queues that it can lead to, what relaxation makes of that, and nothing at all. */
#ifndef RULES_LANE_H
#define RULES_LANE_H

#include "rules/arena.h"
#include "rules/project_config.h"

struct lane {
    uint16_t queue;
    struct config_skills needs;
    const uint8_t *meets; /* 1 for each member of the queue who has the skills, in the order of its members */
};

/* What one requirement becomes from step to step of a queue's relaxation. */
struct lane_steps {
    uint32_t set;    /* lane_table.rule_sets */
    uint32_t *lanes; /* relax_count + 1 */
};

struct lane_queue {
    uint32_t first_lane, lane_count;
    struct lane_steps *steps; /* by set; the first is 0: nothing asked for */
    uint32_t step_count;
    uint32_t *members; /* agents of the configuration, as the file lists them */
    uint32_t member_count;
};

/* A lane that an agent may stand in. */
struct lane_place {
    uint32_t lane;
    int32_t score; /* sum of its levels in what the lane asks for */
};

struct lane_agent {
    struct lane_place *places; /* by lane */
    uint32_t count;
};

struct lane_table {
    const struct project_config *config;
    struct arena arena;
    struct lane *lanes;
    uint32_t count;
    struct lane_queue *queues; /* as the configuration's */
    struct lane_agent *agents; /* as the configuration's */
    uint32_t *rule_sets;       /* rules that ask for the same have the same number; 0: for nothing */
};

/* `config` is borrowed. */
void lanes_init(struct lane_table *lanes, const struct project_config *config);
void lanes_deinit(struct lane_table *lanes);

/* Where work of a rule (-1: nothing is asked for) waits in a queue once `step` steps of its relaxation are
 * behind it. */
uint32_t lanes_find(const struct lane_table *lanes, int queue, int rule, int32_t step);
/* The steps of a queue's relaxation that an age has behind it. */
int32_t lanes_step(const struct lane_table *lanes, int queue, int64_t age_ms);
/* The age from which on it waits in another lane than at `step`; TIME_NEVER: never again. */
int64_t lanes_next_age(const struct lane_table *lanes, int queue, int rule, int32_t step);
/* The least that it can come to ask for. */
uint32_t lanes_loosest(const struct lane_table *lanes, int queue, int rule);
/* The place of an agent in a lane, or -1. */
int lanes_place(const struct lane_table *lanes, int agent, uint32_t lane);

#endif
