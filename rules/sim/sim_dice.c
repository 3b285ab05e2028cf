/* SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix. */
#include "rules/sim/sim_dice.h"

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

struct sim_dice sim_dice_of(uint64_t seed, uint64_t stream)
{
    return (struct sim_dice){mix(seed + GOLDEN) ^ mix(stream * GOLDEN + 1)};
}

uint64_t sim_dice_next(struct sim_dice *dice)
{
    dice->state += GOLDEN;
    return mix(dice->state);
}

uint32_t sim_dice_roll(struct sim_dice *dice, uint32_t below)
{
    return (uint32_t)((sim_dice_next(dice) >> 32) * below >> 32);
}

bool sim_dice_chance(struct sim_dice *dice, uint32_t in)
{
    return sim_dice_roll(dice, in) == 0;
}
