/* One gateway's life: it dials, or listens, until it is closed. */
#include "server/gateway.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/gateway_internal.h"
#include "server/log.h"
#include "server/project.h"

#define BACKLOG 128

const char *gateway_phase_name(const struct gateway *gateway)
{
    static const char *const names[] = {"waiting",   "connecting", "authenticating",
                                        "connected", "listening",  "closing"};
    return gateway->is_refused ? "refused" : names[gateway->phase];
}

bool gateway_is_up(const struct gateway *gateway)
{
    return gateway->phase == GATEWAY_CONNECTED || gateway->phase == GATEWAY_LISTENING;
}

static void log_phase(const struct gateway *gateway)
{
    struct log_field fields[] = {log_text("project", gateway->project_name),
                                 log_text("gateway", gateway->config.name),
                                 log_str("state", gateway_phase_name(gateway)), log_str("why", gateway->why)};
    log_event(gateway->is_refused ? LOG_ERROR
              : gateway->why      ? LOG_WARN
                                  : LOG_INFO,
              gateway->why ? "a gateway is away" : "a gateway is there", fields, gateway->why ? 4 : 3);
}

/* Told when it comes, when it goes, and when it is away for another reason than before; not at every try. */
void gateway_enter(struct gateway *gateway, enum gateway_phase phase, const char *why)
{
    static const unsigned legal[] = {
        [GATEWAY_WAITING] = 1u << GATEWAY_WAITING | 1u << GATEWAY_CONNECTING | 1u << GATEWAY_LISTENING |
                            1u << GATEWAY_CLOSING,
        [GATEWAY_CONNECTING] = 1u << GATEWAY_AUTHENTICATING | 1u << GATEWAY_LISTENING |
                               1u << GATEWAY_WAITING | 1u << GATEWAY_CLOSING,
        [GATEWAY_AUTHENTICATING] = 1u << GATEWAY_CONNECTED | 1u << GATEWAY_WAITING | 1u << GATEWAY_CLOSING,
        [GATEWAY_CONNECTED] = 1u << GATEWAY_WAITING | 1u << GATEWAY_CLOSING,
        [GATEWAY_LISTENING] = 1u << GATEWAY_CLOSING,
        [GATEWAY_CLOSING] = 0,
    };
    bool was_up = gateway_is_up(gateway), is_news = phase == GATEWAY_WAITING && why != gateway->why;
    assert(legal[gateway->phase] & 1u << phase);
    if (phase != GATEWAY_WAITING)
        gateway->is_refused = false;
    gateway->phase = phase;
    if (gateway_is_up(gateway) != was_up) {
        gateway->since_ms = clock_now_ms();
        gateway->attempts = 0;
    }
    if (gateway_is_up(gateway) || why)
        gateway->why = why;
    if (gateway_is_up(gateway) || is_news)
        log_phase(gateway);
}

/* --- dialling --- */

static void on_retry(uv_timer_t *timer);
static void listen_on(struct gateway *gateway, const union gateway_address *address);

static void wait_and_retry(struct gateway *gateway, const char *why, bool is_refused)
{
    uint64_t step = gateway->retry_ms ? gateway->retry_ms : GATEWAY_RETRY_FIRST_MS;
    uint32_t random = 0;
    gateway->retry_ms = step * 2 < GATEWAY_RETRY_MAX_MS ? step * 2 : GATEWAY_RETRY_MAX_MS;
    if (is_refused)
        step = GATEWAY_RETRY_REFUSED_MS;
    if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL) != 0)
        random = 0; /* worse manners, same meaning */
    gateway->is_refused = is_refused;
    gateway->reconnects++;
    gateway_enter(gateway, GATEWAY_WAITING, why);
    uv_timer_start(&gateway->retry, on_retry, step / 2 + random % (step / 2 + 1), 0);
}

static void try_next(struct gateway *gateway)
{
    struct gateway_dial *dial = gateway->dial;
    const union gateway_address *address = &dial->addresses[dial->next++];
    if (gateway->config.listens)
        listen_on(gateway, address);
    else
        gateway_link_connect(gateway_link_open(gateway), address);
}

