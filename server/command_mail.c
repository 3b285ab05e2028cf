#include "server/command_mail.h"

#include <getopt.h>
#include <stdio.h>

#include "proto/json.h"
#include "proto/mail_event.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/file.h"

#define WHY_MAX 256

static const char help_text[] =
    "usage: %s --parse [--to ADDRESS] [--from ADDRESS] <MESSAGE\n"
    "\n"
    "Reads a message (RFC 5322) from standard input and prints the event that it would become, a CloudEvent as one\n"
    "line of JSON. Nothing is sent anywhere.\n"
    "\n"
    "  --parse                     print the event\n"
    "  --to ADDRESS                the recipient of the envelope; else what the message says\n"
    "  --from ADDRESS              the sender of the envelope, empty for a bounce; else what the message says\n"
    "  --help                      print this and exit\n";

static int parse(const char *command, const struct mail_envelope *envelope)
{
    struct arena arena;
    struct slice message;
    struct mail mail;
    char why[WHY_MAX];
    int code = COMMAND_OK;
    arena_init(&arena);
    mail_init();
    if (!file_read_input(&message, MAIL_SIZE_MAX, &arena, why, sizeof why)) {
        code = command_failed(command, "cannot read the message: %s", why);
        goto out;
    }
    enum mail_status status = mail_read(&mail, message, &arena);
    if (status != MAIL_OK) {
        code = command_failed(command, "the message is refused: %s", mail_status_text(status));
        goto out;
    }
    struct value event = mail_event(&mail, envelope, &arena);
    struct slice text = json_write(&event, &arena);
    printf("%.*s\n", (int)text.len, text.ptr);
out:
    arena_deinit(&arena);
    return code;
}

int command_mail(int argc, char **argv)
{
    static const struct option options[] = {{"parse", no_argument, NULL, 'p'},
                                            {"to", required_argument, NULL, 't'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct mail_envelope envelope = {.is_known = false};
    bool parses = false;
    optind = 0; /* glibc: forget the scan of an earlier command line */
    for (int value; (value = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (value) {
        case 'h':
            printf(help_text, argv[0]);
            return COMMAND_OK;
        case 'p':
            parses = true;
            break;
        case 't':
            envelope.recipient = slice_of(optarg);
            break;
        case 'f':
            envelope.is_known = true;
            envelope.sender = slice_of(optarg);
            break;
        default:
            return COMMAND_USAGE; /* getopt_long() has complained */
        }
    }
    if (optind < argc)
        return command_misused(argv[0], "unexpected argument '%s'", argv[optind]);
    if (!parses)
        return command_misused(argv[0], "--parse is missing");
    return parse(argv[0], &envelope);
}
