/* Which channels there are, after a connection or when events may have been lost. The list says which, and
 * how far they are; what it does not say of one, uuid_dump does. No call ends because it is not on the list:
 * a list may be cut short, behind the times, or not to be had. uuid_dump says that it is gone. */
#include <stdlib.h>
#include <string.h>

#include "rules/ascii.h"
#include "server/freeswitch.h"
#include "server/gateway_calls.h"
#include "server/gateway_freeswitch.h"
#include "server/log.h"

#define IDS_FIRST 64

static struct freeswitch_sync *sync_of(const struct gateway_link *link)
{
    struct freeswitch_session *session = gateway_link_state(link);
    return &session->sync;
}

void freeswitch_sync_deinit(struct freeswitch_sync *sync)
{
    free(sync->ids);
    sync->ids = NULL;
}

/* --- asking --- */

static void want(struct freeswitch_sync *sync, struct slice id)
{
    if (!esl_id_is_plain(id))
        return;
    if (sync->count == ESL_LEGS_MAX) {
        sync->is_cut = true;
        return;
    }
    if (sync->count == sync->size) {
        sync->size = sync->size ? sync->size * 2 : IDS_FIRST;
        sync->ids = realloc(sync->ids, sync->size * sizeof *sync->ids);
        if (!sync->ids)
            abort();
    }
    memcpy(sync->ids[sync->count], id.ptr, id.len);
    sync->ids[sync->count++][id.len] = '\0';
}

static void want_if_unknown(void *ctx, const struct gateway_call *call)
{
    struct gateway_link *link = ctx;
    if (!esl_calls_has(freeswitch_of(link)->calls, call->subject))
        want(sync_of(link), call->subject);
}

static void want_missing(void *ctx, struct slice id)
{
    want(ctx, id);
}

static void warn_if_cut(const struct gateway_link *link, const struct freeswitch_sync *sync)
{
    const struct gateway *gateway = gateway_link_gateway(link);
    static struct log_limit limit;
    if (sync->is_cut)
        log_event_limited(&limit, LOG_WARN,
                          "a gateway has more channels than it lists or than can be followed",
                          (struct log_field[]){log_text("source", gateway_source(gateway))}, 1);
}

static void finish(struct gateway_link *link)
{
    struct freeswitch_session *session = gateway_link_state(link);
    struct freeswitch_sync *sync = &session->sync;
    warn_if_cut(link, sync);
    freeswitch_sync_deinit(sync);
    sync->size = sync->count = sync->asked = sync->answered = 0;
    sync->phase = SYNC_IDLE;
    gateway_link_expect(link, 0, NULL);
    session->is_synced |= !sync->is_unexplained;
    freeswitch_orders_send(freeswitch_of(link));
}

/* Those on the list first: what of them belongs to a call that is open need not be asked for once more. */
static void go_on(struct gateway_link *link)
{
    struct freeswitch_sync *sync = sync_of(link);
    struct arena arena;
    if (sync->phase == SYNC_ASKING && sync->answered == sync->count) {
        sync->phase = SYNC_ASKING_OPEN;
        sync->count = sync->asked = sync->answered = 0;
        gateway_calls_each(gateway_link_gateway(link), want_if_unknown, link);
    }
    if (sync->phase == SYNC_ASKING_OPEN && sync->answered == sync->count) {
        finish(link);
        return;
    }
    arena_init(&arena);
    while (sync->asked < sync->count && sync->asked - sync->answered < FREESWITCH_ASKED_MAX)
        gateway_link_write(link, arena_format(&arena, "api uuid_dump %s\n\n", sync->ids[sync->asked++]));
    arena_deinit(&arena);
    gateway_link_expect(link, FREESWITCH_REPLY_DEADLINE_MS, "it does not say what a channel is");
}

/* The channel is not there: with it goes its leg, or the call that is open under its name. */
static void gone(struct freeswitch *freeswitch, struct slice id, struct arena *arena)
{
    struct gateway_call call;
    bool is_followed = esl_calls_has(freeswitch->calls, id);
    esl_calls_lost(freeswitch->calls, id, arena);
    if (!is_followed && gateway_calls_find(freeswitch->gateway, id, &call))
        freeswitch_lost_end(freeswitch, id, SLICE("lost"));
}

/* As while its database is away, or when it was started without one. It is asked again later. */
static void tell_refusal(const struct gateway_link *link, bool *is_refused)
{
    if (!*is_refused)
        gateway_tell_unlisted(gateway_link_gateway(link));
    *is_refused = true;
}

