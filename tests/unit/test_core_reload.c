/* What comes into another queue by its rule, in a reload or as it comes back, is asked there what arrives is
 * asked. */
#include "tests/unit/core_world.h"

static void configure(struct world *world, const struct project_config *config, uint64_t version)
{
    world_step(world, (struct input){.kind = INPUT_CONFIG, .config = config, .config_version = version});
}

static const struct zone_transition utc[] = {{INT64_MIN, 0}};
static const struct zone_table zone = {SLICE("UTC"), (struct zone_transition *)utc, 1};

/* The second version sends chats to the mail queue, which is closed but for one minute (the world begins on a
 * Wednesday at 11:06:40). */
struct another {
    struct project_config config;
    struct config_queue queues[QUEUE_COUNT];
    struct config_rule rule;
    struct hours hours;
    struct hours_span span;
};

static void make_another(struct another *another, const struct world *world)
{
    *another = (struct another){.config = world->config,
                                .queues = {world->queues[0], world->queues[1], world->queues[2]},
                                .rule = {.name = SLICE("rest"), .queue = QUEUE_MAIL},
                                .span = {2, 660, 661, false}};
    another->hours = (struct hours){
        .name = SLICE("office"), .zone = &zone, .spans = &another->span, .span_count = 1, .otherwise = -1};
    another->config.rules = &another->rule;
    another->config.queues = another->queues;
    another->config.hours = &another->hours;
    another->config.hours_count = 1;
}

static const struct interaction *wait_for(struct world *world, const char *subject)
{
    world_chat(world, subject);
    const struct interaction *chat = world_find(world, CHANNEL_CHAT, subject);
    assert_int_equal(chat->data.state, INTERACTION_QUEUED);
    return chat;
}

static void a_reload_moves_into_a_closed_queue_what_is_held_there(void **state)
{
    struct world world;
    struct another another;
    (void)state;
    world_init(&world, 1);
    const struct interaction *chat = wait_for(&world, "c1");
    int64_t came = world.now;
    world_sleep(&world, 5000);
    make_another(&another, &world);
    another.queues[QUEUE_MAIL].hours = 0;
    configure(&world, &another.config, 2);
    assert_int_equal(chat->data.queue, QUEUE_MAIL);
    assert_true(chat->data.held_until > world.now && chat->data.enqueued_ms == came);
    assert_true(slice_is(announced_as(world.last, ANNOUNCE_QUEUED)->snapshot->queue, "mail"));
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(chat->data.state, INTERACTION_QUEUED);
    another.hours.otherwise = QUEUE_SUPPORT; /* held, and now there is a way on */
    configure(&world, &another.config, 3);
    assert_int_equal(chat->data.queue, QUEUE_SUPPORT);
    assert_int_equal(chat->data.state, INTERACTION_OFFERED);
    world_deinit(&world);
}

static void a_reload_moves_what_may_not_wait_there_on_and_the_oldest_find_room(void **state)
{
    struct world world;
    struct another another;
    (void)state;
    world_init(&world, 1);
    const struct interaction *chats[] = {wait_for(&world, "c1"), wait_for(&world, "c2"),
                                         wait_for(&world, "c3")};
    make_another(&another, &world);
    another.queues[QUEUE_MAIL].waiting_max = 2;
    another.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    configure(&world, &another.config, 2);
    assert_int_equal(chats[0]->data.queue, QUEUE_MAIL);
    assert_int_equal(chats[1]->data.queue, QUEUE_MAIL);
    assert_int_equal(chats[2]->data.queue, QUEUE_SUPPORT);
    assert_int_equal(chats[2]->data.moved, MOVE_OVERLOAD);
    configure(&world, &another.config, 3); /* nothing comes into any queue */
    assert_null(announced_as(world.last, ANNOUNCE_QUEUED));
    world_deinit(&world);
}

/* What leaves a queue makes room in it first, and only what would have to wait is too much. */
static void a_reload_counts_neither_who_leaves_nor_who_is_asked(void **state)
{
    struct world world;
    struct another another;
    (void)state;
    world_init(&world, 1);
    make_another(&another, &world);
    struct from from = {.email = "a@b.example"};
    wait_for(&world, "c1");
    wait_for(&world, "c2");
    wait_for(&world, "c3");
    wait_for(&world, "c4");
    world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from));
    world_rule(&world, "mails", "channel == 'email'", QUEUE_CHAT, 0);
    world_rule(&world, "rest", NULL, QUEUE_MAIL, 0);
    another.config.rules = world.config.rules;
    another.config.rule_count = world.config.rule_count;
    another.queues[QUEUE_MAIL].waiting_max = 1;
    another.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    world.agents[0].queues = world.all_queues + QUEUE_MAIL;
    world.agents[0].queue_count = 1;
    configure(&world, &another.config, 2);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "c1")->data.queue, QUEUE_MAIL);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "c2")->data.queue, QUEUE_SUPPORT);
    assert_int_equal(world_find(&world, CHANNEL_EMAIL, "m1")->data.queue, QUEUE_CHAT);
    world_deinit(&world);
}

