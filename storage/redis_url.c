#include "storage/redis_url.h"

#include <string.h>

#define DEFAULT_PORT 6379

static bool copy(char out[REDIS_URL_PART_MAX], const char *from, size_t len)
{
    if (len >= REDIS_URL_PART_MAX)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(char out[REDIS_URL_PART_MAX], const char *from, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int byte = (unsigned char)from[i];
        if (byte == '%') {
            int high = i + 2 < len ? hex_digit(from[i + 1]) : -1,
                low = i + 2 < len ? hex_digit(from[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0)
                return false;
            byte = high * 16 + low;
            i += 2;
        }
        if (used + 1 >= REDIS_URL_PART_MAX)
            return false;
        out[used++] = (char)byte;
    }
    out[used] = '\0';
    return true;
}

static bool number(int *out, const char *from, size_t len, int max)
{
    int value = 0;
    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (from[i] < '0' || from[i] > '9')
            return false;
        value = value * 10 + (from[i] - '0');
    }
    *out = value;
    return value <= max;
}

static const char *parse_user(struct redis_url *out, const char *from, size_t len)
{
    const char *colon = memchr(from, ':', len);
    size_t user_len = colon ? (size_t)(colon - from) : len;
    if (!decode(out->user, from, user_len))
        return "the user's name is too long or badly encoded";
    if (colon && !decode(out->password, colon + 1, len - user_len - 1))
        return "the password is too long or badly encoded";
    if (*out->user && !*out->password)
        return "a user without a password";
    return NULL;
}

static const char *parse_path(struct redis_url *out, const char *from)
{
    size_t len = strcspn(from, "?");
    out->is_socket = true;
    if (*from != '/' || !copy(out->host, from, len))
        return "the path of the socket is missing, relative or too long";
    from += len;
    if (*from == '\0')
        return NULL;
    bool is_database = strncmp(from, "?db=", 4) == 0;
    if (!is_database || !number(&out->database, from + 4, strlen(from + 4), REDIS_URL_DATABASE_MAX))
        return "only ?db=N may follow the path";
    return NULL;
}

static const char *parse_host(struct redis_url *out, const char *from)
{
    size_t len;
    if (*from == '[') {
        from++;
        len = strcspn(from, "]");
        if (from[len] != ']' || len == 0 || !copy(out->host, from, len))
            return "the address in brackets is not complete";
        from += len + 1;
    } else {
        len = strcspn(from, ":/");
        if (len == 0 || !copy(out->host, from, len))
            return "the host is missing or too long";
        from += len;
    }
    if (*from == ':') {
        len = strcspn(++from, "/");
        if (!number(&out->port, from, len, 65535) || out->port == 0)
            return "the port is not a number from 1 to 65535";
        from += len;
    }
    if (*from == '\0' || strcmp(from, "/") == 0)
        return NULL;
    if (*from != '/' || !number(&out->database, from + 1, strlen(from + 1), REDIS_URL_DATABASE_MAX))
        return "the database is not a number";
    return NULL;
}

const char *redis_url_parse(struct redis_url *out, const char *url)
{
    *out = (struct redis_url){.port = DEFAULT_PORT};
    bool is_socket = url && strncmp(url, "unix://", 7) == 0;
    if (!is_socket && (!url || strncmp(url, "redis://", 8) != 0))
        return "it begins neither with redis:// nor with unix://";
    const char *rest = url + (is_socket ? 7 : 8);
    /* A path may hold an @ too, a user part no /. */
    const char *at = memchr(rest, '@', strcspn(rest, "/"));
    if (at) {
        const char *why = parse_user(out, rest, (size_t)(at - rest));
        if (why)
            return why;
        rest = at + 1;
    }
    return is_socket ? parse_path(out, rest) : parse_host(out, rest);
}
