/* What a batch says of itself, put wrong in one place: the finding names it. */
#include <stdlib.h>

#include "tests/unit/invariant_scene.h"

/* Their outcomes point at these as constants. */
static struct snapshot *snapshot_of(const struct outcome *outcome)
{
    return (struct snapshot *)outcome->snapshot;
}

static struct snapshot *told(struct outcome *outcome, enum announcement_type type)
{
    return (struct snapshot *)first(outcome, type)->snapshot;
}

static struct explanation *explained(struct outcome *outcome)
{
    assert_non_null(outcome->explanations);
    return (struct explanation *)outcome->explanations;
}

/* --- Numbers, times and kinds --- */

static void a_row_of_another_time(struct scene *scene)
{
    here(scene, "carl")->at_ms++;
}

static void a_refusal_among_the_rows(struct scene *scene)
{
    here(scene, "carl")->refusal = REFUSAL_CLOSED;
}

static void an_answer_to_another_kind(struct scene *scene)
{
    here(scene, "carl")->kind = INPUT_TIMER;
}

static void a_row_that_is_not_there(struct scene *scene)
{
    here(scene, "carl");
    scene->world.core.seq++;
}

static void a_state_ahead_of_its_rows(struct scene *scene)
{
    here(scene, "carl");
    scene->world.core.at_ms++;
}

static void an_offer_told_with_the_id_of_another_row(struct scene *scene)
{
    told(here(scene, "carl"), ANNOUNCE_OFFERED)->offer =
        uuid_derive(scene->world.core.at_ms, 1, scene->world.core.seq - 1, 0);
}

static void an_offer_told_with_a_foreign_id(struct scene *scene)
{
    told(here(scene, "carl"), ANNOUNCE_OFFERED)->offer = (struct uuid){{1}};
}

static void a_customer_with_a_foreign_id(struct scene *scene)
{
    ring(scene, "c9")->created = (struct uuid){{1}};
}

static void a_customer_of_another_row(struct scene *scene)
{
    ring(scene, "c9")->created = uuid_derive(scene->world.core.at_ms, 1, scene->world.core.seq - 1, 0);
}

/* --- What becomes of an interaction --- */

static void a_priority_of_nobody_s(struct scene *scene)
{
    reject(scene);
    scene->offered->data.priority++;
}

static void an_attempt_forgotten(struct scene *scene)
{
    reject(scene);
    scene->offered->data.attempts = 0;
}

static void one_that_was_closed_before(struct scene *scene)
{
    reject(scene);
    scene->offered->undo->interaction_data.state = INTERACTION_CLOSED;
}

static void a_customer_exchanged(struct scene *scene)
{
    end_active(scene);
    scene->active->data.customer = (struct uuid){{9}};
}

static void a_shut_out_customer_exchanged(struct scene *scene)
{
    end_active(scene);
    scene->active->data.identity = IDENTITY_BLOCKED;
    scene->active->data.customer = (struct uuid){{9}};
}

static void somebody_blocked_whose_work_goes_on(struct scene *scene)
{
    reject(scene);
    scene->offered->undo->interaction_data.identity = IDENTITY_MATCHED;
    scene->offered->data.identity = IDENTITY_BLOCKED;
}

/* --- What is told --- */

static void something_told_to_a_stranger(struct scene *scene)
{
    first(here(scene, "carl"), ANNOUNCE_PRESENCE)->agent = SLICE("zoe");
}

static void another_state_told(struct scene *scene)
{
    first(here(scene, "carl"), ANNOUNCE_PRESENCE)->state = AGENT_BREAK;
}

static void a_presence_not_told(struct scene *scene)
{
    struct announcement *announcement = first(here(scene, "carl"), ANNOUNCE_PRESENCE);
    announcement->type = ANNOUNCE_MESSAGE;
}

