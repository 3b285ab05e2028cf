/* The names of the core's enumerators, as the contract spells them, and other words for what it decides. */
#include "rules/core.h"

const char *agent_state_name(enum agent_state state)
{
    static const char *const names[] = {"offline", "available", "break", "not_responding"};
    return names[state];
}

const char *interaction_state_name(enum interaction_state state)
{
    static const char *const names[] = {"queued", "offered", "active", "closed"};
    return names[state];
}

const char *identity_outcome_name(enum identity_outcome outcome)
{
    static const char *const names[] = {"matched", "created",   "new",     "ambiguous", "conflict",
                                        "manual",  "anonymous", "machine", "blocked"};
    return names[outcome];
}

const char *input_kind_name(enum input_kind kind)
{
    static const char *const names[INPUT_KIND_COUNT] = {"",         "event",  "accept", "reject", "presence",
                                                        "end",      "timer",  "config", "block",  "unblock",
                                                        "transfer", "assign", "pull",   "audit",  "link"};
    return names[kind];
}

const char *move_name(enum move move)
{
    static const char *const names[MOVE_COUNT] = {"",       "closed",   "empty", "overload",
                                                  "waited", "transfer", "orphan"};
    return names[move];
}

const char *trigger_name(enum trigger trigger)
{
    static const char *const names[TRIGGER_COUNT] = {"arrival", "returned", "free",     "relaxed",
                                                     "opened",  "moved",    "transfer", "assign",
                                                     "pull",    "config",   "loaded",   "now"};
    return names[trigger];
}

const char *candidate_reason_name(enum candidate_reason reason)
{
    static const char *const names[CANDIDATE_REASON_COUNT] = {
        "offline",   "break",  "not_responding", "wrap_up",  "cool_down", "capacity",
        "exclusive", "skills", "excluded",       "eligible", "chosen"};
    return names[reason];
}

const char *event_outcome_name(enum event_outcome outcome)
{
    static const char *const names[] = {"offered", "queued",   "blocked",  "ended", "attached",
                                        "ignored", "assigned", "rejected", "done"};
    return names[outcome];
}

const char *announcement_type_name(enum announcement_type type)
{
    static const char *const names[] = {"interaction.offered", "offer.withdrawn",     "interaction.assigned",
                                        "interaction.queued",  "interaction.message", "interaction.ended",
                                        "interaction.blocked", "agent.presence",      "interaction.customer"};
    return names[type];
}

/* A source that says one of these would say who ended it besides itself. */
static bool is_ours(struct slice cause)
{
    static const char *const words[] = {"agent", "supervisor", "agent_gone", "blocked"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is(cause, words[i]))
            return true;
    return false;
}

struct slice announcement_cause(const struct outcome *outcome, enum announcement_type type,
                                struct slice cause)
{
    bool has_word = outcome->reported.len && !is_ours(outcome->reported);
    return type == ANNOUNCE_ENDED && has_word ? outcome->reported : cause;
}
