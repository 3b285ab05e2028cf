#include "server/http_internal.h"

#include <string.h>

/* What the application reads of a request. Headers stay in libmicrohttpd's memory of the connection, which
 * cannot go while the exchange is open; the target is kept as it came because libmicrohttpd decodes it. */

void http_request_set_target(struct http_exchange *exchange, const char *uri)
{
    exchange->has_spaced_target = strchr(uri, ' ');
    /* The absolute form (RFC 9112 3.2.2) names a scheme and an authority first. */
    const char *scheme_end = uri[0] == '/' ? NULL : strstr(uri, "://");
    if (scheme_end) {
        uri = scheme_end + 3;
        uri += strcspn(uri, "/?");
    }
    char *target = arena_string(&exchange->arena, slice_of(uri));
    size_t path_len = strcspn(target, "?");
    exchange->path = path_len > 0 ? (struct slice){target, path_len} : SLICE("/");
    if (target[path_len] == '?')
        exchange->query = slice_of(target + path_len + 1);
}

struct slice http_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

struct slice http_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

struct slice http_body(const struct http_exchange *exchange)
{
    return (struct slice){exchange->body, exchange->body_len};
}

bool http_is_too_large(const struct http_exchange *exchange)
{
    return exchange->is_too_large;
}

struct arena *http_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
}

struct slice http_peer(const struct http_exchange *exchange)
{
    return slice_of(exchange->connection->peer);
}

bool http_find_header(const struct http_exchange *exchange, const char *name, struct slice *out)
{
    const char *value = NULL;
    size_t len = 0;
    if (MHD_lookup_connection_value_n(exchange->connection->mhd, MHD_HEADER_KIND, name, strlen(name), &value,
                                      &len) != MHD_YES ||
        !value)
        return false;
    *out = (struct slice){value, len};
    return true;
}

struct each_header {
    void (*each)(void *ctx, struct slice name, struct slice value);
    void *ctx;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    (void)kind;
    const struct each_header *each = cls;
    each->each(each->ctx, (struct slice){name, name_len}, (struct slice){value, value_len});
    return MHD_YES;
}

void http_each_header(const struct http_exchange *exchange,
                      void (*each)(void *ctx, struct slice name, struct slice value), void *ctx)
{
    struct each_header pass = {each, ctx};
    MHD_get_connection_values_n(exchange->connection->mhd, MHD_HEADER_KIND, on_header, &pass);
}

struct slice http_query(const struct http_exchange *exchange)
{
    return exchange->query;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* application/x-www-form-urlencoded: "+" is a space, a "%" without two hex digits stands for itself. */
static struct slice decode(struct arena *arena, struct slice text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool escaped = c == '%' && i + 2 < text.len;
        int high = escaped ? hex_digit(text.ptr[i + 1]) : -1, low = escaped ? hex_digit(text.ptr[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    return (struct slice){out, len};
}

bool http_next_query(const struct http_exchange *exchange, size_t *at, struct slice *name,
                     struct slice *value)
{
    /* The arena is the exchange's own; decoding into it does not change what the caller can see. */
    struct arena *arena = (struct arena *)&exchange->arena;
    const char *end = exchange->query.ptr + exchange->query.len;
    while (*at < exchange->query.len) {
        const char *start = exchange->query.ptr + *at;
        const char *stop = memchr(start, '&', (size_t)(end - start));
        if (!stop)
            stop = end;
        *at = (size_t)(stop - exchange->query.ptr) + 1;
        if (start == stop)
            continue;
        const char *equals = memchr(start, '=', (size_t)(stop - start));
        const char *name_end = equals ? equals : stop, *from = equals ? equals + 1 : stop;
        *name = decode(arena, (struct slice){start, (size_t)(name_end - start)});
        *value = decode(arena, (struct slice){from, (size_t)(stop - from)});
        return true;
    }
    return false;
}
