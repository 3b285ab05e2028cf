/* Whom an interaction is about when somebody has said so: in all that is known of it, and in what was told.
 */
#include "rules/invariant_check.h"

static bool is_same_fact(const struct customer_fact *a, const struct customer_fact *b)
{
    bool is_same = uuid_equal(&a->id, &b->id) && slice_equal(a->name, b->name) &&
                   slice_equal(a->owner, b->owner) && slice_equal(a->stage, b->stage) &&
                   slice_equal(a->last_agent, b->last_agent) && a->last_ms == b->last_ms &&
                   a->tag_count == b->tag_count;
    for (uint32_t i = 0; is_same && i < a->tag_count; i++)
        is_same = slice_equal(a->tags[i], b->tags[i]);
    return is_same;
}

static uint32_t times_told(const struct outcome *outcome, const struct uuid *interaction)
{
    uint32_t count = 0;
    for (const struct announcement *a = outcome->announcements; a; a = a->next)
        count += a->type == ANNOUNCE_CUSTOMER && uuid_equal(&a->snapshot->interaction, interaction);
    return count;
}

static bool is_shut_out(const struct check *check, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    return !interaction->outbound && data->state != INTERACTION_ACTIVE &&
           blacklist_match_customer(&check->core->blacklist, interaction->channel, &data->customer,
                                    check->core->at_ms);
}

/* Whose last agent it makes whom, and who is asked when an offer that is out comes back. */
static const char *wrong_for(const struct check *check, const struct touched_interaction *item,
                             const struct outcome *outcome)
{
    const struct interaction_data *before = item->before, *now = &item->interaction->data;
    struct slice agent = {NULL, 0};
    if (now->state == INTERACTION_ACTIVE && now->agent >= 0)
        agent = check->core->agents[now->agent].name;
    if (!uuid_equal(&outcome->active_customer, &now->customer) || !slice_equal(outcome->active_agent, agent))
        return "counts for another customer or agent";
    if (before && before->state == INTERACTION_OFFERED && now->state == INTERACTION_OFFERED &&
        !now->is_relinked)
        return "goes on behind those who were asked for somebody else";
    if (now->state != INTERACTION_CLOSED && is_shut_out(check, item->interaction))
        return "stays though that one is blocked";
    return NULL;
}

void check_linked(const struct check *check, const struct touched *touched)
{
    if (!touched_is_alone(touched) || touched->rows[0].input->kind != INPUT_LINK)
        return;
    const struct input *input = touched->rows[0].input;
    const struct outcome *outcome = touched->rows[0].outcome;
    const struct customer_fact *said = &input->facts.candidates[0];
    const struct interaction *interaction = core_find_interaction(check->core, &input->interaction);
    const struct touched_interaction *item = touched_interaction(touched, &input->interaction);
    const char *wrong = NULL;
    if (!interaction || !uuid_equal(&interaction->data.customer, &said->id))
        wrong = "is about another than was said";
    else if (item && !is_same_fact(&interaction->data.fact, said))
        wrong = "keeps what was known of another";
    else if (times_told(outcome, &input->interaction) != (item != NULL))
        wrong = "is told another number of times than it changes";
    else if (item)
        wrong = wrong_for(check, item, outcome);
    if (wrong)
        check_fail(check, INVARIANT_LINKED_AS_SAID, interaction, NULL, "%s", wrong);
}
