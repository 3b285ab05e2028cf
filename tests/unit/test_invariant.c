/* Each invariant is seen to be broken: a sound state, one thing put wrong, and the finding that names it. */
#include <stdlib.h>

#include "tests/unit/invariant_scene.h"
#include "tests/unit/invariant_ways.h"

/* --- What is put wrong in a state --- */

static void an_offer_without_agent(struct scene *scene)
{
    scene->offered->data.agent = -1;
}

static void a_time_to_come(struct scene *scene)
{
    scene->waiting->data.enqueued_ms = scene->world.core.at_ms + 1;
}

static void an_offer_of_a_row_to_come(struct scene *scene)
{
    struct core *core = &scene->world.core;
    table_remove(&core->offers, &scene->offered->by_offer);
    scene->offered->data.offer = uuid_derive(core->at_ms, core->project, core->seq + 1, 0);
    table_insert(&core->offers, &scene->offered->by_offer, uuid_bytes(&scene->offered->data.offer));
}

static void an_offer_not_found(struct scene *scene)
{
    table_remove(&scene->world.core.offers, &scene->offered->by_offer);
}

static void two_of_a_conversation(struct scene *scene)
{
    struct table *table = &scene->world.core.conversations;
    table_remove(table, &scene->waiting->by_conversation);
    scene->waiting->conversation = scene->offered->conversation;
    table_insert(table, &scene->waiting->by_conversation, uuid_bytes(&scene->waiting->conversation));
}

static void one_without_id(struct scene *scene)
{
    table_remove(&scene->world.core.interactions, &scene->waiting->by_id);
}

static void one_not_among_the_open(struct scene *scene)
{
    rank_remove(&scene->world.core.open, &scene->waiting->open);
    rank_insert(&scene->world.core.open, &scene->waiting->open, (struct rank){0, 0, scene->waiting->id});
}

static void one_at_anothers_rank(struct scene *scene)
{
    scene->waiting->data.priority++;
}

static void one_not_among_its_agents_work(struct scene *scene)
{
    rank_remove(&scene->ben->work, &scene->offered->work);
}

static void an_offer_without_timer(struct scene *scene)
{
    rank_remove(&scene->world.core.timers, &scene->offered->timer);
}

static void a_load_too_high(struct scene *scene)
{
    scene->ben->data.load[CHANNEL_EMAIL]++;
}

static void make_available(struct scene *scene, struct agent *agent)
{
    agent->data.state = AGENT_AVAILABLE;
    agent_link(&scene->world.core, agent);
}

static void a_break_that_is_ready(struct scene *scene)
{
    make_available(scene, scene->carl);
    scene->carl->data.state = AGENT_BREAK;
}

static void a_step_of_relaxation_missed(struct scene *scene)
{
    static struct config_skill asked = {0, 3};
    static struct config_relax relax = {.after_ms = 0};
    struct world *world = &scene->world;
    world->config.skill_count = 1;
    world->rule.skills = (struct config_skills){&asked, 1};
    world->queues[QUEUE_SUPPORT].relax = &relax;
    world->queues[QUEUE_SUPPORT].relax_count = 1;
}

static void a_wrong_count_of_a_queue(struct scene *scene)
{
    scene->world.core.queues[QUEUE_SUPPORT].waiting++;
}

static void a_timer_at_the_wrong_time(struct scene *scene)
{
    scene->anna->data.lease_until++;
}

static void a_lease_while_offline(struct scene *scene)
{
    scene->anna->data.state = AGENT_OFFLINE;
}

static void an_agent_with_anothers_configuration(struct scene *scene)
{
    scene->carl->config = 0;
}

static void a_wrong_count(struct scene *scene)
{
    scene->world.core.timers.count++;
}

static void a_wrong_table(struct scene *scene)
{
    scene->world.core.offers.count++;
}

static void somebody_who_could_take_it(struct scene *scene)
{
    make_available(scene, scene->carl);
}

static void something_overdue(struct scene *scene)
{
    scene->offered->data.expires_ms = scene->world.core.at_ms;
}

static void an_offer_to_somebody_blocked(struct scene *scene)
{
    struct block block = {
        .id = {{7}}, .kind = BLOCK_PHONE, .key = SLICE("+492"), .channels = 7, .until_ms = TIME_NEVER};
    core_load_block(&scene->world.core, &block);
}

/* --- What is put wrong in a batch --- */

