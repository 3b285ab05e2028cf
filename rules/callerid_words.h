/* The spellings of "no number": words in the languages of networks and exchanges, and the same words dialled
 * on a keypad, as carriers send them where only digits are allowed. */
#ifndef RULES_CALLERID_WORDS_H
#define RULES_CALLERID_WORDS_H

#include "rules/types.h"

enum callerid_word { CALLERID_WORD_NOT, CALLERID_WORD_MISSING, CALLERID_WORD_WITHHELD };

/* Compares letters and digits only, in any case: "No Caller-ID" is "nocallerid". MISSING is how software
 * spells an absent value ("<null>"). */
enum callerid_word callerid_words_find(struct slice text);

/* RFC 3323 4.1.1.3: the display name of a caller who asks for privacy. Other words in a display name are a
 * directory's business ("UNKNOWN" with a good number) and decide nothing. */
bool callerid_words_is_anonymous_name(struct slice display);

/* `digits` without +; `international` when one stood before it. */
bool callerid_words_is_keypad(struct slice digits, bool international);

#endif
