/* Parameters of the route table's rows about who has a customer. */
#ifndef SERVER_OPERATIONS_OWNERS_H
#define SERVER_OPERATIONS_OWNERS_H

#include "server/operation_owners.h"
#include "server/operations_params.h"

#define POOL_ID                                                                                              \
    {                                                                                                        \
        "pool", PARAM_UUID, PARAM_REQUIRED, 0, 0                                                             \
    }
#define POOL_MEMBER                                                                                          \
    POOL_ID,                                                                                                 \
    {                                                                                                        \
        "agent", PARAM_TEXT, PARAM_REQUIRED, 1, CONFIG_NAME_MAX                                              \
    }
#define POOL_SETTINGS                                                                                        \
    {"cap", PARAM_INT, PARAM_NULLABLE, 1, POOL_CAP_MAX}, {"cool_down", PARAM_INT, 0, 0, POOL_COOL_DOWN_MAX}, \
        {"reclaim_days", PARAM_INT, PARAM_NULLABLE, 1, POOL_DAYS_MAX},                                       \
    {                                                                                                        \
        "remind_days", PARAM_INT, PARAM_NULLABLE, 1, POOL_DAYS_MAX                                           \
    }
#define ASSIGN_TARGETS                                                                                       \
    {"agents", PARAM_LIST, 0, 1, ASSIGN_TARGETS_MAX},                                                        \
    {                                                                                                        \
        "departments", PARAM_LIST, 0, 1, ASSIGN_TARGETS_MAX                                                  \
    }
#define RETURN_TO_POOL                                                                                       \
    {"pool", PARAM_UUID, 0, 0, 0},                                                                           \
    {                                                                                                        \
        "reason", PARAM_TEXT, PARAM_REQUIRED, 1, RETURN_REASON_MAX                                           \
    }

static params customer_assign = {CUSTOMER_ID, ASSIGN_TARGETS, END};
static params customers_assign = {BATCH_CUSTOMERS, ASSIGN_TARGETS, END};
static params customer_return = {CUSTOMER_ID, RETURN_TO_POOL, END};
static params customers_return = {BATCH_CUSTOMERS, RETURN_TO_POOL, END};
static params customers_regroup = {BATCH_CUSTOMERS, POOL_ID, END};
static params customer_log = {
    CUSTOMER_ID,
    {"operation", PARAM_TEXT, 0, 1, LOG_OPERATION_MAX},
    {"since", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
    {"until", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
    LIMIT,
    {"after", PARAM_TEXT, 0, 1, LOG_CURSOR_MAX},
    END,
};
static params pool = {POOL_ID, END};
static params pools = {LIMIT, AFTER_ID, END};
static params pool_new = {{"name", PARAM_TEXT, PARAM_REQUIRED, 1, POOL_NAME_MAX}, POOL_SETTINGS, END};
static params pool_edit = {POOL_ID, {"name", PARAM_TEXT, 0, 1, POOL_NAME_MAX}, POOL_SETTINGS, END};
static params pool_member = {POOL_MEMBER, END};
static params pool_member_new = {POOL_MEMBER, {"is_admin", PARAM_BOOL, 0, 0, 0}, END};

#endif
