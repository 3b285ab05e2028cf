#include "server/command_decode.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "proto/esl_calls.h"
#include "proto/evapi.h"
#include "proto/ami_calls.h"
#include "proto/json.h"
#include "proto/mail_event.h"
#include "proto/phone.h"
#include "rules/ascii.h"
#include "server/command.h"
#include "server/command_decode_hook.h"
#include "server/command_options.h"
#include "server/decode_region.h"
#include "server/file.h"

#define WHY_MAX 256
#define RECORD_MAX (64u << 20) /* bytes of a recording */

struct recording {
    const char *command;
    struct slice bytes, region;
    struct arena *arena;
};

static const char help_text[] =
    "usage: %s FORMAT [--region DE] FILE\n"
    "\n"
    "Prints the events that a recorded stream or request would become, a line of JSON each. FILE - is standard input.\n"
    "Messages of a webhook that are left out, since they miss something, are named on standard error.\n"
    "\n"
    "  mail                        one message (RFC 5322) as `patchbay mail --parse` reads it\n"
    "  ami                         what Asterisk's manager interface sent\n"
    "  esl                         what FreeSWITCH's event socket sent, as plain or JSON events\n"
    "  evapi                       netstrings that Kamailio's module evapi sent\n"
    "  cti-generic, twilio, telnyx, whatsapp, telegram, generic, mailgun, postmark, chatwoot\n"
    "                              an HTTP request of that webhook: request line, header, empty line, body\n"
    "\n"
    "  --project FILE              project file with a hook of the preset generic: its mapping\n"
    "  --region REGION             two letters: numbers that its numbering plan understands are printed with +, as\n"
    "                              the calls' customers are found by them; else, and without it, they are as recorded\n"
    "  --help                      print this and exit\n";

static void print_event(const struct recording *recording, const struct value *event)
{
    struct value read = decode_region(event, recording->region, recording->arena);
    struct slice text = json_write(&read, recording->arena);
    printf("%.*s\n", (int)text.len, text.ptr);
}

static int decode_mail(const struct recording *recording)
{
    struct mail_envelope envelope = {.is_known = false};
    struct mail mail;
    if (recording->bytes.len > MAIL_SIZE_MAX)
        return command_failed(recording->command, "the message is refused: larger than %u bytes",
                              MAIL_SIZE_MAX);
    mail_init();
    enum mail_status status = mail_read(&mail, recording->bytes, recording->arena);
    if (status != MAIL_OK)
        return command_failed(recording->command, "the message is refused: %s", mail_status_text(status));
    struct value event = mail_event(&mail, &envelope, recording->arena);
    print_event(recording, &event);
    return COMMAND_OK;
}

/* A message that cannot be read is named and spoils the exit code, as in the gateway, where it spoils itself
 * alone. */
static int decode_evapi(const struct recording *recording)
{
    struct slice rest = recording->bytes;
    int code = COMMAND_OK;
    while (rest.len) {
        struct netstring_step step;
        struct evapi_message message;
        struct fault fault;
        size_t at = recording->bytes.len - rest.len;
        netstring_read(&step, rest, EVAPI_MESSAGE_MAX);
        if (step.status != NETSTRING_READY)
            return command_failed(recording->command, "byte %zu: %s", at,
                                  step.status == NETSTRING_BAD ? step.why : "the last netstring is cut off");
        evapi_read(&message, step.content, SLICE("evapi"), recording->arena, &fault);
        if (message.kind == EVAPI_EVENT)
            print_event(recording, &message.document);
        else if (message.kind == EVAPI_BAD)
            code = command_failed(recording->command, "byte %zu: %s", at, fault.detail);
        rest = (struct slice){rest.ptr + step.used, rest.len - step.used};
    }
    return code;
}

static void on_ami_news(void *ctx, const struct ami_news *news)
{
    const struct recording *recording = ctx;
    struct value event = ami_event(news, SLICE("asterisk"), recording->arena);
    print_event(recording, &event);
}

static int decode_ami(const struct recording *recording)
{
    struct ami_calls *calls = ami_calls_alloc(
        &(struct ami_calls_options){.on_news = on_ami_news, .ctx = (void *)(uintptr_t)recording});
    struct ami_block *block = arena_new(recording->arena, struct ami_block);
    struct slice rest = recording->bytes;
    enum ami_status status = AMI_BLOCK;
    const char *why = NULL;
    bool has_banner = rest.len && rest.ptr[0] == 'A';
    while (status == AMI_BLOCK || status == AMI_BANNER) {
        size_t used = 0;
        status = ami_read(block, rest, has_banner, &used, &why);
        has_banner = false;
        rest = (struct slice){rest.ptr + used, rest.len - used};
        if (status == AMI_BLOCK) {
            if (ami_is(block, "message", "channels will follow"))
                ami_calls_resync(calls);
            ami_calls_read(calls, block, TIME_NEVER);
        }
    }
    ami_calls_free(&calls);
    return status == AMI_BAD ? command_failed(recording->command, "%s", why) : COMMAND_OK;
}