static void a_closed_one_still_found(struct scene *scene)
{
    end_active(scene);
    table_insert(&scene->world.core.conversations, &scene->active->by_conversation,
                 uuid_bytes(&scene->active->conversation));
}

static void a_number_left_out(struct scene *scene)
{
    here(scene, "carl")->seq++;
}

static void a_time_that_goes_back(struct scene *scene)
{
    here(scene, "carl")->at_ms--;
}

static void an_agents_number_left_out(struct scene *scene)
{
    first(here(scene, "carl"), ANNOUNCE_PRESENCE)->agentsequence++;
}

static void an_agent_not_told(struct scene *scene)
{
    here(scene, "carl")->announcements = NULL;
}

static void a_change_not_told(struct scene *scene)
{
    first(here(scene, "carl"), ANNOUNCE_OFFERED)->type = ANNOUNCE_MESSAGE;
}

static void a_second_offer_told(struct scene *scene)
{
    first(reject(scene), ANNOUNCE_WITHDRAWN)->type = ANNOUNCE_MESSAGE;
    here(scene, "carl");
}

static void an_id_of_another_row(struct scene *scene)
{
    ring(scene, "c9");
    find(&scene->world, CHANNEL_CALL, "c9")->opened_seq--;
}

static void an_answer_that_is_not_so(struct scene *scene)
{
    ring(scene, "c9")->outcome = OUTCOME_OFFERED;
}

static void an_age_that_is_lost(struct scene *scene)
{
    reject(scene);
    scene->offered->data.enqueued_ms++;
}

static void another_customer(struct scene *scene)
{
    end_active(scene);
    scene->active->data.identity = IDENTITY_MATCHED;
}

static void an_offer_above_capacity(struct scene *scene)
{
    here(scene, "carl");
    scene->world.agents[2].capacity[CHANNEL_CALL] = 0;
}

static void an_offer_to_one_who_is_no_member(struct scene *scene)
{
    here(scene, "carl");
    scene->world.agents[2].queue_count = 0;
}

static void an_offer_to_who_gave_it_away(struct scene *scene)
{
    here(scene, "carl");
    scene->waiting->data.excluded = (int)(scene->carl - scene->world.core.agents);
}

static void an_offer_that_takes_no_turn(struct scene *scene)
{
    here(scene, "carl");
    scene->carl->data.turn[CHANNEL_CALL] = 0;
}

static void an_offer_that_is_not_explained(struct scene *scene)
{
    struct outcome *outcome = here(scene, "carl");
    outcome->explanations = NULL;
    outcome->explanation_count = 0;
}

static void a_reason_that_is_not_so(struct scene *scene)
{
    const struct explanation *why = here(scene, "carl")->explanations;
    assert_int_equal(why->candidate_count, 3);
    ((uint8_t *)why->candidates)[0] = CANDIDATE_OFFLINE; /* Anna talks */
}

static void an_offer_without_end(struct scene *scene)
{
    here(scene, "carl");
    scene->waiting->data.expires_ms++;
}

/* Carl is asked, though it looks now as if Anna had been idle for longer. */
static void a_better_agent_passed_over(struct scene *scene)
{
    struct core *core = &scene->world.core;
    step(scene, (struct input){.kind = INPUT_END, .interaction = scene->waiting->id});
    here(scene, "carl");
    core_commit(core);
    core_begin(core);
    scene->row_count = 0;
    struct from from = {.phone = "+495"};
    step(scene, world_event(&scene->world, EVENT_EMAIL_RECEIVED, "m9", &from));
    assert_ptr_equal(core->agents + find(&scene->world, CHANNEL_EMAIL, "m9")->data.agent, scene->carl);
    scene->anna->data.load[CHANNEL_CALL] = 0;
    scene->anna->data.idle_since = 0;
    agent_link(core, scene->anna);
}

static void an_older_one_passed_over(struct scene *scene)
{
    struct interaction *older = scene->waiting;
    ring(scene, "c9");
    core_commit(&scene->world.core);
    core_begin(&scene->world.core);
    scene->row_count = 0;
    interaction_unlink(&scene->world.core, older);
    older->data.enqueued_ms += 5000; /* for a moment */
    interaction_link(&scene->world.core, older);
    here(scene, "carl");
    interaction_unlink(&scene->world.core, older);
    older->data.enqueued_ms -= 5000;
    interaction_link(&scene->world.core, older);
}

