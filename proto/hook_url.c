#include "proto/hook_url.h"

#include "proto/hook_sign.h"
#include "rules/ascii.h"

/* Empty members are none (RFC 9110, 5.6.1). */
static struct slice last_member(struct slice list)
{
    struct slice last = {NULL, 0};
    while (list.len) {
        size_t end = ascii_find(list, ',');
        struct slice member = ascii_trim(ascii_part(list, 0, end));
        if (member.len)
            last = member;
        list = ascii_part(list, end < list.len ? end + 1 : end, list.len);
    }
    return last;
}

static void take_last(struct slice *out, struct slice list)
{
    struct slice last = last_member(list);
    if (last.len)
        *out = last;
}

void hook_url_note(struct hook_url_parts *parts, struct slice name, struct slice value)
{
    if (ascii_equal(name, "host"))
        parts->host = ascii_trim(value);
    else if (ascii_equal(name, "x-forwarded-host"))
        take_last(&parts->forwarded_host, value);
    else if (ascii_equal(name, "x-forwarded-proto"))
        take_last(&parts->forwarded_proto, value);
}

struct slice hook_url(const struct hook_url_parts *parts, const char *base, struct slice path,
                      struct slice query, struct arena *arena)
{
    bool is_secure = ascii_equal(parts->forwarded_proto, "https");
    struct slice host = parts->forwarded_host.len ? parts->forwarded_host : parts->host;
    const struct slice whole[] = {
        *base       ? slice_of(base)
        : is_secure ? SLICE("https://")
                    : SLICE("http://"),
        *base ? (struct slice){NULL, 0} : host,
        path,
        query.len ? SLICE("?") : (struct slice){NULL, 0},
        query,
    };
    return hook_join(whole, sizeof whole / sizeof *whole, arena);
}
