/* Events from outside, in the order of the gates: machine mail, blacklist by key, match, blacklist by
 * customer, create, rules, queue, offer. */
#include "rules/core_state.h"
#include "rules/match.h"

static void answer(struct step *step, enum event_outcome outcome, const struct interaction *interaction)
{
    step->out->outcome = outcome;
    step->out->snapshot = interaction ? step_snapshot(step, interaction) : NULL;
}

/* About an interaction that is closed and no longer in memory, or about none: its id is all there is to say.
 */
static void answer_closed(struct step *step, enum event_outcome outcome, enum identity_outcome identity)
{
    struct snapshot *snapshot = arena_new(step->arena, struct snapshot);
    snapshot->interaction = step->input->facts.closed;
    snapshot->channel = event_type_channel(step->input->event->type);
    snapshot->state = INTERACTION_CLOSED;
    snapshot->expires_ms = TIME_NEVER;
    snapshot->identity = identity;
    step->out->outcome = outcome;
    step->out->snapshot = snapshot;
}

const struct interaction *core_find_thread(const struct core *core, const struct input *input)
{
    const struct interaction *found = core_find_conversation(core, &input->conversation);
    for (uint32_t i = 0; i < input->thread_count && !found; i++)
        found = core_find_conversation(core, &input->thread[i]);
    return found;
}

static struct interaction *conversation(struct step *step)
{
    return (struct interaction *)core_find_thread(step->core, step->input);
}

static bool is_known(const struct input *input)
{
    return input->phone.key.len || input->email.key.len;
}

/* A call whose caller id says nothing, or a mail without a usable sender. A chat is known by its session
 * alone. */
static bool is_withheld(const struct input *input)
{
    return event_type_channel(input->event->type) != CHANNEL_CHAT || input->phone.class == CALLER_ANONYMOUS;
}

static struct match_policy policy_of(const struct step *step, enum channel channel)
{
    const struct project_config *config = step->core->config;
    return (struct match_policy){
        .creates = config->create_auto[channel] && step->input->phone.class != CALLER_EXTENSION,
        .at_once = channel != CHANNEL_CALL || config->create_at_ingest,
    };
}

static struct party_texts event_texts(const struct input *input)
{
    const struct event *event = input->event;
    return (struct party_texts){
        .phone = event->from.phone,
        .email = event->from.email,
        .id = event->from.id,
        .name = event->from.name,
        .recipient = input->recipient_key,
        .phone_key = input->phone.key,
        .email_key = input->email.key,
        .source = event->source,
        .subject = event->subject,
        .title = event->title,
        .region = input->phone.region,
    };
}

static struct interaction *open_interaction(struct step *step)
{
    const struct input *input = step->input;
    const struct event *event = input->event;
    struct interaction *interaction = interaction_new(step, step_next_id(step));
    struct party_texts texts = event_texts(input);
    interaction->channel = event_type_channel(event->type);
    interaction->outbound = event->outbound;
    interaction->conversation = input->conversation;
    interaction->opened_seq = step->core->seq;
    interaction->opened_ms = input->at_ms;
    interaction->data.enqueued_ms = interaction->data.entered_ms = input->at_ms;
    interaction->data.identity = IDENTITY_ANONYMOUS;
    interaction_own_texts(interaction, &texts);
    interaction_own_attributes(interaction, &event->attributes);
    interaction_own_candidates(interaction, NULL, 0);
    return interaction;
}

static struct match match_event(const struct step *step)
{
    struct match_policy policy = policy_of(step, event_type_channel(step->input->event->type));
    return match_identity(&step->input->facts, is_known(step->input), is_withheld(step->input), &policy);
}

/* Keys first, then the customer: the one it is, or everyone it could be. */
static const struct block *find_block(const struct step *step)
{
    const struct input *input = step->input;
    const struct blacklist *blacklist = &step->core->blacklist;
    enum channel channel = event_type_channel(input->event->type);
    struct block_subject subject = {.channel = channel,
                                    .phone_key = input->phone.key,
                                    .digits = input->phone.digits,
                                    .email_key = input->email.key};
    const struct facts *facts = &input->facts;
    const struct block *block = blacklist_match_keys(blacklist, &subject, input->at_ms, step->arena);
    if (block || !facts->candidate_count)
        return block;
    struct match_policy policy = {.creates = false};
    struct match match = match_identity(facts, is_known(input), false, &policy);
    if (match.customer >= 0)
        return blacklist_match_customer(blacklist, channel, &facts->candidates[match.customer].id,
                                        input->at_ms);
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        block = blacklist_match_customer(blacklist, channel, &facts->candidates[i].id, input->at_ms);
        if (!block)
            return NULL;
    }
    return block;
}

