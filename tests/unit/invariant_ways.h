/* What is put wrong about ways out of queues and about work for somebody in particular. */
#ifndef TESTS_UNIT_INVARIANT_WAYS_H
#define TESTS_UNIT_INVARIANT_WAYS_H

#include "tests/unit/invariant_scene.h"

/* A clock in London's winter, and nothing open. */
static inline struct hours *close_support(struct scene *scene)
{
    static struct zone_transition always[] = {{INT64_MIN, 0}};
    static const struct zone_table zone = {{"UTC", 3}, always, 1};
    static struct hours_span spans[7];
    static struct hours hours;
    hours = (struct hours){.zone = &zone, .spans = spans, .otherwise = -1};
    scene->world.config.hours = &hours;
    scene->world.config.hours_count = 1;
    scene->world.queues[QUEUE_SUPPORT].hours = 0;
    return &hours;
}

static inline void held_without_hours(struct scene *scene)
{
    scene->waiting->data.held_until = scene->world.core.at_ms + 5000;
}

static inline void left_by_everybody(struct scene *scene)
{
    struct core *core = &scene->world.core;
    scene->world.queues[QUEUE_SUPPORT].when_empty[EMPTY_ALL_ON_BREAK] = QUEUE_CHAT;
    core->available[core->lanes.queues[QUEUE_SUPPORT].first_lane] = 0;
}

static inline void a_closed_queue_that_takes_something(struct scene *scene)
{
    ring(scene, "c9");
    close_support(scene);
}

static inline void a_way_that_nobody_set(struct scene *scene)
{
    static struct explained_move path = {QUEUE_MAIL, MOVE_OVERLOAD, 0};
    struct outcome *outcome = ring(scene, "c9");
    outcome->explanations->path = &path;
    outcome->explanations->path_count = 1;
    outcome->explanations->moved = MOVE_OVERLOAD;
}

static inline struct interaction *ring_of_customer(struct scene *scene, const char *owner)
{
    struct interaction *call = ring_carl(scene);
    call->data.customer.bytes[0] = 7;
    call->data.fact.owner = slice_of(owner);
    scene->world.config.prefer = (struct config_prefer){15000, 0, 0};
    return call;
}

static inline void an_owner_who_is_another(struct scene *scene)
{
    ring_of_customer(scene, "anna")->data.stage = PREFER_OWNER;
}

static inline struct outcome *transfer_active(struct scene *scene, bool keep_age)
{
    return step(scene, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = scene->active->id,
                                      .actor = SLICE("anna"),
                                      .queue = SLICE("mail"),
                                      .keep_age = keep_age});
}

static inline void a_transfer_with_another_age(struct scene *scene)
{
    transfer_active(scene, true);
    scene->active->data.enqueued_ms++;
}

static inline struct outcome *link_to_ann(struct scene *scene, const struct interaction *interaction)
{
    static struct customer_fact ann = {.id = {{1}}, .name = {"Ann", 3}, .owner = {"carl", 4}};
    return step(scene, (struct input){.kind = INPUT_LINK,
                                      .interaction = interaction->id,
                                      .facts = {.candidates = &ann, .candidate_count = 1}});
}

static inline void a_link_to_another(struct scene *scene)
{
    link_to_ann(scene, scene->active);
    scene->active->data.customer.bytes[0] = 2;
}

/* Carl comes for chats alone and takes the one that waits. */
static inline struct interaction *pull_chat(struct scene *scene)
{
    struct interaction *chat = find(&scene->world, CHANNEL_CHAT, "h1");
    int32_t *capacity = scene->world.agents[2].capacity;
    capacity[CHANNEL_CALL] = capacity[CHANNEL_CHAT] = 0;
    here(scene, "carl");
    next_batch(scene);
    capacity[CHANNEL_CHAT] = 1;
    step(scene, (struct input){.kind = INPUT_PULL, .interaction = chat->id, .agent = SLICE("carl")});
    return chat;
}

static inline void a_reply_that_nobody_waits_for(struct scene *scene)
{
    pull_chat(scene);
    scene->world.queues[QUEUE_CHAT].first_reply_ms = 1000;
}

#endif