static void no_wrap_up(struct scene *scene)
{
    end_active(scene);
    scene->anna->data.wrap_until = TIME_NEVER;
}

static void no_cool_down(struct scene *scene)
{
    reject(scene);
    scene->ben->data.cool_until = TIME_NEVER;
}

static void a_miss_not_counted(struct scene *scene)
{
    reject(scene);
    scene->ben->data.misses = 0;
}

struct wrong {
    enum invariant invariant;
    void (*put_wrong)(struct scene *scene);
};

static const struct wrong states[] = {
    {INVARIANT_STATE_FITS, an_offer_without_agent},
    {INVARIANT_TIMES_ORDERED, a_time_to_come},
    {INVARIANT_OFFER_IS_OWN, an_offer_of_a_row_to_come},
    {INVARIANT_OFFER_IS_OWN, an_offer_not_found},
    {INVARIANT_CONVERSATION_ONE, two_of_a_conversation},
    {INVARIANT_FOUND_BY_ID, one_without_id},
    {INVARIANT_AMONG_OPEN, one_not_among_the_open},
    {INVARIANT_WAITS_IN_PLACE, one_at_anothers_rank},
    {INVARIANT_RELAXED_BY_AGE, a_step_of_relaxation_missed},
    {INVARIANT_COUNTS_RIGHT, a_wrong_count_of_a_queue},
    {INVARIANT_AMONG_WORK, one_not_among_its_agents_work},
    {INVARIANT_TIMER_OF_INTERACTION, an_offer_without_timer},
    {INVARIANT_BLOCKED_NOT_OFFERED, an_offer_to_somebody_blocked},
    {INVARIANT_HELD_WHILE_CLOSED, held_without_hours},
    {INVARIANT_LOAD_COUNTED, a_load_too_high},
    {INVARIANT_READY_IN_PLACE, a_break_that_is_ready},
    {INVARIANT_TIMER_OF_AGENT, a_timer_at_the_wrong_time},
    {INVARIANT_PRESENCE_FITS, a_lease_while_offline},
    {INVARIANT_AGENT_OF_CONFIG, an_agent_with_anothers_configuration},
    {INVARIANT_TREES_SOUND, a_wrong_count},
    {INVARIANT_TABLES_SOUND, a_wrong_table},
    {INVARIANT_NOBODY_WAITS_IN_VAIN, somebody_who_could_take_it},
    {INVARIANT_NOTHING_OVERDUE, something_overdue},
    {INVARIANT_NOTHING_STUCK, left_by_everybody},
};

static const struct wrong batches[] = {
    {INVARIANT_CLOSED_IS_OUT, a_closed_one_still_found},
    {INVARIANT_SEQUENCE_GAPLESS, a_number_left_out},
    {INVARIANT_TIME_FORWARD, a_time_that_goes_back},
    {INVARIANT_AGENTSEQUENCE_GAPLESS, an_agents_number_left_out},
    {INVARIANT_AGENTSEQUENCE_GAPLESS, an_agent_not_told},
    {INVARIANT_CHANGES_TOLD, an_agent_not_told},
    {INVARIANT_CHANGES_TOLD, a_change_not_told},
    {INVARIANT_STATE_MOVES, a_second_offer_told},
    {INVARIANT_IDS_OWN, an_id_of_another_row},
    {INVARIANT_ANSWER_FITS, an_answer_that_is_not_so},
    {INVARIANT_RANK_KEPT, an_age_that_is_lost},
    {INVARIANT_IDENTITY_MOVES, another_customer},
    {INVARIANT_OFFER_WITHIN_CAPACITY, an_offer_above_capacity},
    {INVARIANT_OFFER_TO_ABLE, an_offer_to_one_who_is_no_member},
    {INVARIANT_OFFER_TO_SKILLED, an_offer_to_who_gave_it_away},
    {INVARIANT_TURN_TAKEN, an_offer_that_takes_no_turn},
    {INVARIANT_EXPLAINED, an_offer_that_is_not_explained},
    {INVARIANT_EXPLAINED, a_reason_that_is_not_so},
    {INVARIANT_OFFER_LASTS, an_offer_without_end},
    {INVARIANT_BEST_AGENT, a_better_agent_passed_over},
    {INVARIANT_BEST_WAITING, an_older_one_passed_over},
    {INVARIANT_REST_STARTED, no_wrap_up},
    {INVARIANT_REST_STARTED, no_cool_down},
    {INVARIANT_MISSES_COUNTED, a_miss_not_counted},
    {INVARIANT_CLOSED_TAKES_NOTHING, a_closed_queue_that_takes_something},
    {INVARIANT_GOES_ON_AS_SET, a_way_that_nobody_set},
    {INVARIANT_KNOWN_FIRST, an_owner_who_is_another},
    {INVARIANT_HANDED_AS_ASKED, a_transfer_with_another_age},
    {INVARIANT_REPLY_DUE, a_reply_that_nobody_waits_for},
    {INVARIANT_LINKED_AS_SAID, a_link_to_another},
};

