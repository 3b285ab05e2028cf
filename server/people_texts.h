/* The texts of an event as the table `content` has them, from a row of a reply. */
#ifndef SERVER_PEOPLE_TEXTS_H
#define SERVER_PEOPLE_TEXTS_H

#include "rules/core_input.h"
#include "storage/pg_link.h"

/* Columns that stand together in every query: phone email party_id name recipient phone_key email_key source
 * subject title. */
#define PEOPLE_COLUMNS 10

/* `first` is the column of the phone. Copies into `arena`, or borrows from the reply when that is NULL. */
struct party_texts people_texts(const struct pg_reply *reply, int row, int first, struct arena *arena);
/* One text of a row, copied; {NULL, 0} when there is none. */
struct slice people_copy(const struct pg_reply *reply, int row, int column, struct arena *arena);

#endif
