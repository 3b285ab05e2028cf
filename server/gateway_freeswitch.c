/* The calls are the gateway's and outlive its connections: what is still there after one broke goes on. */
#include "server/gateway_freeswitch.h"

#include <stdlib.h>

#include "proto/json.h"
#include "rules/ascii.h"
#include "server/freeswitch.h"
#include "server/gateway_calls.h"

#define DEFAULT_SECRET "ClueCon"
#define EVENTS                                                                                               \
    "event plain CHANNEL_CREATE CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_UUID "                \
    "CHANNEL_HANGUP_COMPLETE HEARTBEAT\n\n"

struct freeswitch *freeswitch_of(const struct gateway_link *link)
{
    return gateway_state(gateway_link_gateway(link));
}

static void write_text(struct gateway_link *link, const char *text)
{
    gateway_link_write(link, slice_of(text));
}

/* --- events --- */

/* The document lives as long as the frame: the event gets a copy. */
static void on_event(void *ctx, enum event_type type, struct slice call, const struct value *document)
{
    struct freeswitch *freeswitch = ctx;
    struct gateway_event *event = gateway_event_new(freeswitch->gateway);
    struct arena *arena = gateway_event_arena(event);
    struct value copy = value_null();
    struct fault fault;
    (void)type;
    (void)call;
    if (!json_read(&copy, json_write(document, arena), arena, &fault))
        copy = value_null();
    gateway_event_submit(&event, &copy, NULL, 0);
}

static void on_lost(void *ctx, struct slice call, struct slice cause)
{
    freeswitch_lost_end(ctx, call, cause);
}

static bool is_outside(void *ctx, struct slice context)
{
    const struct freeswitch *freeswitch = ctx;
    const struct config_gateway *config = gateway_config(freeswitch->gateway);
    bool is_in = !config->context_count;
    for (uint32_t i = 0; i < config->context_count; i++)
        is_in = is_in || slice_equal(config->contexts[i], context);
    return is_in;
}

static struct slice agent_at(void *ctx, struct slice number)
{
    const struct freeswitch *freeswitch = ctx;
    return gateway_agent_at(freeswitch->gateway, number);
}

static bool is_open(void *ctx, struct slice call)
{
    const struct freeswitch *freeswitch = ctx;
    struct gateway_call found;
    return gateway_calls_find(freeswitch->gateway, call, &found);
}

static void *open_state(struct gateway *gateway)
{
    struct freeswitch *freeswitch = calloc(1, sizeof *freeswitch);
    if (!freeswitch)
        abort();
    struct esl_calls_options options = {.source = gateway_source(gateway),
                                        .is_outside = is_outside,
                                        .is_open = is_open,
                                        .agent_at = agent_at,
                                        .on_event = on_event,
                                        .on_lost = on_lost,
                                        .ctx = freeswitch};
    freeswitch->gateway = gateway;
    freeswitch->calls = esl_calls_alloc(&options);
    freeswitch_lost_init(freeswitch);
    if (gateway_config(gateway)
            ->listens) /* FreeSWITCH hangs up what had a connection to who listened before */
        freeswitch_lost_end_all(freeswitch);
    return freeswitch;
}

static void close_state(void *state)
{
    struct freeswitch *freeswitch = state;
    freeswitch_orders_deinit(freeswitch);
    freeswitch_lost_deinit(freeswitch);
    esl_calls_free(&freeswitch->calls);
    free(freeswitch);
}

static bool is_calls_own(const struct gateway_link *link)
{
    return gateway_config(gateway_link_gateway(link))->listens;
}

static struct esl_stream *stream_of(const struct gateway_link *link)
{
    struct freeswitch_session *session = gateway_link_state(link);
    return is_calls_own(link) ? &session->stream : &freeswitch_of(link)->stream;
}

static void take_event(struct gateway_link *link, const struct esl_frame *frame, struct arena *arena)
{
    struct esl_event event;
    struct fault fault;
    if (esl_has_event(frame) && esl_event_read(&event, frame, arena, &fault))
        esl_calls_event(freeswitch_of(link)->calls, stream_of(link), &event, arena);
}