static void something_told_of_a_stranger(struct scene *scene)
{
    told(ring(scene, "c9"), ANNOUNCE_QUEUED)->interaction = (struct uuid){{1}};
}

static void a_beginning_not_told(struct scene *scene)
{
    ring(scene, "c9")->announcements = NULL;
}

static void an_offer_told_to_another(struct scene *scene)
{
    told(here(scene, "carl"), ANNOUNCE_OFFERED)->agent = SLICE("anna");
}

static void another_offer_withdrawn(struct scene *scene)
{
    told(reject(scene), ANNOUNCE_WITHDRAWN)->offer = (struct uuid){{1}};
}

static void one_that_waits_told_as_ended(struct scene *scene)
{
    first(ring(scene, "c9"), ANNOUNCE_QUEUED)->type = ANNOUNCE_ENDED;
}

static void one_that_waits_told_as_assigned(struct scene *scene)
{
    first(ring(scene, "c9"), ANNOUNCE_QUEUED)->type = ANNOUNCE_ASSIGNED;
}

static void one_that_waits_told_as_offered(struct scene *scene)
{
    first(ring(scene, "c9"), ANNOUNCE_QUEUED)->type = ANNOUNCE_OFFERED;
}

static void one_that_waits_told_as_presence(struct scene *scene)
{
    first(ring(scene, "c9"), ANNOUNCE_QUEUED)->type = ANNOUNCE_PRESENCE;
}

static void one_that_ended_told_as_waiting(struct scene *scene)
{
    first(end_active(scene), ANNOUNCE_ENDED)->type = ANNOUNCE_QUEUED;
}

static void one_told_twice_as_ended(struct scene *scene)
{
    struct announcement *ended = first(end_active(scene), ANNOUNCE_ENDED);
    struct announcement *again = arena_new(&scene->world.arena, struct announcement);
    *again = *ended;
    again->agent = (struct slice){NULL, 0};
    ended->next = again;
}

/* --- Offers --- */

static void an_offer_to_nobody(struct scene *scene)
{
    ring_carl(scene)->data.queue = -1;
}

static void an_offer_to_one_who_is_away(struct scene *scene)
{
    ring_carl(scene);
    scene->carl->data.state = scene->carl->undo->agent_data.state = AGENT_BREAK;
}

static void an_offer_to_one_who_wraps_up(struct scene *scene)
{
    ring_carl(scene);
    scene->carl->data.wrap_until = scene->carl->undo->agent_data.wrap_until = scene->world.now + 5;
}

static void an_offer_to_one_without_configuration(struct scene *scene)
{
    ring_carl(scene);
    scene->carl->config = -1;
}

static void an_offer_on_top_of_what_excludes_it(struct scene *scene)
{
    struct from from = {.email = "a@b.example"};
    carl_is_free(scene);
    step(scene, world_event(&scene->world, EVENT_EMAIL_RECEIVED, "m1", &from));
    next_batch(scene);
    step(scene, world_event(&scene->world, EVENT_EMAIL_RECEIVED, "m2", &from));
    assert_ptr_equal(scene->world.core.agents + find(&scene->world, CHANNEL_EMAIL, "m2")->data.agent,
                     scene->carl);
    scene->world.config.exclusive[CHANNEL_EMAIL] = true;
}

static void two_with_the_same_turn(struct scene *scene)
{
    here(scene, "carl");
    scene->carl->data.turn[CHANNEL_CALL] = scene->ben->data.turn[CHANNEL_CALL];
}

static void a_turn_without_an_offer(struct scene *scene)
{
    step(scene, (struct input){.kind = INPUT_PRESENCE, .agent = SLICE("carl"), .presence = AGENT_BREAK});
    scene->carl->data.turn[CHANNEL_CHAT] = 77;
}

static void an_offer_of_no_lane(struct scene *scene)
{
    static struct config_skill asked = {0, 3};
    ring_carl(scene);
    scene->world.rule.skills = (struct config_skills){&asked, 1};
}

