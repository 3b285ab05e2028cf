#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/import_pace.h"

#define MS(n) ((n)*UINT64_C(1000000))

static void the_first_chunk_waits_for_nothing(void **state)
{
    (void)state;
    struct import_pace pace = {.decided = 0};
    assert_int_equal(import_pace_rest(&pace, 7, MS(5000)), 0);
}

static void it_rests_twice_as_long_as_a_chunk_took_if_decisions_were_made(void **state)
{
    (void)state;
    static const struct {
        uint64_t took_ms, decided, waited_ms, rest_ms;
    } cases[] = {
        {30, 7, 0, 0},    /* nobody decided */
        {30, 8, 0, 60},   /* one input since the chunk before */
        {30, 8, 10, 50},  /* the file was waited for: that was rest too */
        {30, 8, 60, 0},   /* long enough */
        {400, 9, 0, 800}, /* */
        {700, 9, 0, IMPORT_REST_MAX_MS},
        {700, 9, 900, 100},
        {0, 9, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct import_pace pace = {.decided = 0};
        assert_int_equal(import_pace_rest(&pace, 7, MS(5000)), 0);
        import_pace_took(&pace, MS(5000), MS(5000 + cases[i].took_ms));
        assert_int_equal(
            import_pace_rest(&pace, cases[i].decided, MS(5000 + cases[i].took_ms + cases[i].waited_ms)),
            MS(cases[i].rest_ms));
    }
}

static void what_was_decided_before_the_chunk_counts_no_more(void **state)
{
    (void)state;
    struct import_pace pace = {.decided = 0};
    assert_int_equal(import_pace_rest(&pace, 7, MS(1)), 0);
    import_pace_took(&pace, MS(1), MS(11));
    assert_int_equal(import_pace_rest(&pace, 8, MS(11)), MS(20));
    import_pace_took(&pace, MS(31), MS(41));
    assert_int_equal(import_pace_rest(&pace, 8, MS(41)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_chunk_waits_for_nothing),
        cmocka_unit_test(it_rests_twice_as_long_as_a_chunk_took_if_decisions_were_made),
        cmocka_unit_test(what_was_decided_before_the_chunk_counts_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
