/* Comparing and trimming protocol text: ASCII only, whatever the locale. Borrowed slices in, borrowed slices
 * out. */
#ifndef RULES_ASCII_H
#define RULES_ASCII_H

#include "rules/types.h"

char ascii_lower(char c);
bool ascii_is_digit(char c);
bool ascii_is_letter(char c);
/* False for NUL. */
bool ascii_is_one_of(char c, const char *set);
/* `word` is in lower case; only `text` is folded. */
bool ascii_equal(struct slice text, const char *word);
bool ascii_begins(struct slice text, const char *word);
/* Without space, TAB, CR and LF at both ends. */
struct slice ascii_trim(struct slice text);
/* Bytes [start, end) of `text`. */
struct slice ascii_part(struct slice text, size_t start, size_t end);
/* Index of the first `c`, or text.len. */
size_t ascii_find(struct slice text, char c);

#endif
