/* Login, the list of channels, then events; a ping every so often. What calls there are outlives the
 * connection: the list after the next login says what happened meanwhile. */
#include "server/gateway_ami.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ami_calls.h"
#include "server/ami_orders.h"
#include "server/clock.h"
#include "server/gateway_calls.h"
#include "server/log.h"
#include "server/project.h"

#define EVENTS "call,agent,system" /* classes that are read */
/* Of those classes, what is used: an extended regular expression over the event's text. */
#define USED                                                                                                 \
    "^Event: (Newchannel|Newstate|NewCallerid|Rename|Hangup|DialEnd|BridgeEnter|BridgeLeave|"                \
    "QueueCallerJoin|QueueCallerAbandon|AgentConnect)[[:space:]]"

enum session_phase { SESSION_GREETING, SESSION_CHALLENGE, SESSION_LOGIN, SESSION_LISTING, SESSION_READY };

struct session {
    enum session_phase phase;
    uint64_t unpinged_ms; /* in ticks */
};

struct ami {
    struct gateway *gateway;
    struct ami_calls *calls;
    struct ami_orders *orders;
    struct ami_block block;
    bool is_unfiltered; /* it refused the filter, which has been said */
};

static void send_action(struct gateway_link *link, struct ami_action *action)
{
    gateway_link_write(link, ami_action_end(action));
}

/* --- calls --- */

static void on_news(void *ctx, const struct ami_news *news)
{
    struct ami *ami = ctx;
    struct gateway_event *event = gateway_event_new(ami->gateway);
    struct value document = ami_event(news, gateway_source(ami->gateway), gateway_event_arena(event));
    gateway_event_submit(&event, &document, NULL, 0);
}

static struct slice agent_at(void *ctx, struct slice extension)
{
    struct ami *ami = ctx;
    return gateway_agent_at(ami->gateway, extension);
}

static bool is_open(void *ctx, struct slice call)
{
    const struct ami *ami = ctx;
    struct gateway_call found;
    return gateway_calls_find(ami->gateway, call, &found);
}

static bool ask_presentation(void *ctx, struct slice channel, struct slice call)
{
    struct ami *ami = ctx;
    struct gateway_link *link = gateway_link(ami->gateway);
    struct ami_action action;
    char id[sizeof AMI_PRESENTATION_ID + AMI_ID_MAX];
    size_t len = sizeof AMI_PRESENTATION_ID - 1;
    if (!link)
        return true; /* it is asked for on the next one */
    memcpy(id, AMI_PRESENTATION_ID, len);
    memcpy(id + len, call.ptr, call.len);
    ami_action_begin(&action, "GetVar", (struct slice){id, len + call.len});
    ami_action_add(&action, "Channel", channel);
    ami_action_add(&action, "Variable", SLICE("CALLERID(pres)"));
    send_action(link, &action);
    return !action.is_bad;
}

static bool is_live(struct gateway *gateway, struct slice call)
{
    const struct ami *ami = gateway_state(gateway);
    return ami_calls_has(ami->calls, call);
}

static void *open_state(struct gateway *gateway)
{
    const struct config_gateway *config = gateway_config(gateway);
    struct ami *ami = calloc(1, sizeof *ami);
    if (!ami)
        abort();
    ami->gateway = gateway;
    ami->calls = ami_calls_alloc(&(struct ami_calls_options){.on_news = on_news,
                                                             .agent_at = agent_at,
                                                             .is_open = is_open,
                                                             .ask_presentation = ask_presentation,
                                                             .contexts = config->contexts,
                                                             .context_count = config->context_count,
                                                             .ctx = ami});
    ami->orders = ami_orders_alloc(gateway, ami->calls);
    return ami;
}

static void close_state(void *state)
{
    struct ami *ami = state;
    ami_orders_free(&ami->orders);
    ami_calls_free(&ami->calls);
    free(ami);
}

/* --- the session --- */

static void on_connected(struct gateway_link *link)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        abort();
    gateway_link_set_state(link, session);
    gateway_link_expect(link, GATEWAY_AMI_LOGIN_DEADLINE_MS, "it does not let us in in time");
}

static void on_closed(struct gateway_link *link)
{
    free(gateway_link_state(link));
}

