/* What other rules would have made of a journal: the linker takes this journal instead of the database's. */
#include "server/replay_rules.h"
#include "tests/unit/core_world.h"

#include <stdlib.h>

#define ROWS_MAX 8

static struct world world; /* made the decisions */
static struct replay_row rows[ROWS_MAX];
static struct replay_step steps[ROWS_MAX];
static int row_count, next, unequal; /* unequal: the row that is decided differently now, or -1 */
static bool breaks_off;
static struct slice skill_names[] = {SLICE("german"), SLICE("english")};

enum replay_read replay_next(struct replay *replay, struct replay_step *step)
{
    if (next == row_count) {
        snprintf(replay->reader.why, sizeof replay->reader.why, "the connection is gone");
        return breaks_off ? REPLAY_FAILED : REPLAY_END;
    }
    *step = steps[next++];
    return REPLAY_ROW;
}

void replay_run(struct replay *replay, struct replay_step *step)
{
    core_bury(&replay->core);
    core_begin(&replay->core);
    step->now = core_step(&replay->core, &step->input, &replay->arena);
    core_commit(&replay->core);
    step->is_equal = next - 1 != unequal;
}

static void take(struct input input)
{
    input.at_ms = world.now;
    const struct outcome *outcome = world_step(&world, input);
    assert_int_equal(outcome->refusal, REFUSAL_NONE);
    rows[row_count] = (struct replay_row){.seq = outcome->seq, .at_ms = world.now};
    steps[row_count] = (struct replay_step){.row = &rows[row_count], .input = input, .recorded = *outcome};
    row_count++;
}

static void arrive(const char *subject, const char *phone)
{
    struct from from = {.phone = phone};
    take(world_event(&world, EVENT_CALL_RINGING, subject, &from));
}

