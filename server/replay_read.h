/* The journal of a project, row by row, as a core needs it: read in pages, so memory does not grow with it.
 * For commands: it blocks. */
#ifndef SERVER_REPLAY_READ_H
#define SERVER_REPLAY_READ_H

#include "rules/core.h"
#include "rules/record.h"
#include "storage/pg_blocking.h"

#define REPLAY_PAGE 1000
#define REPLAY_WHY_MAX 512

struct replay_config {
    struct arena arena;
    struct project_config config;
    uint64_t version;
};

/* A row of the journal. Borrowed until the next one is read. */
struct replay_row {
    uint64_t seq, config_version;
    int64_t at_ms;
    struct slice input, facts, decision;
    struct record_people people;
    struct value fields;
};

struct replay_reader {
    struct pg_blocking *database;
    uint32_t project;
    uint64_t after, last; /* rows up to `last` are read */
    struct arena arena;   /* of the page */
    struct replay_row *rows;
    int count, next;
    char why[REPLAY_WHY_MAX]; /* after a failure */
};

enum replay_read { REPLAY_ROW, REPLAY_END, REPLAY_FAILED };

void replay_reader_init(struct replay_reader *reader, struct pg_blocking *database, uint32_t project,
                        uint64_t last);
void replay_reader_deinit(struct replay_reader *reader);
enum replay_read replay_read_row(struct replay_reader *reader, const struct replay_row **row)
    __attribute__((warn_unused_result));
/* The key of a block, in `arena`; empty when it has none any more. */
bool replay_read_block(struct replay_reader *reader, struct slice *key, const struct uuid *id,
                       struct arena *arena) __attribute__((warn_unused_result));
/* NULL on failure, with reader->why. Freed by replay_config_free(). */
struct replay_config *replay_read_config(struct replay_reader *reader, uint64_t version);
void replay_config_free(struct replay_config **config);

#endif
