#include "server/command_cel.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "proto/cel_cases.h"
#include "proto/cel_json.h"
#include "proto/json.h"
#include "proto/regex.h"
#include "proto/zone.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/file.h"

#define BINDINGS_MAX 64
#define CASES_FILE_MAX (16u << 20)

static const char help_text[] =
    "usage: %s EXPR [--bind NAME=JSON]...\n"
    "       %s --cases FILE...\n"
    "\n"
    "Prints the value of an expression in the Common Expression Language as JSON; without one, why, as\n"
    "`line:column: reason`, and the exit code is 1. An EXPR that begins with - goes behind --.\n"
    "\n"
    "  --bind NAME=JSON            a variable; a NAME with dots is a field (customer.tags=[\"vip\"])\n"
    "  --cases                     run conformance files instead and count what passed, failed and was skipped;\n"
    "                              the exit code is 1 when any failed\n"
    "  --help                      print this and exit\n";

struct bindings {
    struct cel_variable variables[BINDINGS_MAX];
    struct cel_value values[BINDINGS_MAX];
    uint32_t count;
};

/* False after a complaint. */
static bool add_binding(struct bindings *bindings, const char *command, const char *text, struct arena *arena)
{
    const char *equals = strchr(text, '=');
    struct value document;
    struct fault fault;
    if (!equals || equals == text)
        return command_misused(command, "--bind '%s' is not NAME=JSON", text) == COMMAND_OK;
    if (bindings->count == BINDINGS_MAX)
        return command_misused(command, "more than %d variables", BINDINGS_MAX) == COMMAND_OK;
    struct slice name = {text, (size_t)(equals - text)};
    if (!json_read(&document, slice_of(equals + 1), arena, &fault))
        return command_misused(command, "--bind %.*s: %s", (int)name.len, name.ptr, fault.detail) ==
               COMMAND_OK;
    struct cel_value *value = &bindings->values[bindings->count];
    *value = cel_from_value(&document, arena);
    bindings->variables[bindings->count++] = (struct cel_variable){name, cel_type_of(value)};
    return true;
}

static int print_value(const char *command, const struct cel_value *value, struct arena *arena)
{
    struct value document;
    if (!cel_to_value(&document, value, arena))
        return command_failed(command,
                              "JSON cannot say the value: too large, too deep, or two keys of one name");
    struct slice text = json_write(&document, arena);
    fwrite(text.ptr, 1, text.len, stdout);
    putchar('\n');
    return fflush(stdout) == 0 ? COMMAND_OK : command_failed(command, "cannot write the value: %m");
}

static int evaluate(const char *command, const char *expression, const struct bindings *bindings,
                    struct arena *arena)
{
    const struct cel_env env = {.variables = bindings->variables,
                                .variable_count = bindings->count,
                                .regex = &regex_ops,
                                .zones = &zone_ops};
    struct cel_error error;
    struct cel_value value;
    int code = COMMAND_FAILED;
    struct cel_program *program = cel_compile(&env, slice_of(expression), NULL, arena, &error);
    if (program && cel_eval(&value, program, bindings->values, CEL_COST_DEFAULT, arena, &error))
        code = print_value(command, &value, arena);
    else
        command_failed(command, "%u:%u: %s", error.line, error.column, error.text);
    cel_close(&program);
    return code;
}

struct tally {
    const char *path;
    unsigned counts[CEL_VERDICT_COUNT];
};

static void on_case(const struct cel_case_result *result, void *ctx)
{
    struct tally *tally = ctx;
    tally->counts[result->verdict]++;
    if (result->verdict == CEL_PASSED)
        return;
    printf("%s: %s: %.*s/%.*s: %.*s: ", tally->path, result->verdict == CEL_FAILED ? "failed" : "skipped",
           (int)result->section.len, result->section.ptr, (int)result->name.len, result->name.ptr,
           (int)result->expression.len, result->expression.ptr);
    if (result->verdict == CEL_FAILED)
        printf("wanted %.*s, got ", (int)result->wanted.len, result->wanted.ptr);
    printf("%.*s\n", (int)result->got.len, result->got.ptr);
}

static int run_files(const char *command, int count, char **paths, struct arena *arena)
{
    struct tally tally = {.path = NULL};
    struct slice text;
    struct fault fault;
    char why[128];
    for (int i = 0; i < count; i++) {
        tally.path = paths[i];
        if (!file_read(&text, paths[i], CASES_FILE_MAX, arena, why, sizeof why))
            return command_failed(command, "%s: %s", paths[i], why);
        if (!cel_cases_run(text, on_case, &tally, &fault))
            return command_failed(command, "%s: %s", paths[i], fault.detail);
        arena_reset(arena);
    }
    printf("%u passed, %u failed, %u skipped\n", tally.counts[CEL_PASSED], tally.counts[CEL_FAILED],
           tally.counts[CEL_SKIPPED]);
    if (fflush(stdout) != 0)
        return command_failed(command, "cannot write the result: %m");
    return tally.counts[CEL_FAILED] ? COMMAND_FAILED : COMMAND_OK;
}

static int run(const char *command, bool is_cases, const struct bindings *bindings, int count,
               char **operands, struct arena *arena)
{
    if (count == 0)
        return command_misused(command, "%s is missing", is_cases ? "FILE" : "EXPR");
    if (is_cases)
        return bindings->count ? command_misused(command, "--bind and --cases exclude each other")
                               : run_files(command, count, operands, arena);
    if (count > 1)
        return command_misused(command, "unexpected argument '%s'", operands[1]);
    return evaluate(command, operands[0], bindings, arena);
}

int command_cel(int argc, char **argv)
{
    static const struct option options[] = {{"bind", required_argument, NULL, 'b'},
                                            {"cases", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena;
    bool is_cases = false;
    int code = COMMAND_GO_ON;
    arena_init(&arena);
    struct bindings *bindings = arena_new(&arena, struct bindings);
    optind = 0; /* glibc: forget the scan of an earlier command line */
    for (int value; code == COMMAND_GO_ON && (value = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (value == 'h') {
            printf(help_text, argv[0], argv[0]);
            code = COMMAND_OK;
        } else if (value == 'c') {
            is_cases = true;
        } else if (value != 'b' || !add_binding(bindings, argv[0], optarg, &arena)) {
            code = COMMAND_USAGE; /* getopt_long() or add_binding() has complained */
        }
    }
    if (code == COMMAND_GO_ON)
        code = run(argv[0], is_cases, bindings, argc - optind, argv + optind, &arena);
    arena_deinit(&arena);
    return code;
}
