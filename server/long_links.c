#include "server/long_links.h"

#include <stdlib.h>

#include "storage/pg_link.h"

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

static const char setup[] = "SET max_parallel_workers_per_gather = 0;"
                            "SET statement_timeout = '" TEXT(LONG_TIMEOUT_S) "s'";

struct long_links {
    struct pg_link *links[LONG_LINKS];
};

struct long_links *long_links_open(uv_loop_t *loop, const char *conninfo, char *why, size_t why_size)
{
    const struct pg_link_options options = {
        .conninfo = conninfo, .application_name = "patchbay lists", .setup = setup};
    struct long_links *links = calloc(1, sizeof *links);
    if (!links)
        abort();
    for (size_t i = 0; i < LONG_LINKS; i++) {
        links->links[i] = pg_link_open(loop, &options, why, why_size);
        if (!links->links[i]) { /* the first, since all are the same */
            free(links);
            return NULL;
        }
    }
    return links;
}

struct pg_link *long_links_pick(const struct long_links *links)
{
    struct pg_link *best = NULL;
    for (size_t i = 0; i < LONG_LINKS; i++) {
        struct pg_link *link = links->links[i];
        if (pg_link_is_up(link) && (!best || pg_link_pending(link) < pg_link_pending(best)))
            best = link;
    }
    return best;
}

void long_links_cut(const struct long_links *links, const char *why)
{
    for (size_t i = 0; i < LONG_LINKS; i++)
        pg_link_cut(links->links[i], why);
}

unsigned long_links_close(struct long_links **links, void (*on_closed)(void *ctx), void *ctx)
{
    if (!*links)
        return 0;
    for (size_t i = 0; i < LONG_LINKS; i++)
        pg_link_close(&(*links)->links[i], on_closed, ctx);
    free(*links);
    *links = NULL;
    return LONG_LINKS;
}
