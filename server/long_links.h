/* The links for statements that may take long (lists, exports, imports, mails that are kept as they came), so
 * that nobody waits behind them who reads or changes one customer. Few, so that they never keep all cores of
 * the database. */
#ifndef SERVER_LONG_LINKS_H
#define SERVER_LONG_LINKS_H

#include <uv.h>

struct pg_link;

#define LONG_LINKS 4
#define LONG_TIMEOUT_S 20 /* of a statement; of the desk's 30 */

struct long_links;

/* NULL when conninfo cannot be used; then `why` says why. */
struct long_links *long_links_open(uv_loop_t *loop, const char *conninfo, char *why, size_t why_size);
/* The one with the least to do, or NULL while none is up. */
struct pg_link *long_links_pick(const struct long_links *links);
/* As pg_link_cut(), each of them. */
void long_links_cut(const struct long_links *links, const char *why);
/* *links is NULL at once. Gives how often on_closed will be called, in later turns of the loop. */
unsigned long_links_close(struct long_links **links, void (*on_closed)(void *ctx), void *ctx);

#endif
