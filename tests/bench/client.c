#include "tests/bench/client.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define EPOLL_EVENTS 256
#define MSGID_PLACE 0xfedcba98u /* stands for the msgid in a template: five bytes */
#define ANSWER_HEAD 8           /* 94 01 ce msgid, and nil where there is no error */

static struct sockaddr_in read_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN] = "";
    if (!colon || (size_t)(colon - text) >= sizeof host)
        bench_fail("%s is no address", text);
    memcpy(host, text, (size_t)(colon - text));
    address.sin_port = htons((uint16_t)bench_number(colon + 1));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        bench_fail("%s is no address", text);
    return address;
}

void clients_open(struct clients *clients, uint32_t count, const char *address)
{
    struct sockaddr_in to = read_address(address);
    int one = 1;
    clients->epoll = epoll_create1(EPOLL_CLOEXEC);
    clients->items = bench_alloc(count * sizeof *clients->items);
    clients->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct client *client = &clients->items[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        client->index = i;
        client->out = bench_alloc(CLIENT_OUT_SIZE);
        client->in = bench_alloc(CLIENT_IN_SIZE);
        client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&to, sizeof to) != 0)
            bench_fail("cannot connect to %s: %s", address, strerror(errno));
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(clients->epoll, EPOLL_CTL_ADD, client->fd, &event);
    }
}

void clients_close(struct clients *clients)
{
    for (uint32_t i = 0; i < clients->count; i++) {
        close(clients->items[i].fd);
        free(clients->items[i].out);
        free(clients->items[i].in);
    }
    free(clients->items);
    close(clients->epoll);
}

char *client_room(struct clients *clients, struct client *client, size_t len)
{
    if (CLIENT_OUT_SIZE - client->out_len < len)
        bench_fail("too many calls at once");
    if (!client->is_dirty) {
        client->is_dirty = true;
        client->next_dirty = clients->dirty;
        clients->dirty = client;
    }
    char *room = client->out + client->out_len;
    client->out_len += len;
    return room;
}

static void flush(struct clients *clients)
{
    struct client *client;
    while ((client = clients->dirty)) {
        ssize_t sent = send(client->fd, client->out, client->out_len, MSG_NOSIGNAL);
        if (sent != (ssize_t)client->out_len)
            bench_fail("cannot send: %s", strerror(errno));
        clients->dirty = client->next_dirty;
        client->is_dirty = false;
        client->out_len = 0;
    }
}

/* [1, msgid, error, result] */
static void hand_out(struct clients *clients, struct client *client, struct slice frame)
{
    struct answer answer = {.client = client, .frame = frame};
    uint32_t msgid;
    if (frame.len < ANSWER_HEAD || memcmp(frame.ptr, "\x94\x01\xce", 3) != 0)
        bench_fail("an answer is not as expected");
    memcpy(&msgid, frame.ptr + 3, sizeof msgid);
    answer.msgid = be32toh(msgid);
    answer.failed = frame.ptr[ANSWER_HEAD - 1] != '\xc0';
    clients->on_answer(clients->ctx, &answer);
}

static void receive(struct clients *clients, struct client *client)
{
    ssize_t got =
        recv(client->fd, client->in + client->in_len, CLIENT_IN_SIZE - client->in_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        bench_fail("the server closed a connection");
    client->in_len += (size_t)got;
    size_t at = 0, used;
    while (at < client->in_len) {
        struct slice rest = {client->in + at, client->in_len - at};
        struct msgpack_scan scan;
        msgpack_scan_init(&scan);
        enum msgpack_status status = msgpack_scan_step(&scan, rest, &used);
        if (status == MSGPACK_BAD)
            bench_fail("an answer is no MessagePack");
        if (status == MSGPACK_NEED_MORE)
            break;
        hand_out(clients, client, (struct slice){rest.ptr, used});
        at += used;
    }
    memmove(client->in, client->in + at, client->in_len - at);
    client->in_len -= at;
}

void clients_turn(struct clients *clients, int64_t until_ns)
{
    struct epoll_event events[EPOLL_EVENTS];
    flush(clients);
    int64_t wait = until_ns - bench_now_ns();
    struct timespec timeout = {.tv_sec = wait > 0 ? wait / 1000000000 : 0,
                               .tv_nsec = wait > 0 ? wait % 1000000000 : 0};
    int count = epoll_pwait2(clients->epoll, events, EPOLL_EVENTS, &timeout, NULL);
    for (int i = 0; i < count; i++)
        receive(clients, events[i].data.ptr);
}

/* --- Templates --- */

static size_t find(struct slice bytes, const char *what, size_t len)
{
    const char *at = memmem(bytes.ptr, bytes.len, what, len);
    if (!at)
        bench_fail("a template lacks one of its places");
    return (size_t)(at - bytes.ptr);
}

void template_make(struct template *template, const char *method, struct value params,
                   const char *const *places, size_t count)
{
    struct arena arena;
    uint32_t msgid = htobe32(MSGID_PLACE);
    arena_init(&arena);
    struct value list = value_list(&arena, 1), call = value_list(&arena, 4);
    value_append(&list, params);
    value_append(&call, value_int(0));
    value_append(&call, value_int(MSGID_PLACE));
    value_append(&call, value_string(slice_of(method)));
    value_append(&call, list);
    struct slice bytes = msgpack_write(&call, &arena);
    template->msgid = find(bytes, (const char *)&msgid, sizeof msgid);
    for (size_t i = 0; i < count; i++)
        template->places[i] = find(bytes, places[i], strlen(places[i]));
    template->bytes = bench_alloc(bytes.len);
    template->len = bytes.len;
    memcpy(template->bytes, bytes.ptr, bytes.len);
    arena_deinit(&arena);
}

char *template_send(const struct template *template, struct clients *clients, struct client *client,
                    uint32_t msgid)
{
    char *frame = client_room(clients, client, template->len);
    uint32_t number = htobe32(msgid);
    memcpy(frame, template->bytes, template->len);
    memcpy(frame + template->msgid, &number, sizeof number);
    return frame;
}
