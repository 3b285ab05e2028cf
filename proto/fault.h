/* Filling a struct fault: text that always fits and always stays UTF-8, pointers that are escaped. */
#ifndef PROTO_FAULT_H
#define PROTO_FAULT_H

#include "rules/event.h"

#define FAULT_QUOTE_MAX 40 /* bytes of the sender's own text that a detail repeats */

/* Sets pointer and detail, clears the line. Returns false, so that decoders can `return fault_set(...)`. */
bool fault_set(struct fault *fault, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with `pointer` followed by "/" and `name`, escaped as RFC 6901 section 3 asks. */
bool fault_set_member(struct fault *fault, const char *pointer, struct slice name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Appends "/" and the escaped name to a pointer of `size` bytes; what does not fit is left out whole. */
void fault_append_name(char *pointer, size_t size, struct slice name);

/* The length to print of `text` with "%.*s": at most FAULT_QUOTE_MAX bytes, cut at a character's border. */
int fault_quote(struct slice text);

/* Drops half a UTF-8 sequence from the end of `text`, which lies in `size` bytes and may have been cut. */
void fault_trim(char *text, size_t size);

#endif
