/* A message goes from the loop to a thread of the pool, where it is read into one event for each recipient,
 * back to the loop, through the intake of each recipient's project, and is answered when all are decided. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/mail_event.h"
#include "proto/mail_text.h"
#include "rules/email_key.h"
#include "server/lmtp_internal.h"
#include "server/message_buffer.h"
#include "server/metrics.h"
#include "server/own_address.h"
#include "server/project.h"
#include "server/settings.h"

#define MESSAGE_FIRST 16384 /* bytes of the buffer of a message */

struct lmtp_delivery *lmtp_delivery_alloc(struct lmtp_connection *connection, struct slice sender)
{
    struct lmtp_delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        abort();
    delivery->connection = connection;
    arena_init(&delivery->arena);
    delivery->sender = arena_copy(&delivery->arena, sender);
    return delivery;
}

void lmtp_delivery_free(struct lmtp_delivery **owner)
{
    struct lmtp_delivery *delivery = *owner;
    *owner = NULL;
    if (!delivery)
        return;
    delivery->connection->server->buffered -= delivery->size;
    arena_deinit(&delivery->arena);
    message_buffer_free(delivery->bytes, delivery->size);
    free(delivery);
}

/* --- recipients --- */

/* The project that has the address as an endpoint, with whatever plus tag; the first of several. An address
 * as it is written goes before one without its tag. */
static const struct project *find_project(const struct app *app, struct slice *key, struct arena *arena)
{
    for (const struct project *project = app->projects; project; project = project_next(project)) {
        if (project_config(project) && config_find_endpoint(project_config(project), CHANNEL_EMAIL, *key))
            return project;
    }
    for (const struct project *project = app->projects; project; project = project_next(project)) {
        if (project_config(project) && own_endpoint(project_config(project), key, arena))
            return project;
    }
    return NULL;
}

/* An address may be unknown only because a project has not been loaded. */
static bool knows_all(const struct app *app)
{
    for (const struct project *project = app->projects; project; project = project_next(project)) {
        if (!project_config(project))
            return false;
    }
    return app->projects != NULL;
}

const char *lmtp_delivery_add_recipient(struct lmtp_delivery *delivery, struct slice path)
{
    const struct app *app = delivery->connection->server->app;
    struct email_key key;
    if (delivery->recipient_count == LMTP_RECIPIENTS_MAX)
        return "452 4.5.3 too many recipients; send the others by themselves";
    if (email_key(&key, arena_copy(&delivery->arena, path), &delivery->arena) != EMAIL_OK)
        return "550 5.1.3 not an address that mail can be sent to";
    struct slice address = key.key;
    const struct project *project = find_project(app, &address, &delivery->arena);
    if (!project)
        return knows_all(app) ? "550 5.1.1 no project has this address as an endpoint"
                              : "451 4.3.0 the projects are not loaded yet; try again";
    delivery->recipients[delivery->recipient_count++] = (struct lmtp_recipient){
        .delivery = delivery,
        .project = project_id(project),
        .address = address,
        .original = key.key,
        .raw = raw_mail_wish(project, config_find_endpoint(project_config(project), CHANNEL_EMAIL, address)),
    };
    return NULL;
}

/* --- the message --- */

/* The buffer never shrinks; what does not fit is dropped, and the message is answered so at its end. */
static bool make_room(struct lmtp_delivery *delivery, size_t len)
{
    struct lmtp_server *server = delivery->connection->server;
    size_t size = delivery->size ? delivery->size : MESSAGE_FIRST;
    while (size < delivery->len + len)
        size *= 2;
    if (delivery->len + len > MAIL_SIZE_MAX)
        delivery->is_too_large = true;
    else if (server->buffered + (size - delivery->size) > LMTP_BUFFERED_MAX)
        delivery->is_overloaded = true;
    if (delivery->is_too_large || delivery->is_overloaded)
        return false;
    if (size == delivery->size)
        return true;
    delivery->bytes = message_buffer_grow(delivery->bytes, delivery->size, size);
    server->buffered += size - delivery->size;
    delivery->size = size;
    return true;
}

