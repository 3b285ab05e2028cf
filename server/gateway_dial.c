#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/gateway_internal.h"
#include "server/secret_file.h"
#include "server/settings.h"

#define WHY_MAX 128

void gateway_dial_free(struct gateway_dial **owner)
{
    struct gateway_dial *dial = *owner;
    *owner = NULL;
    if (!dial)
        return;
    explicit_bzero(dial->secret, sizeof dial->secret);
    free(dial->host);
    free(dial->secret_folder);
    free(dial->secret_path);
    free(dial);
}

/* One line; its end does not belong to the secret. */
static bool read_secret(struct gateway_dial *dial)
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
    return !dial->why;
}

static bool look_up(struct gateway_dial *dial)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    if (uv_ip4_addr(dial->host, dial->port, &dial->addresses[0].v4) == 0 ||
        uv_ip6_addr(dial->host, dial->port, &dial->addresses[0].v6) == 0) {
        dial->count = 1;
        return true;
    }
    if (getaddrinfo(dial->host, NULL, &hints, &list) != 0) {
        dial->why = "its name cannot be resolved";
        return false;
    }
    for (const struct addrinfo *at = list; at && dial->count < GATEWAY_ADDRESSES_MAX; at = at->ai_next) {
        union gateway_address *address = &dial->addresses[dial->count];
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        memcpy(address, at->ai_addr, at->ai_addrlen);
        if (at->ai_family == AF_INET)
            address->v4.sin_port = htons(dial->port);
        else
            address->v6.sin6_port = htons(dial->port);
        dial->count++;
    }
    freeaddrinfo(list);
    if (!dial->count)
        dial->why = "its name has no address";
    return dial->count > 0;
}

/* On a thread of the pool: touches the dial alone. */
static void on_work(uv_work_t *work)
{
    struct gateway_dial *dial = work->data;
    if (!dial->secret_path || read_secret(dial))
        look_up(dial);
}

static void on_done(uv_work_t *work, int status)
{
    struct gateway_dial *dial = work->data;
    (void)status; /* never cancelled */
    dial->gateway->is_dialling = false;
    gateway_on_dialled(dial->gateway);
}

void gateway_dial_start(struct gateway *gateway)
{
    const struct config_gateway *config = &gateway->config;
    struct gateway_dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        abort();
    gateway_dial_free(&gateway->dial);
    dial->gateway = gateway;
    dial->work.data = dial;
    dial->host = strndup(config->host.ptr, config->host.len);
    dial->port = config->port;
    dial->secret_folder = strdup(gateway->gateways->app->settings->secret_folder);
    if (config->secret_file.len)
        dial->secret_path = strndup(config->secret_file.ptr, config->secret_file.len);
    if (!dial->host || !dial->secret_folder || (config->secret_file.len && !dial->secret_path))
        abort();
    gateway->dial = dial;
    gateway->is_dialling = true;
    gateway->handles++;
    if (uv_queue_work(gateway->gateways->app->loop, &dial->work, on_work, on_done) != 0)
        abort();
}