static bool has_next(const struct gateway *gateway)
{
    return gateway->dial && gateway->dial->next < gateway->dial->count;
}

void gateway_on_dialled(struct gateway *gateway)
{
    uv_timer_stop(&gateway->retry);
    if (gateway->dial->why)
        wait_and_retry(gateway, gateway->dial->why, false);
    else
        try_next(gateway);
}

static void on_dial_late(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    const char *why =
        gateway->dial->resolve ? "its name is not resolved in time" : "the secret file is not read in time";
    gateway_dial_drop(&gateway->dial);
    wait_and_retry(gateway, why, false);
}

void gateway_on_link_closed(struct gateway *gateway, const struct gateway_link *link)
{
    if (gateway->phase == GATEWAY_CLOSING) {
        gateway_handle_closed(gateway);
        return;
    }
    if (gateway->config.listens) {
        static struct log_limit limit;
        if (link->is_refused)
            log_event_limited(&limit, LOG_WARN, "a peer of a gateway is refused",
                              (struct log_field[]){log_text("project", gateway->project_name),
                                                   log_text("gateway", gateway->config.name),
                                                   log_str("why", link->why)},
                              3);
        return;
    }
    if (link->is_ready && clock_now_ms() - gateway->since_ms >= GATEWAY_STEADY_MS)
        gateway->retry_ms = 0;
    if (!link->is_connected && has_next(gateway))
        try_next(gateway);
    else
        wait_and_retry(gateway, link->why, link->is_refused);
}

void gateway_refuse_call(struct gateway *gateway, struct slice call)
{
    if (gateway->config.hangs_up_blocked && gateway->kind->hang_up && gateway->phase != GATEWAY_CLOSING)
        gateway->kind->hang_up(gateway, call);
}

/* --- listening --- */

static void on_peer(uv_stream_t *listener, int status)
{
    struct gateway *gateway = listener->data;
    if (status != 0)
        return;
    struct gateway_link *link = gateway_link_open(gateway);
    if (gateway_link_accept(link, listener) && gateway->link_count > GATEWAY_LINKS_MAX)
        gateway_link_refuse(link, "too many connections");
}

static void on_handle_closed(uv_handle_t *handle)
{
    gateway_handle_closed(handle->data);
}

/* Not before: its memory is the next try's. */
static void on_deaf_closed(uv_handle_t *handle)
{
    struct gateway *gateway = handle->data;
    if (gateway->phase == GATEWAY_CLOSING) {
        gateway_handle_closed(gateway);
        return;
    }
    gateway->handles--;
    if (has_next(gateway))
        try_next(gateway);
    else
        wait_and_retry(gateway, "it cannot listen there", false);
}

static void listen_on(struct gateway *gateway, const union gateway_address *address)
{
    int status;
    if (uv_tcp_init(gateway->gateways->app->loop, &gateway->listener) != 0)
        abort();
    gateway->listener.data = gateway;
    gateway->handles++;
    status = uv_tcp_bind(&gateway->listener, &address->any, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&gateway->listener, BACKLOG, on_peer);
    if (status == 0) {
        gateway->is_listening = true;
        gateway_enter(gateway, GATEWAY_LISTENING, NULL);
        return;
    }
    uv_close((uv_handle_t *)&gateway->listener, on_deaf_closed);
}

static void on_retry(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    union gateway_address address;
    uint16_t port = gateway->config.port;
    gateway->attempts++;
    if (gateway->config.listens && (uv_ip4_addr(gateway->host, port, &address.v4) == 0 ||
                                    uv_ip6_addr(gateway->host, port, &address.v6) == 0)) {
        listen_on(gateway, &address);
        return;
    }
    gateway_enter(gateway, GATEWAY_CONNECTING, NULL);
    gateway_dial_start(gateway);
    uv_timer_start(timer, on_dial_late, GATEWAY_DIAL_DEADLINE_MS, 0);
}

/* --- opening and closing --- */

static struct slice *copy_list(const struct slice *list, uint32_t count, struct arena *arena)
{
    struct slice *copy = arena_array(arena, struct slice, count);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = arena_copy(arena, list[i]);
    return copy;
}

