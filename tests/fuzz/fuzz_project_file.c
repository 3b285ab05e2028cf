/* A file is read whole or its faults are listed in the order of lines; what is read refers only to what is
 * there, evaluates, and is the same when it is loaded with the zones that were stored with it. */
#include <assert.h>

#include "proto/project_file.h"
#include "rules/rule_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define NOW_MS INT64_C(1785283200000)
#define NOW_STEP_MS INT64_C(12345678901) /* 142 days and some hours */

static void check_skills(const struct project_config *config, const struct config_skills *skills)
{
    for (uint32_t i = 0; i < skills->count; i++) {
        assert(skills->items[i].skill < config->skill_count);
        assert(!i || skills->items[i - 1].skill < skills->items[i].skill);
        assert(skills->items[i].level >= 1 && skills->items[i].level <= CONFIG_SKILL_LEVEL_MAX);
    }
}

static void check_way(const struct project_config *config, int queue)
{
    assert(queue >= -1 && queue < (int)config->queue_count);
}

static void check_queue(const struct project_config *config, const struct config_queue *queue)
{
    assert(queue->hours >= -1 && queue->hours < (int)config->hours_count);
    assert((queue->overflow >= 0) == (queue->waiting_max || queue->wait_max_ms));
    check_way(config, queue->overflow);
    for (int i = 0; i < EMPTY_REASON_COUNT; i++)
        check_way(config, queue->when_empty[i]);
    for (uint32_t i = 0; i < queue->relax_count; i++) {
        check_skills(config, &queue->relax[i].skills);
        assert(queue->relax[i].after_ms > (i ? queue->relax[i - 1].after_ms : 0));
    }
}

static void check_hours(const struct project_config *config, const struct hours *hours)
{
    check_way(config, hours->otherwise);
    for (uint32_t i = 0; i < hours->span_count; i++)
        assert(hours->spans[i].from_min < hours->spans[i].until_min &&
               hours->spans[i].until_min <= HOURS_DAY_MIN);
    for (int i = 0; i < 3; i++) {
        int64_t at = NOW_MS + i * NOW_STEP_MS, next = hours_next_open(hours, at);
        assert(next == TIME_NEVER || (hours_are_open(hours, next) && !hours_are_open(hours, next - 1)));
        assert(next != TIME_NEVER || hours_are_open(hours, at) || hours->closed_count);
    }
}

static void check_condition(const struct config_rule *rule, struct arena *arena)
{
    struct cel_value values[RULE_VARIABLE_COUNT], result, settled;
    struct cel_error error;
    for (int i = 0; i < RULE_VARIABLE_COUNT; i++)
        values[i] = cel_absent();
    bool is_settled = cel_settled(&settled, rule->when, values, arena);
    values[RULE_CHANNEL] = cel_string(SLICE("call"));
    values[RULE_NOW] = cel_timestamp_ms(NOW_MS);
    values[RULE_CUSTOMER_KNOWN] = cel_bool(false);
    values[RULE_CUSTOMER_TAGS] = cel_list(NULL, 0);
    bool done = cel_eval(&result, rule->when, values, CEL_COST_DEFAULT, arena, &error);
    assert(!is_settled && (done || error.code));
}

static void check_config(const struct project_config *config, struct arena *arena)
{
    for (uint32_t i = 0; i < config->queue_count; i++)
        check_queue(config, &config->queues[i]);
    for (uint32_t i = 0; i < config->hours_count; i++)
        check_hours(config, &config->hours[i]);
    assert(config->project.len && config->rule_count);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        const struct config_agent *agent = &config->agents[i];
        assert(config_find_agent(config, agent->name) == (int)i);
        check_skills(config, &agent->skills);
        assert(!agent->reports_to.len || config_find_agent(config, agent->reports_to) >= 0);
        for (uint32_t j = 0; j < agent->queue_count; j++)
            assert(agent->queues[j] < config->queue_count);
    }
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        assert(config_find_endpoint(config, endpoint->channel, endpoint->key) == endpoint);
        assert(endpoint->queue < config->queue_count);
    }
    for (uint32_t i = 0; i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        assert(rule->queue < config->queue_count || rule->queue == CONFIG_QUEUE_OF_ENDPOINT);
        assert(!rule->when == (i + 1 == config->rule_count));
        check_skills(config, &rule->skills);
        if (rule->when)
            check_condition(rule, arena);
    }
}

static void check_again(const struct project_config *config, struct slice text, struct arena *arena)
{
    static struct project_faults faults;
    struct project_config again;
    bool loaded = project_file_load(&again, text, project_file_zones(config, arena), arena, &faults);
    assert(loaded && again.rule_count == config->rule_count && again.zone_count == config->zone_count);
    check_config(&again, arena);
    config_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct project_faults faults;
    struct arena arena;
    struct project_config config;
    arena_init(&arena);
    struct slice text = {(const char *)bytes, len};
    if (project_file_read(&config, text, &arena, &faults)) {
        assert(!faults.count);
        check_config(&config, &arena);
        check_again(&config, text, &arena);
        config_close(&config);
    } else {
        assert(faults.count && faults.count <= PROJECT_FAULTS_MAX);
        for (uint32_t i = 0; i < faults.count; i++) {
            assert(faults.items[i].detail[0]);
            assert(!i || faults.items[i - 1].line <= faults.items[i].line);
            assert(!faults.items[i].column || faults.items[i].line);
        }
    }
    arena_deinit(&arena);
    return 0;
}
