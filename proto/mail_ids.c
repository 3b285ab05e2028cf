#include "proto/mail_ids.h"

#include "rules/ascii.h"

static bool is_blank(char c)
{
    return ascii_is_one_of(c, " \t\r\n");
}

/* A ring while it fills: the newest push the oldest out. */
static void push(struct slice ring[EVENT_REFERENCES_MAX], uint32_t *count, struct slice id)
{
    if (id.len > 0 && id.len <= EVENT_ATTRIBUTE_MAX)
        ring[(*count)++ % EVENT_REFERENCES_MAX] = id;
}

/* An id that was folded in its middle is put together again. */
static struct slice without_blanks(struct slice text, struct arena *arena)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_blank(text.ptr[i]))
            out[len++] = text.ptr[i];
    }
    return (struct slice){out, len};
}

static void take_bracketed(struct slice ring[EVENT_REFERENCES_MAX], uint32_t *count, struct slice value,
                           struct arena *arena)
{
    for (size_t at = ascii_find(value, '<'); at < value.len;) {
        struct slice rest = ascii_part(value, at, value.len);
        size_t len = ascii_find(rest, '>');
        if (len == rest.len)
            return;
        if (len > 1 && len <= EVENT_ATTRIBUTE_MAX)
            push(ring, count, without_blanks(ascii_part(rest, 0, len + 1), arena));
        rest = ascii_part(rest, len, rest.len);
        at += len + ascii_find(rest, '<');
    }
}

static void take_bare(struct slice ring[EVENT_REFERENCES_MAX], uint32_t *count, struct slice value,
                      struct arena *arena)
{
    for (size_t at = 0; at < value.len; at++) {
        size_t start = at;
        while (at < value.len && !is_blank(value.ptr[at]))
            at++;
        struct slice word = ascii_part(value, start, at);
        if (word.len <= EVENT_ATTRIBUTE_MAX - 2 && ascii_find(word, '@') < word.len)
            push(ring, count, arena_format(arena, "<%.*s>", (int)word.len, word.ptr));
    }
}

uint32_t mail_ids(struct slice *out, struct slice value, struct arena *arena)
{
    struct slice ring[EVENT_REFERENCES_MAX];
    uint32_t count = 0;
    if (ascii_find(value, '<') < value.len)
        take_bracketed(ring, &count, value, arena);
    else
        take_bare(ring, &count, value, arena);
    uint32_t kept = count < EVENT_REFERENCES_MAX ? count : EVENT_REFERENCES_MAX;
    for (uint32_t i = 0; i < kept; i++)
        out[i] = ring[(count - kept + i) % EVENT_REFERENCES_MAX];
    return kept;
}
