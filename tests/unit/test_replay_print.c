/* Two decisions beside each other: what differs is marked, and nothing else is. */
#include "server/replay_print.h"
#include "tests/unit/core_world.h"

#include <stdlib.h>

static char *print(const struct outcome *then, const struct outcome *now, const struct world *world)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    replay_print_both(out, then, now, &world->config);
    fclose(out);
    return text;
}

static int count_marked(const char *text)
{
    int count = 0;
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        count += *line == '!';
    return count;
}

static void decisions_that_are_equal_have_no_mark(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 3);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    char *text = print(outcome, outcome, &world);
    assert_int_equal(strncmp(text, "  in the journal ", 17), 0);
    assert_non_null(strstr(text, " replayed\n"));
    assert_int_equal(count_marked(text), 0);
    assert_non_null(strstr(text, "event: offered"));
    assert_non_null(strstr(text, "  agent anna"));
    assert_non_null(strstr(text, "why: arrival"));
    assert_non_null(strstr(text, "  rule rest"));
    assert_non_null(strstr(text, "  priority 0 step 0 stage queue"));
    assert_non_null(strstr(text, "  members 1 to 1: chosen"));
    assert_non_null(strstr(text, "  members 2 to 3: offline")); /* equal neighbours are one line */
    free(text);
    world_deinit(&world);
}

static void each_line_that_differs_is_marked_on_either_side(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 3);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *then = world_ring(&world, "c1", "+491");
    struct outcome now = *then;
    struct explanation why = *then->explanations;
    why.priority = 5;
    why.moved = MOVE_TRANSFER;
    now.explanations = &why;
    char *text = print(then, &now, &world);
    assert_int_equal(count_marked(text), 1);
    const char *line = strstr(text, "!   priority 0 step 0 stage queue ");
    assert_non_null(line);
    assert_non_null(strstr(line, "   priority 5 step 0 stage queue moved transfer\n"));
    free(text);
    now.explanations = NULL; /* shorter: what the other has more is beside nothing */
    text = print(then, &now, &world);
    assert_non_null(strstr(text, "! why: arrival"));
    assert_true(count_marked(text) > 3);
    free(text);
    world_deinit(&world);
}

static void what_is_refused_now_says_why_beside_what_was_decided(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    const struct outcome *then = world_ring(&world, "c1", "+491");
    struct outcome now = {.refusal = REFUSAL_NO_ENDPOINT};
    char *text = print(then, &now, &world);
    const char *line = strstr(text, "! event: queued ");
    assert_non_null(line);
    assert_int_equal(strncmp(line + 2 + 72 + 1, "refused: no_endpoint\n", 21), 0);
    free(text);
    world_deinit(&world);
}

static void presence_says_whose_and_with_which_number(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    const struct outcome *outcome = world_presence(&world, "anna", AGENT_BREAK, 0);
    char *text = print(outcome, outcome, &world);
    assert_non_null(strstr(text, "agent anna"));
    assert_non_null(strstr(text, "state break"));
    assert_non_null(strstr(text, "agent.presence"));
    assert_non_null(strstr(text, "  agentsequence 1"));
    free(text);
    world_deinit(&world);
}

static void names_that_are_not_of_the_configuration_are_left_out(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct explanation why = {.rule = 7, .queue = 9, .held_until = TIME_NEVER, .stage = PREFER_QUEUE};
    struct outcome outcome = {.explanations = &why};
    char *text = print(&outcome, &outcome, &world);
    assert_null(strstr(text, "  rule"));
    assert_null(strstr(text, "  queue"));
    assert_non_null(strstr(text, "why: arrival"));
    free(text);
    world_deinit(&world);
}

static void a_decision_of_too_many_lines_is_cut(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    static uint8_t reasons[9000];
    for (size_t i = 0; i < sizeof reasons; i++)
        reasons[i] = i % 2 ? CANDIDATE_FULL : CANDIDATE_OFFLINE;
    struct explanation why = {
        .rule = -1, .queue = -1, .candidates = reasons, .candidate_count = sizeof reasons};
    struct outcome outcome = {.explanations = &why};
    char *text = print(&outcome, &outcome, &world);
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 4001); /* and the heading */
    free(text);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_that_are_equal_have_no_mark),
        cmocka_unit_test(each_line_that_differs_is_marked_on_either_side),
        cmocka_unit_test(what_is_refused_now_says_why_beside_what_was_decided),
        cmocka_unit_test(presence_says_whose_and_with_which_number),
        cmocka_unit_test(names_that_are_not_of_the_configuration_are_left_out),
        cmocka_unit_test(a_decision_of_too_many_lines_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
