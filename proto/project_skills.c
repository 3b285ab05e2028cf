#include <stdlib.h>

#include "proto/project_sections.h"

static int find_or_add(struct project_config *config, const struct project_node *entry)
{
    for (uint32_t i = 0; i < config->skill_count; i++) {
        if (slice_equal(config->skills[i], entry->name))
            return (int)i;
    }
    if (!project_node_check_name(entry, entry->name))
        return -1;
    if (config->skill_count == CONFIG_SKILLS_MAX) {
        project_node_refuse(entry, "more than %d different skills", CONFIG_SKILLS_MAX);
        return -1;
    }
    if (!config->skills)
        config->skills = arena_array(entry->reading->arena, struct slice, CONFIG_SKILLS_MAX);
    config->skills[config->skill_count] = entry->name;
    return (int)config->skill_count++;
}

void project_skills_read(struct project_config *config, const struct project_node *map,
                         struct config_skills *out)
{
    uint32_t count = project_node_count(map);
    if (!project_node_check_entries(map, CONFIG_SKILLS_MAX))
        return;
    out->items = arena_array(map->reading->arena, struct config_skill, count);
    for (uint32_t i = 0; i < count; i++) {
        struct project_node entry = project_node_entry(map, i);
        int skill = find_or_add(config, &entry);
        int32_t level = 0;
        if (!entry.value)
            project_node_refuse(&entry, "needs a level from 1 to %d", CONFIG_SKILL_LEVEL_MAX);
        else if (project_node_integer(&entry, &level, 1, CONFIG_SKILL_LEVEL_MAX) && skill >= 0)
            out->items[out->count++] = (struct config_skill){(uint16_t)skill, (uint16_t)level};
    }
}

struct named {
    struct slice name;
    uint16_t number;
};

static int compare_names(const void *a, const void *b)
{
    return slice_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int compare_skills(const void *a, const void *b)
{
    const struct config_skill *left = a, *right = b;
    return (left->skill > right->skill) - (left->skill < right->skill);
}

static void renumber(struct config_skills *skills, const uint16_t *numbers)
{
    for (uint32_t i = 0; i < skills->count; i++)
        skills->items[i].skill = numbers[skills->items[i].skill];
    if (skills->count)
        qsort(skills->items, skills->count, sizeof *skills->items, compare_skills);
}

void project_skills_sort(struct project_config *config)
{
    struct named order[CONFIG_SKILLS_MAX];
    uint16_t numbers[CONFIG_SKILLS_MAX] = {0};
    for (uint32_t i = 0; i < config->skill_count; i++)
        order[i] = (struct named){config->skills[i], (uint16_t)i};
    qsort(order, config->skill_count, sizeof *order, compare_names);
    for (uint32_t i = 0; i < config->skill_count; i++) {
        config->skills[i] = order[i].name;
        numbers[order[i].number] = (uint16_t)i;
    }
    for (uint32_t i = 0; i < config->agent_count; i++)
        renumber(&config->agents[i].skills, numbers);
    for (uint32_t i = 0; i < config->rule_count; i++)
        renumber(&config->rules[i].skills, numbers);
    for (uint32_t i = 0; i < config->queue_count; i++) {
        for (uint32_t step = 0; step < config->queues[i].relax_count; step++)
            renumber(&config->queues[i].relax[step].skills, numbers);
    }
}
