#include "proto/project_lint.h"

#define SECOND_MS 1000
#define DAY_S 86400

/* Closed dates are finite, so hours with any opening open again some day; what counts is that somebody who
 * waits lives to see it. */
static bool ever_opens(const struct hours *hours)
{
    if (!hours->closed_count)
        return hours->span_count > 0;
    int64_t before = ((int64_t)hours->closed[0].day - 1) * DAY_S;
    return hours_are_open(hours, before * SECOND_MS) ||
           hours_next_open(hours, before * SECOND_MS) != TIME_NEVER;
}

static void check_hours(const struct project_config *config, const struct project_node *file)
{
    struct project_node section = project_node_member(file, "hours");
    for (uint32_t i = 0; i < config->hours_count; i++) {
        struct project_node entry = project_node_entry(&section, i);
        struct project_node open = project_node_member(&entry, "open");
        if (!ever_opens(&config->hours[i]))
            project_node_refuse(&open, config->hours[i].span_count
                                           ? "does not open within two years of the first closed date"
                                           : "never opens: no time is given");
    }
}

void project_lint(const struct project_config *config, const struct project_node *file)
{
    project_lint_skills(config, file);
    check_hours(config, file);
    project_lint_overflow(config, file);
    project_lint_peers(config, file);
}
