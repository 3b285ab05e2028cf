/* Whom an interaction is about, as people say. */
#include "rules/record.h"
#include "tests/unit/core_world.h"

static struct customer_fact ann = {.id = {{1}}, .name = {"Ann", 3}, .owner = {"ben", 3}};
static struct customer_fact bob = {.id = {{2}}, .name = {"Bob", 3}};

static struct input link_input(struct uuid interaction, const char *actor, struct customer_fact *customer)
{
    return (struct input){.kind = INPUT_LINK,
                          .interaction = interaction,
                          .actor = slice_of(actor),
                          .facts = {.candidates = customer, .candidate_count = 1}};
}

static const struct outcome *say(struct world *world, struct uuid interaction, const char *actor,
                                 struct customer_fact *customer)
{
    return world_step(world, link_input(interaction, actor, customer));
}

static const struct interaction *active_chat(struct world *world)
{
    world_init(world, 2);
    world_presence(world, "anna", AGENT_AVAILABLE, 0);
    world_accept(world, world_chat(world, "c1")->snapshot->offer, "anna");
    return world_find(world, CHANNEL_CHAT, "c1");
}

static void its_agent_says_who_it_is_and_changes_it_again(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *chat = active_chat(&world);
    const struct outcome *outcome = say(&world, chat->id, "anna", &ann);
    assert_int_equal(outcome->outcome, OUTCOME_DONE);
    assert_true(outcome->is_linked && uuid_is_nil(&outcome->linked_before));
    assert_true(uuid_equal(&outcome->snapshot->customer, &ann.id) &&
                slice_is(outcome->snapshot->fact.name, "Ann"));
    assert_int_equal(chat->data.identity, IDENTITY_MATCHED);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_CUSTOMER)->agent, "anna"));
    assert_true(uuid_equal(&outcome->active_customer, &ann.id) && slice_is(outcome->active_agent, "anna"));
    outcome = say(&world, chat->id, NULL, &bob); /* a supervisor */
    assert_true(outcome->is_linked && uuid_equal(&outcome->linked_before, &ann.id));
    assert_true(uuid_equal(&chat->data.customer, &bob.id) && chat->data.fact.owner.len == 0);
    outcome = say(&world, chat->id, "anna", &bob); /* the same again */
    assert_true(!outcome->is_linked && outcome->announcement_count == 0);
    assert_int_equal(outcome->outcome, OUTCOME_DONE);
    world_deinit(&world);
}

static void what_is_written_next_is_of_whom_it_is(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *chat = active_chat(&world);
    say(&world, chat->id, "anna", &ann);
    for (int restarts = 0; restarts < 2; restarts++) {
        const struct outcome *outcome = world_chat(&world, "c1");
        assert_int_equal(outcome->outcome, OUTCOME_ATTACHED);
        assert_int_equal(outcome->snapshot->identity, IDENTITY_MATCHED);
        assert_true(uuid_equal(&outcome->snapshot->customer, &ann.id));
        const struct announcement *told = announced_as(outcome, ANNOUNCE_MESSAGE);
        assert_true(slice_is(told->agent, "anna") && slice_is(told->snapshot->fact.name, "Ann"));
        core_bury(&world.core);
        world_restart(&world);
    }
    world_deinit(&world);
}

static void nobody_else_may_say(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *chat = active_chat(&world);
    struct uuid id = chat->id, never = {{9}};
    assert_int_equal(say(&world, id, "ben", &ann)->refusal, REFUSAL_FORBIDDEN);
    assert_int_equal(say(&world, never, "anna", &ann)->refusal, REFUSAL_NOT_FOUND);
    struct input nobody = link_input(id, "anna", &ann);
    nobody.facts.candidate_count = 0;
    assert_int_equal(world_step(&world, nobody)->refusal, REFUSAL_NOT_FOUND);
    const struct outcome *offered = world_chat(&world, "c2");
    assert_int_equal(say(&world, offered->snapshot->interaction, "anna", &ann)->refusal, REFUSAL_FORBIDDEN);
    world_end(&world, id, "anna");
    assert_int_equal(say(&world, id, "anna", &ann)->refusal, REFUSAL_CLOSED);
    world_deinit(&world);
}

