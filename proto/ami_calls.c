#include "proto/ami_calls.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ami_calls_internal.h"
#include "rules/ascii.h"

/* --- events --- */

static void on_state(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block)
{
    channel->state = ami_number_of(ami_find(block, "channelstate"));
    if (channel->state == AMI_STATE_RING &&
        slice_equal(ami_text(&channel->id), ami_text(&channel->call->id))) {
        if (!channel->exten.len)
            ami_text_set(&channel->exten, ami_find(block, "exten"));
        ami_call_begin(calls, channel->call, channel);
    }
    if (channel->state == AMI_STATE_UP && channel->call->caller == channel)
        ami_call_answer(calls, channel->call, (struct slice){NULL, 0}, (struct slice){NULL, 0});
}

/* An agent who asks for advice in a queue waits there on a channel of the same Linkedid. */
static bool is_callers_wait(const struct ami_channel *channel)
{
    return channel == channel->call->caller || !channel->call->announced.len;
}

/* Asterisk's own queue has found somebody: by the map, else as the queue names the telephone. */
static void on_agent(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block)
{
    struct ami_call *call = channel->call;
    struct ami_channel *leg = ami_channel_find(calls, ami_find(block, "destuniqueid"));
    struct slice extension = ami_extension_of(ami_find(block, "interface"), false);
    struct slice agent = ami_agent_at(calls, extension);
    if (!agent.len)
        agent = extension;
    if (leg)
        ami_text_set(&leg->agent, agent);
    if (!is_callers_wait(channel))
        return;
    ami_text_set(&call->queue, ami_find(block, "queue"));
    if (leg)
        ami_channel_answer(calls, call, leg);
    else
        ami_call_answer(calls, call, agent, (struct slice){NULL, 0});
}

static void on_hangup(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block)
{
    struct ami_call *call = channel->call;
    if (channel == call->caller || (!call->caller && !call->cause))
        call->cause = ami_number_of(ami_find(block, "cause"));
    const char *cause = ami_cause_name(call->cause);
    if (call->is_abandoned && strcmp(cause, "normal") == 0)
        cause = "abandoned";
    ami_channel_drop(calls, channel, cause);
}

/* What others dial, as for a consultation, is not the caller's yet. */
static void on_dialled(struct ami_calls *calls, const struct ami_channel *channel,
                       const struct ami_block *block)
{
    struct ami_channel *leg = ami_channel_find(calls, ami_find(block, "destuniqueid"));
    if (leg && channel == channel->call->caller && ami_is(block, "dialstatus", "answer"))
        ami_channel_answer(calls, channel->call, leg);
}

static void on_queue(struct ami_channel *channel, bool has_left, const struct ami_block *block)
{
    if (!is_callers_wait(channel))
        return;
    if (has_left)
        channel->call->is_abandoned = true;
    else
        ami_text_set(&channel->call->queue, ami_find(block, "queue"));
}

static void on_channel(struct ami_calls *calls, struct slice event, struct ami_channel *channel,
                       const struct ami_block *block)
{
    if (ascii_equal(event, "newstate")) {
        on_state(calls, channel, block);
    } else if (ascii_equal(event, "hangup")) {
        on_hangup(calls, channel, block);
    } else if (ascii_equal(event, "rename")) {
        ami_channel_rename(calls, channel, ami_find(block, "newname"));
    } else if (ascii_equal(event, "newcallerid")) {
        if (channel == channel->call->caller)
            channel->call->is_withheld |= ami_hides(ami_find(block, "cid-callingpres"));
    } else if (ascii_equal(event, "queuecallerjoin")) {
        on_queue(channel, false, block);
    } else if (ascii_equal(event, "queuecallerabandon")) {
        on_queue(channel, true, block);
    } else if (ascii_equal(event, "agentconnect")) {
        on_agent(calls, channel, block);
    } else if (ascii_equal(event, "dialend")) {
        on_dialled(calls, channel, block);
    } else if (ascii_equal(event, "bridgeenter")) {
        ami_bridge_enter(calls, channel, block);
    } else if (ascii_equal(event, "bridgeleave")) {
        ami_bridge_leave(calls, channel, ami_find(block, "bridgeuniqueid"));
    }
}

/* --- reading --- */

/* "1795295975.048161" */
static int64_t timestamp_ms(struct slice text)
{
    int64_t ms = 0;
    size_t dot = ascii_find(text, '.');
    if (!dot || dot > 10)
        return TIME_NEVER;
    for (size_t i = 0; i < dot + 4; i++) {
        char c = '0';
        if (i != dot && i < text.len)
            c = text.ptr[i];
        if (!ascii_is_digit(c))
            return TIME_NEVER;
        if (i != dot)
            ms = ms * 10 + (c - '0');
    }
    return ms;
}

