#include "server/kamailio_questions.h"

#include <stdlib.h>
#include <string.h>

#include "server/gateway_kamailio.h"

static void ring_init(struct kamailio_question *ring)
{
    ring->prev = ring->next = ring;
}

void kamailio_questions_init(struct kamailio_questions *questions)
{
    *questions = (struct kamailio_questions){.count = 0};
    ring_init(&questions->waiting);
    ring_init(&questions->asked);
    ring_init(&questions->late);
    table_init(&questions->by_callid);
}

static void enter(struct kamailio_questions *questions, struct kamailio_question *question,
                  enum kamailio_question_phase phase)
{
    struct kamailio_question *rings[] = {[QUESTION_WAITS] = &questions->waiting,
                                         [QUESTION_ASKED] = &questions->asked,
                                         [QUESTION_LATE] = &questions->late};
    if (question->next) {
        question->prev->next = question->next;
        question->next->prev = question->prev;
        questions->asked_count -= question->phase == QUESTION_ASKED;
    }
    question->phase = phase;
    questions->asked_count += phase == QUESTION_ASKED;
    question->next = rings[phase];
    question->prev = rings[phase]->prev;
    question->prev->next = question->next->prev = question;
}

static void forget(struct kamailio_questions *questions, struct kamailio_question *question)
{
    question->prev->next = question->next;
    question->next->prev = question->prev;
    questions->asked_count -= question->phase == QUESTION_ASKED;
    questions->count--;
    table_remove(&questions->by_callid, &question->by_callid);
    free(question);
}

static void forget_all(struct kamailio_questions *questions, const struct kamailio_question *ring)
{
    while (ring->next != ring)
        forget(questions, ring->next);
}

void kamailio_questions_deinit(struct kamailio_questions *questions)
{
    forget_all(questions, &questions->waiting);
    forget_all(questions, &questions->asked);
    forget_all(questions, &questions->late);
    table_deinit(&questions->by_callid);
}

static struct kamailio_question *find(const struct kamailio_questions *questions, struct slice callid)
{
    const struct table_node *node = table_find(&questions->by_callid, callid);
    return node ? node->owner : NULL;
}

static struct kamailio_question *make(struct kamailio_questions *questions, struct slice callid)
{
    struct kamailio_question *question = calloc(1, sizeof *question + callid.len);
    if (!question)
        abort();
    question->callid = (struct slice){memcpy(question + 1, callid.ptr, callid.len), callid.len};
    question->by_callid.owner = question;
    table_insert(&questions->by_callid, &question->by_callid, question->callid);
    questions->count++;
    return question;
}

void kamailio_questions_add(struct kamailio_questions *questions, struct slice callid)
{
    struct kamailio_question *question = find(questions, callid);
    if (!question && questions->count == KAMAILIO_QUESTIONS_MAX)
        return;
    if (!question)
        question = make(questions, callid);
    else if (question->phase == QUESTION_WAITS)
        return;
    enter(questions, question, QUESTION_WAITS);
}

bool kamailio_questions_next(struct slice *callid, struct kamailio_questions *questions, uint64_t now_ms)
{
    struct kamailio_question *first = questions->waiting.next;
    if (first == &questions->waiting || questions->asked_count >= KAMAILIO_ASKED_MAX)
        return false;
    if (now_ms >= first->due_ms + KAMAILIO_ANSWER_DEADLINE_MS)
        first->answered = first->asked; /* what has not come by now is lost, and not the answer to this one */
    first->asked++;
    first->due_ms = now_ms + KAMAILIO_ANSWER_DEADLINE_MS;
    enter(questions, first, QUESTION_ASKED);
    *callid = first->callid;
    return true;
}

bool kamailio_questions_answered(struct kamailio_questions *questions, struct slice callid)
{
    struct kamailio_question *question = find(questions, callid);
    if (!question || question->answered == question->asked)
        return false;
    question->answered++;
    if (question->answered < question->asked || question->phase == QUESTION_WAITS)
        return false;
    forget(questions, question);
    return true;
}

void kamailio_questions_expire(struct kamailio_questions *questions, uint64_t now_ms)
{
    while (questions->asked.next != &questions->asked && questions->asked.next->due_ms <= now_ms)
        enter(questions, questions->asked.next, QUESTION_LATE);
    while (questions->late.next != &questions->late &&
           questions->late.next->due_ms + KAMAILIO_LATE_KEPT_MS <= now_ms)
        forget(questions, questions->late.next);
}
