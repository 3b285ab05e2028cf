/* Random traffic against the core: a rollback leaves no trace, a core loaded from its tables equals the one
 * in memory, no agent is ever above a limit, no interaction has two offers, nobody waits whom a ready agent
 * could take; and what was committed, read back from its bytes and stepped by a core that was never rolled
 * back or loaded, gives the same bytes. */
#include <stdlib.h>

#include "rules/record.h"
#include "tests/unit/core_world.h"

#define SEEDS 60
#define STEPS 600
#define SUBJECTS 40
#define TAPE_MAX 100000

struct dice {
    uint64_t state;
};

/* The rows of the journal: those of batches that are open may go again. */
struct tape_row {
    int64_t at_ms;
    struct slice input, facts, decision, block_key;
    struct record_people people;
};

struct tape {
    struct arena arena;
    struct tape_row *rows;
    size_t count;
};

static void tape_add(struct tape *tape, const struct input *input, const struct outcome *outcome)
{
    struct tape_row *row = &tape->rows[tape->count++];
    struct arena *arena = &tape->arena;
    assert_true(tape->count <= TAPE_MAX);
    assert_int_equal(outcome->seq, tape->count);
    *row = (struct tape_row){.at_ms = outcome->at_ms,
                             .input = record_input(input, arena),
                             .facts = record_facts(&input->facts, arena),
                             .decision = record_decision(outcome, arena),
                             .block_key = input->block.key};
    if (input->kind == INPUT_EVENT)
        row->people = (struct record_people){.texts = {.phone = input->event->from.phone,
                                                       .recipient = input->recipient_key,
                                                       .phone_key = input->phone.key,
                                                       .source = input->event->source,
                                                       .subject = arena_copy(arena, input->event->subject)}};
}

static void replay(const struct tape *tape, const struct project_config *config)
{
    struct core core;
    struct arena arena;
    arena_init(&arena);
    core_init(&core, 1, config, 1);
    for (size_t i = 0; i < tape->count; i++) {
        const struct tape_row *row = &tape->rows[i];
        struct input input;
        assert_true(record_read_input(&input, row->input, &row->people, &arena));
        assert_true(record_read_facts(&input.facts, row->facts, NULL, &arena));
        input.at_ms = row->at_ms;
        input.block.key = row->block_key;
        core_begin(&core);
        assert_true(slice_equal(row->decision, record_decision(core_step(&core, &input, &arena), &arena)));
        core_commit(&core);
        core_bury(&core);
        arena_reset(&arena);
    }
    core_deinit(&core);
    arena_deinit(&arena);
}

static uint32_t roll(struct dice *dice, uint32_t below)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice->state >> 33) % below;
}

/* Everything the core knows, as text. */
/* Those that are over go with a commit. */
static uint32_t live_blocks(const struct core *core)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->blacklist.by_id.bucket_count; i++) {
        for (struct table_node *node = core->blacklist.by_id.buckets[i]; node; node = node->next)
            count += blacklist_entry_block(node->owner)->until_ms > core->at_ms;
    }
    return count;
}

