#include <stdlib.h>
#include <string.h>

#include "server/gateway_internal.h"
#include "server/secret_file.h"
#include "server/settings.h"

#define WHY_MAX 128

static const char unresolved[] = "its name cannot be resolved";

static void dial_free(struct gateway_dial *dial)
{
    explicit_bzero(dial->secret, sizeof dial->secret);
    free(dial->secret_folder);
    free(dial->secret_path);
    free(dial);
}

void gateway_dial_drop(struct gateway_dial **owner)
{
    struct gateway_dial *dial = *owner;
    *owner = NULL;
    if (!dial)
        return;
    resolve_close(&dial->resolve);
    dial->gateway = NULL;
    if (!dial->is_reading)
        dial_free(dial);
    else
        uv_cancel((uv_req_t *)&dial->work); /* refused when it is read already: then on_read() frees it */
}

/* --- the secret --- */

/* One line; its end does not belong to the secret. */
static void read_secret(struct gateway_dial *dial)
{
    struct arena arena;
    struct slice text;
    char why[WHY_MAX];
    arena_init(&arena);
    enum secret_file status = secret_file_read(&text, dial->secret_folder, dial->secret_path,
                                               GATEWAY_SECRET_MAX, &arena, why, sizeof why);
    bool good = status == SECRET_FILE_READ;
    while (good && text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (!good)
        dial->why =
            status == SECRET_FILE_OUTSIDE ? SECRET_FILE_OUTSIDE_TEXT : "the secret file cannot be read";
    else if (!text.len || memchr(text.ptr, '\n', text.len) || memchr(text.ptr, '\r', text.len) ||
             memchr(text.ptr, 0, text.len))
        dial->why = "the secret file must hold one line";
    else
        memcpy(dial->secret, text.ptr, dial->secret_len = text.len);
    arena_deinit(&arena);
}

/* On a thread of the pool: touches the dial alone. */
static void on_work(uv_work_t *work)
{
    struct gateway_dial *dial = work->data;
    if (dial->secret_path)
        read_secret(dial);
}

/* --- the name --- */

static void add_address(struct gateway_dial *dial, const char *text)
{
    union gateway_address *address = &dial->addresses[dial->count];
    uint16_t port = dial->gateway->config.port;
    if (uv_ip4_addr(text, port, &address->v4) == 0 || uv_ip6_addr(text, port, &address->v6) == 0)
        dial->count++;
}

static void on_resolved(void *ctx, const struct resolve_addresses *found, const char *why)
{
    struct gateway_dial *dial = ctx;
    (void)why; /* one text of ours for all reasons */
    dial->resolve = NULL;
    for (int i = 0; found && i < found->count && dial->count < GATEWAY_ADDRESSES_MAX; i++)
        add_address(dial, found->text[i]);
    if (!dial->count)
        dial->why = unresolved;
    gateway_on_dialled(dial->gateway);
}

static void on_read(uv_work_t *work, int status)
{
    struct gateway_dial *dial = work->data;
    struct gateway *gateway = dial->gateway;
    (void)status; /* cancelled when it is dropped, and only then */
    dial->is_reading = false;
    if (!gateway) {
        dial_free(dial);
        return;
    }
    if (!dial->why && resolve_is_numeric(gateway->host)) {
        add_address(dial, gateway->host);
    } else if (!dial->why) {
        dial->resolve = resolve_open(gateway->gateways->app->loop, gateway->host, on_resolved, dial);
        if (dial->resolve)
            return;
        dial->why = unresolved;
    }
    gateway_on_dialled(gateway);
}

void gateway_dial_start(struct gateway *gateway)
{
    struct slice path = gateway->config.listens ? (struct slice){NULL, 0} : gateway->config.secret_file;
    struct gateway_dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        abort();
    gateway_dial_drop(&gateway->dial);
    dial->gateway = gateway;
    dial->work.data = dial;
    dial->secret_folder = strdup(gateway->gateways->app->settings->secret_folder);
    dial->secret_path = path.len ? strndup(path.ptr, path.len) : NULL;
    if (!dial->secret_folder || (path.len && !dial->secret_path))
        abort();
    gateway->dial = dial;
    dial->is_reading = true;
    if (uv_queue_work(gateway->gateways->app->loop, &dial->work, on_work, on_read) != 0)
        abort();
}
