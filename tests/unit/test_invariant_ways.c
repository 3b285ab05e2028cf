/* Ways out of queues, and work for somebody in particular: what is found wrong with them, and what is not. */
#include <stdlib.h>

#include "tests/unit/invariant_ways.h"

/* --- Hours --- */

static void open_from(struct hours *hours, uint8_t weekday, uint16_t from_min, uint16_t until_min)
{
    hours->spans[hours->span_count++] = (struct hours_span){weekday, from_min, until_min, false};
}

/* The scene is on a Wednesday at 11:06. */
static void held_in_an_open_queue(struct scene *scene)
{
    open_from(close_support(scene), 2, 0, HOURS_DAY_MIN);
    held_without_hours(scene);
}

static void held_until_a_closed_time(struct scene *scene)
{
    open_from(close_support(scene), 3, 0, 60);
    held_without_hours(scene);
}

static void held_for_a_closed_date(struct scene *scene)
{
    static struct hours_date today;
    struct hours *hours = close_support(scene);
    today.day = (int32_t)(scene->world.core.at_ms / 86400000);
    hours->closed = &today;
    hours->closed_count = 1;
    open_from(hours, 2, 0, HOURS_DAY_MIN);
    held_without_hours(scene);
}

/* It is open as the end of a night, unless that began on a closed date. */
static void held_at_the_end_of_a_night(struct scene *scene)
{
    struct hours *hours = close_support(scene);
    open_from(hours, 2, 0, HOURS_DAY_MIN);
    hours->spans[0].goes_on = true;
    held_without_hours(scene);
}

static void held_behind_a_closed_date(struct scene *scene)
{
    static struct hours_date yesterday;
    yesterday.day = (int32_t)(scene->world.core.at_ms / 86400000) - 1;
    held_at_the_end_of_a_night(scene);
    scene->world.config.hours[0].closed = &yesterday;
    scene->world.config.hours[0].closed_count = 1;
}

static void held_as_nothing_ever_opens(struct scene *scene)
{
    close_support(scene);
    held_without_hours(scene);
}

/* The clock was set back by an hour a minute ago: what has been open before does not open again. */
static void held_in_an_hour_that_comes_twice(struct scene *scene)
{
    static struct zone_transition back[] = {{INT64_MIN, 3600}, {0, 0}};
    static const struct zone_table zone = {{"set back", 8}, back, 2};
    struct hours *hours = close_support(scene);
    int64_t now_s = scene->world.core.at_ms / 1000;
    uint16_t minute = (uint16_t)(now_s % 86400 / 60);
    back[1].at_s = now_s - 60;
    hours->zone = &zone;
    open_from(hours, 2, (uint16_t)(minute - 10), (uint16_t)(minute + 30));
    held_without_hours(scene);
}

static const struct held {
    void (*put_wrong)(struct scene *scene);
    const char *says; /* NULL: nothing is wrong */
} helds[] = {
    {held_without_hours, "a queue without hours"},
    {held_in_an_open_queue, "a queue that is open"},
    {held_until_a_closed_time, "a time at which it is closed"},
    {held_for_a_closed_date, "a time at which it is closed"},
    {held_at_the_end_of_a_night, "a queue that is open"},
    {held_behind_a_closed_date, "a time at which it is closed"},
    {held_as_nothing_ever_opens, NULL},
    {held_in_an_hour_that_comes_twice, "a time at which it is closed"},
};

/* --- What a step did --- */

static void a_better_known_one_passed_over(struct scene *scene)
{
    ring_of_customer(scene, "ben");
    scene->ben->data.load[CHANNEL_CALL] = 0;
}

static void a_stage_that_goes_back(struct scene *scene)
{
    carl_is_free(scene);
    reject(scene);
    scene->offered->data.stage = PREFER_SAME;
}

/* Ben was asked as who knew the customer, Anna is the owner and would be free. */
static void an_owner_passed_over_on_return(struct scene *scene)
{
    struct interaction *call = scene->offered;
    scene->world.config.prefer = (struct config_prefer){15000, 0, 0};
    call->data.stage = PREFER_SAME;
    reject(scene);
    call->data.customer.bytes[0] = 7;
    call->data.fact.owner = SLICE("anna");
    scene->anna->data.load[CHANNEL_CALL] = 0;
}

static void a_transfer_that_excludes_nobody(struct scene *scene)
{
    transfer_active(scene, false);
    scene->active->data.excluded = -1;
}

