/* Channels: which are real, whose they are, and which call each is a leg of. */
#include <stdlib.h>

#include "proto/ami_calls_internal.h"
#include "rules/ascii.h"

struct ami_channel *ami_channel_find(const struct ami_calls *calls, struct slice id)
{
    struct table_node *node = table_find(&calls->channels_by_id, id);
    return node ? node->owner : NULL;
}

/* Not a telephone, but something that Asterisk makes for itself. */
static bool is_real(struct slice name)
{
    static const char *const ours[] = {"local/",    "asyncgoto/",    "surrogate/",  "announcer/",
                                       "recorder/", "cbann/",        "cbrec/",      "snoop/",
                                       "message/",  "multicastrtp/", "unicastrtp/", "bridge/"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (ascii_begins(name, ours[i]))
            return false;
    }
    return true;
}

/* "PJSIP/1001-0000000a" and "Local/1001@agents-0000;1" give 1001; "PJSIP/desk-1" with is_channel false gives
 * desk-1: an interface has no suffix. */
struct slice ami_extension_of(struct slice name, bool is_channel)
{
    size_t start = ascii_find(name, '/');
    struct slice rest = ascii_part(name, start < name.len ? start + 1 : 0, name.len);
    size_t at = ascii_find(rest, '@'), slash = ascii_find(rest, '/');
    if (at == rest.len && is_channel) {
        while (at > 0 && rest.ptr[at - 1] != '-')
            at--;
        at = at ? at - 1 : rest.len;
    }
    return ascii_part(rest, 0, at < slash ? at : slash);
}

struct slice ami_agent_at(const struct ami_calls *calls, struct slice extension)
{
    if (!calls->options.agent_at || !extension.len)
        return (struct slice){NULL, 0};
    return calls->options.agent_at(calls->options.ctx, extension);
}

struct slice ami_channel_agent(const struct ami_calls *calls, const struct ami_channel *channel)
{
    return ami_agent_at(calls, ami_extension_of(ami_text(&channel->name), true));
}

static void join(struct ami_channel *channel, struct ami_call *call)
{
    channel->call = call;
    channel->prev = call->channels.prev;
    channel->next = &call->channels;
    channel->prev->next = channel->next->prev = channel;
    call->real += channel->is_real;
}

/* The call ends with its last real channel; its memory goes with the last of all. */
static void leave(struct ami_calls *calls, struct ami_channel *channel, const char *cause)
{
    struct ami_call *call = channel->call;
    if (call->caller == channel && call->is_asked) {
        call->is_withheld = true; /* nobody could say that it is not */
        ami_call_ring(calls, call);
    }
    channel->prev->next = channel->next;
    channel->next->prev = channel->prev;
    channel->call = NULL;
    call->real -= channel->is_real;
    if (call->caller == channel)
        call->caller = NULL;
    if (channel->is_real && call->real == 0)
        ami_call_end(calls, call, cause);
    if (call->channels.next == &call->channels)
        ami_call_free(calls, call);
}

void ami_channel_drop(struct ami_calls *calls, struct ami_channel *channel, const char *cause)
{
    leave(calls, channel, cause);
    table_remove(&calls->channels_by_id, &channel->by_id);
    channel->prev_all->next_all = channel->next_all;
    channel->next_all->prev_all = channel->prev_all;
    free(channel);
}

struct ami_channel *ami_channel_add(struct ami_calls *calls, const struct ami_block *block, struct slice id,
                                    struct slice linked)
{
    struct ami_call *call = ami_call_find(calls, linked);
    bool is_known;
    if (calls->channels_by_id.count == AMI_CHANNELS_MAX)
        return NULL;
    if (!call)
        call = ami_call_add(calls, linked);
    if (!call)
        return NULL;
    struct ami_channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        abort();
    ami_text_set(&channel->id, id);
    ami_text_set(&channel->name, ami_find(block, "channel"));
    ami_text_set(&channel->number, ami_find(block, "calleridnum"));
    ami_text_set(&channel->caller, ami_find(block, "calleridname"));
    ami_text_set(&channel->exten, ami_find(block, "exten"));
    ami_text_set(&channel->context, ami_find(block, "context"));
    channel->is_real = is_real(ami_text(&channel->name));
    channel->since_ms = calls->now_ms;
    channel->by_id.owner = channel;
    table_insert(&calls->channels_by_id, &channel->by_id, ami_text(&channel->id));
    channel->prev_all = &calls->channels;
    channel->next_all = calls->channels.next_all;
    channel->prev_all->next_all = channel->next_all->prev_all = channel;
    join(channel, call);
    call->is_withheld |= ami_hides(ami_channel_variable(block, "CALLERID(pres)", &is_known));
    return channel;
}

bool ami_channel_follow(struct ami_calls *calls, struct ami_channel *channel, struct slice linked)
{
    struct ami_call *other = linked.len && !slice_equal(ami_text(&channel->call->id), linked)
                                 ? ami_call_find(calls, linked)
                                 : NULL;
    if (!other)
        return false;
    leave(calls, channel, "merged");
    join(channel, other);
    if (!other->caller && channel->is_real && other->has_begun)
        other->caller = channel;
    return true;
}
