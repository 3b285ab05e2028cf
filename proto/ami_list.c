/* What there is, after a connection: BridgeList, then CoreShowChannels. */
#include "proto/ami_calls_internal.h"
#include "rules/ascii.h"

/* "00:01:40" */
static int64_t duration_ms(struct slice text)
{
    int64_t seconds = 0;
    while (text.len) {
        size_t colon = ascii_find(text, ':');
        seconds = seconds * 60 + ami_number_of(ascii_part(text, 0, colon));
        text = ascii_part(text, colon < text.len ? colon + 1 : colon, text.len);
    }
    return seconds * 1000;
}

/* The caller's channel keeps the call that it began, whatever older Linkedid it has since. */
static struct slice call_of(const struct ami_calls *calls, struct slice id, struct slice linked)
{
    bool is_own = calls->options.is_open && calls->options.is_open(calls->options.ctx, id);
    return is_own ? id : linked;
}

static void note_place(struct ami_call *call, const struct ami_block *block)
{
    ami_text_set(&call->listed_context, ami_find(block, "context"));
    ami_text_set(&call->listed_exten, ami_find(block, "exten"));
}

void ami_list_read(struct ami_calls *calls, const struct ami_block *block, struct slice id,
                   struct slice linked)
{
    struct ami_channel *channel = ami_channel_find(calls, id);
    struct slice name = ami_find(block, "channel");
    bool is_new = !channel;
    if (is_new)
        channel = ami_channel_add(calls, block, id, call_of(calls, id, linked));
    else
        ami_channel_follow(calls, channel, linked);
    if (!channel)
        return;
    channel->is_seen = true;
    if (!slice_equal(name, ami_text(&channel->name)))
        ami_channel_rename(calls, channel, name);
    if (is_new)
        ami_channel_succeed(channel);
    channel->state = ami_number_of(ami_find(block, "channelstate"));
    ami_bridge_put(calls, channel, ami_find(block, "bridgeid"));
    if (channel == channel->call->caller)
        note_place(channel->call, block);
    if ((is_new || !channel->call->has_begun) && calls->now_ms != TIME_NEVER)
        channel->since_ms = calls->now_ms - duration_ms(ami_find(block, "duration"));
}

/* The channel that the call is named after came first; where it is gone, the first that is no agent's. */
static struct ami_channel *first_of(const struct ami_calls *calls, const struct ami_call *call)
{
    struct ami_channel *first = ami_channel_find(calls, ami_text(&call->id));
    if (first && first->call == call)
        return first;
    for (struct ami_channel *at = call->channels.next; at != &call->channels; at = at->next) {
        if (at->is_real && !ami_channel_agent(calls, at).len)
            return at;
    }
    return NULL;
}

static void begin_listed(struct ami_calls *calls, struct ami_call *call)
{
    struct ami_channel *first = first_of(calls, call);
    if (!first || (first->state != AMI_STATE_RING && first->state != AMI_STATE_UP))
        return;
    ami_call_begin(calls, call, first);
}

/* What the events would have said of telephones that are answered by now. */
static void answer_listed(struct ami_calls *calls, struct ami_call *call)
{
    struct ami_channel *caller = call->caller;
    if (caller && caller->state == AMI_STATE_UP)
        ami_call_answer(calls, call, (struct slice){NULL, 0}, (struct slice){NULL, 0});
    if (caller && caller->bridge)
        ami_bridge_tell(calls, caller);
}

void ami_list_end(struct ami_calls *calls)
{
    struct ami_channel *next;
    calls->is_resyncing = false;
    for (struct ami_channel *at = calls->channels.next_all; at != &calls->channels; at = next) {
        next = at->next_all;
        if (!at->is_seen)
            ami_channel_drop(calls, at, "lost");
    }
    for (struct ami_call *at = calls->calls.prev; at != &calls->calls; at = at->prev) {
        if (!at->has_begun && !at->is_asked)
            begin_listed(calls, at);
        answer_listed(calls, at);
    }
    ami_bridge_list_end(calls);
    ami_ask_next(calls);
}

void ami_calls_resync(struct ami_calls *calls)
{
    calls->is_resyncing = true;
    calls->is_cut = false;
    for (struct ami_channel *at = calls->channels.next_all; at != &calls->channels; at = at->next_all)
        at->is_seen = false;
    ami_bridge_list_end(calls); /* of one that was broken off */
    ami_ask_again(calls);
}
