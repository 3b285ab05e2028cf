#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/cloudevent.h"
#include "proto/evapi.h"
#include "rules/callerid.h"
#include "tests/unit/gateway_samples.h"
#include "tests/unit/identity_cases.h"

#define SAMPLES_MIN 4

static void netstrings_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        enum netstring_status status;
        size_t used;
    } cases[] = {
        {"5:hello,", NETSTRING_READY, 8},
        {"5:hello,3:", NETSTRING_READY, 8},
        {"0:,", NETSTRING_READY, 3},
        {"", NETSTRING_NEED_MORE, 0},
        {"5", NETSTRING_NEED_MORE, 0},
        {"5:", NETSTRING_NEED_MORE, 0},
        {"5:hello", NETSTRING_NEED_MORE, 0},
        {"5:hello;", NETSTRING_BAD, 0},
        {"5:hello\n", NETSTRING_BAD, 0},
        {"05:hello,", NETSTRING_BAD, 0},
        {"00:,", NETSTRING_BAD, 0},
        {"5 :hello,", NETSTRING_BAD, 0},
        {":hello,", NETSTRING_BAD, 0},
        {"-5:hello,", NETSTRING_BAD, 0},
        {" 5:hello,", NETSTRING_BAD, 0},
        {"{\"event\"", NETSTRING_BAD, 0},
        {"+5:hello,", NETSTRING_BAD, 0},
        {"11:", NETSTRING_BAD, 0},
        {"9999999999", NETSTRING_BAD, 0},
        {"99999999999999999999999:", NETSTRING_BAD, 0},
        {"10:0123456789", NETSTRING_NEED_MORE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct netstring_step step;
        netstring_read(&step, slice_of(cases[i].input), 10);
        if (step.status != cases[i].status || step.used != cases[i].used)
            fail_msg("%s: status %d, used %zu", cases[i].input, step.status, step.used);
    }
}

static struct evapi_message read_message(const char *text)
{
    struct evapi_message message;
    struct fault fault;
    evapi_read(&message, slice_of(text), SLICE("kam1"), &arena, &fault);
    return message;
}

static struct event event_of(const struct evapi_message *message)
{
    struct event event;
    struct fault fault;
    assert_int_equal(message->kind, EVAPI_EVENT);
    if (!cloudevent_read(&event, &message->document, &arena, &fault))
        fail_msg("%s: %s", fault.pointer, fault.detail);
    return event;
}

