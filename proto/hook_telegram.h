/* What a message of Telegram says, whatever it holds: as text, and as attributes of the event. */
#ifndef PROTO_HOOK_TELEGRAM_H
#define PROTO_HOOK_TELEGRAM_H

#include "rules/value.h"

/* False for what the service says itself: a pinned message, a changed setting. */
bool hook_telegram_has_content(const struct value *message);
/* Empty when the message has no words. */
struct slice hook_telegram_text(const struct value *message, struct arena *arena);
/* A map with room for two more: message, user, language, reply_to, forwarded, album, attachments, location,
 * contact, type; those that the message has. */
struct value hook_telegram_attributes(const struct value *message, const struct value *user,
                                      struct arena *arena);

/* Of a button below `message`: the words on it, else its data. */
struct slice hook_telegram_label(const struct value *message, struct slice data, struct arena *arena);
struct value hook_telegram_button(const struct value *query, const struct value *message,
                                  const struct value *user, struct arena *arena);

#endif
