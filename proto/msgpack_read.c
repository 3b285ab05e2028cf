/* msgpack-c unpacks, after the scan has bounded what it may reserve: at most MSGPACK_NODES_MAX objects of 24
 * bytes and no copies, since its strings point into the input. */
#include "proto/msgpack.h"

#include <math.h>
#include <msgpack.h>
#include <string.h>
#include <unistr.h>

#include "proto/fault.h"
#include "proto/names.h"

/* Where in the document the walk is, for the fault's pointer: linked through the C stack. */
struct place {
    const struct place *up;
    struct slice name;
    char digits[12];
};

static void append_place(struct fault *fault, const struct place *place)
{
    if (!place)
        return;
    append_place(fault, place->up);
    fault_append_name(fault->pointer, sizeof fault->pointer, place->name);
}

static bool refuse(struct fault *fault, const struct place *place, const char *why)
{
    fault_set(fault, "", "%s", why);
    append_place(fault, place);
    return false;
}

static const char *text_fault(struct slice text)
{
    if (text.len && memchr(text.ptr, 0, text.len))
        return "a string holds NUL";
    if (text.len && u8_check((const uint8_t *)text.ptr, text.len))
        return "a string is not UTF-8";
    return NULL;
}

static bool convert(struct value *out, const msgpack_object *object, const struct place *place,
                    struct arena *arena, struct fault *fault);

static bool convert_list(struct value *out, const msgpack_object_array *array, const struct place *place,
                         struct arena *arena, struct fault *fault)
{
    *out = (struct value){
        .kind = VALUE_LIST, .count = array->size, .items = arena_array(arena, struct value, array->size)};
    for (uint32_t i = 0; i < array->size; i++) {
        struct place item = {.up = place};
        item.name = (struct slice){item.digits, (size_t)snprintf(item.digits, sizeof item.digits, "%u", i)};
        if (!convert(&out->items[i], &array->ptr[i], &item, arena, fault))
            return false;
    }
    return true;
}

static bool convert_map(struct value *out, const msgpack_object_map *map, const struct place *place,
                        struct arena *arena, struct fault *fault)
{
    *out = (struct value){
        .kind = VALUE_MAP, .count = map->size, .members = arena_array(arena, struct value_member, map->size)};
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *from = &map->ptr[i];
        if (from->key.type != MSGPACK_OBJECT_STR)
            return refuse(fault, place, "a map's key is not a string");
        struct slice name = {from->key.via.str.ptr, from->key.via.str.size};
        const char *why = text_fault(name);
        if (why)
            return refuse(fault, place, why);
        struct value_member *member = &out->members[i];
        member->name = arena_copy(arena, name);
        struct place inside = {.up = place, .name = member->name};
        if (!convert(&member->value, &from->val, &inside, arena, fault))
            return false;
    }
    const struct value_member *twice = names_find_duplicate(out, arena);
    if (twice)
        return refuse(fault, &(struct place){.up = place, .name = twice->name}, "the name is there twice");
    return true;
}

static bool convert_text(struct value *out, struct slice text, const struct place *place, struct arena *arena,
                         struct fault *fault)
{
    const char *why = text_fault(text);
    if (why)
        return refuse(fault, place, why);
    *out = value_string(arena_copy(arena, text));
    return true;
}

static bool convert(struct value *out, const msgpack_object *object, const struct place *place,
                    struct arena *arena, struct fault *fault)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        *out = value_null();
        return true;
    case MSGPACK_OBJECT_BOOLEAN:
        *out = value_bool(object->via.boolean);
        return true;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        if (object->via.u64 <= INT64_MAX)
            *out = value_int((int64_t)object->via.u64);
        else
            *out = (struct value){.kind = VALUE_DOUBLE, .real = (double)object->via.u64};
        return true;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *out = value_int(object->via.i64);
        return true;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        if (!isfinite(object->via.f64))
            return refuse(fault, place, "a number is not finite");
        *out = (struct value){.kind = VALUE_DOUBLE, .real = object->via.f64};
        return true;
    case MSGPACK_OBJECT_STR:
        return convert_text(out, (struct slice){object->via.str.ptr, object->via.str.size}, place, arena,
                            fault);
    case MSGPACK_OBJECT_BIN:
        *out = (struct value){
            .kind = VALUE_BYTES,
            .string = arena_copy(arena, (struct slice){object->via.bin.ptr, object->via.bin.size})};
        return true;
    case MSGPACK_OBJECT_ARRAY:
        return convert_list(out, &object->via.array, place, arena, fault);
    case MSGPACK_OBJECT_MAP:
        return convert_map(out, &object->via.map, place, arena, fault);
    case MSGPACK_OBJECT_EXT:
        break;
    }
    return refuse(fault, place, "ext types and timestamps are not supported; send time as RFC 3339 text");
}

bool msgpack_read(struct value *out, struct slice bytes, struct arena *arena, struct fault *fault)
{
    struct msgpack_scan scan;
    size_t used;
    msgpack_scan_init(&scan);
    enum msgpack_status status = msgpack_scan_step(&scan, bytes, &used);
    if (status == MSGPACK_BAD)
        return fault_set(fault, "", "not MessagePack: %s", scan.why);
    if (status == MSGPACK_NEED_MORE || used != bytes.len)
        return fault_set(fault, "", "not MessagePack: %s",
                         status == MSGPACK_NEED_MORE ? "it ends too soon" : "bytes follow the first value");
    msgpack_unpacked unpacked;
    size_t offset = 0;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return result = msgpack_unpack_next(&unpacked, bytes.ptr, bytes.len, &offset);
    bool ok = false;
    if (result != MSGPACK_UNPACK_SUCCESS)
        fault_set(fault, "", "not MessagePack");
    else
        ok = convert(out, &unpacked.data, NULL, arena, fault);
    msgpack_unpacked_destroy(&unpacked);
    return ok;
}
