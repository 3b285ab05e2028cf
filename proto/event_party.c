#include <string.h>

#include "proto/event_data.h"
#include "proto/fault.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trimmed(struct slice text)
{
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    while (text.len && is_blank(text.ptr[0]))
        text = (struct slice){text.ptr + 1, text.len - 1};
    return text;
}

static bool has_byte(struct slice text, char c)
{
    return text.len && memchr(text.ptr, c, text.len);
}

static bool looks_like_number(struct slice text)
{
    bool digits = false;
    for (size_t i = 0; i < text.len; i++) {
        digits = digits || (text.ptr[i] >= '0' && text.ptr[i] <= '9');
        if (!strchr("+0123456789 ()-./", text.ptr[i]))
            return false;
    }
    return digits;
}

/* "Ann Lee <ann@example.com>" and "\"Lee, Ann\" <ann@example.com>". An empty "<>", the sender of bounces,
 * stays. */
static void read_address(struct party *out, struct slice text)
{
    out->email = text;
    if (!text.len || text.ptr[text.len - 1] != '>')
        return;
    size_t open = text.len - 1;
    while (open && text.ptr[open] != '<')
        open--;
    if (text.ptr[open] != '<')
        return;
    struct slice inside = trimmed((struct slice){text.ptr + open + 1, text.len - open - 2});
    if (!inside.len)
        return;
    out->email = inside;
    struct slice name = trimmed((struct slice){text.ptr, open});
    if (name.len >= 2 && name.ptr[0] == '"' && name.ptr[name.len - 1] == '"')
        name = trimmed((struct slice){name.ptr + 1, name.len - 2});
    out->name = name;
}

static bool read_string(struct party *out, struct slice text, enum channel channel, struct fault *fault)
{
    if (text.len > EVENT_ATTRIBUTE_MAX)
        return fault_set(fault, "/data/from", "from is longer than %d bytes", EVENT_ATTRIBUTE_MAX);
    text = trimmed(text);
    if (channel == CHANNEL_CALL)
        out->phone = text;
    else if (channel == CHANNEL_EMAIL || has_byte(text, '@'))
        read_address(out, text);
    else if (looks_like_number(text))
        out->phone = text;
    else
        out->id = text;
    return true;
}

bool event_read_party(struct party *out, const struct value *from, enum channel channel, struct fault *fault)
{
    *out = (struct party){0};
    if (from->kind == VALUE_STRING)
        return read_string(out, from->string, channel, fault);
    if (from->kind != VALUE_MAP)
        return fault_set(fault, "/data/from", "from must be a map of phone, email, id and name, or a string");
    for (uint32_t i = 0; i < from->count; i++) {
        const struct value_member *member = &from->members[i];
        struct slice *to = slice_is(member->name, "phone")   ? &out->phone
                           : slice_is(member->name, "email") ? &out->email
                           : slice_is(member->name, "id")    ? &out->id
                           : slice_is(member->name, "name")  ? &out->name
                                                             : NULL;
        if (!to || member->value.kind == VALUE_NULL)
            continue;
        const char *name = member->name.ptr;
        int len = (int)member->name.len;
        if (member->value.kind != VALUE_STRING)
            return fault_set_member(fault, "/data/from", member->name, "from.%.*s must be a string", len,
                                    name);
        if (member->value.string.len > EVENT_ATTRIBUTE_MAX)
            return fault_set_member(fault, "/data/from", member->name, "from.%.*s is longer than %d bytes",
                                    len, name, EVENT_ATTRIBUTE_MAX);
        *to = member->value.string;
    }
    return true;
}
