/* Data is handed out in runs, not bytes: each run ends where a dot must be left out, or where the end of the
 * message may stand. */
#include "proto/lmtp.h"

#include <string.h>

#include "rules/ascii.h"

/* dot_state: what the last bytes of the data were. */
enum { AT_START, IN_LINE, AFTER_CR };

#define DIGITS_MAX 18 /* of a size */

void lmtp_reader_init(struct lmtp_reader *reader)
{
    *reader = (struct lmtp_reader){.mode = LMTP_READS_LINES};
}

void lmtp_begin_data(struct lmtp_reader *reader)
{
    reader->mode = LMTP_READS_DATA;
    reader->dot_state = AT_START;
}

void lmtp_begin_chunk(struct lmtp_reader *reader, uint64_t size)
{
    reader->mode = LMTP_READS_CHUNK;
    reader->chunk_left = size;
}

/* --- command lines --- */

static struct slice take_word(struct slice *text)
{
    size_t end = ascii_find(*text, ' ');
    struct slice word = ascii_part(*text, 0, end);
    *text = ascii_trim(ascii_part(*text, end, text->len));
    return word;
}

static bool read_size(uint64_t *out, struct slice text)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]))
            return false;
        *out = *out * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return text.len > 0 && text.len <= DIGITS_MAX;
}

/* "<ann@example.com>", quoted local parts and source routes included (RFC 5321 4.1.2); *rest is what follows.
 */
static bool take_path(struct slice *path, struct slice *rest)
{
    struct slice text = *rest;
    size_t at = 1, start = 1;
    bool quoted = false;
    if (!text.len || text.ptr[0] != '<')
        return false;
    for (; at < text.len && (quoted || text.ptr[at] != '>'); at++) {
        if ((unsigned char)text.ptr[at] < ' ')
            return false;
        if (quoted && text.ptr[at] == '\\')
            at++;
        else if (text.ptr[at] == '"')
            quoted = !quoted;
        else if (!quoted && at > start && text.ptr[at] == ':' && text.ptr[start] == '@')
            start = at + 1; /* the route is obsolete and ignored */
    }
    if (at >= text.len || at - start > LMTP_PATH_MAX)
        return false;
    *path = ascii_part(text, start, at);
    *rest = ascii_trim(ascii_part(text, at + 1, text.len));
    return true;
}

static bool read_mail_parameter(struct lmtp_command *out, struct slice word)
{
    size_t equals = ascii_find(word, '=');
    struct slice name = ascii_part(word, 0, equals);
    struct slice value = ascii_part(word, equals < word.len ? equals + 1 : equals, word.len);
    if (ascii_equal(name, "size"))
        return read_size(&out->size, value);
    if (ascii_equal(name, "body"))
        return ascii_equal(value, "7bit") || ascii_equal(value, "8bitmime");
    return ascii_equal(word, "smtputf8");
}

static enum lmtp_fault read_envelope(struct lmtp_command *out, struct slice text, const char *word)
{
    if (!ascii_begins(text, word))
        return LMTP_BAD_SYNTAX;
    text = ascii_trim(ascii_part(text, strlen(word), text.len));
    if (!take_path(&out->path, &text))
        return LMTP_BAD_PATH;
    if (out->verb == LMTP_RCPT)
        return !out->path.len ? LMTP_BAD_PATH : text.len ? LMTP_BAD_PARAMETER : LMTP_GOOD;
    while (text.len) {
        if (!read_mail_parameter(out, take_word(&text)))
            return LMTP_BAD_PARAMETER;
    }
    return LMTP_GOOD;
}

static enum lmtp_fault read_chunk(struct lmtp_command *out, struct slice text)
{
    if (!read_size(&out->size, take_word(&text)))
        return LMTP_BAD_SYNTAX;
    out->is_last = ascii_equal(text, "last");
    return text.len && !out->is_last ? LMTP_BAD_SYNTAX : LMTP_GOOD;
}

static const struct verb {
    const char *name;
    enum lmtp_verb verb;
} verbs[] = {
    {"lhlo", LMTP_LHLO}, {"mail", LMTP_MAIL},           {"rcpt", LMTP_RCPT},           {"data", LMTP_DATA},
    {"bdat", LMTP_BDAT}, {"rset", LMTP_RSET},           {"noop", LMTP_NOOP},           {"vrfy", LMTP_VRFY},
    {"quit", LMTP_QUIT}, {"helo", LMTP_WRONG_PROTOCOL}, {"ehlo", LMTP_WRONG_PROTOCOL},
};

static enum lmtp_verb verb_of(struct slice word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (ascii_equal(word, verbs[i].name))
            return verbs[i].verb;
    }
    return LMTP_UNKNOWN;
}

