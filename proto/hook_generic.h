/* The mapping of the preset generic: where in a peer's document the parts of an event stand. Made of the
 * project file by proto/project_hooks.c; immutable. */
#ifndef PROTO_HOOK_GENERIC_H
#define PROTO_HOOK_GENERIC_H

#include "proto/hook_sign.h"

#define HOOK_RULES_MAX 32
#define HOOK_CONDITIONS_MAX 8
#define HOOK_ATTRIBUTES_MAX 32
#define HOOK_PLACE_MAX 256 /* bytes of a pointer or constant */

/* "/a/b", a JSON Pointer; "=text", a constant; empty: nowhere. */
struct hook_place {
    struct slice text;
};

struct hook_condition {
    struct slice pointer, equals;
};

struct hook_attribute {
    struct slice name;
    struct hook_place place;
};

enum hook_part {
    HOOK_ID,
    HOOK_SUBJECT,
    HOOK_TIME,
    HOOK_FROM_PHONE,
    HOOK_FROM_EMAIL,
    HOOK_FROM_ID,
    HOOK_FROM_NAME,
    HOOK_TO,
    HOOK_TEXT,
    HOOK_TITLE, /* data.subject of a mail */
    HOOK_CAUSE,
    HOOK_AGENT,
    HOOK_DIRECTION,
    HOOK_PART_COUNT
};

/* Becomes an event when all conditions hold; of the rules the first. */
struct hook_rule {
    enum event_type type;
    struct hook_condition *conditions;
    struct hook_attribute *attributes;
    uint32_t condition_count, attribute_count;
    struct hook_place parts[HOOK_PART_COUNT];
};

struct hook_mapping {
    struct hook_rule *rules;
    uint32_t rule_count;
    struct slice each;   /* pointer to a list: the rules look at each item of it; empty: at the document */
    struct slice header; /* of the signature, in lower case */
    struct slice prefix; /* of its value */
    enum hook_hash hash;
    enum hook_coding coding;
};

/* All of it in the arena, for a thread that outlives the configuration. */
struct hook_mapping *hook_mapping_copy(const struct hook_mapping *mapping, struct arena *arena);

#endif
