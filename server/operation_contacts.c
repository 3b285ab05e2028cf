#include "server/operation_contacts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/phone.h"
#include "rules/ascii.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"
#include "server/project.h"

struct reading {
    struct operation_call *call; /* NULL: nobody is answered, and the fault stands in `problem` */
    struct problem problem;
    struct arena *arena;
    struct slice region;
    bool is_alone;  /* the call's parameters are the contact */
    uint32_t index; /* of the contact being read */
    struct value contacts, keys;
    int32_t phones;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct reading *reading, const char *name,
                                                         const char *format, ...)
{
    char pointer[128] = "", detail[256];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (!reading->is_alone)
        snprintf(pointer, sizeof pointer, "/contacts/%u", reading->index);
    if (name)
        fault_append_name(pointer, sizeof pointer, slice_of(name));
    problem_set(&reading->problem, PROBLEM_INVALID, pointer, "%s", detail);
    if (reading->call)
        operation_fail(reading->call, &reading->problem);
    return false;
}

static struct reading reading_of(struct operation_call *call)
{
    return (struct reading){
        .call = call, .arena = call->arena, .region = project_config(call->project)->region};
}

struct phone_key operation_phone_key(struct operation_call *call, struct slice input)
{
    return phone_key(project_config(call->project)->region, input, false, call->arena);
}

static void add_key(struct reading *reading, struct slice key)
{
    for (uint32_t i = 0; i < reading->keys.count; i++)
        if (slice_equal(reading->keys.items[i].string, key))
            return;
    value_append(&reading->keys, value_string(key));
}

static bool read_phone(struct reading *reading, struct slice text, struct value *out)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++)
        digits += ascii_is_digit(text.ptr[i]);
    if (digits < CONTACT_DIGITS_MIN)
        return refuse(reading, "phone", "must have at least %d digits", CONTACT_DIGITS_MIN);
    struct phone_key key = phone_key(reading->region, text, false, reading->arena);
    if (key.key.len == 0)
        return refuse(reading, "phone", "is no phone number (%s)", caller_class_name(key.class));
    value_set(out, "phone", value_string(text));
    value_set(out, "phone_key", value_string(key.key));
    add_key(reading, key.key);
    reading->phones++;
    return true;
}

static bool read_email(struct reading *reading, struct slice text, struct value *out)
{
    struct email_key key;
    enum email_status status = email_key(&key, text, reading->arena);
    if (status != EMAIL_OK)
        return refuse(reading, "email", "is no e-mail address (%s)", email_status_name(status));
    if (ascii_find(text, '<') < text.len)
        return refuse(reading, "email", "must be the address alone");
    value_set(out, "email", value_string(text));
    value_set(out, "email_key", value_string(key.key));
    add_key(reading, key.key);
    return true;
}

/* Trims; absent, null and empty text are the same. */
static bool read_text(struct reading *reading, const char *name, const struct value *value, struct slice *out)
{
    if (value->kind == VALUE_NULL)
        return true;
    if (value->kind != VALUE_STRING)
        return refuse(reading, name, "must be a string");
    if (value->string.len > CONTACT_TEXT_MAX)
        return refuse(reading, name, "at most %d bytes", CONTACT_TEXT_MAX);
    *out = ascii_trim(value->string);
    for (size_t i = 0; i < out->len; i++)
        if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f)
            return refuse(reading, name, "control characters are not allowed");
    return true;
}

static bool read_contact(struct reading *reading, const struct value *given, struct value *out)
{
    static const char *const names[] = {"label", "phone", "email"};
    struct slice texts[3] = {{NULL, 0}};
    if (given->kind != VALUE_MAP)
        return refuse(reading, NULL, "must be a map of label, phone and email");
    for (uint32_t i = 0; i < given->count; i++) {
        const struct value_member *member = &given->members[i];
        size_t at = 0;
        while (at < 3 && !slice_is(member->name, names[at]))
            at++;
        if (at == 3)
            return refuse(reading, arena_string(reading->arena, member->name), "no such member");
        if (!read_text(reading, names[at], &member->value, &texts[at]))
            return false;
    }
    if (texts[1].len == 0 && texts[2].len == 0)
        return refuse(reading, NULL, "must have a phone or an email");
    *out = value_map(reading->arena, 5);
    value_set_text(out, "label", texts[0]);
    return (texts[1].len == 0 || read_phone(reading, texts[1], out)) &&
           (texts[2].len == 0 || read_email(reading, texts[2], out));
}

