/* The preset mailgun: a route's forward() to a URL that ends in "mime". The whole message stands in a form
 * beside the envelope. The signature covers a time and a random token and nothing of the message, so a token
 * is good for the message that it came with first; what is tried again comes with its first token. */
#include "proto/hook_form.h"
#include "proto/hook_mail.h"
#include "proto/hook_presets.h"
#include "proto/hook_sign.h"
#include "rules/ascii.h"

#define RECIPIENTS_MAX 100
/* Mailgun tries for eight hours, each time with the first signature. */
#define MAILGUN_STALE_MS INT64_C(43200000)

enum hook_status hook_mailgun_verify(const struct hook_request *request, struct arena *arena)
{
    struct hook_form form;
    int64_t time_ms;
    if (!request->secret_count)
        return HOOK_OK;
    if (hook_form_read(&form, NULL, request, arena) != HOOK_OK)
        return HOOK_BAD_SIGNATURE;
    struct slice parts[] = {hook_form_text(&form, "timestamp"), hook_form_text(&form, "token")};
    struct slice signature = hook_form_text(&form, "signature");
    if (!hook_is_signed(request, HOOK_SHA256, HOOK_HEX, parts, 2, signature) ||
        !hook_seconds(&time_ms, parts[0]))
        return HOOK_BAD_SIGNATURE;
    bool is_recent =
        time_ms >= request->now_ms - MAILGUN_STALE_MS && time_ms <= request->now_ms + HOOK_STALE_MS;
    return is_recent ? HOOK_OK : HOOK_STALE;
}

static struct hook_nonce nonce_of(const struct hook_request *request, const struct hook_form *form)
{
    struct slice token = hook_form_text(form, "token");
    struct slice content[] = {hook_form_text(form, "recipient"), hook_form_text(form, "sender"),
                              hook_form_text(form, "body-mime")};
    struct hook_nonce nonce = {.is_set = false};
    if (!request->secret_count || !hook_seconds(&nonce.until_ms, hook_form_text(form, "timestamp")))
        return nonce;
    nonce.is_set = true;
    nonce.until_ms += MAILGUN_STALE_MS;
    nonce.nonce = hook_fingerprint(&token, 1);
    nonce.content = hook_fingerprint(content, sizeof content / sizeof *content);
    return nonce;
}

enum hook_status hook_mailgun_decode(struct hook_result *result, const struct hook_request *request,
                                     struct arena *arena)
{
    struct hook_form form;
    struct mail mail;
    enum hook_status status = hook_form_read(&form, result, request, arena);
    if (status != HOOK_OK)
        return status;
    result->nonce = nonce_of(request, &form);
    const struct hook_field *message = hook_form_find(&form, "body-mime");
    struct slice recipients = hook_form_text(&form, "recipient");
    if (!message)
        return hook_malformed(result, "/body-mime",
                              "body-mime is missing: the URL of the route must end in /mime");
    if (!recipients.len && !request->to.len)
        return hook_missing(result, "/recipient");
    struct mail_envelope envelope = {.is_known = true, .sender = hook_form_text(&form, "sender")};
    status = hook_read_mail(&mail, result, "/body-mime", message->value, arena);
    if (status != HOOK_OK)
        return status;
    if (request->to.len)
        return hook_add_mail(result, request, &mail, envelope, arena);
    unsigned count = 0;
    while (recipients.len && status == HOOK_OK) {
        size_t end = ascii_find(recipients, ',');
        envelope.recipient = ascii_trim(ascii_part(recipients, 0, end));
        recipients = ascii_part(recipients, end < recipients.len ? end + 1 : end, recipients.len);
        if (!envelope.recipient.len)
            continue;
        if (count++ == RECIPIENTS_MAX)
            return HOOK_TOO_MANY;
        status = hook_add_mail(result, request, &mail, envelope, arena);
    }
    return count ? status : hook_missing(result, "/recipient");
}
