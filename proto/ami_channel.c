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
    if (channel->agent.len)
        return ami_text(&channel->agent);
    return channel->is_real ? ami_agent_at(calls, ami_extension_of(ami_text(&channel->name), true))
                            : (struct slice){NULL, 0};
}

void ami_channel_answer(struct ami_calls *calls, struct ami_call *call, struct ami_channel *channel)
{
    struct slice agent = ami_channel_agent(calls, channel);
    if (!agent.len || channel->told == call->serial)
        return;
    channel->told = call->serial;
    ami_call_answer(calls, call, agent, ami_text(&channel->id));
}

/* --- Local channels --- */

/* "Local/1001@agents-0000;1" and ";2" are joined, wherever their calls are. */
static void join_halves(struct ami_calls *calls, struct ami_channel *channel)
{
    struct slice name = ami_text(&channel->name);
    if (!ascii_begins(name, "local/") || name.len < 2 || name.ptr[name.len - 2] != ';')
        return;
    struct slice pair = ascii_part(name, 0, name.len - 1);
    struct table_node *node = table_find(&calls->halves, pair);
    if (!node) {
        table_insert(&calls->halves, &channel->by_pair, pair);
        return;
    }
    table_remove(&calls->halves, node);
    channel->half = node->owner;
    channel->half->half = channel;
}

/* The other one waits for whoever takes this one's place. */
static void part_halves(struct ami_calls *calls, struct ami_channel *channel)
{
    struct ami_channel *other = channel->half;
    table_remove(&calls->halves, &channel->by_pair);
    channel->half = NULL;
    if (!other)
        return;
    other->half = NULL;
    join_halves(calls, other);
}

/* --- calls --- */

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
    if (call->real == 0)
        ami_call_end(calls, call, cause);
    if (call->channels.next == &call->channels)
        ami_call_free(calls, call);
}

void ami_channel_drop(struct ami_calls *calls, struct ami_channel *channel, const char *cause)
{
    ami_bridge_pull(calls, channel);
    part_halves(calls, channel);
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
    calls->is_cut |= calls->channels_by_id.count == AMI_CHANNELS_MAX;
    if (calls->channels_by_id.count == AMI_CHANNELS_MAX)
        return NULL;
    if (!call)
        call = ami_call_add(calls, linked);
    calls->is_cut |= !call;
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
    channel->serial = ++calls->serial;
    channel->by_id.owner = channel->by_pair.owner = channel;
    join_halves(calls, channel);
    table_insert(&calls->channels_by_id, &channel->by_id, ami_text(&channel->id));
    channel->prev_all = &calls->channels;
    channel->next_all = calls->channels.next_all;
    channel->prev_all->next_all = channel->next_all->prev_all = channel;
    join(channel, call);
    call->is_withheld |= ami_hides(ami_channel_variable(block, "CALLERID(pres)", &is_known));
    return channel;
}

/* "PJSIP/trunk-1<MASQ>" gives way to "PJSIP/trunk-1"; so does "PJSIP/trunk-1" to another of that name, for
 * names are unique: it has gone while nobody listened. */
static bool gives_way(const struct ami_channel *channel, struct slice name)
{
    static const char mark[] = "<MASQ>";
    struct slice old = ami_text(&channel->name);
    return slice_equal(old, name) ||
           (old.len == name.len + sizeof mark - 1 && slice_equal(ascii_part(old, 0, name.len), name) &&
            slice_is(ascii_part(old, name.len, old.len), mark));
}

void ami_channel_succeed(struct ami_channel *channel)
{
    struct ami_call *call = channel->call;
    const struct ami_channel *caller = call->caller;
    if (!caller || caller == channel || !gives_way(caller, ami_text(&channel->name)))
        return;
    channel->number = caller->number;
    channel->caller = caller->caller;
    channel->exten = caller->exten;
    channel->context = caller->context;
    call->caller = channel;
}

void ami_channel_rename(struct ami_calls *calls, struct ami_channel *channel, struct slice name)
{
    struct ami_call *call = channel->call;
    bool was_real = channel->is_real;
    if (!name.len)
        return;
    part_halves(calls, channel);
    ami_text_set(&channel->name, name);
    join_halves(calls, channel);
    channel->is_real = is_real(name);
    call->real = call->real + channel->is_real - was_real;
    ami_channel_succeed(channel);
}

bool ami_channel_follow(struct ami_calls *calls, struct ami_channel *channel, struct slice linked)
{
    const struct ami_call *call = channel->call;
    struct ami_call *other =
        linked.len && !slice_equal(ami_text(&call->id), linked) ? ami_call_find(calls, linked) : NULL;
    /* Put together with what an agent had dialled before: the older Linkedid is nobody's call. */
    bool stays = call->caller == channel && other && !other->has_begun && !other->is_asked;
    if (!other || stays)
        return false;
    leave(calls, channel, "merged");
    join(channel, other);
    if (!other->caller && channel->is_real && other->has_begun)
        other->caller = channel;
    return true;
}
