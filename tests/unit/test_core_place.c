/* Where work goes when its queue is closed, too full, or without anybody who could take it. */
#include "tests/unit/core_world.h"

enum { GERMAN };

static const struct interaction *call(struct world *world, const char *subject)
{
    return world_find(world, CHANNEL_CALL, subject);
}

/* Support overflows to mail, which only Ben serves; Anna serves support alone. */
static void prepare_two(struct world *world)
{
    static uint16_t support[] = {QUEUE_SUPPORT}, mail[] = {QUEUE_MAIL};
    world_prepare(world, 2);
    world->agents[0].queues = support;
    world->agents[1].queues = mail;
    world->agents[0].queue_count = world->agents[1].queue_count = 1;
    world_rule(world, "rest", NULL, QUEUE_SUPPORT, 0);
}

static void every_empty_reason_takes_its_own_way(void **state)
{
    static const enum empty_reason reasons[] = {EMPTY_NONE_LOGGED_IN, EMPTY_ALL_ON_BREAK, EMPTY_NONE_SKILLED,
                                                EMPTY_ALL_AT_CAPACITY};
    (void)state;
    for (int set = 0; set < EMPTY_REASON_COUNT; set++) {
        for (int holds = 0; holds < EMPTY_REASON_COUNT; holds++) {
            struct world world;
            prepare_two(&world);
            world.queues[QUEUE_SUPPORT].when_empty[reasons[set]] = QUEUE_CHAT;
            if (reasons[holds] == EMPTY_NONE_SKILLED)
                world.rules[0].skills = world_skill(&world, GERMAN, 1);
            world_start(&world);
            if (reasons[holds] != EMPTY_NONE_LOGGED_IN)
                world_presence(&world, "anna",
                               reasons[holds] == EMPTY_ALL_ON_BREAK ? AGENT_BREAK : AGENT_AVAILABLE, 0);
            if (reasons[holds] == EMPTY_ALL_AT_CAPACITY)
                world_ring(&world, "c0", "+490");
            const struct outcome *outcome = world_ring(&world, "c1", "+491");
            assert_string_equal(call(&world, "c1")->data.queue == QUEUE_CHAT ? "moved" : "waits",
                                set == holds ? "moved" : "waits");
            if (set == holds) {
                const struct explanation *why = outcome->explanations;
                assert_int_equal(why->path_count, 1);
                assert_int_equal(why->path[0].queue, QUEUE_SUPPORT);
                assert_int_equal(why->path[0].move, MOVE_EMPTY);
                assert_int_equal(why->path[0].empty, reasons[set]);
                assert_true(
                    slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->cause, empty_reason_name(reasons[set])));
            }
            world_deinit(&world);
        }
    }
}

static void relaxation_has_its_chance_before_none_skilled(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_SUPPORT].when_empty[EMPTY_NONE_SKILLED] = QUEUE_CHAT;
    world.rules[0].skills = world_skill(&world, GERMAN, 5);
    world.agents[0].skills = world_skill(&world, GERMAN, 1);
    world.relax[0] = (struct config_relax){30000, world_skill(&world, GERMAN, 1)};
    world.queues[QUEUE_SUPPORT].relax = world.relax;
    world.queues[QUEUE_SUPPORT].relax_count = 1;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_SUPPORT);
    world_sleep(&world, 30000);
    assert_string_equal(holder(&world, call(&world, "c1")), "anna");
    world_deinit(&world);
}

static void what_waits_goes_on_with_its_age_when_the_last_one_leaves(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_SUPPORT].when_empty[EMPTY_ALL_ON_BREAK] = QUEUE_MAIL;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c0", "+490");
    world_ring(&world, "c1", "+491");
    world.now += 10;
    world_ring(&world, "c2", "+492");
    int64_t since = call(&world, "c2")->data.enqueued_ms;
    world_accept(&world, call(&world, "c0")->data.offer, "anna");
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world.now += 1000;
    world_presence(&world, "anna", AGENT_BREAK, 0);
    assert_string_equal(holder(&world, call(&world, "c1")), "ben"); /* the older one first */
    assert_int_equal(call(&world, "c2")->data.queue, QUEUE_MAIL);
    assert_int_equal(call(&world, "c2")->data.enqueued_ms, since);
    assert_string_equal(holder(&world, call(&world, "c0")), "anna");
    world_deinit(&world);
}

/* Anna's last miss takes her out: what she was offered goes on to Ben with all that she leaves, not further.
 */