void lmtp_delivery_add(struct lmtp_delivery *delivery, struct slice content)
{
    if (delivery->is_too_large || delivery->is_overloaded || !make_room(delivery, content.len))
        return;
    memcpy(delivery->bytes + delivery->len, content.ptr, content.len);
    delivery->len += content.len;
}

/* --- the replies --- */

/* The connection does not go on yet: it may be in the middle of its input. */
static void answer(struct lmtp_delivery *delivery)
{
    struct lmtp_connection *connection = delivery->connection;
    for (uint32_t i = 0; i < delivery->recipient_count; i++) {
        struct slice reply = delivery->refusal.len ? delivery->refusal : delivery->recipients[i].reply;
        lmtp_connection_reply(connection, "%.*s", (int)reply.len, reply.ptr);
        metric_add(METRIC_MAILS,
                   reply.ptr[0] == '2'   ? METRIC_MAIL_ACCEPTED
                   : reply.ptr[0] == '4' ? METRIC_MAIL_DEFERRED
                                         : METRIC_MAIL_REFUSED,
                   1);
    }
    lmtp_delivery_free(&connection->delivery);
    deadline_stop(&connection->data_deadline); /* the next message has its own */
    connection->is_delivering = false;
    connection->phase = LMTP_READY;
    connection->commands = 0;
    if (connection->server->quiesced) {
        lmtp_connection_reply(connection, "421 4.3.2 %s is stopping", connection->server->host);
        connection->is_ending = true;
    }
}

static void finish(struct lmtp_delivery *delivery)
{
    struct lmtp_connection *connection = delivery->connection;
    answer(delivery);
    lmtp_connection_go_on(connection);
}

static struct slice reply_of(const struct intake_request *request, struct arena *arena)
{
    if (!request->refused) {
        const struct value *id = value_member(&request->answer, "interaction");
        struct slice text = id && id->kind == VALUE_STRING ? id->string : SLICE("no interaction");
        return arena_format(arena, "250 2.0.0 %s: %.*s", request->duplicate ? "known already" : "accepted",
                            (int)text.len, text.ptr);
    }
    switch (request->problem.code) {
    case PROBLEM_ID_CONFLICT: /* the same Message-ID to the same recipient: it was decided */
        return SLICE("250 2.0.0 known already");
    case PROBLEM_OVERLOADED:
        return SLICE("452 4.3.1 too much waits for decisions; try again");
    case PROBLEM_STORAGE_UNAVAILABLE:
    case PROBLEM_NOT_OWNER:
    case PROBLEM_INTERNAL:
        return SLICE("451 4.3.0 not decided; try again");
    default:
        return arena_format(arena, "554 5.6.0 refused: %.200s", request->problem.detail);
    }
}

static void settle(struct lmtp_delivery *delivery)
{
    if (--delivery->open == 0)
        finish(delivery);
}

static void on_kept(void *ctx, enum raw_mail_outcome outcome)
{
    struct lmtp_recipient *recipient = ctx;
    if (outcome == RAW_MAIL_TOO_MUCH)
        recipient->reply = SLICE("452 4.3.1 decided, but too much mail is to be kept; try again");
    else if (outcome == RAW_MAIL_UNKEPT)
        recipient->reply = SLICE("451 4.3.0 decided but not kept; try again");
    settle(recipient->delivery);
}

static void on_decided(struct intake_request *request)
{
    struct lmtp_delivery *delivery = request->ctx;
    struct lmtp_recipient *recipient = &delivery->recipients[request - delivery->requests];
    recipient->reply = reply_of(request, &delivery->arena);
    if (!raw_mail_keep(delivery->connection->server->app, &recipient->raw, request, &delivery->kept, on_kept,
                       recipient))
        settle(delivery);
}

/* --- reading --- */