static void a_transfer_to_another_queue(struct scene *scene)
{
    transfer_active(scene, false);
    scene->inputs[0].queue = SLICE("chat");
}

static void a_transfer_without_wrap_up(struct scene *scene)
{
    transfer_active(scene, false);
    scene->anna->data.wrap_until = scene->world.now + 1;
}

static void a_pull_by_another(struct scene *scene)
{
    pull_chat(scene);
    scene->inputs[0].agent = SLICE("ben");
}

static void a_pull_above_capacity(struct scene *scene)
{
    pull_chat(scene);
    scene->world.agents[2].capacity[CHANNEL_CHAT] = 0;
}

static void a_link_that_keeps_an_owner(struct scene *scene)
{
    link_to_ann(scene, scene->waiting);
    scene->waiting->data.fact.owner = SLICE("ben");
}

static void a_link_that_is_not_told(struct scene *scene)
{
    link_to_ann(scene, scene->active)->announcements->type = ANNOUNCE_MESSAGE;
}

static void a_link_that_counts_for_nobody(struct scene *scene)
{
    link_to_ann(scene, scene->active)->active_agent = (struct slice){NULL, 0};
}

static void a_link_behind_who_was_asked(struct scene *scene)
{
    link_to_ann(scene, scene->offered);
    scene->offered->data.is_relinked = false;
}

static void a_link_to_who_is_shut_out(struct scene *scene)
{
    struct block block = {{{5}}, BLOCK_CUSTOMER, {{1}}, {NULL, 0}, 7, scene->world.now, TIME_NEVER};
    link_to_ann(scene, scene->waiting);
    assert_non_null(blacklist_add(&scene->world.core.blacklist, &block));
}

static void a_full_queue_that_takes_something(struct scene *scene)
{
    ring(scene, "c9");
    scene->world.queues[QUEUE_SUPPORT].waiting_max = 1;
    scene->world.queues[QUEUE_SUPPORT].overflow = QUEUE_MAIL;
}

static void a_wait_for_people_who_have_no_room(struct scene *scene)
{
    ring(scene, "c9");
    scene->world.queues[QUEUE_SUPPORT].when_empty[EMPTY_ALL_AT_CAPACITY] = QUEUE_MAIL;
}

static void a_way_of_another_kind(struct scene *scene)
{
    a_way_that_nobody_set(scene);
    scene->world.queues[QUEUE_MAIL].waiting_max = 1;
    scene->world.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    scene->outcomes[0].explanations->moved = MOVE_EMPTY;
}

static void a_reply_that_is_still_due(struct scene *scene)
{
    struct interaction *chat = pull_chat(scene);
    next_batch(scene);
    struct from from = {.phone = NULL};
    struct input reply = world_event(&scene->world, EVENT_CHAT_MESSAGE, "h1", &from);
    ((struct event *)reply.event)->outbound = true;
    step(scene, reply);
    interaction_unlink(&scene->world.core, chat);
    undo_push(&scene->world.core, UNDO_INTERACTION)->interaction = chat;
    scene->world.core.batches[0].log->interaction_data = chat->data;
    chat->data.reply_by = scene->world.now + 1000;
    interaction_link(&scene->world.core, chat);
}

