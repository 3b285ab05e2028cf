/* The bytes that are hashed are one fixed serialisation of struct event, the same for every coding it came
 * in: each field in the order below, text with its length before it, members by name, numbers by value. A
 * letter in front of everything keeps the three kinds of name apart. */
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "proto/base64.h"
#include "proto/cloudevent.h"
#include "proto/names.h"

#define GATHER_MAX 1024 /* bytes collected before the hash function is called */

/* Fetching an algorithm costs more than hashing an event, so it happens once. */
static EVP_MD *sha256;
static once_flag sha256_once = ONCE_FLAG_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

struct digest {
    EVP_MD_CTX *context;
    struct arena scratch; /* used only by maps */
    size_t gathered;
    unsigned char bytes[GATHER_MAX];
};

/* As with the arena: SHA-256 that cannot be had is a broken machine, not bad input. */
static void must(bool ok)
{
    if (!ok)
        abort();
}

static void digest_init(struct digest *digest, char kind)
{
    call_once(&sha256_once, fetch_sha256);
    digest->context = EVP_MD_CTX_new();
    must(sha256 && digest->context && EVP_DigestInit_ex2(digest->context, sha256, NULL));
    arena_init(&digest->scratch);
    digest->bytes[0] = (unsigned char)kind;
    digest->gathered = 1;
}

static void flush(struct digest *digest)
{
    must(EVP_DigestUpdate(digest->context, digest->bytes, digest->gathered));
    digest->gathered = 0;
}

static void add_bytes(struct digest *digest, const void *bytes, size_t len)
{
    if (len > GATHER_MAX - digest->gathered)
        flush(digest);
    if (len > GATHER_MAX) {
        must(EVP_DigestUpdate(digest->context, bytes, len));
    } else if (len) {
        memcpy(digest->bytes + digest->gathered, bytes, len);
        digest->gathered += len;
    }
}

static void add_number(struct digest *digest, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    add_bytes(digest, bytes, sizeof bytes);
}

static void add_text(struct digest *digest, struct slice text)
{
    add_number(digest, text.len);
    add_bytes(digest, text.ptr, text.len);
}

static void digest_deinit(struct digest *digest, struct uuid *out)
{
    unsigned char full[EVP_MAX_MD_SIZE];
    flush(digest);
    must(EVP_DigestFinal_ex(digest->context, full, NULL));
    EVP_MD_CTX_free(digest->context);
    arena_deinit(&digest->scratch);
    memcpy(out->bytes, full, sizeof out->bytes);
}

static void add_kind(struct digest *digest, char kind)
{
    add_bytes(digest, &kind, 1);
}

/* A number is the same number however it was written: 1, 1.0 and 1e0. */
static void add_double(struct digest *digest, double real)
{
    bool integral = real >= -0x1p63 && real < 0x1p63 && trunc(real) == real;
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    add_kind(digest, integral ? 'i' : 'd');
    add_number(digest, integral ? (uint64_t)(int64_t)real : bits);
}

static void add_value(struct digest *digest, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        add_kind(digest, 'n');
        break;
    case VALUE_BOOL:
        add_kind(digest, value->boolean ? 't' : 'f');
        break;
    case VALUE_INT:
        add_kind(digest, 'i');
        add_number(digest, (uint64_t)value->integer);
        break;
    case VALUE_DOUBLE:
        add_double(digest, value->real);
        break;
    case VALUE_STRING:
        add_kind(digest, 's');
        add_text(digest, value->string);
        break;
    case VALUE_BYTES: /* JSON can say them only in base64 */
        add_kind(digest, 's');
        add_text(digest, base64_write(value->string, &digest->scratch));
        break;
    case VALUE_LIST:
        add_kind(digest, 'l');
        add_number(digest, value->count);
        for (uint32_t i = 0; i < value->count; i++)
            add_value(digest, &value->items[i]);
        break;
    case VALUE_MAP: {
        const struct value_member **sorted = names_sorted(value, &digest->scratch);
        add_kind(digest, 'm');
        add_number(digest, value->count);
        for (uint32_t i = 0; i < value->count; i++) {
            add_text(digest, sorted[i]->name);
            add_value(digest, &sorted[i]->value);
        }
        break;
    }
    }
}

static void add_texts(struct digest *digest, const struct slice *items, uint32_t count)
{
    add_number(digest, count);
    for (uint32_t i = 0; i < count; i++)
        add_text(digest, items[i]);
}

void cloudevent_key(struct uuid *out, const struct event *event)
{
    struct digest digest;
    digest_init(&digest, 'k');
    add_text(&digest, event->source);
    add_text(&digest, event->id);
    digest_deinit(&digest, out);
}

void cloudevent_conversation(struct uuid *out, enum channel channel, struct slice source,
                             struct slice subject)
{
    struct digest digest;
    digest_init(&digest, 'c');
    add_number(&digest, channel);
    add_text(&digest, source);
    add_text(&digest, subject);
    digest_deinit(&digest, out);
}

void cloudevent_digest(struct uuid *out, const struct event *event)
{
    struct digest digest;
    digest_init(&digest, 'e');
    add_number(&digest, event->type);
    add_text(&digest, event->source);
    add_text(&digest, event->id);
    add_text(&digest, event->subject);
    /* TIME_NEVER stands for itself: a repeat without time is equal to a first without one, whenever it came.
     */
    add_number(&digest, (uint64_t)event->time_ms);
    add_text(&digest, event->from.phone);
    add_text(&digest, event->from.email);
    add_text(&digest, event->from.id);
    add_text(&digest, event->from.name);
    add_text(&digest, event->to);
    add_number(&digest, (uint64_t)event->outbound << 1 | event->privacy);
    add_text(&digest, event->agent);
    add_text(&digest, event->cause);
    add_text(&digest, event->title);
    add_text(&digest, event->text);
    add_texts(&digest, event->in_reply_to, event->in_reply_to_count);
    add_texts(&digest, event->references, event->references_count);
    add_value(&digest, &event->headers);
    add_value(&digest, &event->attributes);
    digest_deinit(&digest, out);
}
