#include <jansson.h>

#include "proto/phone.h"
#include "proto/phone_cache.h"
#include "tests/unit/arena_world.h"
#include "tests/unit/identity_cases.h"

static void assert_slice(struct slice actual, struct slice expected, const char *what, unsigned line)
{
    if (!slice_equal(actual, expected))
        fail_msg("phone.tsv:%u: %s is '%.*s', not '%.*s'", line, what, (int)actual.len,
                 actual.ptr ? actual.ptr : "", (int)expected.len, expected.ptr);
}

static void check_case(unsigned line, const struct slice *columns)
{
    struct phone_key key = phone_key(columns[0], columns[2], slice_is(columns[1], "yes"), &arena);
    assert_slice(slice_of(caller_class_name(key.class)), columns[3], "the class", line);
    assert_slice(key.key, columns[4], "the key", line);
    assert_slice(key.digits, columns[5], "digits", line);
}

static void numbers_get_the_keys_of_the_table(void **state)
{
    (void)state;
    const char *path = TEST_SOURCE_DIR "/tests/data/identity/phone.tsv";
    unsigned count = identity_cases(path, 6, check_case);
    assert_true(count >= 120);
    /* The second time every answer comes from the cache. */
    assert_int_equal(identity_cases(path, 6, check_case), count);
}

static void check_key_is_stable(unsigned line, const struct slice *columns)
{
    if (!slice_is(columns[3], "number"))
        return;
    struct phone_key again = phone_key(SLICE("ZZ"), columns[4], false, &arena);
    assert_slice(again.key, columns[4], "the key of the key", line);
}

static void an_e164_key_is_its_own_key_in_every_region(void **state)
{
    (void)state;
    identity_cases(TEST_SOURCE_DIR "/tests/data/identity/phone.tsv", 6, check_key_is_stable);
}

static void recorded_callers_get_the_keys_that_were_expected(void **state)
{
    (void)state;
    char *text = identity_shared_file("captures/asterisk16/expected.json");
    if (!text)
        skip();
    json_t *calls = json_loads(text, 0, NULL);
    const char *name;
    json_t *call;
    json_object_foreach(calls, name, call)
    {
        const char *raw = json_string_value(json_object_get(call, "from_raw"));
        const char *e164 = json_string_value(json_object_get(call, "from_e164_default_region_DE"));
        bool withheld = json_is_true(json_object_get(call, "withheld"));
        /* The network knew of this caller's wish and the recording does not show it: it is the privacy flag.
         */
        bool privacy = withheld && json_object_get(call, "note");
        struct phone_key key = phone_key(SLICE("DE"), slice_of(raw), privacy, &arena);
        if ((key.class == CALLER_ANONYMOUS) != withheld)
            fail_msg("%s: %s is %s", name, raw, caller_class_name(key.class));
        if (e164 ? !slice_is(key.key, e164) : key.class == CALLER_NUMBER)
            fail_msg("%s: the key of %s is '%.*s'", name, raw, (int)key.key.len, key.key.ptr);
    }
    json_decref(calls);
    free(text);
}

static void regions_are_known_in_capitals_only(void **state)
{
    (void)state;
    assert_true(phone_region_is_known(SLICE("DE")));
    assert_true(phone_region_is_known(SLICE("ZZ")));
    assert_false(phone_region_is_known(SLICE("de")));
    assert_false(phone_region_is_known(SLICE("XX")));
    assert_false(phone_region_is_known(SLICE("DEU")));
    assert_false(phone_region_is_known(SLICE("")));
}

static void a_caller_id_that_is_too_long_is_unusable(void **state)
{
    (void)state;
    char text[PHONE_INPUT_MAX + 1];
    memset(text, ' ', sizeof text);
    memcpy(text, "+4930901820", 11);
    assert_int_equal(phone_key(SLICE("DE"), (struct slice){text, PHONE_INPUT_MAX}, false, &arena).class,
                     CALLER_NUMBER);
    assert_int_equal(phone_key(SLICE("DE"), (struct slice){text, sizeof text}, false, &arena).class,
                     CALLER_UNUSABLE);
}

