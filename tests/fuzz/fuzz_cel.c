/* An expression of any kind is refused with a position or compiled; then it gives a value of the type that
 * the checker found or an error, within its cost limit, the same every time and the same without the checker.
 */
#include <assert.h>

#include "proto/cel_json.h"
#include "proto/json.h"
#include "proto/regex.h"

#define COST 20000
#define MEMORY_MAX (16u << 20)

static const struct cel_type strings = {.kind = CEL_LIST, .item = &cel_type_string};
static const struct cel_type fields = {.kind = CEL_MAP, .key = &cel_type_string, .item = &cel_type_dyn};
static const struct cel_variable variables[] = {
    {SLICE("channel"), &cel_type_string},
    {SLICE("customer.tags"), &strings},
    {SLICE("customer.fields"), &fields},
    {SLICE("customer.owner"), &cel_type_string},
    {SLICE("interaction.age"), &cel_type_duration},
    {SLICE("now"), &cel_type_timestamp},
    {SLICE("n"), &cel_type_int},
    {SLICE("u"), &cel_type_uint},
    {SLICE("d"), &cel_type_double},
    {SLICE("b"), &cel_type_bytes},
    {SLICE("x"), &cel_type_dyn},
};
#define COUNT (sizeof variables / sizeof *variables)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const void *find_zone(struct slice name, void *ctx)
{
    return slice_is(name, "Europe/Berlin") ? ctx : NULL;
}

static int32_t zone_offset_of(const void *zone, int64_t at_s)
{
    (void)zone;
    return at_s % 2 ? 3600 : 7200;
}

static void fill(struct cel_value values[COUNT], struct arena *arena)
{
    struct cel_entry *entries = arena_array(arena, struct cel_entry, 2);
    struct cel_value *tags = arena_array(arena, struct cel_value, 2);
    uint32_t bad;
    tags[0] = cel_string(SLICE("vip"));
    tags[1] = cel_string(SLICE("\xC3\xA4"));
    entries[0] = (struct cel_entry){cel_string(SLICE("a")), cel_int(1)};
    entries[1] = (struct cel_entry){cel_string(SLICE("b")), cel_list(tags, 2)};
    values[0] = cel_string(SLICE("call"));
    values[1] = cel_list(tags, 2);
    bool is_made = cel_map_make(&values[2], entries, 2, &bad, arena);
    assert(is_made);
    values[3] = cel_absent();
    values[4] = cel_duration_ms(45000);
    values[5] = cel_timestamp_ms(1234567890123);
    values[6] = cel_int(-7);
    values[7] = cel_uint(7);
    values[8] = cel_double(0.5);
    values[9] = cel_bytes(SLICE("\xFF\x00"));
    values[10] = values[2];
}

static bool is_of_type(const struct cel_value *value, const struct cel_type *type)
{
    bool takes_null = type->kind == CEL_TIMESTAMP || type->kind == CEL_DURATION;
    return type->kind == CEL_DYN || value->kind == type->kind || (value->kind == CEL_NULL && takes_null);
}

/* Empty when there is no value that JSON can say. */
static struct slice text_of(const struct cel_program *program, struct cel_value *value, struct arena *arena)
{
    struct cel_value values[COUNT];
    struct cel_error error = {.code = 0};
    struct value document;
    fill(values, arena);
    size_t before = arena->used;
    bool is_good = cel_eval(value, program, values, COST, arena, &error);
    assert(arena->used - before < MEMORY_MAX);
    assert(is_good || (error.text[0] && error.line && error.column));
    return is_good && cel_to_value(&document, value, arena) ? json_write(&document, arena)
                                                            : (struct slice){NULL, 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int zone = 1;
    const struct cel_zone_ops zones = {find_zone, zone_offset_of, (void *)(uintptr_t)&zone};
    struct cel_env env = {
        .variables = variables, .variable_count = COUNT, .regex = &regex_ops, .zones = &zones};
    struct slice source = {(const char *)bytes, len};
    struct cel_error error = {.code = 0};
    struct cel_value value, again;
    struct arena arena;
    arena_init(&arena);
    struct cel_program *checked = cel_compile(&env, source, NULL, &arena, &error);
    assert(checked || (error.code && error.text[0] && error.line && error.column));
    env.is_unchecked = true;
    struct cel_program *unchecked = cel_compile(&env, source, NULL, &arena, &error);
    assert(unchecked || !checked);
    if (checked) {
        struct slice text = text_of(checked, &value, &arena);
        assert(!text.ptr || is_of_type(&value, cel_result_type(checked)));
        assert(slice_equal(text, text_of(checked, &again, &arena)));
        assert(!text.ptr || slice_equal(text, text_of(unchecked, &again, &arena)));
    } else if (unchecked) {
        (void)text_of(unchecked, &value, &arena);
    }
    cel_close(&checked);
    cel_close(&unchecked);
    arena_deinit(&arena);
    return 0;
}
