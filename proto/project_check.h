/* What in a project file refers to something else in it or to the world outside. */
#ifndef PROTO_PROJECT_CHECK_H
#define PROTO_PROJECT_CHECK_H

#include "proto/project_node.h"

/* The node must name one of the queues that are read already. */
bool project_check_queue(const struct project_node *node, const struct project_config *config, uint16_t *out);

/* One of the endpoints that are read already, by its name or its address. Absent is fine. */
bool project_check_endpoint(const struct project_node *node, const struct project_config *config, int *out);

/* A region that the numbering plans know, or "ZZ": none. Absent is fine. */
bool project_check_region(const struct project_node *node, struct slice *out);

/* `agents` is the section that config->agents, sorted, was read from. Every superior exists, and nobody is
 * their own, however far up. */
void project_check_superiors(const struct project_config *config, const struct project_node *agents);

#endif