/* They are never taken down: what is wrong in them would be followed. */
static struct scene *scenes[2 * COUNT(states) + COUNT(batches) + 1];

static struct scene *new_scene(void)
{
    static size_t count;
    assert_true(count < COUNT(scenes));
    scenes[count] = calloc(1, sizeof *scenes[count]);
    set_up(scenes[count]);
    return scenes[count++];
}

static void expect(struct findings *findings, enum invariant invariant)
{
    if (!is_found(findings, invariant))
        fail_msg("%s is not found broken; %u findings, first %s", invariant_name(invariant), findings->count,
                 findings->count ? findings->items[0].text : "");
}

static void what_is_wrong_in_a_state_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        struct scene *scene = new_scene();
        struct findings findings = {.count = 0};
        invariant_sweep(&findings, &scene->world.core, &scene->world.arena);
        assert_int_equal(findings.count, 0);
        states[i].put_wrong(scene);
        invariant_sweep(&findings, &scene->world.core, &scene->world.arena);
        expect(&findings, states[i].invariant);
    }
}

static void what_is_wrong_in_a_batch_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(batches); i++) {
        struct scene *scene = new_scene();
        struct findings findings = {.count = 0};
        core_begin(&scene->world.core);
        batches[i].put_wrong(scene);
        invariant_check_batch(&findings, &scene->world.core, scene->rows, scene->row_count,
                              &scene->world.arena);
        expect(&findings, batches[i].invariant);
    }
}

/* Every one of them has a name and a sentence, and is seen broken above or by the simulator's own tests. */
static void every_invariant_has_its_test(void **state)
{
    (void)state;
    static const enum invariant elsewhere[] = {
        INVARIANT_REFUSED_CHANGES_NOTHING, INVARIANT_RECORD_READS_BACK, INVARIANT_ROLLBACK_LEAVES_NOTHING,
        INVARIANT_FIRST_RULE_MATCHES,      INVARIANT_SAME_AGAIN,        INVARIANT_TABLES_HOLD_ALL};
    bool seen[INVARIANT_COUNT] = {false};
    for (size_t i = 0; i < COUNT(states); i++)
        seen[states[i].invariant] = true;
    for (size_t i = 0; i < COUNT(batches); i++)
        seen[batches[i].invariant] = true;
    for (size_t i = 0; i < COUNT(elsewhere); i++)
        seen[elsewhere[i]] = true;
    for (int i = 0; i < INVARIANT_COUNT; i++) {
        assert_non_null(invariant_name((enum invariant)i));
        assert_non_null(invariant_says((enum invariant)i));
        if (!seen[i])
            fail_msg("%s has no test", invariant_name((enum invariant)i));
    }
}

static int sweep_by_slices(struct findings *findings, struct scene *scene)
{
    struct invariant_cursor cursor = {.agents = 0};
    int slices = 0;
    do {
        invariant_sweep_slice(findings, &scene->world.core, &cursor, 2, &scene->world.arena);
        slices++;
    } while (cursor.agents || cursor.is_among_open || cursor.wholes);
    return slices;
}

static void a_sweep_by_slices_finds_what_a_whole_one_finds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        struct scene *scene = new_scene();
        struct findings findings = {.count = 0};
        /* Three agents, four interactions and four looks at the whole, the first of them with the last two.
         */
        assert_int_equal(sweep_by_slices(&findings, scene), 7);
        assert_int_equal(findings.count, 0);
        states[i].put_wrong(scene);
        sweep_by_slices(&findings, scene);
        expect(&findings, states[i].invariant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_in_a_state_is_found),
        cmocka_unit_test(what_is_wrong_in_a_batch_is_found),
        cmocka_unit_test(every_invariant_has_its_test),
        cmocka_unit_test(a_sweep_by_slices_finds_what_a_whole_one_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
