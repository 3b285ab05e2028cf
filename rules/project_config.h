/* A project's configuration, validated: what the core reads. Immutable once made; everything lies in one
 * arena. Queues, agents and endpoints refer to each other by index. Decoded by proto/project_file.h. */
#ifndef RULES_PROJECT_CONFIG_H
#define RULES_PROJECT_CONFIG_H

#include "rules/types.h"

#define CONFIG_QUEUES_MAX 1024
#define CONFIG_AGENTS_MAX 10000
#define CONFIG_ENDPOINTS_MAX 10000
#define CONFIG_RULES_MAX 1000
#define CONFIG_NAME_MAX 64 /* bytes of a project, queue, agent or rule name: [A-Za-z0-9][A-Za-z0-9._-]* */
#define CONFIG_CAPACITY_MAX 1000
#define CONFIG_QUEUE_OF_ENDPOINT UINT16_MAX

enum reject_cause { REJECT_REJECT, REJECT_BUSY, REJECT_NO_ANSWER, REJECT_UNREACHABLE };
#define REJECT_CAUSE_COUNT 4
const char *reject_cause_name(enum reject_cause cause); /* "reject", "busy", "no_answer", "unreachable" */
bool reject_cause_parse(enum reject_cause *out, struct slice name) __attribute__((warn_unused_result));

struct config_queue {
    struct slice name;
    int64_t offer_timeout_ms;  /* default 20,000 */
    int64_t wrap_up_ms;        /* default 0 */
    int64_t service_within_ms; /* of the service level; default 20,000 */
};

struct config_agent {
    struct slice name;         /* the key below `agents:` */
    struct slice display_name; /* `name:`, or the key */
    struct slice role;         /* agent (default), supervisor, pool_admin, admin */
    struct slice department, reports_to;
    uint16_t *queues; /* indexes, as listed */
    uint32_t queue_count;
    int32_t capacity[CHANNEL_COUNT]; /* default call 1, chat 3, email 10 */
};

struct config_endpoint {
    enum channel channel;
    struct slice address; /* as written */
    struct slice key;     /* canonical phone or e-mail key, or the chat inbox */
    struct slice region;  /* of this endpoint, or empty: the project's */
    uint16_t queue;
};

struct config_rule {
    struct slice name;
    uint16_t queue; /* index, or CONFIG_QUEUE_OF_ENDPOINT */
    int32_t priority;
};

struct project_config {
    struct slice project;
    struct slice region; /* two capital letters; default "ZZ": only international numbers parse */
    int32_t contacts_max, phone_slots;
    bool create_auto[CHANNEL_COUNT];          /* default call and email auto, chat manual */
    bool create_at_ingest;                    /* calls only; default false: at accept */
    int64_t cool_down_ms[REJECT_CAUSE_COUNT]; /* default 10 s, 30 s, 10 s, 60 s */
    int32_t misses;                           /* k; default 3 */
    int64_t grace_ms;                         /* default 60,000 */
    int64_t window_ms;                        /* idempotency window; default 7 days */
    struct slice *blockers;                   /* role names that may block besides supervisor and admin */
    uint32_t blocker_count;
    struct config_queue *queues;
    struct config_agent *agents;       /* sorted by name, bytewise */
    struct config_endpoint *endpoints; /* sorted by (channel, key) */
    struct config_rule *rules;
    uint32_t queue_count, agent_count, endpoint_count, rule_count;
};

/* Index by name, or -1. */
int config_find_queue(const struct project_config *config, struct slice name);
int config_find_agent(const struct project_config *config, struct slice name);
const struct config_endpoint *config_find_endpoint(const struct project_config *config, enum channel channel,
                                                   struct slice key);

#endif
