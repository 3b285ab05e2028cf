#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/lmtp.h"
#include "tests/unit/identity_cases.h"

#define MESSAGE_MAX 65536

static struct lmtp_command parse(const char *line)
{
    struct lmtp_command command;
    lmtp_parse(&command, slice_of(line));
    return command;
}

static void commands_are_read_in_any_case(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum lmtp_verb verb;
        enum lmtp_fault fault;
        const char *path;
        uint64_t size;
    } cases[] = {
        {"LHLO mx.example", LMTP_LHLO, LMTP_GOOD, "", 0},
        {"lhlo mx.example\r", LMTP_LHLO, LMTP_GOOD, "", 0},
        {"LHLO", LMTP_LHLO, LMTP_BAD_SYNTAX, "", 0},
        {"MAIL FROM:<ann@example.com> SIZE=520 BODY=8BITMIME SMTPUTF8", LMTP_MAIL, LMTP_GOOD,
         "ann@example.com", 520},
        {"mail from: <ann@example.com>", LMTP_MAIL, LMTP_GOOD, "ann@example.com", 0},
        {"MAIL FROM:<>", LMTP_MAIL, LMTP_GOOD, "", 0},
        {"MAIL FROM:<@relay.example:ann@example.com>", LMTP_MAIL, LMTP_GOOD, "ann@example.com", 0},
        {"MAIL FROM:ann@example.com", LMTP_MAIL, LMTP_BAD_PATH, "", 0},
        {"MAIL FROM:<ann@example.com", LMTP_MAIL, LMTP_BAD_PATH, "", 0},
        {"MAIL FROM:<a> SIZE=x", LMTP_MAIL, LMTP_BAD_PARAMETER, "a", 0},
        {"MAIL FROM:<a> SIZE=9999999999999999999", LMTP_MAIL, LMTP_BAD_PARAMETER, "a", 9999999999999999999u},
        {"MAIL FROM:<a> BODY=BINARYMIME", LMTP_MAIL, LMTP_BAD_PARAMETER, "a", 0},
        {"MAIL FROM:<a> RET=FULL", LMTP_MAIL, LMTP_BAD_PARAMETER, "a", 0},
        {"MAIL TO:<a>", LMTP_MAIL, LMTP_BAD_SYNTAX, "", 0},
        {"RCPT TO:<help@demo.example>", LMTP_RCPT, LMTP_GOOD, "help@demo.example", 0},
        {"RCPT TO:<\"quoted > local\"@demo.example>", LMTP_RCPT, LMTP_GOOD, "\"quoted > local\"@demo.example",
         0},
        {"RCPT TO:<\"a\\\">\"@demo.example>", LMTP_RCPT, LMTP_GOOD, "\"a\\\">\"@demo.example", 0},
        {"RCPT TO:<>", LMTP_RCPT, LMTP_BAD_PATH, "", 0},
        {"RCPT TO:<a> NOTIFY=NEVER", LMTP_RCPT, LMTP_BAD_PARAMETER, "a", 0},
        {"DATA", LMTP_DATA, LMTP_GOOD, "", 0},
        {"DATA x", LMTP_DATA, LMTP_BAD_SYNTAX, "", 0},
        {"BDAT 10", LMTP_BDAT, LMTP_GOOD, "", 10},
        {"BDAT 0 LAST", LMTP_BDAT, LMTP_GOOD, "", 0},
        {"BDAT", LMTP_BDAT, LMTP_BAD_SYNTAX, "", 0},
        {"BDAT 5 FIRST", LMTP_BDAT, LMTP_BAD_SYNTAX, "", 5},
        {"NOOP anything", LMTP_NOOP, LMTP_GOOD, "", 0},
        {"RSET", LMTP_RSET, LMTP_GOOD, "", 0},
        {"QUIT ", LMTP_QUIT, LMTP_GOOD, "", 0},
        {"VRFY ann", LMTP_VRFY, LMTP_GOOD, "", 0},
        {"EHLO mx.example", LMTP_WRONG_PROTOCOL, LMTP_GOOD, "", 0},
        {"", LMTP_UNKNOWN, LMTP_GOOD, "", 0},
        {"STARTTLS", LMTP_UNKNOWN, LMTP_GOOD, "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lmtp_command command = parse(cases[i].line);
        if (command.verb != cases[i].verb || command.fault != cases[i].fault ||
            !slice_is(command.path, cases[i].path) || command.size != cases[i].size)
            fail_msg("%s: verb %d fault %d path %.*s size %llu", cases[i].line, (int)command.verb,
                     (int)command.fault, (int)command.path.len, command.path.ptr,
                     (unsigned long long)command.size);
    }
    assert_true(parse("BDAT 0 LAST").is_last);
    assert_false(parse("BDAT 10").is_last);
}

/* Reads a session in pieces of `piece` bytes: DATA begins a message, BDAT a chunk. Writes a letter per
 * command and the content of messages, each ended by "|". */
