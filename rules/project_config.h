/* A project's configuration, validated: what the core reads. Immutable once made; everything lies in one
 * arena but for the patterns of compiled conditions. Queues, agents and endpoints refer to each other by
 * index. Decoded by proto/project_file.h. */
#ifndef RULES_PROJECT_CONFIG_H
#define RULES_PROJECT_CONFIG_H

#include "rules/field_config.h"
#include "rules/hours.h"
#include "rules/mail_budget.h"
#include "rules/types.h"

#define CONFIG_QUEUES_MAX 1024
#define CONFIG_AGENTS_MAX 10000
#define CONFIG_ENDPOINTS_MAX 10000
#define CONFIG_RULES_MAX 1000
#define CONFIG_ASSIGNS_MAX 1000
#define CONFIG_ASSIGN_TARGETS_MAX 100 /* agents, and departments, of one */
#define CONFIG_GROUPS_MAX 1000        /* permission groups */
#define CONFIG_NAME_MAX 64 /* bytes of a project, queue, agent or rule name: [A-Za-z0-9][A-Za-z0-9._-]* */
#define CONFIG_CAPACITY_MAX 1000
#define CONFIG_SKILLS_MAX 256      /* different ones in a project */
#define CONFIG_SKILL_LEVEL_MAX 100 /* 1 is the least; 0 means that the agent has none */
#define CONFIG_RELAX_MAX 16        /* steps of a queue */
#define CONFIG_HOURS_MAX 256       /* named sets of hours */
#define CONFIG_GATEWAYS_MAX 64
#define CONFIG_GATEWAY_CONTEXTS_MAX 64
#define CONFIG_HOOKS_MAX 256
#define CONFIG_HOOK_SECRETS_MAX 2
#define CONFIG_WEIGHT_MAX 1000
#define CONFIG_QUEUE_OF_ENDPOINT UINT16_MAX
#define CONFIG_RAW_MAIL_MAX (4 << 20) /* bytes */

enum reject_cause { REJECT_REJECT, REJECT_BUSY, REJECT_NO_ANSWER, REJECT_UNREACHABLE };
#define REJECT_CAUSE_COUNT 4
const char *reject_cause_name(enum reject_cause cause); /* "reject", "busy", "no_answer", "unreachable" */
bool reject_cause_parse(enum reject_cause *out, struct slice name) __attribute__((warn_unused_result));

/* Who is asked first among those who can take it. Ties go to the longest idle, then to the name. */
enum strategy {
    STRATEGY_LONGEST_IDLE, /* nobody's work first, then the least busy; among equals the longest idle */
    STRATEGY_ROUND_ROBIN,  /* whose last offer of that channel is longest ago */
    STRATEGY_MOST_SPARE,   /* the most room left in the channel's capacity */
    STRATEGY_PACK,         /* the least room left */
    STRATEGY_MOST_SKILLED, /* the highest sum of levels in the skills asked for */
    STRATEGY_LINEAR,       /* as the file lists the agents */
};
#define STRATEGY_COUNT 6
const char *strategy_name(enum strategy strategy); /* "longest_idle" */

/* At least this level of that skill. */
struct config_skill {
    uint16_t skill; /* index into project_config.skills */
    uint16_t level; /* 1 to CONFIG_SKILL_LEVEL_MAX */
};

struct config_skills {
    struct config_skill *items; /* by skill, each once */
    uint32_t count;
};

/* From this age on an interaction asks for no more than this: what its rule asks for is lowered to these
 * levels, and skills that are not listed are dropped. Never asks for more than the rule. */
struct config_relax {
    int64_t after_ms; /* since it was enqueued; rising from step to step */
    struct config_skills skills;
};

/* Why nobody of a queue could take it, the first that holds. */
enum empty_reason {
    EMPTY_NONE_LOGGED_IN,  /* all members are offline */
    EMPTY_ALL_ON_BREAK,    /* some are logged in, none of them is available */
    EMPTY_NONE_SKILLED,    /* none of the available ones could meet even the last step of relaxation */
    EMPTY_ALL_AT_CAPACITY, /* those who could have no room, wrap up or cool down */
};
#define EMPTY_REASON_COUNT 4
const char *empty_reason_name(enum empty_reason reason); /* "none_logged_in" */

