/* Decisions: what became of an input, and what was announced. */
#include "rules/record.h"
#include "rules/record_bytes.h"
#include "rules/record_explain.h"

#define SNAPSHOT_LOOK_BACK 16 /* announcements of one snapshot stand close together */

static void put_snapshot(struct record_writer *writer, const struct snapshot *snapshot)
{
    record_put_uuid(writer, &snapshot->interaction);
    record_put_uuid(writer, &snapshot->offer);
    record_put_uuid(writer, &snapshot->customer);
    record_put_uint(writer, snapshot->channel);
    record_put_uint(writer, snapshot->outbound);
    record_put_uint(writer, snapshot->state);
    record_put_text(writer, snapshot->queue);
    record_put_text(writer, snapshot->agent);
    record_put_time(writer, snapshot->expires_ms);
    record_put_uint(writer, snapshot->identity);
    record_put_uint(writer, snapshot->opened_seq);
    record_put_uint(writer, snapshot->candidate_count);
    for (uint32_t i = 0; i < snapshot->candidate_count; i++)
        record_put_uuid(writer, &snapshot->candidates[i]);
}

/* Answer and announcements mostly speak of one and the same snapshot: each is written once, 0 stands for
 * none. */
static uint32_t snapshot_number(const struct snapshot **seen, uint32_t *count,
                                const struct snapshot *snapshot)
{
    if (!snapshot)
        return 0;
    for (uint32_t i = *count; i > 0 && i + SNAPSHOT_LOOK_BACK > *count; i--) {
        if (seen[i - 1] == snapshot)
            return i;
    }
    seen[(*count)++] = snapshot;
    return *count;
}

struct slice record_decision(const struct outcome *outcome, struct arena *arena)
{
    struct record_writer writer = record_writer_start(arena, 256);
    const struct snapshot **seen =
        arena_array(arena, const struct snapshot *, outcome->announcement_count + (size_t)1);
    uint32_t *numbers = arena_array(arena, uint32_t, outcome->announcement_count + (size_t)1);
    uint32_t count = 0, n = 0;
    uint32_t answer = snapshot_number(seen, &count, outcome->snapshot);
    for (const struct announcement *a = outcome->announcements; a; a = a->next)
        numbers[n++] = snapshot_number(seen, &count, a->snapshot);

    record_put_uint(&writer, RECORD_VERSION);
    record_put_uint(&writer, outcome->kind);
    record_put_uint(&writer, outcome->outcome);
    record_put_text(&writer, outcome->agent);
    record_put_uint(&writer, outcome->state);
    record_put_uuid(&writer, &outcome->created);
    record_put_uuid(&writer, &outcome->hit);
    record_put_uint(&writer, count);
    for (uint32_t i = 0; i < count; i++)
        put_snapshot(&writer, seen[i]);
    record_put_uint(&writer, answer);
    record_put_uint(&writer, outcome->announcement_count);
    n = 0;
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        record_put_uint(&writer, a->type);
        record_put_uint(&writer, numbers[n++]);
        record_put_text(&writer, a->agent);
        record_put_uint(&writer, a->agentsequence);
        record_put_text(&writer, a->cause);
        record_put_uint(&writer, a->state);
    }
    record_put_explanations(&writer, outcome, seen, count);
    return record_writer_end(&writer);
}

/* --- Reading --- */

static void get_snapshot(struct record_reader *reader, struct snapshot *snapshot, struct arena *arena)
{
    snapshot->interaction = record_get_uuid(reader);
    snapshot->offer = record_get_uuid(reader);
    snapshot->customer = record_get_uuid(reader);
    snapshot->channel = (enum channel)record_get_small(reader, CHANNEL_COUNT - 1);
    snapshot->outbound = record_get_small(reader, 1);
    snapshot->state = (enum interaction_state)record_get_small(reader, INTERACTION_CLOSED);
    snapshot->queue = record_get_text(reader);
    snapshot->agent = record_get_text(reader);
    snapshot->expires_ms = record_get_time(reader);
    snapshot->identity = (enum identity_outcome)record_get_small(reader, IDENTITY_BLOCKED);
    snapshot->opened_seq = record_get_uint(reader);
    snapshot->candidate_count = record_get_small(reader, CORE_CANDIDATES_MAX);
    struct uuid *candidates = arena_array(arena, struct uuid, snapshot->candidate_count);
    for (uint32_t i = 0; i < snapshot->candidate_count; i++)
        candidates[i] = record_get_uuid(reader);
    snapshot->candidates = candidates;
}

bool record_read_decision(struct outcome *out, struct slice bytes, struct arena *arena)
{
    struct record_reader reader = record_reader_start(bytes);
    *out = (struct outcome){.waited_ms = -1};
    if (record_get_uint(&reader) != RECORD_VERSION)
        return false;
    out->kind = (enum input_kind)record_get_small(&reader, INPUT_KIND_COUNT - 1);
    out->outcome = (enum event_outcome)record_get_small(&reader, OUTCOME_DONE);
    out->agent = record_get_text(&reader);
    out->state = (enum agent_state)record_get_small(&reader, AGENT_NOT_RESPONDING);
    out->created = record_get_uuid(&reader);
    out->hit = record_get_uuid(&reader);
    uint32_t count = record_get_count(&reader);
    struct snapshot *snapshots = arena_array(arena, struct snapshot, count);
    for (uint32_t i = 0; i < count && !reader.bad; i++)
        get_snapshot(&reader, &snapshots[i], arena);
    uint32_t answer = record_get_small(&reader, count);
    out->snapshot = answer ? &snapshots[answer - 1] : NULL;
    out->announcement_count = record_get_count(&reader);
    struct announcement **tail = &out->announcements;
    for (uint32_t i = 0; i < out->announcement_count && !reader.bad; i++) {
        struct announcement *announcement = arena_new(arena, struct announcement);
        announcement->type = (enum announcement_type)record_get_small(&reader, ANNOUNCE_TYPE_COUNT - 1);
        uint32_t number = record_get_small(&reader, count);
        announcement->snapshot = number ? &snapshots[number - 1] : NULL;
        announcement->agent = record_get_text(&reader);
        announcement->agentsequence = record_get_uint(&reader);
        announcement->cause = record_get_text(&reader);
        announcement->state = (enum agent_state)record_get_small(&reader, AGENT_NOT_RESPONDING);
        if (!announcement->snapshot && announcement->type != ANNOUNCE_PRESENCE)
            reader.bad = true;
        *tail = announcement;
        tail = &announcement->next;
    }
    record_get_explanations(&reader, out, snapshots, count, arena);
    return record_reader_is_done(&reader);
}
