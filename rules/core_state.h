/* Private to rules/core*.c: how the core's objects change. Every change of an object stands between its
 * _edit(), which saves the batch's first copy and takes the object out of every index, and its _settle(),
 * which puts it where its data now says. Nothing else writes `data`. */
#ifndef RULES_CORE_STATE_H
#define RULES_CORE_STATE_H

#include "rules/core.h"
#include "rules/match.h"
#include "rules/rule_env.h"

#define CORE_POINT_MS INT64_C(60000) /* a point of priority is a minute of waiting */
#define CORE_PATH_MAX 16             /* queues that one step may move an interaction through */

enum undo_kind { UNDO_INTERACTION, UNDO_INTERACTION_NEW, UNDO_AGENT, UNDO_BLOCK_ADDED, UNDO_BLOCK_TAKEN };

struct undo {
    struct undo *next;
    enum undo_kind kind;
    uint64_t batch; /* its number */
    union {
        struct {
            struct interaction *interaction;
            struct interaction_data interaction_data;
            const struct owned_block *blocks; /* the newest that it owned by then */
        };
        struct {
            struct agent *agent;
            struct agent_data agent_data;
        };
        struct blacklist_entry *entry;
    };
};

/* How something came back from its agent. */
struct comeback {
    enum prefer_stage next; /* who is asked now */
    bool arrives; /* its rules lead to another queue, which has not been asked whether it takes it */
};

struct undo *undo_push(struct core *core, enum undo_kind kind);
void undo_interaction(struct core *core, struct interaction *interaction); /* saves it as it is */
/* Whether the object whose `undo` this is has been saved by the newest batch. */
bool undo_is_saved(const struct core *core, const struct undo *undo);

struct step {
    struct core *core;
    const struct input *input;
    struct arena *arena;
    struct outcome *out;
    struct announcement **tail;
    uint32_t next_id;
    const struct snapshot *cached; /* of cached_of, valid until its next edit */
    const struct interaction *cached_of;
    uint32_t offers;                 /* made so far */
    const struct rule_queue *queues; /* before the input; NULL unless a rule reads them */
    struct ruling *rulings;          /* out->rulings */
    uint32_t ruling_room;
    /* For the next explanation: what became of `looked_at` in this step. */
    enum trigger trigger;
    enum prefer_stage stage; /* of the offer that is explained next */
    const char *cause;       /* the reason that announcements of offers and waiting give, or NULL */
    const struct interaction *looked_at;
    struct explained_move *path;
    uint32_t path_count;
    bool is_ruled;
    uint32_t errors;
    struct explanation **why;
};

void interaction_edit(struct step *step, struct interaction *interaction);
void interaction_settle(struct step *step, struct interaction *interaction);
struct interaction *interaction_new(struct step *step,
                                    struct uuid id); /* not settled yet, not counted anywhere */
struct interaction *interaction_alloc(struct core *core, struct uuid id);
void interaction_free(struct interaction *interaction);
/* Gives up the copies that are newer than `kept`. */
void interaction_disown(struct interaction *interaction, const struct owned_block *kept);
/* Remembers that it closed in this step, for events of its conversation that come close behind. */
void closing_add(struct core *core, const struct interaction *interaction);
void closing_drop_after(struct core *core, uint64_t seq);
/* Copies that live as long as the interaction, if the batch that makes them is committed. */
void interaction_own_texts(struct interaction *interaction, const struct party_texts *texts);
void interaction_own_attributes(struct interaction *interaction, const struct value *attributes);
void interaction_own_fact(struct interaction *interaction, const struct customer_fact *fact);
void interaction_own_cause(struct interaction *interaction, struct slice cause);
void interaction_own_candidates(struct interaction *interaction, const struct uuid *ids, uint32_t count);

void agent_edit(struct core *core, struct agent *agent);
void agent_settle(struct core *core, struct agent *agent);

void undo_block_added(struct core *core, struct blacklist_entry *entry);
void undo_block_taken(struct core *core, struct blacklist_entry *entry);

