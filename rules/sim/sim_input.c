/* From a move to the input that the server would make of it, and from the outcome to what the people around
 * it know then. */
#include <assert.h>
#include <string.h>

#include "rules/sim/sim_play.h"

/* --- Customers --- */

static struct uuid customer_id(uint32_t number)
{
    struct uuid id = {{0xAA}};
    id.bytes[15] = (uint8_t)number;
    return id;
}

static void meet(struct sim *sim, int phone_party, int email_party, struct sim_dice *dice)
{
    struct sim_customer *customer = &sim->customers[sim->customer_count];
    *customer = (struct sim_customer){.id = customer_id(sim->customer_count + 1),
                                      .phone_party = phone_party,
                                      .email_party = email_party,
                                      .owner = (int)sim_dice_roll(dice, sim->plan.agents + 2) - 2,
                                      .is_vip = sim_dice_chance(dice, 4)};
    sim->customer_count++;
}

/* Half of the parties are known: as one, as two who share an address, or by their keys as different ones. */
void sim_meet_customers(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->plan.parties && (sim->plan.features & SIM_PEOPLE); i++) {
        struct sim_dice dice = sim_dice_of(sim->plan.seed, UINT64_C(1) << 48 | i);
        uint32_t kind = sim_dice_roll(&dice, 8);
        int party = (int)i;
        if (kind < 3) {
            meet(sim, party, party, &dice);
        } else if (kind == 3) {
            meet(sim, party, -1, &dice);
            meet(sim, -1, party, &dice);
        } else if (kind == 4) {
            meet(sim, -1, party, &dice);
            meet(sim, -1, party, &dice);
        }
    }
}

static struct customer_fact fact_of(const struct sim *sim, const struct sim_customer *customer, bool by_phone,
                                    bool by_email)
{
    static struct slice *const none = NULL;
    static const struct slice vip[] = {{"vip", 3}};
    struct customer_fact fact = {
        .id = customer->id, .name = SLICE("someone"), .by_phone = by_phone, .by_email = by_email};
    if (customer->owner >= 0 && customer->owner < (int)sim->plan.agents)
        fact.owner = sim_agent_name((uint32_t)customer->owner);
    fact.tags = customer->is_vip ? (struct slice *)vip : none;
    fact.tag_count = customer->is_vip;
    fact.last_agent = customer->last_agent;
    fact.last_ms = customer->last_ms;
    return fact;
}

/* Who has these keys, newest interaction first. */
static struct facts facts_of(const struct sim *sim, int phone_party, int email_party, struct arena *arena)
{
    struct facts facts = {.candidates = arena_array(arena, struct customer_fact, CORE_CANDIDATES_MAX)};
    uint64_t newest[CORE_CANDIDATES_MAX];
    for (uint32_t i = 0; i < sim->customer_count && facts.candidate_count < CORE_CANDIDATES_MAX; i++) {
        const struct sim_customer *customer = &sim->customers[i];
        bool by_phone = phone_party >= 0 && customer->phone_party == phone_party;
        bool by_email = email_party >= 0 && customer->email_party == email_party;
        if (!by_phone && !by_email)
            continue;
        uint32_t at = facts.candidate_count++;
        for (; at && newest[at - 1] < customer->newest; at--) {
            newest[at] = newest[at - 1];
            facts.candidates[at] = facts.candidates[at - 1];
        }
        newest[at] = customer->newest;
        facts.candidates[at] = fact_of(sim, customer, by_phone, by_email);
    }
    return facts;
}

static int party_of(const struct sim *sim, struct slice key, struct slice (*key_of)(uint32_t party))
{
    for (uint32_t i = 0; key.len && i < sim->plan.parties; i++) {
        if (slice_equal(key_of(i), key))
            return (int)i;
    }
    return -1;
}

static struct facts facts_of_interaction(const struct sim *sim, const struct interaction *interaction,
                                         struct arena *arena)
{
    return facts_of(sim, party_of(sim, interaction->texts.phone_key, sim_party_phone),
                    party_of(sim, interaction->texts.email_key, sim_party_email), arena);
}

/* --- Inputs --- */

static const struct interaction *open_of(const struct sim *sim, const struct sim_move *move)
{
    struct uuid conversation = sim_conversation(move->subject);
    return core_find_conversation(&sim->core, &conversation);
}

static enum channel channel_of(const struct sim_move *move)
{
    return (enum channel)(move->subject % CHANNEL_COUNT);
}

