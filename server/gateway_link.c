/* One connection: bytes come in up to the size of one frame, frames are handed on one by one while there is
 * room for their events, what is written leaves in the order in which it came. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "server/gateway_internal.h"

#define INPUT_FIRST 16384
#define OUTPUT_FIRST 4096

static void on_handle_closed(uv_handle_t *handle)
{
    struct gateway_link *link = handle->data;
    struct gateway *gateway = link->gateway;
    if (--link->handles > 0)
        return;
    if (link->is_connected)
        gateway->kind->on_closed(link);
    link->prev->next = link->next;
    link->next->prev = link->prev;
    gateway->link_count--;
    gateway_events_forget_link(gateway, link);
    gateway_on_link_closed(gateway, link);
    free(link->in);
    free(link->out);
    free(link->sending);
    free(link);
}

static void close_handles(struct gateway_link *link)
{
    if (link->is_closing)
        return;
    link->is_closing = true;
    uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&link->timer, on_handle_closed);
}

static void on_timer(uv_timer_t *timer);

/* What the peer owes us may have come, where nothing is read. */
static bool is_held(const struct gateway_link *link, int deadline)
{
    return link->unread_since_ms && (deadline == LINK_EXPECTED || deadline == LINK_TIME);
}

static void arm(struct gateway_link *link)
{
    uint64_t now = uv_now(link->gateway->gateways->app->loop), first = UINT64_MAX;
    for (int i = 0; i < LINK_DEADLINES; i++) {
        if (link->due_ms[i] && link->due_ms[i] < first && !is_held(link, i))
            first = link->due_ms[i];
    }
    if (link->is_closing)
        return;
    if (first == UINT64_MAX)
        uv_timer_stop(&link->timer);
    else
        uv_timer_start(&link->timer, on_timer, first > now ? first - now : 1, 0);
}

static void set_due(struct gateway_link *link, enum link_deadline which, uint64_t ms)
{
    link->due_ms[which] = ms ? uv_now(link->gateway->gateways->app->loop) + ms : 0;
    arm(link);
}

/* --- the end --- */

/* From a timer, so that nobody's link goes away under their hands. */
void gateway_link_cut(struct gateway_link *link, const char *why)
{
    if (link->is_cut)
        return;
    link->is_cut = true;
    link->why = why;
    if (link->is_reading)
        uv_read_stop((uv_stream_t *)&link->tcp);
    link->is_reading = false;
    memset(link->due_ms, 0, sizeof link->due_ms);
    if (!link->is_closing)
        uv_timer_start(&link->timer, on_timer, 0, 0);
}

void gateway_link_refuse(struct gateway_link *link, const char *why)
{
    link->is_refused = true;
    gateway_link_cut(link, why);
}

bool gateway_link_is_cut(const struct gateway_link *link)
{
    return link->is_cut;
}

static void on_timer(uv_timer_t *timer)
{
    static const char *const reasons[LINK_DEADLINES] = {"half a frame, and no more of it in time",
                                                        "what is written is not taken in time", NULL, NULL};
    struct gateway_link *link = timer->data;
    uint64_t now = uv_now(link->gateway->gateways->app->loop);
    for (int i = 0; i < LINK_TIME && !link->is_cut; i++) {
        if (!link->due_ms[i] || link->due_ms[i] > now || is_held(link, i))
            continue;
        if (i == LINK_CONNECT_OR_FRAME && !link->is_connected)
            gateway_link_cut(link, "it does not answer");
        else
            gateway_link_cut(link, i == LINK_EXPECTED ? link->expected : reasons[i]);
    }
    if (link->is_cut) {
        close_handles(link);
        return;
    }
    if (link->due_ms[LINK_TIME] && link->due_ms[LINK_TIME] <= now && !is_held(link, LINK_TIME)) {
        set_due(link, LINK_TIME, link->every_ms);
        link->on_time(link);
    } else {
        arm(link);
    }
}

void gateway_link_expect(struct gateway_link *link, uint64_t ms, const char *why)
{
    link->expected = why;
    if (!link->is_cut)
        set_due(link, LINK_EXPECTED, ms);
}

