#include "rules/invariant.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/invariant_check.h"

static const struct {
    const char *name, *says;
} invariants[INVARIANT_COUNT] = {
    [INVARIANT_STATE_FITS] = {"state_fits", "what an interaction has set is what its state may have set"},
    [INVARIANT_TIMES_ORDERED] = {"times_ordered", "nothing has happened before it could or after now"},
    [INVARIANT_OFFER_IS_OWN] = {"offer_is_own",
                                "an offer has an id of this project that leads to its interaction alone"},
    [INVARIANT_OFFER_LASTS] = {"offer_lasts", "a new offer lasts as long as its queue says"},
    [INVARIANT_CONVERSATION_ONE] = {"conversation_one",
                                    "a conversation has at most one open interaction, and leads to it"},
    [INVARIANT_FOUND_BY_ID] = {"found_by_id", "an interaction is found by its id, alone"},
    [INVARIANT_AMONG_OPEN] = {"among_open", "what is open stands among what is open, by its age"},
    [INVARIANT_WAITS_IN_PLACE] = {"waits_in_place",
                                  "what waits, and nothing else, waits in its queue at its rank"},
    [INVARIANT_RELAXED_BY_AGE] = {"relaxed_by_age", "what waits asks for what its age leaves of its rule"},
    [INVARIANT_AMONG_WORK] = {"among_work", "offered and active work stands with its agent"},
    [INVARIANT_TIMER_OF_INTERACTION] = {"timer_of_interaction",
                                        "an interaction has a timer exactly for what is due next"},
    [INVARIANT_CLOSED_IS_OUT] = {"closed_is_out", "what is closed stands nowhere any more"},
    [INVARIANT_BLOCKED_NOT_OFFERED] = {"blocked_not_offered", "nobody is offered who is blocked"},
    [INVARIANT_HELD_WHILE_CLOSED] = {"held_while_closed",
                                     "what is held waits for the opening of a queue that is closed"},
    [INVARIANT_LOAD_COUNTED] = {"load_counted", "an agent's load is its offered and active work"},
    [INVARIANT_READY_IN_PLACE] = {"ready_in_place",
                                  "an agent stands ready exactly where it could take something, at its rank"},
    [INVARIANT_TIMER_OF_AGENT] = {"timer_of_agent", "an agent has a timer exactly for what is due next"},
    [INVARIANT_PRESENCE_FITS] = {"presence_fits", "lease, grace and reason fit the agent's state"},
    [INVARIANT_AGENT_OF_CONFIG] = {"agent_of_config",
                                   "agents stand by name, each once, and know their configuration"},
    [INVARIANT_TREES_SOUND] = {"trees_sound", "every ordered set is ordered, counted and holds only its own"},
    [INVARIANT_TABLES_SOUND] = {"tables_sound", "every table is counted and holds only its own"},
    [INVARIANT_COUNTS_RIGHT] = {"counts_right", "queues and lanes count what is in them"},
    [INVARIANT_NOBODY_WAITS_IN_VAIN] = {"nobody_waits_in_vain", "nothing waits that an agent could take now"},
    [INVARIANT_NOTHING_OVERDUE] = {"nothing_overdue", "nothing is over that time should have ended"},
    [INVARIANT_NOTHING_STUCK] = {"nothing_stuck", "nothing waits in a queue that it has to leave"},
    [INVARIANT_SEQUENCE_GAPLESS] = {"sequence_gapless", "each accepted input takes the next number"},
    [INVARIANT_TIME_FORWARD] = {"time_forward", "time never goes back"},
    [INVARIANT_AGENTSEQUENCE_GAPLESS] = {"agentsequence_gapless",
                                         "what an agent is told is numbered without a gap"},
    [INVARIANT_IDS_OWN] = {"ids_own", "a new id derives from the row that made it, and is new"},
    [INVARIANT_ANSWER_FITS] = {"answer_fits", "the answer says what has become of the interaction"},
    [INVARIANT_CHANGES_TOLD] = {"changes_told", "every change of work and presence is announced as it is"},
    [INVARIANT_STATE_MOVES] = {"state_moves",
                               "an interaction moves only along its states, with one offer at a time"},
    [INVARIANT_RANK_KEPT] = {"rank_kept", "what comes back has its age and priority"},
    [INVARIANT_IDENTITY_MOVES] = {"identity_moves", "who somebody is changes only from not knowing"},
    [INVARIANT_OFFER_WITHIN_CAPACITY] = {"offer_within_capacity",
                                         "no offer brings an agent above a capacity"},
    [INVARIANT_OFFER_TO_ABLE] = {"offer_to_able", "an offer goes to a member who is there and rested"},
    [INVARIANT_OFFER_TO_SKILLED] = {"offer_to_skilled",
                                    "an offer goes to one who has the skills, and did not give it away"},
    [INVARIANT_BEST_AGENT] = {"best_agent", "nobody who comes first in the strategy was passed over"},
    [INVARIANT_BEST_WAITING] = {"best_waiting", "nobody who waited at a better rank was passed over"},
    [INVARIANT_TURN_TAKEN] = {"turn_taken",
                              "with an offer, and only then, an agent's turn goes behind all others"},
    [INVARIANT_EXPLAINED] = {"explained", "every offer and every wait is explained as it was"},
    [INVARIANT_REST_STARTED] = {"rest_started",
                                "ended work starts the wrap-up, a refused offer the cool-down"},
    [INVARIANT_MISSES_COUNTED] = {"misses_counted",
                                  "misses count up one by one, an accept clears them, k take the agent out"},
    [INVARIANT_CLOSED_TAKES_NOTHING] = {"closed_takes_nothing",
                                        "what comes into a closed queue goes on or is held"},
    [INVARIANT_GOES_ON_AS_SET] = {"goes_on_as_set",
                                  "what leaves a queue goes where the configuration says, for its reason"},
    [INVARIANT_KNOWN_FIRST] =
        {"known_first", "whom the customer knows is asked before the queue, each once, in their order"},
    [INVARIANT_HANDED_AS_ASKED] = {"handed_as_asked",
                                   "what people move goes to whom they mean, with the age that they ask for"},
    [INVARIANT_REPLY_DUE] = {"reply_due",
                             "a first reply is due when the queue says, until the agent has written"},
    [INVARIANT_LINKED_AS_SAID] = {"linked_as_said",
                                  "an interaction that is linked is the new customer's in all that is known"},
    [INVARIANT_REFUSED_CHANGES_NOTHING] = {"refused_changes_nothing",
                                           "a refused input changes nothing and takes no number"},
    [INVARIANT_FIRST_RULE_MATCHES] = {"first_rule_matches",
                                      "an arrival's rule is the first one that is true of it"},
    [INVARIANT_RECORD_READS_BACK] = {"record_reads_back", "a recorded decision reads back as it was written"},
    [INVARIANT_ROLLBACK_LEAVES_NOTHING] = {"rollback_leaves_nothing",
                                           "after a rollback the state is the one before the batch"},
    [INVARIANT_SAME_AGAIN] = {"same_again", "the same inputs on the same state give the same bytes"},
    [INVARIANT_TABLES_HOLD_ALL] = {"tables_hold_all",
                                   "a core loaded from its tables equals the one in memory"},
};

