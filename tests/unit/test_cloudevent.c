#include <stdlib.h>

#include "proto/cloudevent.h"
#include "proto/event_data.h"
#include "proto/json.h"
#include "tests/unit/arena_world.h"

#define HEAD "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"pbx-1\","
#define RINGING HEAD "\"type\":\"call.ringing\",\"subject\":\"c1\","
#define MESSAGE HEAD "\"type\":\"chat.message\",\"subject\":\"s1\","
#define MAIL HEAD "\"type\":\"email.received\",\"subject\":\"<m1@x.test>\","
#define PARTIES "\"from\":\"+4930123456\",\"to\":\"+4930901820\""

static struct value json(struct slice text)
{
    struct value value;
    struct fault fault;
    if (!json_read(&value, text, &arena, &fault))
        fail_msg("%s in %.*s", fault.detail, (int)text.len, text.ptr);
    return value;
}

static struct event event_of(const char *text)
{
    struct value document = json(slice_of(text));
    struct event event;
    struct fault fault;
    if (!cloudevent_read(&event, &document, &arena, &fault))
        fail_msg("%s: %s in %s", fault.pointer, fault.detail, text);
    return event;
}

static void assert_text(struct slice text, const char *want)
{
    if (!slice_is(text, want))
        fail_msg("\"%.*s\" is not \"%s\"", (int)text.len, text.ptr ? text.ptr : "", want);
}

static void a_ringing_call_is_read_whole(void **state)
{
    (void)state;
    struct event event = event_of(
        "{" RINGING
        "\"time\":\"2026-11-21T23:10:35.123Z\",\"datacontenttype\":\"application/json\",\"ext1\":5,\"data\":{"
        "\"from\":{\"phone\":\"+4930123456\",\"email\":\"a@x.test\",\"id\":\"crm-7\",\"name\":\"Änn\",\"more\":[1]},"
        "\"to\":\"+4930901820\",\"direction\":\"outbound\",\"privacy\":true,\"agent\":\"anna\",\"ignored\":{},"
        "\"attributes\":{\"vip\":true}}}");
    assert_text(event.id, "e1");
    assert_text(event.source, "pbx-1");
    assert_text(event.subject, "c1");
    assert_int_equal(event.type, EVENT_CALL_RINGING);
    assert_int_equal(event.time_ms, INT64_C(1795302635123));
    assert_text(event.from.phone, "+4930123456");
    assert_text(event.from.email, "a@x.test");
    assert_text(event.from.id, "crm-7");
    assert_text(event.from.name, "Änn");
    assert_text(event.to, "+4930901820");
    assert_text(event.agent, "anna");
    assert_true(event.outbound && event.privacy);
    assert_text(json_write(&event.attributes, &arena), "{\"vip\":true}");
}

static void a_mail_is_read_whole(void **state)
{
    (void)state;
    struct event event = event_of(
        "{" MAIL
        "\"data\":{\"from\":\"\\\"Lee, Ann\\\" <ann@x.test>\",\"to\":[\"\",\"help@demo.example\",\"b@x.test\"],"
        "\"subject\":\"Hello\",\"text\":\"Hi\",\"in_reply_to\":\"<a@x> <b@x>\",\"references\":[\"<c@x>\",\" <d@x>\"],"
        "\"headers\":{\"X-A\":\"1\",\"Received\":[\"a\",\"b\"]}}}");
    assert_int_equal(event.type, EVENT_EMAIL_RECEIVED);
    assert_int_equal(event.time_ms, TIME_NEVER);
    assert_text(event.from.email, "ann@x.test");
    assert_text(event.from.name, "Lee, Ann");
    assert_text(event.to, "help@demo.example");
    assert_text(event.title, "Hello");
    assert_text(event.text, "Hi");
    assert_int_equal(event.in_reply_to_count, 2);
    assert_text(event.in_reply_to[1], "<b@x>");
    assert_int_equal(event.references_count, 2);
    assert_text(event.references[1], "<d@x>");
    assert_int_equal(event.headers.count, 2);
}

