/* The checker knows which arguments a function takes from its signatures, the function from its own code:
 * every function and operator over every kind of value shows that they agree. And what each costs. */
#include "tests/unit/cel_world.h"

#include "rules/cel_function.h"

/* One of each kind, with what most functions find nothing wrong with; but for null, which the checker lets
 * stand for any time. */
static const struct cel_variable kinds[] = {
    {SLICE("a"), &cel_type_string},    {SLICE("b"), &cel_type_int},   {SLICE("c"), &cel_type_list},
    {SLICE("d"), &cel_type_timestamp}, {SLICE("e"), &cel_type_uint},  {SLICE("f"), &cel_type_double},
    {SLICE("g"), &cel_type_bool},      {SLICE("h"), &cel_type_bytes}, {SLICE("i"), &cel_type_map},
    {SLICE("j"), &cel_type_duration},  {SLICE("k"), &cel_type_type}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct cel_value samples[KINDS];

static int setup_samples(void **state)
{
    uint32_t bad;
    assert_int_equal(setup(state), 0);
    struct cel_value *text = arena_new(&arena, struct cel_value);
    *text = cel_string(SLICE("0"));
    samples[0] = *text;
    samples[1] = cel_int(0);
    samples[2] = cel_list(text, 1);
    samples[3] = cel_timestamp(0, 0);
    samples[4] = cel_uint(0);
    samples[5] = cel_double(0);
    samples[6] = cel_bool(false);
    samples[7] = cel_bytes(SLICE("0"));
    assert_true(cel_map_make(&samples[8], NULL, 0, &bad, &arena));
    samples[9] = cel_duration(0);
    samples[10] = cel_type_value(&cel_type_int);
    return 0;
}

static struct cel_program *compile_kinds(struct slice source, bool is_unchecked, struct cel_error *error)
{
    const struct cel_env env = {.variables = kinds,
                                .variable_count = KINDS,
                                .regex = &regex_ops,
                                .zones = &zone_ops,
                                .is_unchecked = is_unchecked};
    return cel_compile(&env, source, NULL, &arena, error);
}

/* Whether the machine has an overload for it; other errors are another matter. */
static bool machine_takes(struct slice source)
{
    struct cel_error error = {0};
    struct cel_value value;
    struct cel_program *program = compile_kinds(source, true, &error);
    assert_non_null(program);
    bool is_good = cel_eval(&value, program, samples, CEL_COST_DEFAULT, &arena, &error);
    cel_close(&program);
    return is_good || error.code != CEL_NO_OVERLOAD;
}

static bool checker_takes(struct slice source)
{
    struct cel_error error = {0};
    struct cel_program *program = compile_kinds(source, false, &error);
    bool is_taken = program;
    if (!program && error.code != CEL_NO_OVERLOAD)
        fail_msg("%.*s: %s", (int)source.len, source.ptr, error.text);
    cel_close(&program);
    return is_taken;
}

static unsigned taken, refused;

static void expect_agreement(struct slice source)
{
    struct arena outer = arena;
    arena_init(&arena);
    bool checks = checker_takes(source), runs = machine_takes(source);
    if (checks != runs)
        fail_msg("%.*s: the checker %s it, the machine %s it", (int)source.len, source.ptr,
                 checks ? "takes" : "refuses", runs ? "takes" : "refuses");
    taken += checks;
    refused += !checks;
    arena_deinit(&arena);
    arena = outer;
}

/* a, b, c, d alone where there are many arguments: no function takes more than text, numbers and lists then.
 */
static const uint32_t kinds_of[] = {0, KINDS, KINDS, 4, 2};

static void call_with_all_kinds(const char *name, bool is_member, uint32_t count)
{
    uint32_t all = 1, of = kinds_of[count];
    for (uint32_t i = 0; i < count; i++)
        all *= of;
    for (uint32_t which = 0; which < all; which++) {
        char source[96], list[32] = "", receiver[4] = "";
        size_t len = 0;
        for (uint32_t i = 0, rest = which; i < count; i++, rest /= of) {
            const char *kind = kinds[rest % of].name.ptr;
            if (is_member && i == 0)
                snprintf(receiver, sizeof receiver, "%s.", kind);
            else
                len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", kind);
        }
        snprintf(source, sizeof source, "%s%s(%s)", receiver, name, list);
        expect_agreement(slice_of(source));
    }
}

/* The table ends with getSeconds. */
static uint32_t function_count(void)
{
    return cel_function_index(cel_function_find(SLICE("getSeconds"), true)) + 1;
}

static void checker_and_machine_agree_on_what_a_function_takes(void **state)
{
    (void)state;
    taken = refused = 0;
    for (uint32_t i = 0; i < function_count(); i++) {
        struct slice name = slice_of(cel_functions[i].name);
        if (!cel_functions[i].call)
            continue;
        for (uint32_t count = 1; count < sizeof kinds_of / sizeof *kinds_of; count++) {
            if (cel_function_find(name, true))
                call_with_all_kinds(cel_functions[i].name, true, count);
            if (cel_function_find(name, false))
                call_with_all_kinds(cel_functions[i].name, false, count);
        }
    }
    assert_true(taken > 100 && refused > 5000);
}

/* == and != take anything when they run; the checker wants both sides alike. */
static void checker_and_machine_agree_on_what_an_operator_takes(void **state)
{
    (void)state;
    static const char *const operators[] = {"+", "-", "*", "/", "%", "<", "<=", ">", ">=", "in"};
    taken = refused = 0;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        for (uint32_t which = 0; which < KINDS * KINDS; which++) {
            const char *left = kinds[which / KINDS].name.ptr, *right = kinds[which % KINDS].name.ptr;
            expect_agreement(arena_format(&arena, "%s %s %s", left, operators[i], right));
        }
    }
    for (uint32_t which = 0; which < KINDS * KINDS; which++) {
        const char *range = kinds[which / KINDS].name.ptr, *index = kinds[which % KINDS].name.ptr;
        /* A whole number of any kind is a list's index when it comes as dyn. */
        if (*range != 'c' || (*index != 'e' && *index != 'f'))
            expect_agreement(arena_format(&arena, "%s[%s]", range, index));
    }
    for (uint32_t i = 0; i < KINDS; i++) {
        expect_agreement(arena_format(&arena, "-%s", kinds[i].name.ptr));
        expect_agreement(arena_format(&arena, "!%s", kinds[i].name.ptr));
        expect_agreement(arena_format(&arena, "%s ? 1 : 2", kinds[i].name.ptr));
        expect_agreement(arena_format(&arena, "%s.all(x, true)", kinds[i].name.ptr));
    }
    assert_true(taken > 50 && refused > 1000);
}

