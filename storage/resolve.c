#include "storage/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct resolve {
    uv_getaddrinfo_t request;
    resolve_on_done on_done; /* NULL once closed */
    void *ctx;
};

static void collect(struct resolve_addresses *out, const struct addrinfo *list)
{
    for (const struct addrinfo *at = list; at && out->count < RESOLVE_MAX; at = at->ai_next)
        if (getnameinfo(at->ai_addr, at->ai_addrlen, out->text[out->count], RESOLVE_TEXT_MAX, NULL, 0,
                        NI_NUMERICHOST) == 0)
            out->count++;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct resolve *resolve = request->data;
    if (resolve->on_done) {
        struct resolve_addresses addresses = {0};
        collect(&addresses, list);
        if (addresses.count)
            resolve->on_done(resolve->ctx, &addresses, NULL);
        else
            resolve->on_done(resolve->ctx, NULL,
                             status < 0 ? uv_strerror(status) : "the name has no address");
    }
    uv_freeaddrinfo(list);
    free(resolve);
}

struct resolve *resolve_open(uv_loop_t *loop, const char *host, resolve_on_done on_done, void *ctx)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);
    if (!resolve)
        abort();
    resolve->request.data = resolve;
    resolve->on_done = on_done;
    resolve->ctx = ctx;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    if (uv_getaddrinfo(loop, &resolve->request, on_resolved, host, NULL, &hints) != 0) {
        free(resolve);
        return NULL;
    }
    return resolve;
}

void resolve_close(struct resolve **resolve)
{
    struct resolve *old = *resolve;
    *resolve = NULL;
    if (!old)
        return;
    old->on_done = NULL;
    uv_cancel((uv_req_t *)&old->request); /* refused when it runs already: then on_resolved() only frees */
}

bool resolve_is_numeric(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}
