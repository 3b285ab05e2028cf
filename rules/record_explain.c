/* Why, in bytes: what the rules said, and for each offer and each interaction that was looked at and waits
 * the first failing test of every member of its queue, as runs of equal reasons. Names of rules and queues,
 * members and skills follow from the version of the configuration. */
#include "rules/record_explain.h"

#include <string.h>

enum { EXPLAINED_RULED = 1, EXPLAINED_FLAGS_MAX = 1 };

/* --- Writing --- */

static uint32_t snapshot_of(const struct uuid *interaction, const struct snapshot *const *snapshots,
                            uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        if (uuid_equal(&snapshots[i - 1]->interaction, interaction))
            return i;
    }
    return 0;
}

static void put_candidates(struct record_writer *writer, const struct explanation *explanation)
{
    record_put_uint(writer, explanation->candidate_count);
    for (uint32_t i = 0; i < explanation->candidate_count;) {
        uint8_t reason = explanation->candidates[i];
        uint32_t run = i;
        while (run < explanation->candidate_count && explanation->candidates[run] == reason)
            run++;
        record_put_uint(writer, reason);
        record_put_uint(writer, run - i);
        i = run;
    }
}

static void put_path(struct record_writer *writer, const struct explanation *explanation)
{
    record_put_uint(writer, explanation->path_count);
    for (uint32_t i = 0; i < explanation->path_count; i++) {
        const struct explained_move *move = &explanation->path[i];
        record_put_uint(writer, (uint64_t)move->queue + 1);
        record_put_uint(writer, move->move);
        if (move->move == MOVE_EMPTY)
            record_put_uint(writer, move->empty);
    }
}

static void put_explanation(struct record_writer *writer, const struct explanation *explanation,
                            const struct snapshot *const *snapshots, uint32_t snapshot_count)
{
    uint32_t number = snapshot_of(&explanation->interaction, snapshots, snapshot_count);
    record_put_uint(writer, number);
    if (!number)
        record_put_uuid(writer, &explanation->interaction);
    record_put_uint(writer, explanation->trigger);
    record_put_uint(writer, explanation->is_ruled ? EXPLAINED_RULED : 0);
    if (explanation->is_ruled)
        record_put_uint(writer, explanation->errors);
    record_put_uint(writer, (uint64_t)explanation->rule + 1);
    record_put_uint(writer, (uint64_t)explanation->queue + 1);
    record_put_uint(writer, explanation->channel);
    record_put_int(writer, explanation->priority);
    record_put_uint(writer, (uint64_t)explanation->relax_step);
    record_put_uint(writer, explanation->moved);
    record_put_uint(writer, explanation->stage);
    record_put_time(writer, explanation->held_until);
    record_put_text(writer, explanation->excluded);
    record_put_text(writer, explanation->chosen);
    put_path(writer, explanation);
    put_candidates(writer, explanation);
}

void record_put_explanations(struct record_writer *writer, const struct outcome *outcome,
                             const struct snapshot *const *snapshots, uint32_t snapshot_count)
{
    record_put_uint(writer, outcome->ruling_count);
    for (uint32_t i = 0; i < outcome->ruling_count; i++) {
        record_put_uint(writer, (uint64_t)outcome->rulings[i].rule);
        record_put_uint(writer, outcome->rulings[i].errors);
    }
    record_put_uint(writer, outcome->explanation_count);
    for (const struct explanation *each = outcome->explanations; each; each = each->next)
        put_explanation(writer, each, snapshots, snapshot_count);
}

/* --- Reading --- */

static void get_candidates(struct record_reader *reader, struct explanation *explanation, struct arena *arena)
{
    uint32_t count = record_get_small(reader, CONFIG_AGENTS_MAX), done = 0;
    int last = -1;
    uint8_t *candidates = arena_alloc(arena, count);
    while (done < count && !reader->bad) {
        uint32_t reason = record_get_small(reader, CANDIDATE_REASON_COUNT - 1);
        uint32_t run = record_get_small(reader, count - done);
        if (run == 0 || (int)reason == last)
            reader->bad = true;
        else
            memset(candidates + done, (int)reason, run);
        last = (int)reason;
        done += run;
    }
    explanation->candidates = candidates;
    explanation->candidate_count = count;
}

