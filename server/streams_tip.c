/* A few times a second: who is there, and the tips that are due. */
#include <time.h>

#include "proto/cloudevent.h"
#include "proto/decision.h"
#include "proto/json.h"
#include "server/project.h"
#include "server/publisher.h"
#include "server/streams_internal.h"
#include "storage/redis_link.h"

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A tip is no row of the journal: it has no sequence, and its id is its own. */
static struct slice tip_json(const struct stream_agent *agent, struct arena *arena)
{
    const struct stream_project *project = agent->project;
    struct slice name = {agent->name, agent->name_len};
    struct slice newest = sequence_text(agent->newest, arena);
    int64_t now = wall_clock_ms();
    struct value event = value_map(arena, 9), data = value_map(arena, 2);
    value_set(&data, "agent", value_string(name));
    value_set(&data, "agentsequence", value_string(newest));
    value_set(&event, "specversion", value_string(SLICE("1.0")));
    value_set(&event, "id",
              value_string(arena_format(arena, "tip.%s.%.*s.%lld", agent->name, (int)newest.len, newest.ptr,
                                        (long long)now)));
    value_set(&event, "source", value_string(arena_format(arena, "/projects/%s", project->name)));
    value_set(&event, "type", value_string(SLICE("agent.tip")));
    value_set(&event, "subject", value_string(name));
    value_set(&event, "time", value_string(time_write(now, arena)));
    value_set(&event, "agentsequence", value_string(newest));
    value_set(&event, "datacontenttype", value_string(SLICE("application/json")));
    value_set(&event, "data", data);
    return json_write(&event, arena);
}

/* Redis away: the next one in turn will do. Who hears nothing for so long asks the feed. */
static void publish_tip(struct streams *streams, const struct stream_agent *agent)
{
    struct redis_link *redis = streams->app->redis;
    struct arena *scratch = &streams->scratch;
    if (!redis || !redis_link_is_up(redis))
        return;
    struct slice project = {agent->project->name, agent->project->name_len};
    struct slice name = {agent->name, agent->name_len};
    (void)!redis_link_publish(redis, channel_text(project, "agent", name, scratch), tip_json(agent, scratch),
                              NULL, NULL);
    arena_reset(scratch);
}

static void tip_agent(struct streams *streams, struct stream_agent *agent, uint64_t now)
{
    agent->tip_ms = now + STREAMS_TIP_EVERY_MS;
    if (agent->listed)
        publish_tip(streams, agent);
    for (struct stream *next, *stream = agent->streams; stream; stream = next) {
        next = stream->agent_next;
        if (stream->state == STREAM_LIVE && !stream->transport->tip(stream))
            stream_end(stream);
    }
}

static void cut_streams(struct stream_project *project)
{
    for (struct stream_agent *agent = project->agents; agent; agent = agent->next) {
        while (agent->streams)
            stream_cut(agent->streams);
    }
}

static void scan_project(struct streams *streams, struct stream_project *project, uint64_t now)
{
    /* Somebody else owns it by now, or nobody can: the readers must hear of it. */
    if (!project->live && now - project->gone_ms >= STREAMS_TIP_EVERY_MS)
        cut_streams(project);
    if (!project->live)
        return;
    for (struct stream_agent *agent = project->agents; agent; agent = agent->next) {
        if (agent->known && agent->tip_ms <= now)
            tip_agent(streams, agent, now);
    }
}

void streams_on_scan(uv_timer_t *scan)
{
    struct streams *streams = scan->data;
    uint64_t now = uv_now(streams->app->loop);
    for (struct project *project = streams->app->projects; project; project = project_next(project))
        stream_project_see(streams, project);
    for (struct stream_project *project = streams->projects; project; project = project->next)
        scan_project(streams, project, now);
    streams_confirm(streams, now);
    if (streams->app->publisher)
        publisher_tick(streams->app->publisher);
}
