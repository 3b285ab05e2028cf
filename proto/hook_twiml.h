/* What Twilio is to do with a call, as TwiML. */
#ifndef PROTO_HOOK_TWIML_H
#define PROTO_HOOK_TWIML_H

#include "proto/hook.h"

/* A blocked caller is rejected, or hung up on where the call has been answered. Others: as the hook's options
 * say, in the order redirect, enqueue, pause; without any, the queue of the decision. */
struct slice hook_twiml(const struct hook_request *request, const struct hook_decision *decision,
                        bool is_ringing, struct arena *arena);
struct hook_voice *hook_voice_copy(const struct hook_voice *voice, struct arena *arena);

#endif
