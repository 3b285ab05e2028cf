#include "server/table_care.h"

#include "server/log.h"
#include "storage/pg_link.h"

#define DAYS_EVERY_MS 3600000
#define COUNTS_EVERY_MS 1000

static void on_days(void *ctx, const struct pg_reply *reply)
{
    (void)ctx;
    if (reply->outcome == PG_REFUSED)
        log_event(LOG_ERROR, "the partitions of the next days cannot be made",
                  (struct log_field[]){log_str("why", reply->message)}, 1);
}

static void ensure_days(struct table_care *care)
{
    struct pg_query query = {.name = "ensure_days"};
    if (pg_link_is_up(care->app->writer) && !pg_link_submit(care->app->writer, &query, on_days, care))
        log_line(LOG_WARN, "too much waits for the database to look after its partitions");
}

void table_care_on_writer_up(struct table_care *care)
{
    ensure_days(care);
}

static void on_days_timer(uv_timer_t *timer)
{
    ensure_days(timer->data);
}

static void on_counted(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    struct table_care *care = ctx;
    care->counting = false;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(&limit, LOG_WARN, "new tables cannot be analyzed: what is asked of them is slow",
                          (struct log_field[]){log_str("why", reply->message)}, 1);
}

static void on_counts_timer(uv_timer_t *timer)
{
    struct table_care *care = timer->data;
    struct pg_query query = {.name = "analyze_new"};
    if (!care->counting && pg_link_is_up(care->app->desk))
        care->counting = pg_link_submit(care->app->desk, &query, on_counted, care);
}

void table_care_init(struct table_care *care, struct app *app)
{
    care->app = app;
    uv_timer_init(app->loop, &care->days);
    uv_timer_init(app->loop, &care->counts);
    care->days.data = care->counts.data = care;
    uv_timer_start(&care->days, on_days_timer, DAYS_EVERY_MS, DAYS_EVERY_MS);
    uv_timer_start(&care->counts, on_counts_timer, COUNTS_EVERY_MS, COUNTS_EVERY_MS);
}

void table_care_close(struct table_care *care)
{
    uv_close((uv_handle_t *)&care->days, NULL);
    uv_close((uv_handle_t *)&care->counts, NULL);
}
