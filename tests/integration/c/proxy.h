/* A TCP proxy on the test's own loop, between a link and its server, that can stall, cut and reset. */
#ifndef TESTS_PROXY_H
#define TESTS_PROXY_H

#include <stdbool.h>
#include <uv.h>

struct proxy;

/* `upstream` is the path of a socket or, when `port` is not 0, a numeric address. Listens on a free port of
 * 127.0.0.1. */
struct proxy *proxy_open(uv_loop_t *loop, const char *upstream, int port);
int proxy_port(const struct proxy *proxy);
/* Stops reading on both sides of every connection, new ones included, or goes on. */
void proxy_stall(struct proxy *proxy, bool stalled);
void proxy_cut(struct proxy *proxy);   /* closes every connection */
void proxy_reset(struct proxy *proxy); /* the same with RST towards the link */
/* Refuses new connections from now on: the port is closed. */
void proxy_refuse(struct proxy *proxy);
void proxy_close(struct proxy **proxy);

#endif
