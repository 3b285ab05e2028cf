#include "rules/record.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_LOOK_BACK 16       /* announcements of one snapshot stand close together */
#define RECORD_ITEMS_MAX (1u << 20) /* snapshots or announcements of one decision */

/* --- Writing --- */

struct writer {
    struct arena *arena;
    uint8_t *bytes;
    size_t len, room;
};

static void put_bytes(struct writer *writer, const void *bytes, size_t len)
{
    if (writer->room - writer->len < len) {
        size_t room = (writer->room + len) * 2;
        uint8_t *grown = arena_alloc(writer->arena, room);
        if (writer->len)
            memcpy(grown, writer->bytes, writer->len);
        writer->bytes = grown;
        writer->room = room;
    }
    if (len)
        memcpy(writer->bytes + writer->len, bytes, len);
    writer->len += len;
}

static void put_uint(struct writer *writer, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len++] = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value);
    put_bytes(writer, bytes, len);
}

static void put_int(struct writer *writer, int64_t value)
{
    put_uint(writer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_text(struct writer *writer, struct slice text)
{
    put_uint(writer, text.len);
    put_bytes(writer, text.ptr, text.len);
}

static void put_uuid(struct writer *writer, const struct uuid *id)
{
    uint8_t there = !uuid_is_nil(id);
    put_bytes(writer, &there, 1);
    if (there)
        put_bytes(writer, id->bytes, sizeof id->bytes);
}

static struct writer writer_start(struct arena *arena, size_t room)
{
    return (struct writer){.arena = arena, .bytes = arena_alloc(arena, room), .room = room};
}

static struct slice writer_end(const struct writer *writer)
{
    return (struct slice){(const char *)writer->bytes, writer->len};
}

static void put_event(struct writer *writer, const struct input *input)
{
    const struct event *event = input->event;
    put_uint(writer, event->type);
    put_int(writer, event->time_ms == TIME_NEVER ? 0 : event->time_ms);
    put_uint(writer,
             (uint64_t)event->outbound | (uint64_t)event->privacy << 1 | (uint64_t)input->machine << 2);
    put_uint(writer, input->phone.class);
    put_uuid(writer, &input->conversation);
    put_uint(writer, input->thread_count);
    for (uint32_t i = 0; i < input->thread_count; i++)
        put_uuid(writer, &input->thread[i]);
    put_text(writer, event->agent);
    put_text(writer, event->cause);
}

struct slice record_input(const struct input *input, struct arena *arena)
{
    struct writer writer = writer_start(arena, 96);
    put_uint(&writer, RECORD_VERSION);
    switch (input->kind) {
    case INPUT_EVENT:
        put_event(&writer, input);
        break;
    case INPUT_ACCEPT:
        put_uuid(&writer, &input->offer);
        put_text(&writer, input->actor);
        break;
    case INPUT_REJECT:
        put_uuid(&writer, &input->offer);
        put_text(&writer, input->actor);
        put_uint(&writer, input->cause);
        break;
    case INPUT_PRESENCE:
        put_text(&writer, input->agent);
        put_uint(&writer, input->presence);
        put_text(&writer, input->reason);
        put_int(&writer, input->lease_ms);
        break;
    case INPUT_END:
        put_uuid(&writer, &input->interaction);
        put_text(&writer, input->actor);
        break;
    case INPUT_TIMER:
        break;
    case INPUT_CONFIG:
        put_uint(&writer, input->config_version);
        break;
    case INPUT_BLOCK:
        put_uuid(&writer, &input->block.id);
        break;
    case INPUT_UNBLOCK:
        put_uuid(&writer, &input->block.id);
        break;
    case INPUT_TRANSFER:
        put_uuid(&writer, &input->interaction);
        put_text(&writer, input->actor);
        put_text(&writer, input->queue);
        put_text(&writer, input->agent);
        put_uint(&writer, input->keep_age);
        break;
    case INPUT_ASSIGN:
    case INPUT_PULL:
        put_uuid(&writer, &input->interaction);
        put_text(&writer, input->actor);
        put_text(&writer, input->agent);
        break;
    }
    return writer_end(&writer);
}

struct slice record_facts(const struct facts *facts, struct arena *arena)
{
    struct writer writer = writer_start(arena, 32 + 48 * (size_t)facts->candidate_count);
    put_uint(&writer, RECORD_VERSION);
    put_uuid(&writer, &facts->closed);
    put_uint(&writer, facts->candidate_count);
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        const struct customer_fact *fact = &facts->candidates[i];
        put_uuid(&writer, &fact->id);
        put_uint(&writer, (uint64_t)fact->by_phone | (uint64_t)fact->by_email << 1);
        put_text(&writer, fact->owner);
        put_uint(&writer, fact->tag_count);
        for (uint32_t t = 0; t < fact->tag_count; t++)
            put_text(&writer, fact->tags[t]);
    }
    return writer_end(&writer);
}

static void put_snapshot(struct writer *writer, const struct snapshot *snapshot)
{
    put_uuid(writer, &snapshot->interaction);
    put_uuid(writer, &snapshot->offer);
    put_uuid(writer, &snapshot->customer);
    put_uint(writer, snapshot->channel);
    put_uint(writer, snapshot->outbound);
    put_uint(writer, snapshot->state);
    put_text(writer, snapshot->queue);
    put_text(writer, snapshot->agent);
    put_int(writer, snapshot->expires_ms == TIME_NEVER ? 0 : snapshot->expires_ms);
    put_uint(writer, snapshot->identity);
    put_uint(writer, snapshot->opened_seq);
    put_uint(writer, snapshot->candidate_count);
    for (uint32_t i = 0; i < snapshot->candidate_count; i++)
        put_uuid(writer, &snapshot->candidates[i]);
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
    struct writer writer = writer_start(arena, 256);
    const struct snapshot **seen =
        arena_array(arena, const struct snapshot *, outcome->announcement_count + (size_t)1);
    uint32_t *numbers = arena_array(arena, uint32_t, outcome->announcement_count + (size_t)1);
    uint32_t count = 0, n = 0;
    uint32_t answer = snapshot_number(seen, &count, outcome->snapshot);
    for (const struct announcement *a = outcome->announcements; a; a = a->next)
        numbers[n++] = snapshot_number(seen, &count, a->snapshot);

    put_uint(&writer, RECORD_VERSION);
    put_uint(&writer, outcome->kind);
    put_uint(&writer, outcome->outcome);
    put_text(&writer, outcome->agent);
    put_uint(&writer, outcome->state);
    put_uuid(&writer, &outcome->created);
    put_uuid(&writer, &outcome->hit);
    put_uint(&writer, count);
    for (uint32_t i = 0; i < count; i++)
        put_snapshot(&writer, seen[i]);
    put_uint(&writer, answer);
    put_uint(&writer, outcome->announcement_count);
    n = 0;
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        put_uint(&writer, a->type);
        put_uint(&writer, numbers[n++]);
        put_text(&writer, a->agent);
        put_uint(&writer, a->agentsequence);
        put_text(&writer, a->cause);
        put_uint(&writer, a->state);
    }
    return writer_end(&writer);
}