static void what_a_lost_agent_was_offered_goes_on_once(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.config.misses = 1;
    world.queues[QUEUE_SUPPORT].when_empty[EMPTY_ALL_ON_BREAK] = QUEUE_MAIL;
    world.queues[QUEUE_MAIL].when_empty[EMPTY_ALL_AT_CAPACITY] = QUEUE_CHAT;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    const struct outcome *outcome = world_reject(&world, offer, "anna", REJECT_NO_ANSWER);
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_MAIL);
    assert_string_equal(holder(&world, call(&world, "c1")), "ben");
    assert_int_equal(outcome->explanation_count, 1);
    world_deinit(&world);
}

static void a_way_is_explained_though_others_are_looked_at_on_it(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_MAIL].when_empty[EMPTY_NONE_LOGGED_IN] = QUEUE_CHAT;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid id = world_ring(&world, "c1", "+491")->snapshot->interaction;
    world.now += 1000;
    world_ring(&world, "c2", "+492");
    world.now += 1000;
    const struct outcome *outcome =
        world_step(&world, (struct input){.kind = INPUT_TRANSFER, .interaction = id, .queue = SLICE("mail")});
    const struct explanation *taken = outcome->explanations, *moved = taken->next;
    assert_true(slice_is(taken->chosen, "anna"));
    assert_int_equal(taken->path_count, 0);
    assert_true(uuid_equal(&moved->interaction, &id));
    assert_int_equal(moved->path_count, 1);
    assert_int_equal(moved->path[0].queue, QUEUE_MAIL);
    world_deinit(&world);
}

static void a_circle_of_empty_queues_ends(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_SUPPORT].when_empty[EMPTY_NONE_LOGGED_IN] = QUEUE_MAIL;
    world.queues[QUEUE_MAIL].when_empty[EMPTY_NONE_LOGGED_IN] = QUEUE_SUPPORT;
    world_start(&world);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    assert_int_equal(outcome->outcome, OUTCOME_QUEUED);
    assert_int_equal(outcome->explanations->path_count, 1);
    assert_int_equal(world_sleep(&world, 3600000), 0);
    world_deinit(&world);
}

static void a_full_queue_passes_on_what_would_have_to_wait(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_SUPPORT].waiting_max = 1;
    world.queues[QUEUE_SUPPORT].overflow = QUEUE_MAIL;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(world_ring(&world, "c1", "+491")->outcome, OUTCOME_OFFERED);
    assert_true(slice_is(world_ring(&world, "c2", "+492")->snapshot->queue, "support"));
    const struct outcome *outcome = world_ring(&world, "c3", "+493");
    assert_true(slice_is(outcome->snapshot->queue, "mail"));
    assert_int_equal(outcome->explanations->path[0].move, MOVE_OVERLOAD);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->cause, "overload"));
    world_deinit(&world);
}

static void what_has_waited_for_long_overflows_once_with_its_age(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_SUPPORT].wait_max_ms = 60000;
    world.queues[QUEUE_SUPPORT].overflow = QUEUE_MAIL;
    world.queues[QUEUE_MAIL].wait_max_ms = 60000;
    world.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    world_start(&world);
    world_ring(&world, "c1", "+491");
    int64_t since = world.now;
    assert_int_equal(world_sleep(&world, 59999), 0);
    assert_int_equal(world_sleep(&world, 1), 1);
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_MAIL);
    assert_true(slice_is(announced_as(world.last, ANNOUNCE_QUEUED)->cause, "waited"));
    assert_int_equal(call(&world, "c1")->data.enqueued_ms, since);
    assert_int_equal(world_sleep(&world, 59999), 0);
    assert_int_equal(world_sleep(&world, 1), 1); /* it waited in that one, too, for as long as it may */
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_SUPPORT);
    world_deinit(&world);
}

/* --- Hours --- */

static struct zone_transition berlin_transitions[] = {
    {INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}};
static const struct zone_table berlin = {{"Europe/Berlin", 13}, berlin_transitions, 3};
static struct hours_span every_day[7];

static struct hours nine_to_five(int otherwise)
{
    for (uint8_t day = 0; day < 7; day++)
        every_day[day] = (struct hours_span){day, 9 * 60, 17 * 60, false};
    return (struct hours){
        .zone = &berlin, .spans = every_day, .span_count = 7, .otherwise = otherwise, .closed = NULL};
}

