/* Values of custom fields, checked against what the project's file declares and brought to their canonical
 * form:
 *
 *   text      as it is, at most `max` bytes, no control characters but tabs and line ends
 *   number    an integer where it is one, however it was written
 *   date      "2026-12-24" (ISO 8601), also given as "20261224"
 *   boolean   true or false
 *   choice    one of them, byte by byte
 *   phone     its canonical key by the project's region, with at least CONTACT_DIGITS_MIN digits
 * (docs/identity.md) email     its canonical key
 *
 * Null and an empty text are no value. */
#ifndef SERVER_CUSTOMER_FIELDS_H
#define SERVER_CUSTOMER_FIELDS_H

#include "rules/event.h"
#include "rules/project_config.h"

struct fields_check {
    const struct fields_config *fields;
    struct slice region;
    bool wants_required; /* a required field without a value is a fault; else the caller looks after that */
    bool from_text;      /* numbers and booleans come as text, as in a CSV file */
};

/* `given` is a map, or NULL: none. `out` is the map to be stored, in `arena` or borrowed from `given`. False:
 * `fault` says what of the first field that is wrong, its pointer is "/fields/NAME". */
bool customer_fields_check(struct value *out, const struct value *given, const struct fields_check *check,
                           struct arena *arena, struct fault *fault) __attribute__((warn_unused_result));

/* What values of a field are compared with, brought to their form: of a phone or an e-mail address its
 * canonical key, of 20261224 the date 2026-12-24, anything else as it is. False: it is none; `fault` says
 * why.
 */
bool customer_field_operand(struct value *operand, struct slice name, const struct fields_check *check,
                            struct arena *arena, struct fault *fault) __attribute__((warn_unused_result));

bool customer_field_is_date(const struct fields_config *fields, struct slice name);
bool customer_field_is_declared(const struct fields_config *fields, struct slice name);

/* The fields of a project's customers; false: the file declares none and they are free. */
bool customer_fields_of(struct fields_check *check, const struct project_config *config)
    __attribute__((warn_unused_result));

#endif
