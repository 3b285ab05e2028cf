/* Many MessagePack-RPC connections in one thread: calls are collected and leave once per turn, answers are
 * handed out one by one. Frugal, since the load shares the machine with what it measures: frames are copies
 * of a template, and of an answer only its number and whether it failed are read.
 *
 * Every call's msgid is at least CLIENT_MSGID_MIN, so that it always takes five bytes. */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include "proto/msgpack.h"

#define CLIENT_MSGID_MIN 0x10000u
#define CLIENT_IN_SIZE 65536 /* more than the largest answer */
#define CLIENT_OUT_SIZE 262144

struct client {
    int fd;
    uint32_t index;
    bool is_dirty;
    struct client *next_dirty;
    char *out, *in;
    size_t out_len, in_len;
};

struct answer {
    struct client *client;
    uint32_t msgid;
    bool failed;
    struct slice frame;
};

struct clients {
    int epoll;
    struct client *items;
    uint32_t count;
    struct client *dirty;
    void (*on_answer)(void *ctx, const struct answer *answer);
    void *ctx;
};

void clients_open(struct clients *clients, uint32_t count, const char *address);
void clients_close(struct clients *clients);
/* Sends what was collected, waits until `until_ns` at most for something to read, hands out the answers. */
void clients_turn(struct clients *clients, int64_t until_ns);
/* Room for a frame that leaves with the next turn. */
char *client_room(struct clients *clients, struct client *client, size_t len);

/* A call with places that differ from frame to frame: each stands in `params` as a text of its own. */
#define TEMPLATE_PLACES_MAX 4
struct template
{
    char *bytes;
    size_t len, msgid;
    size_t places[TEMPLATE_PLACES_MAX];
};
void template_make(struct template *template, const char *method, struct value params,
                   const char *const *places, size_t count);
/* Appends a copy to what the client will send; fill its places in. */
char *template_send(const struct template *template, struct clients *clients, struct client *client,
                    uint32_t msgid);

#endif