static bool refuse_many(struct operation_call *call, const char *what, int32_t most)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_CONTACT_LIMIT, "/contacts", "a customer has at most %d %s", (int)most,
                what);
    operation_fail(call, &problem);
    return false;
}

bool operation_contacts_add(struct operation_call *call, const struct value *given, struct value *args)
{
    const struct project_config *config = project_config(call->project);
    struct reading reading = reading_of(call);
    if (given->count > (uint32_t)config->contacts_max)
        return refuse_many(call, "contacts", config->contacts_max);
    reading.contacts = value_list(call->arena, given->count);
    reading.keys = value_list(call->arena, 2 * given->count);
    for (reading.index = 0; reading.index < given->count; reading.index++) {
        struct value contact = value_null();
        if (!read_contact(&reading, &given->items[reading.index], &contact))
            return false;
        value_append(&reading.contacts, contact);
    }
    if (reading.phones > config->phone_slots)
        return refuse_many(call, "contacts with a phone", config->phone_slots);
    value_set(args, "contacts", reading.contacts);
    value_set(args, "keys", reading.keys);
    return true;
}

bool contact_check(struct value *out, const struct contact_given *given, struct slice region,
                   struct arena *arena, struct problem *problem)
{
    struct reading reading = {.arena = arena, .region = region, .is_alone = true};
    struct value contact = value_map(arena, 3);
    reading.keys = value_list(arena, 2);
    value_set_text(&contact, "label", given->label);
    value_set_text(&contact, "phone", given->phone);
    value_set_text(&contact, "email", given->email);
    bool is_good = read_contact(&reading, &contact, out);
    *problem = reading.problem;
    return is_good;
}

/* --- One at a time --- */

/* What is given; an empty text is none, as null is. */
static bool read_alone(struct operation_call *call, struct value *out)
{
    struct reading reading = reading_of(call);
    reading.is_alone = true;
    reading.keys = value_list(call->arena, 2);
    const struct value *label = value_member(call->params, "label");
    const struct value *phone = value_member(call->params, "phone");
    const struct value *email = value_member(call->params, "email");
    struct slice text = {NULL, 0};
    *out = value_map(call->arena, 5);
    if (label) {
        if (!read_text(&reading, "label", label, &text))
            return false;
        value_set(out, "label", text.len ? value_string(text) : value_null());
    }
    text = (struct slice){NULL, 0};
    if (phone &&
        (!read_text(&reading, "phone", phone, &text) || (text.len && !read_phone(&reading, text, out))))
        return false;
    if (phone && !text.len)
        value_set(out, "phone", value_null());
    text = (struct slice){NULL, 0};
    if (email &&
        (!read_text(&reading, "email", email, &text) || (text.len && !read_email(&reading, text, out))))
        return false;
    if (email && !text.len)
        value_set(out, "email", value_null());
    return true;
}

static void answer_change(struct operation_call *call, unsigned status, struct slice json)
{
    struct project *project = call->project;
    operation_reply_json(call, status, json);
    project_facts_changed(project, NULL, NULL);
}

/* The statement counts under the customer's lock, against these. */
static void run_change(struct operation_call *call, const struct value *contact)
{
    const struct project_config *config = project_config(call->project);
    struct value args = operation_args(call->arena, call->params, 3);
    value_set(&args, "contacts_max", value_int(config->contacts_max));
    value_set(&args, "phone_slots", value_int(config->phone_slots));
    if (contact)
        value_set(&args, "contact", *contact);
    operation_sql_run(call, call->operation->sql, &args, answer_change);
}

void operation_change_contact(struct operation_call *call)
{
    struct value contact;
    if (read_alone(call, &contact))
        run_change(call, &contact);
}

void operation_remove_contact(struct operation_call *call)
{
    run_change(call, NULL);
}
