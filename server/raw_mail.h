/* A mail that is kept as it came, whatever way it comes: after its decision, which says where it belongs, and
 * before it is acknowledged. What cannot be written now is delivered again, and finds its decision. */
#ifndef SERVER_RAW_MAIL_H
#define SERVER_RAW_MAIL_H

#include "rules/project_config.h"
#include "server/intake.h"

#define RAW_MAIL_COPIES_MAX 1024           /* that wait to be written */
#define RAW_MAIL_UNDER_WAY_MAX (64u << 20) /* bytes on their way to the database; more come again later */

struct app;
struct raw_mail_copy;

enum raw_mail_outcome {
    RAW_MAIL_KEPT,
    RAW_MAIL_UNKEPT,   /* it could not be written */
    RAW_MAIL_TOO_MUCH, /* RAW_MAIL_UNDER_WAY_MAX are on their way */
};

/* What the project wishes for the mail of one endpoint. Projects and their files come and go meanwhile. */
struct raw_mail {
    uint32_t project; /* its id */
    bool is_kept;
    size_t max;     /* bytes; of a longer one the length alone */
    int64_t for_ms; /* after its arrival */
};

/* A mail, which is one buffer however many recipients it has: it counts once while any copy of it is on its
 * way. The caller's, with its bytes, until the last on_kept. */
struct raw_mail_message {
    struct slice bytes;
    uint32_t copies; /* on their way; 0 at first */
};

/* The copies on their way, of which one is being written. What the database gives up after LONG_TIMEOUT_S
 * ends those who wait, too. Zeros at first. */
struct raw_mail_queue {
    size_t bytes;   /* of their messages */
    uint32_t count; /* of those who wait */
    struct raw_mail_copy *first, *last;
    bool is_writing;
};

/* `or_null` NULL: it goes to no endpoint, and is not kept. */
struct raw_mail raw_mail_wish(const struct project *project, const struct config_endpoint *or_null);
typedef void (*raw_mail_on_kept)(void *ctx, enum raw_mail_outcome outcome);
/* True: on_kept comes once, perhaps at once. False: there is nothing to keep. The request is answered; its
 * arena lives until on_kept. */
bool raw_mail_keep(struct app *app, const struct raw_mail *wish, const struct intake_request *request,
                   struct raw_mail_message *message, raw_mail_on_kept on_kept, void *ctx)
    __attribute__((warn_unused_result));

#endif
