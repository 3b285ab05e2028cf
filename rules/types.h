/* The vocabulary of every folder: borrowed text, ids, channels. Plain values, no allocation.
 *
 * Times are int64_t milliseconds since 1970-01-01T00:00:00Z and carry the suffix _ms; TIME_NEVER means "not
 * set". */
#ifndef RULES_TYPES_H
#define RULES_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_NEVER INT64_MAX

/* Borrowed bytes. Need not end with NUL; `ptr` may be NULL when `len` is 0. Absent text is {NULL, 0}. */
struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

struct slice slice_of(const char *text); /* NULL gives the empty slice */
bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *text);
int slice_compare(struct slice a, struct slice b); /* bytewise, shorter first: a total order */

/* A UUID (RFC 9562). Ids that patchbay makes are version 7: time-ordered. All zeroes means "none". */
struct uuid {
    uint8_t bytes[16];
};

#define UUID_TEXT_LEN 36

bool uuid_is_nil(const struct uuid *id);
bool uuid_equal(const struct uuid *a, const struct uuid *b);
int uuid_compare(const struct uuid *a, const struct uuid *b);
/* The id's 16 bytes, borrowed: a key for tables. */
struct slice uuid_bytes(const struct uuid *id);
/* Writes 36 lower-case characters and a NUL. */
void uuid_format(const struct uuid *id, char out[UUID_TEXT_LEN + 1]);
/* Accepts exactly the 36-character form, either case; false leaves *out alone. */
bool uuid_parse(struct uuid *out, struct slice text) __attribute__((warn_unused_result));

/* A version 7 UUID that is a pure function of where it was decided: 48 bits of at_ms, 44 bits of seq, 12 of n
 * and an 18-bit tag of the project. Two ids differ unless all four agree. */
struct uuid uuid_derive(int64_t at_ms, uint32_t project, uint64_t seq, uint32_t n);
/* The seq that an id of uuid_derive() was made at; false when the id is not one of this project's. */
bool uuid_derived_seq(const struct uuid *id, uint32_t project, uint64_t *seq);

enum channel { CHANNEL_CALL, CHANNEL_CHAT, CHANNEL_EMAIL };
#define CHANNEL_COUNT 3

const char *channel_name(enum channel channel);
bool channel_parse(enum channel *out, struct slice name) __attribute__((warn_unused_result));

#endif
