#include "proxy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536

union stream {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct pair {
    struct pair *next;
    struct proxy *proxy;
    union stream sides[2]; /* the link's, the server's */
    bool connected;
    int open;
    uv_connect_t connect;
};

struct proxy {
    uv_loop_t *loop;
    uv_tcp_t listener;
    bool listening, stalled, closing;
    char upstream[256];
    int upstream_port;
    struct pair *pairs;
};

struct write {
    uv_write_t request;
    char bytes[];
};

static void forget_proxy(struct proxy *proxy)
{
    if (proxy->closing && !proxy->pairs && !proxy->listening)
        free(proxy);
}

static void on_side_closed(uv_handle_t *handle)
{
    struct pair *pair = handle->data;
    if (--pair->open > 0)
        return;
    struct pair **at = &pair->proxy->pairs;
    while (*at != pair)
        at = &(*at)->next;
    *at = pair->next;
    struct proxy *proxy = pair->proxy;
    free(pair);
    forget_proxy(proxy);
}

static void close_pair(struct pair *pair, bool reset)
{
    for (int i = 0; i < 2; i++) {
        if (uv_is_closing(&pair->sides[i].handle))
            continue;
        if (i == 0 && reset)
            uv_tcp_close_reset(&pair->sides[i].tcp, on_side_closed);
        else
            uv_close(&pair->sides[i].handle, on_side_closed);
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    (void)handle, (void)size;
    struct write *write = malloc(sizeof *write + CHUNK);
    assert(write);
    *out = uv_buf_init(write->bytes, CHUNK);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct pair *pair = stream->data;
    struct write *write = buf->base ? (struct write *)(buf->base - offsetof(struct write, bytes)) : NULL;
    if (len <= 0) {
        free(write);
        if (len < 0)
            close_pair(pair, false);
        return;
    }
    union stream *other = &pair->sides[stream == &pair->sides[0].stream];
    uv_buf_t out = uv_buf_init(write->bytes, (unsigned)len);
    if (uv_write(&write->request, &other->stream, &out, 1, on_written) != 0)
        free(write);
}

static void pump(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        if (!pair->connected || uv_is_closing(&pair->sides[i].handle))
            continue;
        if (pair->proxy->stalled)
            uv_read_stop(&pair->sides[i].stream);
        else
            uv_read_start(&pair->sides[i].stream, on_alloc, on_read);
    }
}

static void on_upstream(uv_connect_t *connect, int status)
{
    struct pair *pair = connect->data;
    pair->connected = status == 0;
    if (status != 0)
        close_pair(pair, false);
    else
        pump(pair);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct proxy *proxy = listener->data;
    assert(status == 0);
    struct pair *pair = calloc(1, sizeof *pair);
    assert(pair);
    pair->proxy = proxy;
    pair->next = proxy->pairs;
    proxy->pairs = pair;
    pair->open = 2;
    uv_tcp_init(proxy->loop, &pair->sides[0].tcp);
    pair->connect.data = pair;
    int accepted = uv_accept(listener, &pair->sides[0].stream);
    assert(accepted == 0);
    if (proxy->upstream_port) {
        struct sockaddr_in address;
        uv_ip4_addr(proxy->upstream, proxy->upstream_port, &address);
        uv_tcp_init(proxy->loop, &pair->sides[1].tcp);
        uv_tcp_connect(&pair->connect, &pair->sides[1].tcp, (struct sockaddr *)&address, on_upstream);
    } else {
        uv_pipe_init(proxy->loop, &pair->sides[1].pipe, 0);
        uv_pipe_connect(&pair->connect, &pair->sides[1].pipe, proxy->upstream, on_upstream);
    }
    pair->sides[0].handle.data = pair->sides[1].handle.data = pair;
}

struct proxy *proxy_open(uv_loop_t *loop, const char *upstream, int port)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);
    assert(proxy && strlen(upstream) < sizeof proxy->upstream);
    proxy->loop = loop;
    proxy->upstream_port = port;
    strcpy(proxy->upstream, upstream);
    struct sockaddr_in any;
    uv_ip4_addr("127.0.0.1", 0, &any);
    uv_tcp_init(loop, &proxy->listener);
    proxy->listener.data = proxy;
    int bound = uv_tcp_bind(&proxy->listener, (struct sockaddr *)&any, 0);
    int listening = uv_listen((uv_stream_t *)&proxy->listener, 16, on_connection);
    assert(bound == 0 && listening == 0);
    proxy->listening = true;
    return proxy;
}

int proxy_port(const struct proxy *proxy)
{
    struct sockaddr_in address;
    int len = sizeof address;
    uv_tcp_getsockname(&proxy->listener, (struct sockaddr *)&address, &len);
    return ntohs(address.sin_port);
}

void proxy_stall(struct proxy *proxy, bool stalled)
{
    proxy->stalled = stalled;
    for (struct pair *pair = proxy->pairs; pair; pair = pair->next)
        pump(pair);
}

void proxy_cut(struct proxy *proxy)
{
    for (struct pair *pair = proxy->pairs; pair; pair = pair->next)
        close_pair(pair, false);
}

void proxy_reset(struct proxy *proxy)
{
    for (struct pair *pair = proxy->pairs; pair; pair = pair->next)
        close_pair(pair, true);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct proxy *proxy = handle->data;
    proxy->listening = false;
    forget_proxy(proxy);
}

void proxy_refuse(struct proxy *proxy)
{
    if (!uv_is_closing((uv_handle_t *)&proxy->listener))
        uv_close((uv_handle_t *)&proxy->listener, on_listener_closed);
}

void proxy_close(struct proxy **proxy)
{
    struct proxy *old = *proxy;
    *proxy = NULL;
    old->closing = true;
    proxy_cut(old);
    if (old->listening)
        proxy_refuse(old);
    else
        forget_proxy(old);
}
