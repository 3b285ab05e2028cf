/* The calls of a gateway that are open here, so that it can ask its exchange what has become of them. */
#ifndef SERVER_GATEWAY_CALLS_H
#define SERVER_GATEWAY_CALLS_H

#include "server/gateway.h"

struct gateway_call {
    struct slice subject; /* borrowed until anything else happens */
    int64_t opened_ms;
    bool is_active;     /* an agent has it */
    struct slice agent; /* who has it, or is offered it; empty: nobody */
};

/* From the oldest on; nothing may be submitted meanwhile. */
void gateway_calls_each(const struct gateway *gateway,
                        void (*on_call)(void *ctx, const struct gateway_call *call), void *ctx);
/* False: it is not open (any more). */
bool gateway_calls_find(const struct gateway *gateway, struct slice subject, struct gateway_call *out);
/* The same of an interaction, by its id as text; false also when it is no call of this gateway. */
bool gateway_calls_of(const struct gateway *gateway, struct slice interaction, struct gateway_call *out);
/* The event that ends one which nobody will end any more: "call.ended" with the cause "lost". Borrows the
 * source and the id, copies the call. */
struct value gateway_call_lost(struct slice source, struct slice call, struct slice id, struct arena *arena);

#endif