static void the_short_types_need_no_data(void **state)
{
    (void)state;
    static const char *const types[] = {"call.answered", "call.ended", "chat.ended"};
    for (size_t i = 0; i < 3; i++) {
        struct slice bare = arena_format(&arena, "{" HEAD "\"type\":\"%s\",\"subject\":\"c1\"}", types[i]);
        struct event event = event_of(bare.ptr);
        assert_string_equal(event_type_name(event.type), types[i]);
        event =
            event_of(arena_format(&arena,
                                  "{" HEAD "\"type\":\"%s\",\"subject\":\"c1\",\"data\":{\"agent\":\"anna\","
                                  "\"cause\":\"busy\",\"from\":7}}",
                                  types[i])
                         .ptr);
        assert_text(event.agent, i == 0 ? "anna" : "");
        assert_text(event.cause, i == 0 ? "" : "busy");
    }
}

static void a_string_from_is_understood_by_channel(void **state)
{
    (void)state;
    static const struct {
        const char *head, *from, *phone, *email, *id, *name;
    } cases[] = {
        {RINGING, "+49 30 123456", "+49 30 123456", "", "", ""},
        {RINGING, "sip:alice@x.test", "sip:alice@x.test", "", "", ""},
        {RINGING, "anonymous", "anonymous", "", "", ""},
        {RINGING, "", "", "", "", ""},
        {MESSAGE, "+49 (30) 123-456", "+49 (30) 123-456", "", "", ""},
        {MESSAGE, "Ann <ann@x.test>", "", "ann@x.test", "", "Ann"},
        {MESSAGE, "visitor-17", "", "", "visitor-17", ""},
        {MAIL, " ann@x.test ", "", "ann@x.test", "", ""},
        {MAIL, "<ann@x.test>", "", "ann@x.test", "", ""},
        {MAIL, "MAILER-DAEMON", "", "MAILER-DAEMON", "", ""},
        {MAIL, "<>", "", "<>", "", ""},
        {MAIL, ">", "", ">", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice text =
            arena_format(&arena, "{%s\"data\":{\"from\":\"%s\",\"to\":\"x\"}}", cases[i].head, cases[i].from);
        struct event event = event_of(text.ptr);
        assert_text(event.from.phone, cases[i].phone);
        assert_text(event.from.email, cases[i].email);
        assert_text(event.from.id, cases[i].id);
        assert_text(event.from.name, cases[i].name);
    }
}

static void a_lone_bracket_is_read_within_its_text(void **state)
{
    (void)state;
    struct party party;
    struct fault fault;
    char *text = malloc(1); /* with nothing around it that could be read unseen */
    assert_non_null(text);
    *text = '>';
    struct value from = value_string((struct slice){text, 1});
    assert_true(event_read_party(&party, &from, CHANNEL_EMAIL, &fault));
    assert_text(party.email, ">");
    assert_int_equal(party.name.len, 0);
    free(text);
}

static void a_withheld_number_needs_no_from(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{" RINGING "\"data\":{\"privacy\":true,\"to\":\"1\"}}",
        "{" RINGING "\"data\":{\"privacy\":true,\"from\":{},\"to\":\"1\"}}",
        "{" RINGING "\"data\":{\"privacy\":true,\"from\":null,\"to\":\"1\"}}",
        "{" RINGING "\"data\":{\"from\":\"\",\"to\":\"1\"}}",
        "{" RINGING "\"data\":{\"from\":{\"phone\":\"\"},\"to\":\"1\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct event event = event_of(texts[i]);
        assert_int_equal(event.from.phone.len, 0);
    }
}

static void a_fault_points_at_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer;
    } cases[] = {
        {"[]", ""},
        {"{}", "/specversion"},
        {"{\"specversion\":\"1.0\"}", "/id"},
        {"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"call.exploded\",\"subject\":\"c\"}",
         "/type"},
        {"{" HEAD "\"type\":\"call.ringing\"}", "/subject"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"a\\nb\"}", "/subject"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"a\\u0085\"}", "/subject"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"c\",\"data\":[]}", "/data"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"c\",\"data\":{\"cause\":5}}", "/data/cause"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"c\",\"ext\":{}}", "/ext"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"c\",\"a/b\":1}", "/a~1b"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"c\",\"time\":\"yesterday\"}", "/time"},
        {"{" RINGING "\"data\":{\"to\":\"1\"}}", "/data/from"},
        {"{" RINGING "\"data\":null}", "/data/from"},
        {"{" RINGING "\"data\":{\"from\":{},\"to\":\"1\"}}", "/data/from"},
        {"{" RINGING "\"data\":{\"from\":{\"name\":\"x\"},\"to\":\"1\"}}", "/data/from"},
        {"{" RINGING "\"data\":{\"from\":{\"phone\":5},\"to\":\"1\"}}", "/data/from/phone"},
        {"{" RINGING "\"data\":{\"from\":5,\"to\":\"1\"}}", "/data/from"},
        {"{" RINGING "\"data\":{\"from\":\"1\"}}", "/data/to"},
        {"{" RINGING "\"data\":{\"from\":\"1\",\"to\":\"\"}}", "/data/to"},
        {"{" RINGING "\"data\":{\"from\":\"1\",\"to\":[\"1\"]}}", "/data/to"},
        {"{" RINGING "\"data\":{" PARTIES ",\"direction\":\"sideways\"}}", "/data/direction"},
        {"{" RINGING "\"data\":{" PARTIES ",\"privacy\":\"yes\"}}", "/data/privacy"},
        {"{" RINGING "\"data\":{" PARTIES ",\"attributes\":[]}}", "/data/attributes"},
        {"{" MESSAGE "\"data\":{\"from\":\"\",\"to\":\"web\"}}", "/data/from"},
        {"{" MESSAGE "\"data\":{\"from\":\"v\",\"to\":\"web\",\"text\":{}}}", "/data/text"},
        {"{" MAIL "\"data\":{\"from\":\"a@x\",\"to\":[\"b@x\",5]}}", "/data/to/1"},
        {"{" MAIL "\"data\":{\"from\":\"a@x\",\"to\":[]}}", "/data/to"},
        {"{" MAIL "\"data\":{\"from\":\"a@x\",\"to\":\"b@x\",\"references\":[1]}}", "/data/references"},
        {"{" MAIL "\"data\":{\"from\":\"a@x\",\"to\":\"b@x\",\"headers\":{\"X/Y\":[\"a\",1]}}}",
         "/data/headers/X~1Y"},
        {"{" RINGING "\"data_base64\":\"!!\"}", "/data_base64"},
        {"{" RINGING "\"data_base64\":\"e30\"}", "/data_base64"},
        {"{" RINGING "\"data_base64\":\"ew==\"}", "/data_base64"},
        {"{" RINGING "\"data_base64\":\"e30=\",\"data\":{}}", "/data_base64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value document = json(slice_of(cases[i].text));
        struct event event;
        struct fault fault;
        if (cloudevent_read(&event, &document, &arena, &fault))
            fail_msg("accepted: %s", cases[i].text);
        if (strcmp(fault.pointer, cases[i].pointer) != 0)
            fail_msg("%s: %s instead of %s in %s", fault.pointer, fault.detail, cases[i].pointer,
                     cases[i].text);
        assert_true(strlen(fault.detail) > 0);
    }
}

