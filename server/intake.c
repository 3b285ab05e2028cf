/* The door: an event's keys are made here, repeats of one that is being decided wait for its answer, and what
 * cannot be accepted is refused in the next turn. */
#include "server/intake.h"

#include <assert.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/decision.h"
#include "proto/json.h"
#include "proto/phone.h"
#include "rules/email_key.h"
#include "rules/machine_mail.h"
#include "server/mail_thread.h"
#include "server/metrics.h"
#include "server/own_address.h"
#include "server/project_internal.h"

void request_list_init(struct request_list *list)
{
    list->first = NULL;
    list->tail = &list->first;
    list->count = 0;
}

void request_list_push(struct request_list *list, struct intake_request *request)
{
    request->next = NULL;
    *list->tail = request;
    list->tail = &request->next;
    list->count++;
}

struct intake_request *request_list_pop(struct request_list *list)
{
    struct intake_request *request = list->first;
    if (!request)
        return NULL;
    list->first = request->next;
    if (!list->first)
        list->tail = &list->first;
    list->count--;
    request->next = NULL;
    return request;
}

void request_list_prepend(struct request_list *list, struct request_list *front)
{
    if (!front->first)
        return;
    *front->tail = list->first;
    if (!list->first)
        list->tail = front->tail;
    list->first = front->first;
    list->count += front->count;
    request_list_init(front);
}

void request_list_append(struct request_list *list, struct request_list *back)
{
    if (!back->first)
        return;
    *list->tail = back->first;
    list->tail = back->tail;
    list->count += back->count;
    request_list_init(back);
}

bool request_list_is_over(const struct request_list *list, int64_t now)
{
    return list->first && list->first->deadline_ms <= now;
}

/* --- Answers --- */

static void count_answer(const struct intake_request *request)
{
    if (request->refused)
        metric_add(METRIC_REFUSALS, metric_label(METRIC_REFUSALS, problem_code_name(request->problem.code)),
                   1);
    else if (request->duplicate)
        metric_add(METRIC_DUPLICATES, 0, 1);
}

static void done(struct intake_request *request)
{
    count_answer(request);
    request->on_done(request);
}

void intake_refuse(struct intake_request *request, enum problem_code code, const char *pointer,
                   const char *detail)
{
    request->refused = true;
    problem_set(&request->problem, code, pointer, "%s", detail);
}

/* What has nothing to do with the event itself. */
static bool is_everybodys(enum problem_code code)
{
    return code == PROBLEM_STORAGE_UNAVAILABLE || code == PROBLEM_NOT_OWNER;
}

/* Repeats get the very answer of the first; another content under the same id is a conflict. When the first
 * was refused it left no trace, and a repeat takes its place; but not to wait for the same database again,
 * one after the other. */
static void finish_waiters(struct intake_request *request)
{
    struct project *project = request->project;
    struct intake_request *next = request->waiters;
    request->waiters = NULL;
    while (next) {
        struct intake_request *waiter = next;
        next = waiter->next;
        waiter->next = NULL;
        if (request->refused && is_everybodys(request->problem.code)) {
            waiter->refused = true;
            waiter->problem = request->problem;
            done(waiter);
        } else if (request->refused) {
            intake_submit(project, waiter);
        } else if (uuid_equal(&waiter->digest, &request->digest)) {
            waiter->duplicate = true;
            waiter->answer = value_copy(&request->answer, waiter->arena);
            done(waiter);
        } else {
            waiter->answer = value_copy(&request->answer, waiter->arena);
            intake_refuse(waiter, PROBLEM_ID_CONFLICT, "/id", "this source and id stand for another event");
            done(waiter);
        }
    }
}

void intake_finish(struct intake_request *request)
{
    struct project *project = request->project;
    table_remove(&project->pending, &request->pending);
    request_unpin(project, request);
    finish_waiters(request);
    done(request);
}

void intake_refuse_all(struct request_list *list, enum problem_code code, const char *detail)
{
    struct intake_request *request;
    while ((request = request_list_pop(list))) {
        intake_refuse(request, code, NULL, detail);
        intake_finish(request);
    }
}