/* --- What follows --- */

static void a_wrap_up_that_nobody_asked_for(struct scene *scene)
{
    scene->world.queues[QUEUE_SUPPORT].wrap_up_ms = 0;
    end_active(scene);
    scene->anna->data.wrap_until = scene->world.now + 5;
}

static void an_agent_out_before_its_time(struct scene *scene)
{
    reject(scene);
    scene->ben->data.state = AGENT_NOT_RESPONDING;
}

static void an_agent_not_out_in_time(struct scene *scene)
{
    reject(scene);
    scene->world.config.misses = 1;
}

static void a_timeout_not_counted(struct scene *scene)
{
    scene->world.now = scene->offered->data.expires_ms;
    step(scene, (struct input){.kind = INPUT_TIMER});
    scene->ben->data.misses = 0;
}

static void a_miss_left_behind_an_accept(struct scene *scene)
{
    step(scene, (struct input){.kind = INPUT_ACCEPT, .offer = scene->offered->data.offer});
    scene->ben->data.misses = 1;
}

/* --- Explanations --- */

static void one_explanation_too_many_counted(struct scene *scene)
{
    here(scene, "carl")->explanation_count++;
}

static void an_offer_explained_that_was_not_made(struct scene *scene)
{
    explained(ring(scene, "c9"))->chosen = SLICE("anna");
}

static void a_wait_that_is_not_explained(struct scene *scene)
{
    struct outcome *outcome = ring(scene, "c9");
    outcome->explanations = NULL;
    outcome->explanation_count = 0;
}

static void another_agent_explained(struct scene *scene)
{
    explained(here(scene, "carl"))->chosen = SLICE("anna");
}

static void another_interaction_explained(struct scene *scene)
{
    explained(here(scene, "carl"))->interaction = (struct uuid){{1}};
}

static void a_candidate_left_out(struct scene *scene)
{
    explained(ring(scene, "c9"))->candidate_count--;
}

static void a_second_one_chosen(struct scene *scene)
{
    ((uint8_t *)explained(ring(scene, "c9"))->candidates)[2] = CANDIDATE_CHOSEN;
}

