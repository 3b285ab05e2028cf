/* The simulator: a seed gives a project, its people and what happens to them, in virtual time, with faults;
 * everything that must always hold (rules/invariant.h) is looked at on the way. Pure: the same seed and
 * number of steps gives the same run on every machine. docs/simulation.md. */
#ifndef RULES_SIM_SIM_H
#define RULES_SIM_SIM_H

#include "rules/invariant.h"
#include "rules/sim/sim_play.h"

struct sim_run {
    struct sim_plan plan;
    struct sim_move *moves; /* all that happened */
    size_t move_count, move_room;
    struct sim_counts counts;
    struct findings findings; /* of the first thing that did not hold */
    uint64_t digest;          /* of all decisions: two runs of one seed have the same */
};

void sim_run_init(struct sim_run *run);
void sim_run_deinit(struct sim_run *run);
/* Plays the seed until so many inputs were decided. False when something does not hold. */
bool sim_run_play(struct sim_run *run, uint64_t seed, uint64_t steps) __attribute__((warn_unused_result));
/* Takes away moves and parts of the plan as long as the same invariant is still broken, with at most
 * `steps` inputs decided meanwhile. */
void sim_run_shrink(struct sim_run *run, uint64_t steps);
/* A line per move, with what was decided. */
struct slice sim_run_story(const struct sim_run *run, struct arena *arena);

#endif
