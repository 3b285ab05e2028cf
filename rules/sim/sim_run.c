#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"
#include "rules/sim/sim.h"

void sim_run_init(struct sim_run *run)
{
    *run = (struct sim_run){.move_count = 0};
}

void sim_run_deinit(struct sim_run *run)
{
    free(run->moves);
    *run = (struct sim_run){.move_count = 0};
}

static void push(struct sim_run *run, const struct sim_move *move)
{
    if (run->move_count == run->move_room) {
        run->move_room = run->move_room ? run->move_room * 2 : 1024;
        run->moves = realloc(run->moves, sizeof *run->moves * run->move_room);
        if (!run->moves)
            abort();
    }
    run->moves[run->move_count++] = *move;
}

bool sim_run_play(struct sim_run *run, uint64_t seed, uint64_t steps)
{
    struct sim *sim = core_allocate(sizeof *sim);
    struct sim_dice dice = sim_dice_of(seed, 1);
    struct sim_move move = {.kind = SIM_WAIT};
    bool holds = true;
    run->plan = sim_plan_draw(seed);
    run->move_count = 0;
    sim_open(sim, &run->plan);
    while (holds && sim->counts.steps < steps) {
        move = sim_generate(sim, &dice, &move);
        push(run, &move);
        holds = sim_play(sim, &move);
    }
    run->counts = sim->counts;
    run->findings = sim->findings;
    run->digest = sim->digest;
    sim_close(sim);
    free(sim);
    return holds;
}
