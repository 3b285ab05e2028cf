/* Entries live in a table by hash and in one of two rings (known, unknown), oldest use first. An entry is one
 * question at most: while it is being asked it collects waiters and stays put; otherwise it may be evicted.
 */
#include "server/auth_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void on_reply(void *ctx, const struct pg_reply *reply);

static void unlink_entry(struct entry *entry)
{
    ring_remove(&entry->ring);
    if (entry->known)
        entry->auth->known_count--;
    else
        entry->auth->unknown_count--;
}

static void link_entry(struct entry *entry)
{
    ring_append(entry->known ? &entry->auth->known : &entry->auth->unknown, &entry->ring);
    if (entry->known)
        entry->auth->known_count++;
    else
        entry->auth->unknown_count++;
}

static void entry_free(struct entry *entry)
{
    assert(!entry->asking && !entry->waiters);
    unlink_entry(entry);
    table_remove(&entry->auth->table, &entry->node);
    free(entry->texts);
    free(entry);
}

static void evict(struct ring *ring)
{
    for (struct ring *at = ring->next; at != ring; at = at->next) {
        struct entry *entry = (struct entry *)at;
        if (!entry->asking && !entry->pinned) {
            entry_free(entry);
            return;
        }
    }
}

static struct entry *entry_make(struct auth *auth, const uint8_t hash[TOKEN_HASH_SIZE])
{
    if (auth->unknown_count >= AUTH_UNKNOWN_MAX)
        evict(&auth->unknown);
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        abort();
    entry->auth = auth;
    memcpy(entry->hash, hash, TOKEN_HASH_SIZE);
    entry->node.owner = entry;
    entry->last_waiter = &entry->waiters;
    table_insert(&auth->table, &entry->node, (struct slice){(const char *)entry->hash, TOKEN_HASH_SIZE});
    link_entry(entry);
    return entry;
}

static bool ask(struct entry *entry)
{
    struct auth *auth = entry->auth;
    struct pg_param hash = {entry->hash, TOKEN_HASH_SIZE, true};
    struct pg_query query = {.name = "token_find", .params = &hash, .param_count = 1, .binary_result = true};
    if (!auth->link || auth->lookups >= AUTH_LOOKUPS_MAX ||
        !pg_link_submit(auth->link, &query, on_reply, entry))
        return false;
    auth->lookups++;
    entry->asking = true;
    entry->asked_ms = uv_now(auth->loop);
    entry->generation = auth->generation;
    return true;
}

/* How long ago the database last said what this entry holds, or that no token has changed since; UINT64_MAX:
 * never. */
static uint64_t age(const struct entry *entry)
{
    uint64_t now = uv_now(entry->auth->loop), confirmed = entry->confirmed_ms;
    if (!entry->answered || now >= entry->expires_ms)
        return UINT64_MAX;
    if (entry->known && entry->auth->heard_ms > confirmed && now - confirmed < AUTH_TRUST_MS)
        confirmed = entry->auth->heard_ms;
    return now - confirmed;
}

static void answer_without_storage(struct entry *entry, auth_on_found on_found, void *ctx)
{
    bool goes_on = entry->known && age(entry) < AUTH_AWAY_MS;
    log_event_limited(&entry->auth->away_limit, LOG_WARN, "tokens cannot be confirmed",
                      (struct log_field[]){log_bool("goes_on", goes_on)}, 1);
    on_found(ctx, goes_on ? &entry->principal : NULL, !goes_on);
}

/* Takes the waiters off first: a callback may ask again. */
static void answer_waiters(struct entry *entry, bool storage_away)
{
    struct waiter *next, *waiter = entry->waiters;
    entry->waiters = NULL;
    entry->last_waiter = &entry->waiters;
    deadline_stop(&entry->patience);
    entry->pinned = true;
    for (; waiter; waiter = next) {
        next = waiter->next;
        entry->auth->waiters--;
        if (storage_away)
            answer_without_storage(entry, waiter->on_found, waiter->ctx);
        else
            waiter->on_found(waiter->ctx, entry->known ? &entry->principal : NULL, false);
        free(waiter);
    }
    entry->pinned = false;
}

static void on_patience(struct deadline *deadline)
{
    answer_waiters((struct entry *)((char *)deadline - offsetof(struct entry, patience)), true);
}

static void wait_for(struct entry *entry, auth_on_found on_found, void *ctx)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        abort();
    *waiter = (struct waiter){NULL, on_found, ctx};
    *entry->last_waiter = waiter;
    entry->last_waiter = &waiter->next;
    entry->auth->waiters++;
    if (!deadline_is_running(&entry->patience))
        deadline_start(&entry->auth->patience, &entry->patience);
}

static bool role_parse(enum role *out, struct slice name)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (slice_is(name, role_name((enum role)i))) {
            *out = (enum role)i;
            return true;
        }
    }
    return false;
}