/* --- logging in --- */

static void log_in(struct gateway_link *link, struct freeswitch_session *session, struct arena *arena)
{
    struct slice secret = gateway_link_secret(link);
    if (session->phase != SESSION_GREETED)
        return;
    if (slice_is(secret, DEFAULT_SECRET) && !gateway_config(gateway_link_gateway(link))->default_secret) {
        gateway_link_refuse(link, "its password is the one that everybody knows");
        return;
    }
    session->phase = SESSION_LOGGING_IN;
    gateway_link_write(link, arena_format(arena, "auth %.*s\n\n", (int)secret.len, secret.ptr));
}

static void take_reply(struct gateway_link *link, struct freeswitch_session *session,
                       const struct esl_frame *frame)
{
    bool is_good = ascii_begins(esl_head(frame, "Reply-Text"), "+ok");
    if (session->phase == SESSION_LOGGING_IN && is_good) {
        session->phase = SESSION_SUBSCRIBING;
        write_text(link, EVENTS);
    } else if (session->phase == SESSION_LOGGING_IN) {
        gateway_link_refuse(link, "it does not take the password");
    } else if (session->phase == SESSION_SUBSCRIBING && is_good) {
        session->phase = SESSION_READY;
        gateway_link_ready(link);
        gateway_link_every(link, FREESWITCH_LIST_EVERY_MS, freeswitch_sync_on_time);
        freeswitch_sync_begin(link);
    } else if (session->phase == SESSION_SUBSCRIBING) {
        gateway_link_cut(link, "it does not tell its events");
    } else if (session->phase == SESSION_READY) {
        freeswitch_orders_confirm(freeswitch_of(link), link);
    }
}

/* --- a call's own connection --- */

static void greet(struct gateway_link *link, struct freeswitch_session *session,
                  const struct esl_frame *frame, struct arena *arena)
{
    struct esl_event event;
    struct fault fault;
    if (!esl_has_event(frame) || !esl_event_read(&event, frame, arena, &fault) ||
        !esl_id_is_plain(esl_field(&event, "Unique-ID"))) {
        gateway_link_cut(link, "it does not say whose connection it is");
        return;
    }
    struct slice id = esl_field(&event, "Unique-ID");
    for (size_t i = 0; i < id.len; i++)
        session->call[i] = id.ptr[i];
    session->phase = SESSION_READY;
    session->is_synced = true;
    session->replies = 2;
    gateway_link_expect(link, 0, NULL);
    write_text(link, "myevents plain\n\nlinger\n\n");
    esl_calls_event(freeswitch_of(link)->calls, &session->stream, &event, arena);
}

static void take_call(struct gateway_link *link, struct freeswitch_session *session,
                      const struct esl_frame *frame, struct arena *arena)
{
    if (session->phase == SESSION_GREETED)
        greet(link, session, frame, arena);
    else if (session->replies)
        session->replies--;
    else
        freeswitch_orders_confirm(freeswitch_of(link), link);
}

/* --- connections --- */

static void on_connected(struct gateway_link *link)
{
    struct freeswitch *freeswitch = freeswitch_of(link);
    struct freeswitch_session *session = calloc(1, sizeof *session);
    if (!session)
        abort();
    session->link = link;
    session->next = freeswitch->sessions;
    freeswitch->sessions = session;
    gateway_link_set_state(link, session);
    gateway_link_expect(link, FREESWITCH_LOGIN_DEADLINE_MS, "it does not speak as FreeSWITCH does");
    if (is_calls_own(link))
        write_text(link, "connect\n\n");
}

/* Since it lingers, a call's connection ends after the call; before, the call is lost. */
static void on_closed(struct gateway_link *link)
{
    struct freeswitch *freeswitch = freeswitch_of(link);
    struct freeswitch_session *session = gateway_link_state(link), **at = &freeswitch->sessions;
    struct arena arena;
    arena_init(&arena);
    if (is_calls_own(link))
        esl_calls_end_stream(freeswitch->calls, &session->stream, &arena);
    arena_deinit(&arena);
    freeswitch_orders_forget_link(freeswitch, link);
    freeswitch_sync_deinit(&session->sync);
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    free(session);
}