static char *dump(const struct core *core)
{
    char *text = NULL, id[UUID_TEXT_LEN + 1];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "seq %lu at %ld timers %u offers %u\n", (unsigned long)core->seq, (long)core->at_ms,
            core->timers.count, core->offers.count);
    for (uint32_t i = 0; i < core->agent_count; i++) {
        const struct agent_data *data = &core->agents[i].data;
        fprintf(out, "agent %s %d '%s' %ld %ld %ld %ld %ld %d %ld %lu load %d %d %d work %u ready",
                core->agents[i].name.ptr, data->state, data->reason, (long)data->lease_ms,
                (long)data->lease_until, (long)data->grace_until, (long)data->wrap_until,
                (long)data->cool_until, data->misses, (long)data->idle_since,
                (unsigned long)data->agentsequence, data->load[0], data->load[1], data->load[2],
                core->agents[i].work.count);
        fprintf(out, " turns %lu %lu %lu", (unsigned long)data->turn[0], (unsigned long)data->turn[1],
                (unsigned long)data->turn[2]);
        for (uint32_t r = 0; r < core->agents[i].ready_count; r++)
            fprintf(out, " %d", core->agents[i].ready[r].linked);
        fprintf(out, "\n");
    }
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        const struct interaction_data *data = &interaction->data;
        uuid_format(&interaction->id, id);
        fprintf(out, "%s %d state %d queue %d agent %d expires %ld attempts %d identity %d waiting %d", id,
                interaction->channel, data->state, data->queue, data->agent, (long)data->expires_ms,
                data->attempts, data->identity, interaction->waiting.linked);
        uuid_format(&data->offer, id);
        fprintf(out, " offer %s candidates %u", id, data->candidate_count);
        fprintf(
            out,
            " rule %d relaxed %d stage %d moved %d priority %d times %ld %ld %ld %ld excluded %d lane %u\n",
            data->rule, data->relax_step, data->stage, data->moved, data->priority, (long)data->enqueued_ms,
            (long)data->entered_ms, (long)data->held_until, (long)data->reply_by, data->excluded,
            interaction->waiting.linked ? interaction->lane : 0);
    }
    for (uint32_t i = 0; i < core->lanes.count * CHANNEL_COUNT; i++)
        fprintf(out, "lane %u waiting %u ready %u\n", i, core->waiting[i].count, core->ready[i].count);
    for (uint32_t i = 0; i < core->config->queue_count; i++)
        fprintf(out, "queue %u waiting %u there %u\n", i, core->queues[i].waiting, core->queues[i].logged_in);
    for (uint32_t i = 0; i < core->lanes.count; i++)
        fprintf(out, "lane %u available %u\n", i, core->available[i]);
    fprintf(out, "blocks %u closings %u\n", live_blocks(core), core->closings.count);
    fclose(out);
    return text;
}

/* Whoever gave it away may be ready beside it. */
static void check_lane(const struct core *core, uint32_t lane)
{
    if (!core->ready[lane].count)
        return;
    for (const struct rank_node *node = rank_first(&core->waiting[lane]); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        assert_int_equal(core->ready[lane].count, 1);
        assert_ptr_equal(rank_first(&core->ready[lane])->owner, &core->agents[interaction->data.excluded]);
    }
}

static void check(const struct core *core)
{
    for (uint32_t i = 0; i < core->agent_count; i++) {
        int32_t load[CHANNEL_COUNT] = {0};
        const struct agent *agent = &core->agents[i];
        for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
            const struct interaction *interaction = node->owner;
            bool held = interaction->data.state == INTERACTION_OFFERED ||
                        interaction->data.state == INTERACTION_ACTIVE;
            load[interaction->channel] += held && interaction->data.agent == (int)i;
        }
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            assert_int_equal(agent->data.load[channel], load[channel]);
            assert_true(load[channel] <= core->config->agents[agent->config].capacity[channel]);
        }
    }
    for (uint32_t i = 0; i < core->lanes.count * CHANNEL_COUNT && !core->drain_pending; i++)
        check_lane(core, i);
}

/* Through the bytes that its row keeps. */
static void load_stored(struct world *world, const struct interaction *interaction, struct core *to)
{
    struct slice queue = {NULL, 0}, agent = {NULL, 0};
    struct interaction stored = *interaction;
    struct record_names names;
    const struct interaction_data *data = &interaction->data;
    assert_true(record_read_open(&stored, &names, record_open(&world->core, interaction, &world->arena),
                                 &world->arena));
    if (data->queue >= 0)
        queue = world->config.queues[data->queue].name;
    if (data->agent >= 0)
        agent = world->core.agents[data->agent].name;
    core_load_interaction(to, &stored, queue, agent, names.rule, names.excluded);
}

/* The batch's undo copies are gone after commit; what the tables would hold is the data itself. */
static void reload(struct world *world)
{
    struct core loaded;
    core_forget_closed(&world->core, world->core.seq); /* the tables show them */
    char *before = dump(&world->core), *after;
    core_init(&loaded, 1, &world->config, 1);
    for (uint32_t i = 0; i < world->core.agent_count; i++)
        assert_true(core_load_agent(&loaded, world->core.agents[i].name, &world->core.agents[i].data));
    for (const struct rank_node *node = rank_first(&world->core.open); node; node = rank_next(node))
        load_stored(world, node->owner, &loaded);
    for (uint32_t i = 0; i < world->core.blacklist.by_id.bucket_count; i++) {
        for (struct table_node *node = world->core.blacklist.by_id.buckets[i]; node; node = node->next) {
            const struct block *block = blacklist_entry_block(node->owner);
            if (block->until_ms > world->core.at_ms) /* load_blocks.sql */
                core_load_block(&loaded, block);
        }
    }
    core_loaded(&loaded, world->core.seq, world->core.at_ms);
    after = dump(&loaded);
    assert_string_equal(before, after);
    core_deinit(&world->core);
    world->core = loaded;
    free(before);
    free(after);
}

