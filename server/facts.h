/* What is known of customers by canonical key: a bounded cache before resolve_customers.sql.
 *
 * An entry says which customers a key finds (often none: that is a fact too). Whoever needs an entry pins it,
 * fills what is missing from the database, reads, and unpins. Customers that a batch in flight creates are
 * put in at once, so that the next decision sees them; a rollback forgets them. Every forgetting raises the
 * generation: an answer of the database that was asked for before it is stale and not taken. */
#ifndef SERVER_FACTS_H
#define SERVER_FACTS_H

#include "rules/core.h"

struct facts_cache;
struct facts_entry;

enum facts_kind { FACTS_PHONE, FACTS_EMAIL };

struct facts_cache *facts_cache_alloc(size_t entries_max);
void facts_cache_free(struct facts_cache **cache);
uint64_t facts_cache_generation(const struct facts_cache *cache);

/* Finds or makes the entry. The oldest entry that nobody pins goes when there are too many. */
struct facts_entry *facts_pin(struct facts_cache *cache, enum facts_kind kind, struct slice key);
void facts_unpin(struct facts_cache *cache, struct facts_entry **entry);
bool facts_is_filled(const struct facts_entry *entry);
struct slice facts_key(const struct facts_entry *entry);

/* Filling: one call per customer found, then facts_filled(). `newest` is the customer's newest interaction or
 * nil. */
void facts_add(struct facts_cache *cache, struct facts_entry *entry, const struct customer_fact *fact,
               const struct uuid *newest);
void facts_filled(struct facts_entry *entry);

/* The key's customers are no longer as remembered. */
void facts_forget(struct facts_cache *cache, enum facts_kind kind, struct slice key);
void facts_forget_all(struct facts_cache *cache);
/* The customer has a newer interaction, and when `agent` is not empty that agent took it at that time; if the
 * batch is committed. */
void facts_touch(struct facts_cache *cache, const struct uuid *customer, const struct uuid *interaction,
                 struct slice agent, int64_t at_ms);
/* How many were touched and neither committed nor taken back. */
size_t facts_touched(const struct facts_cache *cache);
void facts_commit(struct facts_cache *cache, size_t count);   /* the first ones */
void facts_rollback(struct facts_cache *cache, size_t count); /* the last ones */

/* Joins both entries (either may be NULL) into the facts of one input: newest interaction first, at most
 * CORE_CANDIDATES_MAX. Names and tags are borrowed from the cache as long as the entries are pinned. */
void facts_join(struct facts *out, const struct facts_entry *phone, const struct facts_entry *email,
                struct arena *arena);

#endif
