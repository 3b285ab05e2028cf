/* The parameters that many rows of the route table take, for its own file and those that hold a subject's
 * parameters (server/operations_*.h). */
#ifndef SERVER_OPERATIONS_PARAMS_H
#define SERVER_OPERATIONS_PARAMS_H

#include "rules/project_config.h"
#include "server/operation_batch.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"

typedef const struct operation_param params[];

#define END                                                                                                  \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }
#define LIMIT                                                                                                \
    {                                                                                                        \
        "limit", PARAM_INT, 0, 1, LIST_LIMIT_MAX                                                             \
    }
#define AFTER_ID                                                                                             \
    {                                                                                                        \
        "after", PARAM_UUID, 0, 0, 0                                                                         \
    }
#define AFTER_NAME                                                                                           \
    {                                                                                                        \
        "after", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX                                                           \
    }
#define CUSTOMER_ID                                                                                          \
    {                                                                                                        \
        "customer", PARAM_UUID, PARAM_REQUIRED, 0, 0                                                         \
    }
#define CUSTOMER_TEXT(name)                                                                                  \
    {                                                                                                        \
        name, PARAM_TEXT, PARAM_NULLABLE, 0, CUSTOMER_TEXT_MAX                                               \
    }
#define CUSTOMER_AGENT(name)                                                                                 \
    {                                                                                                        \
        name, PARAM_TEXT, PARAM_NULLABLE, 1, CONFIG_NAME_MAX                                                 \
    }
#define CUSTOMER_MEMBERS                                                                                     \
    CUSTOMER_TEXT("name"), CUSTOMER_TEXT("real_name"), CUSTOMER_TEXT("company"),                             \
        {"external_id", PARAM_TEXT, PARAM_NULLABLE, 1, CUSTOMER_TEXT_MAX},                                   \
        {"stage", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX}, CUSTOMER_AGENT("owner"),                               \
        CUSTOMER_AGENT("service_rep"), CUSTOMER_TEXT("source"),                                              \
        {"tags", PARAM_LIST, 0, 0, CUSTOMER_TAGS_MAX}, {"fields", PARAM_MAP, 0, 0, CUSTOMER_FIELDS_MAX},     \
    {                                                                                                        \
        "contacts", PARAM_LIST, 0, 0, CONTACTS_GIVEN_MAX                                                     \
    }
#define BATCH_CUSTOMERS                                                                                      \
    {                                                                                                        \
        "customers", PARAM_LIST, PARAM_REQUIRED, 1, BATCH_CUSTOMERS_MAX                                      \
    }

#endif
