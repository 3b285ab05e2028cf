/* Chance: what happens next, with more of what is interesting than there is in life. */
#include "rules/sim/sim_play.h"

struct weight {
    enum sim_move_kind kind;
    uint32_t share;
};

static enum sim_move_kind pick(struct sim_dice *dice, const struct weight *weights, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weights[i].share;
    uint32_t at = sim_dice_roll(dice, sum);
    size_t i = 0;
    for (; at >= weights[i].share; i++)
        at -= weights[i].share;
    return weights[i].kind;
}

static bool has(const struct sim *sim, enum sim_feature feature)
{
    return sim->plan.features & feature;
}

/* Mostly one that is open. */
static uint32_t pick_subject(const struct sim *sim, struct sim_dice *dice)
{
    uint32_t any = sim_dice_roll(dice, sim->plan.subjects);
    if (!sim->core.open.count || sim_dice_chance(dice, 6))
        return any;
    const struct rank_node *node = rank_first(&sim->core.open);
    for (uint32_t skip = sim_dice_roll(dice, sim->core.open.count); skip; skip--)
        node = rank_next(node);
    return sim_subject_of(&((const struct interaction *)node->owner)->conversation);
}

/* Mostly one that is in that state, when there is one at hand. */
static uint32_t pick_subject_in(const struct sim *sim, enum interaction_state state, struct sim_dice *dice)
{
    uint32_t subject = 0;
    for (int i = 0; i < 4; i++) {
        subject = pick_subject(sim, dice);
        struct uuid conversation = sim_conversation(subject);
        const struct interaction *interaction = core_find_conversation(&sim->core, &conversation);
        if (interaction && interaction->data.state == state)
            break;
    }
    return subject;
}

/* A call that went out and that nobody has handed on yet, if there is one. */
static uint32_t pick_dialled(const struct sim *sim, uint32_t otherwise)
{
    for (const struct rank_node *node = rank_first(&sim->core.open); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        if (interaction->outbound && interaction->data.queue < 0)
            return sim_subject_of(&interaction->conversation);
    }
    return otherwise;
}

static int64_t pick_pause(const struct sim *sim, struct sim_dice *dice)
{
    if (sim_dice_chance(dice, 4))
        return 0; /* the clock stands still */
    if (sim_dice_chance(dice, 40))
        return sim_dice_roll(dice, sim->plan.pace_ms * 30 + 1);
    return 1 + sim_dice_roll(dice, sim->plan.pace_ms);
}

static uint32_t pick_of(const uint32_t *values, size_t count, struct sim_dice *dice)
{
    return values[sim_dice_roll(dice, (uint32_t)count)];
}

/* Mostly by whoever holds it. */
static uint8_t pick_actor(struct sim_dice *dice)
{
    static const uint32_t actors[] = {SIM_ACTOR_HOLDER, SIM_ACTOR_HOLDER, SIM_ACTOR_HOLDER,
                                      SIM_ACTOR_HOLDER, SIM_ACTOR_OTHER,  SIM_ACTOR_ADMIN};
    return (uint8_t)pick_of(actors, sizeof actors / sizeof *actors, dice);
}

