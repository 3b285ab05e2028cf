/* What is to be confirmed in the background is collected in the ring `due` and asked in one question, one at
 * a time: many agents cost few queries. */
#include "server/auth_internal.h"

#include <stdlib.h>

#include "storage/pg_array.h"

/* A question about many. */
struct confirmation {
    struct auth *auth;
    uint32_t count;
    struct entry *entries[]; /* in the order asked; being asked, so they stay */
};

void auth_collect(struct auth *auth)
{
    if (!auth->confirming && !ring_is_empty(&auth->due) && !deadline_is_running(&auth->collecting))
        deadline_start(&auth->confirmations, &auth->collecting);
}

static void on_confirmed(void *ctx, const struct pg_reply *reply)
{
    struct confirmation *confirmation = ctx;
    struct auth *auth = confirmation->auth;
    int rows[AUTH_CONFIRM_MAX];
    auth_begin_reply(auth, reply);
    auth->confirming = false;
    for (uint32_t i = 0; i < confirmation->count; i++)
        rows[i] = -1;
    for (int row = 0; row < reply->rows; row++)
        rows[pg_int64(reply, row, 6) - 1] = row;
    for (uint32_t i = 0; i < confirmation->count; i++)
        auth_settle(confirmation->entries[i], reply, rows[i]);
    free(confirmation);
    auth_collect(auth);
}

static struct entry *of_due(struct ring *due)
{
    return (struct entry *)((char *)due - offsetof(struct entry, due));
}

static bool confirm(struct auth *auth, struct confirmation *confirmation)
{
    struct pg_array hashes;
    pg_array_init(&hashes, PG_BYTEA);
    for (struct ring *at = auth->due.next; at != &auth->due && confirmation->count < AUTH_CONFIRM_MAX;
         at = at->next) {
        struct entry *entry = of_due(at);
        pg_array_bytes(&hashes, (struct slice){(const char *)entry->hash, TOKEN_HASH_SIZE});
        confirmation->entries[confirmation->count++] = entry;
    }
    struct pg_param param = pg_array_param(&hashes);
    struct pg_query query = {
        .name = "token_confirm", .params = &param, .param_count = 1, .binary_result = true};
    bool taken = auth->link && pg_link_submit(auth->link, &query, on_confirmed, confirmation);
    pg_array_deinit(&hashes);
    return taken;
}

/* What the link does not take now is due again at its next use. */
void auth_on_collected(struct deadline *deadline)
{
    struct auth *auth = (struct auth *)((char *)deadline - offsetof(struct auth, collecting));
    if (ring_is_empty(&auth->due))
        return;
    struct confirmation *confirmation =
        malloc(sizeof *confirmation + AUTH_CONFIRM_MAX * sizeof confirmation->entries[0]);
    if (!confirmation)
        abort();
    *confirmation = (struct confirmation){.auth = auth};
    if (confirm(auth, confirmation)) {
        auth->lookups++;
        auth->confirming = true;
        for (uint32_t i = 0; i < confirmation->count; i++)
            auth_begin_asking(confirmation->entries[i]);
        return;
    }
    free(confirmation);
    while (!ring_is_empty(&auth->due))
        ring_remove(auth->due.next);
}