static void find_closed(struct input *input, const struct sim *sim, const struct sim_move *move)
{
    struct uuid closed;
    input->facts.closed = sim->tables.closed[move->subject];
    if (core_find_closed(&sim->core, &input->conversation, &closed) &&
        uuid_compare(&closed, &input->facts.closed) > 0)
        input->facts.closed = closed;
}

static void add_party(struct input *input, struct event *event, const struct sim *sim,
                      const struct sim_move *move, struct arena *arena)
{
    enum channel channel = channel_of(move);
    bool is_withheld = move->variant & SIM_FROM_WITHHELD;
    bool by_phone = channel == CHANNEL_CALL || (channel == CHANNEL_CHAT && move->variant & SIM_FROM_PHONE);
    bool by_email = channel == CHANNEL_EMAIL || (channel == CHANNEL_CHAT && move->variant & SIM_FROM_EMAIL);
    if (is_withheld) {
        input->phone.class = channel == CHANNEL_CALL ? CALLER_ANONYMOUS : CALLER_NONE;
        return;
    }
    event->from.name = SLICE("someone");
    if (by_phone) {
        event->from.phone = input->phone.key = input->phone.digits = sim_party_phone(move->party);
        input->phone.class = CALLER_NUMBER;
    }
    if (by_email)
        event->from.email = input->email.key = sim_party_email(move->party);
    struct uuid closed = input->facts.closed;
    input->facts = facts_of(sim, by_phone ? move->party : -1, by_email ? move->party : -1, arena);
    input->facts.closed = closed;
}

static void add_thread(struct input *input, const struct sim_move *move, struct arena *arena)
{
    struct uuid *thread = arena_array(arena, struct uuid, 1);
    if (!(move->variant & SIM_THREAD) || move->subject < CHANNEL_COUNT)
        return;
    thread[0] = sim_conversation((uint32_t)move->subject - CHANNEL_COUNT);
    input->thread = thread;
    input->thread_count = 1;
}

static struct value agent_attribute(uint32_t agent, struct arena *arena)
{
    struct value map = value_map(arena, 1);
    value_set_text(&map, "agent", sim_agent_name(agent));
    return map;
}

static struct value level_attribute(const char *level, struct arena *arena)
{
    struct value map = value_map(arena, 1);
    value_set_text(&map, "level", slice_of(level));
    return map;
}

static void make_event(struct input *input, const struct sim *sim, const struct sim_move *move,
                       struct arena *arena)
{
    static const enum event_type messages[] = {EVENT_CALL_RINGING, EVENT_CHAT_MESSAGE, EVENT_EMAIL_RECEIVED};
    struct event *event = arena_new(arena, struct event);
    enum channel channel = channel_of(move);
    *event = (struct event){.source = SLICE("sim"), .type = messages[channel], .time_ms = TIME_NEVER};
    input->kind = INPUT_EVENT;
    input->event = event;
    input->conversation = sim_conversation(move->subject);
    event->subject = arena_format(arena, "s%u", move->subject);
    event->to = input->recipient_key = sim_endpoint(channel, move->queue);
    find_closed(input, sim, move);
    const struct interaction *interaction = open_of(sim, move);
    switch ((enum sim_move_kind)move->kind) {
    case SIM_OUTBOUND:
        event->outbound = true;
        if (move->variant & SIM_ACTOR_OTHER)
            event->attributes = agent_attribute(move->agent, arena);
        add_party(input, event, sim, move, arena);
        break;
    case SIM_ANSWERED:
        event->type = EVENT_CALL_ANSWERED;
        if ((move->variant & 3) == SIM_ACTOR_OTHER)
            event->agent = sim_agent_name(move->agent);
        else if ((move->variant & 3) == SIM_ACTOR_HOLDER)
            event->agent = sim->subjects[move->subject].agent;
        if (move->variant & SIM_STALE)
            event->time_ms = input->at_ms - 1000;
        if (interaction)
            input->facts = facts_of_interaction(sim, interaction, arena);
        break;
    case SIM_HANGUP:
        event->type = channel == CHANNEL_CALL ? EVENT_CALL_ENDED : EVENT_CHAT_ENDED;
        break;
    default:
        input->machine = channel == CHANNEL_EMAIL && move->variant & SIM_MACHINE;
        event->text = SLICE("hello");
        if (move->party % 4 == 1)
            event->attributes = level_attribute(move->party % 8 == 1 ? "gold" : "silver", arena);
        add_party(input, event, sim, move, arena);
        if (channel == CHANNEL_EMAIL)
            add_thread(input, move, arena);
    }
}

