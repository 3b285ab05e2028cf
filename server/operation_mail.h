/* What belongs to an interaction that is a mail: how it is answered so that the reply comes back to it, and
 * the mail as it came (docs/mail.md). */
#ifndef SERVER_OPERATION_MAIL_H
#define SERVER_OPERATION_MAIL_H

#include "server/operation.h"

void operation_mail_reply(struct operation_call *call);
void operation_mail_raw(struct operation_call *call);

#endif
