/* Each field of a sound state, set to what it cannot be: the finding says what is wrong with it. */
#include <stdlib.h>

#include "tests/unit/invariant_scene.h"

enum whose { WAITING, OFFERED, ACTIVE, ANNA, BEN, CARL, CORE };

/* `value` is written into the field, after now when it is a time; a field of more than eight bytes is filled
 * with it. */
struct field {
    enum whose whose;
    size_t offset, size;
    int64_t value;
    bool is_after_now;
    enum invariant invariant;
    const char *says;
};

#define OF_INTERACTION(field) offsetof(struct interaction, field), sizeof((struct interaction *)NULL)->field
#define OF_AGENT(field) offsetof(struct agent, field), sizeof((struct agent *)NULL)->field
#define OF_CORE(field) offsetof(struct core, field), sizeof((struct core *)NULL)->field

static const struct field fields[] = {
    {WAITING, OF_INTERACTION(data.state), 9, false, INVARIANT_STATE_FITS, "9 is no state"},
    {WAITING, OF_INTERACTION(data.queue), 99, false, INVARIANT_STATE_FITS, "has a queue that is not there"},
    {WAITING, OF_INTERACTION(data.queue), -2, false, INVARIANT_STATE_FITS, "has a queue that is not there"},
    {WAITING, OF_INTERACTION(data.agent), 99, false, INVARIANT_STATE_FITS, "has an agent who is not there"},
    {WAITING, OF_INTERACTION(data.agent), -2, false, INVARIANT_STATE_FITS, "has an agent who is not there"},
    {WAITING, OF_INTERACTION(data.queue), -1, false, INVARIANT_STATE_FITS, "has no queue, or an agent"},
    {WAITING, OF_INTERACTION(data.agent), 0, false, INVARIANT_STATE_FITS, "has no queue, or an agent"},
    {WAITING, OF_INTERACTION(data.offer), 1, false, INVARIANT_STATE_FITS, "has an offer"},
    {OFFERED, OF_INTERACTION(data.offer), 0, false, INVARIANT_STATE_FITS, "has no agent or no offer"},
    {ACTIVE, OF_INTERACTION(data.agent), -1, false, INVARIANT_STATE_FITS, "has no agent"},
    {WAITING, OF_INTERACTION(outbound), 1, false, INVARIANT_STATE_FITS, "is outbound"},
    {OFFERED, OF_INTERACTION(outbound), 1, false, INVARIANT_STATE_FITS, "is outbound"},
    {OFFERED, OF_INTERACTION(data.expires_ms), TIME_NEVER, false, INVARIANT_STATE_FITS,
     "has an end of the offer"},
    {WAITING, OF_INTERACTION(data.expires_ms), 5, true, INVARIANT_STATE_FITS, "has an end of the offer"},
    {ACTIVE, OF_INTERACTION(data.accepted_ms), TIME_NEVER, false, INVARIANT_STATE_FITS,
     "was accepted, or was not"},
    {OFFERED, OF_INTERACTION(data.accepted_ms), 0, true, INVARIANT_STATE_FITS, "was accepted, or was not"},
    {ACTIVE, OF_INTERACTION(data.held_until), 5, true, INVARIANT_STATE_FITS, "is held"},
    {WAITING, OF_INTERACTION(data.reply_by), 5, true, INVARIANT_STATE_FITS, "owes a reply"},
    {WAITING, OF_INTERACTION(data.rule), -2, false, INVARIANT_STATE_FITS, "has a rule or an excluded agent"},
    {WAITING, OF_INTERACTION(data.rule), 99, false, INVARIANT_STATE_FITS, "has a rule or an excluded agent"},
    {WAITING, OF_INTERACTION(data.excluded), -2, false, INVARIANT_STATE_FITS,
     "has a rule or an excluded agent"},
    {WAITING, OF_INTERACTION(data.excluded), 99, false, INVARIANT_STATE_FITS,
     "has a rule or an excluded agent"},
    {WAITING, OF_INTERACTION(data.relax_step), -1, false, INVARIANT_STATE_FITS, "step of relaxation"},
    {WAITING, OF_INTERACTION(data.relax_step), 5, false, INVARIANT_STATE_FITS, "step of relaxation"},
    {WAITING, OF_INTERACTION(data.stage), 9, false, INVARIANT_STATE_FITS, "stage that it cannot be at"},
    {WAITING, OF_INTERACTION(data.moved), 99, false, INVARIANT_STATE_FITS, "stage that it cannot be at"},
    {WAITING, OF_INTERACTION(data.stage), PREFER_OWNER, false, INVARIANT_STATE_FITS,
     "stage that it cannot be at"},
    {WAITING, OF_INTERACTION(data.closed_ms), 0, true, INVARIANT_STATE_FITS, "time and a cause of closing"},
    {WAITING, OF_INTERACTION(data.cause.len), 1, false, INVARIANT_STATE_FITS, "time and a cause of closing"},
    {WAITING, OF_INTERACTION(data.enqueued_ms), 1, true, INVARIANT_TIMES_ORDERED,
     "before it opened or after now"},
    {WAITING, OF_INTERACTION(data.enqueued_ms), 1, false, INVARIANT_TIMES_ORDERED,
     "before it opened or after now"},
    {WAITING, OF_INTERACTION(data.attempts), -1, false, INVARIANT_TIMES_ORDERED, "row that is not there yet"},
    {WAITING, OF_INTERACTION(opened_seq), 99, false, INVARIANT_TIMES_ORDERED, "row that is not there yet"},
    {WAITING, OF_INTERACTION(opened_seq), 1, false, INVARIANT_IDS_OWN, "has an id of another row"},
    {WAITING, OF_INTERACTION(id), 1, false, INVARIANT_FOUND_BY_ID, "is not found by its id"},
    {WAITING, OF_INTERACTION(id), 1, false, INVARIANT_IDS_OWN, "has an id of another row"},
    {WAITING, OF_INTERACTION(by_offer.linked), 1, false, INVARIANT_OFFER_IS_OWN,
     "found by an offer that it does not have"},
    {OFFERED, OF_INTERACTION(data.offer), 1, false, INVARIANT_OFFER_IS_OWN,
     "is not found by its offer alone"},
    {OFFERED, OF_INTERACTION(opened_seq), 7, false, INVARIANT_OFFER_IS_OWN,
     "offer of a row that is not there"},
    {WAITING, OF_INTERACTION(work.linked), 1, false, INVARIANT_AMONG_WORK, "is among an agent's work"},
    {WAITING, OF_INTERACTION(timer.linked), 1, false, INVARIANT_TIMER_OF_INTERACTION,
     "has a timer for nothing"},
    {OFFERED, OF_INTERACTION(data.agent), 2, false, INVARIANT_AMONG_WORK, ""},
    {OFFERED, OF_INTERACTION(waiting.linked), 1, false, INVARIANT_WAITS_IN_PLACE, "waits in a lane"},
    {WAITING, OF_INTERACTION(lane), 99, false, INVARIANT_WAITS_IN_PLACE, "in the lane of others"},
    {WAITING, OF_INTERACTION(lane), 1, false, INVARIANT_WAITS_IN_PLACE, "in the lane of others"},
    {WAITING, OF_INTERACTION(open.rank.first), 1, false, INVARIANT_TREES_SOUND, "open"},
    {WAITING, OF_INTERACTION(open.linked), 0, false, INVARIANT_TREES_SOUND, "open"},
    {WAITING, OF_INTERACTION(waiting.linked), 0, false, INVARIANT_TREES_SOUND, "waiting in lane"},
    {WAITING, OF_INTERACTION(age.rank.first), 1, false, INVARIANT_WAITS_IN_PLACE, "at its age"},
    {WAITING, OF_INTERACTION(age.linked), 0, false, INVARIANT_TREES_SOUND, "ages in queue"},
    {WAITING, OF_INTERACTION(by_id.linked), 0, false, INVARIANT_TABLES_SOUND, "interactions"},
    {WAITING, OF_INTERACTION(by_conversation.hash), 1, false, INVARIANT_TABLES_SOUND, "conversations"},
    {CORE, OF_CORE(open.count), 1, false, INVARIANT_TREES_SOUND, "open"},
    {CORE, OF_CORE(interactions.count), 1, false, INVARIANT_TABLES_SOUND, "interactions"},
    {CORE, OF_CORE(interactions.count), 9, false, INVARIANT_TABLES_SOUND, "interactions"},
    {CORE, OF_CORE(offers.count), 0, false, INVARIANT_TABLES_SOUND, "offers"},
    {CORE, OF_CORE(conversations.count), 0, false, INVARIANT_TABLES_SOUND, "conversations"},
    {BEN, OF_AGENT(data.state), 9, false, INVARIANT_PRESENCE_FITS, "9 is no state"},
    {CARL, OF_AGENT(data.lease_until), 5, true, INVARIANT_PRESENCE_FITS, "offline with a lease"},
    {BEN, OF_AGENT(data.lease_until), 5, true, INVARIANT_PRESENCE_FITS, "a lease without length"},
    {BEN, OF_AGENT(data.grace_until), 5, true, INVARIANT_PRESENCE_FITS, "a grace without being offline"},
    {BEN, OF_AGENT(data.state), AGENT_NOT_RESPONDING, false, INVARIANT_PRESENCE_FITS, "still asked"},
    {CORE, OF_CORE(customers.count), 1, false, INVARIANT_TABLES_SOUND, "customers"},
    {BEN, OF_AGENT(data.misses), -1, false, INVARIANT_PRESENCE_FITS, "misses below 0"},
    {BEN, OF_AGENT(data.reason), 'x', false, INVARIANT_PRESENCE_FITS, "reason without end"},
    {CARL, OF_AGENT(timer.linked), 1, false, INVARIANT_TIMER_OF_AGENT, "due and timer differ"},
    {ANNA, OF_AGENT(timer.rank.first), 1, false, INVARIANT_TIMER_OF_AGENT, "due and timer differ"},
    {ANNA, OF_AGENT(timer.linked), 0, false, INVARIANT_TREES_SOUND, "timers"},
    {ANNA, OF_AGENT(data.lease_until), 0, true, INVARIANT_NOTHING_OVERDUE, "due 0 ms ago"},
    {BEN, OF_AGENT(config), -1, false, INVARIANT_READY_IN_PLACE, "ready without a configuration"},
    {CARL, OF_AGENT(data.state), AGENT_AVAILABLE, false, INVARIANT_READY_IN_PLACE, "not ready at its rank"},
    {BEN, OF_AGENT(name), 0, false, INVARIANT_AGENT_OF_CONFIG, "not behind the one before"},
};

