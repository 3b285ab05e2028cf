#include "proto/evapi.h"

#include "proto/cloudevent.h"
#include "proto/fault.h"
#include "proto/json.h"
#include "proto/sip_privacy.h"
#include "rules/ascii.h"

#define SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */
#define DIGITS_MAX 18

/* --- members --- */

/* Absent, null and "<null>" give empty text. */
static bool read_text(struct slice *out, const struct value *map, const char *name, size_t max,
                      struct fault *fault)
{
    const struct value *value = value_member(map, name);
    *out = (struct slice){NULL, 0};
    if (!value || value->kind == VALUE_NULL)
        return true;
    if (value->kind != VALUE_STRING)
        return fault_set_member(fault, "", slice_of(name), "%s must be a string", name);
    if (value->string.len > max)
        return fault_set_member(fault, "", slice_of(name), "%s is longer than %zu bytes", name, max);
    if (!slice_is(value->string, "<null>"))
        *out = value->string;
    return true;
}

/* A number, or its digits as text: scripts write both. */
static bool read_number(int64_t *out, const struct value *map, const char *name)
{
    const struct value *value = value_member(map, name);
    if (value && value->kind == VALUE_INT) {
        *out = value->integer;
        return *out >= 0;
    }
    if (!value || value->kind != VALUE_STRING || !value->string.len || value->string.len > DIGITS_MAX)
        return false;
    *out = 0;
    for (size_t i = 0; i < value->string.len; i++) {
        if (!ascii_is_digit(value->string.ptr[i]))
            return false;
        *out = *out * 10 + (value->string.ptr[i] - '0');
    }
    return true;
}

static bool is_true(const struct value *map, const char *name)
{
    const struct value *value = value_member(map, name);
    int64_t number;
    return (value && value->kind == VALUE_BOOL && value->boolean) ||
           (read_number(&number, map, name) && number > 0);
}

/* --- what SIP says of the caller --- */

/* A display name as it stands in the header: quoted, with backslashes (RFC 3261 25.1, quoted-string). */
static struct slice display_name(struct slice text, struct arena *arena)
{
    text = ascii_trim(text);
    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
        return text;
    char *name = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 2 < text.len)
            i++;
        name[len++] = text.ptr[i];
    }
    return (struct slice){name, len};
}

/* RFC 3323 4.1.1.3: the caller's own way to withhold, with or without a Privacy header. */
static bool is_anonymous(struct slice uri)
{
    static const char invalid[] = "@anonymous.invalid";
    for (size_t i = 0; i + sizeof invalid - 1 <= uri.len; i++) {
        if (ascii_begins(ascii_part(uri, i, uri.len), invalid))
            return true;
    }
    return ascii_begins(uri, "sip:anonymous@") || ascii_begins(uri, "sips:anonymous@");
}

struct caller {
    struct slice uri, name;
    bool is_withheld;
};

/* What the network asserts (RFC 3325) counts more than what the caller says, but is none of our business when
 * the caller withholds it. */
static bool read_caller(struct caller *out, const struct value *map, struct arena *arena, struct fault *fault)
{
    struct slice from, asserted, name, privacy;
    if (!read_text(&from, map, "from", EVAPI_TEXT_MAX, fault) ||
        !read_text(&asserted, map, "pai", EVAPI_TEXT_MAX, fault) ||
        !read_text(&name, map, "from_name", EVAPI_TEXT_MAX, fault) ||
        !read_text(&privacy, map, "privacy", EVAPI_TEXT_MAX, fault))
        return false;
    out->is_withheld = sip_privacy_withholds(privacy) || is_anonymous(from);
    out->uri = asserted.len && !out->is_withheld ? asserted : from;
    out->name = display_name(name, arena);
    return true;
}

/* --- events --- */

static bool set_ringing(struct value *data, const struct value *map, struct arena *arena, struct fault *fault)
{
    struct caller caller;
    struct slice dialled, to, direction, source;
    if (!read_caller(&caller, map, arena, fault) ||
        !read_text(&dialled, map, "ruri", EVAPI_TEXT_MAX, fault) ||
        !read_text(&to, map, "to", EVAPI_TEXT_MAX, fault) ||
        !read_text(&direction, map, "direction", EVAPI_TEXT_MAX, fault) ||
        !read_text(&source, map, "src_ip", EVAPI_TEXT_MAX, fault))
        return false;
    struct value from = value_map(arena, 2), attributes = value_map(arena, 1);
    value_set(&from, "phone", value_string(caller.uri));
    value_set_text(&from, "name", caller.name);
    value_set(data, "from", from);
    value_set(data, "to", value_string(dialled.len ? dialled : to));
    value_set_text(data, "direction", direction);
    if (caller.is_withheld)
        value_set(data, "privacy", value_bool(true));
    value_set_text(&attributes, "src_ip", source);
    if (attributes.count)
        value_set(data, "attributes", attributes);
    return true;
}

static bool set_answered(struct value *data, const struct value *map, struct arena *arena,
                         struct fault *fault)
{
    struct slice agent;
    (void)arena;
    if (!read_text(&agent, map, "agent", EVAPI_TEXT_MAX, fault))
        return false;
    value_set_text(data, "agent", agent);
    return true;
}

static bool set_hung_up(struct value *data, const struct value *map, struct arena *arena, struct fault *fault)
{
    (void)map;
    (void)arena;
    (void)fault;
    value_set(data, "cause", value_string(SLICE("normal")));
    return true;
}

static bool set_cancelled(struct value *data, const struct value *map, struct arena *arena,
                          struct fault *fault)
{
    (void)map;
    (void)arena;
    (void)fault;
    value_set(data, "cause", value_string(SLICE("cancelled")));
    return true;
}

