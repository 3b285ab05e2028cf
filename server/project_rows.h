/* What the database keeps rows of from a project's file, as JSON for storage/sql/config_apply.sql. */
#ifndef SERVER_PROJECT_ROWS_H
#define SERVER_PROJECT_ROWS_H

#include "rules/arena.h"
#include "rules/project_config.h"

/* Both end with NUL and live in the arena. */
const char *project_rows_agents(const struct project_config *config, struct arena *arena);
const char *project_rows_queues(const struct project_config *config, struct arena *arena);

#endif