/* What is wrong in several places, or in what the state leans on. */
static void a_queue_s_member_left_out(struct scene *scene)
{
    scene->world.core.lanes.queues[QUEUE_SUPPORT].member_count--;
}

static void members_in_another_order(struct scene *scene)
{
    scene->world.agents[0].position = 9;
}

static void a_lane_s_count_wrong(struct scene *scene)
{
    scene->world.core.available[0]++;
}

static void a_queue_s_presence_wrong(struct scene *scene)
{
    scene->world.core.queues[QUEUE_CHAT].logged_in++;
}

static void a_place_in_a_queue_of_others(struct scene *scene)
{
    scene->world.agents[1].queue_count = 0;
}

static void more_in_a_lane_than_wait(struct scene *scene)
{
    scene->world.core.waiting[0].count++;
}

static void more_by_age_than_wait(struct scene *scene)
{
    scene->world.core.ages[(size_t)QUEUE_SUPPORT * CHANNEL_COUNT].count++;
}

static void a_leaf_that_hangs_loose(struct scene *scene)
{
    struct rank_node *leaf = scene->world.core.open.root;
    while (leaf->left || leaf->right)
        leaf = leaf->left ? leaf->left : leaf->right;
    leaf->parent = NULL;
}

static void an_offer_to_a_customer_who_is_blocked(struct scene *scene)
{
    struct block block = {
        .id = {{7}}, .kind = BLOCK_CUSTOMER, .customer = {{5}}, .channels = 7, .until_ms = TIME_NEVER};
    core_load_block(&scene->world.core, &block);
    scene->offered->data.customer = block.customer;
}

