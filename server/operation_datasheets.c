#include "server/operation_datasheets.h"

#include "proto/json.h"
#include "proto/project_file.h"
#include "server/customer_fields.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"
#include "server/project.h"

static struct value field_value(const struct field_config *field, struct arena *arena)
{
    struct value out = value_map(arena, 6);
    value_set(&out, "name", value_string(field->name));
    value_set(&out, "type", value_string(slice_of(field_type_name(field->type))));
    value_set(&out, "required", value_bool(field->required));
    value_set(&out, "indexed", value_bool(field->indexed));
    if (field->has_max)
        value_set(&out, "max", value_int(field->max));
    if (field->choice_count) {
        struct value choices = value_list(arena, field->choice_count);
        for (uint32_t i = 0; i < field->choice_count; i++)
            value_append(&choices, value_string(field->choices[i]));
        value_set(&out, "choices", choices);
    }
    return out;
}

static struct value fields_value(const struct fields_config *fields, struct arena *arena)
{
    struct value list = value_list(arena, fields->count);
    for (uint32_t i = 0; i < fields->count; i++)
        value_append(&list, field_value(&fields->items[i], arena));
    return list;
}

/* As the file lists them. Without a section `fields` those of customers are free: null. */
void operation_get_forms(struct operation_call *call)
{
    const struct project_config *config = project_config(call->project);
    struct value forms = value_map(call->arena, 2);
    struct value datasheets = value_list(call->arena, config->datasheet_count);
    for (uint32_t i = 0; i < config->datasheet_count; i++) {
        struct value datasheet = value_map(call->arena, 2);
        value_set(&datasheet, "name", value_string(config->datasheets[i].name));
        value_set(&datasheet, "fields", fields_value(&config->datasheets[i].fields, call->arena));
        value_append(&datasheets, datasheet);
    }
    value_set(&forms, "fields",
              config->has_fields ? fields_value(&config->fields, call->arena) : value_null());
    value_set(&forms, "datasheets", datasheets);
    operation_reply(call, 200, &forms);
}

static const struct datasheet_config *find(struct operation_call *call)
{
    const struct project_config *config = project_config(call->project);
    const struct value *name = value_member(call->params, "name");
    for (uint32_t i = 0; i < config->datasheet_count; i++)
        if (slice_equal(config->datasheets[i].name, name->string))
            return &config->datasheets[i];
    struct problem problem;
    problem_set(&problem, PROBLEM_NOT_FOUND, NULL, "the project has no such datasheet");
    operation_fail(call, &problem);
    return NULL;
}

void operation_get_datasheet(struct operation_call *call)
{
    if (find(call))
        operation_sql(call);
}

void operation_put_datasheet(struct operation_call *call)
{
    const struct datasheet_config *datasheet = find(call);
    struct value fields, args = operation_args(call->arena, call->params, 0);
    struct fault fault;
    struct problem problem;
    if (!datasheet)
        return;
    struct fields_check check = {.fields = &datasheet->fields,
                                 .region = project_config(call->project)->region,
                                 .wants_required = true};
    bool is_good =
        customer_fields_check(&fields, value_member(call->params, "fields"), &check, call->arena, &fault);
    if (!is_good)
        problem_set_fault(&problem, &fault);
    else if (json_size(&fields) > CUSTOMER_FIELDS_SIZE_MAX)
        problem_set(&problem, PROBLEM_INVALID, "/fields", "at most %d bytes as JSON",
                    CUSTOMER_FIELDS_SIZE_MAX);
    if (!is_good || json_size(&fields) > CUSTOMER_FIELDS_SIZE_MAX) {
        operation_fail(call, &problem);
        return;
    }
    for (uint32_t i = 0; i < args.count; i++)
        if (slice_is(args.members[i].name, "fields"))
            args.members[i].value = fields;
    operation_sql_run(call, call->operation->sql, &args, NULL);
}