/* On a thread of the pool: touches the delivery alone. */
static void on_work(uv_work_t *work)
{
    struct lmtp_delivery *delivery = work->data;
    struct arena *arena = &delivery->arena;
    struct mail mail;
    enum mail_status status = mail_read(&mail, (struct slice){delivery->bytes, delivery->len}, arena);
    if (status != MAIL_OK) {
        delivery->refusal = arena_format(arena, "554 5.6.0 %s", mail_status_text(status));
        return;
    }
    struct mail_envelope envelope = {.is_known = true, .sender = mail_line(delivery->sender, arena)};
    for (uint32_t i = 0; i < delivery->recipient_count; i++) {
        struct intake_request *request = &delivery->requests[i];
        struct fault fault;
        envelope.recipient = delivery->recipients[i].address;
        envelope.original = delivery->recipients[i].original;
        struct value document = mail_event(&mail, &envelope, arena);
        request->arena = arena;
        request->input.kind = INPUT_EVENT;
        request->input.event = &request->event;
        request->is_metered = true;
        if (cloudevent_read(&request->event, &document, arena, &fault))
            intake_digest(request);
        else
            delivery->recipients[i].reply = arena_format(arena, "554 5.6.0 %.200s", fault.detail);
    }
}

static struct project *project_of(const struct app *app, uint32_t id)
{
    struct project *project = app->projects;
    while (project && project_id(project) != id)
        project = project_next(project);
    return project;
}

static void submit(struct lmtp_delivery *delivery, uint32_t i)
{
    struct app *app = delivery->connection->server->app;
    struct lmtp_recipient *recipient = &delivery->recipients[i];
    struct project *project = project_of(app, recipient->project);
    if (recipient->reply.len)
        return;
    if (!project) {
        recipient->reply = SLICE("451 4.3.0 the project is gone; try again");
        return;
    }
    if (project_waiting(project) * 2 >= app->settings->intake_max) {
        recipient->reply = SLICE("452 4.3.1 too much waits for decisions; try again");
        return;
    }
    delivery->requests[i].ctx = delivery;
    delivery->requests[i].on_done = on_decided;
    delivery->open++;
    intake_submit(project, &delivery->requests[i]);
}

static void wait_for_turn(struct lmtp_delivery *delivery)
{
    struct lmtp_server *server = delivery->connection->server;
    delivery->next = NULL;
    *server->submitting_tail = delivery;
    server->submitting_tail = &delivery->next;
    turn_request(&server->turn);
}

/* A few recipients at a time, of one message after the other: a hundred of them keep nobody waiting. */
void lmtp_delivery_on_turn(void *ctx)
{
    struct lmtp_server *server = ctx;
    struct lmtp_delivery *delivery = server->submitting;
    server->submitting = delivery->next;
    if (!server->submitting)
        server->submitting_tail = &server->submitting;
    else
        turn_request(&server->turn);
    uint32_t end = delivery->submitted + LMTP_SUBMITS_A_TURN;
    if (end > delivery->recipient_count)
        end = delivery->recipient_count;
    while (delivery->submitted < end)
        submit(delivery, delivery->submitted++);
    if (end < delivery->recipient_count)
        wait_for_turn(delivery);
    else
        settle(delivery);
}

static void on_read(uv_work_t *work, int status)
{
    struct lmtp_delivery *delivery = work->data;
    assert(status == 0);
    if (delivery->refusal.len) {
        finish(delivery);
        return;
    }
    delivery->open = 1; /* until all are submitted */
    wait_for_turn(delivery);
}

void lmtp_delivery_begin(struct lmtp_delivery *delivery)
{
    struct lmtp_connection *connection = delivery->connection;
    connection->is_delivering = true;
    delivery->requests = arena_array(&delivery->arena, struct intake_request, delivery->recipient_count);
    delivery->kept.bytes = (struct slice){delivery->bytes, delivery->len};
    delivery->work.data = delivery;
    if (delivery->is_too_large)
        delivery->refusal = SLICE("552 5.3.4 the message is too large");
    else if (delivery->is_overloaded)
        delivery->refusal = SLICE("452 4.3.1 too much mail at a time; try again");
    if (delivery->refusal.len)
        answer(delivery);
    else if (uv_queue_work(connection->server->loop, &delivery->work, on_work, on_read) != 0)
        abort();
}
