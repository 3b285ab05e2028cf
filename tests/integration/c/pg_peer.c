#include "pg_peer.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

static void on_up(void *ctx, int backend_pid)
{
    struct pg_peer *peer = ctx;
    assert_true(pg_link_is_up(peer->link));
    peer->up = true;
    peer->down = false;
    peer->ups++;
    peer->backend_pid = backend_pid;
}

static void on_down(void *ctx, const char *why)
{
    struct pg_peer *peer = ctx;
    assert_false(pg_link_is_up(peer->link));
    peer->up = false;
    peer->down = true;
    peer->downs++;
    peer->owed_at_down = (int)pg_link_pending(peer->link);
    snprintf(peer->why, sizeof peer->why, "%s", why);
}

static void on_notify(void *ctx, const char *payload, bool is_own)
{
    struct pg_peer *peer = ctx;
    peer->notified = true;
    peer->notified_by_itself = is_own;
    peer->notifies++;
    snprintf(peer->payload, sizeof peer->payload, "%s", payload);
}

static void on_closed(void *ctx)
{
    struct pg_peer *peer = ctx;
    peer->closed = true;
}

void pg_peer_start(struct pg_peer *peer, const struct pg_link_options *options)
{
    struct pg_link_options all = *options;
    all.on_up = on_up;
    all.on_down = on_down;
    all.on_notify = on_notify;
    all.ctx = peer;
    char why[256] = "";
    peer->link = pg_link_open(&peer->loop, &all, why, sizeof why);
    if (!peer->link)
        fail_msg("%s", why);
    assert_false(pg_link_is_up(peer->link));
}

void pg_peer_start_up(struct pg_peer *peer)
{
    *peer = (struct pg_peer){.owed_at_down = -1};
    uv_loop_init(&peer->loop);
    pg_peer_start(peer, &(struct pg_link_options){.conninfo = support_conninfo(),
                                                  .application_name = "link test",
                                                  .listen = "Channel \"x\""});
    support_run_until(&peer->loop, &peer->up);
}

void pg_peer_start_via_proxy(struct pg_peer *peer)
{
    *peer = (struct pg_peer){.owed_at_down = -1};
    uv_loop_init(&peer->loop);
    peer->proxy = support_database_proxy(&peer->loop);
    char conninfo[1024];
    support_conninfo_via(conninfo, sizeof conninfo, "127.0.0.1", proxy_port(peer->proxy));
    pg_peer_start(peer, &(struct pg_link_options){.conninfo = conninfo, .application_name = "link test"});
    support_run_until(&peer->loop, &peer->up);
}

void pg_peer_end(struct pg_peer *peer)
{
    if (peer->link)
        pg_link_close(&peer->link, on_closed, peer);
    assert_null(peer->link);
    if (peer->proxy)
        proxy_close(&peer->proxy);
    support_end_loop(&peer->loop);
}

void pg_peer_on_answer(void *ctx, const struct pg_reply *reply)
{
    struct pg_answer *answer = ctx;
    answer->done = true;
    answer->calls++;
    answer->outcome = reply->outcome;
    answer->rows = reply->rows;
    snprintf(answer->sqlstate, sizeof answer->sqlstate, "%s", reply->sqlstate);
    snprintf(answer->message, sizeof answer->message, "%s", reply->message);
    if (reply->rows > 0 && pg_cell(reply, 0, 0).len == sizeof(int64_t))
        answer->number = pg_int64(reply, 0, 0);
    if (answer->order)
        answer->place = (*answer->order)++;
}

bool pg_peer_submit(struct pg_peer *peer, const char *name, const char *text, struct pg_answer *answer)
{
    struct pg_param param = {.data = text, .len = text ? strlen(text) : 0};
    struct pg_query query = {
        .name = name, .params = &param, .param_count = text ? 1 : 0, .binary_result = true};
    answer->peer = peer;
    return pg_link_submit(peer->link, &query, pg_peer_on_answer, answer);
}

bool pg_peer_probe(struct pg_peer *peer, const char *text, struct pg_answer *answer)
{
    return pg_peer_submit(peer, "link_probe", text, answer);
}

void pg_peer_wait(struct pg_peer *peer, struct pg_answer *answer)
{
    support_run_until(&peer->loop, &answer->done);
}
