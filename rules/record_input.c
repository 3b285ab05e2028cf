/* Inputs: what happened, without whom it happened to. */
#include "rules/record.h"
#include "rules/record_bytes.h"

enum {
    EVENT_OUTBOUND = 1,
    EVENT_PRIVACY = 2,
    EVENT_MACHINE = 4,
    EVENT_HAS_PHONE = 8, /* a canonical key, which content has */
    EVENT_HAS_EMAIL = 16,
    EVENT_METERED = 32,
    EVENT_FLAGS_MAX = 63,
};

static void put_event(struct record_writer *writer, const struct input *input)
{
    const struct event *event = input->event;
    record_put_uint(writer, event->type);
    record_put_time(writer, event->time_ms);
    record_put_uint(
        writer, (event->outbound ? EVENT_OUTBOUND : 0u) | (event->privacy ? EVENT_PRIVACY : 0u) |
                    (input->machine ? EVENT_MACHINE : 0u) | (input->phone.key.len ? EVENT_HAS_PHONE : 0u) |
                    (input->email.key.len ? EVENT_HAS_EMAIL : 0u) | (input->metered ? EVENT_METERED : 0u));
    record_put_uint(writer, input->phone.class);
    record_put_text(writer, input->phone.region);
    record_put_uuid(writer, &input->conversation);
    record_put_uint(writer, input->thread_count);
    for (uint32_t i = 0; i < input->thread_count; i++)
        record_put_uuid(writer, &input->thread[i]);
    if (input->metered)
        record_put_uuid(writer, &input->metered_thread);
    record_put_text(writer, event->agent);
    record_put_text(writer,
                    event->cause); /* the last: whoever erases cuts it off (told_end() of the database) */
}

static void put_block(struct record_writer *writer, const struct block *block)
{
    record_put_uuid(writer, &block->id);
    record_put_uint(writer, block->kind);
    record_put_uuid(writer, &block->customer);
    record_put_uint(writer, block->channels);
    record_put_int(writer, block->start_ms);
    record_put_time(writer, block->until_ms);
}

struct slice record_input(const struct input *input, struct arena *arena)
{
    struct record_writer writer = record_writer_start(arena, 96);
    record_put_uint(&writer, RECORD_VERSION);
    record_put_uint(&writer, input->kind);
    switch (input->kind) {
    case INPUT_EVENT:
        put_event(&writer, input);
        break;
    case INPUT_ACCEPT:
        record_put_uuid(&writer, &input->offer);
        record_put_text(&writer, input->actor);
        break;
    case INPUT_REJECT:
        record_put_uuid(&writer, &input->offer);
        record_put_text(&writer, input->actor);
        record_put_uint(&writer, input->cause);
        break;
    case INPUT_PRESENCE:
        record_put_text(&writer, input->actor);
        record_put_text(&writer, input->agent);
        record_put_uint(&writer, input->presence);
        record_put_text(&writer, input->reason);
        record_put_int(&writer, input->lease_ms);
        break;
    case INPUT_END:
    case INPUT_LINK:
        record_put_uuid(&writer, &input->interaction);
        record_put_text(&writer, input->actor);
        break;
    case INPUT_TIMER:
        record_put_uint(&writer, input->drain);
        break;
    case INPUT_CONFIG:
        record_put_uint(&writer, input->config_version);
        break;
    case INPUT_BLOCK:
        put_block(&writer, &input->block);
        break;
    case INPUT_UNBLOCK:
        record_put_uuid(&writer, &input->block.id);
        break;
    case INPUT_TRANSFER:
        record_put_uuid(&writer, &input->interaction);
        record_put_text(&writer, input->actor);
        record_put_text(&writer, input->queue);
        record_put_text(&writer, input->agent);
        record_put_uint(&writer, input->keep_age);
        break;
    case INPUT_ASSIGN:
    case INPUT_PULL:
        record_put_uuid(&writer, &input->interaction);
        record_put_text(&writer, input->actor);
        record_put_text(&writer, input->agent);
        break;
    case INPUT_AUDIT:
        record_put_text(&writer, input->finding);
        break;
    }
    return record_writer_end(&writer);
}

/* --- Reading --- */

static struct slice key_or_erased(bool had, struct slice key)
{
    if (!had)
        return (struct slice){NULL, 0};
    return key.len ? key : RECORD_ERASED_KEY;
}