static struct slice actor_of(const struct sim *sim, const struct sim_move *move)
{
    switch (move->variant & 3) {
    case SIM_ACTOR_HOLDER:
        return sim->subjects[move->subject].agent;
    case SIM_ACTOR_OTHER:
        return sim_agent_name(move->agent);
    default:
        return (struct slice){NULL, 0};
    }
}

static bool make_answer(struct input *input, const struct sim *sim, const struct sim_move *move,
                        struct arena *arena)
{
    const struct sim_subject *subject = &sim->subjects[move->subject];
    input->kind = move->kind == SIM_ACCEPT ? INPUT_ACCEPT : INPUT_REJECT;
    input->offer = move->variant & SIM_STALE ? subject->offer_before : subject->offer;
    input->cause = (enum reject_cause)(move->queue % REJECT_CAUSE_COUNT);
    input->actor = actor_of(sim, move);
    const struct interaction *interaction = core_find_offer(&sim->core, &input->offer);
    if (interaction && move->kind == SIM_ACCEPT)
        input->facts = facts_of_interaction(sim, interaction, arena);
    return !uuid_is_nil(&input->offer);
}

static bool make_end(struct input *input, const struct sim *sim, const struct sim_move *move)
{
    input->kind = INPUT_END;
    input->interaction = sim->subjects[move->subject].interaction;
    input->actor = actor_of(sim, move);
    return !uuid_is_nil(&input->interaction);
}

static struct slice target_of(const struct sim_move *move)
{
    return sim_agent_name(move->party % SIM_AGENTS_MAX);
}

static bool make_transfer(struct input *input, const struct sim *sim, const struct sim_move *move)
{
    input->kind = INPUT_TRANSFER;
    input->interaction = sim->subjects[move->subject].interaction;
    input->actor = actor_of(sim, move);
    if (move->variant & SIM_TO_AGENT)
        input->agent = target_of(move);
    else
        input->queue = sim_queue_name(move->queue);
    input->keep_age = move->variant & SIM_KEEP_AGE;
    return !uuid_is_nil(&input->interaction);
}

static bool make_assign(struct input *input, const struct sim *sim, const struct sim_move *move)
{
    input->kind = INPUT_ASSIGN;
    input->interaction = sim->subjects[move->subject].interaction;
    input->actor = actor_of(sim, move);
    input->agent = target_of(move);
    return !uuid_is_nil(&input->interaction);
}

static bool make_pull(struct input *input, const struct sim *sim, const struct sim_move *move,
                      struct arena *arena)
{
    input->kind = INPUT_PULL;
    input->interaction = sim->subjects[move->subject].interaction;
    input->actor = input->agent = target_of(move);
    const struct interaction *interaction = core_find_interaction(&sim->core, &input->interaction);
    if (interaction)
        input->facts = facts_of_interaction(sim, interaction, arena);
    return !uuid_is_nil(&input->interaction);
}

static bool make_link(struct input *input, const struct sim *sim, const struct sim_move *move,
                      struct arena *arena)
{
    input->kind = INPUT_LINK;
    input->interaction = sim->subjects[move->subject].interaction;
    input->actor = actor_of(sim, move);
    if (!sim->customer_count || uuid_is_nil(&input->interaction))
        return false;
    input->facts.candidates = arena_array(arena, struct customer_fact, 1);
    input->facts.candidates[0] =
        fact_of(sim, &sim->customers[move->party % sim->customer_count], false, false);
    input->facts.candidate_count = 1;
    return true;
}

static bool make_presence(struct input *input, const struct sim_move *move)
{
    static const enum agent_state states[] = {AGENT_AVAILABLE, AGENT_AVAILABLE, AGENT_BREAK, AGENT_OFFLINE};
    input->kind = INPUT_PRESENCE;
    input->agent = sim_agent_name(move->agent);
    input->presence = states[move->variant & 3];
    input->lease_ms = move->value_ms;
    if (!(move->variant & SIM_BY_ADMIN))
        input->actor = input->agent;
    if (move->variant & SIM_FOR_LUNCH)
        input->reason = SLICE("lunch");
    return true;
}

