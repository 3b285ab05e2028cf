#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "proto/cloudevent.h"
#include "proto/json.h"
#include "proto/mail_event.h"
#include "proto/mail_text.h"
#include "tests/unit/identity_cases.h"

#define HEAD "From: a@customer.example\r\nTo: help@demo.example\r\nMessage-ID: <1@customer.example>\r\n"
#define HOSTILE_S 1.0          /* what a mail may take, without sanitizers */
#define SANITIZER_SLOWNESS 4.0 /* and how much longer with them */
#define HOSTILE_MEMORY (96u << 20)

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    mail_init();
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct mail read_mail(struct slice message)
{
    struct mail mail;
    assert_int_equal(mail_read(&mail, message, &arena), MAIL_OK);
    return mail;
}

#define assert_text(slice, text) assert_string_equal(arena_string(&arena, (slice)), (text))

/* --- what is read --- */

static void encoded_words_charsets_and_parameters_are_decoded(void **state)
{
    (void)state;
    struct mail mail = read_mail(SLICE(
        "From: =?iso-8859-1?Q?J=FCrgen_M=FCller?= <J.M@Example.com>\n"
        "To: \"Support, Team\" <help@demo.example>, friends: x@y.example, z@y.example;\n"
        "Subject: =?utf-8?Q?Bestellung_n=C2=B0?=\n =?utf-8?B?w6TDtsO8?=\n"
        "References: <x0@d.example>\n <x1@d.example> (comment) <x2@d.example>\n"
        "Content-Type: multipart/mixed; boundary=\"=_b\"\n\npreamble\n--=_b\n"
        "Content-Type: text/plain; charset=windows-1252\nContent-Transfer-Encoding: quoted-printable\n\n"
        "Gr=FC=DFe =80\n--=_b\nContent-Type: application/pdf;\n name*0*=utf-8''R%C3%A4;\n"
        " name*1*=chnung.pdf\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n"
        "SGVsbG8gd29ybGQ=\n--=_b--\n"));
    assert_text(mail.from.email, "J.M@Example.com");
    assert_text(mail.from.name, "Jürgen Müller");
    assert_int_equal(mail.to_count, 3);
    assert_text(mail.to[0], "help@demo.example");
    assert_text(mail.to[2], "z@y.example");
    assert_text(mail.subject, "Bestellung n°äöü");
    assert_int_equal(mail.references_count, 3);
    assert_text(mail.references[2], "<x2@d.example>");
    assert_text(mail.text, "Grüße €");
    assert_int_equal(mail.attachment_count, 1);
    assert_text(mail.attachments[0].name, "Rächnung.pdf");
    assert_text(mail.attachments[0].type, "application/pdf");
    assert_int_equal(mail.attachments[0].size, 11);
    assert_null(mail.cut);
}