/* A second contact goes to who has the first, and rules know the customer when it comes back. */
static void routing_goes_on_with_whom_it_is(void **state)
{
    struct world world;
    struct customer_fact known = ann;
    (void)state;
    world_prepare(&world, 3);
    world.config.prefer = (struct config_prefer){.owner_ms = 15000, .within_ms = 1000000};
    world_rule(&world, "known", "customer.owner == 'ben'", QUEUE_MAIL, 0);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_chat(&world, "c1")->snapshot->offer, "anna");
    const struct interaction *chat = world_find(&world, CHANNEL_CHAT, "c1");
    say(&world, chat->id, "anna", &ann);
    world_presence(&world, "carl", AGENT_AVAILABLE, 0); /* idle, and so the first of the queue */
    known.by_email = true;
    struct from from = {.email = "ann@x.example", .candidates = &known, .candidate_count = 1};
    world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from));
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_EMAIL, "m1")), "anna");
    world_presence(&world, "anna", AGENT_OFFLINE, 0);
    world_sleep(&world, 60000); /* the grace is over */
    assert_int_equal(chat->data.queue, QUEUE_MAIL);
    assert_string_equal(holder(&world, chat), "carl");
    world_deinit(&world);
}

/* The offer was made to the owner of somebody else: those whom the new customer knows have not been asked. */
static void an_offer_that_is_out_comes_back_to_whom_the_new_customer_knows(void **state)
{
    static const char *const nexts[] = {"owner", "last", "both"};
    (void)state;
    for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++) {
        struct world world;
        struct customer_fact old = {.id = {{2}}, .name = {"Bob", 3}, .owner = {"anna", 4}, .by_email = true};
        struct customer_fact new = ann;
        struct from from = {.email = "bob@x.example", .candidates = &old, .candidate_count = 1};
        world_prepare(&world, 3);
        world.config.prefer =
            (struct config_prefer){.owner_ms = 15000, .last_agent_ms = 10000, .within_ms = 1000000};
        world_start(&world);
        world_presence(&world, "carl", AGENT_AVAILABLE, 0); /* the first of the queue */
        world_presence(&world, "anna", AGENT_AVAILABLE, 0);
        world_presence(&world, "ben", AGENT_AVAILABLE, 0);
        struct uuid offer =
            world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from))->snapshot->offer;
        const struct interaction *mail = world_find(&world, CHANNEL_EMAIL, "m1");
        assert_string_equal(holder(&world, mail), "anna");
        new.last_agent = i == 0 ? (struct slice){NULL, 0} : SLICE("ben");
        new.last_ms = world.now;
        new.owner = i == 1 ? (struct slice){NULL, 0} : SLICE("ben");
        say(&world, mail->id, NULL, &new);
        assert_string_equal(holder(&world, mail), "anna"); /* it is not taken from whom it rings at */
        core_bury(&world.core);
        world_restart(&world);
        world_reject(&world, offer, "anna", REJECT_REJECT);
        mail = world_find(&world, CHANNEL_EMAIL, "m1");
        if (strcmp(holder(&world, mail), "ben") != 0)
            fail_msg("%s: asks %s", nexts[i], holder(&world, mail));
        assert_int_equal(mail->data.stage, i == 1 ? PREFER_LAST : PREFER_OWNER);
        world_reject(&world, mail->data.offer, "ben", REJECT_REJECT); /* and then everything is as ever */
        assert_string_equal(holder(&world, mail), "carl");
        world_deinit(&world);
    }
}

static void who_gave_it_away_is_not_asked_as_the_owner_either(void **state)
{
    struct world world;
    struct customer_fact of_anna = ann;
    (void)state;
    of_anna.owner = SLICE("anna");
    world_prepare(&world, 2);
    world.config.prefer = (struct config_prefer){.owner_ms = 15000, .within_ms = 1000000};
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_chat(&world, "c1")->snapshot->offer, "anna");
    const struct interaction *chat = world_find(&world, CHANNEL_CHAT, "c1");
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_step(&world, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = chat->id,
                                      .actor = SLICE("anna"),
                                      .agent = SLICE("ben")});
    say(&world, chat->id, NULL, &of_anna);
    assert_string_equal(holder(&world, chat), "ben");
    world_reject(&world, chat->data.offer, "ben", REJECT_REJECT);
    assert_int_equal(chat->data.state, INTERACTION_QUEUED);
    world_deinit(&world);
}

