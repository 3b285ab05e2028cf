#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/esl_list.h"
#include "tests/unit/arena_world.h"

#define TEXT_SIZE 1024

/* What a list gives: its rows with "|" behind each, then how it ends. */
static void read_all(char out[TEXT_SIZE], struct slice body, size_t step)
{
    struct esl_list list;
    struct esl_list_step at = {.status = ESL_LIST_MORE};
    size_t used = 0, end = 0, len = 0;
    esl_list_begin(&list, body.len);
    while (at.status == ESL_LIST_ROW || (at.status == ESL_LIST_MORE && end < body.len)) {
        if (at.status == ESL_LIST_MORE)
            end = end + step < body.len ? end + step : body.len;
        esl_list_read(&at, &list, (struct slice){body.ptr + used, end - used});
        used += at.used;
        if (at.status == ESL_LIST_ROW)
            len += (size_t)snprintf(out + len, TEXT_SIZE - len, "%.*s|", (int)at.row.len, at.row.ptr);
    }
    const char *how = at.status != ESL_LIST_END ? "more"
                      : !at.is_list             ? "bad"
                      : at.is_whole             ? "whole"
                                                : "cut";
    assert_true(used == body.len || at.status != ESL_LIST_END);
    snprintf(out + len, TEXT_SIZE - len, "%s", how);
}

static void lists_are_read_however_they_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *body, *expected;
    } cases[] = {
        {"{\"row_count\":0}", "whole"},
        {"{\"row_count\":0}\n", "whole"},
        {"{\"row_count\":0,\"rows\":[]}", "whole"},
        {"{\"row_count\":2,\"rows\":[{\"uuid\":\"a\"},{\"uuid\":\"b\"}]}\n",
         "{\"uuid\":\"a\"}|{\"uuid\":\"b\"}|whole"},
        {"{\"rows\":[{\"uuid\":\"a\"}],\"row_count\":1}", "{\"uuid\":\"a\"}|whole"},
        {" { \"row_count\" : 1 , \"rows\" : [ {\"a\":\"b\"} ] } ", "{\"a\":\"b\"}|whole"},
        {"{\"row_count\":2,\"rows\":[{\"uuid\":\"a\"}]}", "{\"uuid\":\"a\"}|cut"},
        {"{\"row_count\":0,\"rows\":[{\"uuid\":\"a\"}]}", "{\"uuid\":\"a\"}|cut"},
        {"{\"row_count\":1,\"rows\":[{\"n\":\"}]\\\"}\\\\\"}]}", "{\"n\":\"}]\\\"}\\\\\"}|whole"},
        {"{\"row_count\":1,\"rows\":[{\"n\":{\"m\":[1]}}]}", "{\"n\":{\"m\":[1]}}|whole"},
        {"{\"row_count\":1,\"rows\":[{\"n\":}]}",
         "{\"n\":}|whole"}, /* what a row is worth is not looked at */
        {"{\"row_count\":1,\"rows\":[{\"uuid\":\"a\"}", "{\"uuid\":\"a\"}|bad"},
        {"{\"row_count\":1,\"rows\":[{\"uuid\":\"a\"", "bad"},
        {"{\"row_count\":1,\"rows\":[{\"uuid\":\"a}]}", "bad"},
        {"{\"row_count\":1,\"rows\":[1]}", "bad"},
        {"{\"row_count\":1,\"rows\":[\"a\"]}", "bad"},
        {"{\"row_count\":\"1\",\"rows\":[]}", "bad"},
        {"{\"rows\":[]}", "bad"},
        {"{}", "bad"},
        {"[]", "bad"},
        {"}", "bad"},
        {"{\"row_count\":0}x", "bad"},
        {"{\"row_count\":0}{}", "bad"},
        {"-ERR no\n", "bad"},
        {"\n", "bad"},
        {"{\"rows\":{\"a\":{\"b\":1}},\"row_count\":1}", "bad"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice body = slice_of(cases[i].body);
        for (size_t step = 1; step <= body.len; step++) {
            char text[TEXT_SIZE];
            read_all(text, body, step);
            if (strcmp(text, cases[i].expected) != 0)
                fail_msg("%s in pieces of %zu: %s", cases[i].body, step, text);
        }
    }
}

/* Twenty megabytes that are never held. */
static void ten_thousand_channels_are_read_one_by_one(void **state)
{
    (void)state;
    static const char head[] = "{\"row_count\":10000,\"rows\":[", tail[] = "]}";
    char row[2048];
    size_t len = sizeof row - 1;
    struct esl_list list;
    struct esl_list_step step;
    memset(row, ' ', len);
    row[0] = ',';
    row[1] = '{';
    row[len - 1] = '}';
    esl_list_begin(&list, sizeof head - 1 + 10000 * len - 1 + sizeof tail - 1);
    esl_list_read(&step, &list, slice_of(head));
    assert_true(step.status == ESL_LIST_MORE && step.used == sizeof head - 1);
    for (int i = 0; i < 10000; i++) {
        struct slice input = {row + (i == 0), len - (i == 0)};
        esl_list_read(&step, &list, input);
        assert_true(step.status == ESL_LIST_ROW && step.used == input.len);
    }
    esl_list_read(&step, &list, SLICE("]}Content-Type: text/event-plain"));
    assert_true(step.status == ESL_LIST_END && step.used == 2 && step.is_whole);
}

