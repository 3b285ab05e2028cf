/* Design: a table of signs, strongest first; the first sign that any header shows is the answer. Own mail
 * comes before all, and a report before the auto-reply that most reports also claim to be. A null return path
 * comes after auto-replies: vacation programs send with it as well (RFC 3834 3.3). */
#include "rules/machine_mail.h"

#include <string.h>

#include "rules/ascii.h"

enum test {
    TEST_PRESENT,      /* any value, even none */
    TEST_NOT_NO,       /* a value that does not begin with the word "no", "none" or "false" */
    TEST_NULL_PATH,    /* <> */
    TEST_REPORT,       /* multipart/report, but not of a disposition */
    TEST_READ_RECEIPT, /* multipart/report; report-type=disposition-notification (RFC 8098) */
    TEST_AUTO,         /* Precedence: auto_reply */
    TEST_BULK,         /* Precedence: bulk, list, junk */
    TEST_SUPPRESS,     /* X-Auto-Response-Suppress with what automatic mail asks for */
    TEST_RESPONDER,    /* a delivery address "autoresponder" */
    TEST_DAEMON,       /* the sender's local part; looks at no header */
};

static const struct sign {
    const char *header;
    enum test test;
    enum machine_class class;
} signs[] = {
    {MACHINE_MAIL_OWN_HEADER, TEST_PRESENT, MACHINE_LOOP},
    {"Content-Type", TEST_READ_RECEIPT, MACHINE_AUTO_REPLY},
    {"Content-Type", TEST_REPORT, MACHINE_BOUNCE},
    {"X-Failed-Recipients", TEST_PRESENT, MACHINE_BOUNCE},
    {"From", TEST_DAEMON, MACHINE_BOUNCE},
    {"Auto-Submitted", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Auto-Submitted", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Autoreply", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Auto-Reply", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Autoreply-From", TEST_PRESENT, MACHINE_AUTO_REPLY},
    {"X-Mail-Autoreply", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Autorespond", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Autoresponder", TEST_NOT_NO, MACHINE_AUTO_REPLY},
    {"X-Auto-Response-Suppress", TEST_SUPPRESS, MACHINE_AUTO_REPLY},
    {"Delivered-To", TEST_RESPONDER, MACHINE_AUTO_REPLY},
    {"Precedence", TEST_AUTO, MACHINE_AUTO_REPLY},
    {"X-Precedence", TEST_AUTO, MACHINE_AUTO_REPLY},
    {"Return-Path", TEST_NULL_PATH, MACHINE_BOUNCE},
    {"List-Id", TEST_PRESENT, MACHINE_LIST},
    {"List-Unsubscribe", TEST_PRESENT, MACHINE_LIST},
    {"List-Post", TEST_PRESENT, MACHINE_LIST},
    {"Mailing-List", TEST_PRESENT, MACHINE_LIST},
    {"X-Mailing-List", TEST_PRESENT, MACHINE_LIST},
    {"Precedence", TEST_BULK, MACHINE_LIST},
    {"X-Precedence", TEST_BULK, MACHINE_LIST},
    {"X-Loop", TEST_PRESENT, MACHINE_LOOP},
};

const char *machine_class_name(enum machine_class value)
{
    static const char *const names[] = {"none", "bounce", "auto_reply", "list", "loop"};
    return names[value];
}

static bool contains_folded(struct slice text, const char *word)
{
    for (size_t i = 0; i < text.len; i++) {
        if (ascii_begins(ascii_part(text, i, text.len), word))
            return true;
    }
    return false;
}

/* The value up to its parameters or comment: "auto-replied (vacation)" and "no; x=y" are what their first
 * word says. */
static struct slice first_word(struct slice text)
{
    text = ascii_trim(text);
    size_t len = 0;
    while (len < text.len && !ascii_is_one_of(text.ptr[len], " \t\r\n;(,"))
        len++;
    return (struct slice){text.ptr, len};
}

static bool is_word_of(struct slice word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ascii_equal(word, list[i]))
            return true;
    }
    return false;
}

#define IS_WORD_OF(word, ...)                                                                                \
    is_word_of(word, (const char *const[]){__VA_ARGS__},                                                     \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* Outlook and Exchange write a list of what must not come back. "DR, RN, NRN" only forbids receipts, and
 * people's mail carries that; the others are set by programs. */
static bool is_suppressing(struct slice value)
{
    while (value.len) {
        struct slice word = first_word(value);
        if (IS_WORD_OF(word, "all", "oof", "autoreply"))
            return true;
        size_t comma = ascii_find(value, ',');
        value = ascii_part(value, comma < value.len ? comma + 1 : comma, value.len);
    }
    return false;
}

static bool is_report(struct slice value)
{
    return ascii_equal(first_word(value), "multipart/report");
}

static bool shows(enum test test, struct slice value)
{
    switch (test) {
    case TEST_PRESENT:
        return true;
    case TEST_NOT_NO:
        return first_word(value).len && !IS_WORD_OF(first_word(value), "no", "none", "false");
    case TEST_NULL_PATH:
        return ascii_equal(ascii_trim(value), "<>");
    case TEST_REPORT:
        return is_report(value);
    case TEST_READ_RECEIPT:
        return is_report(value) && contains_folded(value, "disposition-notification");
    case TEST_AUTO:
        return IS_WORD_OF(first_word(value), "auto_reply", "auto-reply", "autoreply");
    case TEST_BULK:
        return IS_WORD_OF(first_word(value), "bulk", "list", "junk");
    case TEST_SUPPRESS:
        return is_suppressing(value);
    case TEST_RESPONDER:
        return ascii_equal(first_word(value), "autoresponder");
    case TEST_DAEMON:
        return false;
    }
    return false;
}

static bool any_shows(enum test test, const struct value *value)
{
    if (value->kind == VALUE_STRING)
        return shows(test, value->string);
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->count; i++) {
        if (value->items[i].kind == VALUE_STRING && shows(test, value->items[i].string))
            return true;
    }
    return false;
}

static bool is_header(struct slice name, const char *header)
{
    size_t i = 0;
    while (i < name.len && header[i] && ascii_lower(name.ptr[i]) == ascii_lower(header[i]))
        i++;
    return i == name.len && !header[i];
}

/* RFC 5321 4.5.1, RFC 2142 5: the mail system itself. */
static bool is_daemon(struct slice address)
{
    if (ascii_equal(address, "<>"))
        return true;
    struct slice local = ascii_part(address, 0, ascii_find(address, '@'));
    return IS_WORD_OF(local, "mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon");
}

enum machine_class machine_mail_classify(const struct value *headers, struct slice from_address,
                                         struct slice *matched)
{
    uint32_t count = headers && headers->kind == VALUE_MAP ? headers->count : 0;
    *matched = (struct slice){0};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const struct sign *sign = &signs[i];
        if (sign->test == TEST_DAEMON && is_daemon(from_address)) {
            *matched = SLICE("From");
            return sign->class;
        }
        for (uint32_t j = 0; j < count; j++) {
            const struct value_member *member = &headers->members[j];
            if (is_header(member->name, sign->header) && any_shows(sign->test, &member->value)) {
                *matched = member->name;
                return sign->class;
            }
        }
    }
    return MACHINE_NONE;
}

bool machine_mail_is_sign(struct slice header)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (signs[i].test != TEST_DAEMON && is_header(header, signs[i].header))
            return true;
    }
    return false;
}
