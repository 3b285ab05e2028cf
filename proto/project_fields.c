/* Custom fields, and the scripts and datasheets of an agent's screen. */
#include "proto/project_check.h"
#include "proto/project_sections.h"

static const char *const types[] = {"text", "number", "date", "boolean", "choice", "phone", "email", NULL};

const char *field_type_name(enum field_type type)
{
    return types[type];
}

static void read_choices(struct field_config *field, const struct project_node *list)
{
    if (field->type != FIELD_CHOICE) {
        if (list->value)
            project_node_refuse(list, "only a choice has choices");
        return;
    }
    if (!list->value) {
        project_node_refuse(list, "is required, as in [small, large]");
        return;
    }
    if (!project_node_check_list(list) || !project_node_check_count(list, FIELD_CHOICES_MAX))
        return;
    if (!project_node_count(list))
        project_node_refuse(list, "needs one or more");
    field->choices = arena_array(list->reading->arena, struct slice, project_node_count(list));
    for (uint32_t i = 0; i < project_node_count(list); i++) {
        struct project_node item = project_node_item(list, i);
        struct slice text = {NULL, 0};
        if (!item.value)
            project_node_refuse(&item, "is empty");
        if (!project_node_text(&item, &text, FIELD_INDEXED_TEXT_MAX) || !text.len)
            continue;
        for (uint32_t j = 0; j < field->choice_count; j++)
            if (slice_equal(field->choices[j], text))
                project_node_refuse(&item, "is in the list twice");
        field->choices[field->choice_count++] = text;
    }
}

static void read_max(struct field_config *field, const struct project_node *max)
{
    bool is_text = field->type == FIELD_TEXT;
    field->max = field->indexed ? FIELD_INDEXED_TEXT_MAX : FIELD_TEXT_DEFAULT;
    field->has_max = is_text || (field->type == FIELD_NUMBER && max->value);
    if (!max->value)
        return;
    if (is_text)
        project_node_integer(max, &field->max, 1, field->indexed ? FIELD_INDEXED_TEXT_MAX : FIELD_TEXT_MAX);
    else if (field->type == FIELD_NUMBER)
        project_node_integer(max, &field->max, -FIELD_NUMBER_MAX, FIELD_NUMBER_MAX);
    else
        project_node_refuse(max, "only a text or a number has a max");
}

static void read_field(struct field_config *field, const struct project_node *entry, bool may_index)
{
    static const char *const keys[] = {"type", "required", "indexed", "choices", "max", NULL};
    int type_index = FIELD_TEXT;
    project_node_check_name(entry, entry->name);
    if (!entry->value)
        project_node_refuse(entry, "is empty: {type: text}");
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node type = project_node_member(entry, "type");
    struct project_node required = project_node_member(entry, "required");
    struct project_node indexed = project_node_member(entry, "indexed");
    struct project_node choices = project_node_member(entry, "choices");
    struct project_node max = project_node_member(entry, "max");
    if (entry->value && !type.value)
        project_node_refuse(&type, "is required");
    if (!project_node_choice(&type, &type_index, types))
        return;
    field->type = (enum field_type)type_index;
    project_node_boolean(&required, &field->required);
    project_node_boolean(&indexed, &field->indexed);
    if (field->indexed && !may_index)
        project_node_refuse(&indexed, "only fields of customers are indexed");
    read_choices(field, &choices);
    read_max(field, &max);
}

static void read_fields(struct fields_config *fields, const struct project_node *section, bool may_index)
{
    uint32_t indexed = 0;
    if (!project_node_check_entries(section, FIELDS_MAX))
        return;
    fields->items = arena_array(section->reading->arena, struct field_config, project_node_count(section));
    for (uint32_t i = 0; i < project_node_count(section); i++) {
        struct project_node entry = project_node_entry(section, i);
        struct field_config *field = &fields->items[fields->count++];
        *field = (struct field_config){.name = entry.name};
        read_field(field, &entry, may_index);
        indexed += field->indexed;
        if (field->indexed && indexed == FIELDS_INDEXED_MAX + 1)
            project_node_refuse(&entry, "more than %d fields are indexed", FIELDS_INDEXED_MAX);
    }
}

void project_fields_read(struct project_config *config, const struct project_node *file)
{
    struct project_node section = project_node_member(file, "fields");
    config->has_fields = section.value != NULL;
    read_fields(&config->fields, &section, true);
}

/* --- The screen --- */

static void read_script(struct script_config *script, const struct project_node *entry,
                        const struct project_config *config)
{
    static const char *const keys[] = {"text", "queues", NULL};
    project_node_check_name(entry, entry->name);
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node text = project_node_member(entry, "text");
    struct project_node queues = project_node_member(entry, "queues");
    if (!text.value)
        project_node_refuse(&text, "is required");
    else if (text.value->kind != VALUE_STRING || !text.value->string.len ||
             text.value->string.len > SCRIPT_TEXT_MAX)
        project_node_refuse(&text, "must be text of 1 to %d bytes", SCRIPT_TEXT_MAX);
    else
        script->text = text.value->string;
    if (!project_node_check_list(&queues) || !project_node_check_count(&queues, CONFIG_QUEUES_MAX))
        return;
    script->has_queues = queues.value != NULL;
    script->queues = arena_array(entry->reading->arena, uint16_t, project_node_count(&queues));
    for (uint32_t i = 0; i < project_node_count(&queues); i++) {
        struct project_node item = project_node_item(&queues, i);
        if (project_check_queue(&item, config, &script->queues[script->queue_count]))
            script->queue_count++;
    }
}

static void read_datasheet(struct datasheet_config *datasheet, const struct project_node *entry)
{
    static const char *const keys[] = {"fields", NULL};
    project_node_check_name(entry, entry->name);
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node fields = project_node_member(entry, "fields");
    if (!project_node_count(&fields))
        project_node_refuse(&fields, "needs one or more");
    read_fields(&datasheet->fields, &fields, false);
}

void project_screen_read(struct project_config *config, const struct project_node *file)
{
    struct project_node scripts = project_node_member(file, "scripts");
    struct project_node datasheets = project_node_member(file, "datasheets");
    if (project_node_check_entries(&scripts, SCRIPTS_MAX)) {
        config->scripts =
            arena_array(file->reading->arena, struct script_config, project_node_count(&scripts));
        for (uint32_t i = 0; i < project_node_count(&scripts); i++) {
            struct project_node entry = project_node_entry(&scripts, i);
            struct script_config *script = &config->scripts[config->script_count++];
            *script = (struct script_config){.name = entry.name};
            read_script(script, &entry, config);
        }
    }
    if (!project_node_check_entries(&datasheets, DATASHEETS_MAX))
        return;
    config->datasheets =
        arena_array(file->reading->arena, struct datasheet_config, project_node_count(&datasheets));
    for (uint32_t i = 0; i < project_node_count(&datasheets); i++) {
        struct project_node entry = project_node_entry(&datasheets, i);
        struct datasheet_config *datasheet = &config->datasheets[config->datasheet_count++];
        *datasheet = (struct datasheet_config){.name = entry.name};
        read_datasheet(datasheet, &entry);
    }
}
