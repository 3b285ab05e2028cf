/* The same as MessagePack-RPC notifications: `decision` with the event, `tip` with the newest number. A
 * connection may follow several agents, each of them once: the event's data.agent says whose it is. */
#include "proto/decision.h"
#include "server/streams_internal.h"

static size_t rpc_room(const struct stream *stream)
{
    size_t room = rpc_output_room(stream->rpc);
    return room > RPC_OUTPUT_MAX / 2 ? room - RPC_OUTPUT_MAX / 2 : 0;
}

/* The call was answered when it came. */
static void rpc_open(struct stream *stream)
{
    (void)stream;
}

static bool notify(struct stream *stream, const char *method, const struct value *argument)
{
    struct value item = *argument;
    struct value params = {.kind = VALUE_LIST, .count = 1, .items = &item};
    return rpc_notify(stream->rpc, method, &params);
}

static bool rpc_event(struct stream *stream, const struct announced_item *item)
{
    return notify(stream, "decision", &item->agent_value);
}

static bool rpc_tip(struct stream *stream)
{
    struct arena *scratch = &stream->streams->scratch;
    struct value tip = value_map(scratch, 2);
    value_set(&tip, "agent", value_string((struct slice){stream->agent->name, stream->agent->name_len}));
    value_set(&tip, "agentsequence", value_string(sequence_text(stream->sent, scratch)));
    bool taken = notify(stream, "tip", &tip);
    arena_reset(scratch);
    return taken;
}

static bool rpc_notice(struct stream *stream, const char *type, const struct value *event)
{
    return notify(stream, type, event);
}

static void rpc_end(struct stream *stream)
{
    stream->connected = false;
}

/* Nothing else would tell the client that no more will come. */
static void rpc_cut(struct stream *stream)
{
    rpc_connection_cut(stream->rpc);
}

static void end_earlier(struct streams *streams, struct slice agent, const struct rpc_connection *connection)
{
    for (struct stream *next, *stream = streams->all; stream; stream = next) {
        next = stream->next;
        if (stream->rpc != connection || stream->state == STREAM_ENDED)
            continue;
        if (slice_equal((struct slice){stream->agent->name, stream->agent->name_len}, agent))
            stream_end(stream);
    }
}

bool streams_start_rpc(struct streams *streams, struct project *project, const struct principal *principal,
                       struct slice agent, uint64_t after, struct rpc_connection *connection)
{
    static const struct stream_transport transport = {
        .room_max = RPC_OUTPUT_MAX / 2,
        .room = rpc_room,
        .open = rpc_open,
        .event = rpc_event,
        .tip = rpc_tip,
        .notice = rpc_notice,
        .end = rpc_end,
        .cut = rpc_cut,
    };
    end_earlier(streams, agent, connection);
    struct stream *stream = stream_open(streams, project, agent, after, &transport);
    if (!stream)
        return false;
    stream->rpc = connection;
    stream_set_token(stream, principal);
    stream->connected = stream->opened = true;
    stream_begin(stream);
    return true;
}

void streams_rpc_closed(struct streams *streams, const struct rpc_connection *connection)
{
    if (!streams)
        return;
    for (struct stream *next, *stream = streams->all; stream; stream = next) {
        next = stream->next;
        if (stream->rpc == connection && stream->state != STREAM_ENDED)
            stream_disconnected(stream);
    }
}