static void get_path(struct record_reader *reader, struct explanation *explanation, struct arena *arena)
{
    explanation->path_count = record_get_count(reader);
    explanation->path = arena_array(arena, struct explained_move, explanation->path_count);
    for (uint32_t i = 0; i < explanation->path_count && !reader->bad; i++) {
        struct explained_move *move = &explanation->path[i];
        move->queue = (int)record_get_small(reader, CONFIG_QUEUES_MAX) - 1;
        move->move = (enum move)record_get_small(reader, MOVE_COUNT - 1);
        if (move->move == MOVE_EMPTY)
            move->empty = (enum empty_reason)record_get_small(reader, EMPTY_REASON_COUNT - 1);
    }
}

static bool is_of_snapshot(const struct uuid *interaction, const struct snapshot *snapshots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (uuid_equal(&snapshots[i].interaction, interaction))
            return true;
    }
    return false;
}

static struct explanation *get_explanation(struct record_reader *reader, const struct snapshot *snapshots,
                                           uint32_t snapshot_count, struct arena *arena)
{
    struct explanation *explanation = arena_new(arena, struct explanation);
    uint32_t number = record_get_small(reader, snapshot_count);
    explanation->interaction = number ? snapshots[number - 1].interaction : record_get_uuid(reader);
    if (!number && is_of_snapshot(&explanation->interaction, snapshots, snapshot_count))
        reader->bad = true; /* its number would have been written */
    explanation->trigger = (enum trigger)record_get_small(reader, TRIGGER_COUNT - 1);
    explanation->is_ruled = record_get_small(reader, EXPLAINED_FLAGS_MAX);
    if (explanation->is_ruled)
        explanation->errors = record_get_small(reader, CONFIG_RULES_MAX);
    explanation->rule = (int)record_get_small(reader, CONFIG_RULES_MAX) - 1;
    explanation->queue = (int)record_get_small(reader, CONFIG_QUEUES_MAX) - 1;
    explanation->channel = (enum channel)record_get_small(reader, CHANNEL_COUNT - 1);
    int64_t priority = record_get_int(reader);
    explanation->priority = (int32_t)priority;
    if (explanation->priority != priority)
        reader->bad = true;
    explanation->relax_step = (int32_t)record_get_small(reader, CONFIG_RELAX_MAX);
    explanation->moved = (enum move)record_get_small(reader, MOVE_COUNT - 1);
    explanation->stage = (enum prefer_stage)record_get_small(reader, PREFER_STAGE_COUNT - 1);
    explanation->held_until = record_get_time(reader);
    explanation->excluded = record_get_text(reader);
    explanation->chosen = record_get_text(reader);
    get_path(reader, explanation, arena);
    get_candidates(reader, explanation, arena);
    return explanation;
}

void record_get_explanations(struct record_reader *reader, struct outcome *out,
                             const struct snapshot *snapshots, uint32_t snapshot_count, struct arena *arena)
{
    out->ruling_count = record_get_count(reader);
    struct ruling *rulings = arena_array(arena, struct ruling, out->ruling_count);
    for (uint32_t i = 0; i < out->ruling_count && !reader->bad; i++) {
        rulings[i].rule = (int)record_get_small(reader, CONFIG_RULES_MAX - 1);
        rulings[i].errors = record_get_small(reader, CONFIG_RULES_MAX);
    }
    out->rulings = rulings;
    out->explanation_count = record_get_count(reader);
    struct explanation **tail = &out->explanations;
    for (uint32_t i = 0; i < out->explanation_count && !reader->bad; i++) {
        *tail = get_explanation(reader, snapshots, snapshot_count, arena);
        tail = &(*tail)->next;
    }
}
