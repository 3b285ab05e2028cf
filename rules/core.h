/* The decision core of one project: step(state, input) -> outcome. Pure: time and facts come in with the
 * input, nothing is asked, nothing waited for. One journal row per accepted input; a refused one changes
 * nothing and takes no number.
 *
 * A batch is a transaction over the state: core_begin(), steps, then core_commit() once the database says
 * that it is durable, or core_rollback(), after which the state equals the one before core_begin(). Between,
 * core_dirty() lists what the tables must take over. Inputs of one batch see each other's effects.
 *
 * Memory: objects are the core's (malloc, aborting when the machine has none); outcomes live in the batch's
 * arena and borrow names from the configuration and texts from interactions: valid until core_bury() or
 * core_rollback(). */
#ifndef RULES_CORE_H
#define RULES_CORE_H

#include "rules/blacklist.h"
#include "rules/event.h"
#include "rules/identity.h"
#include "rules/project_config.h"
#include "rules/rank.h"
#include "rules/table.h"

#define CORE_VERSION 1 /* raised when the same inputs may give other bytes */
#define CORE_CANDIDATES_MAX 16
#define CORE_IDS_MAX                                                                                         \
    4000 /* ids one step may derive; what is left to offer then goes on with the next timer */
#define AGENT_REASON_MAX 64 /* bytes */

enum agent_state { AGENT_OFFLINE, AGENT_AVAILABLE, AGENT_BREAK, AGENT_NOT_RESPONDING };
const char *agent_state_name(enum agent_state state); /* offline available break not_responding */

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

/* What a customer looked like when it was asked: as much as desktops are shown and rules may read. */
struct customer_fact {
    struct uuid id;
    struct slice name, owner;
    struct slice *tags;
    uint32_t tag_count;
    bool by_phone, by_email; /* which key found it */
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
};

/* An open piece of work. `data` is what a rollback restores and what the tables hold. */
struct interaction_data {
    enum interaction_state state;
    int queue; /* index in the configuration, -1: none (active outbound, or its queue was removed) */
    int32_t priority;
    int64_t enqueued_ms;
    int agent; /* index into core->agents, -1: none */
    struct uuid offer;
    int64_t offered_ms, expires_ms, accepted_ms; /* TIME_NEVER when unset */
    int32_t attempts;
    enum identity_outcome identity;
    struct uuid customer;      /* nil: none yet */
    struct customer_fact fact; /* of that customer; id nil when unknown */
    struct uuid *candidates;
    uint32_t candidate_count;
    int64_t closed_ms;
    const char *cause; /* why it closed; static */
};

struct interaction {
    struct uuid id;
    enum channel channel;
    bool outbound;
    struct uuid conversation;
    uint64_t opened_seq;
    int64_t opened_ms;
    struct party_texts texts;
    struct interaction_data data;
    struct table_node by_id, by_offer, by_conversation;
    struct rank_node waiting, timer, open, work; /* work: among its agent's */
    struct undo *undo;                           /* saved by the newest open batch, or NULL */
    struct owned_block *blocks;                  /* the texts it owns, freed with it */
    struct interaction *buried;                  /* the next one that closed */
};

struct agent_data {
    enum agent_state state;
    char reason[AGENT_REASON_MAX + 1]; /* "" : none */
    int64_t lease_ms, lease_until, grace_until, wrap_until,
        cool_until; /* lengths 0, times TIME_NEVER when unset */
    int32_t misses;
    int64_t idle_since;
    uint64_t agentsequence;
    int32_t load[CHANNEL_COUNT]; /* offers and active work: derived from the interactions, never stored */
};

struct agent {
    struct slice name;
    int config; /* index in the configuration, -1: no longer there */
    struct agent_data data;
    struct rank_node timer;
    struct rank_tree work;   /* its offers and active work, by (opened_ms, id) */
    struct rank_node *ready; /* queue_count * CHANNEL_COUNT nodes, by position in its configuration */
    uint32_t ready_count;
    struct undo *undo;
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
};
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
    struct uuid conversation;
    const struct uuid *thread; /* conversations of in_reply_to and references, last first */
    uint32_t thread_count;
    /* INPUT_ACCEPT, INPUT_REJECT */
    struct uuid offer;
    enum reject_cause cause;
    /* INPUT_ACCEPT .. INPUT_END: who asks. Empty agent: somebody who may do it for anyone (supervisor,
     * admin). */
    struct slice actor;
    /* INPUT_PRESENCE: whose */
    struct slice agent;
    enum agent_state presence;
    struct slice reason;
    int64_t lease_ms; /* 0: until changed */
    /* INPUT_END */
    struct uuid interaction;
    /* INPUT_CONFIG */
    const struct project_config *config;
    uint64_t config_version;
    /* INPUT_BLOCK, INPUT_UNBLOCK */
    struct block block; /* UNBLOCK: id only */
};

enum refusal {
    REFUSAL_NONE,
    REFUSAL_OFFER_GONE,
    REFUSAL_NOT_FOUND,
    REFUSAL_FORBIDDEN,
    REFUSAL_NO_ENDPOINT, /* no endpoint has the event's `to` */
    REFUSAL_NO_AGENT,    /* no such agent in the configuration */
    REFUSAL_CLOSED,      /* the interaction has ended */
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
};
#define ANNOUNCE_TYPE_COUNT 8
const char *announcement_type_name(enum announcement_type type); /* "interaction.offered" */