void gateway_link_every(struct gateway_link *link, uint64_t ms, void (*on_time)(struct gateway_link *link))
{
    link->every_ms = ms;
    link->on_time = on_time;
    if (!link->is_cut)
        set_due(link, LINK_TIME, ms);
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct gateway_link *link = handle->data;
    (void)suggested;
    if (link->in_len == link->in_size && link->in_size < link->gateway->kind->input_max) {
        size_t size = link->in_size ? link->in_size * 2 : INPUT_FIRST;
        size = size < link->gateway->kind->input_max ? size : link->gateway->kind->input_max;
        link->in = realloc(link->in, size);
        if (!link->in)
            abort();
        link->in_size = size;
    }
    *buffer = uv_buf_init(link->in + link->in_len, (unsigned)(link->in_size - link->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer);

static void hold(struct gateway_link *link, bool wanted)
{
    uint64_t now = uv_now(link->gateway->gateways->app->loop);
    for (int i = 0; i < LINK_DEADLINES && !wanted; i++) {
        if (is_held(link, i) && link->due_ms[i])
            link->due_ms[i] += now - link->unread_since_ms;
    }
    link->unread_since_ms = wanted ? now : 0;
    arm(link);
}

static void read_on(struct gateway_link *link, bool wanted)
{
    if (wanted == link->is_reading || link->is_cut)
        return;
    link->is_reading = wanted;
    hold(link, !wanted);
    if (!wanted)
        uv_read_stop((uv_stream_t *)&link->tcp);
    else if (uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read) != 0)
        gateway_link_cut(link, "it cannot be read from");
}

void gateway_link_skip(struct gateway_link *link, size_t bytes)
{
    link->skip = bytes;
}

/* Of what lies behind `used`; true: the whole of what was to be read past. */
static bool skip(struct gateway_link *link, size_t *used)
{
    size_t there = link->in_len - *used, len = there < link->skip ? there : link->skip;
    *used += len;
    link->skip -= len;
    return !link->skip;
}

/* One frame, or what is there of one that is read past; false: there is no whole one. */
static bool take_frame(struct gateway_link *link, size_t *used)
{
    if (link->skip)
        return skip(link, used);
    size_t len = link->gateway->kind->on_bytes(link, (struct slice){link->in + *used, link->in_len - *used});
    *used += len;
    return len > 0;
}

/* A frame's time runs from its first byte, whatever trickles in; not while we do not read. */
static void take_frames(struct gateway_link *link)
{
    size_t used = 0;
    bool took = false, is_full = false;
    if (link->is_taking)
        return;
    link->is_taking = true;
    while (!link->is_cut && used < link->in_len && !(is_full = gateway_events_full(link->gateway))) {
        if (!take_frame(link, &used))
            break;
        took = true;
    }
    link->is_taking = false;
    memmove(link->in, link->in + used, link->in_len - used);
    link->in_len -= used;
    if (link->is_cut)
        return;
    if (is_full || (link->in_len == 0 && !link->skip))
        set_due(link, LINK_CONNECT_OR_FRAME, 0);
    else if (took || !link->due_ms[LINK_CONNECT_OR_FRAME])
        set_due(link, LINK_CONNECT_OR_FRAME, GATEWAY_FRAME_DEADLINE_MS);
    if (!is_full && link->in_len == link->gateway->kind->input_max)
        gateway_link_cut(link, "a frame is too long");
    read_on(link, !is_full);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct gateway_link *link = stream->data;
    (void)buffer;
    if (len < 0)
        gateway_link_cut(link, len == UV_EOF ? "it has closed the connection" : "the connection broke");
    if (len <= 0)
        return;
    link->in_len += (size_t)len;
    take_frames(link);
}

void gateway_link_resume(struct gateway_link *link)
{
    if (link->is_connected && !link->is_cut && !link->is_reading)
        take_frames(link);
}

void gateway_link_quiesce(struct gateway_link *link)
{
    gateway_link_cut(link, "we are stopping");
}

/* --- writing --- */

static void flush(struct gateway_link *link);

static void on_written(uv_write_t *write, int status)
{
    struct gateway_link *link = write->data;
    link->is_writing = false;
    if (link->is_cut)
        return;
    set_due(link, LINK_WRITE, 0);
    if (status < 0)
        gateway_link_cut(link, "the connection broke");
    else
        flush(link);
}

static void flush(struct gateway_link *link)
{
    if (link->is_writing || link->is_cut || !link->out_len)
        return;
    char *bytes = link->out;
    size_t len = link->out_len, size = link->out_size;
    link->out = link->sending;
    link->out_size = link->sending_size;
    link->out_len = 0;
    link->sending = bytes;
    link->sending_size = size;
    link->is_writing = true;
    link->write.data = link;
    uv_buf_t buffer = uv_buf_init(bytes, (unsigned)len);
    set_due(link, LINK_WRITE, GATEWAY_WRITE_DEADLINE_MS);
    if (uv_write(&link->write, (uv_stream_t *)&link->tcp, &buffer, 1, on_written) != 0) {
        link->is_writing = false;
        gateway_link_cut(link, "it cannot be written to");
    }
}

void gateway_link_write(struct gateway_link *link, struct slice bytes)
{
    if (link->is_cut || !link->is_connected || !bytes.len)
        return;
    if (link->out_len + bytes.len > GATEWAY_OUTPUT_MAX) {
        gateway_link_cut(link, "it does not take what is written");
        return;
    }
    size_t size = link->out_size ? link->out_size : OUTPUT_FIRST;
    while (size < link->out_len + bytes.len)
        size *= 2;
    if (size != link->out_size) {
        link->out = realloc(link->out, size);
        if (!link->out)
            abort();
        link->out_size = size;
    }
    memcpy(link->out + link->out_len, bytes.ptr, bytes.len);
    link->out_len += bytes.len;
    flush(link);
}

/* --- the beginning --- */

struct gateway_link *gateway_link_open(struct gateway *gateway)
{
    struct gateway_link *link = calloc(1, sizeof *link);
    uv_loop_t *loop = gateway->gateways->app->loop;
    if (!link || uv_tcp_init(loop, &link->tcp) != 0 || uv_timer_init(loop, &link->timer) != 0)
        abort();
    link->gateway = gateway;
    link->tcp.data = link->timer.data = link;
    link->handles = 2;
    link->prev = &gateway->links;
    link->next = gateway->links.next;
    link->prev->next = link->next->prev = link;
    gateway->link_count++;
    return link;
}

/* A machine that vanishes says nothing, and most peers are silent while there are no calls. */
static void keep_alive(uv_tcp_t *tcp)
{
    const struct {
        int option, value;
    } options[] = {{TCP_KEEPINTVL, GATEWAY_KEEPALIVE_STEP_S},
                   {TCP_KEEPCNT, GATEWAY_KEEPALIVE_TRIES},
                   {TCP_USER_TIMEOUT, GATEWAY_UNACKED_MAX_MS}};
    uv_os_fd_t fd;
    if (uv_tcp_keepalive(tcp, 1, GATEWAY_KEEPALIVE_IDLE_S) != 0 ||
        uv_fileno((const uv_handle_t *)tcp, &fd) != 0)
        return; /* it is gone already */
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        (void)setsockopt(fd, IPPROTO_TCP, options[i].option, &options[i].value, sizeof options[i].value);
}

static void begin(struct gateway_link *link)
{
    link->is_connected = true;
    set_due(link, LINK_CONNECT_OR_FRAME, 0);
    uv_tcp_nodelay(&link->tcp, 1);
    keep_alive(&link->tcp);
    link->gateway->kind->on_connected(link);
    read_on(link, true);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct gateway_link *link = connect->data;
    if (link->is_cut)
        return;
    if (status < 0) {
        gateway_link_cut(link, status == UV_ECONNREFUSED ? "nobody listens there" : "it cannot be reached");
        return;
    }
    gateway_enter(link->gateway, GATEWAY_AUTHENTICATING, NULL);
    begin(link);
}

void gateway_link_connect(struct gateway_link *link, const union gateway_address *address)
{
    link->connect.data = link;
    set_due(link, LINK_CONNECT_OR_FRAME, GATEWAY_CONNECT_DEADLINE_MS);
    if (uv_tcp_connect(&link->connect, &link->tcp, &address->any, on_connected) != 0)
        gateway_link_cut(link, "it cannot be reached");
}

bool gateway_link_accept(struct gateway_link *link, uv_stream_t *listener)
{
    if (uv_accept(listener, (uv_stream_t *)&link->tcp) != 0) {
        gateway_link_cut(link, "it was gone at once");
        return false;
    }
    begin(link);
    return true;
}

/* --- for those who speak --- */

struct gateway *gateway_link_gateway(const struct gateway_link *link)
{
    return link->gateway;
}

void *gateway_link_state(const struct gateway_link *link)
{
    return link->state;
}

void gateway_link_set_state(struct gateway_link *link, void *state)
{
    link->state = state;
}

struct slice gateway_link_secret(const struct gateway_link *link)
{
    const struct gateway_dial *dial = link->gateway->dial;
    return dial ? (struct slice){dial->secret, dial->secret_len} : (struct slice){NULL, 0};
}

void gateway_link_ready(struct gateway_link *link)
{
    if (link->is_cut || link->is_ready)
        return;
    link->is_ready = true;
    gateway_enter(link->gateway, GATEWAY_CONNECTED, NULL);
}