static void the_cache_keeps_regions_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(slice_is(phone_key(SLICE("DE"), SLICE("030901820"), false, &arena).key, "+4930901820"));
        assert_true(slice_is(phone_key(SLICE("ZZ"), SLICE("030901820"), false, &arena).key, "030901820"));
        assert_int_equal(phone_key(SLICE("DE"), SLICE("030901820"), true, &arena).class, CALLER_ANONYMOUS);
    }
}

static void a_number_belongs_to_the_region_that_its_plan_says(void **state)
{
    (void)state;
    static const struct {
        struct slice asked, number, region;
    } cases[] = {
        {SLICE("DE"), SLICE("030 901820"), SLICE("DE")},
        {SLICE("DE"), SLICE("+44 20 7946 0018"), SLICE("GB")},
        {SLICE("US"), SLICE("212 736 5000"), SLICE("US")},
        {SLICE("US"), SLICE("+1 416 967 1111"), SLICE("CA")}, /* one country code, two regions */
        {SLICE("ZZ"), SLICE("+41 44 668 18 00"), SLICE("CH")},
        {SLICE("DE"), SLICE("+800 1234 5678"), {NULL, 0}}, /* of no region */
        {SLICE("DE"), SLICE("99999999999"), {NULL, 0}},    /* of no plan */
        {SLICE("DE"), SLICE("1234"), {NULL, 0}},
        {SLICE("DE"), SLICE("anonymous"), {NULL, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int again = 0; again < 2; again++) /* the second time from the cache */
            assert_slice(phone_key(cases[i].asked, cases[i].number, false, &arena).region, cases[i].region,
                         "the region", (unsigned)i);
    }
}

static void the_oldest_entry_of_a_bucket_goes_first(void **state)
{
    (void)state;
    struct phone_cache *cache = calloc(1, sizeof *cache);
    assert_non_null(cache);
    const struct phone_plan_answer answer = {.len = 3, .e164 = "+49"};
    assert_null(phone_cache_find(cache, SLICE("DE"), SLICE("030")));
    /* Fill until one entry falls out: it must be the first of its bucket. */
    for (unsigned i = 0; i < PHONE_CACHE_BUCKETS * PHONE_CACHE_WAYS * 2; i++) {
        char number[16];
        int len = snprintf(number, sizeof number, "%u", i);
        phone_cache_store(cache, SLICE("DE"), (struct slice){number, (size_t)len}, &answer);
        assert_non_null(phone_cache_find(cache, SLICE("DE"), (struct slice){number, (size_t)len}));
        assert_null(phone_cache_find(cache, SLICE("FR"), (struct slice){number, (size_t)len}));
    }
    for (size_t bucket = 0; bucket < PHONE_CACHE_BUCKETS; bucket++) {
        for (size_t way = 1; way < PHONE_CACHE_WAYS; way++) {
            size_t older = (cache->oldest[bucket] + way - 1) % PHONE_CACHE_WAYS;
            size_t newer = (cache->oldest[bucket] + way) % PHONE_CACHE_WAYS;
            if (cache->entries[bucket][newer].number_len && cache->entries[bucket][older].number_len)
                assert_true(atol(cache->entries[bucket][older].number) <
                            atol(cache->entries[bucket][newer].number));
        }
    }
    free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(numbers_get_the_keys_of_the_table),
        ARENA_TEST(an_e164_key_is_its_own_key_in_every_region),
        ARENA_TEST(recorded_callers_get_the_keys_that_were_expected),
        cmocka_unit_test(regions_are_known_in_capitals_only),
        ARENA_TEST(a_caller_id_that_is_too_long_is_unusable),
        ARENA_TEST(the_cache_keeps_regions_apart),
        ARENA_TEST(a_number_belongs_to_the_region_that_its_plan_says),
        cmocka_unit_test(the_oldest_entry_of_a_bucket_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
