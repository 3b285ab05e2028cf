/* Parameters of small queries, in binary format: built on the stack, borrowed until the query is submitted.
 */
#ifndef SERVER_QUERY_PARAMS_H
#define SERVER_QUERY_PARAMS_H

#include "storage/pg_link.h"

#define QUERY_PARAMS_MAX 8

struct query_params {
    struct pg_param items[QUERY_PARAMS_MAX];
    uint64_t numbers[QUERY_PARAMS_MAX]; /* big endian */
    int count;
};

void params_int(struct query_params *params, uint32_t value);    /* integer */
void params_number(struct query_params *params, uint64_t value); /* bigint */
void params_null(struct query_params *params);
void params_uuid(struct query_params *params, const struct uuid *id); /* borrowed */
void params_text(struct query_params *params, const char *text);      /* borrowed */

#endif
