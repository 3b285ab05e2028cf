/* One request of a webhook, for the files that serve it only (server/operation_hooks.h). Everything of it
 * lives in the exchange's arena; what the configuration says is copied there, since it may change meanwhile.
 */
#ifndef SERVER_HOOK_CALL_H
#define SERVER_HOOK_CALL_H

#include <uv.h>

#include "proto/hook.h"
#include "proto/hook_url.h"
#include "server/app.h"
#include "server/http.h"
#include "server/intake.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/operation.h"
#include "server/raw_mail.h"

#define HOOK_WHY_MAX 256

struct hook_call {
    uv_work_t work;
    struct operation_call call;
    const struct hook_preset *preset;
    struct slice token, project, name;
    bool is_stranger; /* nobody has confirmed the token yet */
    const char *secret_folder, *secret_files[HOOK_SECRETS_MAX];
    uint32_t secret_file_count;
    const char *unread_secret; /* NULL, or the file that could not be read */
    char why[HOOK_WHY_MAX];
    struct hook_url_parts url;
    struct hook_request request;
    struct hook_result result;
    enum hook_status status;
    struct intake_request *requests; /* one for each event */
    struct raw_mail *wishes;         /* the same, where the events are of a mail; else NULL */
    struct raw_mail_message message; /* that mail */
    uint32_t open;
    enum raw_mail_outcome kept; /* the worst of its mails */
};

/* hook_answer.c */
/* False: too many are under way, and hook_answer_overloaded() comes instead of one of the others. */
bool hook_enter(struct hook_call *hook) __attribute__((warn_unused_result));
/* Its token is confirmed. False: the same. */
bool hook_confirm(struct hook_call *hook) __attribute__((warn_unused_result));
void hook_answer_overloaded(struct hook_call *hook);
/* Each ends a call that has entered. */
void hook_answer_fail(struct hook_call *hook, enum metric_hook outcome, enum problem_code code,
                      const char *detail);
void hook_answer_refused(struct hook_call *hook, const struct problem *problem,
                         enum metric_hook_refusal reason); /* what can never be taken */
void hook_answer_sender(struct hook_call *hook);           /* by its status: who sends this is not the peer */
void hook_answer_plain(struct hook_call *hook, enum metric_hook outcome); /* nothing was to be decided */
void hook_answer_decided(struct hook_call *hook);                         /* all requests are answered */

/* hook_mail.c */
/* Calls hook_submit(), at once or when the nonce is known to be this content's; or answers. */
void hook_check_nonce(struct hook_call *hook);
void hook_make_wishes(struct hook_call *hook, const struct project *project);
bool hook_keep(struct hook_call *hook, const struct intake_request *request); /* true: hook_settle() comes */

/* operation_hooks.c */
void hook_submit(struct hook_call *hook);
void hook_settle(struct hook_call *hook); /* one of `open` is done */

#endif
