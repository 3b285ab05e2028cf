#include "proto/cloudevent.h"
#include "proto/json.h"
#include "proto/msgpack.h"
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

static struct uuid digest_of(const char *text)
{
    struct uuid out;
    struct event event = event_of(text);
    cloudevent_digest(&out, &event);
    return out;
}

static void equal_content_has_one_digest_in_every_coding(void **state)
{
    (void)state;
    static const char *const equal[] = {
        "{" RINGING "\"data\":{" PARTIES
        ",\"attributes\":{\"a\":1,\"b\":[1.5,{\"x\":-0.0,\"y\":1e3}],\"c\":\"AP8=\"}}}",
        "{\"data\":{\"attributes\":{\"c\":\"AP8=\",\"b\":[15e-1,{\"y\":1000,\"x\":0}],\"a\":1.0},\"to\":\"+4930901820\","
        "\"privacy\":false,\"direction\":\"inbound\",\"agent\":\"\",\"from\":{\"phone\":\"+4930123456\",\"name\":\"\"},"
        "\"unknown\":7}," RINGING "\"time\":null,\"ext\":\"x\"}",
    };
    struct uuid first = digest_of(equal[0]), second = digest_of(equal[1]), third;
    assert_true(uuid_equal(&first, &second));

    struct value document = json(slice_of(equal[0])), back;
    struct value *data = &document.members[document.count - 1].value;
    struct value *attributes = &data->members[data->count - 1].value;
    attributes->members[2].value = (struct value){.kind = VALUE_BYTES, .string = {"\0\xff", 2}};
    struct event event;
    struct fault fault;
    assert_true(msgpack_read(&back, msgpack_write(&document, &arena), &arena, &fault));
    assert_true(cloudevent_read(&event, &back, &arena, &fault));
    cloudevent_digest(&third, &event);
    assert_true(uuid_equal(&first, &third));
}

static void other_content_has_another_digest(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{" RINGING "\"data\":{" PARTIES "}}",
        "{" RINGING "\"data\":{" PARTIES ",\"privacy\":true}}",
        "{" RINGING "\"data\":{" PARTIES ",\"direction\":\"outbound\"}}",
        "{" RINGING "\"data\":{" PARTIES ",\"agent\":\"a\"}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":null}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":1}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":1.5}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":\"1\"}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":[1]}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":true}}}",
        "{" RINGING "\"data\":{" PARTIES ",\"attributes\":{\"a\":false}}}",
        "{" RINGING "\"time\":\"2026-11-21T23:10:35Z\",\"data\":{" PARTIES "}}",
        "{" RINGING "\"time\":\"2026-11-21T23:10:36Z\",\"data\":{" PARTIES "}}",
        "{" RINGING "\"data\":{\"from\":{\"id\":\"+4930123456\"},\"to\":\"+4930901820\"}}",
        "{" MESSAGE "\"data\":{" PARTIES "}}",
        "{" MAIL "\"data\":{" PARTIES "}}",
        "{" MAIL "\"data\":{" PARTIES ",\"subject\":\"ab\",\"text\":\"c\"}}",
        "{" MAIL "\"data\":{" PARTIES ",\"subject\":\"a\",\"text\":\"bc\"}}",
        "{" MAIL "\"data\":{" PARTIES ",\"in_reply_to\":[\"a\"]}}",
        "{" MAIL "\"data\":{" PARTIES ",\"references\":[\"a\"]}}",
        "{" MAIL "\"data\":{" PARTIES ",\"headers\":{\"a\":\"b\"}}}",
        "{" HEAD "\"type\":\"call.ended\",\"subject\":\"c1\"}",
        "{" HEAD "\"type\":\"chat.ended\",\"subject\":\"c1\"}",
    };
    enum { COUNT = sizeof texts / sizeof texts[0] };
    struct uuid digests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        digests[i] = digest_of(texts[i]);
        for (size_t j = 0; j < i; j++) {
            if (uuid_equal(&digests[i], &digests[j]))
                fail_msg("the same: %s and %s", texts[i], texts[j]);
        }
    }
}

