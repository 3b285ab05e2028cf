/* The preset postmark: its inbound webhook with the raw message in JSON. Postmark signs nothing; a secret is
 * the USER:PASSWORD that its URL carries. */
#include "proto/base64.h"
#include "proto/hook_mail.h"
#include "proto/hook_presets.h"
#include "proto/hook_sign.h"
#include "rules/ascii.h"

#define SCHEME "basic "

enum hook_status hook_postmark_verify(const struct hook_request *request, struct arena *arena)
{
    struct slice given = hook_header(request, "authorization"), login;
    if (!request->secret_count)
        return HOOK_OK;
    if (!ascii_begins(given, SCHEME))
        return HOOK_BAD_SIGNATURE;
    given = ascii_trim(ascii_part(given, sizeof SCHEME - 1, given.len));
    return base64_read(&login, given, arena) && hook_is_secret(request, login) ? HOOK_OK : HOOK_BAD_SIGNATURE;
}

enum hook_status hook_postmark_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena)
{
    struct value body;
    struct mail mail;
    enum hook_status status = hook_json(&body, result, request, arena);
    if (status != HOOK_OK)
        return status;
    const struct value *message = value_member(&body, "RawEmail");
    struct mail_envelope envelope = {.is_known = false};
    envelope.recipient = hook_text(&body, "OriginalRecipient", arena);
    if (!message || message->kind != VALUE_STRING)
        return hook_malformed(result, "/RawEmail",
                              "RawEmail is missing: tick \"Include raw email content in JSON payload\"");
    if (!envelope.recipient.len && !request->to.len)
        return hook_missing(result, "/OriginalRecipient");
    status = hook_read_mail(&mail, result, "/RawEmail", message->string, arena);
    return status == HOOK_OK ? hook_add_mail(result, request, &mail, envelope, arena) : status;
}
