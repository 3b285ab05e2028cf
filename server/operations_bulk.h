/* Parameters of operations on whole customers, for server/operations.c alone. */
#ifndef SERVER_OPERATIONS_BULK_H
#define SERVER_OPERATIONS_BULK_H

#include "server/operations_params.h"

static params customers_chosen = {BATCH_CUSTOMERS, END};
static params customer_pair = {CUSTOMER_ID, {"other", PARAM_UUID, PARAM_REQUIRED, 0, 0}, END};
static params customer_duplicates = {LIMIT, {"after", PARAM_INT, 0, 0, INT64_MAX}, END};
static params customers_import = {{"dry_run", PARAM_BOOL, 0, 0, 0}, {"import", PARAM_UUID, 0, 0, 0}, END};
static params customers_export = {{"stage", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
                                  {"owner", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
                                  {"source", PARAM_TEXT, 0, 1, CUSTOMER_TEXT_MAX},
                                  {"tag", PARAM_TEXT, 0, 1, CUSTOMER_TAG_MAX},
                                  {"bom", PARAM_BOOL, 0, 0, 0},
                                  END};
static params import_id = {{"import", PARAM_UUID, PARAM_REQUIRED, 0, 0}, END};
static params imports_page = {LIMIT, AFTER_ID, END};

#endif
