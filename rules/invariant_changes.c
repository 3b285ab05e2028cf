/* What a batch made of what was there, and what it answered. */
#include "rules/invariant_check.h"

static void check_row(const struct check *check, const struct touched *touched, size_t i)
{
    const struct outcome *outcome = touched->rows[i].outcome;
    const struct core_batch *batch = touched->batch;
    int64_t before = i ? touched->rows[i - 1].outcome->at_ms : batch->at_before;
    if (outcome->seq != batch->seq_before + 1 + i)
        check_fail(check, INVARIANT_SEQUENCE_GAPLESS, NULL, NULL, "row %zu of the batch has %llu behind %llu",
                   i, (unsigned long long)outcome->seq, (unsigned long long)batch->seq_before);
    if (outcome->at_ms < before || outcome->at_ms != touched->rows[i].input->at_ms)
        check_fail(check, INVARIANT_TIME_FORWARD, NULL, NULL, "%lld behind %lld", (long long)outcome->at_ms,
                   (long long)before);
    if (outcome->refusal != REFUSAL_NONE || outcome->kind != touched->rows[i].input->kind)
        check_fail(check, INVARIANT_ANSWER_FITS, NULL, NULL, "answers another input");
}

static bool fits(const struct outcome *outcome)
{
    const struct snapshot *snapshot = outcome->snapshot;
    switch (outcome->outcome) {
    case OUTCOME_OFFERED:
        return snapshot && snapshot->state == INTERACTION_OFFERED && !uuid_is_nil(&snapshot->offer) &&
               snapshot->agent.len;
    case OUTCOME_QUEUED:
        return snapshot && snapshot->state == INTERACTION_QUEUED && !snapshot->agent.len &&
               snapshot->queue.len;
    case OUTCOME_ENDED:
        return snapshot && snapshot->state == INTERACTION_CLOSED;
    case OUTCOME_ASSIGNED:
        return snapshot && snapshot->state == INTERACTION_ACTIVE;
    case OUTCOME_BLOCKED:
        return snapshot && (outcome->kind != INPUT_EVENT || !uuid_is_nil(&outcome->hit));
    case OUTCOME_REJECTED:
        return snapshot && snapshot->state != INTERACTION_ACTIVE;
    case OUTCOME_ATTACHED:
        return snapshot;
    case OUTCOME_IGNORED:
    case OUTCOME_DONE:
        return true;
    }
    return false;
}

static void check_ids(const struct check *check, const struct outcome *outcome)
{
    uint64_t seq;
    uint32_t project = check->core->project;
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (a->type == ANNOUNCE_OFFERED &&
            (!uuid_derived_seq(&a->snapshot->offer, project, &seq) || seq != outcome->seq))
            check_fail(check, INVARIANT_IDS_OWN, NULL, NULL, "an offer with the id of another row");
    }
    if (!uuid_is_nil(&outcome->created) &&
        (!uuid_derived_seq(&outcome->created, project, &seq) || seq != outcome->seq))
        check_fail(check, INVARIANT_IDS_OWN, NULL, NULL, "a customer with the id of another row");
}

void check_answers(const struct check *check, const struct touched *touched)
{
    const struct core *core = check->core;
    for (size_t i = 0; i < touched->row_count; i++) {
        const struct outcome *outcome = touched->rows[i].outcome;
        check_row(check, touched, i);
        check_ids(check, outcome);
        if (!fits(outcome))
            check_fail(check, INVARIANT_ANSWER_FITS, NULL, NULL, "%s answered with %s",
                       input_kind_name(outcome->kind), event_outcome_name(outcome->outcome));
    }
    int64_t last =
        touched->row_count ? touched->rows[touched->row_count - 1].outcome->at_ms : touched->batch->at_before;
    if (core->seq != touched->batch->seq_before + touched->row_count)
        check_fail(check, INVARIANT_SEQUENCE_GAPLESS, NULL, NULL, "%zu rows from %llu to %llu",
                   touched->row_count, (unsigned long long)touched->batch->seq_before,
                   (unsigned long long)core->seq);
    if (core->at_ms != last)
        check_fail(check, INVARIANT_TIME_FORWARD, NULL, NULL, "at %lld, the last row at %lld",
                   (long long)core->at_ms, (long long)last);
}

static bool identity_may_become(const struct interaction_data *before, const struct interaction_data *now)
{
    bool is_same = before->identity == now->identity && uuid_equal(&before->customer, &now->customer);
    bool is_shut = now->identity == IDENTITY_BLOCKED && now->state == INTERACTION_CLOSED &&
                   uuid_equal(&before->customer, &now->customer);
    return is_same || is_shut || before->identity == IDENTITY_NEW;
}

/* Somebody said whom it is about: the last one who did counts, or it was shut out for it. */
static bool was_linked(const struct touched *touched, const struct interaction *interaction)
{
    const struct interaction_data *now = &interaction->data;
    for (size_t i = touched->row_count; i > 0; i--) {
        const struct input *input = touched->rows[i - 1].input;
        if (input->kind == INPUT_LINK && uuid_equal(&input->interaction, &interaction->id))
            return uuid_equal(&now->customer, &input->facts.candidates[0].id) && !now->candidate_count &&
                   (now->identity == IDENTITY_MATCHED ||
                    (now->identity == IDENTITY_BLOCKED && now->state == INTERACTION_CLOSED));
    }
    return false;
}

/* Only who hands it over may say that it waits anew, and that no rule counts any more. */
static bool was_handed_on(const struct touched *touched, const struct interaction *interaction, bool with_age)
{
    for (size_t i = 0; i < touched->row_count; i++) {
        const struct input *input = touched->rows[i].input;
        if (input->kind == INPUT_TRANSFER && (with_age || !input->keep_age) &&
            uuid_equal(&input->interaction, &interaction->id))
            return true;
    }
    return false;
}

void check_changes(const struct check *check, const struct touched *touched)
{
    for (uint32_t i = 0; i < touched->interaction_count; i++) {
        const struct interaction *interaction = touched->interactions[i].interaction;
        const struct interaction_data *before = touched->interactions[i].before, *now = &interaction->data;
        if (!before)
            continue;
        /* Its rule may have been asked again before it went on to another queue or was handed on. */
        bool is_ruled = now->rule < 0 ? was_handed_on(touched, interaction, true)
                                      : now->priority == check->core->config->rules[now->rule].priority;
        if ((now->enqueued_ms != before->enqueued_ms && !was_handed_on(touched, interaction, false)) ||
            (now->priority != before->priority && !is_ruled))
            check_fail(check, INVARIANT_RANK_KEPT, interaction, NULL, "age %lld to %lld, priority %d to %d",
                       (long long)before->enqueued_ms, (long long)now->enqueued_ms, before->priority,
                       now->priority);
        if (now->attempts < before->attempts)
            check_fail(check, INVARIANT_RANK_KEPT, interaction, NULL, "attempts go back");
        if (!identity_may_become(before, now) && !was_linked(touched, interaction))
            check_fail(check, INVARIANT_IDENTITY_MOVES, interaction, NULL, "%s became %s",
                       identity_outcome_name(before->identity), identity_outcome_name(now->identity));
        if (before->state == INTERACTION_CLOSED)
            check_fail(check, INVARIANT_STATE_MOVES, interaction, NULL, "was closed");
    }
}
