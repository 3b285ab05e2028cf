/* A request goes from the loop to a thread of the pool, where the hook's secrets are read from their files
 * and the preset verifies and decodes, then back to the loop and through the intake. Everything of it lives
 * in the exchange's arena; what the configuration says is copied there, since it may change meanwhile. */
#include "server/operation_hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/hook_generic.h"
#include "proto/hook_twiml.h"
#include "proto/json.h"
#include "rules/ascii.h"
#include "server/auth.h"
#include "server/clock.h"
#include "server/intake.h"
#include "server/metrics.h"
#include "server/project.h"
#include "server/route.h"
#include "server/secret_file.h"
#include "server/settings.h"

#define PREFIX "/hooks/"
#define MIME "mime" /* Mailgun sends whole messages to URLs that end so */
#define WHY_MAX 256
#define DUPLICATE ((struct http_header){"Patchbay-Duplicate", "true"})

struct hook_call {
    uv_work_t work;
    struct operation_call call;
    const struct hook_preset *preset;
    struct slice token, project, name;
    const char *secret_folder, *secret_files[HOOK_SECRETS_MAX];
    uint32_t secret_file_count;
    const char *unread_secret; /* NULL, or the file that could not be read */
    char why[WHY_MAX];
    struct hook_request request;
    struct hook_result result;
    enum hook_status status;
    struct intake_request *requests; /* one for each event */
    uint32_t open;
};

static struct log_limit refused_limit, secret_limit;

/* --- answers --- */

static void tally(const struct hook_call *hook, enum metric_hook outcome)
{
    metric_add(METRIC_HOOKS, (unsigned)(hook->preset - hook_presets) * METRIC_HOOK_COUNT + outcome, 1);
}

static void fail(struct hook_call *hook, enum problem_code code, const char *pointer, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(&hook->call, &problem);
}

/* What can never be taken is answered as this peer understands it. */
static void refuse_for_good(struct hook_call *hook, const struct problem *problem)
{
    unsigned status = hook->preset->refused_status;
    struct value body = problem_value_http(problem, hook->call.arena);
    tally(hook, METRIC_HOOK_REFUSED);
    if (!status) {
        operation_fail(&hook->call, problem);
        return;
    }
    for (uint32_t i = 0; i < body.count; i++) {
        if (slice_is(body.members[i].name, "status"))
            body.members[i].value = value_int(status);
    }
    http_reply(hook->call.transport, status, PROBLEM_MEDIA_TYPE, json_write(&body, hook->call.arena), NULL,
               0);
}

static void refuse_sender(struct hook_call *hook)
{
    bool is_stale = hook->status == HOOK_STALE;
    tally(hook, METRIC_HOOK_UNAUTHENTICATED);
    log_event_limited(&refused_limit, LOG_WARN, "a webhook is not signed as its secrets say",
                      (struct log_field[]){log_text("project", hook->project), log_text("hook", hook->name),
                                           log_str("why", hook_status_name(hook->status))},
                      3);
    fail(hook, PROBLEM_UNAUTHENTICATED, NULL,
         is_stale ? "the signature is too old, or a clock is wrong"
                  : "the signature is not that of the hook");
}

static void say(struct hook_call *hook, const struct hook_answer *answer, bool is_duplicate)
{
    struct value none = value_map(hook->call.arena, 1);
    struct slice body = answer->body;
    if (!answer->status) {
        value_set(&none, "decisions", value_list(hook->call.arena, 0));
        body = json_write(&none, hook->call.arena);
    }
    http_reply(hook->call.transport, answer->status ? answer->status : 200,
               answer->status ? answer->content_type : "application/json", body, &DUPLICATE, is_duplicate);
}

/* --- decisions --- */