static int set_up(void **state)
{
    (void)state;
    row_count = next = 0;
    unequal = -1;
    breaks_off = false;
    world_prepare(&world, 2);
    world.config.skills = skill_names;
    world.config.skill_count = 2;
    world_rule(&world, "one", "from.phone == '+491'", QUEUE_SUPPORT, 0);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world_start(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* What is printed; "failed: WHY" where the journal cannot be gone through. */
static char *other_rules(const struct project_config *other, uint64_t from)
{
    static char failed[REPLAY_WHY_MAX + sizeof "failed: "];
    struct replay_config config = {.config = world.config};
    struct replay replay = {.config = &config};
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    arena_init(&replay.arena);
    core_init(&replay.core, 1, &config.config, 1);
    bool done = replay_other_rules(out, &replay, other, from, (uint64_t)row_count);
    core_deinit(&replay.core);
    arena_deinit(&replay.arena);
    fclose(out);
    if (done)
        return text;
    snprintf(failed, sizeof failed, "failed: %s", replay.reader.why);
    free(text);
    return strdup(failed);
}

static void assert_prints(const struct project_config *other, uint64_t from, const char *want)
{
    char *text = other_rules(other, from);
    assert_string_equal(text, want);
    free(text);
}

static void a_decision_that_would_differ_is_a_line(void **state)
{
    (void)state;
    arrive("c1", "+491");
    arrive("c2", "+492");
    struct config_skill asked[] = {{0, 3}, {1, 2}};
    struct config_rule rules[] = {world.rules[0], world.rules[1]};
    rules[0].priority = 5;
    rules[0].skills = (struct config_skills){asked, 2};
    struct project_config other = world.config;
    other.rules = rules;
    char want[512], id[UUID_TEXT_LEN + 1];
    uuid_format(&steps[0].recorded.snapshot->interaction, id);
    snprintf(want, sizeof want,
             "00000000000000000001 %s call | one: queue support, priority 0 | "
             "one: queue support, priority 5, german 3, english 2\n"
             "1 of 2 arrivals, 1 to 2, would have been routed otherwise\n",
             id);
    assert_prints(&other, 1, want);
}

static void a_decision_that_would_not_differ_is_none(void **state)
{
    (void)state;
    struct config_skill asked[] = {{0, 3}, {1, 2}}, elsewhere[] = {{0, 2}, {1, 3}};
    world.rules[1].skills = (struct config_skills){asked, 2};
    core_deinit(&world.core);
    world_start(&world);
    arrive("c1", "+491");
    arrive("c2", "+492");
    /* Another name, another order of queues and skills, and no rule for one: it comes to the same. */
    struct slice names[] = {skill_names[1], skill_names[0]};
    struct config_queue queues[] = {world.queues[QUEUE_MAIL], world.queues[QUEUE_SUPPORT]};
    struct config_rule rules[] = {{.name = SLICE("first"), .queue = 1, .when = world.rules[0].when},
                                  {.name = SLICE("all"), .queue = 1, .skills = {elsewhere, 2}}};
    struct project_config other = world.config;
    other.queues = queues;
    other.queue_count = 2;
    other.skills = names;
    other.rules = rules;
    assert_prints(&other, 1, "0 of 2 arrivals, 1 to 2, would have been routed otherwise\n");
    next = 0;
    elsewhere[1].level = 4;
    char *text = other_rules(&other, 1);
    assert_non_null(
        strstr(text, "german 3, english 2 | all: queue support, priority 0, english 2, german 4\n1 of 2"));
    free(text);
}

static void an_arrival_of_somebody_erased_is_counted_and_not_compared(void **state)
{
    (void)state;
    arrive("c1", "+491");
    arrive("c2", "+492");
    steps[0].is_erased = true;
    struct project_config other = world.config;
    struct config_rule rule = {.name = SLICE("all"), .queue = QUEUE_MAIL};
    other.rules = &rule;
    other.rule_count = 1;
    char *text = other_rules(&other, 1);
    assert_null(strstr(text, "00000000000000000001"));
    assert_non_null(strstr(
        text,
        "| rest: queue support, priority 0 | all: queue mail, priority 0\n"
        "1 of 2 arrivals, 1 to 2, would have been routed otherwise; 1 could not be asked about: erased\n"));
    free(text);
}

static void what_no_endpoint_would_have_taken_is_said(void **state)
{
    (void)state;
    arrive("c1", "+492");
    struct project_config other = world.config;
    other.endpoint_count = 0;
    char *text = other_rules(&other, 1);
    assert_non_null(strstr(text, "| rest: queue (refused), priority 0\n"));
    free(text);
}

static void only_arrivals_that_rules_were_asked_about_count_and_from_where_it_is_told(void **state)
{
    (void)state;
    arrive("c1", "+491");
    take((struct input){.kind = INPUT_PRESENCE, .agent = SLICE("anna"), .presence = AGENT_AVAILABLE});
    arrive("c1", "+491"); /* the same call again: it is attached */
    arrive("c2", "+492");
    struct project_config other = world.config;
    struct config_rule rule = {.name = SLICE("all"), .queue = QUEUE_MAIL};
    other.rules = &rule;
    other.rule_count = 1;
    char *text = other_rules(&other, 2);
    assert_null(strstr(text, "00000000000000000001"));
    assert_non_null(strstr(text, "1 of 1 arrivals, 2 to 4, would"));
    free(text);
}

static void it_is_the_rule_s_queue_that_counts_not_where_hours_sent_it(void **state)
{
    struct zone_transition always = {INT64_MIN, 0};
    struct zone_table utc = {SLICE("UTC"), &always, 1};
    struct hours hours = {.zone = &utc, .otherwise = QUEUE_CHAT};
    (void)state;
    world.config.hours = &hours;
    world.config.hours_count = 1;
    world.queues[QUEUE_SUPPORT].hours = 0;
    arrive("c1", "+491");
    assert_true(slice_is(steps[0].recorded.snapshot->queue, "chat"));
    assert_prints(&world.config, 1, "0 of 1 arrivals, 1 to 1, would have been routed otherwise\n");
}

static void a_journal_that_its_own_rules_do_not_repeat_is_not_asked_further(void **state)
{
    (void)state;
    arrive("c1", "+491");
    arrive("c2", "+492");
    unequal = 1;
    assert_prints(&world.config, 1,
                  "failed: sequence 2 is decided differently by its own rules; replay it without --rules");
}

static void a_journal_that_cannot_be_read_says_why(void **state)
{
    (void)state;
    arrive("c1", "+491");
    breaks_off = true;
    assert_prints(&world.config, 1, "failed: the connection is gone");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_decision_that_would_differ_is_a_line),
        TEST(a_decision_that_would_not_differ_is_none),
        TEST(an_arrival_of_somebody_erased_is_counted_and_not_compared),
        TEST(what_no_endpoint_would_have_taken_is_said),
        TEST(only_arrivals_that_rules_were_asked_about_count_and_from_where_it_is_told),
        TEST(it_is_the_rule_s_queue_that_counts_not_where_hours_sent_it),
        TEST(a_journal_that_its_own_rules_do_not_repeat_is_not_asked_further),
        TEST(a_journal_that_cannot_be_read_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