static void keys_tell_source_and_id_apart(void **state)
{
    (void)state;
    struct event a = {.source = SLICE("ab"), .id = SLICE("c")}, b = {.source = SLICE("a"), .id = SLICE("bc")};
    struct uuid key, other;
    cloudevent_key(&key, &a);
    cloudevent_key(&other, &b);
    assert_false(uuid_equal(&key, &other));
    cloudevent_key(&other, &a);
    assert_true(uuid_equal(&key, &other));
    cloudevent_conversation(&key, CHANNEL_CALL, SLICE("s"), SLICE("c"));
    cloudevent_conversation(&other, CHANNEL_CHAT, SLICE("s"), SLICE("c"));
    assert_false(uuid_equal(&key, &other));
}

static void binary_mode_reads_the_same_event(void **state)
{
    (void)state;
    struct cloudevent_headers headers;
    cloudevent_headers_init(&headers, &arena);
    static const char *const lines[][2] = {
        {"Host", "x"},
        {"CE-SpecVersion", "1.0"},
        {"ce-id", "e1"},
        {"Ce-Source", "pbx%2D1"},
        {"ce-type", "\"call.ringing\""},
        {"ce-subject", "\"c\\1\""},
        {"Content-Type", "application/json; charset=utf-8"},
        {"ce-extname", "%F0%9F%98%80"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cloudevent_headers_add(&headers, slice_of(lines[i][0]), slice_of(lines[i][1]), &arena);
    assert_false(headers.bad);
    value_set(&headers.document, "data", json(SLICE("{" PARTIES "}")));
    struct event event;
    struct fault fault;
    assert_true(cloudevent_read(&event, &headers.document, &arena, &fault));
    struct uuid digest, same = digest_of("{" RINGING "\"data\":{" PARTIES "}}");
    cloudevent_digest(&digest, &event);
    assert_true(uuid_equal(&digest, &same));
}

static void bad_headers_are_faults(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *pointer;
    } cases[] = {
        {"ce-subject", "%", "/subject"},
        {"ce-subject", "%4", "/subject"},
        {"ce-subject", "%zz", "/subject"},
        {"ce-subject", "%00", "/subject"},
        {"ce-subject", "%ff", "/subject"},
        {"ce-subject", "\xff", "/subject"},
        {"ce-id", "again", "/id"},
        {"ce-data", "{}", "/data"},
        {"ce-data_base64", "e30=", "/data_base64"},
        {"ce-datacontenttype", "a/b", "/datacontenttype"},
        {"Content-Type", "a/b;\xff", "/datacontenttype"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cloudevent_headers headers;
        cloudevent_headers_init(&headers, &arena);
        cloudevent_headers_add(&headers, SLICE("ce-id"), SLICE("1"), &arena);
        cloudevent_headers_add(&headers, slice_of(cases[i].name), slice_of(cases[i].value), &arena);
        assert_true(headers.bad);
        assert_string_equal(headers.fault.pointer, cases[i].pointer);
    }
    struct cloudevent_headers headers;
    cloudevent_headers_init(&headers, &arena);
    for (int i = 0; i < CLOUDEVENT_HEADERS_MAX; i++)
        cloudevent_headers_add(&headers, arena_format(&arena, "ce-x%d", i), SLICE("v"), &arena);
    assert_false(headers.bad);
    value_set(&headers.document, "data", value_null());
    headers.document.count--;
    cloudevent_headers_add(&headers, SLICE("ce-onemore"), SLICE("v"), &arena);
    assert_true(headers.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(equal_content_has_one_digest_in_every_coding),
        ARENA_TEST(other_content_has_another_digest),
        ARENA_TEST(keys_tell_source_and_id_apart),
        ARENA_TEST(binary_mode_reads_the_same_event),
        ARENA_TEST(bad_headers_are_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
