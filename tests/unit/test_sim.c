/* The simulator itself: that a seed is a run, that a fault is found and its story made short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
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

/* What the core can decide, as far as explanations and announcements say it. */
struct seen {
    bool inputs[INPUT_KIND_COUNT], announced[ANNOUNCE_TYPE_COUNT];
    bool linked[INTERACTION_CLOSED + 1], is_linked_again, is_renewed;
    bool is_reloaded_by_a_crash, is_night;
    bool moves[MOVE_COUNT], reasons[EMPTY_REASON_COUNT], triggers[TRIGGER_COUNT], stages[PREFER_STAGE_COUNT];
    bool is_held, is_missed, is_replied;
};

/* Open as the end of a span that began the day before, on a day that the run has come to. */
static bool is_open_at_night(const struct hours *hours, int64_t at_ms)
{
    int32_t offset_s = hours->zone->transitions[0].offset_s;
    int64_t began = (SIM_START_MS / 1000 + offset_s) / 86400, now_s = at_ms / 1000 + offset_s;
    for (uint32_t i = 0; i < hours->span_count && now_s / 86400 > began; i++) {
        if (hours->spans[i].goes_on && now_s % 86400 < hours->spans[i].until_min * 60 &&
            hours_are_open(hours, at_ms))
            return true;
    }
    return false;
}

static void look(void *ctx, const struct sim *sim, const struct input *input, const struct outcome *outcome)
{
    struct seen *seen = ctx;
    for (uint32_t i = 0; i < sim->core.config->hours_count; i++)
        seen->is_night |= is_open_at_night(&sim->core.config->hours[i], sim->now);
    if (outcome->refusal != REFUSAL_NONE)
        return;
    seen->inputs[input->kind] = true;
    if (outcome->is_linked) {
        seen->linked[outcome->snapshot->state] = true;
        seen->is_linked_again |= !uuid_is_nil(&outcome->linked_before);
    }
    seen->is_renewed |= input->kind == INPUT_PRESENCE && outcome->state == AGENT_NOT_RESPONDING;
    seen->is_replied |= input->kind == INPUT_EVENT && input->event->outbound &&
                        outcome->outcome == OUTCOME_ATTACHED && outcome->snapshot->agent.len;
    for (const struct explanation *why = outcome->explanations; why; why = why->next) {
        seen->triggers[why->trigger] = seen->stages[why->stage] = seen->moves[why->moved] = true;
        seen->is_held |= why->held_until != TIME_NEVER;
        for (uint32_t i = 0; i < why->path_count; i++) {
            seen->moves[why->path[i].move] = true;
            if (why->path[i].move == MOVE_EMPTY)
                seen->reasons[why->path[i].empty] = true;
        }
    }
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        seen->announced[a->type] = true;
        seen->is_missed |= slice_is(a->cause, "no_reply");
    }
}

static void all_seen(const char *of, const bool *seen, int count)
{
    for (int i = 0; i < count; i++) {
        if (!seen[i])
            fail_msg("%s %d never happens", of, i);
    }
}

static void everything_that_the_core_can_decide_is_decided(void **state)
{
    (void)state;
    struct seen seen = {.is_held = false};
    struct sim *sim = calloc(1, sizeof *sim);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_plan plan = sim_plan_draw(seed);
        struct sim_dice dice = sim_dice_of(seed, 1);
        struct sim_move move = {.kind = SIM_WAIT};
        sim_open(sim, &plan);
        sim->on_step = look;
        sim->ctx = &seen;
        while (sim->counts.steps < 1000) {
            move = sim_generate(sim, &dice, &move);
            assert_true(sim_play(sim, &move));
            seen.is_reloaded_by_a_crash |= move.kind == SIM_RELOAD && move.variant & SIM_RELOAD_CRASHES;
        }
        sim_close(sim);
    }
    free(sim);
    seen.triggers[TRIGGER_NOW] = true;    /* of questions alone */
    seen.triggers[TRIGGER_LOADED] = true; /* what is loaded has been looked at when it was decided */
    seen.inputs[0] = seen.inputs[INPUT_AUDIT] = true; /* none, and the server's alone */
    all_seen("input", seen.inputs, INPUT_KIND_COUNT);
    all_seen("announcement", seen.announced, ANNOUNCE_TYPE_COUNT);
    all_seen("a link when it is", seen.linked, INTERACTION_CLOSED + 1); /* closed: as it is blocked then */
    assert_true(seen.is_linked_again && seen.is_renewed && seen.is_reloaded_by_a_crash && seen.is_night);
    all_seen("move", seen.moves, MOVE_COUNT);
    all_seen("reason", seen.reasons, EMPTY_REASON_COUNT);
    all_seen("trigger", seen.triggers, TRIGGER_COUNT);
    all_seen("stage", seen.stages, PREFER_STAGE_COUNT);
    assert_true(seen.is_held && seen.is_missed && seen.is_replied);
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
        cmocka_unit_test(everything_that_the_core_can_decide_is_decided),
        cmocka_unit_test(the_story_of_a_run_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