/* Everything open moves over to another configuration, by name (core_config.c). */
void core_reconfigure(struct core *core, const struct project_config *config, uint64_t version);
/* Adds one who is not in the configuration: the tables still know it. */
struct agent *core_keep_agent(struct core *core, struct slice name);
void agent_init(struct agent *agent, struct slice name);
void agent_configure(struct core *core, struct agent *agent);
void agent_link(struct core *core, struct agent *agent);
void agent_unlink(struct core *core, struct agent *agent);
void interaction_link(struct core *core, struct interaction *interaction);
void interaction_unlink(struct core *core, struct interaction *interaction);
/* Whether presence, rest and capacity let it take something of that channel now. */
bool agent_can_take(const struct core *core, const struct agent *agent, enum channel channel);
/* The same without rest. */
bool agent_has_room(const struct core *core, const struct agent *agent, enum channel channel);
/* Where it waits, or would wait. It must have a queue. */
uint32_t interaction_lane(const struct core *core, const struct interaction *interaction);
/* An outbound call that nobody has handed on: its agent's alone. */
bool interaction_is_dialled(const struct interaction *interaction);
/* The lanes and counts of the configuration, empty. */
void core_make_lanes(struct core *core);
void core_free_lanes(struct core *core);
void *core_allocate(size_t size); /* zeroed, never NULL */

struct rank_tree *core_waiting(const struct core *core, uint32_t lane, enum channel channel);
struct rank_tree *core_ages(const struct core *core, int queue, enum channel channel);
/* Since when the longest waiting one of a queue waits, or TIME_NEVER. */
int64_t core_oldest(const struct core *core, int queue, enum channel channel);
struct rank_tree *core_ready(const struct core *core, uint32_t lane, enum channel channel);
struct slice core_queue_name(const struct core *core, int queue);

/* Steps (core_step.c and its neighbours). */
struct uuid step_next_id(struct step *step);
const struct snapshot *step_snapshot(struct step *step, const struct interaction *interaction);
struct announcement *step_announce(struct step *step, enum announcement_type type,
                                   const struct interaction *interaction, struct agent *agent);
/* The interaction becomes the agent's (NULL: nobody known), after a last look at who it is and whether it
 * may. */
void step_take(struct step *step, struct interaction *interaction, struct agent *agent);
void step_waited(struct step *step, const struct interaction *interaction, bool abandoned);
/* Writes what a match says into an interaction between its edit and settle. */
void step_identify(struct step *step, struct interaction *interaction, struct match match);
void step_event(struct step *step);
void step_accept(struct step *step);
void step_reject(struct step *step);
void step_presence(struct step *step);
void step_end(struct step *step);
void step_timer(struct step *step);
void step_config(struct step *step);
void step_block(struct step *step);
void step_unblock(struct step *step);
void step_transfer(struct step *step);
void step_assign(struct step *step);
void step_pull(struct step *step);
void step_link(struct step *step);
/* The input's interaction; sets the refusal and gives NULL when it is not open. */
struct interaction *step_open_one(struct step *step);

/* Rules (core_rule.c). */
void rules_begin(struct step *step);
struct rule_queue *rules_queues(const struct core *core, int64_t at_ms,
                                struct arena *arena);          /* as they are */
uint32_t rules_variables(const struct project_config *config); /* a bit for each that some rule reads */
/* Of an event that nothing was made of yet. `fact`: the customer that it certainly is, or NULL. */
struct ruling rule_for_event(struct step *step, const struct party_texts *texts,
                             const struct customer_fact *fact);
struct ruling rule_for_interaction(struct step *step, const struct interaction *interaction);
/* Where a rule leads; -1: to an endpoint that there is not. */
int rule_queue(const struct core *core, int rule, enum channel channel, struct slice recipient);

/* Why (core_explain.c). */
void explain_look_at(struct step *step, const struct interaction *interaction);
/* It leaves its queue for another one. */
/* What an announcement of its offer or its waiting gives as the reason; static, empty: none. */
struct slice explain_cause(const struct step *step, const struct interaction *interaction);
void explain_move(struct step *step, const struct interaction *interaction, enum move move,
                  enum empty_reason empty);
/* Before the offer is made; `chosen` NULL: it waits. `was_looked_for`: the members were asked for one. */
void explain(struct step *step, const struct interaction *interaction, const struct agent *chosen,
             bool was_looked_for);

/* Where to (core_place.c), between edit and settle. */
void place_ruled(struct step *step, struct interaction *interaction, struct ruling ruling, int queue);
void place_by_rule(struct step *step, struct interaction *interaction);
/* Its queue was removed from the configuration. */
void place_orphan(const struct core *core, struct interaction *interaction);
/* Relaxation brought up to its age. */
void place_relax(const struct core *core, struct interaction *interaction, int64_t at_ms);
/* The first reason for which nobody of its queue could take it, whatever relaxation comes to. */
bool empty_reason_of(enum empty_reason *reason, const struct core *core,
                     const struct interaction *interaction) __attribute__((warn_unused_result));

