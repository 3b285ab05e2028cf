/* What a rule's `when` may read, and reading it: the typed variables of contract section 5. */
#ifndef RULES_RULE_ENV_H
#define RULES_RULE_ENV_H

#include "rules/cel.h"
#include "rules/core.h"

/* Indexes of the declared variables, in the order of rule_env_variables. */
enum rule_variable {
    RULE_CHANNEL,              /* string: call chat email */
    RULE_FROM_PHONE,           /* string, absent without */
    RULE_FROM_EMAIL,           /* string, absent without */
    RULE_FROM_REGION,          /* string, the number's region as the numbering plan says; absent without */
    RULE_FROM_VERIFIED,        /* bool: attributes.verified of the event, false without */
    RULE_TO,                   /* string: the canonical recipient */
    RULE_CUSTOMER_KNOWN,       /* bool */
    RULE_CUSTOMER_TAGS,        /* list(string), empty when not known */
    RULE_CUSTOMER_STAGE,       /* string, absent when not known */
    RULE_CUSTOMER_OWNER,       /* string, absent without */
    RULE_CUSTOMER_SOURCE,      /* string, absent without */
    RULE_CUSTOMER_FIELDS,      /* map(string, dyn) */
    RULE_EVENT_ATTRIBUTES,     /* map(string, dyn): of the event that opened the interaction */
    RULE_INTERACTION_AGE,      /* duration since it was enqueued */
    RULE_INTERACTION_ATTEMPTS, /* int: offers so far */
    RULE_NOW,                  /* timestamp: the input's own time */
    RULE_QUEUES,               /* map(string, map(string, int)): waiting, available, oldest_wait (seconds) */
    RULE_VARIABLE_COUNT,
};

/* To compile a `when` with; the ops and the zones are the caller's. */
extern const struct cel_variable rule_env_variables[RULE_VARIABLE_COUNT];

/* A queue as it was before the input. */
struct rule_queue {
    int64_t waiting, available, oldest_wait_s;
};

/* What a rule is asked about. Everything is borrowed for the evaluation. */
struct rule_subject {
    const struct project_config *config;
    enum channel channel;
    const struct party_texts *texts;  /* phone_key, email_key, region, recipient */
    const struct value *attributes;   /* a map, or VALUE_NULL */
    const struct customer_fact *fact; /* id nil: not known */
    int64_t age_ms;
    int32_t attempts;
    int64_t now_ms;
    const struct rule_queue *queues; /* one for each queue of the configuration */
};

/* Fills what `program` reads (cel_uses()) and has not been filled yet: `filled` has a bit per variable, 0 to
 * begin with, so that the programs of one decision share what was built. Other values are left alone. */
void rule_env_fill(struct cel_value values[RULE_VARIABLE_COUNT], uint32_t *filled,
                   const struct cel_program *program, const struct rule_subject *subject,
                   struct arena *arena);

#endif
