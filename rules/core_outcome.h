/* What comes out of the decision core: the answer, the announcements and why. Texts are borrowed:
 * rules/core.h says for how long. */
#ifndef RULES_CORE_OUTCOME_H
#define RULES_CORE_OUTCOME_H

#include "rules/core_input.h"

enum interaction_state { INTERACTION_QUEUED, INTERACTION_OFFERED, INTERACTION_ACTIVE, INTERACTION_CLOSED };
const char *interaction_state_name(enum interaction_state state); /* queued offered active closed */

enum identity_outcome {
    IDENTITY_MATCHED,
    IDENTITY_CREATED,
    IDENTITY_NEW,
    IDENTITY_AMBIGUOUS,
    IDENTITY_CONFLICT,
    IDENTITY_MANUAL,
    IDENTITY_ANONYMOUS,
    IDENTITY_MACHINE,
    IDENTITY_BLOCKED,
};
const char *identity_outcome_name(enum identity_outcome outcome);

/* Who is being asked: before the queue, those whom the customer knows. In this order; it never goes back. */
enum prefer_stage {
    PREFER_SAME,  /* the agent who holds another interaction of the customer */
    PREFER_OWNER, /* the customer's owner */
    PREFER_LAST,  /* the agent who took the customer's last interaction */
    PREFER_QUEUE, /* anybody of the queue */
};
#define PREFER_STAGE_COUNT 4

/* How an interaction came to its queue. What was moved asks for no skills, and rules do not run for it again:
 * somebody or something has decided where it goes. */
enum move {
    MOVE_NONE,     /* its rule sent it there */
    MOVE_CLOSED,   /* the queue's hours: it was closed */
    MOVE_EMPTY,    /* when_empty: nobody of the queue could take it */
    MOVE_OVERLOAD, /* waiting_max: too many waited already */
    MOVE_WAITED,   /* wait_max: it had waited too long */
    MOVE_TRANSFER, /* an agent or a supervisor */
    MOVE_ORPHAN,   /* its queue was removed from the configuration */
};
#define MOVE_COUNT 7
const char *move_name(enum move move); /* "" closed empty overload waited transfer orphan */

enum refusal {
    REFUSAL_NONE,
    REFUSAL_OFFER_GONE,
    REFUSAL_NOT_FOUND,
    REFUSAL_FORBIDDEN,
    REFUSAL_NO_ENDPOINT,       /* no endpoint has the event's `to` */
    REFUSAL_NO_AGENT,          /* no such agent in the configuration */
    REFUSAL_CLOSED,            /* the interaction has ended */
    REFUSAL_NO_QUEUE,          /* no such queue in the configuration */
    REFUSAL_AGENT_UNAVAILABLE, /* transfer, assign, pull: presence, rest or capacity do not allow it now */
    REFUSAL_TAKEN,             /* pull: it does not wait any more */
};

enum event_outcome {
    OUTCOME_OFFERED,
    OUTCOME_QUEUED,
    OUTCOME_BLOCKED,
    OUTCOME_ENDED,
    OUTCOME_ATTACHED,
    OUTCOME_IGNORED,
    OUTCOME_ASSIGNED, /* answers to accept, and outbound calls: active at its agent */
    OUTCOME_REJECTED, /* answer to reject */
    OUTCOME_DONE,     /* everything else */
};
const char *event_outcome_name(enum event_outcome outcome);

/* An interaction as it was at one moment of one step: what answers and announcements say. Borrowed texts. */
struct snapshot {
    struct uuid interaction, offer, customer;
    enum channel channel;
    bool outbound;
    enum interaction_state state;
    struct slice queue, agent; /* empty: none */
    int64_t expires_ms;
    enum identity_outcome identity;
    const struct uuid *candidates;
    uint32_t candidate_count;
    uint64_t opened_seq;
    /* People and what is known of them: not part of the decision's record; read back from content and
     * customers. */
    const struct party_texts *texts;
    struct customer_fact fact;
};

enum announcement_type {
    ANNOUNCE_OFFERED,
    ANNOUNCE_WITHDRAWN,
    ANNOUNCE_ASSIGNED,
    ANNOUNCE_QUEUED,
    ANNOUNCE_MESSAGE,
    ANNOUNCE_ENDED,
    ANNOUNCE_BLOCKED,
    ANNOUNCE_PRESENCE,
    ANNOUNCE_CUSTOMER, /* it is about somebody else now */
};
#define ANNOUNCE_TYPE_COUNT 9
const char *announcement_type_name(enum announcement_type type); /* "interaction.offered" */

struct announcement {
    enum announcement_type type;
    const struct snapshot *snapshot; /* NULL for presence */
    struct slice agent;     /* whose channel it also goes to; empty: none. The snapshot's, if that has one */
    uint64_t agentsequence; /* of that agent */
    struct slice cause;     /* withdrawn, ended, blocked: why, in our words; presence: the reason */
    enum agent_state state; /* presence */
    struct announcement *next;
};

/* --- Why: what docs/explain.md makes words of --- */