static struct input random_block(struct world *world, struct dice *dice)
{
    static const char *const phones[] = {"+491", "+492", "+493", "+494"};
    struct block block = {.id = {{0}},
                          .kind = BLOCK_PHONE,
                          .key = slice_of(phones[roll(dice, 4)]),
                          .channels = 7,
                          .start_ms = world->now,
                          .until_ms = world->now + roll(dice, 60000)};
    block.id.bytes[0] = (uint8_t)(1 + roll(dice, 8));
    return (struct input){.kind = roll(dice, 2) ? INPUT_BLOCK : INPUT_UNBLOCK, .block = block};
}

static const struct interaction *random_open(struct world *world, struct dice *dice)
{
    const struct rank_node *node = rank_first(&world->core.open);
    for (uint32_t skip = world->core.open.count ? roll(dice, world->core.open.count) : 0; skip; skip--)
        node = rank_next(node);
    return node ? node->owner : NULL;
}

/* Of some who call it is known who they are, and whom they know. */
static void know_customer(struct world *world, struct from *from, struct dice *dice)
{
    static const char *const agents[] = {"anna", "ben", "carl", "dora", "gone", NULL};
    uint8_t who = from->phone ? (uint8_t)from->phone[3] : 0;
    if (who < '3')
        return;
    struct customer_fact *fact = arena_new(&world->arena, struct customer_fact);
    *fact = (struct customer_fact){.id = {{who}},
                                   .by_phone = true,
                                   .owner = slice_of(agents[roll(dice, 6)]),
                                   .last_agent = slice_of(agents[roll(dice, 6)]),
                                   .last_ms = world->now - roll(dice, 100000)};
    from->candidates = fact;
    from->candidate_count = 1;
}

static struct input random_move(struct world *world, const struct interaction *interaction, struct dice *dice)
{
    static const enum input_kind kinds[] = {INPUT_TRANSFER, INPUT_ASSIGN, INPUT_PULL};
    struct input input = {.kind = kinds[roll(dice, 3)],
                          .interaction = interaction->id,
                          .agent = world->agents[roll(dice, 4)].name,
                          .keep_age = roll(dice, 2)};
    if (input.kind == INPUT_TRANSFER && roll(dice, 2))
        input.queue = world->queues[roll(dice, QUEUE_COUNT)].name;
    return input;
}

static struct input random_input(struct world *world, struct dice *dice)
{
    static const char *const phones[] = {"+491", "+492", "+493", "+494", NULL};
    static const enum event_type types[] = {EVENT_CALL_RINGING, EVENT_CALL_RINGING,   EVENT_CHAT_MESSAGE,
                                            EVENT_CHAT_MESSAGE, EVENT_EMAIL_RECEIVED, EVENT_CALL_ENDED,
                                            EVENT_CHAT_ENDED,   EVENT_CALL_ANSWERED};
    struct from from = {.phone = phones[roll(dice, 5)]};
    const struct interaction *interaction = random_open(world, dice);
    struct input input = {.at_ms = world->now};
    uint32_t what = roll(dice, 22);
    know_customer(world, &from, dice);
    if (what < 8 || !interaction) {
        char *subject = arena_alloc(&world->arena, 16);
        snprintf(subject, 16, "s%u", roll(dice, SUBJECTS));
        enum event_type type = types[roll(dice, 8)];
        input = world_event(world, type, subject, &from);
        if (type == EVENT_CALL_ANSWERED && roll(dice, 2) &&
            world->core.agents[0].data.load[CHANNEL_CALL] == 0)
            ((struct event *)input.event)->agent = SLICE("anna");
        if (type == EVENT_CHAT_MESSAGE && world_find(world, CHANNEL_CHAT, subject))
            ((struct event *)input.event)->outbound = roll(dice, 2);
    } else if (what < 12) {
        input.kind = INPUT_ACCEPT;
        input.offer = interaction->data.offer;
    } else if (what < 14) {
        input.kind = INPUT_REJECT;
        input.offer = interaction->data.offer;
        input.cause = (enum reject_cause)roll(dice, REJECT_CAUSE_COUNT);
    } else if (what < 16) {
        input.kind = INPUT_END;
        input.interaction = interaction->id;
    } else if (what < 19) {
        input.kind = INPUT_PRESENCE;
        input.agent = world->agents[roll(dice, 4)].name;
        input.presence = roll(dice, 3) ? AGENT_AVAILABLE : (enum agent_state)roll(dice, 3);
        input.lease_ms = roll(dice, 2) ? 0 : 1000 + roll(dice, 40000);
    } else if (what < 21) {
        input = random_move(world, interaction, dice);
    } else {
        input = random_block(world, dice);
    }
    input.at_ms = world->now;
    return input;
}

