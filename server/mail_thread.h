/* Which thread a mail belongs to. The intake lists the conversations that it names, the surest first, and the
 * core takes the first that is open (docs/mail.md#threads):
 *
 * 1. those of tokens that the project has signed (proto/mail_token.h), in the addresses that it came to, in
 *    In-Reply-To and References, in its own Message-ID;
 * 2. those of the Message-IDs in In-Reply-To, then in References from the last to the first;
 * 3. that of a token in its subject, which may have been copied from anywhere: only when the sender takes
 *    part in that thread.
 *
 * What was listed stands in the journal, so a replay needs no keys. */
#ifndef SERVER_MAIL_THREAD_H
#define SERVER_MAIL_THREAD_H

#include "proto/mail_token.h"
#include "server/intake.h"
#include "server/known_writers.h"

#define MAIL_THREAD_TOKENS_MAX 16 /* of one mail that are looked at */

/* Fills input.thread of an e-mail's request. */
void mail_thread_list(struct intake_request *request, const struct mail_keys *keys, uint32_t project);
/* With the core that decides and the facts of the sender: does the subject's token count? */
void mail_thread_settle(const struct core *core, const struct known_writers *writers,
                        struct intake_request *request);
/* What known_writers remember of somebody who wrote in an interaction. */
struct uuid mail_thread_writer(const struct uuid *interaction, struct slice email_key);

#endif
