/* A mail that is kept as it came, whatever way it comes: after its decision, which says where it belongs, and
 * before it is acknowledged. What cannot be written now is delivered again, and finds its decision. */
#ifndef SERVER_RAW_MAIL_H
#define SERVER_RAW_MAIL_H

#include "rules/project_config.h"
#include "server/intake.h"

struct app;

/* What the project wishes for the mail of one endpoint. Projects and their files come and go meanwhile. */
struct raw_mail {
    uint32_t project; /* its id */
    bool is_kept;
    size_t max;     /* bytes; of a longer one the length alone */
    int64_t for_ms; /* after its arrival */
};

/* `or_null` NULL: it goes to no endpoint, and is not kept. */
struct raw_mail raw_mail_wish(const struct project *project, const struct config_endpoint *or_null);
/* True: on_kept comes once, perhaps at once; `kept` false: it could not be written. False: there is nothing
 * to keep. The request is answered; its arena and `message` live until on_kept. */
bool raw_mail_keep(struct app *app, const struct raw_mail *wish, const struct intake_request *request,
                   struct slice message, void (*on_kept)(void *ctx, bool kept), void *ctx)
    __attribute__((warn_unused_result));

#endif
