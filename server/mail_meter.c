/* Loops of mail are stopped where they are decided: a mail beyond the budget counts as a machine's. It is
 * recorded and attached to its thread, and nobody is asked to answer it. The sender is told nothing: a reply
 * or a bounce would keep the loop alive (RFC 3834 2). */
#include "proto/cloudevent.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project_internal.h"

/* Whoever gives no usable address is one sender with all who do not. */
static struct uuid sender_of(struct slice email_key)
{
    struct uuid sender;
    cloudevent_conversation(&sender, CHANNEL_EMAIL, SLICE("sender"), email_key);
    return sender;
}

static const struct mail_limits *limits_of(const struct project *project)
{
    return &project->config->config.mail.limits;
}

static void tell(const struct project *project, const struct intake_request *request)
{
    log_event(LOG_WARN, "mail comes in a loop: it is recorded, and nobody is asked",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_str("limit", mail_loop_name(request->loop)),
                                   log_masked("sender", request->input.email.key)},
              3);
}

static enum mail_loop take(struct project *project, struct intake_request *request, int64_t now, bool *begins)
{
    struct batch *batch = project->batch;
    const struct interaction *thread = core_find_thread(&project->core, &request->input);
    struct counted_mail *mail = arena_new(&batch->arena, struct counted_mail);
    *mail = (struct counted_mail){.seen = {.sender = sender_of(request->input.email.key),
                                           .is_machine = request->is_machine,
                                           .at_ms = now},
                                  .limits = *limits_of(project),
                                  .next = batch->counted};
    if (thread)
        mail->seen.thread = thread->id;
    batch->counted = mail;
    request->input.metered = true;
    request->input.metered_thread = mail->seen.thread;
    return mail_budget_take(project->mail_budget, &mail->limits, &mail->seen, begins);
}

/* What its first try found stands in the event already. */
static void judge(struct project *project, struct intake_request *request, enum mail_loop loop, bool begins)
{
    static const char *const signs[MAIL_LOOP_COUNT] = {NULL, "budget of the sender", "budget of the thread",
                                                       "budget of the sender"};
    request->loop = loop;
    metric_add(METRIC_MAIL_LOOPS, loop - 1, 1);
    if (begins)
        tell(project, request);
    intake_note_machine(request, MACHINE_LOOP, slice_of(signs[loop]));
}

void mail_meter(struct project *project, struct intake_request *request, int64_t now)
{
    bool begins;
    if (!request->is_metered || request->event.outbound)
        return;
    enum mail_loop loop = take(project, request, now, &begins);
    if (request->loop == MAIL_LOOP_NONE && loop != MAIL_LOOP_NONE)
        judge(project, request, loop, begins);
    if (request->loop != MAIL_LOOP_NONE)
        request->input.machine = true;
    if (request->loop == MAIL_LOOP_MACHINE)
        request->input.thread_count = 0; /* a storm of bounces does not bury its thread */
}

void mail_meter_give_back(struct project *project, struct batch *batch, const struct counted_mail *until)
{
    for (; batch->counted != until; batch->counted = batch->counted->next)
        mail_budget_give_back(project->mail_budget, &batch->counted->limits, &batch->counted->seen);
}

int64_t mail_meter_from_ms(const struct project *project)
{
    const struct mail_limits *limits = limits_of(project);
    int64_t longest = limits->sender_within_ms > limits->thread_within_ms ? limits->sender_within_ms
                                                                          : limits->thread_within_ms;
    return clock_now_ms() - 2 * longest;
}

void mail_meter_recall(struct project *project, const struct input *input, int64_t at_ms)
{
    struct mail_seen seen = {
        .sender = sender_of(input->email.key), .thread = input->metered_thread, .at_ms = at_ms};
    mail_budget_recall(project->mail_budget, limits_of(project), &seen);
}