static void an_open_interaction_remembers_that_it_was_linked(void **state)
{
    struct world world;
    struct interaction again = {.opened_seq = 0};
    struct record_names names;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid id = world_chat(&world, "c1")->snapshot->interaction;
    const struct interaction *chat = core_find_interaction(&world.core, &id);
    for (int i = 0; i < 2; i++) {
        struct slice bytes = record_open(&world.core, chat, &world.arena);
        assert_true(record_read_open(&again, &names, bytes, &world.arena));
        assert_int_equal(again.data.is_relinked, i);
        assert_int_equal(again.data.stage, chat->data.stage);
        say(&world, id, NULL, &bob);
    }
    world_deinit(&world);
}

static void who_turns_out_to_be_blocked_is_not_offered(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct block block = {{{5}}, BLOCK_CUSTOMER, bob.id, {NULL, 0}, 7, world.now, TIME_NEVER};
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = block});
    const struct outcome *outcome = world_chat(&world, "c1");
    struct uuid offered = outcome->snapshot->interaction;
    outcome = say(&world, offered, NULL, &bob);
    assert_true(uuid_equal(&outcome->hit, &block.id) && outcome->snapshot->state == INTERACTION_CLOSED);
    assert_non_null(announced_as(outcome, ANNOUNCE_WITHDRAWN));
    assert_non_null(announced_as(outcome, ANNOUNCE_BLOCKED));
    /* What an agent has taken stays. */
    world_accept(&world, world_chat(&world, "c2")->snapshot->offer, "anna");
    const struct interaction *active = world_find(&world, CHANNEL_CHAT, "c2");
    assert_true(uuid_is_nil(&say(&world, active->id, "anna", &bob)->hit));
    assert_int_equal(active->data.state, INTERACTION_ACTIVE);
    /* What comes in there says nothing of who writes: it is the customer's. */
    assert_int_equal(world_chat(&world, "c2")->outcome, OUTCOME_BLOCKED);
    assert_true(uuid_equal(&world.last->hit, &block.id));
    world_deinit(&world);
}

static void a_rollback_takes_it_back(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *chat = active_chat(&world);
    struct input input = link_input(chat->id, "anna", &ann);
    input.at_ms = world.now;
    core_begin(&world.core);
    assert_true(core_step(&world.core, &input, &world.arena)->is_linked);
    core_rollback(&world.core);
    assert_true(uuid_is_nil(&chat->data.customer) && chat->data.fact.name.len == 0);
    assert_int_equal(chat->data.identity, IDENTITY_MANUAL);
    world_deinit(&world);
}

static void the_journal_says_the_same_again(void **state)
{
    struct world world;
    struct input again;
    struct facts facts;
    struct outcome outcome;
    static const struct record_people nobody;
    (void)state;
    const struct interaction *chat = active_chat(&world);
    struct input input = link_input(chat->id, "anna", &ann);
    assert_true(record_read_input(&again, record_input(&input, &world.arena), &nobody, &world.arena));
    assert_true(record_read_facts(&facts, record_facts(&input.facts, &world.arena), NULL, &world.arena));
    assert_true(again.kind == INPUT_LINK && uuid_equal(&again.interaction, &chat->id) &&
                slice_is(again.actor, "anna"));
    assert_true(facts.candidate_count == 1 && uuid_equal(&facts.candidates[0].id, &ann.id));
    struct slice decision = record_decision(world_step(&world, input), &world.arena);
    assert_true(record_read_decision(&outcome, decision, &world.arena));
    assert_int_equal(outcome.announcements->type, ANNOUNCE_CUSTOMER);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_agent_says_who_it_is_and_changes_it_again),
        cmocka_unit_test(what_is_written_next_is_of_whom_it_is),
        cmocka_unit_test(nobody_else_may_say),
        cmocka_unit_test(routing_goes_on_with_whom_it_is),
        cmocka_unit_test(an_offer_that_is_out_comes_back_to_whom_the_new_customer_knows),
        cmocka_unit_test(who_gave_it_away_is_not_asked_as_the_owner_either),
        cmocka_unit_test(an_open_interaction_remembers_that_it_was_linked),
        cmocka_unit_test(who_turns_out_to_be_blocked_is_not_offered),
        cmocka_unit_test(a_rollback_takes_it_back),
        cmocka_unit_test(the_journal_says_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
