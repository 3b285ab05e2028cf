/* Formatting of lines. A line is built on the stack in LOG_LINE_MAX bytes; a field that does not fit is taken
 * back whole, so that what stands in the line is complete, and the room for "truncated" is set aside
 * beforehand. */
#include "server/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/log_writer.h"

#define TAIL_MAX 24 /* bytes: `,"truncated":true}` and a newline */
#define LIMIT_MS 1000

struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
    bool full;
    enum log_format format;
};

static const char *const level_names[LOG_LEVEL_COUNT] = {"error", "warn", "info", "debug"};
static const char *const format_names[LOG_FORMAT_COUNT] = {"text", "json"};
static _Atomic enum log_level level_on = LOG_INFO;
static _Atomic enum log_format format_on = LOG_FORMAT_TEXT;

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

const char *log_format_name(enum log_format format)
{
    return format_names[format];
}

struct log_field log_text(const char *name, struct slice text)
{
    return (struct log_field){.name = name, .kind = LOG_KIND_TEXT, .text = text};
}

struct log_field log_str(const char *name, const char *text)
{
    return log_text(name, slice_of(text));
}

struct log_field log_int(const char *name, int64_t integer)
{
    return (struct log_field){.name = name, .kind = LOG_KIND_INT, .integer = integer};
}

struct log_field log_real(const char *name, double real)
{
    return (struct log_field){.name = name, .kind = LOG_KIND_REAL, .real = real};
}

struct log_field log_bool(const char *name, bool boolean)
{
    return (struct log_field){.name = name, .kind = LOG_KIND_BOOL, .boolean = boolean};
}

struct log_field log_masked(const char *name, struct slice phone_or_address)
{
    return (struct log_field){.name = name, .kind = LOG_KIND_MASKED, .text = phone_or_address};
}

static void put(struct line *line, struct slice text)
{
    if (text.len > sizeof line->bytes - TAIL_MAX - line->len) {
        line->full = true;
        return;
    }
    if (text.len > 0)
        memcpy(line->bytes + line->len, text.ptr, text.len);
    line->len += text.len;
}

static void put_str(struct line *line, const char *text)
{
    put(line, slice_of(text));
}

/* Bytes of the UTF-8 character at `at` (RFC 3629), 0 when there is none. */
static size_t character(const unsigned char *at, size_t left)
{
    if (at[0] < 0x80)
        return 1;
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || len > left)
        return 0;
    /* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
    unsigned low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static void put_character(struct line *line, const unsigned char *at, size_t len)
{
    char escape[8];
    if (len == 0) {
        put(line, SLICE("\xef\xbf\xbd"));
    } else if (*at == '"' || *at == '\\') {
        put(line, (struct slice){escape, (size_t)snprintf(escape, sizeof escape, "\\%c", *at)});
    } else if (*at == '\n') {
        put(line, SLICE("\\n"));
    } else if (*at < ' ' || *at == 0x7f) {
        put(line, (struct slice){escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *at)});
    } else {
        put(line, (struct slice){(const char *)at, len});
    }
}

static void put_quoted(struct line *line, struct slice text)
{
    put(line, SLICE("\""));
    size_t at = 0;
    while (at < text.len) {
        const unsigned char *byte = (const unsigned char *)text.ptr + at;
        size_t len = character(byte, text.len - at);
        if (at + len > LOG_VALUE_MAX || at >= LOG_VALUE_MAX) {
            put(line, SLICE("..."));
            break;
        }
        put_character(line, byte, len);
        at += len > 0 ? len : 1;
    }
    put(line, SLICE("\""));
}

/* logfmt leaves plain words bare. */
static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\')
            return false;
    }
    return text.len > 0 && text.len <= LOG_VALUE_MAX;
}

static void put_text(struct line *line, struct slice text)
{
    if (line->format == LOG_FORMAT_TEXT && is_plain(text))
        put(line, text);
    else
        put_quoted(line, text);
}

static void put_name(struct line *line, const char *name)
{
    bool json = line->format == LOG_FORMAT_JSON;
    if (line->len > 0)
        put_str(line, json ? ",\"" : " ");
    else if (json)
        put_str(line, "{\"");
    put_str(line, name);
    put_str(line, json ? "\":" : "=");
}

static void put_value(struct line *line, const struct log_field *field)
{
    char text[LOG_MASK_MAX];
    switch (field->kind) {
    case LOG_KIND_TEXT:
        put_text(line, field->text);
        break;
    case LOG_KIND_MASKED:
        put_text(line, slice_of(log_mask(text, field->text)));
        break;
    case LOG_KIND_INT:
        snprintf(text, sizeof text, "%" PRId64, field->integer);
        put_str(line, text);
        break;
    case LOG_KIND_REAL:
        /* JSON knows no infinities. */
        snprintf(text, sizeof text, "%.6g", field->real);
        put_str(line, isfinite(field->real) ? text : "null");
        break;
    case LOG_KIND_BOOL:
        put_str(line, field->boolean ? "true" : "false");
        break;
    }
}

