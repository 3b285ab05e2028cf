/* One operation that somebody asked for, whatever the protocol: HTTP and MessagePack-RPC both become this,
 * and one handler serves both. A call is answered exactly once, at once or later. */
#ifndef SERVER_OPERATION_H
#define SERVER_OPERATION_H

#include "proto/problem.h"
#include "rules/value.h"
#include "server/app.h"
#include "server/token.h"

enum role { ROLE_SOURCE, ROLE_AGENT, ROLE_SUPERVISOR, ROLE_POOL_ADMIN, ROLE_ADMIN, ROLE_HOOK };
#define ROLE_COUNT 6 /* ROLE_HOOK: of a webhook's URL, opens no operation */
const char *role_name(enum role role);
#define ROLE_BIT(role) (1u << (role))

/* Who asks: from a token. */
struct principal {
    struct uuid token;
    uint8_t token_hash[TOKEN_HASH_SIZE]; /* for auth_find_hash() */
    enum role role;
    uint32_t project;
    struct slice project_name, agent; /* agent empty: none; of ROLE_HOOK the hook's name. Owned by the auth
                                         cache entry or the connection */
};

struct operation_call {
    struct app *app;
    struct project *project;
    const struct principal *principal;
    struct arena *arena;
    /* One map for both protocols: path parameters, query and body members over HTTP; the single map over RPC.
     */
    const struct value *params;
    const struct operation *operation;
    void *transport; /* struct http_exchange or struct rpc_call */
    bool over_rpc;
    const char
        *within; /* pointer of the member that the parameters stand in, or NULL: they are the call's own */
    const struct value
        *origin; /* for the log, where the transport may be gone; NULL: the transport says it */
};

typedef void (*operation_handler)(struct operation_call *call);

/* What a parameter must be before a handler sees it. In a query string integers and booleans are text. */
enum operation_param_kind {
    PARAM_TEXT, /* min..max bytes, no control characters */
    PARAM_INT,  /* min..max */
    PARAM_BOOL,
    PARAM_UUID,
    PARAM_LIST,     /* min..max items; what they are is the handler's to check */
    PARAM_MAP,      /* min..max members, likewise */
    PARAM_DOCUMENT, /* text of at most max bytes with anything in it */
};

#define PARAM_REQUIRED 1u
#define PARAM_NULLABLE 2u /* null is a value of its own; elsewhere null is the same as absent */

struct operation_param {
    const char *name; /* NULL ends a list */
    enum operation_param_kind kind;
    unsigned flags;
    int64_t min, max;
};

/* A row of the route table. */
struct operation {
    const char *method, *path; /* below /v1/projects/{project}; {name} segments become params; path NULL:
                                  MessagePack-RPC only */
    const char *rpc;           /* RPC method, or NULL */
    unsigned roles;            /* bits 1 << enum role; default deny */
    operation_handler handler;
    const char *sql;     /* for operation_sql(): the file's name */
    const char *summary; /* for OpenAPI */
    /* Every name that is accepted, those of the path too; others are `invalid`. NULL with raw: the handler
     * reads the body itself, and over RPC `params` is the first positional argument, whatever it is. */
    const struct operation_param *params;
    bool raw;
};

extern const struct operation operations[]; /* ends with method NULL */

void operation_reply(struct operation_call *call, unsigned status, const struct value *result);
void operation_reply_json(struct operation_call *call, unsigned status,
                          struct slice json); /* text as the database made it */
void operation_fail(struct operation_call *call, const struct problem *problem);

/* Fetching params with typed errors: false after operation_fail() has been called. */
const struct operation_param *operation_find_param(const struct operation *operation, struct slice name);
/* Checks `given` against the operation's params and puts the result into call->params. */
bool operation_check_params(struct operation_call *call, const struct value *given)
    __attribute__((warn_unused_result));
bool operation_text(struct operation_call *call, const char *name, bool required, size_t max,
                    struct slice *out) __attribute__((warn_unused_result));
bool operation_int(struct operation_call *call, const char *name, int64_t min, int64_t max, int64_t fallback,
                   int64_t *out) __attribute__((warn_unused_result));
bool operation_bool(struct operation_call *call, const char *name, bool fallback, bool *out);
bool operation_uuid(struct operation_call *call, const char *name, struct uuid *out)
    __attribute__((warn_unused_result));

#endif