static void log_in(struct gateway_link *link, struct session *session, struct slice challenge)
{
    const struct config_gateway *config = gateway_config(gateway_link_gateway(link));
    struct ami_action action;
    char key[33];
    session->phase = SESSION_LOGIN;
    ami_action_begin(&action, "Login", SLICE("login"));
    ami_action_add(&action, "Username", config->user);
    if (config->plain_login) {
        ami_action_add(&action, "Secret", gateway_link_secret(link));
    } else {
        ami_login_key(key, challenge, gateway_link_secret(link));
        ami_action_add(&action, "AuthType", SLICE("MD5"));
        ami_action_add(&action, "Key", slice_of(key));
    }
    ami_action_add(&action, "Events", SLICE(EVENTS));
    send_action(link, &action);
}

static void on_banner(struct gateway_link *link, struct session *session, struct slice version)
{
    struct ami_action action;
    if (ami_major(version) < GATEWAY_AMI_VERSION_MIN) {
        gateway_link_refuse(link, "its manager interface is too old");
        return;
    }
    if (gateway_config(gateway_link_gateway(link))->plain_login) {
        log_in(link, session, (struct slice){NULL, 0});
        return;
    }
    session->phase = SESSION_CHALLENGE;
    ami_action_begin(&action, "Challenge", SLICE("challenge"));
    ami_action_add(&action, "AuthType", SLICE("MD5"));
    send_action(link, &action);
}

static void ask_filter(struct gateway_link *link)
{
    struct ami_action action;
    ami_action_begin(&action, "Filter", SLICE("filter"));
    ami_action_add(&action, "Operation", SLICE("Add"));
    ami_action_add(&action, "Filter", SLICE(USED));
    send_action(link, &action);
}

/* The user needs the right "system" for it; without, all events are read and most are dropped. */
static void on_unfiltered(struct ami *ami)
{
    if (!ami->is_unfiltered)
        log_event(LOG_INFO, "Asterisk refuses to filter its events: more are read than are used",
                  (struct log_field[]){log_text("project", project_name(gateway_project(ami->gateway))),
                                       log_text("gateway", gateway_config(ami->gateway)->name)},
                  2);
    ami->is_unfiltered = true;
}

/* The answers come in this order. Where the first is refused, those who are parked seem to talk. */
static void list_channels(struct gateway_link *link, struct session *session, struct ami *ami)
{
    struct ami_action action;
    session->phase = SESSION_LISTING;
    ami_calls_resync(ami->calls);
    ami_action_begin(&action, "BridgeList", SLICE("bridges"));
    ami_action_add(&action, "BridgeType", SLICE("holding_bridge"));
    send_action(link, &action);
    ami_action_begin(&action, "CoreShowChannels", SLICE("list"));
    send_action(link, &action);
}

static void ping(struct gateway_link *link)
{
    struct ami_action action;
    ami_action_begin(&action, "Ping", SLICE("ping"));
    send_action(link, &action);
    gateway_link_expect(link, GATEWAY_AMI_ANSWER_DEADLINE_MS, "it does not answer a ping");
}

/* A list that is being made answers a ping as well. */
static void on_tick(struct gateway_link *link)
{
    struct session *session = gateway_link_state(link);
    const struct ami *ami = gateway_state(gateway_link_gateway(link));
    session->unpinged_ms += AMI_TICK_MS;
    if (session->unpinged_ms >= GATEWAY_AMI_PING_MS) {
        session->unpinged_ms = 0;
        if (session->phase == SESSION_READY)
            ping(link);
    }
    ami_calls_tick(ami->calls);
}

static void on_response(struct gateway_link *link, struct session *session, struct ami *ami)
{
    const struct ami_block *block = &ami->block;
    bool is_good = ami_is(block, "response", "success");
    if (session->phase == SESSION_CHALLENGE && ami_is(block, "actionid", "challenge")) {
        struct slice challenge = ami_find(block, "challenge");
        if (is_good && challenge.len)
            log_in(link, session, challenge);
        else
            gateway_link_refuse(link, "it gives no challenge");
    } else if (session->phase == SESSION_LOGIN && ami_is(block, "actionid", "login")) {
        if (!is_good) {
            gateway_link_refuse(link, "it refuses the login");
            return;
        }
        ask_filter(link);
        ami_orders_on_connected(ami->orders);
        list_channels(link, session, ami);
    } else if (session->phase == SESSION_LISTING && ami_is(block, "actionid", "list") && !is_good) {
        gateway_link_refuse(link, "its user may not list channels");
    } else if (ami_is(block, "actionid", "filter") && !is_good) {
        on_unfiltered(ami);
    } else if (session->phase == SESSION_READY && ami_is(block, "actionid", "ping")) {
        gateway_link_expect(link, 0, NULL);
    } else {
        ami_orders_on_answer(ami->orders, ami_find(block, "actionid"));
    }
}

