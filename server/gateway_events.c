/* What waits for its decision, in the order in which it came. One of each subject is in flight at most: a
 * call never ends before it began because its beginning had to be tried again. */
#include <assert.h>
#include <stdlib.h>

#include "proto/cloudevent.h"
#include "proto/phone.h"
#include "server/gateway_internal.h"
#include "server/log.h"
#include "server/project.h"
#include "server/settings.h"

struct gateway_event *gateway_event_new(struct gateway *gateway)
{
    struct gateway_event *event = calloc(1, sizeof *event);
    if (!event)
        abort();
    event->gateway = gateway;
    arena_init(&event->arena);
    arena_init(&event->attempt);
    return event;
}

struct arena *gateway_event_arena(struct gateway_event *event)
{
    return &event->arena;
}

static void event_free(struct gateway_event *event)
{
    arena_deinit(&event->arena);
    arena_deinit(&event->attempt);
    free(event);
}

static void unlink_event(struct gateway_event *event)
{
    event->prev->next = event->next;
    event->next->prev = event->prev;
    table_remove(&event->gateway->subjects, &event->subject);
    event->gateway->event_count--;
}

/* Of its subject: it may be decided now. */
static void make_first(struct gateway_event *event)
{
    event->subject.owner = event;
    table_insert(&event->gateway->subjects, &event->subject, event->read.subject);
}

/* While the project is loaded again nobody can say which calls are open. */
bool gateway_events_full(const struct gateway *gateway)
{
    return gateway->event_count >= GATEWAY_EVENTS_MAX || !project_core(gateway->project);
}

bool gateway_is_deciding(const struct gateway *gateway, struct slice call)
{
    const struct table_node *node = table_find(&gateway->subjects, call);
    const struct gateway_event *first = node ? node->owner : NULL;
    return first && (!first->is_decided || first->behind);
}

void gateway_events_forget_link(struct gateway *gateway, const struct gateway_link *link)
{
    for (struct gateway_event *at = gateway->events.next; at != &gateway->events; at = at->next) {
        if (at->link == link)
            at->link = NULL;
    }
}

static void submit(struct gateway_event *event);

static void on_resubmit_time(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    struct gateway_event *next;
    for (struct gateway_event *at = gateway->events.next; at != &gateway->events; at = next) {
        next = at->next;
        submit(at);
    }
}

/* --- decided --- */

static bool is_blocked(const struct value *answer)
{
    const struct value *outcome = value_member(answer, "outcome");
    return outcome && outcome->kind == VALUE_STRING && slice_is(outcome->string, "blocked");
}

/* Known under the same id is decided: after a restart the peer is asked once more what there is, and may say
 * it in other words. */
static void tell(struct gateway_event *event)
{
    struct gateway *gateway = event->gateway;
    const struct intake_request *request = &event->request;
    bool is_known = request->refused && request->problem.code == PROBLEM_ID_CONFLICT;
    static struct log_limit limit;
    if (request->refused && !is_known)
        log_event_limited(&limit, LOG_WARN, "an event of a gateway is refused",
                          (struct log_field[]){log_text("project", gateway->project_name),
                                               log_text("gateway", gateway->config.name),
                                               log_str("code", problem_code_name(request->problem.code)),
                                               log_str("field", request->problem.pointer)},
                          4);
    struct gateway_decision decision = {
        .subject = request->event.subject,
        .answer = request->refused ? NULL : &request->answer,
        .code = request->problem.code,
        .link = event->link,
        .tag = event->tag,
    };
    gateway->decided++;
    if (gateway->kind->on_decided)
        gateway->kind->on_decided(gateway, &decision);
    /* Of a new decision the announcement tells. */
    if (request->duplicate && request->event.type == EVENT_CALL_RINGING && is_blocked(&request->answer))
        gateway_refuse_call(gateway, request->event.subject);
}

static bool is_for_later(const struct intake_request *request)
{
    enum problem_code code = request->problem.code;
    return request->refused &&
           (code == PROBLEM_OVERLOADED || code == PROBLEM_STORAGE_UNAVAILABLE || code == PROBLEM_NOT_OWNER);
}

/* It grew older than the idempotency window while it waited here; or happened so long ago, but is about a
 * call that goes on; or the exchange's clock is ahead. A call that began so long ago and is only told now
 * could be one that was decided, and that is forgotten: it would ring once more. */
static bool is_to_be_taken_as_new(const struct gateway_event *event)
{
    const struct intake_request *request = &event->request;
    enum problem_code code = request->problem.code;
    if (!request->refused || event->read.time_ms == TIME_NEVER)
        return false;
    if (code == PROBLEM_INVALID)
        return slice_is(slice_of(request->problem.pointer), "/time");
    return code == PROBLEM_STALE && (event->was_put_off || event->read.type != EVENT_CALL_RINGING);
}

