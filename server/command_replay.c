#include "server/command_replay.h"

#include <stdio.h>
#include <string.h>

#include "proto/project_file.h"
#include "server/command.h"
#include "server/command_file.h"
#include "server/command_options.h"
#include "server/command_project.h"
#include "server/file.h"
#include "server/replay.h"
#include "server/replay_print.h"
#include "server/replay_rules.h"

struct range {
    uint64_t from, to;
};

static int say_equal(const struct replay *replay, const struct range *range, uint64_t compared)
{
    printf("%llu decisions, %llu to %llu: equal byte for byte\n", (unsigned long long)compared,
           (unsigned long long)range->from, (unsigned long long)range->to);
    if (replay->erased_count)
        printf(
            "%llu of all that were stepped are about people who were erased: replayed from what the rules had said\n",
            (unsigned long long)replay->erased_count);
    return COMMAND_OK;
}

static int say_different(const struct replay *replay, const struct replay_step *step,
                         const struct range *range)
{
    const struct replay_config *config = replay->old_config ? replay->old_config : replay->config;
    printf("sequence %llu is decided differently%s\n", (unsigned long long)step->row->seq,
           step->row->seq < range->from ? ", before --from" : "");
    replay_print_both(stdout, &step->recorded, step->now, &config->config);
    return COMMAND_FAILED;
}

/* Every row is compared, also those before `from`: from a wrong state nothing follows. */
static int compare(const char *command, struct replay *replay, const struct range *range)
{
    struct replay_step step;
    enum replay_read read;
    uint64_t compared = 0;
    while ((read = replay_next(replay, &step)) == REPLAY_ROW) {
        replay_run(replay, &step);
        if (!step.is_equal)
            return say_different(replay, &step, range);
        compared += step.row->seq >= range->from;
    }
    if (read == REPLAY_FAILED)
        return command_failed(command, "%s", replay->reader.why);
    return say_equal(replay, range, compared);
}

static int with_rules(const char *command, struct replay *replay, const struct range *range, const char *path)
{
    struct arena arena;
    struct slice text;
    char why[256];
    int code;
    arena_init(&arena);
    struct project_config *config = arena_new(&arena, struct project_config);
    struct project_faults *faults = arena_new(&arena, struct project_faults);
    if (!file_read(&text, path, PROJECT_FILE_MAX, &arena, why, sizeof why)) {
        code = command_misused(command, "%s: %s", path, why);
    } else if (!project_file_read(config, text, &arena, faults)) {
        command_print_faults(path, faults);
        code = COMMAND_USAGE;
    } else {
        code = replay_other_rules(stdout, replay, config, range->from, range->to)
                   ? COMMAND_OK
                   : command_failed(command, "%s", replay->reader.why);
        config_close(config);
    }
    arena_deinit(&arena);
    return code;
}

static int read_range(struct range *out, const char *command, const char *from, const char *to, uint64_t last)
{
    *out = (struct range){1, last};
    if (from && !command_sequence(&out->from, from))
        return command_misused(command, "--from: '%s' is no sequence", from);
    if (to && !command_sequence(&out->to, to))
        return command_misused(command, "--to: '%s' is no sequence", to);
    if (out->to > last)
        return command_misused(command, "--to: the journal ends at %llu", (unsigned long long)last);
    if (out->from > out->to)
        return command_misused(command, "there is nothing from %llu to %llu", (unsigned long long)out->from,
                               (unsigned long long)out->to);
    return COMMAND_GO_ON;
}

int command_replay(int argc, char **argv)
{
    const char *name = NULL, *from = NULL, *to = NULL, *rules = NULL;
    struct settings_source source;
    struct settings settings;
    struct command_project project = {.database = NULL};
    struct range range;
    const struct command_option options[] = {
        {"from", "SEQ", "first decision to compare (the first there is)", &from},
        {"to", "SEQ", "last decision to compare (the last there is)", &to},
        {"project", "NAME", "whose journal (the only project there is)", &name},
        {"rules", "FILE", "a project file: list arrivals that its rules would have routed otherwise", &rules},
    };
    const struct command_spec spec = {
        .synopsis =
            "[--from SEQ] [--to SEQ] [--project NAME] [--rules FILE] [--database URL] [--config FILE]",
        .about =
            "Steps a project's journal, from its beginning, through the decision core again and compares every\n"
            "decision byte for byte. Exits 0 when all are equal, else 1, after printing the first that differs.\n"
            "With --rules nothing is compared: what the rules of another file say of each arrival is printed\n"
            "where it differs from what was decided.\n",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .settings = command_setting("database"),
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code == COMMAND_GO_ON)
        code = command_project_open(&project, argv[0], &settings, name);
    if (code == COMMAND_GO_ON)
        code = read_range(&range, argv[0], from, to, project.journal_seq);
    if (code == COMMAND_GO_ON) {
        struct replay replay;
        replay_init(&replay, project.database, project.id, range.to);
        code = rules ? with_rules(argv[0], &replay, &range, rules) : compare(argv[0], &replay, &range);
        replay_deinit(&replay);
    }
    pg_blocking_close(&project.database);
    return code;
}
