#include "proto/hook_mail.h"

#include "proto/mail_text.h"

enum hook_status hook_read_mail(struct mail *mail, struct hook_result *result, const char *pointer,
                                struct slice message, struct arena *arena)
{
    if (message.len > MAIL_SIZE_MAX)
        return hook_malformed(result, pointer, "the message is too large");
    result->message = message;
    enum mail_status status = mail_read(mail, message, arena);
    return status == MAIL_OK ? HOOK_OK : hook_malformed(result, pointer, "%s", mail_status_text(status));
}

enum hook_status hook_add_mail(struct hook_result *result, const struct hook_request *request,
                               struct mail *mail, struct mail_envelope envelope, struct arena *arena)
{
    envelope.sender = mail_text_begin(mail_line(envelope.sender, arena), EVENT_ATTRIBUTE_MAX);
    envelope.recipient = mail_text_begin(mail_line(envelope.recipient, arena), EVENT_ATTRIBUTE_MAX);
    if (request->to.len)
        envelope.recipient = request->to;
    return hook_add_document(result, mail_event(mail, &envelope, arena));
}
