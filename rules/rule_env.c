#include "rules/rule_env.h"

#include "rules/cel_from.h"

static const struct cel_type texts = {.kind = CEL_LIST, .item = &cel_type_string};
static const struct cel_type fields = {.kind = CEL_MAP, .key = &cel_type_string, .item = &cel_type_dyn};
static const struct cel_type numbers = {.kind = CEL_MAP, .key = &cel_type_string, .item = &cel_type_int};
static const struct cel_type queues = {.kind = CEL_MAP, .key = &cel_type_string, .item = &numbers};

const struct cel_variable rule_env_variables[RULE_VARIABLE_COUNT] = {
    [RULE_CHANNEL] = {SLICE("channel"), &cel_type_string},
    [RULE_FROM_PHONE] = {SLICE("from.phone"), &cel_type_string},
    [RULE_FROM_EMAIL] = {SLICE("from.email"), &cel_type_string},
    [RULE_FROM_REGION] = {SLICE("from.region"), &cel_type_string},
    [RULE_FROM_VERIFIED] = {SLICE("from.verified"), &cel_type_bool},
    [RULE_TO] = {SLICE("to"), &cel_type_string},
    [RULE_CUSTOMER_KNOWN] = {SLICE("customer.known"), &cel_type_bool},
    [RULE_CUSTOMER_TAGS] = {SLICE("customer.tags"), &texts},
    [RULE_CUSTOMER_STAGE] = {SLICE("customer.stage"), &cel_type_string},
    [RULE_CUSTOMER_OWNER] = {SLICE("customer.owner"), &cel_type_string},
    [RULE_CUSTOMER_SOURCE] = {SLICE("customer.source"), &cel_type_string},
    [RULE_CUSTOMER_FIELDS] = {SLICE("customer.fields"), &fields},
    [RULE_EVENT_ATTRIBUTES] = {SLICE("event.attributes"), &fields},
    [RULE_INTERACTION_AGE] = {SLICE("interaction.age"), &cel_type_duration},
    [RULE_INTERACTION_ATTEMPTS] = {SLICE("interaction.attempts"), &cel_type_int},
    [RULE_NOW] = {SLICE("now"), &cel_type_timestamp},
    [RULE_QUEUES] = {SLICE("queues"), &queues},
};

static struct cel_value text_or_absent(struct slice text)
{
    return text.len ? cel_string(text) : cel_absent();
}

static struct cel_value list_of(const struct slice *items, uint32_t count, struct arena *arena)
{
    struct cel_value *values = arena_array(arena, struct cel_value, count);
    for (uint32_t i = 0; i < count; i++)
        values[i] = cel_string(items[i]);
    return cel_list(values, count);
}

static struct cel_value map_of(const struct cel_entry *entries, uint32_t count, struct arena *arena)
{
    struct cel_value map;
    uint32_t bad;
    /* Keys are text and unique, so there is nothing to refuse. */
    return cel_map_make(&map, entries, count, &bad, arena) ? map : cel_absent();
}

/* A document that is no map reads as an empty one: a rule should not fail for what was not sent. */
static struct cel_value map_of_document(const struct value *document, struct arena *arena)
{
    bool is_map = document && document->kind == VALUE_MAP;
    return is_map ? cel_from_value(document, arena) : map_of(NULL, 0, arena);
}

static struct cel_value map_of_queue(const struct rule_queue *queue, struct arena *arena)
{
    struct cel_entry *entries = arena_array(arena, struct cel_entry, 3);
    entries[0] = (struct cel_entry){cel_string(SLICE("waiting")), cel_int(queue->waiting)};
    entries[1] = (struct cel_entry){cel_string(SLICE("available")), cel_int(queue->available)};
    entries[2] = (struct cel_entry){cel_string(SLICE("oldest_wait")), cel_int(queue->oldest_wait_s)};
    return map_of(entries, 3, arena);
}

static struct cel_value map_of_queues(const struct rule_subject *subject, struct arena *arena)
{
    uint32_t count = subject->config->queue_count;
    struct cel_entry *entries = arena_array(arena, struct cel_entry, count);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct cel_entry){cel_string(subject->config->queues[i].name),
                                        map_of_queue(&subject->queues[i], arena)};
    return map_of(entries, count, arena);
}

static bool is_verified(const struct value *attributes)
{
    const struct value *verified = value_member(attributes, "verified");
    return verified && verified->kind == VALUE_BOOL && verified->boolean;
}

static struct cel_value value_of(enum rule_variable variable, const struct rule_subject *subject,
                                 struct arena *arena)
{
    const struct customer_fact *fact = subject->fact;
    switch (variable) {
    case RULE_CHANNEL:
        return cel_string(slice_of(channel_name(subject->channel)));
    case RULE_FROM_PHONE:
        return text_or_absent(subject->texts->phone_key);
    case RULE_FROM_EMAIL:
        return text_or_absent(subject->texts->email_key);
    case RULE_FROM_REGION:
        return text_or_absent(subject->texts->region);
    case RULE_FROM_VERIFIED:
        return cel_bool(is_verified(subject->attributes));
    case RULE_TO:
        return cel_string(subject->texts->recipient);
    case RULE_CUSTOMER_KNOWN:
        return cel_bool(!uuid_is_nil(&fact->id));
    case RULE_CUSTOMER_TAGS:
        return list_of(fact->tags, fact->tag_count, arena);
    case RULE_CUSTOMER_STAGE:
        return text_or_absent(fact->stage);
    case RULE_CUSTOMER_OWNER:
        return text_or_absent(fact->owner);
    case RULE_CUSTOMER_SOURCE:
        return text_or_absent(fact->source);
    case RULE_CUSTOMER_FIELDS:
        return map_of_document(&fact->fields, arena);
    case RULE_EVENT_ATTRIBUTES:
        return map_of_document(subject->attributes, arena);
    case RULE_INTERACTION_AGE:
        return cel_duration_ms(subject->age_ms);
    case RULE_INTERACTION_ATTEMPTS:
        return cel_int(subject->attempts);
    case RULE_NOW:
        return cel_timestamp_ms(subject->now_ms);
    case RULE_QUEUES:
        return map_of_queues(subject, arena);
    case RULE_VARIABLE_COUNT:
        break;
    }
    return cel_absent();
}

void rule_env_fill(struct cel_value values[RULE_VARIABLE_COUNT], uint32_t *filled,
                   const struct cel_program *program, const struct rule_subject *subject, struct arena *arena)
{
    for (uint32_t i = 0; i < RULE_VARIABLE_COUNT; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if (*filled & bit || !cel_uses(program, i))
            continue;
        values[i] = value_of((enum rule_variable)i, subject, arena);
        *filled |= bit;
    }
}