static void fill(struct sim_move *move, const struct sim *sim, struct sim_dice *dice)
{
    static const uint32_t leases[] = {0, 0, 0, 1000, 30000, 30000, 90000};
    static const uint32_t presences[] = {0, 0, 0, 1, 2, 3};
    move->agent = (uint8_t)sim_dice_roll(dice, sim->plan.agents);
    move->party = (uint8_t)sim_dice_roll(dice, sim->plan.parties);
    move->queue = (uint16_t)sim_dice_roll(dice, sim->plan.queues);
    move->subject = (uint16_t)pick_subject(sim, dice);
    switch ((enum sim_move_kind)move->kind) {
    case SIM_MESSAGE:
        if (!sim_dice_chance(dice, 5)) /* a new one, as a rule */
            move->subject = (uint16_t)sim_dice_roll(dice, sim->plan.subjects);
        move->variant = (uint8_t)sim_dice_roll(dice, 4);
        if (has(sim, SIM_PEOPLE) && sim_dice_chance(dice, 8))
            move->variant |= (uint8_t)(SIM_FROM_WITHHELD << sim_dice_roll(dice, 3));
        break;
    case SIM_OUTBOUND:
        move->subject = (uint16_t)pick_subject_in(sim, INTERACTION_ACTIVE, dice);
        if (!has(sim, SIM_REPLIES) || sim_dice_chance(dice, 8))
            move->subject =
                (uint16_t)(sim_dice_roll(dice, sim->plan.subjects / CHANNEL_COUNT) * CHANNEL_COUNT);
        move->variant = (uint8_t)sim_dice_roll(dice, 2);
        break;
    case SIM_HANGUP:
        if (move->subject % CHANNEL_COUNT == CHANNEL_EMAIL)
            move->kind = SIM_WAIT;
        break;
    case SIM_ANSWERED:
        if (sim_dice_chance(dice, 2))
            move->subject = (uint16_t)pick_subject_in(sim, INTERACTION_ACTIVE, dice);
        move->subject = (uint16_t)(move->subject / CHANNEL_COUNT * CHANNEL_COUNT);
        move->variant = pick_actor(dice);
        if (has(sim, SIM_LATENESS) && sim_dice_chance(dice, 4))
            move->variant |= SIM_STALE;
        break;
    case SIM_ACCEPT:
    case SIM_REJECT:
        move->queue = (uint16_t)sim_dice_roll(dice, REJECT_CAUSE_COUNT);
        move->variant = pick_actor(dice);
        if (has(sim, SIM_LATENESS) && sim_dice_chance(dice, 10))
            move->variant |= SIM_STALE;
        break;
    case SIM_END:
        move->variant = pick_actor(dice);
        break;
    case SIM_TRANSFER:
        move->subject = (uint16_t)pick_subject_in(sim, INTERACTION_ACTIVE, dice);
        if (sim_dice_chance(dice, 4))
            move->subject = (uint16_t)pick_dialled(sim, move->subject);
        move->party = (uint8_t)sim_dice_roll(dice, sim->plan.agents);
        move->variant = pick_actor(dice) | (uint8_t)(sim_dice_roll(dice, 4) * SIM_TO_AGENT);
        break;
    case SIM_ASSIGN:
        move->party = (uint8_t)sim_dice_roll(dice, sim->plan.agents);
        move->variant = sim_dice_chance(dice, 8) ? pick_actor(dice) : SIM_ACTOR_ADMIN;
        break;
    case SIM_PULL:
        move->subject = (uint16_t)pick_subject_in(sim, INTERACTION_QUEUED, dice);
        move->party = (uint8_t)sim_dice_roll(dice, sim->plan.agents);
        break;
    case SIM_LINK: /* active, offered and waiting alike, some of them again and again */
        move->subject = (uint16_t)pick_subject_in(
            sim, (enum interaction_state)sim_dice_roll(dice, INTERACTION_ACTIVE + 1), dice);
        move->party = (uint8_t)sim_dice_roll(dice, SIM_CUSTOMERS_MAX);
        move->variant = sim_dice_chance(dice, 2) ? pick_actor(dice) : SIM_ACTOR_ADMIN;
        break;
    case SIM_PRESENCE:
        move->variant = (uint8_t)pick_of(presences, sizeof presences / sizeof *presences, dice);
        if (sim_dice_chance(dice, 4))
            move->variant |= SIM_FOR_LUNCH;
        if (sim_dice_chance(dice, 8))
            move->variant |= SIM_BY_ADMIN;
        move->value_ms = (int32_t)pick_of(leases, sizeof leases / sizeof *leases, dice);
        break;
    case SIM_BLOCK:
    case SIM_UNBLOCK:
        move->variant = (uint8_t)sim_dice_roll(dice, 16);
        move->queue = (uint16_t)sim_dice_roll(dice, 7);
        move->value_ms = sim_dice_chance(dice, 5) ? 0 : 1 + (int32_t)sim_dice_roll(dice, 60000);
        break;
    case SIM_RELOAD:
        move->queue = (uint16_t)sim_dice_roll(dice, sim->plan.versions);
        if (has(sim, SIM_FAULTS) && sim_dice_chance(dice, 4))
            move->variant = SIM_RELOAD_CRASHES;
        break;
    case SIM_FAIL:
        move->variant = (uint8_t)sim_dice_roll(dice, 4);
        break;
    default:
        break;
    }
}

static enum sim_move_kind pick_end(const struct sim *sim, struct sim_dice *dice)
{
    const struct weight ends[] = {{SIM_COMMIT, 80}, {SIM_SEND, 12}, {SIM_FAIL, 6}, {SIM_CRASH, 1}};
    return has(sim, SIM_FAULTS) ? pick(dice, ends, sizeof ends / sizeof *ends) : SIM_COMMIT;
}

static enum sim_move_kind pick_input(const struct sim *sim, struct sim_dice *dice)
{
    const struct weight kinds[] = {{SIM_MESSAGE, 30},
                                   {SIM_OUTBOUND, has(sim, SIM_REPLIES) ? 5 : 1},
                                   {SIM_ANSWERED, 3},
                                   {SIM_HANGUP, 8},
                                   {SIM_ACCEPT, 22},
                                   {SIM_REJECT, 6},
                                   {SIM_END, 12},
                                   {SIM_TRANSFER, has(sim, SIM_HANDING) ? 5 : 0},
                                   {SIM_ASSIGN, has(sim, SIM_HANDING) ? 3 : 0},
                                   {SIM_PULL, has(sim, SIM_HANDING) ? 3 : 0},
                                   {SIM_LINK, has(sim, SIM_PEOPLE) ? 4 : 0},
                                   {SIM_PRESENCE, 12},
                                   {SIM_WAIT, 4},
                                   {SIM_BLOCK, has(sim, SIM_BLOCKS) ? 2 : 0},
                                   {SIM_UNBLOCK, has(sim, SIM_BLOCKS) ? 2 : 0},
                                   {SIM_RELOAD, sim->plan.versions > 1 ? 1 : 0}};
    return pick(dice, kinds, sizeof kinds / sizeof *kinds);
}

struct sim_move sim_generate(const struct sim *sim, struct sim_dice *dice, const struct sim_move *last)
{
    struct sim_move move = {.at_ms = last->at_ms};
    bool is_deciding = sim_is_deciding(sim);
    uint32_t count = is_deciding ? sim->levels[sim->level_count - 1].count : 0;
    if (is_deciding && count >= 1 + sim_dice_roll(dice, sim->plan.batch)) {
        move.kind = (uint8_t)pick_end(sim, dice);
    } else if (!is_deciding && sim->level_count && sim_dice_chance(dice, 3)) {
        move.kind = sim_dice_chance(dice, 4) ? SIM_FAIL : SIM_COMMIT;
    } else if (has(sim, SIM_LATENESS) && last->kind < SIM_WAIT && sim_dice_chance(dice, 16)) {
        move = *last; /* the same again */
        return move;
    } else {
        move.kind = (uint8_t)pick_input(sim, dice);
        if (!is_deciding || sim_dice_chance(dice, 4))
            move.at_ms += pick_pause(sim, dice);
        move.is_late = has(sim, SIM_LATENESS) && sim_dice_chance(dice, 4);
    }
    fill(&move, sim, dice);
    return move;
}
