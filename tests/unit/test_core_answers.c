/* What the core answers to what does not quite fit: late, doubled, foreign and half-known inputs. */
#include "tests/unit/core_world.h"

static struct uuid foreign(uint32_t project, uint64_t seq)
{
    return uuid_derive(INT64_C(1795000000000), project, seq, 0);
}

/* --- Who it is --- */

static struct customer_fact by_phone(uint8_t id)
{
    return (struct customer_fact){.id = {{id}}, .by_phone = true};
}

static void block_customer(struct world *world, uint8_t customer)
{
    struct block block = {.id = {{0, customer}},
                          .kind = BLOCK_CUSTOMER,
                          .customer = {{customer}},
                          .channels = 7,
                          .until_ms = TIME_NEVER};
    assert_int_equal(world_step(world, (struct input){.kind = INPUT_BLOCK, .block = block})->outcome,
                     OUTCOME_DONE);
}

static void a_caller_is_shut_out_only_when_everyone_it_could_be_is_blocked(void **state)
{
    struct world world;
    struct customer_fact both[] = {by_phone(1), by_phone(2)};
    struct from one = {.phone = "+491", .candidates = both, .candidate_count = 1},
                two = {.phone = "+491", .candidates = both, .candidate_count = 2};
    (void)state;
    world_init(&world, 1);
    block_customer(&world, 1);
    assert_int_equal(world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c1", &one))->outcome,
                     OUTCOME_BLOCKED);
    assert_int_equal(world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c2", &two))->outcome,
                     OUTCOME_QUEUED);
    block_customer(&world, 2);
    const struct outcome *outcome = world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c3", &two));
    assert_int_equal(outcome->outcome, OUTCOME_BLOCKED);
    assert_int_equal(outcome->snapshot->identity, IDENTITY_BLOCKED);
    world_deinit(&world);
}

static void an_extension_makes_no_customer_and_a_policy_may_create_at_once(void **state)
{
    struct world world;
    struct from from = {.phone = "1001"};
    (void)state;
    world_init(&world, 1);
    struct input call = world_event(&world, EVENT_CALL_RINGING, "c1", &from);
    call.phone.class = CALLER_EXTENSION;
    assert_int_equal(world_step(&world, call)->snapshot->identity, IDENTITY_MANUAL);
    world.config.create_at_ingest = true;
    const struct outcome *outcome = world_ring(&world, "c2", "+491");
    assert_int_equal(outcome->snapshot->identity, IDENTITY_CREATED);
    assert_false(uuid_is_nil(&outcome->created));
    assert_true(uuid_equal(&outcome->created, &outcome->snapshot->customer));
    world_deinit(&world);
}

static void a_chat_that_hides_its_number_is_anonymous(void **state)
{
    struct world world;
    struct from from = {.phone = NULL};
    (void)state;
    world_init(&world, 1);
    struct input chat = world_event(&world, EVENT_CHAT_MESSAGE, "s1", &from);
    chat.phone.class = CALLER_ANONYMOUS;
    assert_int_equal(world_step(&world, chat)->snapshot->identity, IDENTITY_ANONYMOUS);
    world_deinit(&world);
}

/* --- Threads and repeats --- */

static void a_mail_is_attached_to_whichever_message_of_its_thread_is_open(void **state)
{
    struct world world;
    struct from from = {.email = "a@b.example"};
    (void)state;
    world_init(&world, 1);
    struct uuid first =
        world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from))->snapshot->interaction;
    struct uuid thread[] = {world_conversation(CHANNEL_EMAIL, "lost"),
                            world_conversation(CHANNEL_EMAIL, "m1"),
                            world_conversation(CHANNEL_EMAIL, "later")};
    struct input reply = world_event(&world, EVENT_EMAIL_RECEIVED, "m2", &from);
    reply.thread = thread;
    reply.thread_count = 3;
    const struct outcome *outcome = world_step(&world, reply);
    assert_int_equal(outcome->outcome, OUTCOME_ATTACHED);
    assert_true(uuid_equal(&outcome->snapshot->interaction, &first));
    assert_non_null(announced_as(outcome, ANNOUNCE_MESSAGE));
    reply = world_event(&world, EVENT_EMAIL_RECEIVED, "m3", &from);
    reply.thread = thread;
    reply.thread_count = 1;
    assert_int_equal(world_step(&world, reply)->outcome, OUTCOME_QUEUED);
    world_deinit(&world);
}