static bool set_failed(struct value *data, const struct value *map, struct arena *arena, struct fault *fault)
{
    int64_t status;
    (void)fault;
    if (read_number(&status, map, "status"))
        value_set(data, "cause",
                  value_string(status == 487 ? SLICE("cancelled")
                                             : arena_format(arena, "sip %lld", (long long)status)));
    else
        value_set(data, "cause", value_string(SLICE("failed")));
    return true;
}

static const struct row {
    const char *name;
    enum event_type type;
    const char *what; /* of the event's id: a call begins, is answered and ends once */
    bool (*set)(struct value *data, const struct value *map, struct arena *arena, struct fault *fault);
} rows[] = {
    {"sip.INVITE", EVENT_CALL_RINGING, "ringing", set_ringing},
    {"sip.ANSWERED", EVENT_CALL_ANSWERED, "answered", set_answered},
    {"sip.BYE", EVENT_CALL_ENDED, "ended", set_hung_up},
    {"sip.CANCEL", EVENT_CALL_ENDED, "ended", set_cancelled},
    {"sip.FAILED", EVENT_CALL_ENDED, "ended", set_failed},
};

static struct value document_of(struct slice callid, const struct row *row, struct slice source,
                                struct arena *arena)
{
    struct value document = value_map(arena, 7);
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(row->type))));
    value_set(&document, "source", value_string(source));
    value_set(&document, "id",
              value_string(arena_format(arena, "%.*s %s", (int)callid.len, callid.ptr, row->what)));
    value_set(&document, "subject", value_string(callid));
    return document;
}

static bool read_event(struct evapi_message *out, const struct row *row, const struct value *map,
                       struct slice source, struct arena *arena, struct fault *fault)
{
    struct value data = value_map(arena, 6);
    int64_t seconds;
    if (!out->callid.len)
        return fault_set(fault, "/callid", "callid is required");
    if (!row->set(&data, map, arena, fault))
        return false;
    struct value document = document_of(out->callid, row, source, arena);
    if (!out->is_waiting && read_number(&seconds, map, "ts") && seconds <= SECONDS_MAX)
        value_set(&document, "time", value_string(time_write(seconds * 1000, arena)));
    value_set(&document, "data", data);
    out->document = document;
    return true;
}

static bool read_map(struct evapi_message *out, const struct value *map, struct slice source,
                     struct arena *arena, struct fault *fault)
{
    struct slice name;
    int64_t seconds;
    if (map->kind != VALUE_MAP)
        return fault_set(fault, "", "a message must be a map");
    out->is_waiting = read_number(&out->index, map, "index") && read_number(&out->label, map, "label");
    if (!read_text(&name, map, "event", EVAPI_TEXT_MAX, fault) ||
        !read_text(&out->callid, map, "callid", EVAPI_CALLID_MAX, fault))
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!slice_is(name, rows[i].name))
            continue;
        out->kind = EVAPI_EVENT;
        return read_event(out, &rows[i], map, source, arena, fault);
    }
    if (slice_is(name, "gateway.hello")) {
        out->kind = EVAPI_HELLO;
        bool good = read_number(&seconds, map, "started") && seconds <= SECONDS_MAX;
        out->started_ms = good ? seconds * 1000 : 0;
    } else if (slice_is(name, "call.state") && out->callid.len) {
        out->kind = EVAPI_CALL;
        out->is_known = is_true(map, "known");
    }
    return true;
}

void evapi_read(struct evapi_message *out, struct slice payload, struct slice source, struct arena *arena,
                struct fault *fault)
{
    struct value map;
    *out = (struct evapi_message){.kind = EVAPI_IGNORED};
    if (!json_read(&map, payload, arena, fault) || !read_map(out, &map, source, arena, fault))
        out->kind = EVAPI_BAD;
}

/* --- what Kamailio is told --- */

static void copy_text(struct value *to, const char *name, const struct value *from)
{
    const struct value *value = value_member(from, name);
    if (value && value->kind == VALUE_STRING)
        value_set_text(to, name, value->string);
}

struct slice evapi_answer(const struct evapi_message *message, const struct value *answer, const char *code,
                          struct arena *arena)
{
    struct value map = value_map(arena, 9);
    value_set(&map, "event", value_string(SLICE("decision")));
    value_set(&map, "index", value_int(message->index));
    value_set(&map, "label", value_int(message->label));
    value_set_text(&map, "callid", message->callid);
    if (answer) {
        copy_text(&map, "outcome", answer);
        copy_text(&map, "queue", answer);
        copy_text(&map, "agent", answer);
        copy_text(&map, "interaction", answer);
    } else {
        value_set(&map, "outcome", value_string(SLICE("refused")));
        value_set_text(&map, "code", slice_of(code));
    }
    return netstring_write(json_write(&map, arena), arena);
}

struct value evapi_lost(struct slice callid, struct slice source, struct arena *arena)
{
    static const struct row lost = {.type = EVENT_CALL_ENDED, .what = "ended"};
    struct value data = value_map(arena, 1);
    struct value document = document_of(arena_copy(arena, callid), &lost, source, arena);
    value_set(&data, "cause", value_string(SLICE("lost")));
    value_set(&document, "data", data);
    return document;
}

struct slice evapi_ask(struct slice callid, struct arena *arena)
{
    struct value map = value_map(arena, 2);
    value_set(&map, "event", value_string(SLICE("call.ask")));
    value_set(&map, "callid", value_string(callid));
    return netstring_write(json_write(&map, arena), arena);
}
