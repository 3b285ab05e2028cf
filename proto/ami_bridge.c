/* Who is connected with whom: bridges, and Local channels, which join two of them.
 *
 * An agent has answered a call when a telephone of theirs is connected with its caller, each telephone once:
 * whoever is only asked for advice, or comes back from asking, has answered nothing. */
#include <stdlib.h>

#include "proto/ami_calls_internal.h"
#include "rules/ascii.h"

#define HOLDING "holding_bridge"

struct ami_bridge {
    struct table_node by_id;
    struct ami_channel *first;
    struct ami_bridge *next_listed;
    bool is_holding; /* those in it hear music, not each other: parking */
    bool is_listed;  /* by a list that is being read, maybe before those who are in it */
    uint64_t visited;
    struct ami_text id;
};

struct talk {
    struct ami_channel *channels[AMI_TALK_MAX]; /* the oldest first */
    uint32_t count;
};

static struct ami_bridge *bridge_of(struct ami_calls *calls, struct slice id)
{
    struct table_node *node = table_find(&calls->bridges_by_id, id);
    if (node)
        return node->owner;
    struct ami_bridge *bridge = calloc(1, sizeof *bridge);
    if (!bridge)
        abort();
    ami_text_set(&bridge->id, id);
    bridge->by_id.owner = bridge;
    table_insert(&calls->bridges_by_id, &bridge->by_id, ami_text(&bridge->id));
    return bridge;
}

static void free_if_unused(struct ami_calls *calls, struct ami_bridge *bridge)
{
    if (bridge->first || bridge->is_listed)
        return;
    table_remove(&calls->bridges_by_id, &bridge->by_id);
    free(bridge);
}

void ami_bridge_pull(struct ami_calls *calls, struct ami_channel *channel)
{
    struct ami_bridge *bridge = channel->bridge;
    if (!bridge)
        return;
    if (channel->prev_in)
        channel->prev_in->next_in = channel->next_in;
    else
        bridge->first = channel->next_in;
    if (channel->next_in)
        channel->next_in->prev_in = channel->prev_in;
    channel->bridge = NULL;
    free_if_unused(calls, bridge);
}

void ami_bridge_put(struct ami_calls *calls, struct ami_channel *channel, struct slice id)
{
    if (channel->bridge && slice_equal(ami_text(&channel->bridge->id), id))
        return;
    ami_bridge_pull(calls, channel);
    if (!id.len || id.len > AMI_ID_MAX)
        return;
    struct ami_bridge *bridge = bridge_of(calls, id);
    channel->bridge = bridge;
    channel->prev_in = NULL;
    channel->next_in = bridge->first;
    if (bridge->first)
        bridge->first->prev_in = channel;
    bridge->first = channel;
}

/* A Local channel is taken out where the two that it joins can do without: its place is theirs. */
static void inherit(struct ami_channel *channel, const struct ami_channel *swapped)
{
    struct ami_call *call = swapped->call;
    if (swapped->is_real || !swapped->agent.len)
        return;
    if (!channel->agent.len)
        channel->agent = swapped->agent;
    if (!slice_equal(ami_text(&channel->agent), ami_text(&swapped->agent)))
        return;
    channel->told = swapped->told;
    if (slice_equal(ami_text(&call->announced_leg), ami_text(&swapped->id)))
        call->announced_leg = channel->id;
}

void ami_bridge_enter(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block)
{
    struct slice swapped_id = ami_find(block, "swapuniqueid");
    struct ami_channel *swapped = swapped_id.len ? ami_channel_find(calls, swapped_id) : NULL;
    if (swapped && swapped != channel) {
        inherit(channel, swapped);
        ami_bridge_pull(calls, swapped);
    }
    ami_bridge_put(calls, channel, ami_find(block, "bridgeuniqueid"));
    if (!channel->bridge)
        return;
    channel->bridge->is_holding = ami_is(block, "bridgetechnology", HOLDING);
    ami_bridge_tell(calls, channel);
}

void ami_bridge_leave(struct ami_calls *calls, struct ami_channel *channel, struct slice id)
{
    if (channel->bridge && slice_equal(ami_text(&channel->bridge->id), id))
        ami_bridge_pull(calls, channel);
}

void ami_bridge_list_read(struct ami_calls *calls, const struct ami_block *block)
{
    struct slice id = ami_find(block, "bridgeuniqueid");
    if (!ami_is(block, "bridgetechnology", HOLDING) || !id.len || id.len > AMI_ID_MAX ||
        calls->listed_count == AMI_HOLDING_MAX)
        return;
    struct ami_bridge *bridge = bridge_of(calls, id);
    bridge->is_holding = true;
    if (bridge->is_listed)
        return;
    bridge->is_listed = true;
    bridge->next_listed = calls->listed;
    calls->listed = bridge;
    calls->listed_count++;
}

void ami_bridge_list_end(struct ami_calls *calls)
{
    while (calls->listed) {
        struct ami_bridge *bridge = calls->listed;
        calls->listed = bridge->next_listed;
        bridge->is_listed = false;
        free_if_unused(calls, bridge);
    }
    calls->listed_count = 0;
}

/* --- who has answered --- */

static bool is_older(const struct ami_channel *a, const struct ami_channel *b)
{
    return a->since_ms != b->since_ms ? a->since_ms < b->since_ms : a->serial < b->serial;
}

static void add(struct talk *talk, struct ami_channel *channel)
{
    uint32_t at = talk->count;
    if (at == AMI_TALK_MAX)
        return;
    for (talk->count++; at > 0 && is_older(channel, talk->channels[at - 1]); at--)
        talk->channels[at] = talk->channels[at - 1];
    talk->channels[at] = channel;
}

/* All who hear each other in this bridge and in those behind its Local channels. */
static void gather(struct ami_calls *calls, struct talk *talk, struct ami_bridge *first)
{
    struct ami_bridge *behind[AMI_TALK_MAX] = {first};
    uint32_t count = 1;
    talk->count = 0;
    first->visited = ++calls->visits;
    for (uint32_t i = 0; i < count; i++) {
        if (behind[i]->is_holding)
            continue;
        for (struct ami_channel *at = behind[i]->first; at && talk->count < AMI_TALK_MAX; at = at->next_in) {
            struct ami_bridge *other = at->half ? at->half->bridge : NULL;
            add(talk, at);
            if (!other || other->visited == calls->visits || count == AMI_TALK_MAX)
                continue;
            other->visited = calls->visits;
            behind[count++] = other;
        }
    }
}

void ami_bridge_tell(struct ami_calls *calls, struct ami_channel *channel)
{
    struct talk talk;
    gather(calls, &talk, channel->bridge);
    for (uint32_t i = 0; i < talk.count; i++) {
        struct ami_call *call = talk.channels[i]->call;
        for (uint32_t j = 0; call->caller == talk.channels[i] && j < talk.count; j++)
            ami_channel_answer(calls, call, talk.channels[j]);
    }
}
