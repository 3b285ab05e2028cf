/* What a message of WhatsApp says, whatever its type: as text, and as attributes of the event. */
#ifndef PROTO_HOOK_WHATSAPP_H
#define PROTO_HOOK_WHATSAPP_H

#include "rules/value.h"

#define HOOK_WHATSAPP_ITEMS_MAX 20 /* contacts or ordered products that are told; the others are counted */

/* Empty when the message has no words. */
struct slice hook_whatsapp_text(const struct value *message, struct slice type, struct arena *arena);
/* A map with room for one more: type, message, reply_to, forwarded, attachments, location, contacts, reply,
 * form, order, referral, error; those that the message has. */
struct value hook_whatsapp_attributes(const struct value *message, struct slice type, struct arena *arena);

#endif
