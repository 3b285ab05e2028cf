#include "proto/hook_generic.h"

#include "proto/cloudevent.h"
#include "proto/fault.h"
#include "proto/hook_form.h"
#include "proto/hook_presets.h"
#include "rules/ascii.h"

#define FROM_MEMBERS 4
#define DATA_MEMBERS 9
#define MILLISECOND_DIGITS 12 /* as seconds it would be the year 5138 */

struct hook_mapping *hook_mapping_copy(const struct hook_mapping *mapping, struct arena *arena)
{
    struct hook_mapping *out = arena_new(arena, struct hook_mapping);
    *out = *mapping;
    out->each = arena_copy(arena, mapping->each);
    out->header = arena_copy(arena, mapping->header);
    out->prefix = arena_copy(arena, mapping->prefix);
    out->rules = arena_array(arena, struct hook_rule, mapping->rule_count);
    for (uint32_t i = 0; i < mapping->rule_count; i++) {
        const struct hook_rule *from = &mapping->rules[i];
        struct hook_rule *to = &out->rules[i];
        *to = *from;
        to->conditions = arena_array(arena, struct hook_condition, from->condition_count);
        to->attributes = arena_array(arena, struct hook_attribute, from->attribute_count);
        for (uint32_t j = 0; j < from->condition_count; j++)
            to->conditions[j] = (struct hook_condition){arena_copy(arena, from->conditions[j].pointer),
                                                        arena_copy(arena, from->conditions[j].equals)};
        for (uint32_t j = 0; j < from->attribute_count; j++)
            to->attributes[j] = (struct hook_attribute){arena_copy(arena, from->attributes[j].name),
                                                        {arena_copy(arena, from->attributes[j].place.text)}};
        for (unsigned j = 0; j < HOOK_PART_COUNT; j++)
            to->parts[j].text = arena_copy(arena, from->parts[j].text);
    }
    return out;
}

enum hook_status hook_generic_verify(const struct hook_request *request, struct arena *arena)
{
    const struct hook_mapping *mapping = request->mapping;
    if (!request->secret_count || !mapping)
        return HOOK_OK;
    struct slice signature = hook_header(request, arena_string(arena, mapping->header));
    struct slice prefix = mapping->prefix;
    if (signature.len < prefix.len || !slice_equal(ascii_part(signature, 0, prefix.len), prefix))
        return HOOK_BAD_SIGNATURE;
    signature = ascii_part(signature, prefix.len, signature.len);
    struct slice bytes = request->method == HOOK_GET ? request->query : request->body;
    return hook_is_signed(request, mapping->hash, mapping->coding, &bytes, 1, signature) ? HOOK_OK
                                                                                         : HOOK_BAD_SIGNATURE;
}

/* --- one document, one rule --- */

struct scene {
    const struct hook_request *request;
    struct hook_result *result;
    const struct hook_rule *rule;
    const struct value *document;
    struct arena *arena;
};

static const struct value *value_of(const struct scene *scene, struct slice place)
{
    return place.len && place.ptr[0] == '/' ? hook_at(scene->document, place) : NULL;
}

static struct slice part_text(const struct scene *scene, enum hook_part part)
{
    struct slice place = scene->rule->parts[part].text;
    if (place.len && place.ptr[0] == '=')
        return ascii_part(place, 1, place.len);
    return hook_value_text(value_of(scene, place), scene->arena);
}

static bool matches(const struct scene *scene)
{
    for (uint32_t i = 0; i < scene->rule->condition_count; i++) {
        const struct hook_condition *condition = &scene->rule->conditions[i];
        const struct value *value = hook_at(scene->document, condition->pointer);
        if (!value || !slice_equal(hook_value_text(value, scene->arena), condition->equals))
            return false;
    }
    return true;
}

static enum hook_status missing(const struct scene *scene, enum hook_part part)
{
    return hook_missing(scene->result, arena_string(scene->arena, scene->rule->parts[part].text));
}

/* RFC 3339, or seconds or milliseconds since 1970. */
static bool read_time(int64_t *out_ms, struct slice text, struct arena *arena)
{
    if (time_read(out_ms, text))
        return true;
    if (text.len >= MILLISECOND_DIGITS && ascii_find(text, '.') == text.len)
        text = arena_format(arena, "%.*s.%.3s", (int)(text.len - 3), text.ptr, text.ptr + text.len - 3);
    return hook_seconds(out_ms, text);
}

static struct value from_of(const struct scene *scene, enum hook_part *first)
{
    static const struct {
        enum hook_part part;
        const char *name;
    } members[FROM_MEMBERS] = {{HOOK_FROM_PHONE, "phone"},
                               {HOOK_FROM_EMAIL, "email"},
                               {HOOK_FROM_ID, "id"},
                               {HOOK_FROM_NAME, "name"}};
    struct value from = value_map(scene->arena, FROM_MEMBERS);
    *first = HOOK_PART_COUNT;
    for (size_t i = 0; i < FROM_MEMBERS; i++) {
        struct slice text = part_text(scene, members[i].part);
        if (*first == HOOK_PART_COUNT && scene->rule->parts[members[i].part].text.len)
            *first = members[i].part;
        value_set_text(&from, members[i].name,
                       members[i].part == HOOK_FROM_PHONE ? hook_phone(scene->request, text, scene->arena)
                                                          : text);
    }
    return from;
}