static void take_as_new(struct gateway_event *event)
{
    static struct log_limit limit;
    log_event_limited(&limit, LOG_WARN,
                      "the time of an event of a gateway cannot be taken; it counts as of now",
                      (struct log_field[]){log_text("project", event->gateway->project_name),
                                           log_text("gateway", event->gateway->config.name),
                                           log_str("why", event->request.problem.detail)},
                      3);
    event->read.time_ms = TIME_NEVER;
    submit(event);
}

void gateway_events_go_on(struct gateway *gateway)
{
    struct gateway_link *next;
    if (gateway->phase == GATEWAY_CLOSING || gateway_events_full(gateway))
        return;
    for (struct gateway_link *at = gateway->links.next; at != &gateway->links; at = next) {
        next = at->next;
        gateway_link_resume(at);
    }
}

static void let_next(struct gateway_event *done)
{
    struct gateway_event *next = done->behind;
    table_remove(&done->gateway->subjects, &done->subject);
    if (!next)
        return;
    next->last = done->last;
    make_first(next);
    submit(next);
}

static void on_decided(struct intake_request *request)
{
    struct gateway_event *event = request->ctx;
    struct gateway *gateway = event->gateway;
    bool is_closing = gateway->phase == GATEWAY_CLOSING;
    event->is_in_flight = false;
    if (!is_closing && is_to_be_taken_as_new(event)) {
        take_as_new(event);
        return;
    }
    if (!is_closing && is_for_later(request)) {
        event->was_put_off = true;
        if (!uv_is_active((uv_handle_t *)&gateway->resubmit))
            uv_timer_start(&gateway->resubmit, on_resubmit_time, GATEWAY_RESUBMIT_MS, 0);
        return;
    }
    event->is_decided = true;
    if (!is_closing) {
        tell(event);
        let_next(event);
    }
    unlink_event(event);
    event_free(event);
    if (is_closing && gateway->event_count == 0) {
        gateway->handles++;
        gateway_handle_closed(gateway);
    } else {
        gateway_events_go_on(gateway);
    }
}

/* --- submitting --- */

static void submit(struct gateway_event *event)
{
    struct gateway *gateway = event->gateway;
    const struct app *app = gateway->gateways->app;
    if (!event->subject.linked || event->is_in_flight || uv_is_active((uv_handle_t *)&gateway->resubmit))
        return;
    if (project_waiting(gateway->project) * 2 >= app->settings->intake_max || app->draining) {
        event->was_put_off = true;
        if (gateway->phase != GATEWAY_CLOSING)
            uv_timer_start(&gateway->resubmit, on_resubmit_time, GATEWAY_RESUBMIT_MS, 0);
        return;
    }
    event->is_in_flight = true;
    arena_reset(&event->attempt);
    event->request = (struct intake_request){.arena = &event->attempt,
                                             .input = {.kind = INPUT_EVENT, .event = &event->request.event},
                                             .event = event->read,
                                             .on_done = on_decided,
                                             .ctx = event};
    intake_submit(gateway->project, &event->request);
}

/* What is in flight is unlinked when it comes back. */
void gateway_events_drop(struct gateway *gateway)
{
    struct gateway_event *next;
    for (struct gateway_event *at = gateway->events.next; at != &gateway->events; at = next) {
        next = at->next;
        if (at->is_in_flight)
            continue;
        unlink_event(at);
        event_free(at);
    }
}

/* A call to a number that no endpoint has. */
static void lead_to_endpoint(const struct gateway *gateway, struct gateway_event *event)
{
    const struct project_config *config = project_config(gateway->project);
    struct event *decoded = &event->read;
    if (!gateway->endpoint.len || decoded->type != EVENT_CALL_RINGING || decoded->outbound)
        return;
    struct phone_key key = phone_key(config->region, decoded->to, false, &event->arena);
    if (!key.key.len || !config_find_endpoint(config, CHANNEL_CALL, key.key))
        decoded->to = gateway->endpoint;
}

bool gateway_event_submit(struct gateway_event **owner, const struct value *document,
                          struct gateway_link *link, uint64_t tag)
{
    struct gateway_event *event = *owner;
    struct gateway *gateway = event->gateway;
    struct fault fault;
    static struct log_limit limit;
    *owner = NULL;
    if (gateway->phase == GATEWAY_CLOSING ||
        !cloudevent_read(&event->read, document, &event->arena, &fault)) {
        if (gateway->phase != GATEWAY_CLOSING)
            log_event_limited(&limit, LOG_WARN, "an event of a gateway cannot be used",
                              (struct log_field[]){log_text("project", gateway->project_name),
                                                   log_text("gateway", gateway->config.name),
                                                   log_str("field", fault.pointer)},
                              3);
        event_free(event);
        return false;
    }
    lead_to_endpoint(gateway, event);
    event->link = link;
    event->tag = tag;
    const struct table_node *same = table_find(&gateway->subjects, event->read.subject);
    if (same) {
        struct gateway_event *first = same->owner;
        first->last = first->last->behind = event;
    } else {
        event->last = event;
        make_first(event);
    }
    event->next = &gateway->events;
    event->prev = gateway->events.prev;
    event->prev->next = event->next->prev = event;
    gateway->event_count++;
    submit(event);
    return true;
}