static const char *const paid[] = {
    "string(any)",
    "string(bytes(text))",
    "string(now) + string(interaction.age)",
    "double(string(any))",
    "double('1' + string(interaction.attempts))",
    "duration(string(interaction.age))",
    "bool('t' + channel) || true",
    "int(string(interaction.attempts))",
    "size(text) + size(customer.tags) + size(text + text + text)",
    "string(bytes(text + text + text))",
    "duration('0h0m' + string(interaction.age))",
    "string(now).contains(string(now)) && string(now).startsWith(string(now))",
    "string(now).endsWith(string(now)) && string(now) <= string(now) && string(now) == string(now)",
    "text.contains('z') && text.startsWith('a') && text.endsWith('z')",
    "channel.matches('l+')",
    "channel.matches('^' + channel)",
    "text.charAt(1) + text.substring(1) + text.substring(1, 2)",
    "text.indexOf('z') + text.indexOf('z', 1) + text.lastIndexOf('z') + text.lastIndexOf('a', 2)",
    "channel.lowerAscii() + channel.upperAscii()",
    "text.replace('z', 'zz') + text.replace('', '-')",
    "text.split('z') + text.split('')",
    "customer.tags.join(',')",
    "text.reverse() + text.trim() + strings.quote(text)",
    "'a%s%%'.format([channel])",
    "'%s'.format([[any, {'b': now, 'a': customer.tags}, {}, []]])",
    "'%d %f %e %b %o %x'.format([interaction.attempts, any, any, interaction.attempts, 8, channel])",
    "now.getHours(customer.known ? 'Europe/Berlin' : 'UTC')",
    "now.getHours('+02:' + string(10 + interaction.attempts))",
    "customer.tags + customer.tags == customer.tags",
    "channel + channel == text || channel < text || now < now || bytes(text) == bytes(channel)",
    "channel in customer.tags || 'contract' in customer.fields || dyn([any]) == [any, any]",
    "[channel, text] == customer.tags || {channel: 1} == {channel: 1, text: 2} || {text: any} == {text: any}",
    "customer.tags.map(t, t + t).filter(t, t != 'x').exists_one(t, t.size() > 3)",
    "customer.tags.transformMap(i, t, t)",
    "customer.tags.all(t, t.size() / (t.size() - 3) == 1) || 1 / (interaction.attempts - 2) == 1 || true",
};

/* In between there is nothing: no other value, no other error. */
static void below_what_it_costs_an_expression_ends_with_that_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paid / sizeof *paid; i++) {
        struct cel_error error = {0};
        struct cel_value value, rich;
        struct cel_meter meter = {CEL_COST_DEFAULT};
        struct cel_program *program = compile(paid[i], false, &error);
        if (!program || !cel_eval(&rich, program, values, CEL_COST_DEFAULT, &arena, &error))
            fail_msg("%s: %s", paid[i], error.text);
        uint64_t limit = 1;
        while (!cel_eval(&value, program, values, limit, &arena, &error)) {
            if (error.code != CEL_COST)
                fail_msg("%s: with %u %s", paid[i], (unsigned)limit, error.text);
            assert_true(++limit < CEL_COST_DEFAULT);
        }
        assert_true(limit > 2);
        if (!cel_equal(&value, &rich, &meter))
            fail_msg("%s: another value with %u", paid[i], (unsigned)limit);
        cel_close(&program);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(checker_and_machine_agree_on_what_a_function_takes, setup_samples,
                                    teardown),
    cmocka_unit_test_setup_teardown(checker_and_machine_agree_on_what_an_operator_takes, setup_samples,
                                    teardown),
    cmocka_unit_test_setup_teardown(below_what_it_costs_an_expression_ends_with_that_and_nothing_else, setup,
                                    teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
