/* Strings by code points. All text here is valid UTF-8; offsets and lengths are bytes where not said. */
#ifndef RULES_CEL_TEXT_H
#define RULES_CEL_TEXT_H

#include "rules/types.h"

#define CEL_NOWHERE SIZE_MAX

bool cel_utf8_is_valid(struct slice text);
size_t cel_utf8_count(struct slice text); /* code points */
/* Offset of code point `index`; text.len for the one behind the last; CEL_NOWHERE beyond. */
size_t cel_utf8_offset(struct slice text, uint64_t index);
/* The code point at `at` (in the text); *len is its bytes. */
uint32_t cel_utf8_at(struct slice text, size_t at, size_t *len);
/* Writes 1 to 4 bytes; `code` is no surrogate and at most 0x10FFFF. */
size_t cel_utf8_put(char out[4], uint32_t code);
/* The longest part of at most `most` bytes that ends between code points. */
struct slice cel_utf8_cut(struct slice text, size_t most);
struct slice cel_slice_from(struct slice text, size_t start); /* [start, end of text) */
struct slice cel_slice_part(struct slice text, size_t start, size_t end);
/* Offset of the first (last) `part` that starts in [from, ...) ([0, until]); CEL_NOWHERE. */
size_t cel_find(struct slice text, struct slice part, size_t from);
size_t cel_find_last(struct slice text, struct slice part, size_t until);

#endif