/* --- Reading --- */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static uint64_t get_uint(struct reader *reader)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (reader->at == reader->end)
            break;
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    reader->bad = true;
    return 0;
}

/* An enumerator or a count: at most `max`. */
static uint32_t get_small(struct reader *reader, uint32_t max)
{
    uint64_t value = get_uint(reader);
    if (value > max)
        reader->bad = true;
    return reader->bad ? 0 : (uint32_t)value;
}

static int64_t get_int(struct reader *reader)
{
    uint64_t value = get_uint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static const uint8_t *get_bytes(struct reader *reader, size_t len)
{
    const uint8_t *bytes = reader->at;
    if (reader->bad || (size_t)(reader->end - reader->at) < len) {
        reader->bad = true;
        return NULL;
    }
    reader->at += len;
    return bytes;
}

static struct slice get_text(struct reader *reader)
{
    size_t len = get_uint(reader);
    const uint8_t *bytes = get_bytes(reader, len);
    return bytes && len ? (struct slice){(const char *)bytes, len} : (struct slice){NULL, 0};
}

static struct uuid get_uuid(struct reader *reader)
{
    struct uuid id = {{0}};
    const uint8_t *bytes = get_small(reader, 1) ? get_bytes(reader, sizeof id.bytes) : NULL;
    if (bytes)
        memcpy(id.bytes, bytes, sizeof id.bytes);
    return id;
}

static void get_snapshot(struct reader *reader, struct snapshot *snapshot, struct arena *arena)
{
    snapshot->interaction = get_uuid(reader);
    snapshot->offer = get_uuid(reader);
    snapshot->customer = get_uuid(reader);
    snapshot->channel = (enum channel)get_small(reader, CHANNEL_COUNT - 1);
    snapshot->outbound = get_small(reader, 1);
    snapshot->state = (enum interaction_state)get_small(reader, INTERACTION_CLOSED);
    snapshot->queue = get_text(reader);
    snapshot->agent = get_text(reader);
    int64_t expires = get_int(reader);
    snapshot->expires_ms = expires ? expires : TIME_NEVER;
    snapshot->identity = (enum identity_outcome)get_small(reader, IDENTITY_BLOCKED);
    snapshot->opened_seq = get_uint(reader);
    snapshot->candidate_count = get_small(reader, CORE_CANDIDATES_MAX);
    struct uuid *candidates = arena_array(arena, struct uuid, snapshot->candidate_count);
    for (uint32_t i = 0; i < snapshot->candidate_count; i++)
        candidates[i] = get_uuid(reader);
    snapshot->candidates = candidates;
}

/* A count of things of at least one byte each. */
static uint32_t get_count(struct reader *reader)
{
    uint32_t count = get_small(reader, RECORD_ITEMS_MAX);
    if (count > (size_t)(reader->end - reader->at))
        reader->bad = true;
    return reader->bad ? 0 : count;
}

bool record_read_decision(struct outcome *out, struct slice bytes, struct arena *arena)
{
    struct reader reader = {(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len, false};
    *out = (struct outcome){.waited_ms = -1};
    if (get_uint(&reader) != RECORD_VERSION)
        return false;
    out->kind = (enum input_kind)get_small(&reader, INPUT_KIND_COUNT - 1);
    out->outcome = (enum event_outcome)get_small(&reader, OUTCOME_DONE);
    out->agent = get_text(&reader);
    out->state = (enum agent_state)get_small(&reader, AGENT_NOT_RESPONDING);
    out->created = get_uuid(&reader);
    out->hit = get_uuid(&reader);
    uint32_t count = get_count(&reader);
    struct snapshot *snapshots = arena_array(arena, struct snapshot, count);
    for (uint32_t i = 0; i < count && !reader.bad; i++)
        get_snapshot(&reader, &snapshots[i], arena);
    uint32_t answer = get_small(&reader, count);
    out->snapshot = answer ? &snapshots[answer - 1] : NULL;
    out->announcement_count = get_count(&reader);
    struct announcement **tail = &out->announcements;
    for (uint32_t i = 0; i < out->announcement_count && !reader.bad; i++) {
        struct announcement *announcement = arena_new(arena, struct announcement);
        announcement->type = (enum announcement_type)get_small(&reader, ANNOUNCE_TYPE_COUNT - 1);
        uint32_t number = get_small(&reader, count);
        announcement->snapshot = number ? &snapshots[number - 1] : NULL;
        announcement->agent = get_text(&reader);
        announcement->agentsequence = get_uint(&reader);
        announcement->cause = get_text(&reader);
        announcement->state = (enum agent_state)get_small(&reader, AGENT_NOT_RESPONDING);
        if (!announcement->snapshot && announcement->type != ANNOUNCE_PRESENCE)
            reader.bad = true;
        *tail = announcement;
        tail = &announcement->next;
    }
    return !reader.bad && reader.at == reader.end;
}