/* Configurations come and go; a gateway that is the same in both stays. */
static void copy_config(struct gateway *gateway, const struct project_config *project,
                        const struct config_gateway *config)
{
    struct arena *arena = &gateway->arena;
    struct config_gateway *copy = &gateway->config;
    *copy = *config;
    copy->name = arena_copy(arena, config->name);
    gateway->host = arena_string(arena, config->host);
    copy->host = slice_of(gateway->host);
    copy->user = arena_copy(arena, config->user);
    copy->secret_file = arena_copy(arena, config->secret_file);
    copy->redirect = arena_copy(arena, config->redirect);
    copy->contexts = copy_list(config->contexts, config->context_count, arena);
    copy->extensions = arena_array(arena, struct config_extension, config->extension_count);
    gateway->agents = arena_array(arena, struct slice, config->extension_count);
    for (uint32_t i = 0; i < config->extension_count; i++) {
        copy->extensions[i].number = arena_copy(arena, config->extensions[i].number);
        gateway->agents[i] = arena_copy(arena, project->agents[config->extensions[i].agent].name);
    }
    if (config->endpoint >= 0)
        gateway->endpoint = arena_copy(arena, project->endpoints[config->endpoint].address);
    gateway->region = arena_copy(arena, project->region);
}

static bool are_same(const struct slice *a, const struct slice *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!slice_equal(a[i], b[i]))
            return false;
    }
    return true;
}

bool gateway_is_as(const struct gateway *gateway, const struct project *owner,
                   const struct config_gateway *config)
{
    const struct config_gateway *mine = &gateway->config;
    const struct project_config *project = project_config(owner);
    struct slice endpoint =
        config->endpoint < 0 ? (struct slice){NULL, 0} : project->endpoints[config->endpoint].address;
    bool same =
        mine->protocol == config->protocol && mine->listens == config->listens &&
        slice_equal(mine->host, config->host) && mine->port == config->port &&
        slice_equal(mine->user, config->user) && slice_equal(mine->secret_file, config->secret_file) &&
        mine->plain_login == config->plain_login && mine->default_secret == config->default_secret &&
        mine->hangs_up_blocked == config->hangs_up_blocked && slice_equal(mine->redirect, config->redirect) &&
        slice_equal(gateway->endpoint, endpoint) && slice_equal(gateway->region, project->region) &&
        mine->context_count == config->context_count &&
        are_same(mine->contexts, config->contexts, mine->context_count) &&
        mine->extension_count == config->extension_count;
    for (uint32_t i = 0; same && i < mine->extension_count; i++)
        same = slice_equal(mine->extensions[i].number, config->extensions[i].number) &&
               slice_equal(gateway->agents[i], project->agents[config->extensions[i].agent].name);
    return same;
}

struct gateway *gateway_open(struct gateways *gateways, struct project *project,
                             const struct config_gateway *config)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    uv_loop_t *loop = gateways->app->loop;
    if (!gateway || uv_timer_init(loop, &gateway->retry) != 0 || uv_timer_init(loop, &gateway->resubmit) != 0)
        abort();
    arena_init(&gateway->arena);
    table_init(&gateway->subjects);
    gateway->gateways = gateways;
    gateway->project = project;
    gateway->project_name = arena_copy(&gateway->arena, project_name(project));
    gateway->kind = gateway_kinds[config->protocol];
    copy_config(gateway, project_config(project), config);
    snprintf(gateway->source, sizeof gateway->source, "%s/%.*s", gateway_protocol_name(config->protocol),
             (int)config->name.len, config->name.ptr);
    gateway->links.prev = gateway->links.next = &gateway->links;
    gateway->events.prev = gateway->events.next = &gateway->events;
    gateway->retry.data = gateway->resubmit.data = gateway;
    gateway->handles = 2;
    gateway->since_ms = clock_now_ms();
    gateways->open++;
    if (gateway->kind->open)
        gateway->state = gateway->kind->open(gateway);
    on_retry(&gateway->retry);
    return gateway;
}

