/* The tables as PostgreSQL would hold them: what a commit writes, and the core that is loaded from them. A
 * field that has no column is lost here as it is there. */
#ifndef RULES_SIM_SIM_TABLES_H
#define RULES_SIM_SIM_TABLES_H

#include "rules/core.h"
#include "rules/sim/sim_plan.h"

struct sim_row;

/* Rows of one batch that is not durable yet, in the order of core_dirty(). */
struct sim_write {
    struct sim_row *first, **tail;
};

struct sim_tables {
    struct table interactions; /* rows of open ones by id */
    struct sim_row *rows;      /* the same, in no order */
    struct sim_row *agents[SIM_AGENTS_MAX];
    struct uuid closed[SIM_SUBJECTS_MAX]; /* the last one of each conversation that closed */
    struct block blocks[SIM_PARTIES_MAX * 2];
    bool has_block[SIM_PARTIES_MAX * 2];
    uint64_t seq, config_version;
    int64_t at_ms;
};

void sim_tables_init(struct sim_tables *tables);
void sim_tables_deinit(struct sim_tables *tables);

/* What the newest batch must write. */
struct sim_write sim_tables_collect(const struct core *core);
void sim_write_drop(struct sim_write *write);
/* It is durable. */
void sim_tables_take(struct sim_tables *tables, struct sim_write *write);
void sim_tables_block(struct sim_tables *tables, uint32_t number, const struct block *block); /* NULL: gone */

/* Into a core that was initialized with the tables' configuration. */
void sim_tables_load(const struct sim_tables *tables, struct core *core);

/* The number of a simulated conversation. */
struct uuid sim_conversation(uint32_t subject);
uint32_t sim_subject_of(const struct uuid *conversation);

#endif