static void what_comes_after_the_end_is_answered_and_changes_nothing(void **state)
{
    static const struct {
        enum event_type type;
        enum event_outcome outcome;
    } rows[] = {{EVENT_CALL_RINGING, OUTCOME_ENDED},
                {EVENT_CALL_ANSWERED, OUTCOME_ATTACHED},
                {EVENT_CALL_ENDED, OUTCOME_ENDED}};
    struct world world;
    struct from from = {.phone = "+491"};
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid call = world_ring(&world, "c1", "+491")->snapshot->interaction;
    world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", &from));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct outcome *outcome = world_step(&world, world_event(&world, rows[i].type, "c1", &from));
        assert_int_equal(outcome->outcome, rows[i].outcome);
        assert_true(uuid_equal(&outcome->snapshot->interaction, &call));
        assert_int_equal(outcome->snapshot->state, INTERACTION_CLOSED);
        assert_null(outcome->announcements);
    }
    assert_int_equal(world.core.open.count, 0);
    world_deinit(&world);
}

/* --- Offers and who answers them --- */

static void the_last_miss_sends_all_other_offers_back(void **state)
{
    struct world world;
    (void)state;
    for (int is_silent = 0; is_silent < 2; is_silent++) {
        world_prepare(&world, 2);
        world.config.misses = 1;
        world_start(&world);
        world_presence(&world, "anna", AGENT_AVAILABLE, 0);
        struct uuid offer = world_chat(&world, "s1")->snapshot->offer;
        world.now++;
        world_chat(&world, "s2");
        world_presence(&world, "ben", AGENT_AVAILABLE, 0);
        if (is_silent)
            world_sleep(&world, world.queues[QUEUE_CHAT].offer_timeout_ms - 1);
        else
            world_reject(&world, offer, "anna", REJECT_NO_ANSWER);
        assert_string_equal(holder(&world, world_find(&world, CHANNEL_CHAT, "s1")), "ben");
        assert_string_equal(holder(&world, world_find(&world, CHANNEL_CHAT, "s2")), "ben");
        world_deinit(&world);
    }
}

static void a_blocked_caller_whom_somebody_answers_is_not_assigned(void **state)
{
    struct world world;
    struct customer_fact customer = by_phone(5);
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    block_customer(&world, 5);
    struct input answered = world_event(&world, EVENT_CALL_ANSWERED, "c1", NULL);
    ((struct event *)answered.event)->agent = SLICE("anna");
    answered.facts = (struct facts){.candidates = &customer, .candidate_count = 1};
    const struct outcome *outcome = world_step(&world, answered);
    assert_int_equal(outcome->outcome, OUTCOME_BLOCKED);
    assert_int_equal(outcome->snapshot->identity, IDENTITY_BLOCKED);
    assert_non_null(announced_as(outcome, ANNOUNCE_BLOCKED));
    assert_null(announced_as(outcome, ANNOUNCE_ASSIGNED));
    assert_null(world_find(&world, CHANNEL_CALL, "c1"));
    world_deinit(&world);
}

/* --- Refusals --- */

static void an_offer_is_answered_by_who_got_it_and_once(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    uint64_t seq = world.core.seq;
    assert_int_equal(world_accept(&world, offer, "ben")->refusal, REFUSAL_FORBIDDEN);
    assert_int_equal(world_reject(&world, offer, "ben", REJECT_BUSY)->refusal, REFUSAL_FORBIDDEN);
    assert_int_equal(world_accept(&world, foreign(2, 1), "anna")->refusal, REFUSAL_NOT_FOUND);
    assert_int_equal(world_accept(&world, foreign(1, 99), "anna")->refusal, REFUSAL_NOT_FOUND);
    assert_int_equal(world_accept(&world, foreign(1, 1), "anna")->refusal, REFUSAL_OFFER_GONE);
    assert_int_equal(world_accept(&world, (struct uuid){{1}}, "anna")->refusal, REFUSAL_NOT_FOUND);
    assert_int_equal(world.core.seq, seq);
    assert_int_equal(world_accept(&world, offer, "anna")->outcome, OUTCOME_ASSIGNED);
    assert_int_equal(world_reject(&world, offer, "anna", REJECT_BUSY)->refusal, REFUSAL_OFFER_GONE);
    assert_int_equal(world_reject(&world, foreign(1, 1), "anna", REJECT_BUSY)->refusal, REFUSAL_OFFER_GONE);
    world_deinit(&world);
}

