#include "server/customer_fields.h"

#include <math.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/json.h"
#include "proto/phone.h"
#include "rules/ascii.h"
#include "rules/cel_time.h"
#include "rules/email_key.h"
#include "server/operation_customers.h"

#define POINTER "/fields"
#define DATE_LEN 10                  /* 2026-12-24 */
#define EXACT_MAX 9007199254740992.0 /* 2^53: up to here a double that is whole is that integer */

struct field_reading {
    const struct fields_check *check;
    const struct field_config *field;
    struct arena *arena;
    struct fault *fault;
};

static bool refuse(const struct field_reading *reading, const char *detail)
{
    return fault_set_member(reading->fault, POINTER, reading->field->name, "%s", detail);
}

static bool read_text(const struct field_reading *reading, struct value *value)
{
    struct slice text = value->string;
    if (value->kind != VALUE_STRING)
        return refuse(reading, "must be text");
    if (text.len > (size_t)reading->field->max)
        return fault_set_member(reading->fault, POINTER, reading->field->name, "at most %d bytes",
                                (int)reading->field->max);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return refuse(reading, "control characters are not allowed");
    }
    return true;
}

static bool read_number(const struct field_reading *reading, struct value *value)
{
    struct fault ignored;
    if (value->kind == VALUE_STRING && reading->check->from_text &&
        !json_read(value, ascii_trim(value->string), reading->arena, &ignored))
        return refuse(reading, "must be a number");
    if (value->kind == VALUE_DOUBLE && fabs(value->real) <= EXACT_MAX && value->real == floor(value->real))
        *value = value_int((int64_t)value->real);
    if (value->kind != VALUE_INT && !(value->kind == VALUE_DOUBLE && isfinite(value->real)))
        return refuse(reading, "must be a number");
    double number = value->kind == VALUE_INT ? (double)value->integer : value->real;
    if (reading->field->has_max && number > reading->field->max)
        return fault_set_member(reading->fault, POINTER, reading->field->name, "at most %d",
                                (int)reading->field->max);
    return true;
}

static bool read_date(const struct field_reading *reading, struct value *value)
{
    static const char midnight[] = "T00:00:00Z";
    char stamp[DATE_LEN + sizeof midnight];
    struct cel_value time;
    struct slice text = value->kind == VALUE_STRING ? ascii_trim(value->string) : (struct slice){NULL, 0};
    if (text.len == DATE_LEN - 2)
        text = arena_format(reading->arena, "%.4s-%.2s-%.2s", text.ptr, text.ptr + 4, text.ptr + 6);
    if (text.len != DATE_LEN)
        return refuse(reading, "must be a date, as in 2026-12-24");
    memcpy(stamp, text.ptr, text.len);
    memcpy(stamp + text.len, midnight, sizeof midnight);
    if (!cel_timestamp_read(&time, slice_of(stamp)))
        return refuse(reading, "must be a date, as in 2026-12-24");
    *value = value_string(text);
    return true;
}

static bool read_boolean(const struct field_reading *reading, struct value *value)
{
    if (value->kind == VALUE_STRING && reading->check->from_text) {
        struct slice text = ascii_trim(value->string);
        if (slice_is(text, "true") || slice_is(text, "false"))
            *value = value_bool(slice_is(text, "true"));
    }
    return value->kind == VALUE_BOOL || refuse(reading, "must be true or false");
}

static bool read_choice(const struct field_reading *reading, struct value *value)
{
    const struct field_config *field = reading->field;
    for (uint32_t i = 0; value->kind == VALUE_STRING && i < field->choice_count; i++)
        if (slice_equal(value->string, field->choices[i]))
            return true;
    return refuse(reading, "must be one of its choices");
}

static bool read_phone(const struct field_reading *reading, struct value *value)
{
    size_t digits = 0;
    if (value->kind != VALUE_STRING)
        return refuse(reading, "must be a phone number");
    for (size_t i = 0; i < value->string.len; i++)
        digits += ascii_is_digit(value->string.ptr[i]);
    if (digits < CONTACT_DIGITS_MIN)
        return fault_set_member(reading->fault, POINTER, reading->field->name, "must have at least %d digits",
                                CONTACT_DIGITS_MIN);
    struct phone_key key = phone_key(reading->check->region, value->string, false, reading->arena);
    if (!key.key.len)
        return refuse(reading, "is no phone number");
    *value = value_string(key.key);
    return true;
}