static void take_frame(struct gateway_link *link, const struct esl_frame *frame, struct arena *arena)
{
    struct freeswitch_session *session = gateway_link_state(link);
    bool is_call = is_calls_own(link);
    switch (frame->type) {
    case ESL_AUTH_REQUEST:
        if (!is_call)
            log_in(link, session, arena);
        break;
    case ESL_COMMAND_REPLY:
        if (is_call)
            take_call(link, session, frame, arena);
        else
            take_reply(link, session, frame);
        break;
    case ESL_API_RESPONSE:
        freeswitch_sync_response(link, frame, arena);
        break;
    case ESL_EVENT_PLAIN:
    case ESL_EVENT_JSON:
        if (session->phase == SESSION_READY)
            take_event(link, frame, arena);
        break;
    case ESL_REJECTION:
        gateway_link_refuse(link, "its access list does not let us in");
        break;
    case ESL_DISCONNECT:
    case ESL_OTHER:
        break;
    }
}

/* The list of channels may be longer than any frame: it is read in pieces. */
static bool begins_list(struct gateway_link *link, struct slice bytes, size_t *used)
{
    struct esl_frame head;
    if (!freeswitch_sync_is_listing(link))
        return false;
    esl_read_head(&head, bytes);
    if (head.status != ESL_READY || head.type != ESL_API_RESPONSE)
        return false;
    freeswitch_sync_list(link, head.length);
    *used = head.used;
    return true;
}

/* What it tells is lost, so that all channels are asked for again; what it answers is answered. */
static void pass_over(struct gateway_link *link, const struct esl_frame *frame)
{
    gateway_tell_overlong(gateway_link_gateway(link), frame->length);
    gateway_link_skip(link, frame->length);
    if (frame->type == ESL_EVENT_PLAIN || frame->type == ESL_EVENT_JSON)
        stream_of(link)->gaps++;
}

static size_t on_bytes(struct gateway_link *link, struct slice bytes)
{
    struct esl_frame frame;
    struct arena arena;
    size_t used;
    if (freeswitch_sync_is_reading(link))
        return freeswitch_sync_bytes(link, bytes);
    if (begins_list(link, bytes, &used))
        return used;
    esl_read(&frame, bytes);
    if (frame.status == ESL_BAD)
        gateway_link_cut(link, frame.why);
    if (frame.status == ESL_TOO_LONG)
        pass_over(link, &frame);
    else if (frame.status != ESL_READY)
        return 0;
    arena_init(&arena);
    take_frame(link, &frame, &arena);
    arena_deinit(&arena);
    return frame.used;
}

static void on_decided(struct gateway *gateway, const struct gateway_decision *decision)
{
    if (decision->tag == FREESWITCH_LOST_TAG)
        freeswitch_lost_decided(gateway_state(gateway));
}

/* --- what agents do --- */

static void on_announced(struct gateway *gateway, struct slice type, struct slice interaction,
                         struct slice agent)
{
    struct uuid id;
    if (slice_is(type, "interaction.assigned") && gateway_config(gateway)->redirect.len &&
        gateway_extension_of(gateway, agent).len && uuid_parse(&id, interaction))
        freeswitch_orders_transfer(gateway_state(gateway), &id);
}

static void hang_up(struct gateway *gateway, struct slice call)
{
    freeswitch_orders_hang_up(gateway_state(gateway), call);
}

const struct gateway_kind gateway_freeswitch = {
    .input_max = ESL_FRAME_MAX,
    .open = open_state,
    .close = close_state,
    .on_connected = on_connected,
    .on_bytes = on_bytes,
    .on_closed = on_closed,
    .on_decided = on_decided,
    .on_announced = on_announced,
    .hang_up = hang_up,
};
