#include <stdlib.h>
#include <string.h>

#include "proto/esl_calls_internal.h"
#include "rules/ascii.h"

bool esl_id_is_plain(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!ascii_is_digit(id.ptr[i]) && !ascii_is_letter(id.ptr[i]) && id.ptr[i] != '-')
            return false;
    }
    return id.len && id.len <= ESL_ID_MAX;
}

void esl_id_copy(char out[ESL_ID_MAX + 1], struct slice id)
{
    memcpy(out, id.ptr, id.len);
    out[id.len] = '\0';
}

struct esl_calls *esl_calls_alloc(const struct esl_calls_options *options)
{
    struct esl_calls *calls = calloc(1, sizeof *calls);
    if (!calls)
        abort();
    calls->options = *options;
    calls->ring.prev = calls->ring.next = &calls->ring;
    table_init(&calls->legs);
    table_init(&calls->calls);
    return calls;
}

struct esl_leg *esl_leg_find_any(const struct esl_calls *calls, struct slice id)
{
    struct table_node *node = id.len ? table_find(&calls->legs, id) : NULL;
    return node ? node->owner : NULL;
}

struct esl_leg *esl_leg_find(const struct esl_calls *calls, struct slice id)
{
    struct esl_leg *leg = esl_leg_find_any(calls, id);
    return leg && leg->call ? leg : NULL;
}

struct esl_leg *esl_leg_add(struct esl_calls *calls, const struct esl_stream *stream, struct slice id,
                            struct esl_call *call)
{
    struct esl_leg *leg = calloc(1, sizeof *leg);
    if (!leg)
        abort();
    esl_id_copy(leg->id, id);
    leg->call = call;
    leg->stream = stream;
    leg->by_id.owner = leg;
    call->legs++;
    leg->prev = calls->ring.prev;
    leg->next = &calls->ring;
    leg->prev->next = leg->next->prev = leg;
    table_insert(&calls->legs, &leg->by_id, slice_of(leg->id));
    return leg;
}

void esl_leg_part(struct esl_leg *leg)
{
    if (leg->peer)
        leg->peer->peer = NULL;
    leg->peer = NULL;
}

void esl_leg_leave(struct esl_calls *calls, struct esl_leg *leg)
{
    struct esl_call *call = leg->call;
    esl_leg_part(leg);
    leg->call = NULL;
    if (--call->legs > 0)
        return;
    table_remove(&calls->calls, &call->by_id);
    free(call);
}

static void leg_free(struct esl_calls *calls, struct esl_leg *leg)
{
    if (leg->call)
        esl_leg_leave(calls, leg);
    table_remove(&calls->legs, &leg->by_id);
    leg->prev->next = leg->next;
    leg->next->prev = leg->prev;
    free(leg);
}

void esl_leg_hung_up(struct esl_calls *calls, struct esl_leg *leg, struct slice cause,
                     const struct esl_event *event, struct arena *arena)
{
    struct esl_call *call = leg->call;
    if (call->legs == 1 || (call->is_outside && strcmp(leg->id, call->id) == 0))
        esl_tell_ended(calls, call, cause, event, arena);
    esl_leg_leave(calls, leg);
}

void esl_leg_gone(struct esl_calls *calls, struct esl_leg *leg, struct slice cause,
                  const struct esl_event *event, struct arena *arena)
{
    if (leg->call)
        esl_leg_hung_up(calls, leg, cause, event, arena);
    leg_free(calls, leg);
}

void esl_calls_free(struct esl_calls **owner)
{
    struct esl_calls *calls = *owner;
    *owner = NULL;
    if (!calls)
        return;
    while (calls->ring.next != &calls->ring)
        leg_free(calls, calls->ring.next);
    table_deinit(&calls->legs);
    table_deinit(&calls->calls);
    free(calls);
}

struct esl_call *esl_leg_begin_call(struct esl_calls *calls, struct slice id, bool is_outside)
{
    struct esl_call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    esl_id_copy(call->id, id);
    call->serial = ++calls->serial;
    call->is_outside = is_outside;
    call->by_id.owner = call;
    table_insert(&calls->calls, &call->by_id, slice_of(call->id));
    return call;
}

struct slice esl_leg_agent_at(const struct esl_calls *calls, struct slice number)
{
    const struct esl_calls_options *options = &calls->options;
    return options->agent_at && number.len ? options->agent_at(options->ctx, number)
                                           : (struct slice){NULL, 0};
}

/* Wherever the dialplan, or a transfer, has led it since it began. */
bool esl_call_is_open(const struct esl_calls *calls, struct slice id)
{
    return calls->options.is_open && calls->options.is_open(calls->options.ctx, id);
}

/* --- lists --- */

void esl_calls_list_begin(struct esl_calls *calls)
{
    for (struct esl_leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next)
        leg->is_missing = true;
}

static struct slice agent_at(const struct esl_calls *calls, const struct esl_channel *channel)
{
    struct slice agent = esl_leg_agent_at(calls, channel->to);
    return agent.len ? agent : esl_leg_agent_at(calls, channel->user);
}

bool esl_calls_listed(struct esl_calls *calls, const struct esl_channel *channel)
{
    struct slice id = channel->id, call = channel->call;
    struct esl_leg *leg = esl_leg_find_any(calls, id), *parent = esl_leg_find(calls, call);
    bool is_first = !call.len || slice_equal(call, id);
    if (channel->is_hung_up) {
        if (leg)
            leg->is_missing = false;
        return leg ? !leg->call : !esl_call_is_open(calls, id);
    }
    if (!leg && parent && parent->call->is_told && esl_id_is_plain(id) && calls->legs.count < ESL_LEGS_MAX) {
        leg = esl_leg_add(calls, parent->stream, id, parent->call);
        leg->agent = agent_at(calls, channel);
    }
    if (!leg)
        return !parent && !esl_call_is_open(calls, id) && (!channel->is_inbound || !is_first) &&
               !(channel->is_answered && agent_at(calls, channel).len);
    leg->is_missing = false;
    return !leg->call || leg->is_answered || !channel->is_answered;
}

void esl_calls_list_end(struct esl_calls *calls, void (*on_missing)(void *ctx, struct slice id), void *ctx)
{
    for (struct esl_leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next) {
        if (leg->is_missing)
            on_missing(ctx, slice_of(leg->id));
        leg->is_missing = false;
    }
}

void esl_calls_lost(struct esl_calls *calls, struct slice id, struct arena *arena)
{
    struct esl_leg *leg = esl_leg_find_any(calls, id);
    if (leg)
        esl_leg_gone(calls, leg, SLICE("lost"), NULL, arena);
}

bool esl_calls_has(const struct esl_calls *calls, struct slice call)
{
    return esl_leg_find(calls, call) || table_find(&calls->calls, call);
}

bool esl_calls_is_with(const struct esl_calls *calls, struct slice call, struct slice agent)
{
    for (const struct esl_leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next) {
        if (leg->call && slice_is(call, leg->call->id) && slice_equal(leg->agent, agent))
            return true;
    }
    return false;
}

bool esl_calls_is_bridged(const struct esl_calls *calls, struct slice call)
{
    for (const struct esl_leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next) {
        if (leg->call && leg->peer && slice_is(call, leg->call->id))
            return true;
    }
    return false;
}

struct slice esl_calls_partner(const struct esl_calls *calls, struct slice call)
{
    for (const struct esl_leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next) {
        if (leg->call && leg->peer && leg->agent.len && slice_is(call, leg->call->id))
            return leg->agent;
    }
    return (struct slice){NULL, 0};
}
