/* Streams begin, are told, and end. */
#include "server/streams_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "server/metrics.h"
#include "server/project.h"

struct streams *streams_open(struct app *app)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (!streams)
        abort();
    streams->app = app;
    streams->waiting_tail = &streams->waiting;
    arena_init(&streams->scratch);
    uv_timer_init(app->loop, &streams->scan);
    streams->scan.data = streams;
    uv_timer_init(app->loop, &streams->resume);
    streams->resume.data = streams;
    streams->open_timers = 2;
    uv_timer_start(&streams->scan, streams_on_scan, STREAMS_SCAN_MS, STREAMS_SCAN_MS);
    return streams;
}

/* --- Closing --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct streams *streams = handle->data;
    if (--streams->open_timers)
        return;
    void (*on_closed)(void *ctx) = streams->on_closed;
    void *ctx = streams->closed_ctx;
    stream_projects_free(streams);
    arena_deinit(&streams->scratch);
    free(streams);
    if (on_closed)
        on_closed(ctx);
}

static void close_when_empty(struct streams *streams)
{
    if (!streams->closing || streams->all || uv_is_closing((uv_handle_t *)&streams->scan))
        return;
    uv_close((uv_handle_t *)&streams->scan, on_timer_closed);
    uv_close((uv_handle_t *)&streams->resume, on_timer_closed);
}

void streams_close(struct streams **closed, void (*on_closed)(void *ctx), void *ctx)
{
    struct streams *streams = *closed;
    *closed = NULL;
    if (!streams)
        return;
    streams->closing = true;
    streams->on_closed = on_closed;
    streams->closed_ctx = ctx;
    uv_timer_stop(&streams->scan);
    uv_timer_stop(&streams->resume);
    for (struct stream *next, *stream = streams->all; stream; stream = next) {
        next = stream->next;
        stream_end(stream);
    }
    close_when_empty(streams);
}

/* --- One stream --- */

void stream_leave(struct stream *stream)
{
    struct streams *streams = stream->streams;
    if (stream->state != STREAM_ENDED || stream->reading || stream->connected || stream->confirming)
        return;
    if (stream->prev)
        stream->prev->next = stream->next;
    else
        streams->all = stream->next;
    if (stream->next)
        stream->next->prev = stream->prev;
    free(stream);
    close_when_empty(streams);
}

static void leave_queue(struct stream *stream)
{
    struct streams *streams = stream->streams;
    struct stream **link = &streams->waiting;
    while (*link != stream)
        link = &(*link)->waiting_next;
    *link = stream->waiting_next;
    if (!*link)
        streams->waiting_tail = link;
}

struct stream *stream_open(struct streams *streams, struct project *project, struct slice agent,
                           uint64_t after, const struct stream_transport *transport)
{
    if (streams->count >= STREAMS_MAX || streams->closing)
        return NULL;
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    stream_project_see(streams, project);
    stream->streams = streams;
    stream->transport = transport;
    stream->state = STREAM_PAUSED;
    stream->page = STREAMS_PAGE;
    stream->agent = stream_agent_of(streams, stream_project_of(streams, project), agent);
    stream->sent = after == STREAMS_FROM_NEWEST ? 0 : after;
    stream->from_newest = after == STREAMS_FROM_NEWEST;
    stream->next = streams->all;
    if (streams->all)
        streams->all->prev = stream;
    streams->all = stream;
    stream->agent_next = stream->agent->streams;
    if (stream->agent_next)
        stream->agent_next->agent_prev = stream;
    stream->agent->streams = stream;
    metric_set(METRIC_STREAMS, 0, (double)++streams->count);
    return stream;
}

void stream_begin(struct stream *stream)
{
    const struct stream_agent *agent = stream->agent;
    /* A number that was never told is another history's: it counts as the newest of this one. */
    if (agent->known && (stream->from_newest || stream->sent > agent->newest))
        stream->sent = agent->newest;
    stream->from_newest &= !agent->known;
    if (stream->from_newest)
        return; /* stream_agent_set_newest() goes on */
    if (agent->known && stream->sent == agent->newest)
        stream_go_live(stream);
    else
        stream_catch_up(stream);
}

void stream_end(struct stream *stream)
{
    struct streams *streams = stream->streams;
    if (stream->state == STREAM_ENDED)
        return;
    if (stream->state == STREAM_WAITING)
        leave_queue(stream);
    stream->state = STREAM_ENDED;
    if (stream->agent_prev)
        stream->agent_prev->agent_next = stream->agent_next;
    else
        stream->agent->streams = stream->agent_next;
    if (stream->agent_next)
        stream->agent_next->agent_prev = stream->agent_prev;
    metric_set(METRIC_STREAMS, 0, (double)--streams->count);
    if (stream->connected)
        stream->transport->end(stream);
    stream_leave(stream);
}

void stream_cut(struct stream *stream)
{
    stream->transport->cut(stream);
    stream_end(stream);
}

void stream_disconnected(struct stream *stream)
{
    stream->connected = false;
    if (stream->state != STREAM_ENDED)
        stream_end(stream);
    else
        stream_leave(stream);
}

/* --- Telling --- */

static void tell_stream(struct stream *stream, const struct announced_item *item)
{
    if (stream->state != STREAM_LIVE || item->agentsequence <= stream->sent)
        return;
    if (item->agentsequence != stream->sent + 1) {
        stream_catch_up(stream);
        return;
    }
    stream->sent = item->agentsequence;
    if (!stream->transport->event(stream, item))
        stream_end(stream);
}

static void tell_item(struct streams *streams, struct stream_project *project,
                      const struct announced_item *item)
{
    struct stream_agent *agent = stream_agent_of(streams, project, item->agent);
    if (!agent->known)
        stream_agent_set_newest(agent, item->agentsequence - 1);
    for (struct stream *next, *stream = agent->streams; stream; stream = next) {
        next = stream->agent_next;
        tell_stream(stream, item);
    }
    agent->newest = item->agentsequence;
    agent->tip_ms = uv_now(streams->app->loop) + STREAMS_TIP_AFTER_MS;
}

void streams_tell(struct streams *streams, struct project *project, const struct announced *announced)
{
    if (!streams)
        return;
    stream_project_see(streams, project);
    struct stream_project *told = stream_project_of(streams, project);
    for (const struct announced_item *item = announced->first; item; item = item->next) {
        if (item->agent.len)
            tell_item(streams, told, item);
    }
}

void streams_notice(struct streams *streams, const struct project *project, struct slice agent,
                    const char *type, const struct value *event)
{
    if (!streams)
        return;
    const struct stream_agent *told = stream_agent_of(streams, stream_project_of(streams, project), agent);
    for (struct stream *next, *stream = told->streams; stream; stream = next) {
        next = stream->agent_next;
        if (stream->state == STREAM_LIVE && !stream->transport->notice(stream, type, event))
            stream_end(stream);
    }
}

void streams_project_gone(struct streams *streams, const struct project *project)
{
    if (streams)
        stream_project_forget(stream_project_of(streams, project), uv_now(streams->app->loop));
}

bool streams_newest(struct streams *streams, struct project *project, struct slice agent, uint64_t *newest)
{
    stream_project_see(streams, project);
    const struct stream_agent *found = stream_agent_of(streams, stream_project_of(streams, project), agent);
    *newest = found->newest;
    return found->known;
}
