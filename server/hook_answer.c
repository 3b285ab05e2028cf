/* What peers of webhooks are told, counted and logged. */
#include <assert.h>

#include "proto/json.h"
#include "server/auth.h"
#include "server/hook_call.h"

#define DUPLICATE ((struct http_header){"Patchbay-Duplicate", "true"})
#define OVERLOADED_STATUS 503 /* what every service tries again */

static unsigned preset_index(const struct hook_call *hook)
{
    return (unsigned)(hook->preset - hook_presets);
}

/* --- how many are under way --- */

static void show_load(const struct hook_load *load)
{
    metric_set(METRIC_HOOKS_UNDER_WAY, 0, hook_load_count(load));
}

bool hook_enter(struct hook_call *hook)
{
    struct app *app = hook->call.app;
    hook->is_stranger = !auth_remembers(app->auth, hook->token);
    bool entered = hook_load_enter(&app->hook_load, hook->is_stranger, http_body(hook->call.transport).len);
    show_load(&app->hook_load);
    return entered;
}

bool hook_confirm(struct hook_call *hook)
{
    struct hook_load *load = &hook->call.app->hook_load;
    if (!hook->is_stranger)
        return true;
    hook->is_stranger = false;
    bool confirmed = hook_load_confirm(load, http_body(hook->call.transport).len);
    show_load(load);
    return confirmed;
}

/* Before the answer, which takes the body along. */
static void leave(struct hook_call *hook, enum metric_hook outcome)
{
    struct hook_load *load = &hook->call.app->hook_load;
    hook_load_leave(load, hook->is_stranger, http_body(hook->call.transport).len);
    show_load(load);
    metric_add(METRIC_HOOKS, preset_index(hook) * METRIC_HOOK_COUNT + outcome, 1);
}

/* --- failures --- */

/* A problem under another status than the API gives it. */
static void fail_as(struct hook_call *hook, unsigned status, const struct problem *problem,
                    const struct http_header *header)
{
    struct value body = problem_value_http(problem, hook->call.arena);
    for (uint32_t i = 0; i < body.count; i++) {
        if (slice_is(body.members[i].name, "status"))
            body.members[i].value = value_int(status);
    }
    http_reply(hook->call.transport, status, PROBLEM_MEDIA_TYPE, json_write(&body, hook->call.arena), header,
               header != NULL);
}

static void tell_overloaded(struct hook_call *hook, const char *detail)
{
    static const struct http_header later = {"Retry-After", "1"};
    struct problem problem;
    static_assert(PROBLEM_RETRY_AFTER_S == 1, "the header's text says so");
    problem_set(&problem, PROBLEM_OVERLOADED, NULL, "%s", detail);
    fail_as(hook, OVERLOADED_STATUS, &problem, &later);
}

void hook_answer_overloaded(struct hook_call *hook)
{
    static struct log_limit limit;
    const struct hook_load *load = &hook->call.app->hook_load;
    const struct hook_share *share = hook->is_stranger ? &load->strangers : &load->known;
    metric_add(METRIC_HOOKS, preset_index(hook) * METRIC_HOOK_COUNT + METRIC_HOOK_OVERLOADED, 1);
    log_event_limited(
        &limit, LOG_WARN, "too many webhooks are under way; peers are told to come again",
        (struct log_field[]){log_str("preset", hook->preset->name), log_bool("confirmed", !hook->is_stranger),
                             log_int("requests", share->requests), log_int("bytes", (int64_t)share->bytes)},
        4);
    tell_overloaded(hook, "too many webhooks are under way");
}

void hook_answer_fail(struct hook_call *hook, enum metric_hook outcome, enum problem_code code,
                      const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, NULL, "%s", detail);
    leave(hook, outcome);
    operation_fail(&hook->call, &problem);
}

/* A pointer is made of our names and the project file's; the detail may quote what the peer sent. */
static void note_refused(const struct hook_call *hook, enum metric_hook_refusal reason, uint32_t count,
                         const char *pointer)
{
    static struct log_limit limit;
    metric_add(METRIC_HOOK_REFUSALS, preset_index(hook) * METRIC_HOOK_REFUSAL_COUNT + reason, count);
    log_event_limited(&limit, LOG_WARN, "a message of a webhook is refused for good",
                      (struct log_field[]){log_text("project", hook->project), log_text("hook", hook->name),
                                           log_str("preset", hook->preset->name),
                                           log_str("reason", metric_hook_refusals[reason]),
                                           log_str("pointer", pointer)},
                      5);
}

/* As this peer understands it. */
static void refuse(struct hook_call *hook, const struct problem *problem)
{
    leave(hook, METRIC_HOOK_REFUSED);
    if (hook->preset->refused_status)
        fail_as(hook, hook->preset->refused_status, problem, NULL);
    else
        operation_fail(&hook->call, problem);
}

