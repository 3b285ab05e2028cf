#include "server/operation_config.h"

#include <string.h>

#include "proto/json.h"
#include "proto/project_file.h"
#include "server/http.h"
#include "server/log.h"
#include "server/operation_sql.h"
#include "server/project.h"
#include "server/project_rows.h"
#include "server/route.h"
#include "server/rpc.h"
#include "server/secret_file.h"
#include "server/settings.h"
#include "storage/pg_link.h"

#define PARAM_COUNT 7

struct answer {
    struct operation_call *call;
    int64_t version;
    bool changed;
};

static void fail(struct operation_call *call, enum problem_code code, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(call, &problem);
}

/* --- faults --- */

static struct value fault_list(const struct project_faults *faults, struct arena *arena)
{
    struct value list = value_list(arena, faults->count);
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        struct value item = value_map(arena, 4);
        value_set(&item, "line", value_int(fault->line));
        if (fault->column)
            value_set(&item, "column", value_int(fault->column));
        value_set(&item, "pointer", value_string(slice_of(fault->pointer)));
        value_set(&item, "detail", value_string(slice_of(fault->detail)));
        value_append(&list, item);
    }
    return list;
}

/* The problem of the first fault, with all of them beside it. */
static void fail_faults(struct operation_call *call, const struct project_faults *faults)
{
    struct problem problem;
    struct value list = fault_list(faults, call->arena);
    problem_set_fault(&problem, &faults->items[0]);
    if (!call->over_rpc) {
        struct value plain = problem_value_http(&problem, call->arena);
        struct value body = operation_args(call->arena, &plain, 1);
        value_set(&body, "faults", list);
        http_reply(call->transport, problem_status(problem.code), PROBLEM_MEDIA_TYPE,
                   json_write(&body, call->arena), NULL, 0);
        return;
    }
    struct value error = problem_value_rpc(&problem, call->arena);
    for (uint32_t i = 0; i < error.count; i++) {
        if (!slice_is(error.members[i].name, "data"))
            continue;
        struct value data = operation_args(call->arena, &error.members[i].value, 1);
        value_set(&data, "faults", list);
        error.members[i].value = data;
    }
    rpc_reply_error(call->transport, &error);
}

/* --- storing --- */

static void on_settled(void *ctx, bool settled)
{
    struct answer *answer = ctx;
    (void)settled; /* durable either way */
    struct value result = value_map(answer->call->arena, 2);
    value_set(&result, "version", value_int(answer->version));
    value_set(&result, "changed", value_bool(answer->changed));
    operation_reply(answer->call, 200, &result);
}

static void take_stored(struct answer *answer, const struct pg_reply *reply)
{
    struct operation_call *call = answer->call;
    if (reply->outcome == PG_REFUSED) {
        log_event(LOG_ERROR, "the database refused a project file",
                  (struct log_field[]){log_str("sqlstate", reply->sqlstate), log_str("why", reply->message)},
                  2);
        fail(call, PROBLEM_INTERNAL, NULL, "the database refused the file; nothing was changed");
    } else if (reply->outcome != PG_OK) {
        fail(call, PROBLEM_STORAGE_UNAVAILABLE, NULL,
             "the connection to the database was lost: the file may or may not be stored");
    } else if (reply->rows != 1) {
        fail(call, PROBLEM_NOT_FOUND, NULL, "there is no such project");
    } else {
        answer->version = pg_int64(reply, 0, 0);
        answer->changed = pg_bool(reply, 0, 1);
        project_facts_changed(call->project, on_settled, answer);
    }
}

static void on_stored(void *ctx, const struct pg_reply *reply)
{
    struct answer *answer = ctx;
    struct project *project = answer->call->project; /* what is answered takes its call along */
    take_stored(answer, reply);
    project_let_go(project);
}

static void store(struct operation_call *call, const struct project_config *config, struct slice file,
                  const struct value *tree)
{
    const char *texts[PARAM_COUNT] = {
        arena_string(call->arena, config->project),
        arena_string(call->arena, file),
        arena_string(call->arena, json_write(tree, call->arena)),
        arena_string(call->arena, operation_author(call)),
        project_rows_agents(config, call->arena),
        project_rows_queues(config, call->arena),
        arena_string(call->arena, project_file_zones(config, call->arena)),
    };
    struct pg_param params[PARAM_COUNT];
    for (int i = 0; i < PARAM_COUNT; i++)
        params[i] = (struct pg_param){texts[i], strlen(texts[i]), false};
    const struct pg_query query = {
        .name = "config_apply", .params = params, .param_count = PARAM_COUNT, .binary_result = true};
    struct answer *answer = arena_new(call->arena, struct answer);
    answer->call = call;
    if (pg_link_submit(call->app->desk, &query, on_stored, answer))
        project_hold(call->project);
    else
        fail(call, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the database cannot be reached; nothing was changed");
}

static void put_config(struct operation_call *call, struct slice file)
{
    struct project_config *config = arena_new(call->arena, struct project_config);
    struct project_faults *faults = arena_new(call->arena, struct project_faults);
    struct value tree;
    if (file.len > PROJECT_FILE_MAX) {
        fail(call, PROBLEM_TOO_LARGE, NULL, "a project file has at most 4 MiB");
        return;
    }
    if (!project_file_read(config, file, call->arena, faults)) {
        fail_faults(call, faults);
        return;
    }
    config_close(config); /* its conditions: only its texts are needed, and an answer takes the arena along */
    if (!yaml_read(&tree, file, call->arena, &faults->items[0])) {
        faults->count = 1;
        fail_faults(call, faults);
        return;
    }
    secret_file_check(faults, &tree, call->app->settings->secret_folder, call->arena);
    if (faults->count) {
        fail_faults(call, faults);
    } else if (!slice_equal(config->project, project_name(call->project))) {
        fail(call, PROBLEM_INVALID, "/project", "must be the project that the file is put into");
    } else {
        store(call, config, file, &tree);
    }
}

void operation_put_config_http(struct operation_call *call)
{
    static const char *const types[] = {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml",
                                        "application/json"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (route_content_type_is(call->transport, types[i])) {
            put_config(call, http_body(call->transport));
            return;
        }
    }
    fail(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, "send application/yaml or application/json");
}

void operation_put_config_rpc(struct operation_call *call)
{
    put_config(call, value_member(call->params, "file")->string);
}
