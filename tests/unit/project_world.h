/* What the tests of project files share. */
#ifndef TESTS_UNIT_PROJECT_WORLD_H
#define TESTS_UNIT_PROJECT_WORLD_H

#include "proto/project_file.h"
#include "tests/unit/arena_world.h"

static struct project_faults faults;

/* A file that must be good; config_close() is the caller's. */
static inline struct project_config project_of(struct slice text)
{
    struct project_config config;
    if (!project_file_read(&config, text, &arena, &faults))
        fail_msg("line %u: %s, in %.*s", faults.items[0].line, faults.items[0].detail, (int)text.len,
                 text.ptr);
    assert_int_equal(faults.count, 0);
    return config;
}

#endif
