/* Reads what the journal knows: the keys of the idempotency window into the filter, and of mails who wrote in
 * which thread and what counts in the budgets. Newest first and page by page on the reader's link, while the
 * project decides already: until the last page is in, or the filter is full, every key is looked up. */
#include "rules/record.h"
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

static void finish(struct project *project)
{
    struct known_load *load = &project->known_load;
    load->complete = true;
    if (!load->keys_full)
        known_keys_cover(project->known, load->from_ms);
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

/* Whoever wrote a mail takes part in its thread from then on. */
static void add_writer(struct project *project, const struct input *input, const struct uuid *interaction,
                       int64_t at_ms)
{
    if (input->event->type != EVENT_EMAIL_RECEIVED || !input->email.key.len || input->machine ||
        uuid_is_nil(interaction))
        return;
    struct uuid writer = mail_thread_writer(interaction, input->email.key);
    known_writers_add(project->writers, &writer, at_ms);
}

/* The same as when it was decided: by its input, as known_add() and mail_meter() had it. */
static void take_mail(struct project *project, const struct pg_reply *reply, int row, struct arena *arena)
{
    static struct log_limit limit;
    struct record_people people = {.texts.email_key = pg_cell(reply, row, 3)};
    struct uuid interaction = pg_uuid(reply, row, 4);
    int64_t at_ms = pg_int64(reply, row, 0);
    struct input input;
    if (pg_is_null(reply, row, 5))
        return;
    if (!record_read_input(&input, pg_cell(reply, row, 5), &people, arena) || input.kind != INPUT_EVENT) {
        log_event_limited(&limit, LOG_WARN, "a mail in the journal cannot be read",
                          (struct log_field[]){log_text("project", project_name(project))}, 1);
        return;
    }
    add_writer(project, &input, &interaction, at_ms);
    if (input.metered)
        mail_meter_recall(project, &input, at_ms);
}

static void take_keys(struct project *project, const struct pg_reply *reply, int row)
{
    int64_t at_ms = pg_int64(reply, row, 0);
    struct uuid event = pg_uuid(reply, row, 1), conversation = pg_uuid(reply, row, 2);
    if (!uuid_is_nil(&event))
        known_keys_add(project->known, &event, at_ms);
    if (!uuid_is_nil(&conversation))
        known_keys_add(project->known, &conversation, at_ms);
}

/* What is older would push out what is newer, and is looked up instead: all that is as old as this page, for
 * the next one may hold more of its last millisecond. Mails are read on: who takes part in a thread, and what
 * counts in its budget, nobody looks up. */
static void stop_at_full(struct project *project, int64_t newest_ms)
{
    if (project->known_load.keys_full || !known_keys_is_full(project->known))
        return;
    project->known_load.keys_full = true;
    warn_full(project);
    known_keys_cover(project->known, newest_ms + 1);
}

/* Every number has its row: a page without rows is behind the window's beginning. */
static void take_page(struct project *project, const struct pg_reply *reply)
{
    struct known_load *load = &project->known_load;
    int64_t newest_ms = load->from_ms;
    struct arena arena;
    arena_init(&arena);
    for (int row = 0; row < reply->rows; row++) {
        int64_t at_ms = pg_int64(reply, row, 0);
        if (!load->keys_full)
            take_keys(project, reply, row);
        take_mail(project, reply, row, &arena);
        if (newest_ms < at_ms)
            newest_ms = at_ms;
    }
    arena_deinit(&arena);
    if (reply->rows == 0 || load->before_seq <= PROJECT_KNOWN_PAGE) {
        finish(project);
        return;
    }
    stop_at_full(project, newest_ms);
    load->before_seq -= PROJECT_KNOWN_PAGE;
}

static void on_page(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    struct known_load *load = &project->known_load;
    static struct log_limit limit;
    bool is_stale = load->stale;
    load->asked = load->stale = false;
    if (reply->outcome == PG_OK && project_is_owned(project)) {
        if (!is_stale)
            take_page(project, reply);
        if (!load->complete)
            ask_page(project);
    } else if (reply->outcome == PG_REFUSED) {
        log_event_limited(
            &limit, LOG_WARN, "the keys of the idempotency window cannot be read",
            (struct log_field[]){log_text("project", project_name(project)), log_str("why", reply->message)},
            2);
    }
    project_reply_done(project);
}

void known_load_start(struct project *project)
{
    struct known_load *load = &project->known_load;
    load->complete = load->keys_full = false;
    load->from_ms = known_from_ms(project);
    if (load->from_ms > mail_meter_from_ms(project))
        load->from_ms = mail_meter_from_ms(project);
    load->before_seq = project->journal_seq + 1;
    known_load_go_on(project);
}

void known_load_go_on(struct project *project)
{
    known_keys_expire(project->known, known_from_ms(project));
    known_writers_expire(project->writers, clock_now_ms() - project->core.config->window_ms);
    if (!project->known_load.complete && !project->known_load.asked)
        ask_page(project);
}

void known_forget(struct project *project)
{
    project->known_load.stale = project->known_load.asked;
    known_keys_reset(project->known);
    known_writers_reset(project->writers);
    mail_budget_reset(project->mail_budget);
}

void known_add(struct project *project, const struct intake_request *request, const struct outcome *outcome,
               int64_t at_ms)
{
    bool lost = known_keys_add(project->known, &request->event_key, at_ms);
    lost |= known_keys_add(project->known, &request->input.conversation, at_ms);
    if (outcome->snapshot)
        add_writer(project, &request->input, &outcome->snapshot->interaction, at_ms);
    if (lost)
        warn_full(project);
}