static void a_queue_opens_once_at_9_on_both_daylight_saving_days(void **state)
{
    static const struct {
        int64_t jump_s, opens_s;
    } days[] = {{1774746000, 1774767600}, {1792890000, 1792915200}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world world;
        prepare_two(&world);
        struct hours hours = nine_to_five(-1);
        world.queues[QUEUE_SUPPORT].hours = 0;
        world.config.hours = &hours;
        world.config.hours_count = 1;
        world.now = (days[i].jump_s - 3600) * 1000;
        world_start(&world);
        world_presence(&world, "anna", AGENT_AVAILABLE, 0);
        const struct outcome *outcome = world_ring(&world, "c1", "+491");
        assert_int_equal(outcome->outcome, OUTCOME_QUEUED);
        assert_int_equal(outcome->explanations->held_until, days[i].opens_s * 1000);
        assert_int_equal(world_sleep(&world, days[i].opens_s * 1000 - 1 - world.now), 0);
        assert_int_equal(call(&world, "c1")->data.state, INTERACTION_QUEUED);
        assert_int_equal(world_sleep(&world, 1), 1);
        assert_string_equal(holder(&world, call(&world, "c1")), "anna");
        assert_int_equal(world.last->explanations->trigger, TRIGGER_OPENED);
        world_end(&world, call(&world, "c1")->id, NULL);
        assert_int_equal(world_sleep(&world, 7 * 3600000), 0);
        assert_int_equal(world_ring(&world, "c2", "+492")->outcome, OUTCOME_OFFERED);
        world_deinit(&world);
    }
}

static void a_closed_queue_sends_what_comes_elsewhere_and_goes_on_with_what_waits(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    struct hours hours = nine_to_five(QUEUE_MAIL);
    world.queues[QUEUE_SUPPORT].hours = 0;
    world.config.hours = &hours;
    world.config.hours_count = 1;
    world.now = (1774746000 + INT64_C(13) * 3600) * 1000; /* 16:00 */
    world_start(&world);
    world_ring(&world, "c1", "+491");
    world_sleep(&world, 2 * 3600000);
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_SUPPORT);
    const struct outcome *outcome = world_ring(&world, "c2", "+492");
    assert_true(slice_is(outcome->snapshot->queue, "mail"));
    assert_int_equal(outcome->explanations->path[0].move, MOVE_CLOSED);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->cause, "closed"));
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, call(&world, "c1")), "anna");
    world_reject(&world, call(&world, "c1")->data.offer, "anna",
                 REJECT_BUSY); /* a return looks at no hours */
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_SUPPORT);
    assert_int_equal(call(&world, "c1")->data.held_until, TIME_NEVER);
    world_deinit(&world);
}

static void what_is_held_may_end(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    struct hours hours = nine_to_five(-1);
    world.queues[QUEUE_SUPPORT].hours = 0;
    world.config.hours = &hours;
    world.config.hours_count = 1;
    world.now = 1774746000 * INT64_C(1000);
    world_start(&world);
    world_ring(&world, "c1", "+491");
    assert_true(call(&world, "c1")->data.held_until != TIME_NEVER);
    assert_int_equal(world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", NULL))->outcome,
                     OUTCOME_ENDED);
    assert_int_equal(world_sleep(&world, 86400000), 0);
    world_deinit(&world);
}

static struct hours never(int otherwise)
{
    return (struct hours){.zone = &berlin, .otherwise = otherwise};
}

static void what_waits_for_hours_that_never_open_is_looked_at_once_a_day(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    struct hours hours = never(-1);
    world.queues[QUEUE_SUPPORT].hours = 0;
    world.config.hours = &hours;
    world.config.hours_count = 1;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    assert_int_equal(call(&world, "c1")->data.held_until, world.now + INT64_C(86400000));
    assert_int_equal(world_sleep(&world, 86400000), 1);
    assert_int_equal(call(&world, "c1")->data.state, INTERACTION_QUEUED);
    assert_int_equal(call(&world, "c1")->data.held_until, world.now + INT64_C(86400000));
    world_deinit(&world);
}

static void closed_queues_that_send_to_each_other_hold_what_comes(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    struct hours hours[] = {never(QUEUE_MAIL), never(QUEUE_SUPPORT)};
    world.queues[QUEUE_SUPPORT].hours = 0;
    world.queues[QUEUE_MAIL].hours = 1;
    world.config.hours = hours;
    world.config.hours_count = 2;
    world_start(&world);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    assert_true(slice_is(outcome->snapshot->queue, "mail"));
    assert_int_equal(outcome->explanations->path_count, 1);
    assert_int_equal(outcome->explanations->held_until, world.now + INT64_C(86400000));
    assert_int_equal(outcome->explanations->candidate_count, 0); /* nobody is looked at while it is held */
    world_deinit(&world);
}

