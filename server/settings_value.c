#include "server/settings_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/settings.h"

#define DIGITS_MAX 15 /* of a number: far above every bound, far below int64_t */

struct why {
    char *text;
    size_t size;
};

static bool refuse(const struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(const struct why *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, why->size, format, args);
    va_end(args);
    return false;
}

static bool has_prefix(struct slice text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* Digits from the start of `text`; the rest stays in *rest. */
static bool read_digits(int64_t *out, struct slice text, struct slice *rest)
{
    size_t len = 0;
    *out = 0;
    while (len < text.len && len < DIGITS_MAX && text.ptr[len] >= '0' && text.ptr[len] <= '9')
        *out = *out * 10 + (text.ptr[len++] - '0');
    *rest = (struct slice){text.ptr + len, text.len - len};
    return len > 0;
}

bool settings_duration(int64_t *out_ms, struct slice text)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t number;
    struct slice unit;
    if (!read_digits(&number, text, &unit))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (slice_is(unit, units[i].name)) {
            if (number > INT64_MAX / units[i].ms)
                return false;
            *out_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool set_text(const struct settings_target *target, struct slice text, const struct why *why)
{
    if (text.len >= target->size)
        return refuse(why, "is longer than %zu bytes", target->size - 1);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ')
            return refuse(why, "holds a control character");
    memset(target->out, 0, target->size);
    if (text.len > 0)
        memcpy(target->out, text.ptr, text.len);
    return true;
}

static bool set_folder(const struct settings_target *target, struct slice text, const struct why *why)
{
    if (text.len == 0 || text.ptr[0] != '/')
        return refuse(why, "must be an absolute path");
    return set_text(target, text, why);
}

static bool set_conninfo(const struct settings_target *target, struct slice text, const struct why *why)
{
    bool url = has_prefix(text, "postgresql://") || has_prefix(text, "postgres://");
    if (!url && (text.len == 0 || !memchr(text.ptr, '=', text.len)))
        return refuse(why, "must be a postgresql:// URL or key=value pairs");
    return set_text(target, text, why);
}

static bool set_redis_url(const struct settings_target *target, struct slice text, const struct why *why)
{
    if (!has_prefix(text, "redis://") && !has_prefix(text, "unix://"))
        return refuse(why, "must be a redis:// or unix:// URL");
    return set_text(target, text, why);
}

static bool is_numeric(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/* HOST:PORT or [HOST]:PORT. "http://" and a final "/" are taken too: a base URL names the same place. */
static bool set_address(const struct settings_target *target, struct slice text, const struct why *why)
{
    struct settings_address address;
    struct slice rest;
    int64_t port = 0;
    memset(&address, 0, sizeof address);
    if (has_prefix(text, "http://"))
        text = (struct slice){text.ptr + 7, text.len - 7};
    if (text.len > 0 && text.ptr[text.len - 1] == '/')
        text.len--;
    const char *colon = text.len > 0 ? memrchr(text.ptr, ':', text.len) : NULL;
    if (!colon)
        return refuse(why, "must be HOST:PORT");
    struct slice host = {text.ptr, (size_t)(colon - text.ptr)};
    bool bracketed = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = (struct slice){host.ptr + 1, host.len - 2};
    if (host.len > 0 && host.len < sizeof address.host)
        memcpy(address.host, host.ptr, host.len);
    if (!is_numeric(address.host) || bracketed != (strchr(address.host, ':') != NULL))
        return refuse(why, "must be HOST:PORT with a numeric address, IPv6 in brackets");
    struct slice digits = {colon + 1, text.len - host.len - 1 - (bracketed ? 2 : 0)};
    if (!read_digits(&port, digits, &rest) || rest.len > 0 || port > UINT16_MAX)
        return refuse(why, "must end with a port of 0 to 65535");
    address.port = (uint16_t)port;
    memcpy(target->out, &address, sizeof address);
    return true;
}

static bool set_log_level(const struct settings_target *target, struct slice text, const struct why *why)
{
    for (enum log_level level = 0; level < LOG_LEVEL_COUNT; level++) {
        if (slice_is(text, log_level_name(level))) {
            memcpy(target->out, &level, sizeof level);
            return true;
        }
    }
    return refuse(why, "must be error, warn, info or debug");
}

static bool set_log_format(const struct settings_target *target, struct slice text, const struct why *why)
{
    for (enum log_format format = 0; format < LOG_FORMAT_COUNT; format++) {
        if (slice_is(text, log_format_name(format))) {
            memcpy(target->out, &format, sizeof format);
            return true;
        }
    }
    return refuse(why, "must be text or json");
}

static bool set_integer(const struct settings_target *target, struct slice text, const struct why *why)
{
    int64_t number;
    struct slice rest;
    if (!read_digits(&number, text, &rest) || rest.len > 0 || number < target->min || number > target->max)
        return refuse(why, "must be a whole number of %" PRId64 " to %" PRId64, target->min, target->max);
    memcpy(target->out, &number, sizeof number);
    return true;
}

static bool set_duration(const struct settings_target *target, struct slice text, const struct why *why)
{
    int64_t ms;
    if (!settings_duration(&ms, text))
        return refuse(why, "must be a duration such as 500ms, 5s or 2m");
    if (ms < target->min || ms > target->max)
        return refuse(why, "must be a duration of %" PRId64 "s to %" PRId64 "s", target->min / 1000,
                      target->max / 1000);
    memcpy(target->out, &ms, sizeof ms);
    return true;
}

static bool set_switch(const struct settings_target *target, struct slice text, const struct why *why)
{
    bool is_on = slice_is(text, "on");
    if (!is_on && !slice_is(text, "off"))
        return refuse(why, "must be on or off");
    memcpy(target->out, &is_on, sizeof is_on);
    return true;
}

bool settings_value_set(const struct settings_target *target, struct slice text, char *why_text,
                        size_t why_size)
{
    static bool (*const setters[])(const struct settings_target *, struct slice, const struct why *) = {
        [SETTINGS_CONNINFO] = set_conninfo,
        [SETTINGS_REDIS_URL] = set_redis_url,
        [SETTINGS_TEXT] = set_text,
        [SETTINGS_FOLDER] = set_folder,
        [SETTINGS_ADDRESS] = set_address,
        [SETTINGS_LOG_LEVEL] = set_log_level,
        [SETTINGS_LOG_FORMAT] = set_log_format,
        [SETTINGS_INTEGER] = set_integer,
        [SETTINGS_DURATION] = set_duration,
        [SETTINGS_SWITCH] = set_switch,
    };
    return setters[target->kind](target, text, &(struct why){why_text, why_size});
}