void hook_answer_refused(struct hook_call *hook, const struct problem *problem,
                         enum metric_hook_refusal reason)
{
    note_refused(hook, reason, hook->result.skipped ? hook->result.skipped : 1, problem->pointer);
    refuse(hook, problem);
}

void hook_answer_sender(struct hook_call *hook)
{
    static struct log_limit limit;
    const char *detail = hook->status == HOOK_STALE    ? "the signature is too old, or a clock is wrong"
                         : hook->status == HOOK_REUSED ? "the signature's token came with another message"
                                                       : "the signature is not that of the hook";
    log_event_limited(&limit, LOG_WARN, "a webhook is not signed as its secrets say",
                      (struct log_field[]){log_text("project", hook->project), log_text("hook", hook->name),
                                           log_str("why", hook_status_name(hook->status))},
                      3);
    hook_answer_fail(hook, METRIC_HOOK_UNAUTHENTICATED, PROBLEM_UNAUTHENTICATED, detail);
}

/* --- decisions --- */

static void say(struct hook_call *hook, enum metric_hook outcome, const struct hook_answer *answer)
{
    struct value none = value_map(hook->call.arena, 1);
    struct slice body = answer->body;
    if (!answer->status) {
        value_set(&none, "decisions", value_list(hook->call.arena, 0));
        body = json_write(&none, hook->call.arena);
    }
    leave(hook, outcome);
    http_reply(hook->call.transport, answer->status ? answer->status : 200,
               answer->status ? answer->content_type : "application/json", body, &DUPLICATE,
               outcome == METRIC_HOOK_DUPLICATE);
}

void hook_answer_plain(struct hook_call *hook, enum metric_hook outcome)
{
    say(hook, outcome, &hook->result.answer);
}

static struct slice member_text(const struct intake_request *request, const char *name)
{
    const struct value *value = value_member(&request->answer, name);
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

/* A conflict is the peer's id with other words: it was decided, whatever differs. */
static bool is_refused(const struct intake_request *request)
{
    return request->refused && request->problem.code != PROBLEM_ID_CONFLICT;
}

static void read_decision(struct hook_decision *decision, const struct intake_request *request)
{
    decision->refused = is_refused(request);
    if (decision->refused) {
        decision->outcome = SLICE("refused");
        return;
    }
    decision->duplicate = request->duplicate || request->refused;
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

/* What may be decided when it comes again: a fault of ours too. */
static bool is_passing(const struct problem *problem)
{
    return problem_is_retryable(problem->code) || problem->code == PROBLEM_INTERNAL;
}

/* One that can be decided later makes the peer send all again: the others are known then. */
static const struct problem *passing_problem(const struct hook_call *hook)
{
    for (uint32_t i = 0; i < hook->result.event_count; i++) {
        const struct intake_request *request = &hook->requests[i];
        if (is_refused(request) && is_passing(&request->problem))
            return &request->problem;
    }
    return NULL;
}

static enum metric_hook_refusal reason_of(enum problem_code code)
{
    return code == PROBLEM_INVALID ? METRIC_HOOK_REFUSAL_INVALID
           : code == PROBLEM_STALE ? METRIC_HOOK_REFUSAL_STALE
                                   : METRIC_HOOK_REFUSAL_OTHER;
}

/* Those that nobody will hear of again; how many events they are. */
static uint32_t note_all_refused(const struct hook_call *hook)
{
    uint32_t refused = 0;
    for (uint32_t i = 0; i < hook->result.event_count; i++) {
        const struct intake_request *request = &hook->requests[i];
        if (!is_refused(request))
            continue;
        refused++;
        note_refused(hook, reason_of(request->problem.code), 1, request->problem.pointer);
    }
    if (hook->result.skipped)
        note_refused(hook, METRIC_HOOK_REFUSAL_MALFORMED, hook->result.skipped, hook->result.fault.pointer);
    return refused;
}

static void answer_unkept(struct hook_call *hook)
{
    if (hook->kept == RAW_MAIL_TOO_MUCH) {
        leave(hook, METRIC_HOOK_OVERLOADED);
        tell_overloaded(hook, "decided, but too much mail is on its way to be kept: send it again");
    } else {
        hook_answer_fail(hook, METRIC_HOOK_DEFERRED, PROBLEM_STORAGE_UNAVAILABLE,
                         "decided, but the mail could not be kept: send it again");
    }
}

void hook_answer_decided(struct hook_call *hook)
{
    uint32_t events = hook->result.event_count, duplicates = 0;
    const struct problem *problem = passing_problem(hook);
    if (problem) {
        leave(hook, METRIC_HOOK_DEFERRED);
        operation_fail(&hook->call, problem);
        return;
    }
    if (hook->kept != RAW_MAIL_KEPT) {
        answer_unkept(hook);
        return;
    }
    if (note_all_refused(hook) == events) {
        refuse(hook, &hook->requests[0].problem);
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
    say(hook, duplicates == events ? METRIC_HOOK_DUPLICATE : METRIC_HOOK_DECIDED, &answer);
}