static bool names_somebody(const struct value *from)
{
    return value_member(from, "phone") || value_member(from, "email") || value_member(from, "id");
}

static struct value attributes_of(const struct scene *scene)
{
    struct value map = value_map(scene->arena, scene->rule->attribute_count);
    for (uint32_t i = 0; i < scene->rule->attribute_count; i++) {
        const struct hook_attribute *attribute = &scene->rule->attributes[i];
        struct slice place = attribute->place.text;
        const struct value *value = value_of(scene, place);
        struct value constant = value_string(ascii_part(place, place.len ? 1 : 0, place.len));
        if (value || (place.len && place.ptr[0] == '='))
            map.members[map.count++] = (struct value_member){attribute->name, value ? *value : constant};
    }
    return map;
}

static struct value data_of(const struct scene *scene, const struct value *from)
{
    struct value data = value_map(scene->arena, DATA_MEMBERS), attributes = attributes_of(scene);
    struct slice direction = part_text(scene, HOOK_DIRECTION);
    if (from->count)
        value_set(&data, "from", *from);
    value_set_text(&data, "to", part_text(scene, HOOK_TO));
    value_set_text(&data, "text", part_text(scene, HOOK_TEXT));
    value_set_text(&data, "subject", part_text(scene, HOOK_TITLE));
    value_set_text(&data, "cause", part_text(scene, HOOK_CAUSE));
    value_set_text(&data, "agent", part_text(scene, HOOK_AGENT));
    if (ascii_begins(direction, "out"))
        value_set(&data, "direction", value_string(SLICE("outbound")));
    if (attributes.count)
        value_set(&data, "attributes", attributes);
    return data;
}

static enum hook_status make(const struct scene *scene)
{
    struct hook_event event = {.type = scene->rule->type,
                               .id = part_text(scene, HOOK_ID),
                               .subject = part_text(scene, HOOK_SUBJECT),
                               .time_ms = TIME_NEVER};
    struct slice time = part_text(scene, HOOK_TIME);
    enum hook_part first;
    struct value from = from_of(scene, &first);
    if (!event.id.len)
        return missing(scene, HOOK_ID);
    if (!event.subject.len)
        return missing(scene, HOOK_SUBJECT);
    if (first != HOOK_PART_COUNT && !names_somebody(&from))
        return missing(scene, first);
    if (time.len && !read_time(&event.time_ms, time, scene->arena))
        return hook_malformed(scene->result, arena_string(scene->arena, scene->rule->parts[HOOK_TIME].text),
                              "is no time");
    event.data = data_of(scene, &from);
    return hook_add(scene->result, scene->request, &event, scene->arena);
}

/* --- the request --- */

static enum hook_status read_document(const struct hook_mapping *mapping, struct hook_result *result,
                                      const struct hook_request *request, const struct value *document,
                                      struct arena *arena)
{
    for (uint32_t i = 0; i < mapping->rule_count; i++) {
        struct scene scene = {request, result, &mapping->rules[i], document, arena};
        if (matches(&scene))
            return make(&scene);
    }
    return HOOK_IGNORED;
}

static enum hook_status read_body(struct value *document, struct hook_result *result,
                                  const struct hook_request *request, struct arena *arena)
{
    struct hook_form form;
    enum hook_status status = hook_form_read(&form, result, request, arena);
    if (status == HOOK_UNSUPPORTED)
        return hook_json(document, result, request, arena);
    if (status == HOOK_OK)
        *document = hook_form_value(&form, arena);
    return status;
}

/* One bad item does not cost the others. */
static enum hook_status read_items(const struct hook_mapping *mapping, struct hook_result *result,
                                   const struct hook_request *request, const struct value *list,
                                   struct arena *arena)
{
    for (uint32_t i = 0; i < list->count; i++) {
        enum hook_status status = read_document(mapping, result, request, &list->items[i], arena);
        if (status == HOOK_MALFORMED)
            hook_skip(result, arena_format(arena, "%.*s/%u", (int)mapping->each.len, mapping->each.ptr, i),
                      arena);
        if (status == HOOK_TOO_MANY)
            return status;
    }
    return hook_unless_skipped(result);
}

enum hook_status hook_generic_decode(struct hook_result *result, const struct hook_request *request,
                                     struct arena *arena)
{
    const struct hook_mapping *mapping = request->mapping;
    struct value document;
    if (!mapping)
        return HOOK_IGNORED;
    enum hook_status status = read_body(&document, result, request, arena);
    if (status != HOOK_OK)
        return status;
    if (!mapping->each.len)
        return read_document(mapping, result, request, &document, arena);
    const struct value *list = hook_at(&document, mapping->each);
    if (!list || list->kind != VALUE_LIST)
        return hook_malformed(result, arena_string(arena, mapping->each), "must be a list");
    return read_items(mapping, result, request, list, arena);
}
