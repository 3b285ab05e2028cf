/* A fact of one's own: all that it borrows copied into one piece of memory. */
#ifndef SERVER_FACT_COPY_H
#define SERVER_FACT_COPY_H

#include "rules/core_input.h"

/* `*out` lives until the result is given to free(). */
void *fact_copy(struct customer_fact *out, const struct customer_fact *fact)
    __attribute__((warn_unused_result));

#endif
