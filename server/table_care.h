/* What the tables need that nobody asks for: the partitions of the next days, looked at once an hour and
 * whenever the writer comes back; and once a second the first analysis of those that are not empty any more,
 * as what was planned for empty ones is slow (storage/migrations/0045_count_new.sql). */
#ifndef SERVER_TABLE_CARE_H
#define SERVER_TABLE_CARE_H

#include "server/app.h"

struct table_care {
    struct app *app; /* outlives it; its links may come and go */
    uv_timer_t days, counts;
    bool counting;
};

void table_care_init(struct table_care *care, struct app *app);
/* Before any batch of this connection, which keeps the order. */
void table_care_on_writer_up(struct table_care *care);
/* The timers are gone when the loop has turned. */
void table_care_close(struct table_care *care);

#endif