static void on_call(void *ctx, enum event_type type, struct slice call, const struct value *document)
{
    const struct recording *recording = ctx;
    (void)type;
    (void)call;
    print_event(recording, document);
}

/* Empty: nothing can be read on. */
static struct slice behind_esl(struct slice rest, const struct esl_frame *frame)
{
    size_t used = frame->used + (frame->status == ESL_TOO_LONG ? frame->length : 0);
    bool is_whole = frame->status == ESL_READY || (frame->status == ESL_TOO_LONG && used <= rest.len);
    return ascii_part(rest, is_whole ? used : rest.len, rest.len);
}

/* NULL: it can be read. */
static const char *esl_defect(const struct esl_frame *frame)
{
    if (frame->status == ESL_BAD)
        return frame->why;
    if (frame->status == ESL_NEED_MORE)
        return "the last frame is cut off";
    return frame->status == ESL_TOO_LONG ? "a frame is too long and is passed over" : NULL;
}

static int decode_esl(const struct recording *recording)
{
    struct esl_calls_options options = {
        .source = SLICE("esl"), .on_event = on_call, .ctx = (void *)(uintptr_t)recording};
    struct esl_calls *calls = esl_calls_alloc(&options);
    struct esl_stream stream = {.sequence = 0};
    struct slice rest = recording->bytes;
    int code = COMMAND_OK;
    while (ascii_trim(rest).len) {
        struct esl_frame frame;
        struct esl_event event;
        struct fault fault;
        size_t at = recording->bytes.len - rest.len;
        esl_read(&frame, rest);
        const char *defect = esl_defect(&frame);
        rest = behind_esl(rest, &frame);
        if (defect) {
            code = command_failed(recording->command, "byte %zu: %s", at, defect);
        } else if (esl_has_event(&frame)) {
            if (esl_event_read(&event, &frame, recording->arena, &fault))
                esl_calls_event(calls, &stream, &event, recording->arena);
            else
                code = command_failed(recording->command, "byte %zu: %s", at, fault.detail);
        }
    }
    esl_calls_free(&calls);
    return code;
}

static const struct format {
    const char *name;
    int (*decode)(const struct recording *recording); /* prints; returns the exit code */
} formats[] = {{"mail", decode_mail}, {"ami", decode_ami}, {"esl", decode_esl}, {"evapi", decode_evapi}};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    }
    return NULL;
}

static int run(const char *command, const struct format *format, const struct hook_preset *preset,
               const char *path, struct slice region, const char *project)
{
    struct arena arena;
    struct recording recording = {.command = command, .region = region, .arena = &arena};
    char why[WHY_MAX];
    arena_init(&arena);
    bool good = strcmp(path, "-") == 0
                    ? file_read_input(&recording.bytes, RECORD_MAX, &arena, why, sizeof why) == FILE_READ
                    : file_read(&recording.bytes, path, RECORD_MAX, &arena, why, sizeof why);
    int code = !good    ? command_failed(command, "%s: %s", path, why)
               : preset ? command_decode_hook(command, preset, recording.bytes, project, region, &arena)
                        : format->decode(&recording);
    arena_deinit(&arena);
    return code;
}

int command_decode(int argc, char **argv)
{
    static const struct option options[] = {{"region", required_argument, NULL, 'r'},
                                            {"project", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct slice region = {NULL, 0};
    const char *project = NULL;
    optind = 0; /* glibc: forget the scan of an earlier command line */
    for (int value; (value = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (value == 'h') {
            printf(help_text, argv[0]);
            return COMMAND_OK;
        }
        if (value != 'r' && value != 'p')
            return COMMAND_USAGE; /* getopt_long() has complained */
        if (value == 'p') {
            project = optarg;
            continue;
        }
        region = slice_of(optarg);
        if (!phone_region_is_known(region))
            return command_misused(argv[0], "--region '%s' is not a known region (two letters, as DE)",
                                   optarg);
    }
    if (argc - optind < 2)
        return command_misused(argv[0], "%s",
                               argc - optind ? "FILE is missing" : "FORMAT and FILE are missing");
    if (argc - optind > 2)
        return command_misused(argv[0], "unexpected argument '%s'", argv[optind + 2]);
    const struct format *format = find_format(argv[optind]);
    const struct hook_preset *preset = format ? NULL : hook_find_preset(slice_of(argv[optind]));
    if (!format && !preset)
        return command_misused(argv[0], "there is no format '%s'; --help lists them", argv[optind]);
    return run(argv[0], format, preset, argv[optind + 1], region, project);
}
