#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "rules/machine_mail.h"

struct mail_case {
    enum machine_class class;
    const char *from, *names[3], *values[3], *matched;
};

/* Names and values of up to three headers; what decides is the last column. */
static const struct mail_case cases[] = {
    {MACHINE_NONE, "anna@example.com", {"Subject"}, {"Hello"}, ""},
    {MACHINE_NONE, "", {NULL}, {NULL}, ""},
    {MACHINE_NONE, "anna@example.com", {"Auto-Submitted"}, {"no"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Auto-Submitted"}, {" No (a person)"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Auto-Submitted"}, {""}, ""},
    {MACHINE_NONE, "anna@example.com", {"Auto-Submitted"}, {"(auto-replied) no"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Auto-Submitted"}, {"(it never ends auto-replied"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Auto-Submitted"}, {"(\\"}, ""},
    {MACHINE_NONE, "anna@example.com", {"X-POST-MessageClass"}, {"1; Normal"}, ""},
    {MACHINE_NONE, "anna@example.com", {"X-FC-MachineGenerated"}, {"false"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Precedence"}, {"normal"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Return-Path"}, {"<anna@example.com>"}, ""},
    {MACHINE_NONE, "anna@example.com", {"X-Auto-Response-Suppress"}, {"DR, RN, NRN"}, ""},
    {MACHINE_NONE, "anna@example.com", {"X-Auto-Response-Suppress"}, {"None"}, ""},
    {MACHINE_NONE, "anna@example.com", {"Content-Type"}, {"multipart/mixed; boundary=report"}, ""},
    {MACHINE_NONE, "postmasters@example.com", {NULL}, {NULL}, ""},
    {MACHINE_NONE, "anna@postmaster.example", {NULL}, {NULL}, ""},
    {MACHINE_BOUNCE, "MAILER-DAEMON@mx.example.com", {NULL}, {NULL}, "From"},
    {MACHINE_BOUNCE, "postmaster@example.com", {"Subject"}, {"Undeliverable"}, "From"},
    {MACHINE_BOUNCE, "<>", {NULL}, {NULL}, "From"},
    {MACHINE_BOUNCE, "anna@example.com", {"Return-Path"}, {"<>"}, "Return-Path"},
    {MACHINE_BOUNCE, "anna@example.com", {"return-path"}, {" <> "}, "return-path"},
    {MACHINE_BOUNCE,
     "x@example.com",
     {"CONTENT-TYPE"},
     {"Multipart/Report; report-type=delivery-status"},
     "CONTENT-TYPE"},
    {MACHINE_BOUNCE,
     "x@example.com",
     {"Auto-Submitted", "Content-Type"},
     {"auto-replied", "multipart/report"},
     "Content-Type"},
    {MACHINE_BOUNCE, "x@example.com", {"X-Failed-Recipients"}, {"b@example.com"}, "X-Failed-Recipients"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"Content-Type"},
     {"multipart/report; report-type=\"disposition-notification\""},
     "Content-Type"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"Auto-Submitted"}, {"auto-replied"}, "Auto-Submitted"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"auto-submitted"},
     {"auto-generated; owner-email=\"a@b\""},
     "auto-submitted"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"Auto-Submitted", "Return-Path"},
     {"auto-replied (vacation)", "<>"},
     "Auto-Submitted"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"Auto-Submitted"},
     {" (RFC 3834 (a \\) comment)) (another) auto-replied"},
     "Auto-Submitted"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"X-FC-MachineGenerated"}, {"true"}, "X-FC-MachineGenerated"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"X-Amazon-Auto-Reply"}, {"true"}, "X-Amazon-Auto-Reply"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"X-POST-MessageClass"},
     {"9; Autoresponder"},
     "X-POST-MessageClass"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"X-Autoreply"}, {"yes"}, "X-Autoreply"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"X-AutoReply-From"}, {"a@example.com"}, "X-AutoReply-From"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"X-Autorespond"}, {"Out of office"}, "X-Autorespond"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"X-Auto-Response-Suppress"}, {"All"}, "X-Auto-Response-Suppress"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"X-Auto-Response-Suppress"},
     {"DR, OOF, AutoReply"},
     "X-Auto-Response-Suppress"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"Precedence"}, {"auto_reply"}, "Precedence"},
    {MACHINE_AUTO_REPLY, "x@example.com", {"Delivered-To"}, {"Autoresponder"}, "Delivered-To"},
    {MACHINE_LIST, "x@example.com", {"List-Id"}, {"Users <users.example.com>"}, "List-Id"},
    {MACHINE_LIST, "x@example.com", {"List-Unsubscribe"}, {"<https://example.com/u>"}, "List-Unsubscribe"},
    {MACHINE_LIST, "x@example.com", {"Precedence"}, {"Bulk"}, "Precedence"},
    {MACHINE_LIST, "x@example.com", {"Precedence"}, {"list"}, "Precedence"},
    {MACHINE_LIST, "x@example.com", {"Precedence"}, {"junk"}, "Precedence"},
    {MACHINE_LIST, "x@example.com", {"List-Id", "X-Loop"}, {"<l.example>", "l@example.com"}, "List-Id"},
    {MACHINE_AUTO_REPLY,
     "x@example.com",
     {"Precedence", "Auto-Submitted"},
     {"bulk", "auto-generated"},
     "Auto-Submitted"},
    {MACHINE_LOOP, "x@example.com", {"X-Loop"}, {"help@demo.example"}, "X-Loop"},
    {MACHINE_LOOP, "x@example.com", {"x-patchbay-project"}, {"demo"}, "x-patchbay-project"},
    {MACHINE_LOOP,
     "postmaster@x",
     {"Auto-Submitted", "X-Patchbay-Project"},
     {"auto-replied", "demo"},
     "X-Patchbay-Project"},
};

