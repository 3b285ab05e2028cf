#include "server/operation_datasheets.h"

#include "proto/json.h"
#include "server/customer_fields.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"
#include "server/project.h"

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
