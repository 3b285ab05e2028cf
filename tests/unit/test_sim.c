/* The simulator itself: that a seed is a run, that a fault is found and its story made short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/sim/sim.h"

#define STEPS 3000

static void a_seed_is_one_run(void **state)
{
    (void)state;
    uint64_t digest = 0;
    for (int time = 0; time < 2; time++) {
        struct sim_run run;
        sim_run_init(&run);
        assert_true(sim_run_play(&run, 4711, STEPS));
        assert_true(run.counts.steps >= STEPS);
        assert_true(time == 0 || run.digest == digest);
        digest = run.digest;
        sim_run_deinit(&run);
    }
}

static void every_kind_of_thing_happens(void **state)
{
    (void)state;
    struct sim_counts all = {.steps = 0};
    bool happened[SIM_MOVE_KINDS] = {false};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_run run;
        sim_run_init(&run);
        assert_true(sim_run_play(&run, seed, STEPS));
        for (size_t i = 0; i < run.move_count; i++)
            happened[run.moves[i].kind] = true;
        all.rollbacks += run.counts.rollbacks;
        all.crashes += run.counts.crashes;
        all.reloads += run.counts.reloads;
        all.timers += run.counts.timers;
        all.refused += run.counts.refused;
        sim_run_deinit(&run);
    }
    for (int kind = 0; kind < SIM_MOVE_KINDS; kind++) {
        if (!happened[kind])
            fail_msg("%s never happens", sim_move_name((enum sim_move_kind)kind));
    }
    assert_true(all.rollbacks && all.crashes && all.reloads && all.timers && all.refused);
}

static void the_story_of_a_run_is_told(void **state)
{
    (void)state;
    struct sim_run run;
    struct arena arena;
    arena_init(&arena);
    sim_run_init(&run);
    assert_true(sim_run_play(&run, 3, 200));
    struct slice story = sim_run_story(&run, &arena);
    assert_non_null(memmem(story.ptr, story.len, "interaction.queued", 18));
    assert_non_null(memmem(story.ptr, story.len, "agent.presence", 14));
    assert_null(memmem(story.ptr, story.len, "broken", 6));
    size_t lines = 0;
    for (size_t i = 0; i < story.len; i++)
        lines += story.ptr[i] == '\n';
    assert_true(lines > run.move_count);
    sim_run_deinit(&run);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_is_one_run),
        cmocka_unit_test(every_kind_of_thing_happens),
        cmocka_unit_test(the_story_of_a_run_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