static const struct {
    void (*put_wrong)(struct scene *scene);
    enum invariant invariant;
    const char *says;
} batches[] = {
    {a_row_of_another_time, INVARIANT_TIME_FORWARD, "behind"},
    {a_refusal_among_the_rows, INVARIANT_ANSWER_FITS, "answers another input"},
    {an_answer_to_another_kind, INVARIANT_ANSWER_FITS, "answers another input"},
    {a_row_that_is_not_there, INVARIANT_SEQUENCE_GAPLESS, "1 rows from"},
    {a_state_ahead_of_its_rows, INVARIANT_TIME_FORWARD, "the last row at"},
    {an_offer_told_with_the_id_of_another_row, INVARIANT_IDS_OWN, "an offer with the id of another row"},
    {an_offer_told_with_a_foreign_id, INVARIANT_IDS_OWN, "an offer with the id of another row"},
    {a_customer_with_a_foreign_id, INVARIANT_IDS_OWN, "a customer with the id of another row"},
    {a_customer_of_another_row, INVARIANT_IDS_OWN, "a customer with the id of another row"},
    {a_priority_of_nobody_s, INVARIANT_RANK_KEPT, "priority 0 to 1"},
    {an_attempt_forgotten, INVARIANT_RANK_KEPT, "attempts go back"},
    {one_that_was_closed_before, INVARIANT_STATE_MOVES, ""},
    {a_customer_exchanged, INVARIANT_IDENTITY_MOVES, "became"},
    {a_shut_out_customer_exchanged, INVARIANT_IDENTITY_MOVES, "became blocked"},
    {somebody_blocked_whose_work_goes_on, INVARIANT_IDENTITY_MOVES, "matched became blocked"},
    {something_told_to_a_stranger, INVARIANT_AGENTSEQUENCE_GAPLESS, "one who did not change"},
    {another_state_told, INVARIANT_CHANGES_TOLD, "is available and was not told so"},
    {a_presence_not_told, INVARIANT_CHANGES_TOLD, "is available and was not told so"},
    {something_told_of_a_stranger, INVARIANT_CHANGES_TOLD, "one that did not change"},
    {a_beginning_not_told, INVARIANT_CHANGES_TOLD, "is queued, told to be"},
    {an_offer_told_to_another, INVARIANT_CHANGES_TOLD, "is offered, told to be offered"},
    {another_offer_withdrawn, INVARIANT_STATE_MOVES, "offer.withdrawn when"},
    {one_that_waits_told_as_ended, INVARIANT_STATE_MOVES, "interaction.ended when"},
    {one_that_waits_told_as_assigned, INVARIANT_STATE_MOVES, "interaction.assigned when"},
    {one_that_waits_told_as_offered, INVARIANT_STATE_MOVES, "interaction.offered when"},
    {one_that_waits_told_as_presence, INVARIANT_STATE_MOVES, "agent.presence when"},
    {one_that_ended_told_as_waiting, INVARIANT_STATE_MOVES, "interaction.queued when"},
    {one_told_twice_as_ended, INVARIANT_STATE_MOVES, "interaction.ended when it was told to be closed"},
    {an_offer_to_nobody, INVARIANT_OFFER_TO_ABLE, "to nobody, or from no queue"},
    {an_offer_to_one_who_is_away, INVARIANT_OFFER_TO_ABLE, "not available"},
    {an_offer_to_one_who_wraps_up, INVARIANT_OFFER_TO_ABLE, "wraps up or cools down"},
    {an_offer_to_one_without_configuration, INVARIANT_OFFER_TO_ABLE, "not in the configuration"},
    {an_offer_on_top_of_what_excludes_it, INVARIANT_OFFER_WITHIN_CAPACITY, "which excludes it"},
    {two_with_the_same_turn, INVARIANT_TURN_TAKEN, "the same turn as another's"},
    {a_turn_without_an_offer, INVARIANT_TURN_TAKEN, "turn without an offer"},
    {an_offer_of_no_lane, INVARIANT_WAITS_IN_PLACE, "there is no lane for it"},
    {a_wrap_up_that_nobody_asked_for, INVARIANT_REST_STARTED, "that nobody asked for"},
    {an_agent_out_before_its_time, INVARIANT_MISSES_COUNTED, "1 misses, not_responding"},
    {an_agent_not_out_in_time, INVARIANT_MISSES_COUNTED, "1 misses, available"},
    {a_timeout_not_counted, INVARIANT_MISSES_COUNTED, "0 misses became 0"},
    {a_miss_left_behind_an_accept, INVARIANT_MISSES_COUNTED, "left behind an accept"},
    {one_explanation_too_many_counted, INVARIANT_EXPLAINED, "explanations, counted"},
    {an_offer_explained_that_was_not_made, INVARIANT_EXPLAINED, "offer that was not made"},
    {a_wait_that_is_not_explained, INVARIANT_EXPLAINED, "a wait without an explanation"},
    {another_agent_explained, INVARIANT_EXPLAINED, "an offer to carl without an explanation"},
    {another_interaction_explained, INVARIANT_EXPLAINED, "an offer to carl without an explanation"},
    {a_candidate_left_out, INVARIANT_EXPLAINED, "2 candidates of 3 members"},
    {a_second_one_chosen, INVARIANT_EXPLAINED, "chosen, or not"},
};

