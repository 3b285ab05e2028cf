/* How much mail of one sender, and in one thread, is still what people write. A loop of two robots that no
 * header gives away (rules/machine_mail.h) shows by its rate alone.
 *
 * Counts over a sliding window, as two whole ones give it: what came in this one, and of the one before the
 * part that the sliding window still covers. What is over the limit counts too: a loop that goes on stays
 * over it. Bounded: the sender or thread that has been quiet for longest is forgotten. Everything comes in as
 * arguments, so what was counted before a restart is brought back by counting it again, the newest first. */
#ifndef RULES_MAIL_BUDGET_H
#define RULES_MAIL_BUDGET_H

#include "rules/types.h"

#define MAIL_BUDGET_ENTRIES_MAX 16384 /* senders and threads */

struct mail_limits {
    int32_t sender, machine, thread; /* mails in the window; `machine`: of a sender whose mail is automatic */
    int64_t sender_within_ms, thread_within_ms;
};

struct mail_seen {
    struct uuid sender, thread; /* hashes or ids; thread nil: it begins one */
    bool is_machine;
    int64_t at_ms;
};

enum mail_loop { MAIL_LOOP_NONE, MAIL_LOOP_SENDER, MAIL_LOOP_THREAD, MAIL_LOOP_MACHINE };
#define MAIL_LOOP_COUNT 4
const char *mail_loop_name(enum mail_loop loop); /* "none", "sender", "thread", "machine" */

struct mail_budget;
struct mail_budget *mail_budget_alloc(void); /* aborts without memory */
void mail_budget_free(struct mail_budget **budget);
void mail_budget_reset(struct mail_budget *budget);
uint32_t mail_budget_count(const struct mail_budget *budget); /* entries */

/* Counts a mail and says which limit it is over. *begins: the one before was not. Other windows than the last
 * time forget everything. */
enum mail_loop mail_budget_take(struct mail_budget *budget, const struct mail_limits *limits,
                                const struct mail_seen *seen, bool *begins);
/* Takes back what mail_budget_take() has counted under the same limits: the mail came to nothing. */
void mail_budget_give_back(struct mail_budget *budget, const struct mail_limits *limits,
                           const struct mail_seen *seen);
/* Counts one of before: older than all that was recalled, while newer ones are counted already. */
void mail_budget_recall(struct mail_budget *budget, const struct mail_limits *limits,
                        const struct mail_seen *seen);

#endif
