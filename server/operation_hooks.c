/* A request goes from the loop to a thread of the pool, where the hook's secrets are read from their files
 * and the preset verifies and decodes, then back to the loop and through the intake. */
#include "server/operation_hooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/cloudevent.h"
#include "proto/hook_generic.h"
#include "proto/hook_twiml.h"
#include "rules/ascii.h"
#include "server/auth.h"
#include "server/clock.h"
#include "server/hook_call.h"
#include "server/project.h"
#include "server/route.h"
#include "server/secret_file.h"
#include "server/settings.h"

#define PREFIX "/hooks/"
#define MIME "mime" /* Mailgun sends whole messages to URLs that end so */

/* --- decisions --- */

void hook_settle(struct hook_call *hook)
{
    if (--hook->open == 0)
        hook_answer_decided(hook);
}

static void on_decided(struct intake_request *request)
{
    struct hook_call *hook = request->ctx;
    if (!hook_keep(hook, request))
        hook_settle(hook);
}

/* None is answered from inside intake_submit(), so the call stays until all are in. */
void hook_submit(struct hook_call *hook)
{
    struct project *project = app_find_project(hook->call.app, hook->project);
    if (!project || !project_config(project)) {
        hook_answer_fail(hook, METRIC_HOOK_DEFERRED, PROBLEM_STORAGE_UNAVAILABLE,
                         "the project is not loaded");
        return;
    }
    hook_make_wishes(hook, project);
    for (uint32_t i = 0; i < hook->result.event_count; i++)
        hook->open += !hook->requests[i].refused;
    if (!hook->open) {
        hook_answer_decided(hook);
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
        bool is_line = secret.len && ascii_find(secret, '\n') == secret.len;
        if (is_read && !is_line)
            snprintf(hook->why, sizeof hook->why, "it must hold one line");
        if (!is_line) {
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
            continue;
        }
        intake_digest(request);
    }
}

static void answer_unread(struct hook_call *hook)
{
    static struct log_limit limit;
    log_event_limited(&limit, LOG_ERROR, "a secret of a webhook cannot be read",
                      (struct log_field[]){log_text("project", hook->project), log_text("hook", hook->name),
                                           log_str("file", hook->unread_secret), log_str("why", hook->why)},
                      4);
    hook_answer_fail(hook, METRIC_HOOK_DEFERRED, PROBLEM_STORAGE_UNAVAILABLE,
                     "the signature cannot be checked at the moment");
}

static void answer_undecoded(struct hook_call *hook)
{
    enum metric_hook_refusal reason = METRIC_HOOK_REFUSAL_MALFORMED;
    struct problem problem;
    if (hook->status == HOOK_TOO_MANY) {
        reason = METRIC_HOOK_REFUSAL_TOO_MANY;
        problem_set(&problem, PROBLEM_TOO_LARGE, NULL, "%s", "more events than are taken at a time");
    } else if (hook->status == HOOK_UNSUPPORTED) {
        reason = METRIC_HOOK_REFUSAL_UNSUPPORTED;
        problem_set(&problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, "%s does not come in this content type",
                    hook->preset->name);
    } else {
        problem_set_fault(&problem, &hook->result.fault);
    }
    hook_answer_refused(hook, &problem, reason);
}

/* Unread, so nobody knows whether it was signed. */
static void answer_too_large(struct hook_call *hook)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_TOO_LARGE, NULL, "The body is larger than %u bytes.", HTTP_BODY_MAX);
    hook_answer_refused(hook, &problem, METRIC_HOOK_REFUSAL_TOO_LARGE);
}

static void on_read(uv_work_t *work, int status)
{
    struct hook_call *hook = work->data;
    (void)status; /* work is never cancelled */
    if (hook->unread_secret) {
        answer_unread(hook);
        return;
    }
    switch (hook->status) {
    case HOOK_OK:
        if (hook->result.event_count)
            hook_check_nonce(hook);
        else
            hook_answer_plain(hook, METRIC_HOOK_DECIDED);
        return;
    case HOOK_IGNORED:
        hook_answer_plain(hook, METRIC_HOOK_IGNORED);
        return;
    case HOOK_BAD_SIGNATURE:
    case HOOK_STALE:
    case HOOK_REUSED:
        hook_answer_sender(hook);
        return;
    case HOOK_MALFORMED:
    case HOOK_TOO_MANY:
    case HOOK_UNSUPPORTED:
        answer_undecoded(hook);
        return;
    }
}