static void who_is_there_takes_the_oldest_of_those_who_come(void **state)
{
    struct world world;
    struct another another;
    (void)state;
    world_prepare(&world, 1);
    world.agents[0].queues = world.all_queues + QUEUE_MAIL; /* alone */
    world.agents[0].queue_count = 1;
    world.agents[0].capacity[CHANNEL_CHAT] = 2;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct interaction *chats[] = {wait_for(&world, "c1"), wait_for(&world, "c2"),
                                         wait_for(&world, "c3"), wait_for(&world, "c4")};
    make_another(&another, &world);
    another.queues[QUEUE_MAIL].waiting_max = 1;
    another.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    configure(&world, &another.config, 2);
    assert_int_equal(chats[0]->data.state, INTERACTION_OFFERED);
    assert_int_equal(chats[1]->data.state, INTERACTION_OFFERED);
    assert_int_equal(chats[2]->data.queue, QUEUE_MAIL);
    assert_int_equal(chats[2]->data.state, INTERACTION_QUEUED);
    assert_int_equal(chats[3]->data.queue, QUEUE_SUPPORT);
    world_deinit(&world);
}

/* A rule that looks at attempts: what was rejected once goes to the mail queue. */
static void what_comes_back_by_its_rule_into_a_closed_queue_is_held(void **state)
{
    static const char *const ways[] = {"reject", "expiry", "offline"};
    (void)state;
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        struct world world;
        struct another another;
        world_prepare(&world, 1);
        make_another(&another, &world);
        world.queues[QUEUE_MAIL].hours = 0;
        world.config.hours = &another.hours;
        world.config.hours_count = 1;
        world_rule(&world, "again", "interaction.attempts > 0", QUEUE_MAIL, 0);
        world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
        world_start(&world);
        world_presence(&world, "anna", AGENT_AVAILABLE, 0);
        struct uuid offer = world_chat(&world, "c1")->snapshot->offer;
        if (way == 0)
            world_reject(&world, offer, "anna", REJECT_REJECT);
        else if (way == 1)
            world_sleep(&world, 20000);
        else
            world_presence(&world, "anna", AGENT_OFFLINE, 0);
        const struct interaction *chat = world_find(&world, CHANNEL_CHAT, "c1");
        assert_int_equal(chat->data.queue, QUEUE_MAIL);
        if (chat->data.held_until <= world.now || chat->data.held_until == TIME_NEVER)
            fail_msg("not held after %s", ways[way]);
        world_deinit(&world);
    }
}

static void what_is_assigned_stays_in_its_queue_until_it_comes_back(void **state)
{
    struct world world;
    struct another another;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_chat(&world, "c1");
    const struct interaction *chat = world_find(&world, CHANNEL_CHAT, "c1");
    assert_int_equal(chat->data.state, INTERACTION_OFFERED);
    int queue = chat->data.queue;
    make_another(&another, &world);
    another.queues[QUEUE_MAIL].hours = 0;
    configure(&world, &another.config, 2);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_step(&world, (struct input){.kind = INPUT_ASSIGN, .interaction = chat->id, .agent = SLICE("ben")});
    assert_int_equal(chat->data.state, INTERACTION_OFFERED);
    assert_int_equal(chat->data.queue, queue);
    world_reject(&world, chat->data.offer, "ben", REJECT_BUSY);
    assert_int_equal(chat->data.state, INTERACTION_QUEUED);
    assert_int_equal(chat->data.queue, QUEUE_MAIL);
    assert_true(chat->data.held_until > world.now && chat->data.held_until != TIME_NEVER);
    world_deinit(&world);
}

static void what_comes_back_by_its_rule_into_a_full_queue_goes_on(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "again", "interaction.attempts > 0", QUEUE_MAIL, 0);
    world_rule(&world, "mails", "channel == 'email'", QUEUE_MAIL, 0);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world.queues[QUEUE_MAIL].waiting_max = 1;
    world.queues[QUEUE_MAIL].overflow = QUEUE_SUPPORT;
    world.agents[0].capacity[CHANNEL_EMAIL] = 0;
    world.config.grace_ms = 1000;
    world_start(&world);
    struct from from = {.email = "a@b.example"};
    world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from)); /* fills it */
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_chat(&world, "c1")->snapshot->offer, "anna");
    world_presence(&world, "anna", AGENT_OFFLINE, 0);
    world_sleep(&world, 1000); /* the grace is over */
    const struct interaction *chat = world_find(&world, CHANNEL_CHAT, "c1");
    assert_int_equal(chat->data.state, INTERACTION_QUEUED);
    assert_int_equal(chat->data.queue, QUEUE_SUPPORT);
    assert_int_equal(chat->data.moved, MOVE_OVERLOAD);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_moves_into_a_closed_queue_what_is_held_there),
        cmocka_unit_test(a_reload_moves_what_may_not_wait_there_on_and_the_oldest_find_room),
        cmocka_unit_test(a_reload_counts_neither_who_leaves_nor_who_is_asked),
        cmocka_unit_test(who_is_there_takes_the_oldest_of_those_who_come),
        cmocka_unit_test(what_comes_back_by_its_rule_into_a_closed_queue_is_held),
        cmocka_unit_test(what_is_assigned_stays_in_its_queue_until_it_comes_back),
        cmocka_unit_test(what_comes_back_by_its_rule_into_a_full_queue_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