static void work_is_ended_by_its_holder_or_from_above(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *ringing = world_ring(&world, "c1", "+491");
    struct uuid call = ringing->snapshot->interaction, offer = ringing->snapshot->offer;
    assert_int_equal(world_end(&world, call, "anna")->refusal, REFUSAL_FORBIDDEN); /* only offered so far */
    world_accept(&world, offer, "anna");
    assert_int_equal(world_end(&world, call, "ben")->refusal, REFUSAL_FORBIDDEN);
    assert_int_equal(world_end(&world, call, "anna")->outcome, OUTCOME_ENDED);
    assert_int_equal(world_end(&world, call, "anna")->refusal, REFUSAL_CLOSED);
    assert_int_equal(world_end(&world, foreign(1, 99), "anna")->refusal, REFUSAL_NOT_FOUND);
    assert_int_equal(world_end(&world, foreign(2, 1), "anna")->refusal, REFUSAL_NOT_FOUND);
    struct uuid unowned = world_dial(&world, "c2", value_null())->snapshot->interaction;
    assert_int_equal(world_end(&world, unowned, "anna")->refusal, REFUSAL_FORBIDDEN);
    const struct outcome *outcome = world_end(&world, unowned, NULL);
    assert_int_equal(outcome->outcome, OUTCOME_ENDED);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_ENDED)->cause, "supervisor"));
    world_deinit(&world);
}

static void what_was_closed_in_this_very_batch_is_closed(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct uuid call = world_ring(&world, "c1", "+491")->snapshot->interaction;
    struct input end = {.kind = INPUT_END, .at_ms = world.now, .interaction = call};
    core_begin(&world.core);
    assert_int_equal(core_step(&world.core, &end, &world.arena)->outcome, OUTCOME_ENDED);
    assert_int_equal(core_step(&world.core, &end, &world.arena)->refusal, REFUSAL_CLOSED);
    core_commit(&world.core);
    world_deinit(&world);
}

static void presence_of_an_unknown_agent_is_refused(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    assert_int_equal(world_presence(&world, "nobody", AGENT_AVAILABLE, 0)->refusal, REFUSAL_NO_AGENT);
    struct agent_data gone = {.state = AGENT_OFFLINE,
                              .lease_until = TIME_NEVER,
                              .grace_until = TIME_NEVER,
                              .wrap_until = TIME_NEVER,
                              .cool_until = TIME_NEVER};
    assert_false(core_load_agent(&world.core, SLICE("zoe"), &gone));
    assert_int_equal(world_presence(&world, "zoe", AGENT_AVAILABLE, 0)->refusal, REFUSAL_NO_AGENT);
    world_deinit(&world);
}

/* --- Rest --- */

static void a_cool_down_of_no_length_is_none_and_a_longer_one_stays(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world.config.cool_down_ms[REJECT_BUSY] = 0;
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct agent *anna = core_find_agent(&world.core, SLICE("anna"));
    struct uuid call = world_ring(&world, "c1", "+491")->snapshot->offer;
    struct uuid chat = world_chat(&world, "s1")->snapshot->offer; /* nothing on top of a call */
    assert_true(uuid_is_nil(&chat));
    const struct outcome *outcome = world_reject(&world, call, "anna", REJECT_BUSY);
    assert_int_equal(anna->data.cool_until, TIME_NEVER);
    assert_non_null(announced_as(outcome, ANNOUNCE_OFFERED)); /* the same call again: anna is the only one */
    world_end(&world, world_find(&world, CHANNEL_CALL, "c1")->id, NULL);
    struct uuid first = world_find(&world, CHANNEL_CHAT, "s1")->data.offer;
    struct uuid second = world_chat(&world, "s2")->snapshot->offer;
    world_reject(&world, first, "anna", REJECT_UNREACHABLE);
    int64_t until = anna->data.cool_until;
    assert_int_equal(until, world.now + 60000);
    world_reject(&world, second, "anna", REJECT_REJECT);
    assert_int_equal(anna->data.cool_until, until);
    world_deinit(&world);
}

static void a_shorter_wrap_up_does_not_cut_a_longer_one(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world.queues[QUEUE_CHAT].wrap_up_ms = 60000;
    world.queues[QUEUE_MAIL].wrap_up_ms = 1000;
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct agent *anna = core_find_agent(&world.core, SLICE("anna"));
    struct from from = {.email = "a@b.example"};
    struct uuid chat = world_chat(&world, "s1")->snapshot->offer;
    struct uuid mail =
        world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from))->snapshot->offer;
    world_accept(&world, chat, "anna");
    world_accept(&world, mail, "anna");
    world_end(&world, world_find(&world, CHANNEL_CHAT, "s1")->id, "anna");
    int64_t until = anna->data.wrap_until;
    assert_int_equal(until, world.now + 60000);
    world_end(&world, world_find(&world, CHANNEL_EMAIL, "m1")->id, "anna");
    assert_int_equal(anna->data.wrap_until, until);
    world_deinit(&world);
}