/* A closed interaction of somebody who is not let in, or of an end without a beginning. */
static void open_closed(struct step *step, enum event_outcome outcome, enum identity_outcome identity,
                        const char *cause, enum announcement_type announcement)
{
    struct interaction *interaction = open_interaction(step);
    struct customer_fact none = {.name = {NULL, 0}};
    set_closed(step, interaction, cause, announcement);
    interaction->data.identity = identity;
    interaction_own_fact(interaction, &none);
    interaction_settle(step, interaction);
    closing_add(step->core, interaction);
    step_announce(step, announcement, interaction, NULL)->cause = slice_of(cause);
    answer(step, outcome, interaction);
}

static void begin_outbound(struct step *step)
{
    const struct value *name = value_member(&step->input->event->attributes, "agent");
    struct agent *agent =
        name && name->kind == VALUE_STRING ? core_find_agent(step->core, name->string) : NULL;
    struct interaction *interaction = open_interaction(step);
    step_identify(step, interaction, match_event(step));
    interaction->data.state = INTERACTION_ACTIVE;
    interaction_settle(step, interaction);
    assign(step, interaction, agent);
    step_announce(step, ANNOUNCE_ASSIGNED, interaction, agent);
    answer(step, OUTCOME_ASSIGNED, interaction);
}

/* Where it goes at first; an event that nothing routes is refused whole. */
static bool ask_rules(struct step *step, struct match match, struct ruling *ruling, int *queue)
{
    const struct input *input = step->input;
    struct party_texts texts = event_texts(input);
    *ruling =
        rule_for_event(step, &texts, match.customer < 0 ? NULL : &input->facts.candidates[match.customer]);
    *queue =
        rule_queue(step->core, ruling->rule, event_type_channel(input->event->type), input->recipient_key);
    if (*queue < 0)
        step->out->refusal = REFUSAL_NO_ENDPOINT;
    return *queue >= 0;
}

static void begin(struct step *step)
{
    if (step->input->event->outbound) {
        begin_outbound(step);
        return;
    }
    struct match match = match_event(step);
    struct ruling ruling;
    int queue;
    if (!ask_rules(step, match, &ruling, &queue))
        return;
    const struct block *block = find_block(step);
    if (block) {
        step->out->hit = block->id;
        open_closed(step, OUTCOME_BLOCKED, IDENTITY_BLOCKED, "blocked", ANNOUNCE_BLOCKED);
        return;
    }
    struct interaction *interaction = open_interaction(step);
    step_identify(step, interaction, match);
    place_ruled(step, interaction, ruling, queue);
    interaction->data.state = INTERACTION_QUEUED;
    interaction_settle(step, interaction);
    arrive(step, interaction);
    answer(step, interaction->data.state == INTERACTION_OFFERED ? OUTCOME_OFFERED : OUTCOME_QUEUED,
           interaction);
}

/* Who wrote this one, whoever the interaction is of. */
static void answer_as(struct step *step, enum event_outcome outcome, const struct interaction *interaction,
                      enum identity_outcome identity)
{
    answer(step, outcome, interaction);
    struct snapshot *snapshot = arena_new(step->arena, struct snapshot);
    *snapshot = *step->out->snapshot;
    snapshot->identity = identity;
    step->out->snapshot = snapshot;
}

static void attach_message(struct step *step, struct interaction *interaction)
{
    const struct block *block = find_block(step);
    if (!block)
        block = blocked_now(step, interaction);
    if (block) {
        step->out->hit = block->id;
        answer_as(step, OUTCOME_BLOCKED, interaction, IDENTITY_BLOCKED);
        return;
    }
    struct agent *agent = interaction->data.agent < 0 ? NULL : &step->core->agents[interaction->data.agent];
    if (step->input->event->outbound && interaction->data.reply_by != TIME_NEVER) {
        interaction_edit(step, interaction); /* the agent's first reply */
        interaction->data.reply_by = TIME_NEVER;
        interaction_settle(step, interaction);
    }
    step_announce(step, ANNOUNCE_MESSAGE, interaction, agent);
    answer(step, OUTCOME_ATTACHED, interaction);
}

static void ringing(struct step *step)
{
    struct interaction *interaction = conversation(step);
    if (interaction)
        answer(step, OUTCOME_ATTACHED, interaction);
    else if (!uuid_is_nil(&step->input->facts.closed))
        answer_closed(step, OUTCOME_ENDED, IDENTITY_ANONYMOUS);
    else
        begin(step);
}