static const struct {
    void (*put_wrong)(struct scene *scene);
    enum invariant invariant;
    const char *says;
} wholes[] = {
    {a_queue_s_member_left_out, INVARIANT_COUNTS_RIGHT, "3 members, 2 listed"},
    {members_in_another_order, INVARIANT_COUNTS_RIGHT, "members of queue 0 are not in order"},
    {a_lane_s_count_wrong, INVARIANT_COUNTS_RIGHT, "available, counted"},
    {a_queue_s_presence_wrong, INVARIANT_COUNTS_RIGHT, "logged in, counted"},
    {a_place_in_a_queue_of_others, INVARIANT_READY_IN_PLACE, "without its skills"},
    {more_in_a_lane_than_wait, INVARIANT_TREES_SOUND, "waiting in lane 0"},
    {more_by_age_than_wait, INVARIANT_TREES_SOUND, "ages in queue 0"},
    {a_leaf_that_hangs_loose, INVARIANT_TREES_SOUND, "open"},
    {an_offer_to_a_customer_who_is_blocked, INVARIANT_BLOCKED_NOT_OFFERED, "is blocked"},
};

static void *base_of(struct scene *scene, enum whose whose)
{
    void *const bases[] = {[WAITING] = scene->waiting, [OFFERED] = scene->offered, [ACTIVE] = scene->active,
                           [ANNA] = scene->anna,       [BEN] = scene->ben,         [CARL] = scene->carl,
                           [CORE] = &scene->world.core};
    return bases[whose];
}