/* A decision that is read back says what was written. */
static void check_record(const struct outcome *outcome, struct arena *arena)
{
    struct outcome again;
    if (outcome->refusal != REFUSAL_NONE)
        return;
    for (const struct announcement *a = outcome->announcements; a; a = a->next)
        assert_true(!a->agent.len || !a->snapshot || !a->snapshot->agent.len ||
                    slice_equal(a->agent, a->snapshot->agent)); /* else a feed would not know its events */
    struct slice bytes = record_decision(outcome, arena);
    assert_true(record_read_decision(&again, bytes, arena));
    struct slice twice = record_decision(&again, arena);
    assert_true(slice_equal(bytes, twice));
    for (size_t len = 0; len < bytes.len; len += 7)
        assert_false(record_read_decision(&again, (struct slice){bytes.ptr, len}, arena));
}

/* What the traffic has been through, so that it cannot become poor without anybody noticing. */
static uint32_t triggers[TRIGGER_COUNT], moves[MOVE_COUNT], stages[PREFER_STAGE_COUNT],
    reasons[CANDIDATE_REASON_COUNT], no_replies;

static void tally(const struct outcome *outcome)
{
    for (const struct explanation *why = outcome->explanations; why; why = why->next) {
        triggers[why->trigger]++;
        stages[why->stage]++;
        for (uint32_t i = 0; i < why->path_count; i++)
            moves[why->path[i].move]++;
        for (uint32_t i = 0; i < why->candidate_count; i++)
            reasons[why->candidates[i]]++;
    }
    for (const struct announcement *a = outcome->announcements; a; a = a->next)
        no_replies += slice_is(a->cause, "no_reply");
}

static void everything_happened(void)
{
    for (int i = 0; i < TRIGGER_COUNT; i++)
        assert_true(triggers[i] || i >= TRIGGER_CONFIG); /* nothing is left over after a restart */
    for (int i = 0; i < MOVE_COUNT; i++)
        assert_true(moves[i] || i == MOVE_NONE || i == MOVE_TRANSFER || i == MOVE_ORPHAN);
    for (int i = 0; i < PREFER_STAGE_COUNT; i++)
        assert_true(stages[i]);
    for (int i = 0; i < CANDIDATE_REASON_COUNT; i++)
        assert_true(reasons[i]);
    assert_true(no_replies);
}

static void step(struct world *world, struct tape *tape, const struct input *input)
{
    const struct outcome *outcome = core_step(&world->core, input, &world->arena);
    tally(outcome);
    check_record(outcome, &world->arena);
    if (outcome->refusal == REFUSAL_NONE)
        tape_add(tape, input, outcome);
}

static void fill_batch(struct world *world, struct tape *tape, struct dice *dice)
{
    uint32_t inputs = 1 + roll(dice, 4);
    world->now += roll(dice, 3000);
    core_begin(&world->core);
    while (core_next_timer(&world->core) <= world->now) {
        struct input timer = core_timer(&world->core, world->now);
        step(world, tape, &timer);
    }
    for (uint32_t i = 0; i < inputs; i++) {
        struct input input = random_input(world, dice);
        if (input.kind == INPUT_EVENT)
            core_find_closed(&world->core, &input.conversation, &input.facts.closed);
        step(world, tape, &input);
        check(&world->core);
    }
}

static void roll_back(struct world *world, const char *before)
{
    while (world->core.batch_count)
        core_rollback(&world->core);
    char *after = dump(&world->core);
    assert_string_equal(before, after);
    free(after);
}