/* News of who gave it away, from before that: late, or said twice. Times of others say nothing, for sources
 * and the router do not hear of things at the moment at which they happen. */
static bool is_old_news(const struct step *step, const struct interaction *interaction,
                        const struct agent *agent)
{
    const struct interaction_data *data = &interaction->data;
    int64_t time_ms = step->input->event->time_ms;
    int64_t since = data->state == INTERACTION_ACTIVE    ? data->accepted_ms
                    : data->state == INTERACTION_OFFERED ? data->offered_ms
                                                         : data->entered_ms;
    return data->excluded == (int)(agent - step->core->agents) && time_ms != TIME_NEVER && time_ms < since;
}

/* The gateway's word is what happened, whoever has it or was being asked. */
static void take_as_reported(struct step *step, struct interaction *interaction, struct agent *agent)
{
    struct agent *holder = interaction->data.agent < 0 ? NULL : &step->core->agents[interaction->data.agent];
    if (interaction->data.state != INTERACTION_ACTIVE) {
        bool is_asked = holder && holder != agent;
        if (is_asked)
            offer_give_over(step, interaction, "answered");
        step_take(step, interaction, agent);
        if (is_asked)
            drain_agent(step, holder);
    } else if (!holder) {
        assign(step, interaction, agent); /* an outbound call whose agent the gateway names only now */
        step_announce(step, ANNOUNCE_ASSIGNED, interaction, agent);
    } else if (holder != agent) {
        change_hands(step, interaction, agent);
    }
}

static void answered(struct step *step)
{
    const struct core *core = step->core;
    struct interaction *interaction = conversation(step);
    struct slice name = step->input->event->agent;
    struct agent *agent = name.len ? core_find_agent(core, name) : NULL;
    if (!interaction) {
        if (uuid_is_nil(&step->input->facts.closed))
            answer(step, OUTCOME_IGNORED, NULL);
        else
            answer_closed(step, OUTCOME_ATTACHED, IDENTITY_ANONYMOUS);
        return;
    }
    if (agent && !is_old_news(step, interaction, agent))
        take_as_reported(step, interaction, agent);
    answer(step, interaction->data.identity == IDENTITY_BLOCKED ? OUTCOME_BLOCKED : OUTCOME_ATTACHED,
           interaction);
}

static void ended(struct step *step)
{
    struct interaction *interaction = conversation(step);
    if (interaction) {
        if (interaction->data.state != INTERACTION_ACTIVE)
            step_waited(step, interaction, true);
        close_interaction(step, interaction, "ended", ANNOUNCE_ENDED);
        answer(step, OUTCOME_ENDED, interaction);
    } else if (!uuid_is_nil(&step->input->facts.closed)) {
        answer_closed(step, OUTCOME_ENDED, IDENTITY_ANONYMOUS);
    } else {
        open_closed(step, OUTCOME_ENDED, IDENTITY_ANONYMOUS, "ended", ANNOUNCE_ENDED);
    }
}

static void message(struct step *step)
{
    struct interaction *interaction = conversation(step);
    bool mail = step->input->event->type == EVENT_EMAIL_RECEIVED;
    if (step->input->machine) {
        /* Attached to its thread, told to nobody: never creates, reopens or offers. */
        if (interaction) {
            answer_as(step, OUTCOME_ATTACHED, interaction, IDENTITY_MACHINE);
        } else {
            answer_closed(step, OUTCOME_IGNORED, IDENTITY_MACHINE);
        }
    } else if (interaction) {
        attach_message(step, interaction);
    } else if (step->input->event->outbound) {
        answer(step, OUTCOME_IGNORED, NULL); /* what an agent wrote begins no work */
    } else if (mail && !uuid_is_nil(&step->input->facts.closed)) {
        answer_closed(step, OUTCOME_ATTACHED, IDENTITY_ANONYMOUS); /* this very mail was decided and done */
    } else {
        begin(step);
    }
}

void step_event(struct step *step)
{
    step->out->text = step->input->event->text;
    step->out->author = step->input->event->from;
    step->out->attributes = step->input->event->attributes;
    step->out->reported = step->input->event->cause;
    switch (step->input->event->type) {
    case EVENT_CALL_RINGING:
        ringing(step);
        break;
    case EVENT_CALL_ANSWERED:
        answered(step);
        break;
    case EVENT_CALL_ENDED:
    case EVENT_CHAT_ENDED:
        ended(step);
        break;
    case EVENT_CHAT_MESSAGE:
    case EVENT_EMAIL_RECEIVED:
        message(step);
        break;
    }
}