const char *invariant_name(enum invariant invariant)
{
    return invariants[invariant].name;
}

const char *invariant_says(enum invariant invariant)
{
    return invariants[invariant].says;
}

void findings_add(struct findings *findings, enum invariant invariant, const struct uuid *interaction,
                  struct slice agent, const char *format, va_list args)
{
    findings->count++;
    for (uint32_t i = 0; i < findings->kept; i++) {
        if (findings->items[i].invariant == invariant)
            return;
    }
    if (findings->kept == FINDINGS_KEPT)
        return;
    struct finding *finding = &findings->items[findings->kept++];
    *finding = (struct finding){.invariant = invariant};
    if (interaction)
        finding->interaction = *interaction;
    if (agent.len && agent.len <= CONFIG_NAME_MAX)
        memcpy(finding->agent, agent.ptr, agent.len);
    vsnprintf(finding->text, sizeof finding->text, format, args);
}

void check_fail(const struct check *check, enum invariant invariant, const struct interaction *interaction,
                const struct agent *agent, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    findings_add(check->findings, invariant, interaction ? &interaction->id : NULL,
                 agent ? agent->name : (struct slice){NULL, 0}, format, args);
    va_end(args);
}

struct check check_begin(struct findings *findings, const struct core *core, struct arena *scratch)
{
    return (struct check){.findings = findings,
                          .core = core,
                          .scratch = scratch,
                          .has_due = core_next_timer(core) <= core->at_ms};
}

static void (*const wholes[])(const struct check *) = {check_trees, check_tables, check_counts,
                                                       check_waiting};
#define WHOLE_COUNT (sizeof wholes / sizeof *wholes)

void invariant_sweep(struct findings *findings, const struct core *core, struct arena *scratch)
{
    struct check check = check_begin(findings, core, scratch);
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node))
        check_interaction(&check, node->owner);
    for (uint32_t i = 0; i < core->agent_count; i++)
        check_agent(&check, &core->agents[i]);
    for (size_t i = 0; i < WHOLE_COUNT; i++)
        wholes[i](&check);
}

/* Each interaction and agent has been looked at: the next look at the whole. False when that was the last. */
static bool sweep_whole(const struct check *check, struct invariant_cursor *cursor)
{
    const struct core *core = check->core;
    if (core->open.count + core->agent_count > INVARIANT_WHOLE_MAX)
        return false;
    wholes[cursor->wholes++](check);
    return cursor->wholes < WHOLE_COUNT;
}

void invariant_sweep_slice(struct findings *findings, const struct core *core,
                           struct invariant_cursor *cursor, uint32_t objects, struct arena *scratch)
{
    struct check check = check_begin(findings, core, scratch);
    const struct rank_node *node = NULL;
    for (; objects && cursor->agents < core->agent_count; objects--)
        check_agent(&check, &core->agents[cursor->agents++]);
    if (!objects)
        return;
    if (!cursor->wholes) {
        node = cursor->is_among_open ? rank_after(&core->open, &cursor->open) : rank_first(&core->open);
        for (; objects && node; objects--, node = rank_next(node)) {
            check_interaction(&check, node->owner);
            cursor->open = node->rank;
            cursor->is_among_open = true;
        }
    }
    if (!node && !sweep_whole(&check, cursor))
        *cursor = (struct invariant_cursor){.agents = 0};
}

void invariant_check_batch(struct findings *findings, const struct core *core,
                           const struct invariant_row *rows, size_t count, struct arena *scratch)
{
    struct check check = check_begin(findings, core, scratch);
    struct touched touched = touched_collect(core, rows, count, scratch);
    for (uint32_t i = 0; i < touched.interaction_count; i++)
        check_interaction(&check, touched.interactions[i].interaction);
    for (uint32_t i = 0; i < touched.agent_count; i++)
        check_agent(&check, touched.agents[i].agent);
    check_told(&check, &touched);
    check_answers(&check, &touched);
    check_changes(&check, &touched);
    check_offers(&check, &touched);
    check_rest(&check, &touched);
    check_ways(&check, &touched);
    check_handed(&check, &touched);
    check_linked(&check, &touched);
    check_explained(&check, &touched);
    check_touched_waiting(&check, &touched);
}
