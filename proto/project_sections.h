/* The sections of the project file, in the order in which they are read: what refers to something comes after
 * it. Every section reads on after a fault, so that one run lists them all. */
#ifndef PROTO_PROJECT_SECTIONS_H
#define PROTO_PROJECT_SECTIONS_H

#include "proto/project_node.h"

#define PROJECT_SECOND_MS INT64_C(1000)
#define PROJECT_DAY_MS (86400 * PROJECT_SECOND_MS)
#define PROJECT_TIMEOUT_MIN_MS 100 /* of an offer */
#define PROJECT_TIMEOUT_MAX_MS (3600 * PROJECT_SECOND_MS)
#define PROJECT_WAIT_MAX_MS (7 * PROJECT_DAY_MS) /* anything that waiting work is timed by */

/* Roles of agents; ends with NULL. */
extern const char *const project_roles[];
/* Names of all channels in the order of enum channel; ends with NULL. */
extern const char *const project_channels[];

/* Names and defaults; the settings come with project_queues_read(). */
void project_queues_name(struct project_config *config, const struct project_node *file);
void project_hours_read(struct project_config *config, const struct project_node *file);
void project_queues_read(struct project_config *config, const struct project_node *file);
void project_agents_read(struct project_config *config, const struct project_node *file);
void project_endpoints_read(struct project_config *config, const struct project_node *file);
void project_gateways_read(struct project_config *config, const struct project_node *file);
/* Also whether each can be reached and the last always matches. */
void project_rules_read(struct project_config *config, const struct project_node *file);
/* Before the endpoints. */
void project_mail_read(struct project_config *config, const struct project_node *file);
/* Custom fields of customers. */
void project_fields_read(struct project_config *config, const struct project_node *file);
/* Scripts and datasheets. */
void project_screen_read(struct project_config *config, const struct project_node *file);
/* Webhooks; refers to endpoints. */
void project_hooks_read(struct project_config *config, const struct project_node *file);

#define PROJECT_TAG_KINDS_MAX 64
#define PROJECT_TAGS_MAX 1000   /* in all kinds */
#define PROJECT_TAG_SIZE_MAX 64 /* bytes; as CUSTOMER_TAG_MAX */
/* Kinds of tags: each tag is of one. */
void project_tags_read(const struct project_node *file);
/* Also whether each can be reached. */
void project_assign_read(struct project_config *config, const struct project_node *file);
void project_groups_check(const struct project_config *config, const struct project_node *file);

/* A map of skills to levels. Numbers of skills are given as their names come up, until
 * project_skills_sort(). */
void project_skills_read(struct project_config *config, const struct project_node *map,
                         struct config_skills *out);
void project_skills_sort(struct project_config *config);

#endif