struct announcement {
    enum announcement_type type;
    const struct snapshot *snapshot; /* NULL for presence */
    struct slice agent;     /* whose channel it also goes to; empty: none. The snapshot's, if that has one */
    uint64_t agentsequence; /* of that agent */
    struct slice cause;     /* withdrawn, ended, blocked: why; presence: the reason */
    enum agent_state state; /* presence */
    struct announcement *next;
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
    struct slice text;     /* of the event, for ANNOUNCE_MESSAGE; not recorded: content has it */
    struct uuid hit;       /* the block that matched, or nil */
    const char *miss;      /* a missed offer's cause for the metrics, or NULL; static */
    const char *offer_end; /* how an offer ended in this step, for the metrics, or NULL */
    /* For the service level: how long it waited, and whether it was given up instead of accepted. */
    bool abandoned;
    int64_t within_ms; /* of its queue */
    int64_t waited_ms; /* accept: from enqueued to accepted, else -1 */
};

struct undo;

#define CORE_BATCHES_MAX 2

/* What is undone by a rollback. */
struct core_batch {
    uint64_t number;
    struct undo *log; /* newest first */
    uint64_t seq_before;
    int64_t at_before;
    bool drain_before;
};

struct core {
    uint32_t project;
    const struct project_config *config;
    uint64_t config_version;
    uint64_t seq;
    int64_t at_ms;
    struct agent *agents; /* by name, bytewise; stays put while the configuration does */
    uint32_t agent_count;
    /* interactions: also what this batch closed; offers: live ones and accepted ones still active */
    struct table interactions, offers, conversations;
    struct rank_tree open;         /* every open interaction by (opened_ms, id) */
    struct table closings;         /* conversations that closed lately, see core_find_closed() */
    struct interaction *graveyard; /* closed and committed, not buried yet */
    struct closing *oldest_closing, *newest_closing;
    struct blacklist blacklist;
    struct rank_tree *waiting; /* [queue * CHANNEL_COUNT + channel] of interactions */
    struct rank_tree *ready;   /* the same of agents that could take one now */
    struct rank_tree timers;
    bool drain_pending;                          /* something may be matchable: looked at by the next timer */
    struct core_batch batches[CORE_BATCHES_MAX]; /* oldest first */
    uint32_t batch_count;
    uint64_t batch_number; /* the last one given */
    bool reconfigured;     /* by the only batch there is */
};

/* `config` is borrowed and must outlive the core or the next INPUT_CONFIG's commit. */
void core_init(struct core *core, uint32_t project, const struct project_config *config,
               uint64_t config_version);
void core_deinit(struct core *core);

/* Loading from the tables, before the first batch: agents first, then interactions (any order), then blocks.
 */
bool core_load_agent(struct core *core, struct slice name, const struct agent_data *data)
    __attribute__((warn_unused_result)); /* false: not in the configuration; kept for its work and number */
void core_load_interaction(struct core *core, const struct interaction *from, struct slice queue,
                           struct slice agent);
void core_load_block(struct core *core, const struct block *block);
void core_loaded(struct core *core, uint64_t seq, int64_t at_ms);

/* Begins a batch, on top of one that is not committed yet: at most CORE_BATCHES_MAX, and none on a new
 * configuration. */
void core_begin(struct core *core);
/* The result is never NULL and lives in `arena`. */
const struct outcome *core_step(struct core *core, const struct input *input, struct arena *arena);
/* The oldest batch is durable. */
void core_commit(struct core *core);
/* Frees what closed before: after a commit, when nothing that its outcomes borrow is looked at any more. May
 * come while the next batch is open. */
void core_bury(struct core *core);
/* The newest batch came to nothing. */
void core_rollback(struct core *core);

/* The next time at which something is due, or TIME_NEVER. When it has come, step an INPUT_TIMER with at_ms
 * not before it: the oldest due thing is done, and only that; ask again. Everything due comes before any
 * other input of that time. */
int64_t core_next_timer(const struct core *core);

/* What the newest batch touched, each once, for the tables. Valid before commit. `is_new`: made in this
 * batch, a row to insert. */
void core_dirty(const struct core *core,
                void (*on_interaction)(void *ctx, const struct interaction *interaction, bool is_new),
                void (*on_agent)(void *ctx, const struct agent *agent), void *ctx);

const struct interaction *core_find_interaction(const struct core *core, const struct uuid *id);
const struct interaction *core_find_offer(const struct core *core, const struct uuid *offer);
const struct interaction *core_find_conversation(const struct core *core, const struct uuid *conversation);
/* The newest interaction of a conversation that closed after the last core_forget_closed(): whoever asked the
 * tables before its commit has not seen it there. False when there is none. */
bool core_find_closed(const struct core *core, const struct uuid *conversation, struct uuid *id);
/* The tables show what closed up to row `seq`: whoever asks them from now on. */
void core_forget_closed(struct core *core, uint64_t seq);
struct agent *core_find_agent(const struct core *core, struct slice name);

#endif