static char *filled(size_t len)
{
    char *text = arena_alloc(&arena, len + 1);
    memset(text, 'x', len);
    return text;
}

static void lengths_are_accepted_to_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        size_t max;
        const char *pointer;
    } cases[] = {
        {"{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"s\",\"type\":\"call.ended\",\"subject\":\"c\"}",
         1024, "/id"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"%s\"}", 1024, "/subject"},
        {"{" HEAD "\"type\":\"call.ended\",\"subject\":\"c\",\"data\":{\"cause\":\"%s\"}}", 1024,
         "/data/cause"},
        {"{" MESSAGE "\"data\":{\"from\":\"%s\",\"to\":\"web\"}}", 1024, "/data/from"},
        {"{" MESSAGE "\"data\":{\"from\":{\"id\":\"%s\"},\"to\":\"web\"}}", 1024, "/data/from/id"},
        {"{" MESSAGE "\"data\":{\"from\":\"v\",\"to\":\"web\",\"text\":\"%s\"}}", EVENT_TEXT_MAX,
         "/data/text"},
        {"{" MESSAGE "\"data\":{\"from\":\"v\",\"to\":\"web\",\"attributes\":{\"a\":\"%s\"}}}",
         EVENT_ATTRIBUTES_MAX - 8, "/data/attributes"},
        {"{" MAIL "\"data\":{\"from\":\"v\",\"to\":\"m\",\"subject\":\"%s\"}}", EVENT_TITLE_MAX,
         "/data/subject"},
        {"{" MAIL "\"data\":{\"from\":\"v\",\"to\":\"m\",\"headers\":{\"a\":\"%s\"}}}", EVENT_HEADERS_MAX - 8,
         "/data/headers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t more = 0; more < 2; more++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            struct value document = json(arena_format(&arena, cases[i].format, filled(cases[i].max + more)));
#pragma GCC diagnostic pop
            struct event event;
            struct fault fault = {.line = 0};
            assert_int_equal(cloudevent_read(&event, &document, &arena, &fault), !more);
            assert_string_equal(fault.pointer, more ? cases[i].pointer : "");
        }
    }
}

