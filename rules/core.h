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

#include "rules/core_input.h"
#include "rules/core_outcome.h"
#include "rules/lane.h"
#include "rules/rank.h"
#include "rules/table.h"

#define CORE_VERSION 5 /* raised when the same inputs may give other bytes */
#define CORE_IDS_MAX                                                                                         \
    4000 /* ids one step may derive; what is left to offer then goes on with the next timer */

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
    struct slice cause;      /* why it closed: the word of its source, else ours; empty while it is open */
    int rule;                /* index in the configuration; -1: none, or it was removed */
    int32_t relax_step;      /* steps of its queue's relax that are behind it */
    enum prefer_stage stage; /* of the offer that is out; PREFER_QUEUE while it waits */
    bool is_relinked; /* it is about somebody else since that offer: who knows the new one comes next */
    enum move moved;
    int64_t entered_ms; /* when it came into its queue: arrival or move */
    int64_t held_until; /* it waits for its queue to open and is not looked at before; TIME_NEVER: not held */
    int64_t reply_by;   /* active: the agent's first reply is expected by then, or TIME_NEVER */
    int excluded;       /* index into core->agents of who gave it away, -1: nobody */
};

struct interaction {
    struct uuid id;
    enum channel channel;
    bool outbound;
    struct uuid conversation;
    uint64_t opened_seq;
    int64_t opened_ms;
    struct party_texts texts;
    struct value attributes; /* of the event that opened it; VALUE_NULL: none */
    struct interaction_data data;
    struct table_node by_id, by_offer, by_conversation, by_customer;
    struct rank_node waiting, age, timer, open, work; /* work: among its agent's */
    uint32_t lane;                                    /* while it waits */
    struct undo *undo;                                /* saved by the newest open batch, or NULL */
    struct owned_block *blocks;                       /* the texts it owns, freed with it */
    struct interaction *buried;                       /* the next one that closed */
};

struct agent_data {
    enum agent_state state;
    char reason[AGENT_REASON_MAX + 1]; /* "" : none */
    int64_t lease_ms, lease_until, grace_until, wrap_until,
        cool_until; /* lengths 0, times TIME_NEVER when unset */
    int32_t misses;
    int64_t idle_since;
    uint64_t agentsequence;
    uint64_t turn[CHANNEL_COUNT]; /* rises with every offer made to anybody: round robin; 0: never */
    int32_t load[CHANNEL_COUNT];  /* offers and active work: derived from the interactions, never stored */
};

struct agent {
    struct slice name;
    int config; /* index in the configuration, -1: no longer there */
    struct agent_data data;
    struct rank_node timer;
    struct rank_tree work;   /* its offers and active work, by (opened_ms, id) */
    struct rank_node *ready; /* CHANNEL_COUNT for each of its places (rules/lane.h) */
    uint32_t ready_count;
    enum agent_state counted; /* as what its queues' counts have it, when is_counted */
    bool is_counted;
    struct undo *undo;
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

/* What is counted of a queue. */
struct core_queue {
    uint32_t waiting;   /* interactions that anybody could be offered: not the held ones */
    uint32_t logged_in; /* members who are not offline */
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
    struct table customers;        /* of what agents hold, when `prefer` asks for it */
    struct rank_tree open;         /* every open interaction by (opened_ms, id) */
    struct table closings;         /* conversations that closed lately, see core_find_closed() */
    struct interaction *graveyard; /* closed and committed, not buried yet */
    struct closing *oldest_closing, *newest_closing;
    struct blacklist blacklist;
    struct lane_table lanes;
    struct rank_tree *waiting; /* [lane * CHANNEL_COUNT + channel] of interactions */
    struct rank_tree *ready;   /* the same of agents that could take one now */
    struct rank_tree *ages;    /* [queue * CHANNEL_COUNT + channel] of what waits, the longest first */
    uint32_t *available;       /* [lane] members who meet it and are available, busy or not */
    struct core_queue *queues; /* as the configuration's */
    uint8_t *standing;    /* [agent of the configuration * CHANNEL_COUNT + channel]: enum candidate_reason, as
                           * far    as it does not depend on the interaction */
    uint32_t rules_use;   /* a bit for each variable that some rule reads (rules/rule_env.h) */
    struct arena scratch; /* of one evaluation */
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
/* Names instead of the indexes in `from->data`; each may be empty. */
void core_load_interaction(struct core *core, const struct interaction *from, struct slice queue,
                           struct slice agent, struct slice rule, struct slice excluded);
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
/* That input. Whether it looks at everything is no secret of the core: the journal has it, so a core that was
 * never loaded repeats what one did that was. */
struct input core_timer(const struct core *core, int64_t at_ms);

/* What the newest batch touched, each once, for the tables. Valid before commit. `is_new`: made in this
 * batch, a row to insert. */
void core_dirty(const struct core *core,
                void (*on_interaction)(void *ctx, const struct interaction *interaction, bool is_new),
                void (*on_agent)(void *ctx, const struct agent *agent), void *ctx);

const struct interaction *core_find_interaction(const struct core *core, const struct uuid *id);
const struct interaction *core_find_offer(const struct core *core, const struct uuid *offer);
const struct interaction *core_find_conversation(const struct core *core, const struct uuid *conversation);
/* What an event belongs to: its own conversation, or the first of its thread that is open; NULL: it begins
 * one. */
const struct interaction *core_find_thread(const struct core *core, const struct input *input);
/* The newest interaction of a conversation that closed after the last core_forget_closed(): whoever asked the
 * tables before its commit has not seen it there. False when there is none. */
bool core_find_closed(const struct core *core, const struct uuid *conversation, struct uuid *id);
/* The tables show what closed up to row `seq`: whoever asks them from now on. */
void core_forget_closed(struct core *core, uint64_t seq);
/* What waits in a queue for an agent, and since when the longest waiting of those who are next does;
 * TIME_NEVER: nobody waits. */
struct core_depth {
    uint32_t waiting;
    int64_t since_ms;
};
struct core_depth core_depth(const struct core *core, int queue, enum channel channel);
/* Its place, from 1, among what waits in its queue on its channel; 0: it does not wait for an agent. Costs
 * what stands before it. */
uint32_t core_position(const struct core *core, const struct interaction *interaction);
/* Why an open interaction is where it is, as things stand: queued, offered or active. */
struct explanation core_why(const struct core *core, const struct interaction *interaction,
                            struct arena *arena);
struct agent *core_find_agent(const struct core *core, struct slice name);
int core_agent_index(const struct core *core, struct slice name); /* -1: empty, or there is none */

#endif
