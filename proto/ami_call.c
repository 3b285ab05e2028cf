/* A call's life: it begins, rings, is answered, ends; each is said once. */
#include <stdlib.h>

#include "proto/ami_calls_internal.h"
#include "rules/callerid.h"

struct ami_call *ami_call_find(const struct ami_calls *calls, struct slice id)
{
    struct table_node *node = table_find(&calls->calls_by_id, id);
    return node ? node->owner : NULL;
}

static bool is_context_good(const struct ami_calls *calls, struct slice context)
{
    for (uint32_t i = 0; i < calls->options.context_count; i++) {
        if (slice_equal(calls->options.contexts[i], context))
            return true;
    }
    return !calls->options.context_count;
}

/* Wherever the dialplan, or a redirect, has led it since it began. */
static bool is_open(const struct ami_calls *calls, const struct ami_call *call)
{
    return calls->options.is_open && calls->options.is_open(calls->options.ctx, ami_text(&call->id));
}

/* --- news --- */

static void say(struct ami_calls *calls, const struct ami_news *news)
{
    calls->options.on_news(calls->options.ctx, news);
}

static bool is_none(struct slice text)
{
    return !text.len || slice_is(text, "<unknown>") || slice_is(text, "<none>");
}

static bool is_withheld(const struct ami_call *call, struct slice number)
{
    struct callerid id;
    if (call->is_withheld || is_none(number))
        return true;
    callerid_classify(&id, number, false);
    return id.class == CALLER_ANONYMOUS;
}

/* What is asked has been answered, or is not waited for any longer. */
void ami_call_ring(struct ami_calls *calls, struct ami_call *call)
{
    const struct ami_channel *caller = call->caller;
    if (!call->is_asked)
        return;
    ami_ask_forget(call);
    call->is_asked = false;
    call->has_begun = true;
    struct slice number = ami_text(&caller->number), name = ami_text(&caller->caller);
    say(calls, &(struct ami_news){.type = EVENT_CALL_RINGING,
                                  .call = ami_text(&call->id),
                                  .number = is_none(number) ? SLICE("anonymous") : number,
                                  .name = is_none(name) ? (struct slice){NULL, 0} : name,
                                  .to = ami_text(&caller->exten),
                                  .context = ami_text(&caller->context),
                                  .channel = ami_text(&caller->name),
                                  .is_withheld = is_withheld(call, number),
                                  .at_ms = caller->since_ms});
    if (call->is_early)
        ami_call_answer(calls, call, ami_text(&call->early), ami_text(&call->early_leg));
    call->is_early = false;
}

static void keep_early(struct ami_call *call, struct slice agent, struct slice leg)
{
    if (agent.len || !call->is_early) {
        ami_text_set(&call->early, agent);
        ami_text_set(&call->early_leg, leg);
    }
    call->is_early = true;
}

void ami_call_answer(struct ami_calls *calls, struct ami_call *call, struct slice agent, struct slice leg)
{
    if (call->is_asked) {
        keep_early(call, agent, leg);
        return;
    }
    if (!call->has_begun || (call->is_answered && !agent.len))
        return;
    bool is_same = call->is_answered && slice_equal(ami_text(&call->announced), agent);
    ami_text_set(&call->announced_leg, leg);
    if (agent.len)
        call->is_abandoned = false;
    if (is_same)
        return;
    call->is_answered = true;
    ami_text_set(&call->announced, agent);
    say(calls, &(struct ami_news){.type = EVENT_CALL_ANSWERED,
                                  .call = ami_text(&call->id),
                                  .agent = agent,
                                  .leg = leg,
                                  .queue = ami_text(&call->queue),
                                  .at_ms = calls->now_ms});
}

void ami_call_end(struct ami_calls *calls, struct ami_call *call, const char *cause)
{
    if (!call->has_begun)
        return;
    call->has_begun = false;
    say(calls, &(struct ami_news){.type = EVENT_CALL_ENDED,
                                  .call = ami_text(&call->id),
                                  .queue = ami_text(&call->queue),
                                  .cause = cause,
                                  .at_ms = calls->now_ms});
}

/* --- life --- */

struct ami_call *ami_call_add(struct ami_calls *calls, struct slice id)
{
    if (calls->calls_by_id.count == AMI_CALLS_MAX)
        return NULL;
    struct ami_call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    ami_text_set(&call->id, id);
    call->serial = ++calls->serial;
    call->channels.prev = call->channels.next = &call->channels;
    call->by_id.owner = call;
    table_insert(&calls->calls_by_id, &call->by_id, ami_text(&call->id));
    call->prev = &calls->calls;
    call->next = calls->calls.next;
    call->prev->next = call->next->prev = call;
    return call;
}

void ami_call_free(struct ami_calls *calls, struct ami_call *call)
{
    table_remove(&calls->calls_by_id, &call->by_id);
    call->prev->next = call->next;
    call->next->prev = call->prev;
    free(call);
}

/* Calls of agents' own telephones are not begun, and what is not begun says nothing. */
void ami_call_begin(struct ami_calls *calls, struct ami_call *call, struct ami_channel *channel)
{
    if (call->has_begun || call->is_asked || call->is_foreign || !channel->is_real)
        return;
    if (ami_channel_agent(calls, channel).len ||
        (!is_context_good(calls, ami_text(&channel->context)) && !is_open(calls, call))) {
        call->is_foreign = true;
        return;
    }
    call->caller = channel;
    ami_ask(calls, call);
}