static void get_event(struct record_reader *reader, struct input *input, const struct record_people *people,
                      struct arena *arena)
{
    const struct party_texts *texts = &people->texts;
    struct event *event = arena_new(arena, struct event);
    event->type = (enum event_type)record_get_small(reader, EVENT_TYPE_COUNT - 1);
    event->time_ms = record_get_time(reader);
    uint32_t flags = record_get_small(reader, EVENT_FLAGS_MAX);
    event->outbound = flags & EVENT_OUTBOUND;
    event->privacy = flags & EVENT_PRIVACY;
    input->machine = flags & EVENT_MACHINE;
    input->metered = flags & EVENT_METERED;
    input->phone.key = key_or_erased(flags & EVENT_HAS_PHONE, texts->phone_key);
    input->email.key = key_or_erased(flags & EVENT_HAS_EMAIL, texts->email_key);
    input->phone.class = (enum caller_class)record_get_small(reader, CALLER_UNUSABLE);
    input->phone.region = record_get_text(reader);
    input->conversation = record_get_uuid(reader);
    input->thread_count = record_get_count(reader);
    struct uuid *thread = arena_array(arena, struct uuid, input->thread_count);
    for (uint32_t i = 0; i < input->thread_count && !reader->bad; i++)
        thread[i] = record_get_uuid(reader);
    input->thread = thread;
    if (input->metered)
        input->metered_thread = record_get_uuid(reader);
    event->agent = record_get_text(reader);
    event->cause = record_get_text(reader);
    event->from = (struct party){texts->phone, texts->email, texts->id, texts->name};
    event->to = input->recipient_key = texts->recipient;
    event->source = texts->source;
    event->subject = texts->subject;
    event->title = texts->title;
    event->text = people->body;
    event->attributes = people->attributes;
    input->event = event;
}

static struct block get_block(struct record_reader *reader)
{
    struct block block = {.id = record_get_uuid(reader)};
    block.kind = (enum block_kind)record_get_small(reader, BLOCK_KIND_COUNT - 1);
    block.customer = record_get_uuid(reader);
    block.channels = (uint8_t)record_get_small(reader, UINT8_MAX);
    block.start_ms = record_get_int(reader);
    block.until_ms = record_get_time(reader);
    return block;
}

bool record_read_input(struct input *out, struct slice bytes, const struct record_people *people,
                       struct arena *arena)
{
    struct record_reader reader = record_reader_start(bytes);
    *out = (struct input){.kind = INPUT_EVENT};
    if (record_get_uint(&reader) != RECORD_VERSION)
        return false;
    out->kind = (enum input_kind)record_get_small(&reader, INPUT_KIND_COUNT - 1);
    switch (out->kind) {
    case INPUT_EVENT:
        get_event(&reader, out, people, arena);
        break;
    case INPUT_ACCEPT:
        out->offer = record_get_uuid(&reader);
        out->actor = record_get_text(&reader);
        break;
    case INPUT_REJECT:
        out->offer = record_get_uuid(&reader);
        out->actor = record_get_text(&reader);
        out->cause = (enum reject_cause)record_get_small(&reader, REJECT_CAUSE_COUNT - 1);
        break;
    case INPUT_PRESENCE:
        out->actor = record_get_text(&reader);
        out->agent = record_get_text(&reader);
        out->presence = (enum agent_state)record_get_small(&reader, AGENT_NOT_RESPONDING);
        out->reason = record_get_text(&reader);
        out->lease_ms = record_get_int(&reader);
        break;
    case INPUT_END:
    case INPUT_LINK:
        out->interaction = record_get_uuid(&reader);
        out->actor = record_get_text(&reader);
        break;
    case INPUT_TIMER:
        out->drain = record_get_small(&reader, 1);
        break;
    case INPUT_CONFIG:
        out->config_version = record_get_uint(&reader);
        break;
    case INPUT_BLOCK:
        out->block = get_block(&reader);
        break;
    case INPUT_UNBLOCK:
        out->block.id = record_get_uuid(&reader);
        break;
    case INPUT_TRANSFER:
        out->interaction = record_get_uuid(&reader);
        out->actor = record_get_text(&reader);
        out->queue = record_get_text(&reader);
        out->agent = record_get_text(&reader);
        out->keep_age = record_get_small(&reader, 1);
        break;
    case INPUT_ASSIGN:
    case INPUT_PULL:
        out->interaction = record_get_uuid(&reader);
        out->actor = record_get_text(&reader);
        out->agent = record_get_text(&reader);
        break;
    case INPUT_AUDIT:
        out->finding = record_get_text(&reader);
        break;
    default:
        return false;
    }
    return record_reader_is_done(&reader);
}

struct slice record_reported(struct slice bytes, struct arena *arena)
{
    static const struct record_people nobody;
    struct input input;
    bool is_event = record_read_input(&input, bytes, &nobody, arena) && input.kind == INPUT_EVENT;
    return is_event ? input.event->cause : (struct slice){NULL, 0};
}
