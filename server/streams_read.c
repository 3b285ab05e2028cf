/* Catching up: pages of the feed, until one holds all that had been told when it was asked for and nothing
 * newer was told since. Few pages are read at once, in turn, so that desktops that all come back together do
 * not crowd out the rest. */
#include "server/feed.h"
#include "server/streams_internal.h"

static void read_next(struct streams *streams);

static void pause_stream(struct stream *stream, uint64_t retry_ms)
{
    uv_timer_t *resume = &stream->streams->resume;
    uint64_t now = uv_now(resume->loop);
    stream->state = STREAM_PAUSED;
    stream->paused_ms = now;
    stream->retry_ms = now + retry_ms;
    if (!uv_is_active((uv_handle_t *)resume) && !stream->streams->closing)
        uv_timer_start(resume, streams_on_resume, STREAMS_RESUME_MS, 0);
}

static void open_transport(struct stream *stream)
{
    if (stream->opened)
        return;
    stream->opened = true;
    stream->transport->open(stream);
}

void stream_go_live(struct stream *stream)
{
    open_transport(stream);
    stream->state = STREAM_LIVE;
    /* The next scan says where it stands. */
    stream->agent->tip_ms = uv_now(stream->streams->app->loop);
}

/* False when the client has no room for more, or is cut. */
static bool send_page(struct stream *stream, const struct announced *announced)
{
    uint32_t count = 0;
    for (const struct announced_item *item = announced->first; item; item = item->next) {
        if (item->agentsequence <= stream->sent)
            continue;
        size_t room = stream->transport->room(stream);
        if (item->agent_json.len + STREAMS_EVENT_EXTRA > room && room < stream->transport->room_max) {
            stream->page = count > STREAMS_PAGE_MIN ? count : STREAMS_PAGE_MIN;
            pause_stream(stream, 0);
            return false;
        }
        if (!stream->transport->event(stream, item)) {
            stream_end(stream);
            return false;
        }
        stream->sent = item->agentsequence;
        count++;
    }
    stream->page = stream->page > STREAMS_PAGE / 2 ? STREAMS_PAGE : stream->page * 2;
    return true;
}

static void take_page(struct stream *stream, const struct announced *announced, bool more)
{
    const struct stream_agent *agent = stream->agent;
    open_transport(stream);
    if (!send_page(stream, announced))
        return;
    if (more) {
        stream_catch_up(stream);
        return;
    }
    /* Old days may have been dropped from the feed: what is not there is not waited for. */
    if (stream->sent < stream->asked)
        stream->sent = stream->asked;
    if (agent->known && stream->sent < agent->newest)
        stream_catch_up(stream);
    else
        stream_go_live(stream);
}

static void on_page(void *ctx, bool ok, const struct announced *announced, uint64_t last, bool more)
{
    struct stream *stream = ctx;
    struct streams *streams = stream->streams;
    (void)last;
    streams->reads--;
    stream->reading = false;
    if (stream->state == STREAM_ENDED)
        stream_leave(stream);
    else if (ok)
        take_page(stream, announced, more);
    else if (stream->opened)
        pause_stream(stream, STREAMS_RETRY_MS);
    else
        stream_end(stream);
    read_next(streams);
}

static void read_next(struct streams *streams)
{
    while (streams->waiting && streams->reads < STREAMS_READS_MAX) {
        struct stream *stream = streams->waiting;
        const struct stream_agent *agent = stream->agent;
        streams->waiting = stream->waiting_next;
        if (!streams->waiting)
            streams->waiting_tail = &streams->waiting;
        stream->state = STREAM_READING;
        stream->reading = true;
        stream->asked = agent->known ? agent->newest : 0;
        streams->reads++;
        feed_read_agent(
            streams->app, agent->project->id, (struct slice){agent->project->name, agent->project->name_len},
            (struct slice){agent->name, agent->name_len}, stream->sent, stream->page, on_page, stream);
    }
}

void stream_catch_up(struct stream *stream)
{
    struct streams *streams = stream->streams;
    stream->state = STREAM_WAITING;
    stream->waiting_next = NULL;
    *streams->waiting_tail = stream;
    streams->waiting_tail = &stream->waiting_next;
    read_next(streams);
}

/* False when it still has to wait. */
static bool resume_stream(struct stream *stream, uint64_t now_ms)
{
    if (now_ms < stream->retry_ms)
        return false;
    if (!stream->opened || stream->transport->room(stream) >= stream->transport->room_max / 2)
        stream_catch_up(stream);
    else if (now_ms - stream->paused_ms >= STREAMS_STALL_MS)
        stream_cut(stream);
    else
        return false;
    return true;
}

void streams_on_resume(uv_timer_t *resume)
{
    struct streams *streams = resume->data;
    bool waits = false;
    for (struct stream *next, *stream = streams->all; stream; stream = next) {
        next = stream->next;
        if (stream->state == STREAM_PAUSED && !stream->from_newest)
            waits |= !resume_stream(stream, uv_now(resume->loop));
    }
    if (waits)
        uv_timer_start(resume, streams_on_resume, STREAMS_RESUME_MS, 0);
}