static void read_session(char *out, const char *text, size_t len, size_t piece)
{
    struct lmtp_reader reader;
    char buffer[MESSAGE_MAX];
    size_t have = 0, at = 0, written = 0;
    lmtp_reader_init(&reader);
    while (at < len || have) {
        size_t take = len - at < piece ? len - at : piece;
        memcpy(buffer + have, text + at, take);
        have += take;
        at += take;
        struct lmtp_step step = {.status = LMTP_COMMAND};
        size_t used = 0;
        while (step.status != LMTP_NEED_MORE) {
            lmtp_read(&reader, (struct slice){buffer + used, have - used}, &step);
            used += step.used;
            if (step.status == LMTP_CONTENT) {
                memcpy(out + written, step.content.ptr, step.content.len);
                written += step.content.len;
            } else if (step.status != LMTP_NEED_MORE) {
                out[written++] = step.status == LMTP_COMMAND ? "LMRDBSNVQWU"[step.command.verb] : '|';
            }
            if (step.status == LMTP_COMMAND && step.command.verb == LMTP_DATA)
                lmtp_begin_data(&reader);
            if (step.status == LMTP_COMMAND && step.command.verb == LMTP_BDAT)
                lmtp_begin_chunk(&reader, step.command.size);
        }
        memmove(buffer, buffer + used, have - used);
        have -= used;
        if (!take)
            break;
    }
    out[written] = 0;
}

static void a_session_reads_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text, *read;
    } cases[] = {
        {"LHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n", "LMRDhi\r\n|Q"},
        {"DATA\r\n.\r\nNOOP\r\n", "D|N"},
        {"DATA\r\n..two\r\n...\r\n.\r\n", "D.two\r\n..\r\n|"},
        {"DATA\r\n.x\r\n\r\n.\r\n", "Dx\r\n\r\n|"},
        {"DATA\r\na\n.\nb\r\n.\n\r\n.\r\nNOOP\r\n", "Da\n.\nb\r\n\n\r\n|N"}, /* a bare LF ends nothing */
        {"DATA\r\na\r.\r\n.\r\n", "Da\r.\r\n|"},
        {"DATA\r\n.\rx\r\n.\r\n", "D\rx\r\n|"},
        {"BDAT 5\r\nhi\r\n.BDAT 3 LAST\r\n.\r\nQUIT\r\n", "Bhi\r\n.|B.\r\n|Q"},
        {"BDAT 0 LAST\r\nNOOP\n", "B|N"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece < 50; piece++) {
            char out[1024];
            read_session(out, cases[i].text, strlen(cases[i].text), piece);
            if (strcmp(out, cases[i].read) != 0)
                fail_msg("case %zu in pieces of %zu: %s", i, piece, out);
        }
    }
}

static void a_line_without_an_end_is_skipped_in_bounded_memory(void **state)
{
    (void)state;
    struct lmtp_reader reader;
    struct lmtp_step step;
    char line[LMTP_LINE_MAX];
    memset(line, 'a', sizeof line);
    lmtp_reader_init(&reader);
    for (int i = 0; i < 100; i++) {
        lmtp_read(&reader, (struct slice){line, sizeof line}, &step);
        assert_int_equal(step.status, LMTP_NEED_MORE);
        assert_int_equal(step.used, sizeof line);
    }
    lmtp_read(&reader, SLICE("\r\nNOOP\r\n"), &step);
    assert_int_equal(step.status, LMTP_COMMAND);
    assert_int_equal(step.command.fault, LMTP_LINE_TOO_LONG);
    lmtp_read(&reader, SLICE("NOOP\r\n"), &step);
    assert_int_equal(step.command.verb, LMTP_NOOP);
}

/* "C: " lines of a recorded session as the client sent them. */
static void recorded_postfix_sessions_are_read(void **state)
{
    (void)state;
    char *text = identity_shared_file("captures/postfix37-lmtp/transcript.txt");
    if (!text)
        skip(); /* the recordings are optional */
    char *client = calloc(1, strlen(text) * 2 + 1), *out = calloc(1, strlen(text) * 2 + 1);
    size_t len = 0;
    for (char *at = text, *end; *at; at = *end ? end + 1 : end) {
        end = at + strcspn(at, "\n");
        if (strncmp(at, "C: ", 3) != 0)
            continue;
        memcpy(client + len, at + 3, (size_t)(end - at) - 3);
        len += (size_t)(end - at) - 3;
        memcpy(client + len, "\r\n", 2);
        len += 2;
    }
    for (size_t piece = 1; piece < 5000; piece += 997) {
        read_session(out, client, len, piece);
        unsigned messages = 0;
        for (char *at = out; (at = strchr(at, '|')); at++)
            messages++;
        assert_int_equal(messages, 5);
        assert_non_null(strstr(out, "\r\n..two dots\r\n.\r\n. one dot space\r\n|QL"));
        assert_non_null(strstr(out, "LMRRRRD"));
    }
    free(out);
    free(client);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_read_in_any_case),
        cmocka_unit_test(a_session_reads_the_same_however_it_is_cut),
        cmocka_unit_test(a_line_without_an_end_is_skipped_in_bounded_memory),
        cmocka_unit_test(recorded_postfix_sessions_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