/* The rest of core_place.c edits for itself. On from a queue that cannot take it, through hours and overload
 * when it `arrives` there, and by when_empty; ends waiting in a queue, or held until one opens. */
void place_on(struct step *step, struct interaction *interaction, bool arrives);
/* All that waits in a queue without anybody, or in those that the agent has just left. */
void place_left(struct step *step, int queue);
/* `returned` (or NULL) has just come back from the agent; true when it went on with the others, so that
 * nothing is left to do for it. */
bool place_left_by(struct step *step, const struct agent *agent, const struct interaction *returned,
                   struct comeback back);
/* A timer of what waits. */
void queued_due(struct step *step, struct interaction *interaction);

/* Offers (core_match.c: who is next; core_offer.c: what becomes of them). */
void offer(struct step *step, struct interaction *interaction, struct agent *agent, enum prefer_stage stage,
           int64_t lasts_ms);
struct agent *first_agent_for(const struct core *core, const struct interaction *interaction); /* or NULL */
/* True when an offer was made. Not made: it turned out to be blocked, or the step has to stop here. */
bool offer_to(struct step *step, struct interaction *interaction, struct agent *agent,
              enum prefer_stage stage, int64_t lasts_ms);
bool offer_to_first(struct step *step, struct interaction *interaction);
/* To whom somebody chose. */
void offer_to_named(struct step *step, struct interaction *interaction, struct agent *agent);
/* After it came, came back or moved: offers it, beginning with stage `from`, or says that it waits. */
void offer_or_wait(struct step *step, struct interaction *interaction, enum prefer_stage from);
/* The same where everybody was told already that it waits; true when it does. */
bool offer_or_stay(struct step *step, struct interaction *interaction, enum prefer_stage from);
/* It comes into its queue: place_on() and then an offer, or it waits. */
void arrive(struct step *step, struct interaction *interaction);
/* place_on() and an offer for one of which its queue was told already; `freed` (or NULL) held it and takes
 * what waits before it first. */
void place_quietly(struct step *step, struct interaction *interaction, struct agent *freed, bool arrives);
/* After an agent did not take it: as above, but what waits before it for that agent comes first. */
void offer_returned(struct step *step, struct interaction *interaction, struct agent *agent,
                    struct comeback back);
/* Whom the customer knows (core_prefer.c). */
bool prefer_is_on(const struct project_config *config);
bool offer_to_preferred(struct step *step, struct interaction *interaction, enum prefer_stage from);
void drain_agent(struct step *step, struct agent *agent);
void drain_all(struct step *step);
/* What stands before `end` and can be taken, as far as the interaction that is being moved may not come
 * first. */
void drain_until(struct step *step, const struct rank *end);
/* Closes everything open and not active of who is blocked now (core_step.c). */
void shut_out_blocked(struct step *step);
/* Takes an offer back and queues the interaction at its rank. Announces; does not offer again. */
struct comeback offer_withdraw(struct step *step, struct interaction *interaction, const char *cause);
/* The same for what somebody else gets in this step: it stays in its queue, and its rules are asked when it
 * comes back from there. */
void offer_give_over(struct step *step, struct interaction *interaction, const char *cause);
/* Queues what was active, with its age; true when it comes into another queue. */
bool requeue_active(struct step *step, struct interaction *interaction, const char *cause);
/* Frees its agent after the wrap-up that the queue (-1: none) grants. */
void release(struct step *step, struct agent *agent, int queue);
void assign(struct step *step, struct interaction *interaction, struct agent *agent);
/* Active work that another agent has now, as the gateway says (core_transfer.c). */
void change_hands(struct step *step, struct interaction *interaction, struct agent *to);
/* Between its edit and settle: that it is closed, and why. The cause is as the announcement will give it. */
void set_closed(struct step *step, struct interaction *interaction, const char *cause,
                enum announcement_type announcement);
void close_interaction(struct step *step, struct interaction *interaction, const char *cause,
                       enum announcement_type announcement);
void close_blocked(struct step *step, struct interaction *interaction);
void announce_presence(struct step *step, struct agent *agent);
/* After a miss, which may have been the one too many: then everything goes that the agent leaves behind. True
 * when `returned`, which was missed, went with it. */
bool return_rest(struct step *step, struct agent *agent, bool was_available,
                 const struct interaction *returned, struct comeback back);
void agent_miss(struct step *step, struct agent *agent, enum reject_cause cause, bool missed);
const struct block *blocked_now(const struct step *step, const struct interaction *interaction);

#endif
