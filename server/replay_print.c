#include "server/replay_print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_WIDTH 72
#define LINES_MAX 4000 /* of one decision; more are not shown */

struct lines {
    struct arena *arena;
    struct slice *items;
    uint32_t count;
};

const char *refusal_name(enum refusal refusal)
{
    static const char *const names[] = {
        "none",     "offer_gone", "not_found", "forbidden",         "no_endpoint",
        "no_agent", "closed",     "no_queue",  "agent_unavailable", "taken"};
    return names[refusal];
}

static void add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct lines *lines, const char *format, ...)
{
    char text[256];
    va_list args;
    if (lines->count == LINES_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lines->items[lines->count++] = arena_copy(lines->arena, slice_of(text));
}

static void add_id(struct lines *lines, const char *name, const struct uuid *id)
{
    char text[UUID_TEXT_LEN + 1];
    if (uuid_is_nil(id))
        return;
    uuid_format(id, text);
    add(lines, "%s %s", name, text);
}

static void add_text(struct lines *lines, const char *name, struct slice text)
{
    if (text.len)
        add(lines, "%s %.*s", name, (int)text.len, text.ptr);
}

static void add_snapshot(struct lines *lines, const struct snapshot *snapshot)
{
    add_id(lines, "  interaction", &snapshot->interaction);
    add(lines, "  %s %s%s", channel_name(snapshot->channel), interaction_state_name(snapshot->state),
        snapshot->outbound ? " outbound" : "");
    add_text(lines, "  queue", snapshot->queue);
    add_text(lines, "  agent", snapshot->agent);
    add_id(lines, "  offer", &snapshot->offer);
    if (snapshot->expires_ms != TIME_NEVER)
        add(lines, "  expires %lld", (long long)snapshot->expires_ms);
    add(lines, "  identity %s", identity_outcome_name(snapshot->identity));
    add_id(lines, "  customer", &snapshot->customer);
    for (uint32_t i = 0; i < snapshot->candidate_count; i++)
        add_id(lines, "  candidate", &snapshot->candidates[i]);
}

static void add_explanation(struct lines *lines, const struct explanation *why,
                            const struct project_config *config)
{
    static const char *const stages[PREFER_STAGE_COUNT] = {"same", "owner", "last_agent", "queue"};
    add(lines, "why: %s", trigger_name(why->trigger));
    add_id(lines, "  interaction", &why->interaction);
    if (why->rule >= 0 && why->rule < (int)config->rule_count)
        add_text(lines, "  rule", config->rules[why->rule].name);
    if (why->queue >= 0 && why->queue < (int)config->queue_count)
        add_text(lines, "  queue", config->queues[why->queue].name);
    add(lines, "  priority %d step %d stage %s%s%s", why->priority, why->relax_step, stages[why->stage],
        why->moved ? " moved " : "", move_name(why->moved));
    add_text(lines, "  chosen", why->chosen);
    for (uint32_t i = 0; i < why->candidate_count;) {
        uint32_t from = i;
        while (i < why->candidate_count && why->candidates[i] == why->candidates[from])
            i++;
        add(lines, "  members %u to %u: %s", from + 1, i, candidate_reason_name(why->candidates[from]));
    }
}

static struct lines decode(const struct outcome *outcome, const struct project_config *config,
                           struct arena *arena)
{
    struct lines lines = {.arena = arena, .items = arena_array(arena, struct slice, LINES_MAX)};
    if (outcome->refusal != REFUSAL_NONE) {
        add(&lines, "refused: %s", refusal_name(outcome->refusal));
        return lines;
    }
    add(&lines, "%s: %s", input_kind_name(outcome->kind), event_outcome_name(outcome->outcome));
    add_text(&lines, "agent", outcome->agent);
    if (outcome->agent.len)
        add(&lines, "state %s", agent_state_name(outcome->state));
    add_id(&lines, "created", &outcome->created);
    add_id(&lines, "block", &outcome->hit);
    if (outcome->snapshot)
        add_snapshot(&lines, outcome->snapshot);
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        add(&lines, "%s", announcement_type_name(a->type));
        add_text(&lines, "  to", a->agent);
        if (a->agent.len)
            add(&lines, "  agentsequence %llu", (unsigned long long)a->agentsequence);
        add_text(&lines, "  cause", a->cause);
        if (a->snapshot)
            add_snapshot(&lines, a->snapshot);
    }
    for (const struct explanation *why = outcome->explanations; why; why = why->next)
        add_explanation(&lines, why, config);
    return lines;
}

void replay_print_both(FILE *out, const struct outcome *then, const struct outcome *now,
                       const struct project_config *config)
{
    struct arena arena;
    arena_init(&arena);
    struct lines left = decode(then, config, &arena), right = decode(now, config, &arena);
    fprintf(out, "  %-*s %s\n", COLUMN_WIDTH, "in the journal", "replayed");
    for (uint32_t i = 0; i < left.count || i < right.count; i++) {
        struct slice a = i < left.count ? left.items[i] : (struct slice){NULL, 0};
        struct slice b = i < right.count ? right.items[i] : (struct slice){NULL, 0};
        fprintf(out, "%c %-*.*s %.*s\n", slice_equal(a, b) ? ' ' : '!', COLUMN_WIDTH, (int)a.len,
                a.ptr ? a.ptr : "", (int)b.len, b.ptr ? b.ptr : "");
    }
    arena_deinit(&arena);
}
