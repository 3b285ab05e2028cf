/* Parameters of the rows about lists, follows and tags of customers. */
#ifndef SERVER_OPERATIONS_LISTS_H
#define SERVER_OPERATIONS_LISTS_H

#include "server/operation_lists.h"
#include "server/operations_params.h"

/* What both forms of a list take. */
#define LIST_COMMON                                                                                          \
    {"phone", PARAM_TEXT, 0, 1, CONTACT_TEXT_MAX}, {"email", PARAM_TEXT, 0, 1, CONTACT_TEXT_MAX},            \
        {"created_from", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},                                                 \
        {"created_until", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},                                                \
        {"source", PARAM_TEXT, 0, 0, CUSTOMER_TEXT_MAX}, {"stage", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},       \
        {"owner", PARAM_TEXT, 0, 0, CONFIG_NAME_MAX}, {"pool", PARAM_UUID, 0, 0, 0},                         \
        {"followed", PARAM_BOOL, 0, 0, 0}, {"keyword", PARAM_TEXT, 0, 1, CONTACT_TEXT_MAX},                  \
        {"sort", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX}, {"order", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX}, LIMIT,    \
    {                                                                                                        \
        "after", PARAM_TEXT, 0, 1, LIST_CURSOR_MAX                                                           \
    }
/* In a query lists are texts with commas. */
#define LIST_OF_TEXTS(name)                                                                                  \
    {                                                                                                        \
        name, PARAM_TEXT, 0, 1, LIST_TEXTS_SIZE_MAX                                                          \
    }
#define LIST_OF_ITEMS(name, max)                                                                             \
    {                                                                                                        \
        name, PARAM_LIST, 0, 1, max                                                                          \
    }
#define TAGS_GIVEN                                                                                           \
    {"mode", PARAM_TEXT, PARAM_REQUIRED, 1, CONFIG_NAME_MAX},                                                \
        {"tags", PARAM_LIST, PARAM_REQUIRED, 0, CUSTOMER_TAGS_MAX},                                          \
    {                                                                                                        \
        "kind", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX                                                            \
    }

static params customer_list = {LIST_COMMON,
                               LIST_OF_TEXTS("tags_any"),
                               LIST_OF_TEXTS("tags_all"),
                               LIST_OF_TEXTS("tags_none"),
                               LIST_OF_TEXTS("columns"),
                               END};
static params customer_search = {LIST_COMMON,
                                 LIST_OF_ITEMS("tags_any", CUSTOMER_TAGS_MAX),
                                 LIST_OF_ITEMS("tags_all", CUSTOMER_TAGS_MAX),
                                 LIST_OF_ITEMS("tags_none", CUSTOMER_TAGS_MAX),
                                 LIST_OF_ITEMS("columns", LIST_COLUMNS_MAX),
                                 LIST_OF_ITEMS("fields", LIST_FIELDS_MAX),
                                 END};
static params columns = {{"columns", PARAM_LIST, PARAM_REQUIRED, 0, LIST_COLUMNS_MAX}, END};
static params nothing = {END};
static params mine = {LIMIT, {"after", PARAM_TEXT, 0, 1, LIST_CURSOR_MAX}, END};
static params neighbour = {{"from", PARAM_UUID, 0, 0, 0}, END};
static params customer_tags = {CUSTOMER_ID, TAGS_GIVEN, END};
static params batch_tags = {BATCH_CUSTOMERS, TAGS_GIVEN, END};
static params tag_list = {
    {"kind", PARAM_TEXT, 0, 0, CONFIG_NAME_MAX}, LIMIT, {"after", PARAM_TEXT, 0, 1, CUSTOMER_TAG_MAX}, END};

#endif
