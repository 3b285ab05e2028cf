/* Which agents there are, and the newest number that each was told. The core runs ahead of what is committed,
 * so its numbers are taken only for agents that no batch in flight has touched; everything else comes from
 * what is told. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core.h"
#include "server/project.h"
#include "server/streams_internal.h"

static size_t copy_name(char to[CONFIG_NAME_MAX + 1], struct slice name)
{
    assert(name.len <= CONFIG_NAME_MAX);
    memcpy(to, name.ptr, name.len);
    return name.len;
}

struct stream_project *stream_project_of(struct streams *streams, const struct project *project)
{
    struct stream_project *found = streams->projects;
    while (found && found->id != project_id(project))
        found = found->next;
    if (found)
        return found;
    found = calloc(1, sizeof *found);
    if (!found)
        abort();
    found->id = project_id(project);
    found->name_len = copy_name(found->name, project_name(project));
    found->gone_ms = uv_now(streams->app->loop);
    table_init(&found->by_name);
    found->next = streams->projects;
    streams->projects = found;
    return found;
}

/* Tips are spread over their interval, however many agents come at once. */
static uint64_t first_tip_ms(const struct streams *streams, const struct stream_project *project)
{
    return uv_now(streams->app->loop) +
           (uint64_t)project->by_name.count * STREAMS_SCAN_MS / 7 % STREAMS_TIP_EVERY_MS;
}

struct stream_agent *stream_agent_of(struct streams *streams, struct stream_project *project,
                                     struct slice name)
{
    struct table_node *node = table_find(&project->by_name, name);
    if (node)
        return node->owner;
    struct stream_agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        abort();
    agent->project = project;
    agent->name_len = copy_name(agent->name, name);
    agent->tip_ms = first_tip_ms(streams, project);
    agent->by_name.owner = agent;
    agent->next = project->agents;
    project->agents = agent;
    table_insert(&project->by_name, &agent->by_name, (struct slice){agent->name, agent->name_len});
    return agent;
}

void stream_agent_set_newest(struct stream_agent *agent, uint64_t newest)
{
    agent->known = true;
    agent->newest = newest;
    for (struct stream *next, *stream = agent->streams; stream; stream = next) {
        next = stream->agent_next;
        if (stream->from_newest)
            stream_begin(stream);
        else if (stream->state == STREAM_LIVE && stream->sent < newest)
            stream_catch_up(stream);
    }
}

/* Agents whom the configuration names no more, and whom nobody reads. */
static void drop_unlisted(struct stream_project *project)
{
    struct stream_agent **link = &project->agents;
    while (*link) {
        struct stream_agent *agent = *link;
        if (agent->listed || agent->streams) {
            link = &agent->next;
            continue;
        }
        *link = agent->next;
        table_remove(&project->by_name, &agent->by_name);
        free(agent);
    }
}

static void see_agents(struct streams *streams, struct stream_project *project, const struct core *core)
{
    for (struct stream_agent *agent = project->agents; agent; agent = agent->next)
        agent->listed = false;
    project->unknown = 0;
    for (uint32_t i = 0; i < core->agent_count; i++) {
        const struct agent *seen = &core->agents[i];
        struct stream_agent *agent = stream_agent_of(streams, project, seen->name);
        agent->listed = true;
        if (!agent->known && !seen->undo)
            stream_agent_set_newest(agent, seen->data.agentsequence);
        project->unknown += !agent->known;
    }
    drop_unlisted(project);
}

void stream_project_see(struct streams *streams, const struct project *project)
{
    const struct core *core = project_is_owned(project) ? project_core(project) : NULL;
    /* While a new configuration is being committed nothing says which agents are its own. */
    if (!core || (core->batch_count && core->reconfigured))
        return;
    struct stream_project *seen = stream_project_of(streams, project);
    if (seen->live && seen->config_version == core->config_version && !seen->unknown)
        return;
    seen->live = true;
    seen->config_version = core->config_version;
    see_agents(streams, seen, core);
}

void stream_project_forget(struct stream_project *project, uint64_t now_ms)
{
    project->live = false;
    project->gone_ms = now_ms;
    for (struct stream_agent *agent = project->agents; agent; agent = agent->next)
        agent->known = false;
}

void stream_projects_free(struct streams *streams)
{
    while (streams->projects) {
        struct stream_project *project = streams->projects;
        streams->projects = project->next;
        while (project->agents) {
            struct stream_agent *agent = project->agents;
            project->agents = agent->next;
            assert(!agent->streams);
            free(agent);
        }
        table_deinit(&project->by_name);
        free(project);
    }
}
