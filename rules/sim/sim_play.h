/* A simulated router: the core, its tables, its clock and its batches, one move at a time. Everything that
 * must hold is looked at on the way; the first thing that does not ends the run. */
#ifndef RULES_SIM_SIM_PLAY_H
#define RULES_SIM_SIM_PLAY_H

#include "rules/invariant.h"
#include "rules/sim/sim_move.h"
#include "rules/sim/sim_tables.h"

#define SIM_CUSTOMERS_MAX 128

struct sim_customer {
    struct uuid id;
    int phone_party, email_party; /* -1: none */
    int owner;                    /* an agent, -1: none */
    bool is_vip;
    uint64_t newest;         /* rises with its interactions */
    struct slice last_agent; /* who took the last one, and when; empty: nobody */
    int64_t last_ms;
};

/* What was told of a conversation: answers come late and name what they were told. */
struct sim_subject {
    struct uuid interaction, offer, offer_before;
    struct slice agent; /* who was asked last */
};

/* A batch that is not durable. Its arena holds the inputs and what they gave. */
struct sim_level {
    struct arena arena;
    struct invariant_row *rows;
    struct slice *bytes; /* each decision as recorded */
    uint32_t count, room;
    struct sim_write write;
    struct slice before; /* the state before it, when it is looked at so closely */
    struct sim_customer customers[SIM_CUSTOMERS_MAX];
    uint32_t customer_count;
    bool is_sent, has_config;
};

struct sim_counts {
    uint64_t steps, batches, refused, rollbacks, crashes, reloads, timers;
};

struct sim {
    struct sim_plan plan;
    struct arena configs_arena, scratch;
    const struct project_config *configs[SIM_VERSIONS_MAX];
    struct core core;
    struct sim_tables tables;
    int64_t now;
    struct sim_level levels[CORE_BATCHES_MAX];
    uint32_t level_count;
    struct sim_customer customers[SIM_CUSTOMERS_MAX];
    uint32_t customer_count;
    struct sim_subject subjects[SIM_SUBJECTS_MAX];
    struct sim_counts counts;
    struct findings findings;
    uint64_t digest; /* of all decisions */
    /* Called with each step, for the story; NULL: nobody listens. */
    void (*on_step)(void *ctx, const struct sim *sim, const struct input *input,
                    const struct outcome *outcome);
    void *ctx;
};

void sim_open(struct sim *sim, const struct sim_plan *plan);
void sim_close(struct sim *sim);
/* False when something does not hold: sim->findings says what. */
bool sim_play(struct sim *sim, const struct sim_move *move);

bool sim_is_deciding(const struct sim *sim); /* a batch takes inputs */

/* The next move, as chance has it (sim_generate.c). */
struct sim_move sim_generate(const struct sim *sim, struct sim_dice *dice, const struct sim_move *last);

/* The input that a move of an input's kind stands for, in the arena; false when there is nothing to say, as
 * when an offer is accepted that nobody was told of (sim_input.c). */
bool sim_input(struct input *out, const struct sim *sim, const struct sim_move *move, struct arena *arena);
/* What the outcome tells the people around it (sim_input.c). */
void sim_learn(struct sim *sim, const struct input *input, const struct outcome *outcome);
void sim_meet_customers(struct sim *sim); /* those who are known from the beginning */

#endif