static bool read_email(const struct field_reading *reading, struct value *value)
{
    struct email_key key;
    if (value->kind != VALUE_STRING || email_key(&key, value->string, reading->arena) != EMAIL_OK)
        return refuse(reading, "is no e-mail address");
    if (ascii_find(value->string, '<') < value->string.len)
        return refuse(reading, "must be the address alone");
    *value = value_string(key.key);
    return true;
}

static bool read_value(const struct field_reading *reading, struct value *value)
{
    static bool (*const readers[FIELD_TYPE_COUNT])(const struct field_reading *, struct value *) = {
        [FIELD_TEXT] = read_text,       [FIELD_NUMBER] = read_number, [FIELD_DATE] = read_date,
        [FIELD_BOOLEAN] = read_boolean, [FIELD_CHOICE] = read_choice, [FIELD_PHONE] = read_phone,
        [FIELD_EMAIL] = read_email,
    };
    return readers[reading->field->type](reading, value);
}

static const struct field_config *find(const struct fields_config *fields, struct slice name)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (slice_equal(fields->items[i].name, name))
            return &fields->items[i];
    return NULL;
}

bool customer_field_is_declared(const struct fields_config *fields, struct slice name)
{
    return find(fields, name) != NULL;
}

static bool is_none(const struct value *value)
{
    return value->kind == VALUE_NULL || (value->kind == VALUE_STRING && !value->string.len);
}

static bool check_required(const struct value *stored, const struct fields_check *check, struct fault *fault)
{
    for (uint32_t i = 0; check->wants_required && i < check->fields->count; i++) {
        const struct field_config *field = &check->fields->items[i];
        bool has = !field->required;
        for (uint32_t j = 0; !has && j < stored->count; j++)
            has = slice_equal(stored->members[j].name, field->name);
        if (!has)
            return fault_set_member(fault, POINTER, field->name, "is required");
    }
    return true;
}

bool customer_fields_check(struct value *out, const struct value *given, const struct fields_check *check,
                           struct arena *arena, struct fault *fault)
{
    *out = value_map(arena, given ? given->count : 0);
    for (uint32_t i = 0; given && i < given->count; i++) {
        struct value_member member = given->members[i];
        struct field_reading reading = {
            .check = check, .field = find(check->fields, member.name), .arena = arena, .fault = fault};
        if (!reading.field)
            return fault_set_member(fault, POINTER, member.name, "no such field");
        if (is_none(&member.value))
            continue;
        if (!read_value(&reading, &member.value))
            return false;
        out->members[out->count++] = member;
    }
    return check_required(out, check, fault);
}

/* 20261224 */
static bool is_short_date(const struct value *value)
{
    struct slice text = value->kind == VALUE_STRING ? ascii_trim(value->string) : (struct slice){NULL, 0};
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.ptr[i]))
            return false;
    return text.len == DATE_LEN - 2;
}

bool customer_field_operand(struct value *operand, struct slice name, const struct fields_check *check,
                            struct arena *arena, struct fault *fault)
{
    struct field_reading reading = {
        .check = check, .field = find(check->fields, name), .arena = arena, .fault = fault};
    bool is_key = reading.field && (reading.field->type == FIELD_PHONE || reading.field->type == FIELD_EMAIL);
    bool is_date = reading.field && reading.field->type == FIELD_DATE && is_short_date(operand);
    return !(is_key || is_date) || read_value(&reading, operand);
}

bool customer_field_is_date(const struct fields_config *fields, struct slice name)
{
    const struct field_config *field = find(fields, name);
    return field && field->type == FIELD_DATE;
}

bool customer_fields_of(struct fields_check *check, const struct project_config *config)
{
    *check = (struct fields_check){.fields = &config->fields, .region = config->region};
    return config->has_fields;
}
