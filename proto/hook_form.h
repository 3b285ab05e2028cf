/* Forms as browsers and webhooks send them: application/x-www-form-urlencoded (WHATWG URL 5.1) and
 * multipart/form-data (RFC 7578), and queries. */
#ifndef PROTO_HOOK_FORM_H
#define PROTO_HOOK_FORM_H

#include "proto/hook.h"

#define HOOK_FIELDS_MAX 1000     /* more are refused */
#define HOOK_PARAMETERS_MAX 4096 /* bytes of a header with parameters; longer ones have none */
#define HOOK_BOUNDARY_MAX 70     /* characters (RFC 2046 5.1.1) */

/* Decoded, any bytes; in the order sent. Of a file in multipart the value is its content. */
struct hook_field {
    struct slice name, value;
};

struct hook_form {
    struct hook_field *fields;
    uint32_t count;
};

/* The body by its content type, or a GET's query. HOOK_OK, HOOK_UNSUPPORTED (another content type) or
 * HOOK_MALFORMED (broken, or too many fields). `result` NULL: nobody asks for the fault. */
enum hook_status hook_form_read(struct hook_form *form, struct hook_result *result,
                                const struct hook_request *request, struct arena *arena)
    __attribute__((warn_unused_result));
/* "a=1&b=2". */
bool hook_form_read_encoded(struct hook_form *form, struct slice text, struct arena *arena)
    __attribute__((warn_unused_result));
/* The first of that name; NULL: none. */
const struct hook_field *hook_form_find(const struct hook_form *form, const char *name);
/* Its value, or empty. */
struct slice hook_form_text(const struct hook_form *form, const char *name);
/* As a map of text, cleaned; of fields with the same name the first counts. */
struct value hook_form_value(const struct hook_form *form, struct arena *arena);

#endif