/* How an interaction came to be looked at. */
enum trigger {
    TRIGGER_ARRIVAL,
    TRIGGER_RETURNED, /* an offer or work came back */
    TRIGGER_FREE,     /* an agent became free, or came */
    TRIGGER_RELAXED,  /* it asks for less from this age on */
    TRIGGER_OPENED,   /* its queue opened */
    TRIGGER_MOVED,    /* it came from another queue while it waited: see explanation.path */
    TRIGGER_TRANSFER,
    TRIGGER_ASSIGN,
    TRIGGER_PULL,
    TRIGGER_CONFIG, /* a new configuration */
    TRIGGER_LOADED, /* after a restart, or what was left over of a long step */
    TRIGGER_NOW,    /* nothing happened: somebody asked core_why() */
};
#define TRIGGER_COUNT 12
const char *trigger_name(enum trigger trigger);

/* The first test that a member of the queue failed, in the order of the tests. */
enum candidate_reason {
    CANDIDATE_OFFLINE,
    CANDIDATE_ON_BREAK,
    CANDIDATE_NOT_RESPONDING,
    CANDIDATE_WRAP_UP,
    CANDIDATE_COOL_DOWN,
    CANDIDATE_FULL,      /* no room in the capacity of the channel */
    CANDIDATE_EXCLUSIVE, /* has room, but holds work of a channel that excludes everything else */
    CANDIDATE_SKILLS,    /* does not have what is asked for at this step of relaxation */
    CANDIDATE_EXCLUDED,  /* gave it away */
    CANDIDATE_LATER,     /* all passed: another one was to be asked before */
    CANDIDATE_CHOSEN,
};
#define CANDIDATE_REASON_COUNT 11
const char *candidate_reason_name(enum candidate_reason reason);

/* A queue that it was to go to, and why it went on to the next. */
struct explained_move {
    int queue; /* index in the configuration */
    enum move move;
    enum empty_reason empty; /* of MOVE_EMPTY */
};

/* One offer, or one interaction that was looked at and goes on waiting. Everything else follows from the
 * configuration of that version: members and their skills, what the rule and the step ask for. */
struct explanation {
    struct uuid interaction;
    enum trigger trigger;
    bool is_ruled; /* the rules ran in this step; `errors` of them failed before the one that matched */
    uint32_t errors;
    int rule;  /* index, -1: none */
    int queue; /* index, -1: none */
    enum channel channel;
    int32_t priority, relax_step;
    enum move moved; /* how it came to `queue`, in whatever step that was */
    enum prefer_stage stage;
    int64_t held_until;          /* TIME_NEVER: not held */
    struct slice excluded;       /* agent, or empty */
    struct slice chosen;         /* agent, or empty: it waits */
    struct explained_move *path; /* moves of this step, in order */
    uint32_t path_count;
    const uint8_t *candidates; /* enum candidate_reason of each member of `queue`, as the file lists agents */
    uint32_t candidate_count;  /* 0 when nobody was looked at: held, assigned, pulled */
    struct explanation *next;
};

struct outcome {
    enum refusal refusal; /* anything but REFUSAL_NONE: no row, nothing changed, the rest is empty */
    enum input_kind kind;
    uint64_t seq;
    int64_t at_ms;
    uint64_t config_version;
    enum event_outcome outcome;
    const struct snapshot *snapshot; /* NULL when no interaction is concerned */
    struct slice agent;              /* presence: whose */
    enum agent_state state;
    struct announcement *announcements; /* in order; numbered from 1 as n */
    uint32_t announcement_count;
    /* A customer to create with this row; id nil: none. */
    struct uuid created;
    const struct party_texts *created_from;
    enum channel created_channel;
    /* The customer whose newest interaction this is; nil: none. */
    struct uuid active_customer;
    struct slice text;       /* of the event, for ANNOUNCE_MESSAGE; not recorded: content has it */
    struct party author;     /* likewise: who wrote it, whoever the interaction is with */
    struct value attributes; /* likewise: its attachments and the like */
    struct slice reported;   /* of the event: why its source says that it ended; the recorded input has it */
    struct uuid hit;         /* the block that matched, or nil */
    const char *miss;        /* a missed offer's cause for the metrics, or NULL; static */
    const char *offer_end;   /* how an offer ended in this step, for the metrics, or NULL */
    /* For the service level: how long it waited, and whether it was given up instead of accepted. */
    bool abandoned;
    int64_t within_ms;                /* of its queue */
    int64_t waited_ms;                /* accept: from enqueued to accepted, else -1 */
    struct explanation *explanations; /* in the order of the step */
    uint32_t explanation_count;
    const struct ruling *rulings; /* in the order in which rules were asked */
    uint32_t ruling_count;
    uint32_t rule_errors; /* rules that could not be evaluated, for the metrics */
    /* The agent who took work of active_customer, or empty. */
    struct slice active_agent;
    /* INPUT_LINK: whom the interaction was about before; `is_linked`: it is somebody else now. */
    struct uuid linked_before;
    bool is_linked;
};

/* Why something is announced that is recorded with `cause`: an end in the words of its source, if it has any
 * but those that we have for other ends. */
struct slice announcement_cause(const struct outcome *outcome, enum announcement_type type,
                                struct slice cause);

#endif
