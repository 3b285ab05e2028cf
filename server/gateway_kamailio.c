/* A transaction that waits in Kamailio is named by two numbers, which travel with its event as one. */
#include "server/gateway_kamailio.h"

#include <stdlib.h>
#include <uv.h>

#include "proto/cloudevent.h"
#include "proto/evapi.h"
#include "server/app.h"
#include "server/gateway_calls.h"
#include "server/kamailio_questions.h"

/* Instead of those two numbers: no transaction waits; and the event is ours. */
#define NOBODY_WAITS UINT64_MAX
#define NOBODY_SAID (UINT64_MAX - 1)

/* Of a connection that was greeted. */
struct greeting {
    int64_t started_ms; /* when Kamailio was started */
    struct kamailio_questions questions;
};

static void on_connected(struct gateway_link *link)
{
    gateway_link_ready(link); /* there is nothing to log in with */
}

static void on_closed(struct gateway_link *link)
{
    struct greeting *greeting = gateway_link_state(link);
    if (!greeting)
        return;
    kamailio_questions_deinit(&greeting->questions);
    free(greeting);
}

/* --- events --- */

static void answer(struct gateway_link *link, const struct evapi_message *message, const struct value *value,
                   const char *code)
{
    struct arena arena;
    arena_init(&arena);
    gateway_link_write(link, evapi_answer(message, value, code, &arena));
    arena_deinit(&arena);
}

/* What the intake would not take is answered at once: a call waits for it. */
static void take_event(struct gateway_link *link, struct slice payload)
{
    struct gateway *gateway = gateway_link_gateway(link);
    struct gateway_event *event = gateway_event_new(gateway);
    struct arena *arena = gateway_event_arena(event);
    struct evapi_message message;
    struct event decoded;
    struct fault fault;
    evapi_read(&message, arena_copy(arena, payload), gateway_source(gateway), arena, &fault);
    bool is_good = message.kind == EVAPI_EVENT && cloudevent_read(&decoded, &message.document, arena, &fault);
    bool is_waiting = message.is_waiting && message.index < UINT32_MAX && message.label <= UINT32_MAX;
    if (is_waiting && !is_good)
        answer(link, &message, NULL, "invalid");
    gateway_event_submit(&event, &message.document, link,
                         is_waiting ? (uint64_t)message.index << 32 | (uint64_t)message.label : NOBODY_WAITS);
}

/* --- what Kamailio still knows --- */

static void note_call(void *ctx, const struct gateway_call *call)
{
    kamailio_questions_add(ctx, call->subject);
}

static uint64_t now_of(const struct gateway_link *link)
{
    return uv_now(gateway_app(gateway_link_gateway(link))->loop);
}

static void ask_on(struct gateway_link *link)
{
    struct greeting *greeting = gateway_link_state(link);
    struct slice callid;
    struct arena arena;
    arena_init(&arena);
    while (kamailio_questions_next(&callid, &greeting->questions, now_of(link)))
        gateway_link_write(link, evapi_ask(callid, &arena));
    arena_deinit(&arena);
}

static void on_time(struct gateway_link *link)
{
    struct greeting *greeting = gateway_link_state(link);
    kamailio_questions_expire(&greeting->questions, now_of(link));
    ask_on(link);
}

static void greet(struct gateway_link *link, int64_t started_ms)
{
    struct greeting *greeting = gateway_link_state(link);
    if (greeting)
        return; /* once is enough */
    greeting = calloc(1, sizeof *greeting);
    if (!greeting)
        abort();
    kamailio_questions_init(&greeting->questions);
    greeting->started_ms = started_ms;
    gateway_calls_each(gateway_link_gateway(link), note_call, &greeting->questions);
    gateway_link_set_state(link, greeting);
    gateway_link_every(link, KAMAILIO_LOOK_MS, on_time);
    ask_on(link);
}

static void end_call(struct gateway *gateway, struct slice callid)
{
    struct gateway_event *event = gateway_event_new(gateway);
    struct value document = evapi_lost(callid, gateway_source(gateway), gateway_event_arena(event));
    gateway_event_submit(&event, &document, NULL, NOBODY_SAID);
}

/* What began before Kamailio did is forgotten with it. Then a call that still rang is over; one that an agent
 * has goes on between the two phones, and ends with its BYE or by the agent. */
static void take_state(struct gateway_link *link, const struct evapi_message *message)
{
    struct gateway *gateway = gateway_link_gateway(link);
    struct greeting *greeting = gateway_link_state(link);
    struct gateway_call call;
    if (!greeting)
        return;
    bool counts = kamailio_questions_answered(&greeting->questions, message->callid);
    if (counts && !message->is_known && gateway_calls_find(gateway, message->callid, &call) &&
        (!call.is_active || call.opened_ms >= greeting->started_ms))
        end_call(gateway, message->callid);
    ask_on(link);
}

/* --- decisions --- */

/* Its connection broke before it was decided: the new one was greeted meanwhile and asked for the calls that
 * were open then. If Kamailio still knows of this one it says so, and it has said the call again where it
 * waits. */
static void ask_for_late(const struct gateway *gateway, struct slice call)
{
    struct gateway_link *link = gateway_link(gateway);
    struct greeting *greeting = link ? gateway_link_state(link) : NULL;
    if (!greeting)
        return; /* the greeting will ask */
    kamailio_questions_add(&greeting->questions, call);
    ask_on(link);
}

static void on_decided(struct gateway *gateway, const struct gateway_decision *decision)
{
    struct evapi_message message = {.callid = decision->subject,
                                    .index = (int64_t)(decision->tag >> 32),
                                    .label = (int64_t)(decision->tag & UINT32_MAX)};
    if (!decision->link && decision->tag != NOBODY_SAID)
        ask_for_late(gateway, decision->subject);
    else if (decision->link && decision->tag != NOBODY_WAITS)
        answer(decision->link, &message, decision->answer, problem_code_name(decision->code));
}

/* --- reading --- */

static size_t on_bytes(struct gateway_link *link, struct slice bytes)
{
    struct netstring_step step;
    struct evapi_message message;
    struct fault fault;
    struct arena arena;
    netstring_read(&step, bytes, EVAPI_MESSAGE_MAX);
    if (step.status == NETSTRING_BAD)
        gateway_link_cut(link, step.why);
    if (step.status != NETSTRING_READY)
        return 0;
    arena_init(&arena);
    evapi_read(&message, step.content, gateway_source(gateway_link_gateway(link)), &arena, &fault);
    if (message.kind == EVAPI_HELLO)
        greet(link, message.started_ms);
    else if (message.kind == EVAPI_CALL)
        take_state(link, &message);
    else if (message.kind != EVAPI_IGNORED)
        take_event(link, step.content);
    arena_deinit(&arena);
    return step.used;
}

const struct gateway_kind gateway_kamailio = {
    .input_max = EVAPI_MESSAGE_MAX + 16, /* with the length and the comma */
    .on_connected = on_connected,
    .on_bytes = on_bytes,
    .on_closed = on_closed,
    .on_decided = on_decided,
};
