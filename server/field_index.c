/* Indexes of custom fields are filled, and emptied, by the owner of the project in small statements on the
 * desk's link, one after the other: neither a batch nor an operation waits for more than one. */
#include "server/log.h"
#include "server/project_internal.h"

#define FIELDS_PAGE 500 /* customers of one statement */

enum fill { FILL_DONE, FILL_MORE, FILL_WAITS };

static void on_filled(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->filling = false;
    if (reply->outcome == PG_REFUSED)
        log_event(
            LOG_WARN, "an index of custom fields cannot be filled",
            (struct log_field[]){log_text("project", project_name(project)), log_str("why", reply->message)},
            2);
    enum fill fill = reply->outcome == PG_OK ? (enum fill)pg_int64(reply, 0, 0) : FILL_WAITS;
    if (fill == FILL_DONE)
        project->filled_version = project->fill_version;
    else if (fill == FILL_MORE && project->state == PROJECT_OWNED)
        field_index_fill(project);
    project_reply_done(project);
}

void field_index_fill(struct project *project)
{
    struct query_params params = {.count = 0};
    if (project->filling || !project->config || project->filled_version == project->config->version)
        return;
    project->fill_version = project->config->version;
    params_int(&params, project->id);
    params_uuid(&params, &project->app->instance);
    params_number(&params, project->epoch);
    params_int(&params, FIELDS_PAGE);
    struct pg_query query = {
        .name = "fill_fields", .params = params.items, .param_count = params.count, .binary_result = true};
    project->filling = project_query(project, project->app->desk, &query, on_filled);
}