/* There is a row of a hash, or none. */
static void take_answer(struct entry *entry, const struct pg_reply *reply)
{
    enum role role = ROLE_SOURCE;
    bool known = reply->rows && role_parse(&role, pg_cell(reply, 0, 3));
    unlink_entry(entry);
    entry->known = known;
    entry->answered = true;
    entry->confirmed_ms = entry->asked_ms;
    entry->expires_ms = UINT64_MAX;
    free(entry->texts);
    entry->texts = NULL;
    entry->principal = (struct principal){0};
    if (known) {
        struct slice project = pg_cell(reply, 0, 2), agent = pg_cell(reply, 0, 4);
        entry->texts = malloc(project.len + agent.len + 1);
        if (!entry->texts)
            abort();
        memcpy(entry->texts, project.ptr, project.len);
        if (agent.len)
            memcpy(entry->texts + project.len, agent.ptr, agent.len);
        entry->principal = (struct principal){.token = pg_uuid(reply, 0, 0),
                                              .role = role,
                                              .project = (uint32_t)pg_int64(reply, 0, 1),
                                              .project_name = {entry->texts, project.len},
                                              .agent = {entry->texts + project.len, agent.len}};
        memcpy(entry->principal.token_hash, entry->hash, sizeof entry->hash);
        if (!pg_is_null(reply, 0, 5))
            entry->expires_ms = entry->asked_ms + (uint64_t)pg_int64(reply, 0, 5);
        if (entry->auth->known_count >= AUTH_KNOWN_MAX)
            evict(&entry->auth->known);
        auth_ping_begin(entry->auth);
    } else if (entry->auth->unknown_count >= AUTH_UNKNOWN_MAX) {
        evict(&entry->auth->unknown);
    }
    link_entry(entry);
}

static void settle(struct entry *entry, const struct pg_reply *reply)
{
    entry->asking = false;
    bool is_current = entry->generation == entry->auth->generation;
    if (reply->outcome == PG_OK && is_current) {
        take_answer(entry, reply);
        answer_waiters(entry, false);
        return;
    }
    /* What was asked before auth_forget_all() may be an old truth: once more. */
    if (reply->outcome == PG_OK && entry->waiters && ask(entry))
        return;
    answer_waiters(entry, true);
}

static void on_reply(void *ctx, const struct pg_reply *reply)
{
    struct entry *entry = ctx;
    struct auth *auth = entry->auth;
    auth->lookups--;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(
            &auth->away_limit, LOG_ERROR, "the database refused to find a token",
            (struct log_field[]){log_str("sqlstate", reply->sqlstate), log_str("why", reply->message)}, 2);
    settle(entry, reply);
}

static bool is_fresh(const struct entry *entry)
{
    return age(entry) < (entry->known ? AUTH_KNOWN_MS : AUTH_UNKNOWN_MS);
}

void auth_find_hash(struct auth *auth, const uint8_t hash[TOKEN_HASH_SIZE], auth_on_found on_found, void *ctx)
{
    struct table_node *node = table_find(&auth->table, (struct slice){(const char *)hash, TOKEN_HASH_SIZE});
    struct entry *entry = node ? node->owner : NULL;
    if (entry && is_fresh(entry)) {
        ring_remove(&entry->ring);
        ring_append(entry->known ? &auth->known : &auth->unknown, &entry->ring);
        on_found(ctx, entry->known ? &entry->principal : NULL, false);
        return;
    }
    if (!entry)
        entry = entry_make(auth, hash);
    bool stalls = entry->asking && uv_now(auth->loop) - entry->asked_ms >= AUTH_WAIT_MS;
    if (stalls || auth->waiters >= AUTH_WAITERS_MAX || (!entry->asking && !ask(entry)))
        answer_without_storage(entry, on_found, ctx);
    else
        wait_for(entry, on_found, ctx);
}

void auth_find(struct auth *auth, struct slice token, auth_on_found on_found, void *ctx)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    if (token_hash(token, hash))
        auth_find_hash(auth, hash, on_found, ctx);
    else
        on_found(ctx, NULL, false);
}

bool auth_remembers(const struct auth *auth, struct slice token)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    if (!token_hash(token, hash))
        return false;
    struct table_node *node = table_find(&auth->table, (struct slice){(const char *)hash, TOKEN_HASH_SIZE});
    const struct entry *entry = node ? node->owner : NULL;
    return entry && entry->known && entry->answered;
}

static void forget_ring(struct ring *ring)
{
    struct ring *next;
    for (struct ring *at = ring->next; at != ring; at = next) {
        struct entry *entry = (struct entry *)at;
        next = at->next;
        if (entry->asking || entry->pinned)
            entry->answered = false;
        else
            entry_free(entry);
    }
}

void auth_forget_all(struct auth *auth)
{
    auth->generation++;
    forget_ring(&auth->known);
    forget_ring(&auth->unknown);
}

uint64_t auth_generation(const struct auth *auth)
{
    return auth->generation;
}

struct auth *auth_open(uv_loop_t *loop, struct pg_link *link, const struct uuid *instance)
{
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth)
        abort();
    auth->loop = loop;
    auth->link = link;
    ring_init(&auth->known);
    ring_init(&auth->unknown);
    table_init(&auth->table);
    deadline_clock_init(&auth->clock, loop);
    deadline_queue_init(&auth->patience, &auth->clock, AUTH_WAIT_MS, on_patience);
    auth_ping_init(auth, instance);
    return auth;
}

void auth_leave_link(struct auth *auth)
{
    auth->link = NULL;
}

static void on_clock_closed(void *clock_ctx)
{
    struct auth *auth = clock_ctx;
    void (*on_closed)(void *ctx) = auth->on_closed;
    void *ctx = auth->closed_ctx;
    free(auth);
    if (on_closed)
        on_closed(ctx);
}

void auth_close(struct auth **pointer, void (*on_closed)(void *ctx), void *ctx)
{
    struct auth *auth = *pointer;
    *pointer = NULL;
    if (!auth)
        return;
    assert(auth->lookups == 0 && auth->waiters == 0);
    auth->generation++;
    forget_ring(&auth->known);
    forget_ring(&auth->unknown);
    table_deinit(&auth->table);
    auth->on_closed = on_closed;
    auth->closed_ctx = ctx;
    deadline_clock_close(&auth->clock, on_clock_closed, auth);
}

void principal_copy(struct principal *to, const struct principal *from, struct arena *arena)
{
    *to = *from;
    to->project_name = arena_copy(arena, from->project_name);
    to->agent = arena_copy(arena, from->agent);
}