/* What is withheld is withheld, whatever the network asserts; otherwise that counts. */
static void privacy_is_read_as_rfc_3323_says(void **state)
{
    (void)state;
    static const struct {
        const char *from, *pai, *privacy;
        bool is_withheld;
        const char *phone;
    } cases[] = {
        {"sip:+14155550123@c.example", "<null>", "<null>", false, "sip:+14155550123@c.example"},
        {"sip:100@c.example", "sip:+14155550123@c.example", "<null>", false, "sip:+14155550123@c.example"},
        {"sip:100@c.example", "sip:+14155550123@c.example", "none", false, "sip:+14155550123@c.example"},
        {"sip:100@c.example", "sip:+14155550123@c.example", "id", true, "sip:100@c.example"},
        {"sip:100@c.example", "<null>", "header;session;critical", true, "sip:100@c.example"},
        {"sip:100@c.example", "<null>", " USER ; id", true, "sip:100@c.example"},
        {"sip:100@c.example", "<null>", "session", false, "sip:100@c.example"},
        {"sip:100@c.example", "<null>", "history", false, "sip:100@c.example"},
        {"sip:100@c.example", "<null>", "identity", false, "sip:100@c.example"},
        {"sip:anonymous@anonymous.invalid", "sip:+14155550123@c.example", "<null>", true,
         "sip:anonymous@anonymous.invalid"},
        {"sip:Anonymous@Anonymous.Invalid;x=y", "<null>", "<null>", true,
         "sip:Anonymous@Anonymous.Invalid;x=y"},
        {"sip:anonymous@192.0.2.1", "sip:+14155550123@c.example", "<null>", true, "sip:anonymous@192.0.2.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice text =
            arena_format(&arena,
                         "{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"from\":\"%s\",\"pai\":\"%s\","
                         "\"privacy\":\"%s\",\"ruri\":\"sip:1@pbx.example\"}",
                         cases[i].from, cases[i].pai, cases[i].privacy);
        struct evapi_message message = read_message(arena_string(&arena, text));
        struct event event = event_of(&message);
        if (event.privacy != cases[i].is_withheld || !slice_is(event.from.phone, cases[i].phone))
            fail_msg("%s %s %s: withheld %d, %.*s", cases[i].from, cases[i].pai, cases[i].privacy,
                     event.privacy, (int)event.from.phone.len, event.from.phone.ptr);
    }
}

static void display_names_are_unquoted_once(void **state)
{
    (void)state;
    static const struct {
        const char *json, *name;
    } cases[] = {
        {"\\\"Alice Example\\\"", "Alice Example"},
        {"\\\"O\\\\\\\"Brien, Pat: 100% <test>\\\"", "O\"Brien, Pat: 100% <test>"},
        {"\\\"back\\\\\\\\slash\\\"", "back\\slash"},
        {"Bob", "Bob"},
        {"\\\"\\\"", ""},
        {"\\\"", "\""},
        {"\\\"ends with \\\\\\\"", "ends with \\"},
        {"<null>", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice text = arena_format(&arena,
                                         "{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"from\":\"sip:1@x\","
                                         "\"ruri\":\"sip:2@x\",\"from_name\":\"%s\"}",
                                         cases[i].json);
        struct evapi_message message = read_message(arena_string(&arena, text));
        struct event event = event_of(&message);
        if (!slice_is(event.from.name, cases[i].name))
            fail_msg("%s: %.*s", cases[i].json, (int)event.from.name.len, event.from.name.ptr);
    }
}

static void messages_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum evapi_kind kind;
        bool is_waiting;
    } cases[] = {
        {"{\"event\":\"sip.BYE\",\"callid\":\"c\"}", EVAPI_EVENT, false},
        {"{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"index\":\"12\",\"label\":34}", EVAPI_EVENT, true},
        {"{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"index\":12}", EVAPI_EVENT, false},
        {"{\"event\":\"sip.INVITE\",\"index\":12,\"label\":34}", EVAPI_BAD, true},
        {"{\"event\":\"sip.INVITE\",\"callid\":\"<null>\"}", EVAPI_BAD, false},
        {"{\"event\":\"sip.INVITE\",\"callid\":5}", EVAPI_BAD, false},
        {"{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"from\":[]}", EVAPI_BAD, false},
        {"{\"event\":\"sip.OPTIONS\",\"callid\":\"c\"}", EVAPI_IGNORED, false},
        {"{\"event\":\"<null>\"}", EVAPI_IGNORED, false},
        {"{}", EVAPI_IGNORED, false},
        {"{\"event\":\"gateway.hello\",\"started\":1795296566}", EVAPI_HELLO, false},
        {"{\"event\":\"gateway.hello\"}", EVAPI_HELLO, false},
        {"{\"event\":\"call.state\",\"callid\":\"c\",\"known\":1}", EVAPI_CALL, false},
        {"{\"event\":\"call.state\"}", EVAPI_IGNORED, false},
        {"[]", EVAPI_BAD, false},
        {"\"event\"", EVAPI_BAD, false},
        {"{\"event\":\"sip.BYE\",\"callid\":\"c\"} ", EVAPI_EVENT, false},
        {"{\"event\":\"sip.BYE\",\"callid\":\"c\"}x", EVAPI_BAD, false},
        {"{\"event\":\"sip.BYE\",\"event\":\"sip.BYE\",\"callid\":\"c\"}", EVAPI_BAD, false},
        {"", EVAPI_BAD, false},
        {"\xff", EVAPI_BAD, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct evapi_message message = read_message(cases[i].text);
        if (message.kind != cases[i].kind || message.is_waiting != cases[i].is_waiting)
            fail_msg("%s: kind %d, waiting %d", cases[i].text, message.kind, message.is_waiting);
    }
    assert_true(read_message("{\"event\":\"call.state\",\"callid\":\"c\",\"known\":\"1\"}").is_known);
    assert_false(read_message("{\"event\":\"call.state\",\"callid\":\"c\",\"known\":\"0\"}").is_known);
    assert_true(read_message("{\"event\":\"gateway.hello\",\"started\":\"17\"}").started_ms == 17000);
}

static void members_beyond_their_limits_are_refused(void **state)
{
    (void)state;
    char *text = arena_alloc(&arena, EVAPI_TEXT_MAX + 2);
    memset(text, 'x', EVAPI_TEXT_MAX + 1);
    static const struct {
        const char *name;
        int max;
    } cases[] = {{"callid", EVAPI_CALLID_MAX}, {"from", EVAPI_TEXT_MAX}, {"ruri", EVAPI_TEXT_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int over = 0; over <= 1; over++) {
            struct slice json =
                arena_format(&arena, "{\"event\":\"sip.INVITE\"%s,\"%s\":\"%.*s\"}",
                             i ? ",\"callid\":\"c\"" : "", cases[i].name, cases[i].max + over, text);
            struct evapi_message message = read_message(arena_string(&arena, json));
            assert_int_equal(message.kind, over ? EVAPI_BAD : EVAPI_EVENT);
        }
    }
}

static void answers_name_the_transaction_and_what_was_decided(void **state)
{
    (void)state;
    struct evapi_message message =
        read_message("{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"index\":12,\"label\":34}");
    struct value answer = value_map(&arena, 3);
    value_set(&answer, "outcome", value_string(SLICE("offered")));
    value_set(&answer, "queue", value_string(SLICE("support")));
    value_set(&answer, "agent", value_string(SLICE("anna")));
    assert_string_equal(arena_string(&arena, evapi_answer(&message, &answer, NULL, &arena)),
                        "108:{\"event\":\"decision\",\"index\":12,\"label\":34,\"callid\":\"c\","
                        "\"outcome\":\"offered\",\"queue\":\"support\",\"agent\":\"anna\"},");
    assert_string_equal(arena_string(&arena, evapi_answer(&message, NULL, "overloaded", &arena)),
                        "95:{\"event\":\"decision\",\"index\":12,\"label\":34,\"callid\":\"c\","
                        "\"outcome\":\"refused\",\"code\":\"overloaded\"},");
    assert_string_equal(arena_string(&arena, evapi_ask(SLICE("c\"1"), &arena)),
                        "36:{\"event\":\"call.ask\",\"callid\":\"c\\\"1\"},");
}

/* --- streams --- */

static void decode(struct slice rest, struct sample_lines *lines)
{
    while (rest.len) {
        struct netstring_step step;
        struct evapi_message message;
        struct fault fault;
        netstring_read(&step, rest, EVAPI_MESSAGE_MAX);
        assert_int_equal(step.status, NETSTRING_READY);
        evapi_read(&message, step.content, SLICE("evapi"), &arena, &fault);
        if (message.kind == EVAPI_EVENT) {
            event_of(&message);
            sample_add_value(lines, &message.document);
        } else if (message.kind == EVAPI_BAD) {
            sample_add(lines, arena_format(&arena, "bad: %s", fault.detail));
        }
        rest = (struct slice){rest.ptr + step.used, rest.len - step.used};
    }
}

static void every_sample_becomes_the_expected_events(void **state)
{
    (void)state;
    assert_true(samples_check(TEST_SOURCE_DIR "/tests/gateways/evapi", decode) >= SAMPLES_MIN);
}

/* Kamailio 5.6 as it was recorded: twelve calls. */
static void recorded_calls_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *user, *name;
        enum caller_class class;
    } cases[] = {
        {"+14155550123", "Alice Example", CALLER_NUMBER},
        {"03012345678", "", CALLER_NUMBER},
        {"00441214960123", "", CALLER_NUMBER},
        {"anonymous", "Anonymous", CALLER_ANONYMOUS},
        {"anonymous", "Anonymous", CALLER_ANONYMOUS},
        {"+266696687", "", CALLER_ANONYMOUS},
        {"+4915112345678", "J\xc3\xbcrgen M\xc3\xbcller \xe6\xa0\xaa\xe5\xbc\x8f\xe4\xbc\x9a\xe7\xa4\xbe",
         CALLER_NUMBER},
        {"+353861234567", "O\"Brien, Pat: 100% <test>", CALLER_NUMBER},
        {"1001", "Desk 1001", CALLER_EXTENSION},
        {"jane.doe", "SIP User", CALLER_SIP_USER},
        {"+1-201-555-0123", "", CALLER_NUMBER},
        {"+12125550100", "Bob", CALLER_NUMBER},
    };
    char *text = identity_shared_file("captures/kamailio56-evapi/evapi.netstrings.bin");
    if (!text)
        skip(); /* the recordings are optional */
    struct slice rest = slice_of(text);
    size_t count = 0;
    for (; rest.len; count++) {
        struct netstring_step step;
        struct evapi_message message;
        struct callerid id;
        struct fault fault;
        netstring_read(&step, rest, EVAPI_MESSAGE_MAX);
        assert_int_equal(step.status, NETSTRING_READY);
        evapi_read(&message, step.content, SLICE("evapi"), &arena, &fault);
        struct event event = event_of(&message);
        assert_true(count < sizeof cases / sizeof *cases);
        callerid_classify(&id, event.from.phone, event.privacy);
        if (id.class != cases[count].class || !slice_is(event.from.name, cases[count].name) ||
            !strstr(arena_string(&arena, event.from.phone), cases[count].user))
            fail_msg("call %zu: class %d, %.*s", count, id.class, (int)event.from.phone.len,
                     event.from.phone.ptr);
        rest = (struct slice){rest.ptr + step.used, rest.len - step.used};
    }
    assert_int_equal(count, sizeof cases / sizeof *cases);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(netstrings_are_read_strictly),
        ARENA_TEST(privacy_is_read_as_rfc_3323_says),
        ARENA_TEST(display_names_are_unquoted_once),
        ARENA_TEST(messages_are_told_apart),
        ARENA_TEST(members_beyond_their_limits_are_refused),
        ARENA_TEST(answers_name_the_transaction_and_what_was_decided),
        ARENA_TEST(every_sample_becomes_the_expected_events),
        ARENA_TEST(recorded_calls_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
