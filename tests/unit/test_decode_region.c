#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/json.h"
#include "server/decode_region.h"
#include "tests/unit/arena_world.h"

static void numbers_are_those_of_the_region(void **state)
{
    (void)state;
    static const struct {
        const char *region, *event, *expected; /* NULL: as it was */
    } cases[] = {
        {"DE",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"030 12345678\",\"name\":\"A\"},\"to\":\"030901820\"}}",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"+493012345678\",\"name\":\"A\"},\"to\":\"+4930901820\"}}"},
        {"US",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"sip:2015550123@p.example\"},\"to\":\"+4930901820\"}}",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"+12015550123\"},\"to\":\"+4930901820\"}}"},
        {"DE",
         "{\"type\":\"chat.message\",\"data\":{\"from\":{\"phone\":\"0151 23456789\"},\"to\":\"030901820\"}}",
         "{\"type\":\"chat.message\",\"data\":{\"from\":{\"phone\":\"+4915123456789\"},\"to\":\"030901820\"}}"},
        {"ZZ",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"030 12345678\"},\"to\":\"tel:+4930901820\"}}",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"030 12345678\"},\"to\":\"+4930901820\"}}"},
        {"DE",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"030 12345678\"},\"to\":\"1001\",\"privacy\":true}}",
         NULL},
        {"DE",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"anonymous\"},\"to\":\"sip:help@p.example\"}}",
         NULL},
        {"DE",
         "{\"type\":\"email.received\",\"data\":{\"from\":{\"email\":\"a@b.example\"},\"to\":\"030901820\"}}",
         NULL},
        {"DE", "{\"type\":\"call.ended\",\"data\":{\"cause\":\"normal\"}}", NULL},
        {"",
         "{\"type\":\"call.ringing\",\"data\":{\"from\":{\"phone\":\"030 12345678\"},\"to\":\"030901820\"}}",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct value event;
        struct fault fault;
        assert_true(json_read(&event, slice_of(cases[i].event), &arena, &fault));
        struct value read = decode_region(&event, slice_of(cases[i].region), &arena);
        assert_string_equal(arena_string(&arena, json_write(&read, &arena)),
                            cases[i].expected ? cases[i].expected : cases[i].event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {ARENA_TEST(numbers_are_those_of_the_region)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