/* The number of a block stands in its id, so that the tables find it again. */
static bool make_block(struct input *input, const struct sim *sim, const struct sim_move *move)
{
    uint32_t number = (uint32_t)move->party * 2 + (move->variant & 1u);
    struct uuid id = {{0xB1, (uint8_t)number}};
    input->kind = move->kind == SIM_BLOCK ? INPUT_BLOCK : INPUT_UNBLOCK;
    input->block.id = id;
    if (move->kind == SIM_UNBLOCK)
        return true;
    if (table_find(&sim->core.blacklist.by_id, uuid_bytes(&id)))
        return false;
    struct block *block = &input->block;
    *block = (struct block){.id = id,
                            .kind = (enum block_kind)(move->variant >> 1 & 3),
                            .channels = (uint8_t)(move->queue % 7 + 1),
                            .start_ms = input->at_ms,
                            .until_ms = move->value_ms ? input->at_ms + move->value_ms : TIME_NEVER};
    if (move->variant & 8)
        block->kind = BLOCK_PREFIX;
    switch (block->kind) {
    case BLOCK_CUSTOMER:
        if (sim->customer_count)
            block->customer = sim->customers[move->party % sim->customer_count].id;
        return sim->customer_count > 0;
    case BLOCK_PHONE:
        block->key = sim_party_phone(move->party);
        break;
    case BLOCK_EMAIL:
        block->key = sim_party_email(move->party);
        break;
    case BLOCK_DOMAIN:
        block->key = sim_party_email(move->party);
        block->key = (struct slice){block->key.ptr + block->key.len - 9, 9};
        break;
    case BLOCK_PREFIX:
        block->key = (struct slice){sim_party_phone(move->party).ptr, 4};
    }
    return true;
}

bool sim_input(struct input *out, const struct sim *sim, const struct sim_move *move, struct arena *arena)
{
    *out = (struct input){.at_ms = sim->now};
    switch ((enum sim_move_kind)move->kind) {
    case SIM_MESSAGE:
    case SIM_OUTBOUND:
    case SIM_ANSWERED:
    case SIM_HANGUP:
        make_event(out, sim, move, arena);
        return true;
    case SIM_ACCEPT:
    case SIM_REJECT:
        return make_answer(out, sim, move, arena);
    case SIM_END:
        return make_end(out, sim, move);
    case SIM_TRANSFER:
        return make_transfer(out, sim, move);
    case SIM_ASSIGN:
        return make_assign(out, sim, move);
    case SIM_PULL:
        return make_pull(out, sim, move, arena);
    case SIM_LINK:
        return make_link(out, sim, move, arena);
    case SIM_PRESENCE:
        return make_presence(out, move);
    case SIM_BLOCK:
    case SIM_UNBLOCK:
        return make_block(out, sim, move);
    default:
        return false;
    }
}

/* --- What is known then --- */

static void learn_created(struct sim *sim, const struct outcome *outcome)
{
    const struct party_texts *texts = outcome->created_from;
    assert(sim->customer_count < SIM_CUSTOMERS_MAX);
    sim->customers[sim->customer_count++] =
        (struct sim_customer){.id = outcome->created,
                              .phone_party = party_of(sim, texts->phone_key, sim_party_phone),
                              .email_party = party_of(sim, texts->email_key, sim_party_email),
                              .owner = -1};
}

static void learn_active(struct sim_customer *customer, const struct outcome *outcome)
{
    customer->newest = outcome->seq;
    if (!outcome->active_agent.len)
        return;
    customer->last_agent = sim_agent_named(outcome->active_agent);
    customer->last_ms = outcome->at_ms;
}

void sim_learn(struct sim *sim, const struct input *input, const struct outcome *outcome)
{
    (void)input;
    if (!uuid_is_nil(&outcome->created))
        learn_created(sim, outcome);
    for (uint32_t i = 0; i < sim->customer_count && !uuid_is_nil(&outcome->active_customer); i++) {
        if (uuid_equal(&sim->customers[i].id, &outcome->active_customer))
            learn_active(&sim->customers[i], outcome);
    }
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        const struct interaction *interaction =
            a->snapshot ? core_find_interaction(&sim->core, &a->snapshot->interaction) : NULL;
        if (!interaction)
            continue;
        struct sim_subject *subject = &sim->subjects[sim_subject_of(&interaction->conversation)];
        subject->interaction = interaction->id;
        if (a->type == ANNOUNCE_OFFERED) {
            subject->offer_before = subject->offer;
            subject->offer = a->snapshot->offer;
        }
        if (a->snapshot->agent.len)
            subject->agent = sim_agent_named(a->snapshot->agent);
    }
}