/* --- the request --- */

static void on_header(void *ctx, struct slice name, struct slice value)
{
    struct hook_call *hook = ctx;
    struct hook_header *headers = (struct hook_header *)hook->request.headers;
    hook_url_note(&hook->url, name, value);
    if (hook->request.header_count < HOOK_HEADERS_MAX)
        headers[hook->request.header_count++] = (struct hook_header){name, value};
}

static void read_request(struct hook_call *hook)
{
    struct http_exchange *exchange = hook->call.transport;
    struct hook_request *request = &hook->request;
    request->headers = arena_array(hook->call.arena, struct hook_header, HOOK_HEADERS_MAX);
    http_each_header(exchange, on_header, hook);
    request->method = slice_is(http_method(exchange), "GET") ? HOOK_GET : HOOK_POST;
    request->query = http_query(exchange);
    request->url = hook_url(&hook->url, hook->call.app->settings->public_url, http_path(exchange),
                            request->query, hook->call.arena);
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
        hook_answer_fail(hook, METRIC_HOOK_DEFERRED, PROBLEM_STORAGE_UNAVAILABLE,
                         "the URL cannot be checked at the moment");
        return;
    }
    if (!principal || principal->role != ROLE_HOOK) {
        hook_answer_fail(hook, METRIC_HOOK_UNAUTHENTICATED, PROBLEM_NOT_FOUND, "no hook has this URL");
        return;
    }
    if (!hook_confirm(hook)) {
        hook_answer_overloaded(hook);
        return;
    }
    hook->project = arena_copy(hook->call.arena, principal->project_name);
    hook->name = arena_copy(hook->call.arena, principal->agent);
    struct project *project = app_find_project(hook->call.app, hook->project);
    const struct project_config *config = project ? project_config(project) : NULL;
    const struct config_hook *entry = config ? config_find_hook(config, hook->name) : NULL;
    if (!config)
        hook_answer_fail(hook, METRIC_HOOK_DEFERRED, PROBLEM_STORAGE_UNAVAILABLE,
                         "the project is not loaded yet");
    else if (!entry || entry->preset != hook->preset)
        hook_answer_fail(hook, METRIC_HOOK_REFUSED, PROBLEM_NOT_FOUND,
                         entry ? "the hook has another preset" : "the project has no such hook any more");
    else if (http_is_too_large(hook->call.transport))
        answer_too_large(hook);
    else
        begin(hook, entry);
}

static struct slice next_segment(struct slice *rest)
{
    size_t end = ascii_find(*rest, '/');
    struct slice segment = ascii_part(*rest, 0, end);
    *rest = ascii_part(*rest, end < rest->len ? end + 1 : end, rest->len);
    return segment;
}

bool operation_hooks_hears_of_large(struct slice method, struct slice path)
{
    (void)method;
    return ascii_begins(path, PREFIX);
}

bool operation_hooks_serve(struct app *app, struct http_exchange *exchange)
{
    struct slice path = http_path(exchange), method = http_method(exchange);
    if (!ascii_begins(path, PREFIX))
        return false;
    struct slice rest = ascii_part(path, sizeof PREFIX - 1, path.len);
    struct arena *arena = http_arena(exchange);
    struct problem problem;
    struct hook_call *hook = arena_new(arena, struct hook_call);
    hook->call = (struct operation_call){.app = app, .arena = arena, .transport = exchange};
    hook->preset = hook_find_preset(next_segment(&rest));
    hook->token = next_segment(&rest);
    if (!hook->preset || (rest.len && !slice_is(rest, MIME))) {
        problem_set(&problem, PROBLEM_NOT_FOUND, NULL, "%s", "there is no such preset");
        operation_fail(&hook->call, &problem);
        return true;
    }
    bool is_get = slice_is(method, "GET"), takes_get = hook->preset->methods & HOOK_GET;
    if (!slice_is(method, "POST") && !(is_get && takes_get))
        route_refuse_method(exchange, takes_get ? "POST, GET" : "POST");
    else if (!hook_enter(hook))
        hook_answer_overloaded(hook);
    else
        auth_find(app->auth, hook->token, on_authenticated, hook);
    return true;
}