static struct slice member_text(const struct intake_request *request, const char *name)
{
    const struct value *value = value_member(&request->answer, name);
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

static void read_decision(struct hook_decision *decision, const struct intake_request *request)
{
    bool is_conflict = request->refused && request->problem.code == PROBLEM_ID_CONFLICT;
    decision->refused = request->refused && !is_conflict;
    if (decision->refused) {
        decision->outcome = SLICE("refused");
        return;
    }
    decision->duplicate = request->duplicate || is_conflict; /* the peer's id was decided, whatever differs */
    decision->outcome = member_text(request, "outcome");
    decision->interaction = member_text(request, "interaction");
    decision->queue = member_text(request, "queue");
    decision->agent = member_text(request, "agent");
    decision->blocked = slice_is(decision->outcome, "blocked");
}

static void answer_as_json(struct hook_answer *answer, const struct hook_decision *decisions, uint32_t count,
                           struct arena *arena)
{
    struct value body = value_map(arena, 1), list = value_list(arena, count);
    for (uint32_t i = 0; i < count; i++) {
        struct value item = value_map(arena, 4);
        value_set_text(&item, "outcome", decisions[i].outcome);
        value_set_text(&item, "interaction", decisions[i].interaction);
        value_set_text(&item, "queue", decisions[i].queue);
        value_set_text(&item, "agent", decisions[i].agent);
        value_append(&list, item);
    }
    value_set(&body, "decisions", list);
    hook_say(answer, 200, "application/json", json_write(&body, arena));
}

/* One that can be decided later makes the peer send all again: the others are known then. */
static const struct problem *problem_of(const struct hook_call *hook)
{
    uint32_t refused = 0;
    for (uint32_t i = 0; i < hook->result.event_count; i++) {
        const struct intake_request *request = &hook->requests[i];
        bool is_refused = request->refused && request->problem.code != PROBLEM_ID_CONFLICT;
        if (is_refused &&
            (problem_is_retryable(request->problem.code) || request->problem.code == PROBLEM_INTERNAL))
            return &request->problem;
        refused += is_refused;
    }
    return refused && refused == hook->result.event_count ? &hook->requests[0].problem : NULL;
}

static void finish(struct hook_call *hook)
{
    uint32_t events = hook->result.event_count, duplicates = 0;
    const struct problem *problem = problem_of(hook);
    if (problem && (problem_is_retryable(problem->code) || problem->code == PROBLEM_INTERNAL)) {
        tally(hook, METRIC_HOOK_DEFERRED);
        operation_fail(&hook->call, problem);
        return;
    }
    if (problem) {
        refuse_for_good(hook, problem);
        return;
    }
    struct hook_decision *decisions = arena_array(hook->call.arena, struct hook_decision, events);
    struct hook_answer answer = {0};
    for (uint32_t i = 0; i < events; i++) {
        read_decision(&decisions[i], &hook->requests[i]);
        duplicates += decisions[i].duplicate;
    }
    if (hook->preset->answer)
        hook->preset->answer(&answer, &hook->request, &hook->result, decisions, hook->call.arena);
    else
        answer_as_json(&answer, decisions, events, hook->call.arena);
    tally(hook, duplicates == events ? METRIC_HOOK_DUPLICATE : METRIC_HOOK_DECIDED);
    say(hook, &answer, duplicates == events);
}

static void on_decided(struct intake_request *request)
{
    struct hook_call *hook = request->ctx;
    if (--hook->open == 0)
        finish(hook);
}

/* None is answered from inside intake_submit(), so the call stays until all are in. */
static void submit(struct hook_call *hook)
{
    struct project *project = app_find_project(hook->call.app, hook->project);
    if (!project || !project_config(project)) {
        tally(hook, METRIC_HOOK_DEFERRED);
        fail(hook, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the project is not loaded");
        return;
    }
    for (uint32_t i = 0; i < hook->result.event_count; i++)
        hook->open += !hook->requests[i].refused;
    if (!hook->open) {
        finish(hook);
        return;
    }
    for (uint32_t i = 0, left = hook->open; left; i++) {
        if (hook->requests[i].refused)
            continue;
        left--;
        intake_submit(project, &hook->requests[i]);
    }
}

/* --- reading --- */

static bool read_secrets(struct hook_call *hook)
{
    for (uint32_t i = 0; i < hook->secret_file_count; i++) {
        struct slice secret;
        bool is_read = secret_file_read(&secret, hook->secret_folder, hook->secret_files[i], HOOK_SECRET_MAX,
                                        hook->call.arena, hook->why, sizeof hook->why) == SECRET_FILE_READ;
        secret = is_read ? ascii_trim(secret) : (struct slice){NULL, 0};
        if (is_read && !secret.len)
            snprintf(hook->why, sizeof hook->why, "it is empty");
        if (!secret.len) {
            hook->unread_secret = hook->secret_files[i];
            return false;
        }
        hook->request.secrets[hook->request.secret_count++] = secret;
    }
    return true;
}

/* On a thread of the pool: touches the call alone. */
static void on_work(uv_work_t *work)
{
    struct hook_call *hook = work->data;
    struct arena *arena = hook->call.arena;
    if (!read_secrets(hook))
        return;
    hook->status = hook_read(&hook->result, hook->preset, &hook->request, false, arena);
    if (hook->status != HOOK_OK)
        return;
    hook->requests = arena_array(arena, struct intake_request, hook->result.event_count);
    for (uint32_t i = 0; i < hook->result.event_count; i++) {
        struct intake_request *request = &hook->requests[i];
        struct fault fault;
        *request =
            (struct intake_request){.arena = arena, .ctx = hook, .on_done = on_decided, .is_metered = true};
        request->input.kind = INPUT_EVENT;
        request->input.event = &request->event;
        if (!cloudevent_read(&request->event, &hook->result.events[i], arena, &fault)) {
            request->refused = true;
            problem_set_fault(&request->problem, &fault);
        }
    }
}

static void on_read(uv_work_t *work, int status)
{
    struct hook_call *hook = work->data;
    struct problem problem;
    (void)status; /* work is never cancelled */
    if (hook->unread_secret) {
        tally(hook, METRIC_HOOK_DEFERRED);
        log_event_limited(
            &secret_limit, LOG_ERROR, "a secret of a webhook cannot be read",
            (struct log_field[]){log_text("project", hook->project), log_text("hook", hook->name),
                                 log_str("file", hook->unread_secret), log_str("why", hook->why)},
            4);
        fail(hook, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the signature cannot be checked at the moment");
        return;
    }
    switch (hook->status) {
    case HOOK_OK:
        if (hook->result.event_count) {
            submit(hook);
            return;
        }
        tally(hook, METRIC_HOOK_DECIDED);
        say(hook, &hook->result.answer, false);
        return;
    case HOOK_IGNORED:
        tally(hook, METRIC_HOOK_IGNORED);
        say(hook, &hook->result.answer, false);
        return;
    case HOOK_BAD_SIGNATURE:
    case HOOK_STALE:
        refuse_sender(hook);
        return;
    case HOOK_MALFORMED:
        problem_set_fault(&problem, &hook->result.fault);
        break;
    case HOOK_TOO_MANY:
        problem_set(&problem, PROBLEM_TOO_LARGE, NULL, "%s", "more events than are taken at a time");
        break;
    case HOOK_UNSUPPORTED:
        problem_set(&problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, "%s does not come in this content type",
                    hook->preset->name);
        break;
    }
    refuse_for_good(hook, &problem);
}

/* --- the request --- */

static void on_header(void *ctx, struct slice name, struct slice value)
{
    struct hook_call *hook = ctx;
    struct hook_header *headers = (struct hook_header *)hook->request.headers;
    if (hook->request.header_count < HOOK_HEADERS_MAX)
        headers[hook->request.header_count++] = (struct hook_header){name, value};
}

/* As the peer asked: a proxy in front may have another name and scheme. */
static struct slice url_of(const struct hook_call *hook, struct slice path)
{
    const struct hook_request *request = &hook->request;
    const char *base = hook->call.app->settings->public_url;
    const char *mark = request->query.len ? "?" : "";
    struct slice scheme = hook_header(request, "x-forwarded-proto"), host = hook_header(request, "host");
    struct slice forwarded = hook_header(request, "x-forwarded-host");
    if (*base)
        return arena_format(hook->call.arena, "%s%.*s%s%.*s", base, (int)path.len, path.ptr, mark,
                            (int)request->query.len, request->query.ptr);
    scheme = scheme.len ? scheme : SLICE("http");
    host = forwarded.len ? forwarded : host;
    return arena_format(hook->call.arena, "%.*s://%.*s%.*s%s%.*s", (int)scheme.len, scheme.ptr, (int)host.len,
                        host.ptr, (int)path.len, path.ptr, mark, (int)request->query.len, request->query.ptr);
}

static void read_request(struct hook_call *hook)
{
    struct http_exchange *exchange = hook->call.transport;
    struct hook_request *request = &hook->request;
    request->headers = arena_array(hook->call.arena, struct hook_header, HOOK_HEADERS_MAX);
    http_each_header(exchange, on_header, hook);
    request->method = slice_is(http_method(exchange), "GET") ? HOOK_GET : HOOK_POST;
    request->query = http_query(exchange);
    request->url = url_of(hook, http_path(exchange));
    request->content_type = hook_header(request, "content-type");
    request->body = http_body(exchange);
    request->now_ms = clock_now_ms();
}

static void begin(struct hook_call *hook, const struct config_hook *config)
{
    struct arena *arena = hook->call.arena;
    struct hook_request *request = &hook->request;
    read_request(hook);
    request->source = arena_format(arena, "hooks/%.*s", (int)hook->name.len, hook->name.ptr);
    request->to = arena_copy(arena, config->endpoint);
    request->is_e164 = config->is_e164;
    request->voice = config->voice ? hook_voice_copy(config->voice, arena) : NULL;
    request->mapping = config->mapping ? hook_mapping_copy(config->mapping, arena) : NULL;
    hook->secret_folder = arena_string(arena, slice_of(hook->call.app->settings->secret_folder));
    for (uint32_t i = 0; i < config->secret_count; i++)
        hook->secret_files[hook->secret_file_count++] = arena_string(arena, config->secret_files[i]);
    hook->work.data = hook;
    if (uv_queue_work(hook->call.app->loop, &hook->work, on_work, on_read) != 0)
        abort();
}

static void on_authenticated(void *ctx, const struct principal *principal, bool storage_away)
{
    struct hook_call *hook = ctx;
    if (storage_away) {
        tally(hook, METRIC_HOOK_DEFERRED);
        fail(hook, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the URL cannot be checked at the moment");
        return;
    }
    if (!principal || principal->role != ROLE_HOOK) {
        tally(hook, METRIC_HOOK_UNAUTHENTICATED);
        fail(hook, PROBLEM_NOT_FOUND, NULL, "no hook has this URL");
        return;
    }
    hook->project = arena_copy(hook->call.arena, principal->project_name);
    hook->name = arena_copy(hook->call.arena, principal->agent);
    struct project *project = app_find_project(hook->call.app, hook->project);
    const struct project_config *config = project ? project_config(project) : NULL;
    const struct config_hook *entry = config ? config_find_hook(config, hook->name) : NULL;
    if (!config) {
        tally(hook, METRIC_HOOK_DEFERRED);
        fail(hook, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the project is not loaded yet");
    } else if (!entry || entry->preset != hook->preset) {
        tally(hook, METRIC_HOOK_REFUSED);
        fail(hook, PROBLEM_NOT_FOUND, NULL,
             entry ? "the hook has another preset" : "the project has no such hook any more");
    } else {
        begin(hook, entry);
    }
}

static struct slice next_segment(struct slice *rest)
{
    size_t end = ascii_find(*rest, '/');
    struct slice segment = ascii_part(*rest, 0, end);
    *rest = ascii_part(*rest, end < rest->len ? end + 1 : end, rest->len);
    return segment;
}

bool operation_hooks_serve(struct app *app, struct http_exchange *exchange)
{
    struct slice path = http_path(exchange), method = http_method(exchange);
    if (!ascii_begins(path, PREFIX))
        return false;
    struct slice rest = ascii_part(path, sizeof PREFIX - 1, path.len);
    struct arena *arena = http_arena(exchange);
    struct hook_call *hook = arena_new(arena, struct hook_call);
    hook->call = (struct operation_call){.app = app, .arena = arena, .transport = exchange};
    hook->preset = hook_find_preset(next_segment(&rest));
    hook->token = next_segment(&rest);
    if (!hook->preset || (rest.len && !slice_is(rest, MIME))) {
        fail(hook, PROBLEM_NOT_FOUND, NULL, "there is no such preset");
        return true;
    }
    bool is_get = slice_is(method, "GET"), takes_get = hook->preset->methods & HOOK_GET;
    if (!slice_is(method, "POST") && !(is_get && takes_get))
        route_refuse_method(exchange, takes_get ? "POST, GET" : "POST");
    else
        auth_find(app->auth, hook->token, on_authenticated, hook);
    return true;
}
