/* Builds PostgreSQL array parameters in binary format (the array_recv layout of PostgreSQL 15, arrayfuncs.c):
 * one array per column of a batch. Each builder owns a growing buffer that pg_array_reset() keeps for the
 * next batch. */
#ifndef STORAGE_PG_ARRAY_H
#define STORAGE_PG_ARRAY_H

#include "storage/pg_link.h"

enum pg_type {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_UUID = 2950
};

struct pg_array {
    enum pg_type type;
    uint32_t count;
    bool has_null;
    uint8_t *bytes;
    size_t len, capacity;
};

void pg_array_init(struct pg_array *array, enum pg_type type);
void pg_array_deinit(struct pg_array *array);
void pg_array_reset(struct pg_array *array);
void pg_array_int(struct pg_array *array, int64_t value); /* int2, int4, int8 by the array's type */
void pg_array_bool(struct pg_array *array, bool value);
void pg_array_uuid(struct pg_array *array, const struct uuid *value); /* nil becomes NULL */
void pg_array_bytes(struct pg_array *array, struct slice value); /* text and bytea; ptr NULL becomes NULL */
void pg_array_null(struct pg_array *array);
/* Completes the header; the parameter is borrowed until the next change. An empty array is NULL: unnest()
 * makes no row of either, and NULL costs nothing to read. */
struct pg_param pg_array_param(struct pg_array *array);

#endif
