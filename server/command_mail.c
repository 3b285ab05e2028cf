#include "server/command_mail.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "proto/json.h"
#include "proto/mail_event.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/file.h"
#include "server/mail_client.h"
#include "server/settings_value.h"

#define WHY_MAX 256

static const char help_text[] =
    "usage: %s --from ADDRESS --to ADDRESS [--lmtp HOST:PORT] <MESSAGE\n"
    "       patchbay mail --parse [--from ADDRESS] [--to ADDRESS] <MESSAGE\n"
    "\n"
    "Reads a message (RFC 5322) from standard input and delivers it to a router over LMTP, for the pipe transports of\n"
    "mail servers: exits with 0 when it is decided, 75 to be tried again, 67 for an unknown recipient, 65 when the message\n"
    "or its sender can be nobody's, 69 when it is refused (sysexits.h). With --parse it prints the event that the message\n"
    "would become, a CloudEvent as one line of JSON, and sends nothing.\n"
    "\n"
    "  --parse                     print the event\n"
    "  --to ADDRESS                the recipient of the envelope; --parse: else what the message says\n"
    "  --from ADDRESS              its sender, empty for a bounce; --parse: else what the message says\n"
    "  --lmtp HOST:PORT            where the router listens; else what the variable PATCHBAY_LMTP says\n"
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
    if (file_read_input(&message, MAIL_SIZE_MAX, &arena, why, sizeof why) != FILE_READ) {
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

/* A message that is too long stays so; one that did not come may come the next time. */
static int read_message(struct slice *message, struct arena *arena, char *why, size_t why_size)
{
    enum file_status status = file_read_input(message, MAIL_SIZE_MAX, arena, why, why_size);
    if (status == FILE_READ && !message->len)
        snprintf(why, why_size, "there is no message on standard input");
    if (status == FILE_TOO_LONG)
        return EX_DATAERR;
    return status == FILE_READ && message->len ? EX_OK : EX_TEMPFAIL;
}

static int deliver(const char *command, const char *lmtp, const struct mail_client_envelope *envelope)
{
    struct settings_address router;
    struct settings_target target = {.out = &router, .size = sizeof router, .kind = SETTINGS_ADDRESS};
    struct arena arena;
    struct slice message;
    char why[WHY_MAX] = "";
    if (!envelope->recipient || !envelope->sender)
        return command_misused(command, "--to and --from are needed, or --parse");
    if (!lmtp || !lmtp[0])
        return command_misused(command, "--lmtp is missing, and PATCHBAY_LMTP is not set");
    if (!settings_value_set(&target, slice_of(lmtp), why, sizeof why))
        return command_misused(command, "--lmtp: %s", why);
    arena_init(&arena);
    int code = read_message(&message, &arena, why, sizeof why);
    if (code == EX_OK)
        code = mail_client_deliver(&router, envelope, message, why, sizeof why);
    arena_deinit(&arena);
    if (code != EX_OK)
        (void)command_failed(command, "not delivered: %s", why);
    return code;
}

int command_mail(int argc, char **argv)
{
    static const struct option options[] = {
        {"parse", no_argument, NULL, 'p'},      {"to", required_argument, NULL, 't'},
        {"from", required_argument, NULL, 'f'}, {"lmtp", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    struct mail_envelope envelope = {.is_known = false};
    struct mail_client_envelope delivered = {.sender = NULL};
    const char *lmtp = getenv("PATCHBAY_LMTP");
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
            if (delivered.recipient)
                return command_misused(argv[0], "--to is there twice, and a call has one recipient");
            envelope.recipient = slice_of(optarg);
            delivered.recipient = optarg;
            break;
        case 'f':
            envelope.is_known = true;
            envelope.sender = slice_of(optarg);
            delivered.sender = optarg;
            break;
        case 'l':
            lmtp = optarg;
            break;
        default:
            return COMMAND_USAGE; /* getopt_long() has complained */
        }
    }
    if (optind < argc)
        return command_misused(argv[0], "unexpected argument '%s'", argv[optind]);
    return parses ? parse(argv[0], &envelope) : deliver(argv[0], lmtp, &delivered);
}
