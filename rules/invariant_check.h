/* Private to rules/invariant*.c: one look at a core. */
#ifndef RULES_INVARIANT_CHECK_H
#define RULES_INVARIANT_CHECK_H

#include "rules/core_state.h"
#include "rules/invariant.h"

struct check {
    struct findings *findings;
    const struct core *core;
    struct arena *scratch;
    bool has_due; /* something is due by now and comes with the next timer: times may be over */
};

struct check check_begin(struct findings *findings, const struct core *core, struct arena *scratch);

/* Interaction and agent may be NULL. */
void check_fail(const struct check *check, enum invariant invariant, const struct interaction *interaction,
                const struct agent *agent, const char *format, ...) __attribute__((format(printf, 5, 6)));

void check_interaction(const struct check *check, const struct interaction *interaction);
/* Of one that waits (invariant_way.c): held while its queue is closed, not left behind by everybody. */
void check_held(const struct check *check, const struct interaction *interaction);
void check_left(const struct check *check, const struct interaction *interaction);
void check_agent(const struct check *check, const struct agent *agent);
void check_trees(const struct check *check);
void check_tables(const struct check *check);
/* Everybody who waits against every agent: quadratic. */
void check_waiting(const struct check *check);

struct able_needs;
/* Lanes (invariant_lane.c). */
void check_lane(const struct check *check, const struct interaction *interaction);
uint32_t check_find_lane(const struct core *core, const struct able_needs *needs); /* count: there is none */
void check_ready(const struct check *check, const struct agent *agent);
void check_counts(const struct check *check);

/* Whether the node stands in that tree, at that rank. */
bool check_stands_in(const struct rank_tree *tree, const struct rank_node *node, const struct rank *rank);

/* --- The six tests and the order among those who pass them, as the documentation says it: invariant_able.c
 * --- */

/* What is asked for in a queue by a rule (-1: nothing) behind so many steps of its relaxation. */
struct able_needs {
    int queue, rule;
    int32_t step;
};
struct able_needs able_needs_of(const struct interaction_data *data);
const struct config_skills *able_skills(const struct core *core,
                                        const struct able_needs *needs); /* before step */
int32_t able_level(const struct core *core, const struct able_needs *needs, uint16_t skill);
bool able_same_step(const struct core *core, const struct able_needs *needs, int32_t step);
int32_t able_step_at(const struct core *core, const struct interaction_data *data, int64_t at_ms);

bool able_is_present(const struct agent *agent, const struct agent_data *data);
bool able_is_rested(const struct agent_data *data);
/* Capacity, and nothing held that excludes everything else. */
bool able_has_room(const struct core *core, const struct agent *agent, const struct agent_data *data,
                   enum channel channel);
bool able_is_member(const struct core *core, const struct agent *agent, int queue);
bool able_is_skilled(const struct core *core, const struct agent *agent, const struct able_needs *needs);
bool able_is_skilled_for(const struct core *core, const struct agent *agent,
                         const struct config_skills *asked);
bool able_is_excluded(const struct core *core, const struct agent *agent,
                      const struct interaction_data *data);
/* All of them. */
bool able_to_take(const struct core *core, const struct agent *agent, const struct interaction *interaction);
/* Where the agent stands among those who can take it: lower first. */
struct rank able_rank(const struct core *core, const struct agent *agent, const struct agent_data *data,
                      const struct lane *lane, enum channel channel);
/* Where it stands among what waits. */
struct rank able_waiting_rank(const struct core *core, const struct interaction *interaction,
                              const struct interaction_data *data);
/* When the interaction, the agent, needs a timer next; TIME_NEVER: not at all. */
int64_t able_due(const struct core *core, const struct interaction *interaction);
int64_t able_agent_due(const struct agent_data *data);

bool check_is_held(const struct interaction_data *data); /* by an agent: offered or active */

/* --- What a batch touched (invariant_touched.c) --- */

struct touched_interaction {
    const struct interaction *interaction;
    const struct interaction_data *before; /* NULL: made in this batch */
    /* As the announcements of the batch have told it so far. */
    enum interaction_state told;
    struct uuid told_offer;
    struct slice told_agent;
    struct uuid told_customer;
    bool is_told;
    const struct input *offered_by; /* whose step made the offer that was told last; NULL: none */
};

struct touched_agent {
    const struct agent *agent;
    const struct agent_data *before;
    uint64_t sequence; /* as told so far */
    uint32_t offers;   /* made to it in this batch */
    bool is_reported;  /* an event said what it does, whatever its capacity */
    bool is_present;   /* it said where it is */
};

struct touched {
    struct touched_interaction *interactions; /* by id */
    struct touched_agent *agents;             /* by name */
    uint32_t interaction_count, agent_count;
    const struct invariant_row *rows;
    size_t row_count;
    const struct core_batch *batch;
};

struct touched touched_collect(const struct core *core, const struct invariant_row *rows, size_t count,
                               struct arena *arena);
struct touched_interaction *touched_interaction(const struct touched *touched, const struct uuid *id);
struct touched_agent *touched_agent(const struct touched *touched, struct slice name);
bool touched_is_alone(const struct touched *touched); /* one input: what was before it is known exactly */

/* In this order: telling fills in what the others read. */
void check_told(const struct check *check, struct touched *touched);
void check_answers(const struct check *check, const struct touched *touched);
void check_changes(const struct check *check, const struct touched *touched);
void check_offers(const struct check *check, const struct touched *touched);
void check_touched_waiting(const struct check *check, const struct touched *touched);
void check_explained(const struct check *check, const struct touched *touched);
void check_rest(const struct check *check, const struct touched *touched);
void check_ways(const struct check *check, const struct touched *touched);   /* invariant_way.c */
void check_handed(const struct check *check, const struct touched *touched); /* invariant_handed.c */
void check_linked(const struct check *check, const struct touched *touched); /* invariant_link.c */

#endif
