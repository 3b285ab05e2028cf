/* Loops of mail, and mail that is kept as it came. */
#include "proto/project_sections.h"

#define LIMIT_MAX 100000
#define WITHIN_MIN_MS (10 * PROJECT_SECOND_MS)
#define RAW_FOR_MAX_MS (3660 * PROJECT_DAY_MS)

static void read_loops(struct mail_limits *limits, const struct project_node *loops)
{
    static const char *const keys[] = {"sender", "machine", "within", "thread", "thread_within", NULL};
    if (!project_node_check_map(loops, keys))
        return;
    struct project_node sender = project_node_member(loops, "sender");
    struct project_node machine = project_node_member(loops, "machine");
    struct project_node within = project_node_member(loops, "within");
    struct project_node thread = project_node_member(loops, "thread");
    struct project_node thread_within = project_node_member(loops, "thread_within");
    project_node_integer(&sender, &limits->sender, 1, LIMIT_MAX);
    project_node_integer(&machine, &limits->machine, 1, LIMIT_MAX);
    project_node_integer(&thread, &limits->thread, 1, LIMIT_MAX);
    project_node_duration(&within, &limits->sender_within_ms, WITHIN_MIN_MS, PROJECT_DAY_MS);
    project_node_duration(&thread_within, &limits->thread_within_ms, WITHIN_MIN_MS, PROJECT_DAY_MS);
}

void project_mail_read(struct project_config *config, const struct project_node *file)
{
    static const char *const keys[] = {"loops", "keep_raw", "raw_for", "raw_max", NULL};
    struct project_node mail = project_node_member(file, "mail");
    if (!project_node_check_map(&mail, keys))
        return;
    struct project_node loops = project_node_member(&mail, "loops");
    struct project_node keep_raw = project_node_member(&mail, "keep_raw");
    struct project_node raw_for = project_node_member(&mail, "raw_for");
    struct project_node raw_max = project_node_member(&mail, "raw_max");
    read_loops(&config->mail.limits, &loops);
    project_node_boolean(&keep_raw, &config->mail.keep_raw);
    project_node_duration(&raw_for, &config->mail.raw_for_ms, PROJECT_SECOND_MS, RAW_FOR_MAX_MS);
    project_node_integer(&raw_max, &config->mail.raw_max, 1, CONFIG_RAW_MAIL_MAX);
}
