/* Calls that a Kamailio is asked about on one connection: a few at once, in the order in which they came.
 *
 * The answers about one call come in the order of its questions; an answer counts only if it is to the last
 * of them, so that one that was under way does not end a call that was told of since. A question that is not
 * answered in time leaves its place to the next; its answer counts all the same for a while, and is not
 * waited for when the call is asked for again after another deadline. */
#ifndef SERVER_KAMAILIO_QUESTIONS_H
#define SERVER_KAMAILIO_QUESTIONS_H

#include "rules/table.h"

enum kamailio_question_phase { QUESTION_WAITS, QUESTION_ASKED, QUESTION_LATE };

struct kamailio_question {
    struct kamailio_question *prev, *next;
    struct table_node by_callid;
    struct slice callid; /* behind it */
    enum kamailio_question_phase phase;
    uint64_t due_ms;          /* of the last one */
    unsigned asked, answered; /* how often */
};

struct kamailio_questions {
    struct kamailio_question waiting, asked, late; /* rings; only their links are used */
    struct table by_callid;
    unsigned count, asked_count;
};

void kamailio_questions_init(struct kamailio_questions *questions);
void kamailio_questions_deinit(struct kamailio_questions *questions);
/* To be asked (once more). More than KAMAILIO_QUESTIONS_MAX are not kept. */
void kamailio_questions_add(struct kamailio_questions *questions, struct slice callid);
/* The next that is to be asked now; false: none, or no place is free. Borrowed until anything else happens.
 */
bool kamailio_questions_next(struct slice *callid, struct kamailio_questions *questions, uint64_t now_ms);
/* Whether the answer counts. Whoever was not asked about is no answer. */
bool kamailio_questions_answered(struct kamailio_questions *questions, struct slice callid);
void kamailio_questions_expire(struct kamailio_questions *questions, uint64_t now_ms);

#endif
