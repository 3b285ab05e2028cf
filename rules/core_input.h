/* What goes into the decision core: inputs, and the facts that each was given. */
#ifndef RULES_CORE_INPUT_H
#define RULES_CORE_INPUT_H

#include "rules/blacklist.h"
#include "rules/event.h"
#include "rules/identity.h"
#include "rules/project_config.h"

#define CORE_CANDIDATES_MAX 16
#define AGENT_REASON_MAX 64 /* bytes */

enum agent_state { AGENT_OFFLINE, AGENT_AVAILABLE, AGENT_BREAK, AGENT_NOT_RESPONDING };
const char *agent_state_name(enum agent_state state); /* offline available break not_responding */

/* What a customer looked like when it was asked: as much as desktops are shown and rules may read. */
struct customer_fact {
    struct uuid id;
    struct slice name, owner;
    struct slice *tags;
    uint32_t tag_count;
    bool by_phone, by_email; /* which key found it */
    struct slice stage, source;
    struct value fields; /* a map, or VALUE_NULL */
    /* Who took its newest interaction and when; empty: nobody. A fact of the arrival: interactions do not
     * keep it. */
    struct slice last_agent;
    int64_t last_ms;
};

/* The facts of one input, as current when its batch commits. Newest interaction first. */
struct facts {
    struct customer_fact *candidates;
    uint32_t candidate_count; /* at most CORE_CANDIDATES_MAX; more are cut, oldest last */
    struct uuid closed; /* the last closed interaction of the same conversation within the window, or nil */
};

/* What the core keeps of a party: owned copies in the interaction. */
struct party_texts {
    struct slice phone, email, id, name, recipient, phone_key, email_key, source, subject, title;
    struct slice region; /* of the phone number, as its numbering plan says */
};

enum input_kind {
    INPUT_EVENT = 1,
    INPUT_ACCEPT,
    INPUT_REJECT,
    INPUT_PRESENCE,
    INPUT_END,
    INPUT_TIMER,
    INPUT_CONFIG,
    INPUT_BLOCK,
    INPUT_UNBLOCK,
    INPUT_TRANSFER,
    INPUT_ASSIGN,
    INPUT_PULL,
    INPUT_AUDIT, /* a finding of the auditor: stands in the journal and changes nothing */
    INPUT_LINK,  /* whom an interaction is about; the facts are of that customer alone */
};
#define INPUT_KIND_COUNT 15 /* the first is 1 */
const char *input_kind_name(enum input_kind kind);

struct input {
    enum input_kind kind;
    int64_t at_ms; /* not before the last input's */
    struct facts facts;
    /* INPUT_EVENT */
    const struct event *event;
    struct phone_key phone; /* of the party: from, or to when outbound */
    struct email_key email;
    struct slice recipient_key; /* canonical `to` for the endpoint lookup */
    bool machine;               /* automatic mail: rules/machine_mail.h */
    bool metered; /* mail that counts in the budgets (rules/mail_budget.h): for their load, not for the core
                   */
    struct uuid metered_thread; /* and in that of which interaction; nil: of none */
    struct uuid conversation;
    const struct uuid *thread; /* conversations that it may belong to, the surest first */
    uint32_t thread_count;
    /* INPUT_ACCEPT, INPUT_REJECT */
    struct uuid offer;
    enum reject_cause cause;
    /* INPUT_ACCEPT .. INPUT_END, INPUT_TRANSFER .. INPUT_PULL, INPUT_LINK: who asks. Empty agent: somebody
     * who may do it for anyone (supervisor, admin). */
    struct slice actor;
    /* INPUT_PRESENCE: whose; INPUT_TRANSFER .. INPUT_PULL: to whom */
    struct slice agent;
    enum agent_state presence;
    struct slice reason;
    int64_t lease_ms; /* 0: until changed */
    /* INPUT_END, INPUT_TRANSFER, INPUT_ASSIGN, INPUT_PULL, INPUT_LINK */
    struct uuid interaction;
    /* INPUT_TRANSFER: to `queue` or to `agent` (above), one of them. INPUT_ASSIGN: to `agent`. INPUT_PULL: by
     * `agent`. */
    struct slice queue;
    bool keep_age;
    /* INPUT_TIMER: core_timer() knows */
    bool drain; /* looks once at everything that waits: after loading, or where a step had to stop */
    /* INPUT_CONFIG */
    const struct project_config *config;
    uint64_t config_version;
    /* INPUT_BLOCK, INPUT_UNBLOCK */
    struct block block; /* UNBLOCK: id only */
    /* INPUT_AUDIT: the invariant and what was wrong */
    struct slice finding;
    /* Replay of what was erased since: what the rules said, in the order in which they were asked, instead of
     * asking them. NULL: ask. */
    const struct ruling *rulings;
    uint32_t ruling_count;
};

/* What the rules said of one interaction in one step. */
struct ruling {
    int rule;        /* index in the configuration, always one of them */
    uint32_t errors; /* rules before it that could not be evaluated and so did not match */
};

#endif