struct config_queue {
    struct slice name;
    int64_t offer_timeout_ms;  /* default 20,000 */
    int64_t wrap_up_ms;        /* default 0 */
    int64_t service_within_ms; /* of the service level; default 20,000 */
    int32_t service_target;    /* per cent, 0: none given */
    enum strategy strategy;
    int32_t weight; /* higher goes before all that waits in queues of lower weight; default 0 */
    struct config_relax *relax;
    uint32_t relax_count;
    int when_empty[EMPTY_REASON_COUNT]; /* queue that it overflows to at once, or -1: it waits */
    int hours;                          /* index, or -1: always open */
    int64_t first_reply_ms;             /* of the agent after accepting a chat or mail; 0: not watched */
    /* Overload: what arrives when so many wait already, and what has waited so long, goes to `overflow`. */
    int32_t waiting_max; /* 0: no limit */
    int64_t wait_max_ms; /* 0: no limit */
    int overflow;        /* queue, or -1: none */
};

struct config_queue config_queue_default(struct slice name);

struct config_agent {
    struct slice name;         /* the key below `agents:` */
    struct slice display_name; /* `name:`, or the key */
    struct slice role;         /* agent (default), supervisor, pool_admin, admin */
    struct slice department, reports_to;
    uint16_t *queues; /* indexes, as listed */
    uint32_t queue_count;
    int32_t capacity[CHANNEL_COUNT]; /* default call 1, chat 3, email 10 */
    uint32_t position;               /* in the file, from 0 */
    struct config_skills skills;
};

struct config_endpoint {
    struct slice name; /* what gateways call it, or empty */
    enum channel channel;
    struct slice address; /* as written */
    struct slice key;     /* canonical phone or e-mail key, or the chat inbox */
    struct slice region;  /* of this endpoint, or empty: the project's */
    uint16_t queue;
    bool keep_raw; /* an e-mail address: mail is kept as it came */
};

/* What a gateway speaks. */
enum gateway_protocol { GATEWAY_ASTERISK, GATEWAY_FREESWITCH, GATEWAY_KAMAILIO };
#define GATEWAY_PROTOCOL_COUNT 3
const char *gateway_protocol_name(enum gateway_protocol protocol); /* "asterisk" */

struct config_extension {
    uint32_t agent; /* index */
    struct slice number;
};

/* A connection that the router which owns the project keeps to a telephone exchange. */
struct config_gateway {
    struct slice name;
    enum gateway_protocol protocol;
    bool listens; /* the peer connects to us */
    struct slice host;
    uint16_t port;
    struct slice user, secret_file; /* empty: none */
    bool plain_login;               /* asterisk: no challenge */
    bool default_secret;            /* freeswitch: the password that everybody knows is meant */
    int endpoint;                   /* for calls to numbers that are no endpoint of their own, or -1 */
    struct slice *contexts;         /* where calls from outside come in; none: anywhere */
    uint32_t context_count;
    struct config_extension *extensions; /* where agents are reached, by number */
    uint32_t extension_count;
    struct slice redirect; /* the context that accepted calls are sent into; empty: they are left alone */
    bool hangs_up_blocked; /* calls of callers who are blocked; else they ring on */
};

/* First match wins. The last one always matches. */
struct config_rule {
    struct slice name;
    uint16_t queue; /* index, or CONFIG_QUEUE_OF_ENDPOINT */
    int32_t priority;
    struct cel_program *when; /* bool over the variables of rules/rule_env.h; NULL: always matches */
    struct config_skills skills;
    uint32_t line; /* in the file */
};

/* Who gets customers that become to_be_assigned; the first match decides. Either a pool or people. */
struct config_assign {
    struct slice name;
    struct cel_program *when; /* like a rule's; NULL: always matches */
    struct slice *agents, *departments;
    uint32_t agent_count, department_count;
    struct slice pool; /* empty: none */
};