static void of_alternatives_the_plain_text_is_taken_and_html_where_there_is_none(void **state)
{
    (void)state;
    struct mail mail = read_mail(SLICE(
        HEAD
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n"));
    assert_text(mail.text, "plain");
    assert_int_equal(mail.attachment_total, 0);
    mail = read_mail(SLICE(
        HEAD
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/related; "
        "boundary=c\r\n\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--c\r\nContent-Type: image/png; "
        "name=logo.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--c--\r\n--b--\r\n"));
    assert_text(mail.text, "html");
    assert_int_equal(mail.attachment_total, 1);
    assert_text(mail.attachments[0].name, "logo.png");
}

static void html_becomes_the_text_that_a_reader_sees(void **state)
{
    (void)state;
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"<p>One</p><p>Two</p>", "One\n\nTwo"},
        {"a<br>b<br/>c", "a\nb\nc"},
        {"<div>a</div>\n<div>b</div>", "a\nb"},
        {"a  \n b", "a b"},
        {"<style>p {color: red}</style>x<script>if (a<b) c()</script>y", "xy"},
        {"<title>t</title><b>bold</b> text", "bold text"},
        {"&lt;a&gt; &amp;&nbsp;&euro;5 &auml;&#252;&#x20AC;&unknown; & b", "<a> & €5 äü€&unknown; & b"},
        {"a &#0; &#55296; &#x110000; b", "a &#0; &#55296; &#x110000; b"},
        {"<a href=\"x>y\">link</a> 1 < 2", "link 1 < 2"},
        {"<!-- hidden > -->seen", "seen"},
        {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"},
        {"<pre>a\n  b</pre>", "a\nb"},
        {"never <closed", "never"},
        {"<script>never closed", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_text(mail_html_text(slice_of(cases[i].html), &arena), cases[i].text);
}

static void any_bytes_become_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *charset, *text;
    } cases[] = {
        {"gr\xC3\xBC\xC3\x9F", "", "grüß"},
        {"gr\xFC\xDF \x80", "", "grüß €"},
        {"gr\xFC\xDF", "no-such-charset", "grüß"},
        {"gr\xFC\xDF", "us-ascii", "grüß"},
        {"gr\xFC\xDF", "utf-8", "gr\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\x1B$B$3$s\x1B(B", "iso-2022-jp", "こん"},
        {"\xCF\xF0\xE8", "windows-1251", "При"},
        {"\xE0\xE0", "utf-8//IGNORE", "àà"},
        {"a\r\nb\rc\td\x07\n\n ", "utf-8", "a\nb\nc\td"},
        {"\xED\xA0\x80\xC0\x80", "utf-8", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_text(mail_text(slice_of(cases[i].bytes), slice_of(cases[i].charset), &arena), cases[i].text);
    assert_text(mail_text((struct slice){"a\0b", 3}, SLICE("utf-8"), &arena), "ab");
    assert_text(mail_text_begin(SLICE("aé"), 2), "a");
    assert_text(mail_line(SLICE(" a\r\n\tb "), &arena), "a b");
}

static void a_bounce_says_who_was_not_reached_and_refers_to_the_original(void **state)
{
    (void)state;
    struct mail mail = read_mail(SLICE(
        "From: MAILER-DAEMON@mx.example\nTo: help@demo.example\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        "Final-Recipient: rfc822; x@other.example\nAction: failed\nStatus: 5.1.1\n--b\n"
        "Content-Type: message/rfc822\n\nMessage-ID: <own@demo.example>\nReferences: <c@customer.example>\n"
        "Subject: Re: order\n\nhello\n--b--\n"));
    assert_text(mail.text, "failed");
    assert_text(mail.bounced_to, "x@other.example");
    assert_text(mail.bounce_status, "5.1.1");
    assert_int_equal(mail.references_count, 2);
    assert_text(mail.references[0], "<c@customer.example>");
    assert_text(mail.references[1], "<own@demo.example>");
}

static void a_report_about_several_tells_who_failed_before_who_waits_or_got_it(void **state)
{
    (void)state;
#define REPORT(blocks)                                                                                       \
    SLICE("From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n"    \
          "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n" blocks "\n--b--\n")
#define BLOCK(to, action, status)                                                                            \
    "\nFinal-Recipient: rfc822; " to "\nAction: " action "\nStatus: " status "\n"
    struct mail mail =
        read_mail(REPORT(BLOCK("a@other.example", "delivered", "2.0.0")
                             BLOCK("b@other.example", "Failed (user; unknown)", "5.1.1 (no such; user)")
                                 BLOCK("c@other.example", "failed", "5.2.2")));
    assert_text(mail.bounced_to, "b@other.example");
    assert_text(mail.bounce_action, "Failed");
    assert_text(mail.bounce_status, "5.1.1");
    mail = read_mail(
        REPORT(BLOCK("a@other.example", "delayed", "4.4.1") BLOCK("b@other.example", "relayed", "2.0.0")));
    assert_text(mail.bounced_to, "a@other.example");
    assert_text(mail.bounce_action, "delayed");
    mail = read_mail(REPORT("\nFinal-Recipient: rfc822; a@other.example\n"));
    assert_text(mail.bounced_to, "a@other.example");
    assert_int_equal(mail.bounce_action.len + mail.bounce_status.len, 0);
}

static void broken_mail_is_read_as_far_as_it_goes(void **state)
{
    (void)state;
    struct mail mail = read_mail(SLICE("no header at all\nsecond line"));
    assert_text(mail.text, "no header at all\nsecond line");
    mail = read_mail(SLICE(""));
    assert_int_equal(mail.text.len, 0);
    mail = read_mail(SLICE("From ann Sat Nov 21\nFrom: ann@example.com\nnonsense\nSubject : odd\n\nbody"));
    assert_text(mail.from.email, "ann@example.com");
    assert_text(mail.subject, "odd");
    mail = read_mail(SLICE(HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnever ended"));
    assert_text(mail.text, "never ended");
    mail = read_mail(SLICE(HEAD "Content-Type: multipart/mixed\n\nno boundary"));
    assert_int_equal(mail.attachment_total, 0);
    mail = read_mail(
        SLICE("Sender: s@example.com\nFrom: undisclosed\nMessage-ID: 1@x\nIn-Reply-To: Your mail of\n\n"));
    assert_text(mail.message_id, "<1@x>");
    assert_int_equal(mail.in_reply_to_count, 0);
}

/* --- the event --- */

static void the_event_is_one_that_the_api_would_take(void **state)
{
    (void)state;
    struct mail mail = read_mail(SLICE(HEAD "Auto-Submitted: auto-replied\r\nSubject: Out\r\n\r\nAway"));
    struct mail_envelope envelope = {.is_known = true, .recipient = SLICE("help@demo.example")};
    struct value document = mail_event(&mail, &envelope, &arena);
    struct event event;
    struct fault fault;
    assert_true(cloudevent_read(&event, &document, &arena, &fault));
    assert_text(event.id, "<1@customer.example> help@demo.example");
    assert_text(event.subject, "<1@customer.example>");
    assert_text(event.title, "Out");
    assert_text(json_write(&event.attributes, &arena),
                "{\"machine\":{\"class\":\"auto_reply\",\"header\":\"Auto-Submitted\"}}");
    assert_text(value_member(&event.headers, "Return-Path")->string, "<>");
}

static void a_mail_without_an_id_is_known_by_its_content_and_not_by_its_way(void **state)
{
    (void)state;
    static const char *const messages[] = {
        "Received: by one\nFrom: a@b.example\nTo: c@d.example\n\nbody\n",
        "Received: by two\nDelivered-To: c@d.example\nFrom: a@b.example\nTo: c@d.example\n\nbody\n",
        "From: a@b.example\nTo: c@d.example\n\nother\n",
        "From: x@b.example\nTo: c@d.example\n\nbody\n",
    };
    char ids[4][256];
    for (int i = 0; i < 4; i++) {
        struct mail mail = read_mail(slice_of(messages[i]));
        struct mail_envelope envelope = {.is_known = true, .recipient = SLICE("c@d.example")};
        struct value event = mail_event(&mail, &envelope, &arena);
        snprintf(ids[i], sizeof ids[i], "%s", arena_string(&arena, value_member(&event, "id")->string));
    }
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
    assert_string_not_equal(ids[0], ids[3]);
}

static void all_recipients_of_a_mail_without_an_id_share_what_is_made_up(void **state)
{
    (void)state;
    struct mail mail = read_mail(SLICE("From: a@b.example\n\nbody\n"));
    struct mail_envelope first = {.is_known = true, .recipient = SLICE("c@d.example")};
    struct mail_envelope second = {.is_known = true, .recipient = SLICE("e@f.example")};
    struct value one = mail_event(&mail, &first, &arena);
    mail.body = SLICE("nobody looks here any more");
    struct value other = mail_event(&mail, &second, &arena);
    assert_true(slice_equal(value_member(&one, "subject")->string, value_member(&other, "subject")->string));
    assert_false(slice_equal(value_member(&one, "id")->string, value_member(&other, "id")->string));
}

/* --- hostile mail --- */

struct buffer {
    char *bytes;
    size_t len, size;
};

static void add(struct buffer *buffer, const char *text)
{
    size_t len = strlen(text);
    if (buffer->len + len > buffer->size) {
        buffer->size = (buffer->len + len) * 2;
        buffer->bytes = realloc(buffer->bytes, buffer->size);
        assert_non_null(buffer->bytes);
    }
    memcpy(buffer->bytes + buffer->len, text, len);
    buffer->len += len;
}

static void add_times(struct buffer *buffer, unsigned times, const char *text)
{
    for (unsigned i = 0; i < times; i++)
        add(buffer, text);
}

/* Answered in time with what may be used of memory, and the event is one that the API would take. */
static void assert_hostile(struct buffer *buffer, enum mail_status status, const char *cut)
{
    struct timespec began, ended;
    struct mail mail;
    struct arena own;
    double limit = HOSTILE_S;
#ifdef __SANITIZE_ADDRESS__
    limit *= SANITIZER_SLOWNESS;
#endif
    arena_init(&own);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    assert_int_equal(mail_read(&mail, (struct slice){buffer->bytes, buffer->len}, &own), status);
    if (status == MAIL_OK) {
        struct mail_envelope envelope = {
            .is_known = true, .sender = SLICE("x@y.example"), .recipient = SLICE("help@demo.example")};
        struct value document = mail_event(&mail, &envelope, &own);
        struct event event;
        struct fault fault;
        if (!cloudevent_read(&event, &document, &own, &fault))
            fail_msg("%s: %s", fault.pointer, fault.detail);
        assert_string_equal(cut ? cut : "", mail.cut ? mail.cut : "");
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    double took = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
    assert_true(took < limit);
    assert_true(own.used < HOSTILE_MEMORY);
    arena_deinit(&own);
    buffer->len = 0;
}

static void hostile_mail_is_answered_in_time_and_in_bounded_memory(void **state)
{
    (void)state;
    struct buffer mail = {NULL, 0, 0};
    char line[128];

    add(&mail, HEAD "Content-Type: multipart/mixed; boundary=b0\n\n");
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(line, sizeof line, "--b%u\nContent-Type: multipart/mixed; boundary=b%u\n\n", i, i + 1);
        add(&mail, line);
    }
    assert_hostile(&mail, MAIL_OK, "depth");

    add(&mail, HEAD "Content-Type: message/rfc822\n\n");
    add_times(&mail, 20000, "Content-Type: message/rfc822\n\n");
    assert_hostile(&mail, MAIL_OK, "depth");

    add(&mail, HEAD "Content-Type: multipart/digest; boundary=b\n\n");
    add_times(&mail, 20000, "--b\n\nContent-Type: multipart/digest; boundary=b\n\n");
    assert_hostile(&mail, MAIL_OK, "depth");

    add(&mail, HEAD "Content-Type: multipart/mixed; boundary=b\n\n");
    add_times(&mail, 100000, "--b\n\nx\n");
    assert_hostile(&mail, MAIL_OK, "parts");

    add(&mail, HEAD);
    add_times(&mail, 200000, "X-A: b\n");
    assert_hostile(&mail, MAIL_TOO_MANY_HEADERS, NULL);

    add(&mail, HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n");
    add_times(&mail, 200000, "X-A: b\n");
    assert_hostile(&mail, MAIL_OK, "headers");

    add(&mail, "From: a@b.example\nTo: ");
    add_times(&mail, 100000, "a@b.example, ");
    assert_hostile(&mail, MAIL_HEADER_TOO_LONG, NULL);

    add(&mail, "From: a@b.example\nTo: ");
    add_times(&mail, 15000, "a@b.example, ");
    assert_hostile(&mail, MAIL_OK, NULL);

    add(&mail, "From: a@b.example\nTo: ");
    add_times(&mail, 50000, "a:");
    add(&mail, "\n\nx");
    assert_hostile(&mail, MAIL_OK, NULL);

    add(&mail, HEAD "Content-Type: message/rfc822\n\nTo: ");
    add_times(&mail, 50000, "a:");
    add(&mail, "\n\nx");
    assert_hostile(&mail, MAIL_OK, "addresses");

    add(&mail, HEAD "Subject: ");
    add_times(&mail, 25 * 16384, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert_hostile(&mail, MAIL_HEADER_TOO_LONG, NULL);

    add(&mail, HEAD "\n");
    add_times(&mail, 25 * 16384 - 10, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    assert_hostile(&mail, MAIL_OK, NULL);

    add(&mail, HEAD "Content-Type: text/plain; ");
    add_times(&mail, 20000, "a=b; ");
    add(&mail, "\n\nx");
    assert_hostile(&mail, MAIL_OK, "parameters");

    add(&mail, HEAD "Subject: ");
    add_times(&mail, 20000, "=?utf-8?q?a?= ");
    assert_hostile(&mail, MAIL_HEADER_TOO_LONG, NULL);

    add(&mail, HEAD "Subject: ");
    add_times(&mail, 15000, "=?utf-8?q?a?= ");
    add(&mail, "\nReferences: ");
    add_times(&mail, 8000, "<a@b>");
    assert_hostile(&mail, MAIL_OK, NULL);

    add(&mail, HEAD "Content-Type: text/html\n\n");
    add_times(&mail, 1000000, "<a><b ");
    assert_hostile(&mail, MAIL_OK, NULL);

    add(&mail, HEAD "Content-Type: text/plain; charset=utf-7\nContent-Transfer-Encoding: base64\n\n");
    add_times(&mail, 300000, "////////////////\n");
    assert_hostile(&mail, MAIL_OK, NULL);

    add(&mail, HEAD "Content-Type: multipart/mixed; boundary=b\n\n");
    add_times(&mail, 1900,
              "--b\nContent-Type: application/x; name=\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"\n\nx\n");
    assert_hostile(&mail, MAIL_OK, NULL);
    free(mail.bytes);
}

static void nul_bytes_are_passed_over(void **state)
{
    (void)state;
    static const char message[] = "From: a@b.example\nSubject: a\0b\nMessage-ID: <a\0b@c>\n\nte\0xt\0";
    struct mail mail = read_mail((struct slice){message, sizeof message - 1});
    assert_text(mail.from.email, "a@b.example");
    assert_text(mail.text, "text");
    assert_true(memchr(mail.subject.ptr, 0, mail.subject.len) == NULL);
    assert_true(memchr(mail.message_id.ptr, 0, mail.message_id.len) == NULL);
}

/* --- what others collected --- */

/* Each address of the suite that is one stands in From: no byte of it may upset the reader. */
static void addresses_of_the_isemail_suite_are_survived(void **state)
{
    (void)state;
    char *text = identity_shared_file("conformance/isemail/tests.xml");
    if (!text)
        skip();
    for (char *at = text; at && (at = strstr(at, "<address>")); at++) {
        char *end = strstr(at, "</address>");
        assert_non_null(end);
        struct slice message =
            arena_format(&arena, "From: %.*s\nTo: x@y.example\n\nx", (int)(end - at) - 9, at + 9);
        struct mail mail = read_mail(message);
        assert_text(mail.text, "x");
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_words_charsets_and_parameters_are_decoded),
        cmocka_unit_test(of_alternatives_the_plain_text_is_taken_and_html_where_there_is_none),
        cmocka_unit_test(html_becomes_the_text_that_a_reader_sees),
        cmocka_unit_test(any_bytes_become_utf8),
        cmocka_unit_test(a_bounce_says_who_was_not_reached_and_refers_to_the_original),
        cmocka_unit_test(a_report_about_several_tells_who_failed_before_who_waits_or_got_it),
        cmocka_unit_test(broken_mail_is_read_as_far_as_it_goes),
        cmocka_unit_test(the_event_is_one_that_the_api_would_take),
        cmocka_unit_test(a_mail_without_an_id_is_known_by_its_content_and_not_by_its_way),
        cmocka_unit_test(all_recipients_of_a_mail_without_an_id_share_what_is_made_up),
        cmocka_unit_test(hostile_mail_is_answered_in_time_and_in_bounded_memory),
        cmocka_unit_test(nul_bytes_are_passed_over),
        cmocka_unit_test(addresses_of_the_isemail_suite_are_survived),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
