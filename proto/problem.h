/* Errors as clients see them (contract section 7): RFC 9457 over HTTP, {code, message, data} over
 * MessagePack-RPC.
 *
 * A problem is a plain value and owns nothing. The values made from one live in the arena that is handed in.
 */
#ifndef PROTO_PROBLEM_H
#define PROTO_PROBLEM_H

#include "rules/event.h"

#define PROBLEM_MEDIA_TYPE "application/problem+json"
#define PROBLEM_DETAIL_SIZE 512
#define PROBLEM_RETRY_AFTER_S 1 /* seconds, for the Retry-After of codes that problem_is_retryable() */

enum problem_code {
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_INVALID,
    PROBLEM_STALE,
    PROBLEM_ID_CONFLICT,
    PROBLEM_OFFER_GONE,
    PROBLEM_ALREADY_TAKEN,
    PROBLEM_AGENT_UNAVAILABLE,
    PROBLEM_CONTACT_LIMIT,
    PROBLEM_IN_USE,
    PROBLEM_TOO_LARGE,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_OVERLOADED,
    PROBLEM_NOT_OWNER,
    PROBLEM_STORAGE_UNAVAILABLE,
    PROBLEM_INTERNAL,
};
#define PROBLEM_CODE_COUNT 18

struct problem {
    enum problem_code code;
    char detail[PROBLEM_DETAIL_SIZE]; /* a sentence for people; cut when longer */
    char pointer[128];                /* JSON Pointer to the fault in the body, or empty */
};

const char *problem_code_name(enum problem_code code); /* "offer_gone" */
bool problem_code_parse(enum problem_code *out, struct slice name) __attribute__((warn_unused_result));
unsigned problem_status(enum problem_code code);   /* the HTTP status */
const char *problem_title(enum problem_code code); /* the same words for every problem of this code */
bool problem_is_retryable(enum problem_code code); /* answered with Retry-After */

/* `pointer` NULL or "": none. Text that does not fit is cut at a character's border. */
void problem_set(struct problem *problem, enum problem_code code, const char *pointer, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
/* PROBLEM_INVALID at the fault's place. */
void problem_set_fault(struct problem *problem, const struct fault *fault);

/* {"type": "urn:patchbay:problem:<code>", "title", "status", "detail", "code", "pointer"}; detail and pointer
 * only where there is one. */
struct value problem_value_http(const struct problem *problem, struct arena *arena);
/* {"code", "message", "data": {"status", "title", "pointer"}}; message is the detail, or the title without
 * one. */
struct value problem_value_rpc(const struct problem *problem, struct arena *arena);

#endif
