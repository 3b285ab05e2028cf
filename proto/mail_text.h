/* Text of a mail as UTF-8 that can be stored: whatever charset it claims to be in, whatever it is in. */
#ifndef PROTO_MAIL_TEXT_H
#define PROTO_MAIL_TEXT_H

#include "rules/arena.h"

/* `charset` may be empty or unknown: then it is UTF-8 if it can be, else windows-1252. Bytes that the charset
 * does not have become U+FFFD. No NUL, no control characters but TAB and LF; CR LF becomes LF; no white space
 * at the end. */
struct slice mail_text(struct slice bytes, struct slice charset, struct arena *arena);
/* UTF-8 made of what should be it: one line, without control characters. */
struct slice mail_line(struct slice text, struct arena *arena);
/* The longest beginning of UTF-8 `text` of at most `max` bytes. */
struct slice mail_text_begin(struct slice text, size_t max);

/* What a reader sees of HTML, as text: blocks become lines, entities characters. Linear in time, never longer
 * than the input. */
struct slice mail_html_text(struct slice html, struct arena *arena);

#endif
