/* A sound state for the tests of the invariants, and steps on it whose outcomes may be changed. */
#ifndef TESTS_UNIT_INVARIANT_SCENE_H
#define TESTS_UNIT_INVARIANT_SCENE_H

#include "rules/core_state.h"
#include "rules/invariant.h"
#include "tests/unit/core_world.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define ROWS_MAX 4

/* Anna talks, Ben is asked twice, a call waits, Carl is away. */
struct scene {
    struct world world;
    struct interaction *active, *offered, *waiting;
    struct agent *anna, *ben, *carl;
    struct invariant_row rows[ROWS_MAX];
    struct input inputs[ROWS_MAX];
    struct outcome outcomes[ROWS_MAX];
    size_t row_count;
};

static inline struct interaction *find(struct world *world, enum channel channel, const char *subject)
{
    return (struct interaction *)world_find(world, channel, subject);
}

static inline void set_up(struct scene *scene)
{
    struct world *world = &scene->world;
    *scene = (struct scene){.row_count = 0};
    world_init(world, 3);
    world->queues[QUEUE_SUPPORT].wrap_up_ms = 5000;
    world_presence(world, "anna", AGENT_AVAILABLE, 30000);
    world_ring(world, "c1", "+491");
    scene->active = find(world, CHANNEL_CALL, "c1");
    world_accept(world, scene->active->data.offer, "anna");
    world->now += 1000;
    world_presence(world, "ben", AGENT_AVAILABLE, 0);
    world_ring(world, "c2", "+492");
    world_chat(world, "h1");
    world->now += 1000;
    world_ring(world, "c3", "+493");
    scene->offered = find(world, CHANNEL_CALL, "c2");
    scene->waiting = find(world, CHANNEL_CALL, "c3");
    scene->anna = core_find_agent(&world->core, SLICE("anna"));
    scene->ben = core_find_agent(&world->core, SLICE("ben"));
    scene->carl = core_find_agent(&world->core, SLICE("carl"));
    core_bury(&world->core);
}

/* Adds a row to the open batch; its outcome may be changed afterwards. */
static inline struct outcome *step(struct scene *scene, struct input input)
{
    struct world *world = &scene->world;
    size_t i = scene->row_count;
    input.at_ms = world->now;
    scene->inputs[i] = input;
    scene->outcomes[i] = *core_step(&world->core, &scene->inputs[i], &world->arena);
    scene->rows[i] = (struct invariant_row){&scene->inputs[i], &scene->outcomes[i]};
    assert_int_equal(scene->outcomes[i].refusal, REFUSAL_NONE);
    scene->row_count++;
    return &scene->outcomes[i];
}

static inline struct outcome *ring(struct scene *scene, const char *subject)
{
    struct from from = {.phone = "+494"};
    return step(scene, world_event(&scene->world, EVENT_CALL_RINGING, subject, &from));
}

static inline struct outcome *here(struct scene *scene, const char *agent)
{
    return step(
        scene, (struct input){.kind = INPUT_PRESENCE, .agent = slice_of(agent), .presence = AGENT_AVAILABLE});
}

static inline struct outcome *reject(struct scene *scene)
{
    return step(scene, (struct input){.kind = INPUT_REJECT,
                                      .offer = scene->offered->data.offer,
                                      .actor = SLICE("ben"),
                                      .cause = REJECT_NO_ANSWER});
}

static inline struct outcome *end_active(struct scene *scene)
{
    return step(scene, (struct input){.kind = INPUT_END, .interaction = scene->active->id});
}

static inline struct announcement *first(struct outcome *outcome, enum announcement_type type)
{
    struct announcement *a = outcome->announcements;
    while (a && a->type != type)
        a = a->next;
    assert_non_null(a);
    return a;
}

static inline bool is_found(const struct findings *findings, enum invariant invariant)
{
    for (uint32_t i = 0; i < findings->kept; i++) {
        if (findings->items[i].invariant == invariant)
            return true;
    }
    return false;
}

/* What came before is another batch, and has come in. */
static inline void next_batch(struct scene *scene)
{
    core_commit(&scene->world.core);
    core_begin(&scene->world.core);
    scene->row_count = 0;
}

/* Carl is there and has nothing to do. */
static inline void carl_is_free(struct scene *scene)
{
    step(scene, (struct input){.kind = INPUT_END, .interaction = scene->waiting->id});
    here(scene, "carl");
    next_batch(scene);
}

static inline struct interaction *ring_carl(struct scene *scene)
{
    carl_is_free(scene);
    ring(scene, "c9");
    struct interaction *call = find(&scene->world, CHANNEL_CALL, "c9");
    assert_ptr_equal(scene->world.core.agents + call->data.agent, scene->carl);
    return call;
}

static inline void expect_said(const struct findings *findings, enum invariant invariant, const char *says)
{
    for (uint32_t i = 0; i < findings->kept; i++) {
        if (findings->items[i].invariant != invariant)
            continue;
        if (!strstr(findings->items[i].text, says))
            fail_msg("%s: wanted '%s', got '%s'", invariant_name(invariant), says, findings->items[i].text);
        return;
    }
    fail_msg("%s is not found broken (%s); %u others", invariant_name(invariant), says, findings->count);
}

#endif
