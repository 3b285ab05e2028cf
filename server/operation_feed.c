#include "server/operation_feed.h"

#include "proto/decision.h"
#include "rules/project_config.h"
#include "server/feed.h"
#include "server/project.h"
#include "server/streams.h"
#include "storage/pg_link.h"

#define STREAM_MEDIA_TYPE "text/event-stream"

struct reader {
    struct slice agent;
    uint64_t after;
};

static bool refuse(struct operation_call *call, enum problem_code code, const char *pointer,
                   const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

/* A browser that comes back says in Last-Event-ID what it has; that is newer than what its URL says. */
static bool find_after(struct operation_call *call, struct slice *text, const char **pointer)
{
    const struct value *after = value_member(call->params, "after");
    *pointer = "/after";
    if (!call->over_rpc && http_find_header(call->transport, "last-event-id", text) && text->len) {
        *pointer = NULL;
        return true;
    }
    if (after)
        *text = after->string;
    return after != NULL;
}

/* Agents read their own feed; supervisors and admins anybody's. `from` counts when the client does not say
 * what it has. */
static bool find_reader(struct operation_call *call, uint64_t from, struct reader *reader)
{
    const struct value *agent = value_member(call->params, "agent");
    bool anyones = call->principal->role == ROLE_SUPERVISOR || call->principal->role == ROLE_ADMIN;
    struct slice after;
    const char *pointer;
    reader->agent = agent ? agent->string : call->principal->agent;
    reader->after = from;
    if (reader->agent.len == 0)
        return refuse(call, PROBLEM_INVALID, "/agent", "is required: the token has no agent");
    if (!anyones && !slice_equal(reader->agent, call->principal->agent))
        return refuse(call, PROBLEM_FORBIDDEN, NULL, "an agent's token reads the feed of that agent alone");
    if (config_find_agent(project_config(call->project), reader->agent) < 0)
        return refuse(call, PROBLEM_NOT_FOUND, NULL, "there is no such agent");
    if (find_after(call, &after, &pointer) && !sequence_read(&reader->after, after))
        return refuse(call, PROBLEM_INVALID, pointer, "must be an agentsequence: at most 20 digits");
    return true;
}

static void on_read(void *ctx, bool ok, const struct announced *announced, uint64_t last, bool more)
{
    struct operation_call *call = ctx;
    if (!ok) {
        refuse(call, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the feed cannot be read at the moment");
        return;
    }
    struct value page = value_map(call->arena, 2);
    struct value items = value_list(call->arena, (uint32_t)announced->count);
    for (const struct announced_item *item = announced->first; item; item = item->next)
        value_append(&items, item->agent_value);
    value_set(&page, "items", items);
    value_set(&page, "next", more ? value_string(sequence_text(last, call->arena)) : value_null());
    operation_reply(call, 200, &page);
}

void operation_read_feed(struct operation_call *call)
{
    struct reader reader;
    int64_t limit;
    if (find_reader(call, 0, &reader) &&
        operation_int(call, "limit", 1, FEED_PAGE_MAX, FEED_LIMIT_DEFAULT, &limit))
        feed_read_agent(call->app, call->principal->project, call->principal->project_name, reader.agent,
                        reader.after, (uint32_t)limit, on_read, call);
}

/* Only the owner hears what is decided; a stream from anybody else would stay silent. */
static bool is_owned(struct operation_call *call)
{
    if (project_is_owned(call->project))
        return true;
    if (pg_link_is_up(call->app->writer))
        return refuse(call, PROBLEM_NOT_OWNER, NULL, "another server owns the project, or will in a moment");
    return refuse(call, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the database is away");
}

void operation_stream_feed(struct operation_call *call)
{
    struct reader reader;
    if (!find_reader(call, STREAMS_FROM_NEWEST, &reader) || !is_owned(call))
        return;
    if (slice_is(http_method(call->transport), "HEAD"))
        http_reply(call->transport, 200, STREAM_MEDIA_TYPE, (struct slice){NULL, 0}, NULL, 0);
    else if (!streams_start_sse(call->app->streams, call->project, call->principal, reader.agent,
                                reader.after, call->transport))
        refuse(call, PROBLEM_OVERLOADED, NULL, "too many streams are open");
}

/* Answered before the first notification: with the newest number, as far as it is known, the client can tell
 * when it has caught up. */
void operation_subscribe_feed(struct operation_call *call)
{
    struct reader reader;
    uint64_t newest;
    if (!find_reader(call, STREAMS_FROM_NEWEST, &reader) || !is_owned(call))
        return;
    struct rpc_connection *connection = rpc_call_connection(call->transport);
    struct value result = value_map(call->arena, 2);
    bool is_known = streams_newest(call->app->streams, call->project, reader.agent, &newest);
    value_set(&result, "agent", value_string(reader.agent));
    value_set(&result, "agentsequence",
              is_known ? value_string(sequence_text(newest, call->arena)) : value_null());
    if (!streams_start_rpc(call->app->streams, call->project, call->principal, reader.agent, reader.after,
                           connection))
        refuse(call, PROBLEM_OVERLOADED, NULL, "too many streams are open");
    else
        operation_reply(call, 200, &result);
}
