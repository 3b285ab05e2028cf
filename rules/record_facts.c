/* What was known of the people that an input was about. */
#include "rules/record.h"
#include "rules/record_bytes.h"

enum { FOUND_BY_PHONE = 1, FOUND_BY_EMAIL = 2, HAS_FIELDS = 4, FACT_FLAGS_MAX = 7 };

static bool has_fields(const struct customer_fact *fact)
{
    return fact->fields.kind == VALUE_MAP && fact->fields.count > 0;
}

static void put_customer(struct record_writer *writer, const struct customer_fact *fact)
{
    record_put_uuid(writer, &fact->id);
    record_put_uint(writer, (fact->by_phone ? FOUND_BY_PHONE : 0u) | (fact->by_email ? FOUND_BY_EMAIL : 0u) |
                                (has_fields(fact) ? HAS_FIELDS : 0u));
    record_put_text(writer, fact->owner);
    record_put_text(writer, fact->stage);
    record_put_text(writer, fact->source);
    record_put_uint(writer, fact->tag_count);
    for (uint32_t i = 0; i < fact->tag_count; i++)
        record_put_text(writer, fact->tags[i]);
}

/* With fields that are an empty map where it had some. */
static void get_customer(struct record_reader *reader, struct customer_fact *fact, struct arena *arena)
{
    *fact = (struct customer_fact){.id = record_get_uuid(reader)};
    uint32_t flags = record_get_small(reader, FACT_FLAGS_MAX);
    fact->by_phone = flags & FOUND_BY_PHONE;
    fact->by_email = flags & FOUND_BY_EMAIL;
    fact->fields.kind = flags & HAS_FIELDS ? VALUE_MAP : VALUE_NULL;
    fact->owner = record_get_text(reader);
    fact->stage = record_get_text(reader);
    fact->source = record_get_text(reader);
    fact->tag_count = record_get_count(reader);
    fact->tags = arena_array(arena, struct slice, fact->tag_count);
    for (uint32_t i = 0; i < fact->tag_count && !reader->bad; i++)
        fact->tags[i] = record_get_text(reader);
}

/* --- Facts of an input --- */

struct slice record_facts(const struct facts *facts, struct arena *arena)
{
    struct record_writer writer = record_writer_start(arena, 32 + 64 * (size_t)facts->candidate_count);
    record_put_uint(&writer, RECORD_VERSION);
    record_put_uuid(&writer, &facts->closed);
    record_put_uint(&writer, facts->candidate_count);
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        put_customer(&writer, &facts->candidates[i]);
        record_put_text(&writer, facts->candidates[i].last_agent);
        record_put_int(&writer, facts->candidates[i].last_ms);
    }
    return record_writer_end(&writer);
}

struct value record_facts_fields(const struct facts *facts, struct arena *arena)
{
    bool any = false;
    struct value list = value_list(arena, facts->candidate_count);
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        bool has = has_fields(&facts->candidates[i]);
        value_append(&list, has ? facts->candidates[i].fields : value_null());
        any |= has;
    }
    return any ? list : value_null();
}

bool record_read_facts(struct facts *out, struct slice bytes, const struct value *fields, struct arena *arena)
{
    struct record_reader reader = record_reader_start(bytes);
    *out = (struct facts){.candidates = NULL};
    if (record_get_uint(&reader) != RECORD_VERSION)
        return false;
    out->closed = record_get_uuid(&reader);
    out->candidate_count = record_get_small(&reader, CORE_CANDIDATES_MAX);
    out->candidates = arena_array(arena, struct customer_fact, out->candidate_count);
    for (uint32_t i = 0; i < out->candidate_count && !reader.bad; i++) {
        struct customer_fact *fact = &out->candidates[i];
        get_customer(&reader, fact, arena);
        fact->last_agent = record_get_text(&reader);
        fact->last_ms = record_get_int(&reader);
        if (fact->fields.kind == VALUE_MAP && fields && fields->kind == VALUE_LIST && i < fields->count &&
            fields->items[i].kind == VALUE_MAP)
            fact->fields = fields->items[i];
    }
    return record_reader_is_done(&reader);
}

/* --- What an open interaction keeps --- */

static void put_routing(struct record_writer *writer, const struct core *core,
                        const struct interaction_data *data)
{
    struct slice none = {NULL, 0};
    record_put_text(writer, data->rule < 0 ? none : core->config->rules[data->rule].name);
    record_put_text(writer, data->excluded < 0 ? none : core->agents[data->excluded].name);
    record_put_uint(writer, (uint64_t)data->relax_step);
    record_put_uint(writer, data->stage + (data->is_relinked ? PREFER_STAGE_COUNT : 0));
    record_put_uint(writer, data->moved);
    record_put_int(writer, data->entered_ms);
    record_put_time(writer, data->held_until);
    record_put_time(writer, data->reply_by);
}

struct slice record_open(const struct core *core, const struct interaction *interaction, struct arena *arena)
{
    const struct customer_fact *fact = &interaction->data.fact;
    struct record_writer writer = record_writer_start(arena, 96);
    record_put_uint(&writer, RECORD_VERSION);
    put_routing(&writer, core, &interaction->data);
    record_put_text(&writer, interaction->texts.region);
    put_customer(&writer, fact);
    if (has_fields(fact))
        record_put_value(&writer, &fact->fields);
    /* Whom the preference asks when its queue opens, or when it is sent on. */
    record_put_text(&writer, fact->last_agent);
    record_put_int(&writer, fact->last_ms);
    return record_writer_end(&writer);
}

static void get_routing(struct record_reader *reader, struct interaction_data *data,
                        struct record_names *names)
{
    names->rule = record_get_text(reader);
    names->excluded = record_get_text(reader);
    data->relax_step = (int32_t)record_get_small(reader, CONFIG_RELAX_MAX);
    unsigned stage = record_get_small(reader, 2 * PREFER_STAGE_COUNT - 1);
    data->stage = (enum prefer_stage)(stage % PREFER_STAGE_COUNT);
    data->is_relinked = stage >= PREFER_STAGE_COUNT;
    data->moved = (enum move)record_get_small(reader, MOVE_COUNT - 1);
    data->entered_ms = record_get_int(reader);
    data->held_until = record_get_time(reader);
    data->reply_by = record_get_time(reader);
}

bool record_read_open(struct interaction *out, struct record_names *names, struct slice bytes,
                      struct arena *arena)
{
    struct record_reader reader = record_reader_start(bytes);
    struct customer_fact *fact = &out->data.fact;
    if (record_get_uint(&reader) != RECORD_VERSION)
        return false;
    get_routing(&reader, &out->data, names);
    out->texts.region = record_get_text(&reader);
    get_customer(&reader, fact, arena);
    bool had_fields = fact->fields.kind == VALUE_MAP;
    if (had_fields)
        fact->fields = record_get_value(&reader, arena);
    fact->last_agent = record_get_text(&reader);
    fact->last_ms = record_get_int(&reader);
    return record_reader_is_done(&reader) && has_fields(fact) == had_fields;
}