static const struct step_wrong {
    void (*put_wrong)(struct scene *scene);
    enum invariant invariant;
    const char *says;
} steps[] = {
    {a_closed_queue_that_takes_something, INVARIANT_CLOSED_TAKES_NOTHING, "came into queue 0"},
    {a_way_that_nobody_set, INVARIANT_GOES_ON_AS_SET, "from queue 1 to 0"},
    {a_way_of_another_kind, INVARIANT_GOES_ON_AS_SET, "moved as empty"},
    {a_full_queue_that_takes_something, INVARIANT_NOTHING_STUCK, "waits behind"},
    {a_wait_for_people_who_have_no_room, INVARIANT_NOTHING_STUCK, "waits, though all_at_capacity"},
    {an_owner_who_is_another, INVARIANT_KNOWN_FIRST, "is asked as who knows"},
    {a_better_known_one_passed_over, INVARIANT_KNOWN_FIRST, "was passed over"},
    {an_owner_passed_over_on_return, INVARIANT_KNOWN_FIRST, "was passed over"},
    {a_stage_that_goes_back, INVARIANT_KNOWN_FIRST, "goes back"},
    {a_transfer_with_another_age, INVARIANT_HANDED_AS_ASKED, "has not the age"},
    {a_transfer_that_excludes_nobody, INVARIANT_HANDED_AS_ASKED, "excludes another"},
    {a_transfer_to_another_queue, INVARIANT_HANDED_AS_ASKED, "went to another queue"},
    {a_transfer_without_wrap_up, INVARIANT_REST_STARTED, "no wrap-up of 5000 ms"},
    {a_pull_by_another, INVARIANT_HANDED_AS_ASKED, "was for this one"},
    {a_pull_above_capacity, INVARIANT_HANDED_AS_ASKED, "may not take"},
    {a_link_to_another, INVARIANT_LINKED_AS_SAID, "is about another"},
    {a_link_that_keeps_an_owner, INVARIANT_LINKED_AS_SAID, "keeps what was known"},
    {a_link_that_is_not_told, INVARIANT_LINKED_AS_SAID, "is told another number"},
    {a_link_that_counts_for_nobody, INVARIANT_LINKED_AS_SAID, "counts for another"},
    {a_link_behind_who_was_asked, INVARIANT_LINKED_AS_SAID, "goes on behind"},
    {a_link_to_who_is_shut_out, INVARIANT_LINKED_AS_SAID, "stays though"},
    {a_reply_that_nobody_waits_for, INVARIANT_REPLY_DUE, "due -1 ms"},
    {a_reply_that_is_still_due, INVARIANT_REPLY_DUE, "behind the accept"},
};

/* They are never taken down: what is wrong in them would be followed. */
static struct scene *scenes[COUNT(helds) + COUNT(steps) + 2];

static struct scene *new_scene(void)
{
    static size_t count;
    assert_true(count < COUNT(scenes));
    scenes[count] = calloc(1, sizeof *scenes[count]);
    set_up(scenes[count]);
    core_begin(&scenes[count]->world.core);
    return scenes[count++];
}

static void what_is_held_waits_for_an_opening(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(helds); i++) {
        struct scene *scene = new_scene();
        struct findings findings = {.count = 0};
        helds[i].put_wrong(scene);
        invariant_sweep(&findings, &scene->world.core, &scene->world.arena);
        if (helds[i].says)
            expect_said(&findings, INVARIANT_HELD_WHILE_CLOSED, helds[i].says);
        else
            assert_false(is_found(&findings, INVARIANT_HELD_WHILE_CLOSED));
    }
}

static void what_a_step_did_wrongly_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct scene *scene = new_scene();
        struct findings findings = {.count = 0};
        steps[i].put_wrong(scene);
        invariant_check_batch(&findings, &scene->world.core, scene->rows, scene->row_count,
                              &scene->world.arena);
        expect_said(&findings, steps[i].invariant, steps[i].says);
    }
}

static void what_is_taken_back_at_once_has_another_reply_due(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    struct findings findings = {.count = 0};
    struct interaction *chat = pull_chat(scene);
    next_batch(scene);
    scene->world.queues[QUEUE_MAIL].first_reply_ms = 1000;
    step(scene, (struct input){.kind = INPUT_TRANSFER, .interaction = chat->id, .queue = SLICE("mail")});
    step(scene, (struct input){.kind = INPUT_PULL, .interaction = chat->id, .agent = SLICE("carl")});
    invariant_check_batch(&findings, &scene->world.core, scene->rows, scene->row_count, &scene->world.arena);
    assert_int_equal(findings.count, 0);
}

/* Where ways run in a ring, it may have been there already. */
static void a_ring_keeps_what_all_have_left(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    struct findings findings = {.count = 0};
    left_by_everybody(scene);
    scene->world.queues[QUEUE_CHAT].overflow = QUEUE_MAIL;
    scene->world.queues[QUEUE_MAIL].when_empty[EMPTY_NONE_SKILLED] = QUEUE_SUPPORT;
    invariant_sweep(&findings, &scene->world.core, &scene->world.arena);
    assert_false(is_found(&findings, INVARIANT_NOTHING_STUCK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_waits_for_an_opening),
        cmocka_unit_test(what_a_step_did_wrongly_is_named),
        cmocka_unit_test(what_is_taken_back_at_once_has_another_reply_due),
        cmocka_unit_test(a_ring_keeps_what_all_have_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