void gateway_quiesce(struct gateway *gateway)
{
    if (gateway->phase == GATEWAY_CLOSING)
        return;
    gateway_enter(gateway, GATEWAY_CLOSING, NULL);
    gateway->handles += gateway->link_count;
    gateway_dial_drop(&gateway->dial);
    uv_close((uv_handle_t *)&gateway->retry, on_handle_closed);
    uv_close((uv_handle_t *)&gateway->resubmit, on_handle_closed);
    if (gateway->is_listening)
        uv_close((uv_handle_t *)&gateway->listener, on_handle_closed);
    for (struct gateway_link *link = gateway->links.next; link != &gateway->links; link = link->next)
        gateway_link_quiesce(link);
    gateway->handles++; /* of gateway_close() */
}

/* A second time while its handles are closing: when its line was taken away, and when everything ends. */
void gateway_close(struct gateway *gateway)
{
    if (gateway->is_given_up)
        return;
    gateway->is_given_up = true;
    gateway_quiesce(gateway);
    gateway_events_drop(gateway);
    gateway_handle_closed(gateway);
}

void gateway_handle_closed(struct gateway *gateway)
{
    struct gateways *gateways = gateway->gateways;
    struct gateway **at = &gateways->first;
    assert(gateway->phase == GATEWAY_CLOSING);
    if (--gateway->handles > 0 || gateway->event_count > 0)
        return;
    if (gateway->kind->close)
        gateway->kind->close(gateway->state);
    while (*at != gateway)
        at = &(*at)->next;
    *at = gateway->next;
    table_deinit(&gateway->subjects);
    arena_deinit(&gateway->arena);
    free(gateway);
    gateways->open--;
    if (gateways->closing && gateways->open == 0) {
        void (*on_closed)(void *) = gateways->on_closed;
        void *ctx = gateways->on_closed_ctx;
        free(gateways);
        on_closed(ctx);
    }
}

/* --- for those who speak --- */

struct app *gateway_app(const struct gateway *gateway)
{
    return gateway->gateways->app;
}

struct project *gateway_project(const struct gateway *gateway)
{
    return gateway->project;
}

const struct config_gateway *gateway_config(const struct gateway *gateway)
{
    return &gateway->config;
}

void *gateway_state(const struct gateway *gateway)
{
    return gateway->state;
}

struct slice gateway_source(const struct gateway *gateway)
{
    return slice_of(gateway->source);
}

struct slice gateway_region(const struct gateway *gateway)
{
    return gateway->region;
}

struct slice gateway_agent_at(const struct gateway *gateway, struct slice number)
{
    for (uint32_t i = 0; i < gateway->config.extension_count; i++) {
        if (slice_equal(gateway->config.extensions[i].number, number))
            return gateway->agents[i];
    }
    return (struct slice){NULL, 0};
}

void gateway_give_up_order(const struct gateway *gateway)
{
    static struct log_limit limit;
    log_event_limited(&limit, LOG_WARN, "too many commands wait for a gateway; one is given up",
                      (struct log_field[]){log_text("project", gateway->project_name),
                                           log_text("gateway", gateway->config.name)},
                      2);
}

void gateway_tell_unlisted(struct gateway *gateway)
{
    static struct log_limit limit;
    gateway->unlisted++;
    log_event_limited(&limit, LOG_WARN, "a gateway does not say which calls it has; it is asked again",
                      (struct log_field[]){log_text("project", gateway->project_name),
                                           log_text("gateway", gateway->config.name)},
                      2);
}

void gateway_tell_overlong(struct gateway *gateway, size_t bytes)
{
    static struct log_limit limit;
    gateway->overlong++;
    log_event_limited(&limit, LOG_WARN, "a gateway says more at once than is read; it is passed over",
                      (struct log_field[]){log_text("project", gateway->project_name),
                                           log_text("gateway", gateway->config.name),
                                           log_int("bytes", (int64_t)bytes)},
                      3);
}

struct slice gateway_extension_of(const struct gateway *gateway, struct slice agent)
{
    for (uint32_t i = 0; i < gateway->config.extension_count; i++) {
        if (slice_equal(gateway->agents[i], agent))
            return gateway->config.extensions[i].number;
    }
    return (struct slice){NULL, 0};
}

struct gateway_link *gateway_link(const struct gateway *gateway)
{
    struct gateway_link *link = gateway->links.next;
    return link == &gateway->links || link->is_cut || !link->is_connected ? NULL : link;
}