static void a_list_that_is_too_long_is_passed_over(void **state)
{
    (void)state;
    struct esl_list list;
    struct esl_list_step step = {.status = ESL_LIST_MORE};
    size_t size = 1u << 20, used = 0;
    char *text = arena_alloc(&arena, size);
    memset(text, '{', size);
    esl_list_begin(&list, ESL_LIST_MAX + 1);
    while (step.status == ESL_LIST_MORE) {
        esl_list_read(&step, &list, (struct slice){text, size});
        used += step.used;
    }
    assert_true(step.status == ESL_LIST_END && step.is_list && !step.is_whole && used == ESL_LIST_MAX + 1);
}

/* And what follows it is passed over. */
static void a_row_that_is_too_long_ends_the_list(void **state)
{
    (void)state;
    struct esl_list list, before;
    struct esl_list_step step;
    char *text = arena_alloc(&arena, ESL_LIST_ROW_MAX);
    memset(text, ' ', ESL_LIST_ROW_MAX);
    esl_list_begin(&list, 9 + ESL_LIST_ROW_MAX + 2);
    esl_list_read(&step, &list, SLICE("{\"rows\":["));
    before = list;
    text[0] = '{';
    esl_list_read(&step, &list, (struct slice){text, ESL_LIST_ROW_MAX - 1});
    assert_true(step.status == ESL_LIST_MORE && step.used == 0);
    esl_list_read(&step, &list, (struct slice){text, ESL_LIST_ROW_MAX});
    assert_true(step.status == ESL_LIST_MORE && step.used == ESL_LIST_ROW_MAX);
    esl_list_read(&step, &list, SLICE("]}"));
    assert_true(step.status == ESL_LIST_END && step.used == 2 && !step.is_list);
    list = before;
    text[ESL_LIST_ROW_MAX - 1] = '}';
    esl_list_read(&step, &list, (struct slice){text, ESL_LIST_ROW_MAX});
    assert_int_equal(step.status, ESL_LIST_ROW);
}

static void rows_say_how_far_a_channel_is(void **state)
{
    (void)state;
    static const struct {
        const char *row, *expected; /* id, call, dialled; then whether it is inbound and answered */
    } cases[] = {
        {"{\"uuid\":\"a\",\"call_uuid\":\"b\",\"dest\":\"1001\",\"direction\":\"inbound\",\"callstate\":\"ACTIVE\"}",
         "a b 1001 11"},
        {"{\"uuid\":\"a\",\"direction\":\"outbound\",\"callstate\":\"HELD\"}", "a   01"},
        {"{\"uuid\":\"a\",\"direction\":\"inbound\",\"callstate\":\"UNHELD\"}", "a   11"},
        {"{\"uuid\":\"a\",\"direction\":\"inbound\",\"callstate\":\"EARLY\"}", "a   10"},
        {"{\"uuid\":\"a\",\"direction\":\"inbound\",\"callstate\":\"RINGING\",\"state\":\"ACTIVE\"}",
         "a   10"},
        {"{\"uuid\":\"a\",\"direction\":\"inbound\",\"callstate\":\"HANGUP\"}", "a   10 hung up"},
        {"{\"uuid\":\"a\",\"dest\":\"x8\",\"direction\":\"outbound\",\"presence_id\":\"1001@pbx\"}",
         "a  x8 00 of 1001"},
        {"{\"uuid\":\"a\",\"direction\":\"inbound\",\"presence_id\":\"1001@pbx\"}", "a   10"},
        {"{\"uuid\":1,\"callstate\":[]}", "   00"},
        {"{}", "   00"},
        {"[]", "bad"},
        {"{\"uuid\":\"a\",\"cid_name\":\"\xff\"}", "bad"},
        {"{\"uuid\":}", "bad"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct esl_channel channel;
        char text[TEXT_SIZE] = "bad";
        if (esl_channel_read(&channel, slice_of(cases[i].row), &arena))
            snprintf(text, sizeof text, "%.*s %.*s %.*s %d%d%s%s%.*s", (int)channel.id.len, channel.id.ptr,
                     (int)channel.call.len, channel.call.ptr, (int)channel.to.len, channel.to.ptr,
                     channel.is_inbound, channel.is_answered, channel.is_hung_up ? " hung up" : "",
                     channel.user.len ? " of " : "", (int)channel.user.len,
                     channel.user.len ? channel.user.ptr : "");
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(lists_are_read_however_they_are_cut),
        cmocka_unit_test(ten_thousand_channels_are_read_one_by_one),
        ARENA_TEST(a_list_that_is_too_long_is_passed_over),
        ARENA_TEST(a_row_that_is_too_long_ends_the_list),
        ARENA_TEST(rows_say_how_far_a_channel_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