/* One batch, or two on top of each other; all come to something, or what failed leaves no trace. */
static void random_batches(struct world *world, struct tape *tape, struct dice *dice)
{
    char *before = dump(&world->core), *between;
    bool two = roll(dice, 2) == 0, fails = roll(dice, 3) == 0, both_fail = two && roll(dice, 2) == 0;
    fill_batch(world, tape, dice);
    between = dump(&world->core);
    if (two)
        fill_batch(world, tape, dice);
    if (fails && (both_fail || !two)) {
        roll_back(world, before);
    } else {
        core_commit(&world->core);
        core_bury(&world->core);
        if (two && fails) {
            roll_back(world, between);
        } else if (two) {
            core_commit(&world->core);
            core_bury(&world->core);
        }
    }
    free(before);
    free(between);
    tape->count = world->core.seq;
    check(&world->core);
    arena_reset(&world->arena);
}

/* Everything that a project file can ask for, with times that these stories live to see. */
static void configure_all(struct world *world, uint64_t seed)
{
    static struct hours_span spans[20];
    static struct zone_transition utc[] = {{INT64_MIN, 0}};
    static const struct zone_table zone = {{"UTC", 3}, utc, 1};
    static struct hours hours = {.zone = &zone, .spans = spans, .span_count = 20};
    struct config_queue *support = &world->queues[QUEUE_SUPPORT], *mail = &world->queues[QUEUE_MAIL],
                        *chats = &world->queues[QUEUE_CHAT];
    for (uint16_t i = 0; i < 20; i++)
        spans[i] = (struct hours_span){2, (uint16_t)(660 + i * 5), (uint16_t)(663 + i * 5), false};
    hours.otherwise = seed % 4 == 0 ? QUEUE_CHAT : -1;
    world->config.hours = &hours;
    world->config.hours_count = 1;
    world->config.prefer = (struct config_prefer){15000, 10000, 600000}; /* longer than anything waits here */
    for (int i = 0; i < QUEUE_COUNT; i++)
        world->queues[i].strategy = (enum strategy)((seed + (uint64_t)i) % STRATEGY_COUNT);
    world_rule(world, "german", "from.phone == '+491'", QUEUE_SUPPORT, 2);
    world_rule(world, "tried", "interaction.attempts > 2 || queues['support'].waiting > 4", QUEUE_MAIL, 0);
    world_rule(world, "broken", "event.attributes.none == 1", QUEUE_MAIL, 0);
    world_rule(world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world->rules[0].skills = world_skill(world, 0, 5);
    world->rules[3].skills = world_skill(world, 1, 1);
    world->agents[0].skills = world_skill(world, 0, 5);
    for (int i = 1; i < 4; i++)
        world->agents[i].skills = world_skill(world, 1, (uint16_t)i);
    world->relax[0] = (struct config_relax){20000, world_skill(world, 0, 2)};
    world->relax[1] = (struct config_relax){40000, {NULL, 0}};
    support->relax = world->relax;
    support->relax_count = 2;
    support->when_empty[EMPTY_NONE_LOGGED_IN] = support->when_empty[EMPTY_ALL_ON_BREAK] = QUEUE_MAIL;
    support->overflow = QUEUE_CHAT;
    support->wait_max_ms = 60000;
    mail->hours = 0;
    mail->when_empty[EMPTY_ALL_AT_CAPACITY] = QUEUE_SUPPORT;
    chats->weight = 1;
    chats->first_reply_ms = 20000;
    chats->overflow = QUEUE_MAIL;
    chats->waiting_max = 5;
    chats->when_empty[EMPTY_NONE_SKILLED] = QUEUE_SUPPORT;
}

static void random_traffic_breaks_no_promise(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world;
        struct dice dice = {seed};
        struct tape tape = {.rows = calloc(TAPE_MAX, sizeof *tape.rows)};
        arena_init(&tape.arena);
        world_prepare(&world, 4);
        if (seed % 3)
            configure_all(&world, seed);
        world_start(&world);
        world.queues[QUEUE_SUPPORT].wrap_up_ms = seed % 2 ? 5000 : 0;
        for (int step = 0; step < STEPS; step++) {
            random_batches(&world, &tape, &dice);
            if (roll(&dice, 20) == 0)
                reload(&world);
        }
        replay(&tape, &world.config);
        world_deinit(&world);
        arena_deinit(&tape.arena);
        free(tape.rows);
    }
    everything_happened();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_traffic_breaks_no_promise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
