/* What is wrong with a project although every line of its file is right: skills that nobody has, queues that
 * lead nowhere, hours that never open, gateways and hooks that would not do what was meant. That each rule
 * can be reached and the last always matches is seen to where they are read. */
#ifndef PROTO_PROJECT_LINT_H
#define PROTO_PROJECT_LINT_H

#include "proto/project_node.h"

/* `config` was read from `file` without a fault; the findings are faults as others are. */
void project_lint(const struct project_config *config, const struct project_node *file);

/* Its parts. */
void project_lint_skills(const struct project_config *config, const struct project_node *file);
void project_lint_overflow(const struct project_config *config, const struct project_node *file);
void project_lint_peers(const struct project_config *config, const struct project_node *file);

#endif
