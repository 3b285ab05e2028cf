/* From a run that breaks something to a short one that breaks the same: moves are taken away in halves,
 * quarters and so on down to single ones (Zeller, Hildebrandt 2002), then parts of the plan, as long as
 * anything helps. */
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"
#include "rules/sim/sim.h"

struct shrinking {
    struct sim_run *run;
    enum invariant invariant;
    uint64_t left; /* inputs that may still be decided */
    struct sim_move *tried;
};

/* Plays moves; true when the invariant breaks, with how many of them that took. */
static bool breaks(struct shrinking *shrinking, const struct sim_plan *plan, const struct sim_move *moves,
                   size_t *count)
{
    struct sim *sim = core_allocate(sizeof *sim);
    bool same = false;
    sim_open(sim, plan);
    for (size_t i = 0; i < *count; i++) {
        if (sim_play(sim, &moves[i]))
            continue;
        same = sim->findings.items[0].invariant == shrinking->invariant;
        *count = i + 1;
        break;
    }
    shrinking->left -= sim->counts.steps < shrinking->left ? sim->counts.steps : shrinking->left;
    if (same)
        shrinking->run->findings = sim->findings;
    sim_close(sim);
    free(sim);
    return same;
}

static bool keep_if_broken(struct shrinking *shrinking, size_t count)
{
    struct sim_run *run = shrinking->run;
    if (!shrinking->left || !breaks(shrinking, &run->plan, shrinking->tried, &count))
        return false;
    memcpy(run->moves, shrinking->tried, sizeof *run->moves * count);
    run->move_count = count;
    return true;
}

/* Takes `length` moves away at each place in turn; true when any were not needed. */
static bool cut(struct shrinking *shrinking, size_t length)
{
    struct sim_run *run = shrinking->run;
    bool helped = false;
    size_t from = run->move_count;
    while (from > 0 && shrinking->left) {
        from = from > length ? from - length : 0;
        if (from >= run->move_count)
            continue;
        size_t behind = from + length < run->move_count ? run->move_count - from - length : 0;
        memcpy(shrinking->tried, run->moves, sizeof *run->moves * from);
        memcpy(shrinking->tried + from, run->moves + run->move_count - behind, sizeof *run->moves * behind);
        helped |= keep_if_broken(shrinking, from + behind);
    }
    return helped;
}

static void cut_moves(struct shrinking *shrinking)
{
    size_t length = shrinking->run->move_count / 2;
    while (length && shrinking->left) {
        if (!cut(shrinking, length) || length > shrinking->run->move_count)
            length = length > 1 && length > shrinking->run->move_count ? shrinking->run->move_count / 2
                                                                       : length / 2;
    }
}

static bool try_plan(struct shrinking *shrinking, struct sim_plan plan)
{
    struct sim_run *run = shrinking->run;
    size_t count = run->move_count;
    if (!shrinking->left || !breaks(shrinking, &plan, run->moves, &count))
        return false;
    run->plan = plan;
    run->move_count = count;
    return true;
}

/* Numbers of agents and parties in the moves stay what they are: fewer of them are tried from the end. */
static bool cut_plan(struct shrinking *shrinking)
{
    struct sim_plan *plan = &shrinking->run->plan;
    bool helped = false;
    for (uint32_t bit = 1; bit < SIM_FEATURES; bit <<= 1) {
        struct sim_plan smaller = *plan;
        smaller.features &= ~bit;
        helped |= plan->features & bit && try_plan(shrinking, smaller);
    }
    for (bool goes_on = true; goes_on;) {
        struct sim_plan fewer_agents = *plan, fewer_queues = *plan;
        fewer_agents.agents--;
        fewer_queues.queues--;
        goes_on = (plan->agents > 1 && try_plan(shrinking, fewer_agents)) ||
                  (plan->queues > 1 && try_plan(shrinking, fewer_queues));
        helped |= goes_on;
    }
    return helped;
}

static void be_punctual(struct shrinking *shrinking)
{
    struct sim_run *run = shrinking->run;
    for (size_t i = 0; i < run->move_count && shrinking->left; i++) {
        if (!run->moves[i].is_late)
            continue;
        memcpy(shrinking->tried, run->moves, sizeof *run->moves * run->move_count);
        shrinking->tried[i].is_late = false;
        keep_if_broken(shrinking, run->move_count);
    }
}

void sim_run_shrink(struct sim_run *run, uint64_t steps)
{
    struct shrinking shrinking = {.run = run, .left = steps};
    struct sim_plan thorough = run->plan;
    bool helped = true;
    if (!run->findings.count)
        return;
    shrinking.invariant = run->findings.items[0].invariant;
    shrinking.tried = core_allocate(sizeof *shrinking.tried * run->move_count);
    thorough.is_thorough = true;
    try_plan(&shrinking, thorough);
    while (helped && shrinking.left) {
        cut_moves(&shrinking);
        helped = cut_plan(&shrinking);
    }
    be_punctual(&shrinking);
    free(shrinking.tried);
}