static void of_many_references_the_last_stay(void **state)
{
    (void)state;
    struct value list = value_list(&arena, 100);
    for (int i = 0; i < 100; i++)
        value_append(&list, value_string(arena_format(&arena, "<%d@x>", i)));
    struct value document =
        json(SLICE("{" MAIL "\"data\":{\"from\":\"a@x\",\"to\":\"b@x\",\"references\":[]}}"));
    struct value_member *data = &document.members[document.count - 1];
    data->value.members[2].value = list;
    struct event event;
    struct fault fault;
    assert_true(cloudevent_read(&event, &document, &arena, &fault));
    assert_int_equal(event.references_count, EVENT_REFERENCES_MAX);
    assert_text(event.references[0], "<36@x>");
    assert_text(event.references[EVENT_REFERENCES_MAX - 1], "<99@x>");
}

static void data_may_come_wrapped(void **state)
{
    (void)state;
    static const char wrapped[] = "{\"from\":\"1\",\"to\":\"2\"}";
    struct slice base64 = SLICE("eyJmcm9tIjoiMSIsInRvIjoiMiJ9");
    struct event event = event_of(arena_format(&arena, "{" RINGING "\"data\":null,\"data_base64\":\"%.*s\"}",
                                               (int)base64.len, base64.ptr)
                                      .ptr);
    assert_text(event.to, "2");
    struct value document = json(SLICE("{" RINGING "\"data\":1}"));
    document.members[document.count - 1].value =
        (struct value){.kind = VALUE_BYTES, .string = slice_of(wrapped)};
    struct fault fault;
    assert_true(cloudevent_read(&event, &document, &arena, &fault));
    assert_text(event.from.phone, "1");
}

static bool load(struct value *out, const char *path)
{
    const char *shared = getenv("PATCHBAY_SHARED");
    struct slice name = arena_format(&arena, "%s/conformance/cloudevents-conformance/%s",
                                     shared ? shared : TEST_SOURCE_DIR "/../shared", path);
    FILE *file = fopen(name.ptr, "rb");
    if (!file)
        return false;
    char *text = arena_alloc(&arena, 1 << 20);
    size_t len = fread(text, 1, 1 << 20, file);
    fclose(file);
    *out = json((struct slice){text, len});
    return true;
}

static void the_conformance_events_pass_and_fail_as_they_say(void **state)
{
    (void)state;
    static const char *const files[] = {"invalid-events.json", "valid-events.json"};
    for (int valid = 0; valid < 2; valid++) {
        struct value suite;
        if (!load(&suite, files[valid]))
            skip();
        const struct value *tests = value_member(&suite, "tests");
        for (uint32_t i = 0; i < tests->count; i++) {
            struct fault fault = {.line = 0};
            const struct value *event = value_member(&tests->items[i], "event");
            const struct value *id = value_member(&tests->items[i], "id");
            if (cloudevent_envelope_check(event, &fault) != valid)
                fail_msg("%.*s: %s", (int)id->string.len, id->string.ptr, fault.detail);
        }
        print_message("%u events of %s\n", tests->count, files[valid]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_ringing_call_is_read_whole),
        ARENA_TEST(a_mail_is_read_whole),
        ARENA_TEST(the_short_types_need_no_data),
        ARENA_TEST(a_string_from_is_understood_by_channel),
        ARENA_TEST(a_lone_bracket_is_read_within_its_text),
        ARENA_TEST(a_withheld_number_needs_no_from),
        ARENA_TEST(a_fault_points_at_what_is_wrong),
        ARENA_TEST(lengths_are_accepted_to_the_byte),
        ARENA_TEST(of_many_references_the_last_stay),
        ARENA_TEST(data_may_come_wrapped),
        ARENA_TEST(the_conformance_events_pass_and_fail_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
