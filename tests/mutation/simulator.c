/* simulator SEED SEEDS STEPS: the simulator alone, without the server: what tests/run plays in every run and
 * what tests/mutation/run builds with each fault. Prints the first story of something broken and exits 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/sim/sim.h"

#define SHRINK_STEPS 2000000

static void print_story(struct sim_run *run)
{
    struct arena arena;
    arena_init(&arena);
    sim_run_shrink(run, SHRINK_STEPS);
    struct slice story = sim_run_story(run, &arena);
    fwrite(story.ptr, 1, story.len, stdout);
    arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    uint64_t numbers[3], steps = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: %s SEED SEEDS STEPS\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < 3; i++)
        numbers[i] = strtoull(argv[i + 1], NULL, 10);
    bool holds = true;
    for (uint64_t seed = numbers[0]; holds && seed < numbers[0] + numbers[1]; seed++) {
        struct sim_run run;
        sim_run_init(&run);
        holds = sim_run_play(&run, seed, numbers[2]);
        steps += run.counts.steps;
        if (!holds) {
            printf("seed %" PRIu64 " breaks %s after %" PRIu64 " steps\n", seed,
                   invariant_name(run.findings.items[0].invariant), run.counts.steps);
            fflush(stdout);
            print_story(&run);
        }
        sim_run_deinit(&run);
    }
    printf("%" PRIu64 " steps from seed %" PRIu64 ": %s\n", steps, numbers[0],
           holds ? "all invariants hold" : "one is broken");
    return holds ? 0 : 1;
}
