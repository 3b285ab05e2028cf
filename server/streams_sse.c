/* Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). One event name for all
 * decisions: a browser's EventSource has no listener for "any", and must not miss a type that it does not
 * know yet. Notices have their type for a name. */
#include <stdio.h>

#include "proto/decision.h"
#include "proto/json.h"
#include "proto/problem.h"
#include "server/metrics.h"
#include "server/streams_internal.h"

#define SSE_MEDIA_TYPE "text/event-stream"
#define SSE_LINES_MAX 128 /* id, event name and "data: " */
#define SSE_TIP_MAX (256 + CONFIG_NAME_MAX)

static void on_closed(void *ctx)
{
    struct stream *stream = ctx;
    stream->http = NULL;
    stream_disconnected(stream);
}

static size_t sse_room(const struct stream *stream)
{
    size_t room = http_stream_room(stream->http);
    return room > HTTP_STREAM_BUFFER_MAX / 2 ? room - HTTP_STREAM_BUFFER_MAX / 2 : 0;
}

static void sse_open(struct stream *stream)
{
    stream->http = http_reply_stream(stream->exchange, SSE_MEDIA_TYPE, NULL, on_closed, stream);
    stream->exchange = NULL;
    (void)http_stream_write(stream->http, SLICE("retry: 2000\n\n"));
}

static bool sse_event(struct stream *stream, const struct announced_item *item)
{
    char lines[SSE_LINES_MAX];
    int len = snprintf(lines, sizeof lines, "id: %0*llu\nevent: decision\ndata: ", SEQUENCE_DIGITS,
                       (unsigned long long)item->agentsequence);
    /* Cut in the middle it is no event: readers wait for the empty line. */
    return http_stream_write(stream->http, (struct slice){lines, (size_t)len}) &&
           http_stream_write(stream->http, item->agent_json) &&
           http_stream_write(stream->http, SLICE("\n\n"));
}

/* With an id, so that a client that has heard nothing else yet comes back to this place. */
static bool sse_tip(struct stream *stream)
{
    char text[SSE_TIP_MAX];
    int len = snprintf(text, sizeof text,
                       "id: %0*llu\nevent: tip\ndata: {\"agent\":\"%.*s\",\"agentsequence\":\"%0*llu\"}\n\n",
                       SEQUENCE_DIGITS, (unsigned long long)stream->sent, (int)stream->agent->name_len,
                       stream->agent->name, SEQUENCE_DIGITS, (unsigned long long)stream->sent);
    return http_stream_write(stream->http, (struct slice){text, (size_t)len});
}

/* Without an id: a client that comes back asks for decisions. */
static bool sse_notice(struct stream *stream, const char *type, const struct value *event)
{
    char lines[SSE_LINES_MAX];
    struct arena *scratch = &stream->streams->scratch;
    int len = snprintf(lines, sizeof lines, "event: %s\ndata: ", type);
    bool taken = http_stream_write(stream->http, (struct slice){lines, (size_t)len}) &&
                 http_stream_write(stream->http, json_write(event, scratch)) &&
                 http_stream_write(stream->http, SLICE("\n\n"));
    arena_reset(scratch);
    return taken;
}

static void refuse(struct stream *stream)
{
    struct arena *arena = http_arena(stream->exchange);
    struct problem problem;
    problem_set(&problem, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the feed cannot be read at the moment");
    struct value body = problem_value_http(&problem, arena);
    struct http_header header = {"Retry-After", "1"};
    metric_add(METRIC_REFUSALS, metric_label(METRIC_REFUSALS, problem_code_name(problem.code)), 1);
    http_reply(stream->exchange, problem_status(problem.code), PROBLEM_MEDIA_TYPE, json_write(&body, arena),
               &header, 1);
}

static void sse_end(struct stream *stream)
{
    if (stream->http) {
        http_stream_end(stream->http);
        return;
    }
    refuse(stream);
    stream->exchange = NULL;
    stream->connected = false;
}

/* Its end is noticed anyway. */
static void sse_cut(struct stream *stream)
{
    (void)stream;
}

bool streams_start_sse(struct streams *streams, struct project *project, const struct principal *principal,
                       struct slice agent, uint64_t after, struct http_exchange *exchange)
{
    static const struct stream_transport transport = {
        .room_max = HTTP_STREAM_BUFFER_MAX / 2,
        .room = sse_room,
        .open = sse_open,
        .event = sse_event,
        .tip = sse_tip,
        .notice = sse_notice,
        .end = sse_end,
        .cut = sse_cut,
    };
    struct stream *stream = stream_open(streams, project, agent, after, &transport);
    if (!stream)
        return false;
    stream->exchange = exchange;
    stream_set_token(stream, principal);
    stream->connected = true;
    stream_begin(stream);
    return true;
}
