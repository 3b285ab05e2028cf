/* Everything of a request lives in the transport's arena, which is there until the answer: nothing is copied
 * and nothing is freed here. */
#include "server/operation_events.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/cloudevent.h"
#include "proto/fault.h"
#include "proto/json.h"
#include "server/http.h"
#include "server/intake.h"
#include "server/route.h"
#include "server/rpc.h"

#define STRUCTURED "application/cloudevents+json"
#define BATCHED "application/cloudevents-batch+json"
#define DUPLICATE ((struct http_header){"Patchbay-Duplicate", "true"})

static void fail_fault(struct operation_call *call, const struct fault *fault)
{
    struct problem problem;
    problem_set_fault(&problem, fault);
    operation_fail(call, &problem);
}

static void fail(struct operation_call *call, enum problem_code code, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, NULL, "%s", detail);
    operation_fail(call, &problem);
}

/* --- one event --- */

static void on_one_done(struct intake_request *request)
{
    struct operation_call *call = request->ctx;
    if (request->refused)
        operation_fail(call, &request->problem);
    else if (call->over_rpc || !request->duplicate)
        operation_reply(call, 200, &request->answer);
    else
        http_reply(call->transport, 200, "application/json", json_write(&request->answer, call->arena),
                   &DUPLICATE, 1);
}

static void prepare(struct intake_request *request, struct operation_call *call)
{
    request->arena = call->arena;
    request->input.kind = INPUT_EVENT;
    request->input.event = &request->event;
}

static void publish_one(struct operation_call *call, const struct value *document)
{
    struct intake_request *request = arena_new(call->arena, struct intake_request);
    struct fault fault;
    prepare(request, call);
    request->ctx = call;
    request->on_done = on_one_done;
    if (cloudevent_read(&request->event, document, call->arena, &fault))
        intake_submit(call->project, request);
    else
        fail_fault(call, &fault);
}

/* --- many events --- */

struct batch {
    struct operation_call *call;
    struct intake_request *requests;
    uint32_t count, open, duplicates, answered;
};

static struct value answer_of(const struct batch *batch, const struct intake_request *request)
{
    if (!request->refused)
        return request->answer;
    return batch->call->over_rpc ? problem_value_rpc(&request->problem, batch->call->arena)
                                 : problem_value_http(&request->problem, batch->call->arena);
}

static void answer_batch(struct batch *batch)
{
    struct operation_call *call = batch->call;
    struct value answers = value_list(call->arena, batch->count);
    for (uint32_t i = 0; i < batch->count; i++)
        value_append(&answers, answer_of(batch, &batch->requests[i]));
    if (call->over_rpc || batch->duplicates == 0 || batch->duplicates < batch->answered)
        operation_reply(call, 200, &answers);
    else
        http_reply(call->transport, 200, "application/json", json_write(&answers, call->arena), &DUPLICATE,
                   1);
}

/* A problem's pointer is relative to the item; the sender counts from the array. */
static void place(struct problem *problem, uint32_t index)
{
    char placed[sizeof problem->pointer];
    int len = snprintf(placed, sizeof placed, "/%u%s", index, problem->pointer);
    if (len >= (int)sizeof placed)
        snprintf(placed, sizeof placed, "/%u", index);
    memcpy(problem->pointer, placed, sizeof placed);
}

static void on_item_done(struct intake_request *request)
{
    struct batch *batch = request->ctx;
    if (request->refused)
        place(&request->problem, (uint32_t)(request - batch->requests));
    batch->duplicates += request->duplicate && !request->refused;
    batch->answered += !request->refused;
    if (--batch->open == 0)
        answer_batch(batch);
}

static void refuse_item(struct intake_request *request, uint32_t index, const struct fault *fault)
{
    problem_set_fault(&request->problem, fault);
    place(&request->problem, index);
    request->refused = true;
}

static void publish_many(struct operation_call *call, const struct value *list)
{
    if (list->kind != VALUE_LIST) {
        fail(call, PROBLEM_INVALID, "a batch is an array of events");
        return;
    }
    if (list->count > CLOUDEVENT_BATCH_MAX) {
        fail(call, PROBLEM_TOO_LARGE, "a batch holds at most 1000 events");
        return;
    }
    struct batch *batch = arena_new(call->arena, struct batch);
    *batch = (struct batch){
        .call = call,
        .count = list->count,
        .requests = arena_array(call->arena, struct intake_request, list->count),
    };
    for (uint32_t i = 0; i < list->count; i++) {
        struct intake_request *request = &batch->requests[i];
        struct fault fault;
        prepare(request, call);
        request->ctx = batch;
        request->on_done = on_item_done;
        if (cloudevent_read(&request->event, &list->items[i], call->arena, &fault))
            batch->open++;
        else
            refuse_item(request, i, &fault);
    }
    if (batch->open == 0) {
        answer_batch(batch);
        return;
    }
    /* None is answered from inside intake_submit(), so the batch stays until all are in. */
    for (uint32_t i = 0; i < list->count; i++)
        if (!batch->requests[i].refused)
            intake_submit(call->project, &batch->requests[i]);
}

/* --- the HTTP binding (CloudEvents 1.0.2) --- */

struct binary {
    struct cloudevent_headers headers;
    struct arena *arena;
    bool any;
};

static void on_header(void *ctx, struct slice name, struct slice value)
{
    struct binary *binary = ctx;
    binary->any |= name.len > 3 && strncasecmp(name.ptr, "ce-", 3) == 0;
    cloudevent_headers_add(&binary->headers, name, value, binary->arena);
}

/* The headers' map with the body as its data. */
static struct value with_data(const struct value *document, const struct value *data, struct arena *arena)
{
    struct value whole = value_map(arena, document->count + 1);
    for (uint32_t i = 0; i < document->count; i++)
        whole.members[whole.count++] = document->members[i];
    value_set(&whole, "data", *data);
    return whole;
}

static void publish_binary(struct operation_call *call, struct binary *binary)
{
    struct slice body = http_body(call->transport);
    struct value document = binary->headers.document, data;
    struct fault fault;
    if (binary->headers.bad) {
        fail_fault(call, &binary->headers.fault);
        return;
    }
    if (body.len) {
        if (!json_read(&data, body, call->arena, &fault)) {
            fail_fault(call, &fault);
            return;
        }
        document = with_data(&document, &data, call->arena);
    }
    publish_one(call, &document);
}

void operation_publish_http(struct operation_call *call)
{
    struct http_exchange *exchange = call->transport;
    bool is_structured = route_content_type_is(exchange, STRUCTURED);
    if (is_structured || route_content_type_is(exchange, BATCHED)) {
        struct value *document = arena_new(call->arena, struct value);
        struct fault fault;
        if (!json_read(document, http_body(exchange), call->arena, &fault))
            fail_fault(call, &fault);
        else if (is_structured)
            publish_one(call, document);
        else
            publish_many(call, document);
        return;
    }
    struct binary *binary = arena_new(call->arena, struct binary);
    binary->arena = call->arena;
    cloudevent_headers_init(&binary->headers, call->arena);
    http_each_header(exchange, on_header, binary);
    bool has_type = http_find_header(exchange, "content-type", &(struct slice){0});
    if (binary->any && (!has_type || route_content_type_is(exchange, "application/json")))
        publish_binary(call, binary);
    else
        fail(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
             "send " STRUCTURED ", " BATCHED ", or application/json with ce- headers");
}

void operation_publish_rpc(struct operation_call *call)
{
    publish_one(call, call->params);
}

void operation_publish_batch_rpc(struct operation_call *call)
{
    publish_many(call, call->params);
}