static void a_queue_s_depth_counts_who_waits_and_since_when(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct core_depth depth = core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL);
    assert_int_equal(depth.waiting, 0);
    assert_int_equal(depth.since_ms, TIME_NEVER);
    int64_t since = world.now;
    world_ring(&world, "c1", "+491");
    world.now += 1000;
    world_ring(&world, "c2", "+492");
    world_chat(&world, "s1");
    depth = core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL);
    assert_int_equal(depth.waiting, 2);
    assert_int_equal(depth.since_ms, since);
    assert_int_equal(core_depth(&world.core, QUEUE_CHAT, CHANNEL_CHAT).waiting, 1);
    assert_int_equal(core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CHAT).waiting, 0);
    world_deinit(&world);
}

/* Priority puts the younger one first in its lane; the older one has waited longest all the same. */
static void the_oldest_wait_is_not_that_of_who_is_next(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "vip", "from.phone == '+499'", CONFIG_QUEUE_OF_ENDPOINT, 5);
    world_rule(&world, "late", "from.phone == '+493' && queues.support.oldest_wait == 60", QUEUE_MAIL, 0);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world_start(&world);
    int64_t since = world.now;
    world_ring(&world, "c1", "+491");
    world.now += 59000;
    world_ring(&world, "c2", "+499");
    world.now += 1000;
    assert_int_equal(core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL).since_ms, since);
    world_ring(&world, "c3", "+493");
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c3")->data.queue, QUEUE_MAIL);
    world_end(&world, world_find(&world, CHANNEL_CALL, "c1")->id, NULL);
    assert_int_equal(core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL).since_ms, since + 59000);
    world_deinit(&world);
}

/* The event's memory is gone by the time that the rules run again. */
static void rules_read_the_attributes_of_the_first_event_whenever_they_run(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "vip", "'gold' in event.attributes.marks && event.attributes.note.text == 'x'",
               QUEUE_MAIL, 0);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world_start(&world);
    struct from from = {.phone = "+491"};
    struct input call = world_event(&world, EVENT_CALL_RINGING, "c1", &from);
    struct value *attributes = &((struct event *)call.event)->attributes;
    struct value marks = value_list(&world.arena, 3), note = value_map(&world.arena, 2);
    value_append(&marks, value_string(SLICE("")));
    value_append(&marks, value_int(7));
    value_append(&marks, value_string(SLICE("gold")));
    value_set(&note, "text", value_string(SLICE("x")));
    value_set(&note, "bytes", (struct value){.kind = VALUE_BYTES, .string = SLICE("\xFF")});
    *attributes = value_map(&world.arena, 2);
    value_set(attributes, "marks", marks);
    value_set(attributes, "note", note);
    world_step(&world, call);
    memset(marks.items, 0, sizeof *marks.items * marks.count);
    memset(note.members, 0, sizeof *note.members * note.count);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.queue, QUEUE_MAIL);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_sleep(&world, 20000); /* the offer comes back, the rules run */
    const struct interaction *again = world_find(&world, CHANNEL_CALL, "c1");
    assert_int_equal(again->data.queue, QUEUE_MAIL);
    assert_int_equal(again->data.rule, 0);
    world_deinit(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_caller_is_shut_out_only_when_everyone_it_could_be_is_blocked),
    cmocka_unit_test(an_extension_makes_no_customer_and_a_policy_may_create_at_once),
    cmocka_unit_test(a_chat_that_hides_its_number_is_anonymous),
    cmocka_unit_test(a_mail_is_attached_to_whichever_message_of_its_thread_is_open),
    cmocka_unit_test(what_comes_after_the_end_is_answered_and_changes_nothing),
    cmocka_unit_test(the_last_miss_sends_all_other_offers_back),
    cmocka_unit_test(a_blocked_caller_whom_somebody_answers_is_not_assigned),
    cmocka_unit_test(an_offer_is_answered_by_who_got_it_and_once),
    cmocka_unit_test(work_is_ended_by_its_holder_or_from_above),
    cmocka_unit_test(what_was_closed_in_this_very_batch_is_closed),
    cmocka_unit_test(presence_of_an_unknown_agent_is_refused),
    cmocka_unit_test(a_cool_down_of_no_length_is_none_and_a_longer_one_stays),
    cmocka_unit_test(a_shorter_wrap_up_does_not_cut_a_longer_one),
    cmocka_unit_test(a_queue_s_depth_counts_who_waits_and_since_when),
    cmocka_unit_test(the_oldest_wait_is_not_that_of_who_is_next),
    cmocka_unit_test(rules_read_the_attributes_of_the_first_event_whenever_they_run),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
