/* What tests over one arena share: it is empty before each of them and gone after it. */
#ifndef TESTS_UNIT_ARENA_WORLD_H
#define TESTS_UNIT_ARENA_WORLD_H

/* cmocka needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rules/arena.h"

static struct arena arena;

static inline int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

/* One row of the table of tests. */
#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