static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;
    bool was_full = line->full;
    line->full = false;
    put_name(line, field->name);
    put_value(line, field);
    if (line->full)
        line->len = before;
    line->full = line->full || was_full;
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm parts;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + len, sizeof text - len, ".%03ldZ", now.tv_nsec / 1000000);
    put_field(line, &(struct log_field){.name = "time", .kind = LOG_KIND_TEXT, .text = slice_of(text)});
}

static void begin_line(struct line *line, enum log_level level, const char *message)
{
    line->len = 0;
    line->full = false;
    line->format = format_on;
    put_time(line);
    struct log_field fields[] = {log_str("level", level_names[level]), log_str("msg", message)};
    put_field(line, &fields[0]);
    put_field(line, &fields[1]);
}

static struct slice end_line(struct line *line)
{
    bool json = line->format == LOG_FORMAT_JSON;
    /* TAIL_MAX bytes were kept free for this. */
    const char *tail = json         ? (line->full ? ",\"truncated\":true}\n" : "}\n")
                       : line->full ? " truncated=true\n"
                                    : "\n";
    memcpy(line->bytes + line->len, tail, strlen(tail));
    line->len += strlen(tail);
    return (struct slice){line->bytes, line->len};
}

static void write_event(enum log_level level, const char *message, const struct log_field *fields,
                        size_t count, uint64_t suppressed)
{
    struct line line;
    begin_line(&line, level, message);
    for (size_t i = 0; i < count; i++)
        put_field(&line, &fields[i]);
    if (suppressed > 0)
        put_field(&line, &(struct log_field){
                             .name = "suppressed", .kind = LOG_KIND_INT, .integer = (int64_t)suppressed});
    log_writer_put(end_line(&line));
}

void log_event(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
    if (log_is_on(level))
        write_event(level, message, fields, count, 0);
}

void log_line(enum log_level level, const char *message)
{
    log_event(level, message, NULL, 0);
}

void log_event_limited(struct log_limit *limit, enum log_level level, const char *message,
                       const struct log_field *fields, size_t count)
{
    if (!log_is_on(level))
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (now_ms < limit->next_ms) {
        limit->suppressed++;
        return;
    }
    write_event(level, message, fields, count, limit->suppressed);
    *limit = (struct log_limit){now_ms + LIMIT_MS, 0};
}

static size_t put_masked(char *out, struct slice text, size_t first, size_t last)
{
    return (size_t)snprintf(out, LOG_MASK_MAX, "%.*s***%.*s", (int)first, text.ptr, (int)last,
                            text.ptr + text.len - last);
}

const char *log_mask(char out[LOG_MASK_MAX], struct slice text)
{
    out[0] = '\0';
    if (text.len == 0)
        return out;
    const char *sign = memrchr(text.ptr, '@', text.len);
    size_t first = character((const unsigned char *)text.ptr, text.len);
    bool number = text.ptr[0] == '+' || (text.ptr[0] >= '0' && text.ptr[0] <= '9');
    if (sign) {
        size_t domain = (size_t)(text.ptr + text.len - sign);
        put_masked(out, text, sign > text.ptr ? first : 0, domain < LOG_MASK_MAX - 8 ? domain : 0);
    } else if (!number) {
        put_masked(out, text, first, 0);
    } else if (text.len < 12) {
        /* Short numbers would be told by what is left of them. */
        put_masked(out, text, text.len > 6 ? 3 : 0, 0);
    } else {
        put_masked(out, text, 6, 2);
    }
    return out;
}

void log_configure(enum log_level level, enum log_format format)
{
    level_on = level;
    format_on = format;
}

bool log_is_on(enum log_level level)
{
    return level <= level_on;
}

static size_t report_dropped(char *out, size_t size, uint64_t dropped)
{
    struct line line;
    begin_line(&line, LOG_WARN, "log lines dropped");
    put_field(&line,
              &(struct log_field){.name = "dropped", .kind = LOG_KIND_INT, .integer = (int64_t)dropped});
    struct slice text = end_line(&line);
    size_t len = text.len < size ? text.len : size;
    memcpy(out, text.ptr, len);
    return len;
}

bool log_open(int fd)
{
    return log_writer_open(fd, report_dropped);
}

void log_close(void)
{
    log_writer_close(LOG_CLOSE_WAIT_MS);
}

uint64_t log_dropped(void)
{
    return log_writer_dropped();
}
