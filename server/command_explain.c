#include "server/command_explain.h"

#include <getopt.h>
#include <stdio.h>

#include "proto/json.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/command_project.h"
#include "server/explain_row.h"
#include "server/query_params.h"

static int explain(const char *command, const struct command_project *project, uint64_t sequence,
                   bool as_json)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    params_number(&params, sequence);
    const struct pg_query query = {
        .name = "explain_row", .params = params.items, .param_count = params.count, .binary_result = true};
    struct pg_reply reply = pg_blocking_query(project->database, &query);
    struct arena arena;
    struct value document;
    if (reply.outcome != PG_OK)
        return command_failed(command, "the journal cannot be read: %s", reply.message);
    if (reply.rows == 0)
        return command_failed(command, "the journal has no row %llu", (unsigned long long)sequence);
    arena_init(&arena);
    bool good = explain_row(&document, &reply, (struct slice){NULL, 0}, &arena);
    if (good && as_json) {
        struct slice text = json_write(&document, &arena);
        printf("%.*s\n", (int)text.len, text.ptr);
    } else if (good) {
        struct slice words = value_member(&document, "words")->string;
        struct slice input = value_member(&document, "input")->string;
        struct slice outcome = value_member(&document, "outcome")->string;
        printf("sequence %llu: %.*s, %.*s, decided with version %lld of the configuration\n%.*s",
               (unsigned long long)sequence, (int)input.len, input.ptr, (int)outcome.len, outcome.ptr,
               (long long)value_member(&document, "config_version")->integer, (int)words.len,
               words.ptr ? words.ptr : "");
    }
    arena_deinit(&arena);
    return good ? COMMAND_OK
                : command_failed(command, "row %llu cannot be explained: it is of another version",
                                 (unsigned long long)sequence);
}

int command_explain(int argc, char **argv)
{
    const char *name = NULL, *json = NULL;
    struct settings_source source;
    struct settings settings;
    struct command_project project = {.database = NULL};
    uint64_t sequence = 0;
    const struct command_option options[] = {
        {"project", "NAME", "whose journal (the only project there is)", &name},
        {"json", NULL, "print the document instead of words", &json},
    };
    const struct command_spec spec = {
        .synopsis = "[--project NAME] [--json] [--database URL] [--config FILE] SEQ",
        .about =
            "Says why a decision of the journal was made: the rule, the queue, and for each agent the first test\n"
            "that failed and what would have to change. From the journal and the version of the rules that made\n"
            "it, however long ago.\n",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .settings = command_setting("database"),
        .operands_min = 1,
        .operands_max = 1,
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON && !command_sequence(&sequence, argv[optind]))
        code = command_misused(argv[0], "'%s' is no sequence", argv[optind]);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code == COMMAND_GO_ON)
        code = command_project_open(&project, argv[0], &settings, name);
    if (code == COMMAND_GO_ON)
        code = explain(argv[0], &project, sequence, json != NULL);
    pg_blocking_close(&project.database);
    return code;
}
