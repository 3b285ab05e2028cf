/* The active blacklist: whom nobody is to be offered. Matching folds more than identity does
 * (rules/email_key.h), so that spellings do not slip through. A block holds from its start until just before
 * `until_ms`: at that millisecond it is over. */
#ifndef RULES_BLACKLIST_H
#define RULES_BLACKLIST_H

#include "rules/arena.h"
#include "rules/identity.h"
#include "rules/rank.h"
#include "rules/table.h"

enum block_kind { BLOCK_CUSTOMER, BLOCK_PHONE, BLOCK_EMAIL, BLOCK_DOMAIN, BLOCK_PREFIX };
#define BLOCK_KIND_COUNT 5
const char *block_kind_name(enum block_kind kind); /* customer phone email domain prefix */
bool block_kind_parse(enum block_kind *out, struct slice name) __attribute__((warn_unused_result));

struct block {
    struct uuid id;
    enum block_kind kind;
    struct uuid customer;       /* BLOCK_CUSTOMER */
    struct slice key;           /* the others: canonical and folded */
    uint8_t channels;           /* bit 1 << enum channel */
    int64_t start_ms, until_ms; /* TIME_NEVER: permanent */
};

struct blacklist {
    struct table by_key[BLOCK_KIND_COUNT]; /* of entries, by key (customer: the id's bytes) */
    struct table by_id;
    struct rank_tree ending; /* temporary ones, by when they end */
};

struct blacklist_entry;

void blacklist_init(struct blacklist *blacklist);
void blacklist_deinit(struct blacklist *blacklist);
/* Copies the block; an id that is there is left as it is and gives NULL. */
struct blacklist_entry *blacklist_add(struct blacklist *blacklist, const struct block *block);
/* Takes the entry out and gives it to the caller, NULL when there is none. */
struct blacklist_entry *blacklist_take(struct blacklist *blacklist, const struct uuid *id);
void blacklist_put_back(struct blacklist *blacklist, struct blacklist_entry *entry);
/* Frees what is over at that time. */
void blacklist_expire(struct blacklist *blacklist, int64_t at_ms);
void blacklist_entry_free(struct blacklist_entry **entry);
const struct block *blacklist_entry_block(const struct blacklist_entry *entry);

/* Who is asked about. `domain` and `folded` come from the e-mail key; `digits` is for prefixes of numbers
 * that have no canonical key. */
struct block_subject {
    enum channel channel;
    struct slice phone_key, digits, email_key;
};

/* The first match in the order phone, prefix, e-mail, domain, or NULL. Domains match themselves and what is
 * below. */
const struct block *blacklist_match_keys(const struct blacklist *blacklist,
                                         const struct block_subject *subject, int64_t at_ms,
                                         struct arena *scratch);
const struct block *blacklist_match_customer(const struct blacklist *blacklist, enum channel channel,
                                             const struct uuid *customer, int64_t at_ms);
bool block_is_active(const struct block *block, enum channel channel, int64_t at_ms);

#endif