/* A detail is shorter than the longest address may be. */
static enum problem_code why_unavailable(const struct project *project, char *detail, size_t size)
{
    static const char owned_by[] = "the project is owned by ";
    if (project->owner_address[0]) {
        snprintf(detail, size, "%s%.*s", owned_by, (int)(size - sizeof owned_by), project->owner_address);
        return PROBLEM_NOT_OWNER;
    }
    snprintf(detail, size, "%s",
             pg_link_is_up(project->app->writer) ? "the project is being loaded" : "the database is away");
    return PROBLEM_STORAGE_UNAVAILABLE;
}

void intake_fail_unavailable(struct project *project, struct request_list *list)
{
    char detail[PROBLEM_DETAIL_SIZE];
    enum problem_code code = why_unavailable(project, detail, sizeof detail);
    intake_refuse_all(list, code, detail);
}

/* --- The door --- */

static void refuse_at_door(struct intake_request *request, enum problem_code code, const char *pointer,
                           const char *detail)
{
    intake_refuse(request, code, pointer, detail);
    request_list_push(&request->project->immediate, request);
    turn_request(&request->project->turn);
}

void intake_tell_immediate(struct project *project)
{
    struct intake_request *request;
    struct request_list now = project->immediate;
    if (!now.first)
        return;
    request_list_init(&project->immediate);
    while ((request = request_list_pop(&now)))
        done(request);
}

static struct slice region_for(const struct project_config *config, const struct config_endpoint *endpoint)
{
    return endpoint && endpoint->region.len ? endpoint->region : config->region;
}

/* The endpoint's own spelling of an address: what `to` is compared by. */
static struct slice recipient_key(const struct project_config *config, const struct event *event,
                                  struct arena *arena)
{
    struct email_key email;
    struct phone_key phone;
    switch (event_type_channel(event->type)) {
    case CHANNEL_CALL:
        phone = phone_key(config->region, event->to, false, arena);
        return phone.key.len ? phone.key : event->to;
    case CHANNEL_EMAIL:
        if (email_key(&email, event->to, arena) != EMAIL_OK)
            return event->to;
        (void)own_endpoint(config, &email.key, arena);
        return email.key;
    case CHANNEL_CHAT:
        break;
    }
    return event->to;
}

/* What an agent wrote is about the conversation that it belongs to, and says nothing of who that is with. */
static bool is_written(const struct event *event)
{
    return event->outbound && event_type_channel(event->type) != CHANNEL_CALL;
}

static void make_party_keys(struct intake_request *request, const struct project_config *config)
{
    struct event *event = &request->event;
    struct input *input = &request->input;
    struct slice party = event->from.phone;
    if (event->outbound) {
        party = event->to;
        input->recipient_key = event->from.phone.len ? event->from.phone : event->from.id;
        event->from = (struct party){.phone = event->to};
    } else {
        input->recipient_key = recipient_key(config, event, request->arena);
    }
    const struct config_endpoint *endpoint =
        config_find_endpoint(config, event_type_channel(event->type), input->recipient_key);
    input->phone = phone_key(region_for(config, endpoint), party, event->privacy, request->arena);
    if (!event->outbound && email_key(&input->email, event->from.email, request->arena) != EMAIL_OK)
        input->email.key = (struct slice){NULL, 0};
}

/* Kept with the event: what told that a machine sent it. A mail that was read here says so already. */
void intake_note_machine(struct intake_request *request, enum machine_class class, struct slice sign)
{
    struct value *attributes = &request->event.attributes;
    if (value_member(attributes, "machine"))
        return;
    uint32_t count = attributes->kind == VALUE_MAP ? attributes->count : 0;
    struct value more = value_map(request->arena, count + 1);
    for (uint32_t i = 0; i < count; i++)
        more.members[more.count++] = attributes->members[i];
    struct value machine = value_map(request->arena, 2);
    value_set(&machine, "class", value_string(slice_of(machine_class_name(class))));
    value_set(&machine, "header", value_string(sign));
    value_set(&more, "machine", machine);
    *attributes = more;
    request->attributes = json_write(attributes, request->arena);
}

/* Automatic mail by its headers; and our own, from whatever project it comes. */
static void classify_mail(struct intake_request *request)
{
    const struct event *event = &request->event;
    struct input *input = &request->input;
    struct slice sign;
    /* "<>" and a bare mailer-daemon are no addresses, and signs all the same. */
    struct slice sender = input->email.key.len ? input->email.key : event->from.email;
    enum machine_class class = machine_mail_classify(&event->headers, sender, &sign);
    if (class == MACHINE_NONE && own_address(request->project->app, input->email.key, request->arena)) {
        class = MACHINE_LOOP;
        sign = SLICE("From");
    }
    request->is_machine = class != MACHINE_NONE;
    if (request->is_machine)
        intake_note_machine(request, class, sign);
}

