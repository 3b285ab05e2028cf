#include "server/command_key.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "proto/json.h"
#include "proto/phone.h"
#include "rules/email_key.h"
#include "server/command.h"
#include "server/command_options.h"

#define LINE_MAX_BYTES 4096 /* of standard input; a longer line is answered and skipped */

struct key_request {
    bool is_phone, privacy;
    struct slice region;
};

static const char help_text[] =
    "usage: %s phone|email [--region DE] [--privacy] VALUE\n"
    "\n"
    "Prints the canonical key of a phone number or an e-mail address as JSON: {\"kind\",\"key\",\"class\"}.\n"
    "Where there is no key it is null and \"reason\" says why. With - for VALUE there is one answer for each line\n"
    "of standard input. A VALUE that begins with - goes behind --.\n"
    "\n"
    "  --region REGION             two letters: the numbering plan of numbers without + (ZZ: none)\n"
    "  --privacy                   the gateway says that the caller id is withheld\n"
    "  --help                      print this and exit\n";

/* NULL for the classes that have a key. */
static const char *why_no_phone_key(enum caller_class class)
{
    switch (class) {
    case CALLER_NONE:
        return "nothing was sent";
    case CALLER_ANONYMOUS:
        return "the caller id is withheld";
    case CALLER_SIP_USER:
        return "a SIP user that is no number";
    case CALLER_UNUSABLE:
        return "nothing in it can be a number";
    case CALLER_EXTENSION:
    case CALLER_NUMBER:
    case CALLER_UNKNOWN:
        return NULL;
    }
    return NULL;
}

static const char *why_no_email_key(enum email_status status)
{
    switch (status) {
    case EMAIL_OK:
        return NULL;
    case EMAIL_EMPTY:
        return "no address";
    case EMAIL_BAD_SYNTAX:
        return "not the syntax of an address (RFC 5321 4.1.2)";
    case EMAIL_TOO_LONG:
        return "too long (RFC 5321 4.5.3.1)";
    case EMAIL_BAD_DOMAIN:
        return "not a domain that mail can be sent to";
    }
    return NULL;
}

static void print_answer(const char *kind, struct slice key, const char *class, const char *reason,
                         struct arena *arena)
{
    struct value answer = value_map(arena, 4);
    value_set(&answer, "kind", value_string(slice_of(kind)));
    value_set(&answer, "key", reason ? value_null() : value_string(key));
    value_set(&answer, "class", value_string(slice_of(class)));
    value_set_text(&answer, "reason", slice_of(reason));
    struct slice text = json_write(&answer, arena);
    fwrite(text.ptr, 1, text.len, stdout);
    putchar('\n');
}

static void answer_value(const struct key_request *request, struct slice value, struct arena *arena)
{
    if (request->is_phone) {
        struct phone_key key = phone_key(request->region, value, request->privacy, arena);
        print_answer("phone", key.key, caller_class_name(key.class), why_no_phone_key(key.class), arena);
        return;
    }
    struct email_key key;
    enum email_status status = email_key(&key, value, arena);
    print_answer("email", key.key, status == EMAIL_OK ? "address" : "invalid", why_no_email_key(status),
                 arena);
}

/* Reads up to a line end or the end of input; the bytes beyond the limit are read and dropped. False at the
 * end. */
static bool read_line(FILE *in, char line[LINE_MAX_BYTES], size_t *len, bool *is_too_long)
{
    int c;
    *len = 0;
    *is_too_long = false;
    while ((c = getc(in)) != EOF && c != '\n') {
        if (*len == LINE_MAX_BYTES)
            *is_too_long = true;
        else
            line[(*len)++] = (char)c;
    }
    if (*len && line[*len - 1] == '\r')
        --*len;
    return c != EOF || *len;
}

static int answer_lines(const char *command, const struct key_request *request, struct arena *arena)
{
    char line[LINE_MAX_BYTES];
    size_t len;
    bool is_too_long;
    while (read_line(stdin, line, &len, &is_too_long)) {
        if (is_too_long)
            print_answer(request->is_phone ? "phone" : "email", (struct slice){0},
                         request->is_phone ? caller_class_name(CALLER_UNUSABLE) : "invalid",
                         "the line is too long", arena);
        else
            answer_value(request, (struct slice){line, len}, arena);
        arena_reset(arena);
        if (fflush(stdout) != 0)
            return command_failed(command, "cannot write the answer: %m");
    }
    return ferror(stdin) ? command_failed(command, "cannot read standard input: %m") : COMMAND_OK;
}

/* Either case is taken; `out` has room for two letters. */
static bool read_region(struct slice *region, char out[2], const char *text)
{
    if (strlen(text) != 2)
        return false;
    for (int i = 0; i < 2; i++)
        out[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - ('a' - 'A')) : text[i];
    *region = (struct slice){out, 2};
    return phone_region_is_known(*region);
}

static int read_operands(struct key_request *request, const char *command, int count, char **operands)
{
    if (count < 2)
        return command_misused(command, "%s",
                               count ? "VALUE is missing" : "phone or email, and VALUE are missing");
    if (count > 2)
        return command_misused(command, "unexpected argument '%s'", operands[2]);
    request->is_phone = strcmp(operands[0], "phone") == 0;
    if (!request->is_phone && strcmp(operands[0], "email") != 0)
        return command_misused(command, "'%s' is neither phone nor email", operands[0]);
    return COMMAND_GO_ON;
}

int command_key(int argc, char **argv)
{
    static const struct option options[] = {{"region", required_argument, NULL, 'r'},
                                            {"privacy", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct key_request request = {.region = SLICE("ZZ")};
    char region[2];
    optind = 0; /* glibc: forget the scan of an earlier command line */
    for (int value; (value = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (value == 'h') {
            printf(help_text, argv[0]);
            return COMMAND_OK;
        }
        if (value == 'p')
            request.privacy = true;
        else if (value != 'r')
            return COMMAND_USAGE; /* getopt_long() has complained */
        else if (!read_region(&request.region, region, optarg))
            return command_misused(argv[0], "--region '%s' is not a known region (two letters, as DE)",
                                   optarg);
    }
    int code = read_operands(&request, argv[0], argc - optind, argv + optind);
    if (code != COMMAND_GO_ON)
        return code;

    struct arena arena;
    arena_init(&arena);
    const char *value = argv[optind + 1];
    if (strcmp(value, "-") == 0) {
        code = answer_lines(argv[0], &request, &arena);
    } else {
        answer_value(&request, slice_of(value), &arena);
        code = fflush(stdout) == 0 ? COMMAND_OK : command_failed(argv[0], "cannot write the answer: %m");
    }
    arena_deinit(&arena);
    return code;
}