/* Answers and what they say of the interaction, all of them wrong for one that waits. */
static const struct {
    enum event_outcome outcome;
    bool has_snapshot;
} answers[] = {
    {OUTCOME_OFFERED, false}, {OUTCOME_OFFERED, true},   {OUTCOME_QUEUED, false},   {OUTCOME_ENDED, false},
    {OUTCOME_ENDED, true},    {OUTCOME_ASSIGNED, false}, {OUTCOME_ASSIGNED, true},  {OUTCOME_BLOCKED, false},
    {OUTCOME_BLOCKED, true},  {OUTCOME_REJECTED, false}, {OUTCOME_ATTACHED, false},
};

/* They are never taken down: what is wrong in them would be followed. */
static struct scene *scenes[COUNT(batches) + COUNT(answers) + 8];

static struct scene *new_scene(void)
{
    static size_t count;
    assert_true(count < COUNT(scenes));
    scenes[count] = calloc(1, sizeof *scenes[count]);
    set_up(scenes[count]);
    core_begin(&scenes[count]->world.core);
    return scenes[count++];
}

static struct findings check_batch(struct scene *scene)
{
    struct findings findings = {.count = 0};
    invariant_check_batch(&findings, &scene->world.core, scene->rows, scene->row_count, &scene->world.arena);
    return findings;
}

static void what_a_batch_says_wrongly_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(batches); i++) {
        struct scene *scene = new_scene();
        batches[i].put_wrong(scene);
        struct findings findings = check_batch(scene);
        expect_said(&findings, batches[i].invariant, batches[i].says);
    }
}

static void an_answer_fits_what_has_become_of_the_interaction(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct scene *scene = new_scene();
        struct outcome *outcome = ring(scene, "c9");
        assert_int_equal(check_batch(scene).count, 0);
        outcome->outcome = answers[i].outcome;
        if (!answers[i].has_snapshot)
            outcome->snapshot = NULL;
        struct findings findings = check_batch(scene);
        expect_said(&findings, INVARIANT_ANSWER_FITS, event_outcome_name(answers[i].outcome));
    }
}

/* Each of these in turn is missing from an offer, or too much for a wait. */
static void an_offer_has_its_agent_and_a_wait_its_queue_alone(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    carl_is_free(scene);
    struct outcome *outcome = ring(scene, "c9");
    struct snapshot sound = *outcome->snapshot, *snapshot = snapshot_of(outcome);
    snapshot->offer = (struct uuid){{0}};
    assert_true(check_batch(scene).count > 0);
    *snapshot = sound;
    snapshot->agent = (struct slice){NULL, 0};
    assert_true(check_batch(scene).count > 0);
    *snapshot = sound;
    assert_int_equal(check_batch(scene).count, 0);

    scene = new_scene();
    outcome = ring(scene, "c9");
    sound = *outcome->snapshot;
    snapshot = snapshot_of(outcome);
    snapshot->agent = SLICE("anna");
    assert_true(check_batch(scene).count > 0);
    *snapshot = sound;
    snapshot->queue = (struct slice){NULL, 0};
    assert_true(check_batch(scene).count > 0);
    *snapshot = sound;
    assert_int_equal(check_batch(scene).count, 0);
}

static void a_batch_that_does_no_wrong_has_no_findings(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    assert_int_equal(check_batch(scene).count, 0); /* nothing happened yet */
    reject(scene);
    assert_int_equal(check_batch(scene).count, 0);
    here(scene, "carl");
    end_active(scene);
    ring(scene, "c9");
    assert_int_equal(check_batch(scene).count, 0);
    next_batch(scene);
    struct block block = {
        .id = {{7}}, .kind = BLOCK_PHONE, .key = SLICE("+493"), .channels = 7, .until_ms = TIME_NEVER};
    step(scene, (struct input){.kind = INPUT_BLOCK, .block = block});
    assert_int_equal(check_batch(scene).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_batch_says_wrongly_is_named),
        cmocka_unit_test(an_answer_fits_what_has_become_of_the_interaction),
        cmocka_unit_test(an_offer_has_its_agent_and_a_wait_its_queue_alone),
        cmocka_unit_test(a_batch_that_does_no_wrong_has_no_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