static void write_field(struct scene *scene, const struct field *field)
{
    char *to = (char *)base_of(scene, field->whose) + field->offset;
    int64_t value = field->is_after_now ? scene->world.core.at_ms + field->value : field->value;
    if (field->size > sizeof value)
        memset(to, (int)value, field->size);
    else
        memcpy(to, &value, field->size); /* little-endian, as every machine that this is built for */
}

/* They are never taken down: what is wrong in them would be followed. */
static struct scene *scenes[COUNT(fields) + COUNT(wholes) + 4];

static struct scene *new_scene(void)
{
    static size_t count;
    assert_true(count < COUNT(scenes));
    scenes[count] = calloc(1, sizeof *scenes[count]);
    set_up(scenes[count]);
    return scenes[count++];
}

static struct findings sweep(struct scene *scene)
{
    struct findings findings = {.count = 0};
    invariant_sweep(&findings, &scene->world.core, &scene->world.arena);
    return findings;
}

static void a_field_that_cannot_be_so_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct scene *scene = new_scene();
        assert_int_equal(sweep(scene).count, 0);
        write_field(scene, &fields[i]);
        struct findings findings = sweep(scene);
        expect_said(&findings, fields[i].invariant, fields[i].says);
    }
}

static void a_whole_that_cannot_be_so_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wholes); i++) {
        struct scene *scene = new_scene();
        wholes[i].put_wrong(scene);
        struct findings findings = sweep(scene);
        expect_said(&findings, wholes[i].invariant, wholes[i].says);
    }
}

/* After loading, everything is looked at with the next timer. */
static void before_the_drain_somebody_may_wait_though_somebody_could_take_it(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    scene->carl->data.state = AGENT_AVAILABLE;
    struct findings findings = sweep(scene);
    assert_true(is_found(&findings, INVARIANT_NOBODY_WAITS_IN_VAIN));
    scene->world.core.drain_pending = true;
    findings = sweep(scene);
    assert_false(is_found(&findings, INVARIANT_NOBODY_WAITS_IN_VAIN));
}

static void add(struct findings *findings, enum invariant invariant, struct slice agent, const char *format,
                ...)
{
    static const struct uuid interaction = {{1}};
    va_list args;
    va_start(args, format);
    findings_add(findings, invariant, &interaction, agent, format, args);
    va_end(args);
}

static void the_first_of_each_is_kept_and_all_are_counted(void **state)
{
    (void)state;
    struct findings findings = {.count = 0};
    char name[CONFIG_NAME_MAX + 1];
    memset(name, 'a', sizeof name);
    for (int i = 0; i < FINDINGS_KEPT + 2; i++) {
        add(&findings, (enum invariant)i, (struct slice){name, i ? sizeof name : CONFIG_NAME_MAX}, "%d", i);
        add(&findings, (enum invariant)i, (struct slice){NULL, 0}, "again");
    }
    assert_int_equal(findings.count, 2 * (FINDINGS_KEPT + 2));
    assert_int_equal(findings.kept, FINDINGS_KEPT);
    for (int i = 0; i < FINDINGS_KEPT; i++) {
        assert_int_equal(findings.items[i].invariant, i);
        assert_int_equal(findings.items[i].text[0], '0' + i);
        assert_int_equal(strlen(findings.items[i].agent), i ? 0 : CONFIG_NAME_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_that_cannot_be_so_is_named),
        cmocka_unit_test(a_whole_that_cannot_be_so_is_named),
        cmocka_unit_test(before_the_drain_somebody_may_wait_though_somebody_could_take_it),
        cmocka_unit_test(the_first_of_each_is_kept_and_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