/* Who is asked before the queue; a length 0 leaves that one out. */
struct config_prefer {
    int64_t owner_ms, last_agent_ms; /* how long an offer to the owner, to the last agent, lasts */
    int64_t within_ms;               /* how long ago the last agent may have taken it; default 30 days */
};

struct hook_preset;
struct hook_mapping;

/* What may come in by a webhook; what its parts mean is proto/hook.h's. */
struct config_hook {
    struct slice name;
    const struct hook_preset *preset;
    struct slice endpoint;                              /* takes all that comes; empty: what the peer names */
    struct slice secret_files[CONFIG_HOOK_SECRETS_MAX]; /* absolute paths */
    uint32_t secret_count;
    bool is_e164;
    const struct hook_voice *voice; /* of the preset twilio, where it says more than the preset; else NULL */
    const struct hook_mapping *mapping; /* of the preset generic, else NULL */
};

struct config_mail {
    struct mail_limits limits;
    bool keep_raw;      /* of endpoints that do not say; default: no */
    int64_t raw_for_ms; /* default 30 days */
    int32_t raw_max;    /* bytes; of longer mail only the length is kept; default 1 MiB */
};

struct project_config {
    struct slice project;
    struct slice region; /* two capital letters; default "ZZ": only international numbers parse */
    int32_t contacts_max, phone_slots;
    bool create_auto[CHANNEL_COUNT];          /* default call and email auto, chat manual */
    bool create_at_ingest;                    /* calls only; default false: at accept */
    int32_t misses;                           /* k; default 3 */
    int64_t cool_down_ms[REJECT_CAUSE_COUNT]; /* default 10 s, 30 s, 10 s, 60 s */
    int64_t grace_ms;                         /* default 60,000 */
    int64_t window_ms;                        /* idempotency window; default 7 days */
    struct slice *blockers;                   /* role names that may block besides supervisor and admin */
    uint32_t blocker_count;
    struct config_queue *queues;
    struct config_agent *agents;       /* sorted by name, bytewise */
    struct config_endpoint *endpoints; /* sorted by (channel, key) */
    struct config_rule *rules;
    uint32_t queue_count, agent_count, endpoint_count, rule_count;
    struct config_assign *assigns; /* as in the file */
    uint32_t assign_count;
    bool create_to_assign; /* customers whom the router creates begin as to_be_assigned; default: as new */
    bool exclusive[CHANNEL_COUNT]; /* while an agent holds one of these nothing else is offered; default: call
                                    */
    struct slice *skills;          /* names, sorted bytewise */
    uint32_t skill_count;
    struct hours *hours; /* rules/hours.h; by index, as in the file */
    uint32_t hours_count;
    struct config_prefer prefer;
    struct config_mail mail;
    const struct zone_table *zones; /* rules/zone_table.h: what time zones were when the file was applied */
    uint32_t zone_count;
    bool has_fields;             /* else those of customers are free */
    struct fields_config fields; /* of customers */
    struct datasheet_config *datasheets;
    struct script_config *scripts;
    uint32_t datasheet_count, script_count, gateway_count, hook_count;
    struct config_gateway *gateways; /* as in the file */
    struct config_hook *hooks;       /* as in the file */
};

/* Gives back what the conditions of its rules hold outside the arena. */
void config_close(struct project_config *config);

/* NULL: none of that name. */
const struct config_hook *config_find_hook(const struct project_config *config, struct slice name);
/* Index by name, or -1. */
int config_find_queue(const struct project_config *config, struct slice name);
int config_find_agent(const struct project_config *config, struct slice name);
int config_find_rule(const struct project_config *config, struct slice name);
/* What is said in calls of a queue: of the scripts of this very queue the first by name, else of those of all
 * queues. NULL: there is none. */
const struct script_config *config_find_script(const struct project_config *config, struct slice queue);
const struct config_endpoint *config_find_endpoint(const struct project_config *config, enum channel channel,
                                                   struct slice key);

#endif
