/* A journal stepped through a core of its own, row by row: what came out then, and what comes out now. */
#ifndef SERVER_REPLAY_H
#define SERVER_REPLAY_H

#include "server/replay_read.h"

struct replay {
    struct replay_reader reader;
    struct replay_config *config, *old_config, *next_config;
    bool has_core;
    struct core core;
    struct table erased; /* interactions whose first event was erased; of struct replay_erased */
    struct arena arena;  /* of the row */
    uint64_t erased_count;
};

/* One row. Borrowed until the next. */
struct replay_step {
    const struct replay_row *row;
    struct input input;
    struct outcome recorded;
    const struct outcome *now; /* refusal and all */
    struct slice bytes;        /* record_decision() of it */
    bool is_erased, is_equal;
};

void replay_init(struct replay *replay, struct pg_blocking *database, uint32_t project, uint64_t last);
void replay_deinit(struct replay *replay);
/* The next row, read and not stepped yet: the core is what it was before it. */
enum replay_read replay_next(struct replay *replay, struct replay_step *step)
    __attribute__((warn_unused_result));
/* Steps it and commits. */
void replay_run(struct replay *replay, struct replay_step *step);

#endif
