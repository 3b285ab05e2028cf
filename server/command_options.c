#include "server/command_options.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/command.h"

#define TEXT_WIDTH 27 /* columns before the help text of an option */
#define VALUE_HELP 1
#define VALUE_CONFIG 2
#define VALUE_OPTION 1000  /* + index into spec->options */
#define VALUE_SETTING 2000 /* + row */

uint32_t command_setting(const char *flag)
{
    return UINT32_C(1) << settings_row_of(flag);
}

static int complain(const char *command, const char *format, va_list args, int code)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", command);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    return code;
}

int command_misused(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = complain(command, format, args, COMMAND_USAGE);
    va_end(args);
    return code;
}

int command_failed(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = complain(command, format, args, COMMAND_FAILED);
    va_end(args);
    return code;
}

static bool has_setting(const struct command_spec *spec, unsigned row)
{
    return spec->settings >> row & 1;
}

static void print_option(const char *name, const char *argument, const char *help)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
    printf("  %-*s %s", TEXT_WIDTH, left, help);
}

static void print_help(const struct command_spec *spec, const char *command)
{
    printf("usage: %s %s\n\n%s\n", command, spec->synopsis, spec->about);
    for (unsigned i = 0; i < spec->option_count; i++) {
        print_option(spec->options[i].name, spec->options[i].argument, spec->options[i].help);
        putchar('\n');
    }
    if (spec->settings) {
        print_option("config", "FILE", "configuration file (YAML); its values give way to PATCHBAY_*\n");
        printf("  %-*s variables, and those to options\n", TEXT_WIDTH, "");
    }
    for (unsigned row = 0; row < SETTINGS_COUNT; row++) {
        struct settings_row_info info = settings_row(row);
        if (!has_setting(spec, row))
            continue;
        print_option(info.flag, info.argument, info.help);
        if (info.fallback[0])
            printf(" (%s)", info.fallback);
        putchar('\n');
    }
    print_option("help", NULL, "print this and exit\n");
}

static unsigned fill_table(const struct command_spec *spec, struct option *table)
{
    unsigned count = 0;
    table[count++] = (struct option){"help", no_argument, NULL, VALUE_HELP};
    for (unsigned i = 0; i < spec->option_count; i++) {
        int takes = spec->options[i].argument ? required_argument : no_argument;
        table[count++] = (struct option){spec->options[i].name, takes, NULL, VALUE_OPTION + (int)i};
    }
    if (spec->settings)
        table[count++] = (struct option){"config", required_argument, NULL, VALUE_CONFIG};
    for (unsigned row = 0; row < SETTINGS_COUNT; row++)
        if (has_setting(spec, row))
            table[count++] =
                (struct option){settings_row(row).flag, required_argument, NULL, VALUE_SETTING + (int)row};
    return count;
}

static int check_operands(const struct command_spec *spec, const char *command, int argc, char **argv)
{
    int given = argc - optind;
    if (given < spec->operands_min)
        return command_misused(command, "too few arguments; usage: %s %s", command, spec->synopsis);
    if (given > spec->operands_max)
        return command_misused(command, "unexpected argument '%s'", argv[optind + spec->operands_max]);
    return COMMAND_GO_ON;
}

int command_options(const struct command_spec *spec, int argc, char **argv, struct settings_source *source)
{
    struct option table[COMMAND_OPTIONS_MAX] = {{0}};
    assert(spec->option_count + SETTINGS_COUNT + 3 <= COMMAND_OPTIONS_MAX);
    assert(source || !spec->settings);
    (void)fill_table(spec, table);
    if (source) {
        *source = (struct settings_source){.file = getenv("PATCHBAY_CONFIG")};
        if (source->file && !source->file[0])
            source->file = NULL;
    }
    optind = 0; /* glibc: forget the scan of an earlier command line */
    for (int value; (value = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (value == VALUE_HELP) {
            print_help(spec, argv[0]);
            return COMMAND_OK;
        }
        if (value == VALUE_CONFIG && source)
            source->file = optarg;
        else if (value >= VALUE_SETTING && source)
            source->flags[value - VALUE_SETTING] = optarg;
        else if (value >= VALUE_OPTION)
            *spec->options[value - VALUE_OPTION].value = optarg ? optarg : "";
        else
            return COMMAND_USAGE; /* getopt_long() has complained */
    }
    return check_operands(spec, argv[0], argc, argv);
}

int command_settings(const char *command, struct settings *out, const struct settings_source *source)
{
    struct settings_faults faults;
    if (settings_load(out, source, &faults))
        return COMMAND_GO_ON;
    if (faults.count == 1)
        return command_misused(command, "%s", faults.lines[0]);
    return command_misused(command, "%s (and %u more)", faults.lines[0], (unsigned)(faults.count - 1));
}

int command_database(const char *command, struct settings *out, const struct settings_source *source)
{
    int code = command_settings(command, out, source);
    if (code == COMMAND_GO_ON && !out->database[0])
        return command_misused(command,
                               "no database: give --database, PATCHBAY_DATABASE or `database` in the "
                               "configuration file");
    return code;
}
