#include <stdlib.h>

#include "proto/fault.h"
#include "proto/hours_text.h"
#include "proto/project_check.h"
#include "proto/project_sections.h"

#define ZONE_NAME_MAX 64
#define OPEN_TEXT_MAX 64

static void read_zone(struct hours *hours, const struct project_node *node)
{
    struct zone_set *zones = node->reading->zones;
    struct slice name = {NULL, 0};
    if (!node->value) {
        project_node_refuse(node, "is required, as in Europe/Berlin");
        return;
    }
    if (!project_node_text(node, &name, ZONE_NAME_MAX))
        return;
    hours->zone = zone_set_find(zones, name);
    if (hours->zone)
        return;
    if (zones->tables.count == ZONE_SET_MAX)
        project_node_refuse(node, "more than %d different time zones", ZONE_SET_MAX);
    else
        project_node_refuse(node, "there is no time zone \"%.*s\"", fault_quote(name), name.ptr);
}

static void read_open(struct hours *hours, const struct project_node *list)
{
    if (!list->value) {
        project_node_refuse(list, "is required, as in [\"mon-fri 09:00-17:00\"]");
        return;
    }
    if (!project_node_check_list(list))
        return;
    hours->spans = arena_array(list->reading->arena, struct hours_span, HOURS_SPANS_MAX);
    for (uint32_t i = 0; i < project_node_count(list); i++) {
        struct project_node item = project_node_item(list, i);
        struct slice text = {NULL, 0};
        const char *why;
        if (!item.value)
            project_node_refuse(&item, "is empty");
        else if (project_node_text(&item, &text, OPEN_TEXT_MAX) &&
                 !hours_text_spans(hours->spans, &hours->span_count, text, &why))
            project_node_refuse(&item, "%s", why);
    }
}

static int compare_dates(const void *a, const void *b)
{
    const struct hours_date *left = a, *right = b;
    return (left->day > right->day) - (left->day < right->day);
}

static void read_closed(struct hours *hours, const struct project_node *list)
{
    if (!project_node_check_list(list) || !project_node_check_count(list, HOURS_DATES_MAX))
        return;
    hours->closed = arena_array(list->reading->arena, struct hours_date, project_node_count(list));
    for (uint32_t i = 0; i < project_node_count(list); i++) {
        struct project_node item = project_node_item(list, i);
        const struct value *value = item.value;
        if (!value || value->kind != VALUE_STRING ||
            !hours_text_date(&hours->closed[hours->closed_count], value->string))
            project_node_refuse(&item, "must be a date, as in 2026-12-25");
        else
            hours->closed_count++;
    }
    if (hours->closed_count)
        qsort(hours->closed, hours->closed_count, sizeof *hours->closed, compare_dates);
}

static void read_hours(struct project_config *config, struct hours *hours, const struct project_node *entry)
{
    static const char *const keys[] = {"zone", "open", "closed", "otherwise", NULL};
    project_node_check_name(entry, entry->name);
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node zone = project_node_member(entry, "zone");
    struct project_node open = project_node_member(entry, "open");
    struct project_node closed = project_node_member(entry, "closed");
    struct project_node otherwise = project_node_member(entry, "otherwise");
    uint16_t queue;
    read_zone(hours, &zone);
    read_open(hours, &open);
    read_closed(hours, &closed);
    if (otherwise.value && project_check_queue(&otherwise, config, &queue))
        hours->otherwise = queue;
}

void project_hours_read(struct project_config *config, const struct project_node *file)
{
    struct project_node section = project_node_member(file, "hours");
    if (!project_node_check_entries(&section, CONFIG_HOURS_MAX))
        return;
    config->hours = arena_array(file->reading->arena, struct hours, project_node_count(&section));
    for (uint32_t i = 0; i < project_node_count(&section); i++) {
        struct project_node entry = project_node_entry(&section, i);
        struct hours *hours = &config->hours[config->hours_count++];
        *hours = (struct hours){.name = entry.name, .otherwise = -1};
        read_hours(config, hours, &entry);
    }
}