static void mail_gets_the_class_that_its_headers_show(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value_member members[3] = {{{NULL, 0}, {0}}};
        struct value headers = {.kind = VALUE_MAP, .members = members};
        for (; headers.count < 3 && cases[i].names[headers.count]; headers.count++)
            members[headers.count] =
                (struct value_member){slice_of(cases[i].names[headers.count]),
                                      value_string(slice_of(cases[i].values[headers.count]))};
        struct slice matched;
        enum machine_class class = machine_mail_classify(&headers, slice_of(cases[i].from), &matched);
        if (class != cases[i].class || !slice_is(matched, cases[i].matched))
            fail_msg("case %zu is %s by '%.*s'", i, machine_class_name(class), (int)matched.len, matched.ptr);
    }
}

static void a_header_that_came_several_times_counts_once_it_shows(void **state)
{
    (void)state;
    struct value items[] = {value_string(SLICE("no")), value_int(1), value_string(SLICE("auto-replied"))};
    struct value_member member = {SLICE("Auto-Submitted"), {.kind = VALUE_LIST, .count = 3, .items = items}};
    struct value headers = {.kind = VALUE_MAP, .count = 1, .members = &member};
    struct slice matched;
    assert_int_equal(machine_mail_classify(&headers, SLICE("a@b.de"), &matched), MACHINE_AUTO_REPLY);
    member.name = SLICE("Auto-Submitte");
    assert_int_equal(machine_mail_classify(&headers, SLICE("a@b.de"), &matched), MACHINE_NONE);
    member.name = SLICE("Auto-Submitted");
    member.value = value_int(1);
    assert_int_equal(machine_mail_classify(&headers, SLICE("a@b.de"), &matched), MACHINE_NONE);
    member.value = (struct value){.kind = VALUE_LIST, .count = 3, .items = items};
    items[2] = value_null();
    assert_int_equal(machine_mail_classify(&headers, SLICE("a@b.de"), &matched), MACHINE_NONE);
    assert_int_equal(matched.len, 0);
}

static void mail_without_headers_is_a_persons(void **state)
{
    (void)state;
    struct slice matched;
    struct value null = value_null(), number = value_int(1);
    assert_int_equal(machine_mail_classify(NULL, SLICE("a@b.de"), &matched), MACHINE_NONE);
    assert_int_equal(machine_mail_classify(&null, SLICE("a@b.de"), &matched), MACHINE_NONE);
    assert_int_equal(machine_mail_classify(&number, (struct slice){NULL, 0}, &matched), MACHINE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_gets_the_class_that_its_headers_show),
        cmocka_unit_test(a_header_that_came_several_times_counts_once_it_shows),
        cmocka_unit_test(mail_without_headers_is_a_persons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
