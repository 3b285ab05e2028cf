/* The simulator's chance: a small generator whose numbers follow from its seed on every machine. */
#ifndef RULES_SIM_SIM_DICE_H
#define RULES_SIM_SIM_DICE_H

#include "rules/types.h"

struct sim_dice {
    uint64_t state;
};

/* Different streams of one seed have nothing to do with each other. */
struct sim_dice sim_dice_of(uint64_t seed, uint64_t stream);
uint64_t sim_dice_next(struct sim_dice *dice);
uint32_t sim_dice_roll(struct sim_dice *dice, uint32_t below); /* 0 to below - 1; below at least 1 */
bool sim_dice_chance(struct sim_dice *dice, uint32_t in);      /* true once in so many times */

#endif