void lmtp_parse(struct lmtp_command *out, struct slice line)
{
    struct slice text = ascii_trim(line);
    *out = (struct lmtp_command){.verb = verb_of(take_word(&text)), .argument = text};
    switch (out->verb) {
    case LMTP_LHLO:
        out->fault = text.len ? LMTP_GOOD : LMTP_BAD_SYNTAX;
        break;
    case LMTP_MAIL:
        out->fault = read_envelope(out, text, "from:");
        break;
    case LMTP_RCPT:
        out->fault = read_envelope(out, text, "to:");
        break;
    case LMTP_BDAT:
        out->fault = read_chunk(out, text);
        break;
    case LMTP_DATA:
    case LMTP_RSET:
    case LMTP_QUIT:
        out->fault = text.len ? LMTP_BAD_SYNTAX : LMTP_GOOD;
        break;
    case LMTP_NOOP:
    case LMTP_VRFY:
    case LMTP_WRONG_PROTOCOL:
    case LMTP_UNKNOWN:
        break;
    }
}

/* --- the stream --- */

static void need_more(struct lmtp_step *out, size_t used)
{
    out->status = LMTP_NEED_MORE;
    out->used = used;
}

static void read_line(struct lmtp_reader *reader, struct slice input, struct lmtp_step *out)
{
    size_t len = ascii_find(input, '\n');
    bool is_complete = len < input.len;
    bool was_skipping = reader->mode == LMTP_SKIPS_LINE;
    if (!is_complete && !was_skipping && input.len < LMTP_LINE_MAX) {
        need_more(out, 0);
        return;
    }
    if (!is_complete) {
        reader->mode = LMTP_SKIPS_LINE;
        need_more(out, input.len);
        return;
    }
    reader->mode = LMTP_READS_LINES;
    out->status = LMTP_COMMAND;
    out->used = len + 1;
    if (was_skipping || len > LMTP_LINE_MAX)
        out->command = (struct lmtp_command){.verb = LMTP_UNKNOWN, .fault = LMTP_LINE_TOO_LONG};
    else
        lmtp_parse(&out->command, ascii_part(input, 0, len));
}

static unsigned next_state(unsigned state, char c)
{
    if (c == '\r')
        return AFTER_CR;
    return c == '\n' && state == AFTER_CR ? AT_START : IN_LINE;
}

/* Bytes up to the next line that begins with a dot. */
static size_t run_of(struct lmtp_reader *reader, struct slice input)
{
    size_t at = 0;
    while (at < input.len) {
        if (reader->dot_state == AT_START && input.ptr[at] == '.')
            break;
        if (reader->dot_state == IN_LINE) {
            const char *cr = memchr(input.ptr + at, '\r', input.len - at);
            at = cr ? (size_t)(cr - input.ptr) : input.len;
            if (!cr)
                break;
        }
        reader->dot_state = next_state(reader->dot_state, input.ptr[at++]);
    }
    return at;
}

/* A line that begins with a dot: the end, or the dot goes. "." CR may still become either, so it waits for
 * the byte behind. */
static void read_dot(struct lmtp_reader *reader, struct slice input, struct lmtp_step *out)
{
    if (input.len < 2 || (input.ptr[1] == '\r' && input.len < 3)) {
        need_more(out, 0);
        return;
    }
    if (input.ptr[1] == '\r' && input.ptr[2] == '\n') {
        reader->mode = LMTP_READS_LINES;
        out->status = LMTP_DATA_END;
        out->used = 3;
        return;
    }
    reader->dot_state = IN_LINE; /* behind the dot that goes */
    size_t run = run_of(reader, ascii_part(input, 1, input.len));
    out->status = LMTP_CONTENT;
    out->used = 1 + run;
    out->content = ascii_part(input, 1, 1 + run);
}

static void read_data(struct lmtp_reader *reader, struct slice input, struct lmtp_step *out)
{
    if (reader->dot_state == AT_START && input.len && input.ptr[0] == '.') {
        read_dot(reader, input, out);
        return;
    }
    size_t run = run_of(reader, input);
    if (!run) {
        need_more(out, 0);
        return;
    }
    out->status = LMTP_CONTENT;
    out->used = run;
    out->content = ascii_part(input, 0, run);
}

static void read_chunk_bytes(struct lmtp_reader *reader, struct slice input, struct lmtp_step *out)
{
    if (!reader->chunk_left) {
        reader->mode = LMTP_READS_LINES;
        out->status = LMTP_CHUNK_END;
        return;
    }
    if (!input.len) {
        need_more(out, 0);
        return;
    }
    out->used = input.len < reader->chunk_left ? input.len : (size_t)reader->chunk_left;
    reader->chunk_left -= out->used;
    out->status = LMTP_CONTENT;
    out->content = ascii_part(input, 0, out->used);
}

void lmtp_read(struct lmtp_reader *reader, struct slice input, struct lmtp_step *out)
{
    *out = (struct lmtp_step){.status = LMTP_NEED_MORE};
    switch (reader->mode) {
    case LMTP_READS_LINES:
    case LMTP_SKIPS_LINE:
        read_line(reader, input, out);
        break;
    case LMTP_READS_DATA:
        read_data(reader, input, out);
        break;
    case LMTP_READS_CHUNK:
        read_chunk_bytes(reader, input, out);
        break;
    }
}
