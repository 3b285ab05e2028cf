/* Parameters of contacts, sharing and what an agent's screen shows, for server/operations.c alone. */
#ifndef SERVER_OPERATIONS_SCREEN_H
#define SERVER_OPERATIONS_SCREEN_H

#include "server/operation_contacts.h"
#include "server/operations_params.h"

#define CONTACT_MEMBERS(flags)                                                                               \
    {"label", PARAM_TEXT, flags, 0, CONTACT_TEXT_MAX}, {"phone", PARAM_TEXT, flags, 0, CONTACT_TEXT_MAX},    \
    {                                                                                                        \
        "email", PARAM_TEXT, flags, 0, CONTACT_TEXT_MAX                                                      \
    }
#define CONTACT_POSITION                                                                                     \
    {                                                                                                        \
        "position", PARAM_INT, PARAM_REQUIRED, 0, CONTACTS_GIVEN_MAX                                         \
    }
#define CUSTOMER_VERSION                                                                                     \
    {                                                                                                        \
        "version", PARAM_INT, 0, 1, INT64_MAX                                                                \
    }
#define SHARE_MEMBERS                                                                                        \
    {"agents", PARAM_LIST, 0, 0, SHARE_NAMES_MAX}, {"roles", PARAM_LIST, 0, 0, SHARE_NAMES_MAX},             \
    {                                                                                                        \
        "departments", PARAM_LIST, 0, 0, SHARE_NAMES_MAX                                                     \
    }
#define SHARE_NAMES_MAX 100 /* of a kind, in one call */

static params contact_new = {CUSTOMER_ID, CUSTOMER_VERSION, CONTACT_MEMBERS(0), END};
static params contact_edit = {CUSTOMER_ID, CONTACT_POSITION, CUSTOMER_VERSION,
                              CONTACT_MEMBERS(PARAM_NULLABLE), END};
static params contact_removal = {CUSTOMER_ID, CONTACT_POSITION, CUSTOMER_VERSION, END};
static params customer_share = {CUSTOMER_ID, SHARE_MEMBERS, END};
static params customers_share = {BATCH_CUSTOMERS, SHARE_MEMBERS, END};
static params customers_cancel_share = {BATCH_CUSTOMERS, {"all", PARAM_BOOL, 0, 0, 0}, SHARE_MEMBERS, END};
static params interaction_customer = {{"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0},
                                      {"customer", PARAM_UUID, 0, 0, 0},
                                      {"create", PARAM_MAP, 0, 0, CUSTOMER_FIELDS_MAX},
                                      END};
static params datasheet = {{"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0},
                           {"name", PARAM_TEXT, PARAM_REQUIRED, 1, CONFIG_NAME_MAX},
                           END};
static params datasheet_fields = {{"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0},
                                  {"name", PARAM_TEXT, PARAM_REQUIRED, 1, CONFIG_NAME_MAX},
                                  {"fields", PARAM_MAP, PARAM_REQUIRED, 0, FIELDS_MAX},
                                  END};

#endif
