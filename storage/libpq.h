/* libpq-fe.h, whose typedef pg_int64 would collide with the decoder of that name in storage/pg_link.h. */
#ifndef STORAGE_LIBPQ_H
#define STORAGE_LIBPQ_H

#define pg_int64 libpq_int64
#include <libpq-fe.h>
#undef pg_int64

#endif