/* What a list says that is not about one channel. False: it is something else. */
static bool read_list(struct ami_calls *calls, struct slice event, const struct ami_block *block)
{
    bool is_end = ascii_equal(event, "coreshowchannelscomplete");
    bool is_bridge = ascii_equal(event, "bridgelistitem");
    if (is_end && calls->is_resyncing)
        ami_list_end(calls);
    else if (is_bridge && calls->is_resyncing)
        ami_bridge_list_read(calls, block);
    return is_end || is_bridge;
}

void ami_calls_read(struct ami_calls *calls, const struct ami_block *block, int64_t now_ms)
{
    struct slice event = ami_find(block, "event"), id = ami_find(block, "uniqueid");
    struct slice linked = ami_find(block, "linkedid");
    calls->now_ms = now_ms != TIME_NEVER ? now_ms : timestamp_ms(ami_find(block, "timestamp"));
    if (!event.len) {
        ami_ask_read(calls, ami_find(block, "actionid"), block);
        return;
    }
    if (read_list(calls, event, block))
        return;
    if (!id.len || id.len > AMI_ID_MAX || linked.len > AMI_ID_MAX)
        return;
    if (ascii_equal(event, "coreshowchannel")) {
        if (calls->is_resyncing && linked.len)
            ami_list_read(calls, block, id, linked);
        return;
    }
    struct ami_channel *channel = ami_channel_find(calls, id);
    if (!channel && linked.len && ascii_equal(event, "newchannel") &&
        (channel = ami_channel_add(calls, block, id, linked)))
        on_state(calls, channel, block);
    if (!channel)
        return;
    channel->is_seen = true;
    ami_channel_follow(calls, channel, linked);
    on_channel(calls, event, channel, block);
}

/* --- the whole --- */

struct ami_calls *ami_calls_alloc(const struct ami_calls_options *options)
{
    struct ami_calls *calls = calloc(1, sizeof *calls);
    if (!calls)
        abort();
    calls->options = *options;
    table_init(&calls->channels_by_id);
    table_init(&calls->calls_by_id);
    table_init(&calls->bridges_by_id);
    table_init(&calls->halves);
    calls->channels.prev_all = calls->channels.next_all = &calls->channels;
    calls->calls.prev = calls->calls.next = &calls->calls;
    ami_ask_init(calls);
    return calls;
}

void ami_calls_free(struct ami_calls **owner)
{
    struct ami_calls *calls = *owner;
    *owner = NULL;
    if (!calls)
        return;
    while (calls->channels.next_all != &calls->channels) {
        struct ami_channel *channel = calls->channels.next_all;
        calls->channels.next_all = channel->next_all;
        ami_bridge_pull(calls, channel);
        free(channel);
    }
    ami_bridge_list_end(calls);
    while (calls->calls.next != &calls->calls) {
        struct ami_call *call = calls->calls.next;
        calls->calls.next = call->next;
        free(call);
    }
    table_deinit(&calls->channels_by_id);
    table_deinit(&calls->calls_by_id);
    table_deinit(&calls->bridges_by_id);
    table_deinit(&calls->halves);
    free(calls);
}

bool ami_calls_has(const struct ami_calls *calls, struct slice id)
{
    const struct ami_call *call = ami_call_find(calls, id);
    return call && (call->has_begun || call->is_asked);
}

struct slice ami_calls_channel(const struct ami_calls *calls, struct slice id)
{
    const struct ami_call *call = ami_call_find(calls, id);
    return call && call->caller ? ami_text(&call->caller->name) : (struct slice){NULL, 0};
}

struct slice ami_calls_agent(const struct ami_calls *calls, struct slice id)
{
    const struct ami_call *call = ami_call_find(calls, id);
    bool is_there =
        call && (!call->announced_leg.len || ami_channel_find(calls, ami_text(&call->announced_leg)));
    return is_there ? ami_text(&call->announced) : (struct slice){NULL, 0};
}

bool ami_calls_was_at(const struct ami_calls *calls, struct slice id, struct slice context,
                      struct slice extension)
{
    const struct ami_call *call = ami_call_find(calls, id);
    return call && slice_equal(ami_text(&call->listed_context), context) &&
           slice_equal(ami_text(&call->listed_exten), extension);
}

bool ami_calls_is_cut(const struct ami_calls *calls)
{
    return calls->is_cut;
}

bool ami_calls_wants_list(const struct ami_calls *calls)
{
    return calls->is_cut && !calls->is_resyncing &&
           calls->calls_by_id.count <= AMI_CALLS_MAX / 8 * AMI_ROOM_EIGHTHS &&
           calls->channels_by_id.count <= AMI_CHANNELS_MAX / 8 * AMI_ROOM_EIGHTHS;
}

uint32_t ami_calls_count(const struct ami_calls *calls)
{
    return calls->calls_by_id.count;
}