/* Who is not on a list that was cut may live: nothing ends. */
static void on_listed(struct gateway_link *link, struct session *session, struct ami *ami)
{
    static struct log_limit limit;
    session->phase = SESSION_READY;
    gateway_link_expect(link, 0, NULL);
    session->unpinged_ms = 0;
    gateway_link_every(link, AMI_TICK_MS, on_tick);
    gateway_link_ready(link);
    if (!ami_calls_is_cut(ami->calls))
        gateway_end_lost(ami->gateway, is_live);
    else
        log_event_limited(
            &limit, LOG_WARN, "Asterisk has more calls than are followed at a time",
            (struct log_field[]){log_text("project", project_name(gateway_project(ami->gateway))),
                                 log_text("gateway", gateway_config(ami->gateway)->name),
                                 log_int("calls", ami_calls_count(ami->calls))},
            3);
}

static void list_again(struct gateway_link *link, struct session *session, struct ami *ami)
{
    list_channels(link, session, ami);
    gateway_link_expect(link, GATEWAY_AMI_LIST_DEADLINE_MS, "it does not list its channels in time");
}

static void on_block(struct gateway_link *link, struct session *session, struct ami *ami)
{
    const struct ami_block *block = &ami->block;
    bool was_listing = session->phase == SESSION_LISTING;
    if (ami_find(block, "response").len)
        on_response(link, session, ami);
    if (session->phase < SESSION_LISTING || gateway_link_is_cut(link))
        return;
    ami_calls_read(ami->calls, block, clock_now_ms());
    if (was_listing && ami_is(block, "event", "coreshowchannelscomplete"))
        on_listed(link, session, ami);
    else if (session->phase == SESSION_READY && ami_calls_wants_list(ami->calls))
        list_again(link, session, ami);
    if (session->phase == SESSION_READY)
        ami_orders_go_on(ami->orders);
}

static size_t on_bytes(struct gateway_link *link, struct slice bytes)
{
    struct session *session = gateway_link_state(link);
    struct ami *ami = gateway_state(gateway_link_gateway(link));
    const char *why = NULL;
    size_t used = 0;
    switch (ami_read(&ami->block, bytes, session->phase == SESSION_GREETING, &used, &why)) {
    case AMI_NEED_MORE:
        break;
    case AMI_BANNER:
        on_banner(link, session, ami->block.version);
        break;
    case AMI_BLOCK:
        on_block(link, session, ami);
        break;
    case AMI_BAD:
        gateway_link_cut(link, why);
        break;
    }
    return used;
}

/* --- what is done to calls --- */

static void go_on(const struct ami *ami)
{
    const struct gateway_link *link = gateway_link(ami->gateway);
    const struct session *session = link ? gateway_link_state(link) : NULL;
    if (session && session->phase == SESSION_READY)
        ami_orders_go_on(ami->orders);
}

static void order(struct ami *ami, enum ami_order_kind kind, struct slice call)
{
    ami_orders_give(ami->orders, kind, call);
    go_on(ami);
}

static void on_decided(struct gateway *gateway, const struct gateway_decision *decision)
{
    (void)decision;
    go_on(gateway_state(gateway));
}

static void on_announced(struct gateway *gateway, struct slice type, struct slice interaction,
                         struct slice agent)
{
    struct gateway_call call;
    (void)agent; /* who has it by the time that the order goes out counts */
    if (gateway_config(gateway)->redirect.len && slice_is(type, "interaction.assigned") &&
        gateway_calls_of(gateway, interaction, &call))
        order(gateway_state(gateway), AMI_ORDER_REDIRECT, call.subject);
}

static void hang_up(struct gateway *gateway, struct slice call)
{
    order(gateway_state(gateway), AMI_ORDER_HANG_UP, call);
}

const struct gateway_kind gateway_ami = {
    .input_max = (size_t)AMI_BLOCK_MAX * 2,
    .open = open_state,
    .close = close_state,
    .on_connected = on_connected,
    .on_bytes = on_bytes,
    .on_closed = on_closed,
    .on_decided = on_decided,
    .on_announced = on_announced,
    .hang_up = hang_up,
};
