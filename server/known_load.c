/* Reads the keys of the idempotency window into the filter, newest first and page by page on the reader's
 * link, while the project decides already: until the last page is in, every key is looked up. */
#include "server/log.h"
#include "server/mail_thread.h"
#include "server/project_internal.h"

int64_t known_from_ms(const struct project *project)
{
    return clock_now_ms() - project->core.config->window_ms - PROJECT_CLOCK_SKEW_MS;
}

static void on_page(void *ctx, const struct pg_reply *reply);

static void ask_page(struct project *project)
{
    struct known_load *load = &project->known_load;
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    params_number(&params, load->before_seq > PROJECT_KNOWN_PAGE ? load->before_seq - PROJECT_KNOWN_PAGE : 0);
    params_number(&params, load->before_seq);
    params_number(&params, (uint64_t)load->from_ms);
    params_number(&params, (uint64_t)mail_meter_from_ms(project));
    struct pg_query query = {
        .name = "known_events", .params = params.items, .param_count = params.count, .binary_result = true};
    load->asked = project_query(project, project->app->reader, &query, on_page);
}

static void finish(struct project *project, int64_t covers_ms)
{
    project->known_load.complete = true;
    known_keys_cover(project->known, covers_ms);
    log_event(LOG_INFO, "the keys of the idempotency window are known",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_int("keys", known_keys_count(project->known))},
              2);
}

static void warn_full(struct project *project)
{
    static struct log_limit limit;
    log_event_limited(
        &limit, LOG_WARN, "more keys in the idempotency window than are remembered: all are looked up",
        (struct log_field[]){log_text("project", project_name(project)), log_int("bound", KNOWN_KEYS_MAX)},
        2);
}

static void take_mail(struct project *project, const struct pg_reply *reply, int row, int64_t at_ms)
{
    struct slice email_key = pg_cell(reply, row, 3);
    struct uuid interaction = pg_uuid(reply, row, 4);
    if (pg_is_null(reply, row, 3))
        return;
    if (!uuid_is_nil(&interaction)) {
        struct uuid writer = mail_thread_writer(&interaction, email_key);
        known_keys_add(project->known, &writer, at_ms);
    }
    if (pg_bool(reply, row, 5))
        mail_meter_recall(project, email_key, &interaction, at_ms);
}

/* Every number has its row: a page without rows is behind the window's beginning. */
static void take_page(struct project *project, const struct pg_reply *reply)
{
    struct known_load *load = &project->known_load;
    int64_t newest_ms = load->from_ms;
    for (int row = 0; row < reply->rows; row++) {
        int64_t at_ms = pg_int64(reply, row, 0);
        struct uuid event = pg_uuid(reply, row, 1), conversation = pg_uuid(reply, row, 2);
        if (!uuid_is_nil(&event))
            known_keys_add(project->known, &event, at_ms);
        if (!uuid_is_nil(&conversation))
            known_keys_add(project->known, &conversation, at_ms);
        take_mail(project, reply, row, at_ms);
        if (newest_ms < at_ms)
            newest_ms = at_ms;
    }
    if (reply->rows == 0 || load->before_seq <= PROJECT_KNOWN_PAGE) {
        finish(project, load->from_ms);
    } else if (known_keys_is_full(project->known)) { /* what is older would push out what is newer */
        warn_full(project);
        finish(project, newest_ms + 1);
    } else {
        load->before_seq -= PROJECT_KNOWN_PAGE;
    }
}

static void on_page(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    struct known_load *load = &project->known_load;
    static struct log_limit limit;
    load->asked = false;
    if (reply->outcome == PG_OK && !load->stale && project_is_owned(project)) {
        take_page(project, reply);
        if (!load->complete)
            ask_page(project);
    } else if (reply->outcome == PG_REFUSED) {
        log_event_limited(
            &limit, LOG_WARN, "the keys of the idempotency window cannot be read",
            (struct log_field[]){log_text("project", project_name(project)), log_str("why", reply->message)},
            2);
    }
    load->stale = false;
    project_reply_done(project);
}

void known_load_start(struct project *project)
{
    struct known_load *load = &project->known_load;
    load->complete = false;
    load->from_ms = known_from_ms(project);
    load->before_seq = project->journal_seq + 1;
    known_load_go_on(project);
}

void known_load_go_on(struct project *project)
{
    known_keys_expire(project->known, known_from_ms(project));
    if (!project->known_load.complete && !project->known_load.asked)
        ask_page(project);
}

void known_forget(struct project *project)
{
    project->known_load.stale = project->known_load.asked;
    known_keys_reset(project->known);
    mail_budget_reset(project->mail_budget);
}

/* Whoever wrote a mail takes part in its thread from then on. */
static bool add_writer(struct project *project, const struct intake_request *request,
                       const struct outcome *outcome, int64_t at_ms)
{
    const struct input *input = &request->input;
    if (input->event->type != EVENT_EMAIL_RECEIVED || !input->email.key.len || input->machine ||
        !outcome->snapshot || uuid_is_nil(&outcome->snapshot->interaction))
        return false;
    struct uuid writer = mail_thread_writer(&outcome->snapshot->interaction, input->email.key);
    return known_keys_add(project->known, &writer, at_ms);
}

void known_add(struct project *project, const struct intake_request *request, const struct outcome *outcome,
               int64_t at_ms)
{
    bool lost = known_keys_add(project->known, &request->event_key, at_ms);
    lost |= known_keys_add(project->known, &request->input.conversation, at_ms);
    lost |= add_writer(project, request, outcome, at_ms);
    if (lost)
        warn_full(project);
}
