/* A whole message (RFC 5322) that a mail service posted. */
#ifndef PROTO_HOOK_MAIL_H
#define PROTO_HOOK_MAIL_H

#include "proto/hook.h"
#include "proto/mail_event.h"

/* An event for the envelope's recipient, or for the request's endpoint if it has one. */
enum hook_status hook_add_mail(struct hook_result *result, const struct hook_request *request,
                               struct mail *mail, struct mail_envelope envelope, struct arena *arena)
    __attribute__((warn_unused_result));
/* HOOK_OK with the result's message set, or HOOK_MALFORMED at `pointer`, where the message stood. */
enum hook_status hook_read_mail(struct mail *mail, struct hook_result *result, const char *pointer,
                                struct slice message, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
