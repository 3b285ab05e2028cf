/* Custom fields of customers and of datasheets, and scripts of calls, as the project's file declares them. */
#ifndef RULES_FIELD_CONFIG_H
#define RULES_FIELD_CONFIG_H

#include "rules/types.h"

#define FIELDS_MAX 100             /* of a customer, of a datasheet */
#define FIELDS_INDEXED_MAX 16      /* of a project */
#define FIELD_CHOICES_MAX 200      /* of one field */
#define FIELD_TEXT_MAX 10000       /* bytes */
#define FIELD_TEXT_DEFAULT 1000    /* without `max` */
#define FIELD_INDEXED_TEXT_MAX 256 /* what an index takes; the default where a field is indexed */
#define FIELD_NUMBER_MAX INT32_MAX /* of `max`; without it a number has no bound */
#define DATASHEETS_MAX 100
#define SCRIPTS_MAX 100
#define SCRIPT_TEXT_MAX 16384 /* bytes */

enum field_type {
    FIELD_TEXT,
    FIELD_NUMBER,
    FIELD_DATE,
    FIELD_BOOLEAN,
    FIELD_CHOICE,
    FIELD_PHONE,
    FIELD_EMAIL
};
#define FIELD_TYPE_COUNT 7

struct field_config {
    struct slice name;
    enum field_type type;
    bool required, indexed;
    bool has_max;
    int32_t max; /* bytes of a text, the greatest number */
    struct slice *choices;
    uint32_t choice_count;
};

struct fields_config {
    struct field_config *items; /* as the file lists them */
    uint32_t count;
};

struct datasheet_config {
    struct slice name;
    struct fields_config fields;
};

struct script_config {
    struct slice name, text;
    bool has_queues; /* else it is for all of them */
    uint16_t *queues;
    uint32_t queue_count;
};

#endif
