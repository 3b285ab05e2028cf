/* A recorded HTTP/1.1 request: request line, header, an empty line, the body as it came. Lines end with LF or
 * CR LF. For `patchbay decode` and tests; the listener has its own reader. */
#ifndef PROTO_HOOK_RECORDING_H
#define PROTO_HOOK_RECORDING_H

#include "proto/hook.h"

#define HOOK_RECORDING_SOURCE "hooks/recording"

/* Fills what the bytes say (with Host the URL is whole, else its path); the rest stays as it is. NULL, or
 * what is wrong. */
const char *hook_recording_read(struct hook_request *request, struct slice bytes, struct arena *arena);

#endif
