#include "server/notice.h"

#include "proto/cloudevent.h"
#include "server/project_internal.h"
#include "server/streams.h"

void notice_tell(const struct project *project, const struct notice *notice, struct arena *arena)
{
    struct value event = value_map(arena, 8);
    value_set(&event, "specversion", value_string(SLICE("1.0")));
    value_set(&event, "id", value_string(notice->id));
    value_set(&event, "source", value_string(arena_format(arena, "/projects/%s", project->name)));
    value_set(&event, "type", value_string(slice_of(notice->type)));
    value_set(&event, "subject", notice->subject);
    value_set(&event, "time", value_string(time_write(notice->at_ms, arena)));
    value_set(&event, "datacontenttype", value_string(SLICE("application/json")));
    value_set(&event, "data", notice->data);
    streams_notice(project->app->streams, project, notice->agent, notice->type, &event);
}