static void a_new_file_that_opens_the_queue_lets_in_what_was_held(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    struct hours hours = never(-1);
    world.queues[QUEUE_SUPPORT].hours = 0;
    world.config.hours = &hours;
    world.config.hours_count = 1;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct project_config opened = world.config;
    struct config_queue queues[QUEUE_COUNT];
    memcpy(queues, world.queues, sizeof queues);
    queues[QUEUE_SUPPORT].hours = -1;
    opened.queues = queues;
    world_step(&world, (struct input){.kind = INPUT_CONFIG, .config = &opened, .config_version = 2});
    assert_string_equal(holder(&world, call(&world, "c1")), "anna");
    assert_int_equal(call(&world, "c1")->data.held_until, TIME_NEVER);
    world_deinit(&world);
}

static void relaxation_that_helps_nobody_goes_on_to_who_is_left(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.rules[0].skills = world_skill(&world, GERMAN, 5);
    world.agents[0].skills = world_skill(&world, GERMAN, 3);
    world.relax[0] = (struct config_relax){30000, world_skill(&world, GERMAN, 3)};
    world.queues[QUEUE_SUPPORT].relax = world.relax;
    world.queues[QUEUE_SUPPORT].relax_count = 1;
    world.queues[QUEUE_SUPPORT].when_empty[EMPTY_ALL_AT_CAPACITY] = QUEUE_MAIL;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491"); /* she has room, and will do from 30 s on */
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_SUPPORT);
    world.now += 1000;
    world_ring(&world, "c2", "+492");
    world_step(
        &world,
        (struct input){.kind = INPUT_ASSIGN, .interaction = call(&world, "c2")->id, .agent = SLICE("anna")});
    world_accept(&world, call(&world, "c2")->data.offer, "anna");
    world_sleep(&world, 30000);
    assert_int_equal(call(&world, "c1")->data.queue, QUEUE_MAIL);
    assert_int_equal(call(&world, "c1")->data.moved, MOVE_EMPTY);
    assert_string_equal(holder(&world, call(&world, "c1")), "ben");
    world_deinit(&world);
}

static void a_full_queue_keeps_what_somebody_takes_at_once_or_nobody_else_would(void **state)
{
    struct world world;
    (void)state;
    prepare_two(&world);
    world.queues[QUEUE_SUPPORT].waiting_max = 1;
    world.queues[QUEUE_SUPPORT].overflow = QUEUE_MAIL;
    world.queues[QUEUE_MAIL].waiting_max = 1;
    world.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    world_start(&world);
    assert_true(slice_is(world_ring(&world, "c1", "+491")->snapshot->queue, "support"));
    assert_true(slice_is(world_ring(&world, "c2", "+492")->snapshot->queue, "mail"));
    /* Both are full: the one that it came to from the other keeps it. */
    const struct outcome *outcome = world_ring(&world, "c3", "+493");
    assert_true(slice_is(outcome->snapshot->queue, "mail"));
    assert_int_equal(outcome->explanations->path_count, 1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_empty_reason_takes_its_own_way),
        cmocka_unit_test(relaxation_has_its_chance_before_none_skilled),
        cmocka_unit_test(what_waits_goes_on_with_its_age_when_the_last_one_leaves),
        cmocka_unit_test(what_a_lost_agent_was_offered_goes_on_once),
        cmocka_unit_test(a_way_is_explained_though_others_are_looked_at_on_it),
        cmocka_unit_test(a_circle_of_empty_queues_ends),
        cmocka_unit_test(a_full_queue_passes_on_what_would_have_to_wait),
        cmocka_unit_test(what_has_waited_for_long_overflows_once_with_its_age),
        cmocka_unit_test(a_queue_opens_once_at_9_on_both_daylight_saving_days),
        cmocka_unit_test(what_is_held_may_end),
        cmocka_unit_test(a_closed_queue_sends_what_comes_elsewhere_and_goes_on_with_what_waits),
        cmocka_unit_test(what_waits_for_hours_that_never_open_is_looked_at_once_a_day),
        cmocka_unit_test(closed_queues_that_send_to_each_other_hold_what_comes),
        cmocka_unit_test(a_new_file_that_opens_the_queue_lets_in_what_was_held),
        cmocka_unit_test(relaxation_that_helps_nobody_goes_on_to_who_is_left),
        cmocka_unit_test(a_full_queue_keeps_what_somebody_takes_at_once_or_nobody_else_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