void freeswitch_sync_response(struct gateway_link *link, const struct esl_frame *frame, struct arena *arena)
{
    struct freeswitch *freeswitch = freeswitch_of(link);
    struct freeswitch_sync *sync = sync_of(link);
    struct esl_event event;
    struct fault fault;
    if (sync->answered == sync->asked) {
        if (sync->is_pinged)
            gateway_link_expect(link, 0, NULL);
        sync->is_pinged = false;
        return;
    }
    struct slice id = arena_copy(arena, slice_of(sync->ids[sync->answered++]));
    if (ascii_begins(frame->body, "-err no such channel"))
        gone(freeswitch, id, arena);
    else if (frame->status == ESL_READY && !esl_has_event(frame)) /* not too long: that it stays */
        tell_refusal(link, &sync->is_unexplained);
    else if (esl_event_read(&event, frame, arena, &fault))
        esl_calls_event(freeswitch->calls, &freeswitch->stream, &event, arena);
    go_on(link);
}

/* --- the list --- */

void freeswitch_sync_begin(struct gateway_link *link)
{
    struct freeswitch *freeswitch = freeswitch_of(link);
    struct freeswitch_sync *sync = sync_of(link);
    if (sync->phase != SYNC_IDLE)
        return;
    sync->phase = SYNC_LISTING;
    sync->is_cut = sync->is_unlisted = sync->is_unexplained = false;
    sync->gaps = freeswitch->stream.gaps;
    esl_calls_list_begin(freeswitch->calls);
    gateway_link_expect(link, FREESWITCH_REPLY_DEADLINE_MS, "it does not say which channels there are");
    gateway_link_write(link, SLICE("api show channels as json\n\n"));
}

/* Its machine acknowledges what is sent to it, also when it hangs itself. */
static void ping(struct gateway_link *link)
{
    sync_of(link)->is_pinged = true;
    gateway_link_expect(link, FREESWITCH_PING_DEADLINE_MS, "it does not answer a ping");
    gateway_link_write(link, SLICE("api uptime\n\n"));
}

void freeswitch_sync_on_time(struct gateway_link *link)
{
    const struct freeswitch_sync *sync = sync_of(link);
    if (sync->is_unlisted || sync->is_unexplained || sync->gaps != freeswitch_of(link)->stream.gaps)
        freeswitch_sync_begin(link);
    else if (sync->phase == SYNC_IDLE)
        ping(link);
}

bool freeswitch_sync_is_listing(const struct gateway_link *link)
{
    return sync_of(link)->phase == SYNC_LISTING;
}

bool freeswitch_sync_is_reading(const struct gateway_link *link)
{
    return sync_of(link)->phase == SYNC_READING;
}

void freeswitch_sync_list(struct gateway_link *link, size_t length)
{
    struct freeswitch_sync *sync = sync_of(link);
    sync->phase = SYNC_READING;
    esl_list_begin(&sync->list, length);
    if (!length)
        freeswitch_sync_bytes(link, SLICE("")); /* no more will come of it */
}

/* A row that cannot be read, for the bytes of a caller's name say, is as if it were not there. */
static void take_row(struct freeswitch *freeswitch, struct freeswitch_sync *sync, struct slice row)
{
    struct esl_channel channel;
    struct arena arena;
    arena_init(&arena);
    if (esl_channel_read(&channel, row, &arena) && !esl_calls_listed(freeswitch->calls, &channel))
        want(sync, channel.id);
    arena_deinit(&arena);
}

size_t freeswitch_sync_bytes(struct gateway_link *link, struct slice bytes)
{
    struct freeswitch *freeswitch = freeswitch_of(link);
    struct freeswitch_sync *sync = sync_of(link);
    struct esl_list_step step;
    esl_list_read(&step, &sync->list, bytes);
    switch (step.status) {
    case ESL_LIST_MORE:
        break;
    case ESL_LIST_ROW:
        take_row(freeswitch, sync, step.row);
        break;
    case ESL_LIST_END:
        sync->is_cut = sync->is_cut || (step.is_list && !step.is_whole);
        if (!step.is_list)
            tell_refusal(link, &sync->is_unlisted);
        sync->phase = SYNC_ASKING;
        esl_calls_list_end(freeswitch->calls, want_missing, sync);
        go_on(link);
        break;
    }
    return step.used;
}