/* Who it is from, or, for a call that an agent makes, who it goes to. */
static void make_keys(struct intake_request *request, const struct project_config *config)
{
    struct event *event = &request->event;
    struct input *input = &request->input;
    input->event = event;
    if (!is_written(event))
        make_party_keys(request, config);
    cloudevent_conversation(&input->conversation, event_type_channel(event->type), event->source,
                            event->subject);
    if (event->attributes.kind == VALUE_MAP)
        request->attributes = json_write(&event->attributes, request->arena);
    if (event->type != EVENT_EMAIL_RECEIVED) {
        if (own_address(request->project->app, input->email.key, request->arena))
            input->email.key = (struct slice){NULL, 0}; /* whoever says so is not us */
        return;
    }
    mail_thread_list(request, &request->project->config->mail_keys, request->project->id);
    if (!event->outbound)
        classify_mail(request);
    input->machine = request->is_machine;
}

void intake_digest(struct intake_request *request)
{
    cloudevent_key(&request->event_key, &request->event);
    cloudevent_digest(&request->digest, &request->event);
    request->is_digested = true;
}

/* False when the event waits for its first, or is refused. */
static bool admit_event(struct project *project, struct intake_request *request)
{
    struct event *event = &request->event;
    const struct project_config *config = project_config(project);
    metric_add(METRIC_EVENTS, event->type, 1);
    if (!request->is_digested)
        intake_digest(request);
    if (event->time_ms != TIME_NEVER && event->time_ms < clock_now_ms() - config->window_ms) {
        refuse_at_door(request, PROBLEM_STALE, "/time", "time is before the idempotency window");
        return false;
    }
    if (event->time_ms != TIME_NEVER && event->time_ms > clock_now_ms() + PROJECT_CLOCK_SKEW_MS) {
        refuse_at_door(request, PROBLEM_INVALID, "/time", "time is more than a day ahead");
        return false;
    }
    struct table_node *first = table_find(&project->pending, uuid_bytes(&request->event_key));
    if (first) {
        struct intake_request *pending = first->owner;
        request->next = pending->waiters;
        pending->waiters = request;
        return false;
    }
    make_keys(request, config);
    request->pending.owner = request;
    table_insert(&project->pending, &request->pending, uuid_bytes(&request->event_key));
    return true;
}

static bool storage_is_away(const struct project *project)
{
    return !pg_link_is_up(project->app->writer) && project->state != PROJECT_SETTLING;
}

void intake_submit(struct project *project, struct intake_request *request)
{
    request->project = project;
    request->refused = request->duplicate = false;
    request->deadline_ms = (int64_t)uv_now(project->app->loop) + project->app->settings->storage_wait_ms;
    if (!(project->has_core || project->reloading) || !project->config) {
        char detail[PROBLEM_DETAIL_SIZE];
        enum problem_code code = why_unavailable(project, detail, sizeof detail);
        refuse_at_door(request, code, NULL, detail);
        return;
    }
    if (project->app->draining) {
        refuse_at_door(request, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the server is stopping");
        return;
    }
    if ((int64_t)project->queue.count >= project->app->settings->intake_max) {
        refuse_at_door(request, PROBLEM_OVERLOADED, NULL, "too many requests wait for a decision");
        return;
    }
    if (request->input.kind == INPUT_EVENT && !admit_event(project, request))
        return;
    request_list_push(&project->queue, request);
    metric_set(METRIC_INTAKE, 0, (double)project->queue.count);
    if (!storage_is_away(project))
        turn_request(&project->turn);
}

/* Requests that waited out their time are told so; what is in flight may still turn out to be in. */
void intake_expire(struct project *project)
{
    int64_t now = (int64_t)uv_now(project->app->loop);
    struct request_list keep;
    struct intake_request *request;
    if (!request_list_is_over(&project->queue, now))
        return;
    request_list_init(&keep);
    while ((request = request_list_pop(&project->queue))) {
        if (request->deadline_ms > now) {
            request_list_push(&keep, request);
            continue;
        }
        intake_refuse(request, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the database did not answer in time");
        intake_finish(request);
    }
    request_list_prepend(&project->queue, &keep);
}
