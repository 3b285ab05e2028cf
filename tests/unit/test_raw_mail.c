/* Mail on its way to be kept, against a database of our own: the linker takes these instead of the real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "server/app.h"
#include "server/log.h"
#include "server/long_links.h"
#include "server/project.h"
#include "server/raw_mail.h"
#include "storage/pg_link.h"

#define COPIES_MAX 8
#define BYTES_PARAM 7

static struct app app;
static struct {
    bool up, is_desk_up; /* the links for what takes long; the desk's */
    unsigned written;    /* in all */
    bool has_bytes;      /* what is being written */
    pg_on_reply on_reply;
    void *ctx;
} database;

struct pg_link *long_links_pick(const struct long_links *links)
{
    assert_ptr_equal(links, &database);
    return database.up ? (struct pg_link *)&database : NULL;
}

bool pg_link_submit(struct pg_link *link, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    assert_ptr_equal(link, database.up ? (void *)&database : (void *)&app);
    if (!database.up && !database.is_desk_up)
        return false;
    assert_null(database.on_reply); /* one after the other */
    assert_string_equal(query->name, "raw_mail_keep");
    database.written++;
    database.has_bytes = query->params[BYTES_PARAM].data;
    database.on_reply = on_reply;
    database.ctx = ctx;
    return true;
}

static void answer_with(enum pg_outcome outcome, const char *sqlstate)
{
    struct pg_reply reply = {.outcome = outcome, .message = ""};
    strcpy(reply.sqlstate, sqlstate);
    pg_on_reply on_reply = database.on_reply;
    assert_non_null(on_reply);
    database.on_reply = NULL;
    on_reply(database.ctx, &reply);
}

static void answer(enum pg_outcome outcome)
{
    answer_with(outcome, "");
}

const struct project_config *project_config(const struct project *project)
{
    (void)project;
    return NULL;
}

uint32_t project_id(const struct project *project)
{
    (void)project;
    return 7;
}

static struct arena arena;
static struct intake_request request;
static const struct raw_mail wish = {.project = 7, .is_kept = true, .max = SIZE_MAX, .for_ms = 1000};
static const char bytes[] = ""; /* of a message: as long as a test says, and read by nobody */
static unsigned outcomes[3], told;

static int set_up(void **state)
{
    (void)state;
    memset(&app, 0, sizeof app);
    memset(&database, 0, sizeof database);
    memset(outcomes, 0, sizeof outcomes);
    told = 0;
    database.up = true;
    app.long_links = (struct long_links *)&database;
    app.desk = (struct pg_link *)&app;
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    arena_init(&arena);
    request = (struct intake_request){.arena = &arena, .answer = value_map(&arena, 1)};
    value_set(&request.answer, "interaction", value_string(SLICE("019a8f9e-52c1-7000-8000-2a3b4c5d6e7f")));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_null(database.on_reply);
    assert_null(app.raw_mails.first);
    assert_int_equal(app.raw_mails.bytes, 0);
    arena_deinit(&arena);
    return 0;
}

static void on_kept(void *ctx, enum raw_mail_outcome outcome)
{
    assert_ptr_equal(ctx, &app);
    outcomes[outcome]++;
    told++;
}

static void keep(struct raw_mail_message *message, unsigned recipients)
{
    for (unsigned i = 0; i < recipients; i++)
        assert_true(raw_mail_keep(&app, &wish, &request, message, on_kept, &app));
}

static struct raw_mail_message message_of(size_t len)
{
    return (struct raw_mail_message){.bytes = {bytes, len}};
}

static void a_mail_counts_once_however_many_it_goes_to(void **state)
{
    (void)state;
    struct raw_mail_message large = message_of(RAW_MAIL_UNDER_WAY_MAX), small = message_of(1);
    keep(&large, COPIES_MAX);
    assert_int_equal(app.raw_mails.bytes, RAW_MAIL_UNDER_WAY_MAX);
    assert_int_equal(told, 0);
    keep(&small, 1);
    assert_int_equal(outcomes[RAW_MAIL_TOO_MUCH], 1);
    for (unsigned i = 0; i < COPIES_MAX; i++) {
        assert_int_equal(app.raw_mails.bytes, RAW_MAIL_UNDER_WAY_MAX);
        answer(PG_OK);
    }
    assert_int_equal(app.raw_mails.bytes, 0);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], COPIES_MAX);
    keep(&small, 1);
    answer(PG_OK);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], COPIES_MAX + 1);
}

static void a_mail_of_which_a_copy_is_written_counts_anew(void **state)
{
    (void)state;
    struct raw_mail_message first = message_of(40), second = message_of(30);
    keep(&first, 1);
    keep(&second, 2);
    assert_int_equal(app.raw_mails.bytes, 70);
    answer(PG_OK);
    assert_int_equal(app.raw_mails.bytes, 30);
    keep(&first, 1); /* a recipient that was decided later */
    assert_int_equal(app.raw_mails.bytes, 70);
    answer(PG_OK);
    answer(PG_OK);
    assert_int_equal(app.raw_mails.bytes, 40);
    answer(PG_OK);
    assert_int_equal(database.written, 4);
}

static void what_cannot_be_written_keeps_nobody_behind_it(void **state)
{
    (void)state;
    struct raw_mail_message first = message_of(10), second = message_of(20);
    keep(&first, 2);
    keep(&second, 1);
    answer(PG_UNCERTAIN);
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], 1);
    answer(PG_OK);
    answer(PG_OK);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], 2);
}

static void while_the_database_is_away_all_who_wait_are_told(void **state)
{
    (void)state;
    struct raw_mail_message message = message_of(10);
    keep(&message, 3);
    database.up = false;
    answer(PG_CANCELLED);
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], 3);
    keep(&message, 1);
    app.long_links = NULL; /* the router stops */
    app.desk = NULL;
    keep(&message, 1);
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], 5);
    assert_int_equal(database.written, 1);
}

static void what_takes_too_long_is_not_tried_for_each_who_waits(void **state)
{
    (void)state;
    struct raw_mail_message message = message_of(10);
    keep(&message, 5);
    answer_with(PG_REFUSED, "22000"); /* this one alone */
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], 1);
    answer_with(PG_REFUSED, "57014");
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], 5);
    assert_int_equal(database.written, 2);
    keep(&message, 1);
    answer(PG_OK);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], 1);
}

static void no_more_wait_than_the_bound(void **state)
{
    (void)state;
    struct raw_mail_message message = message_of(1);
    keep(&message, RAW_MAIL_COPIES_MAX + 1); /* and one that is written */
    assert_int_equal(told, 0);
    keep(&message, 1);
    assert_int_equal(outcomes[RAW_MAIL_TOO_MUCH], 1);
    database.up = false;
    answer(PG_UNCERTAIN);
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], RAW_MAIL_COPIES_MAX + 1);
}

/* A caller that is through with its message, and with what it was asked with, as soon as it is told. */
struct caller {
    struct arena arena;
    struct intake_request request;
    struct raw_mail_message message;
    unsigned more; /* that it keeps one after the other */
};

static void keep_own(struct caller *caller);

static void on_own_kept(void *ctx, enum raw_mail_outcome outcome)
{
    struct caller *caller = ctx;
    outcomes[outcome]++;
    arena_deinit(&caller->arena);
    if (caller->more) {
        caller->more--;
        keep_own(caller);
    }
}

static void keep_own(struct caller *caller)
{
    arena_init(&caller->arena);
    caller->request = (struct intake_request){.arena = &caller->arena, .answer = request.answer};
    caller->message = message_of(10);
    assert_true(raw_mail_keep(&app, &wish, &caller->request, &caller->message, on_own_kept, caller));
}

static void whoever_is_told_may_free_everything_and_come_again(void **state)
{
    (void)state;
    struct caller callers[3] = {{.more = 2}, {.more = 2}, {.more = 1}};
    for (unsigned i = 0; i < 3; i++)
        keep_own(&callers[i]);
    for (unsigned i = 0; i < 3; i++)
        answer(PG_OK);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], 3);
    answer_with(PG_REFUSED, "57014"); /* the second time of each; what comes again now is tried */
    assert_int_equal(outcomes[RAW_MAIL_UNKEPT], 3);
    database.up = false;
    answer(PG_CANCELLED);
    assert_int_equal(outcomes[RAW_MAIL_KEPT] + outcomes[RAW_MAIL_UNKEPT], 3 + 3 + 2);
}

static void before_the_links_for_what_takes_long_are_there_the_desk_has_one(void **state)
{
    (void)state;
    struct raw_mail_message message = message_of(10);
    database.up = false;
    database.is_desk_up = true;
    keep(&message, 1);
    answer(PG_OK);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], 1);
}

static void of_a_longer_one_the_length_alone_is_kept_and_counts_nothing(void **state)
{
    (void)state;
    struct raw_mail short_of = wish;
    struct raw_mail_message message = message_of(RAW_MAIL_UNDER_WAY_MAX + 1);
    short_of.max = RAW_MAIL_UNDER_WAY_MAX;
    assert_true(raw_mail_keep(&app, &short_of, &request, &message, on_kept, &app));
    assert_int_equal(app.raw_mails.bytes, 0);
    assert_false(database.has_bytes);
    answer(PG_OK);
    assert_int_equal(outcomes[RAW_MAIL_KEPT], 1);
}

static void nothing_is_kept_that_nobody_wants_or_that_belongs_nowhere(void **state)
{
    (void)state;
    struct raw_mail unwanted = wish;
    struct raw_mail_message message = message_of(1);
    unwanted.is_kept = false;
    assert_false(raw_mail_keep(&app, &unwanted, &request, &message, on_kept, &app));
    request.refused = true;
    assert_false(raw_mail_keep(&app, &wish, &request, &message, on_kept, &app));
    request.refused = false;
    request.answer = value_map(&arena, 0);
    assert_false(raw_mail_keep(&app, &wish, &request, &message, on_kept, &app));
    assert_int_equal(told + database.written, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mail_counts_once_however_many_it_goes_to),
        TEST(a_mail_of_which_a_copy_is_written_counts_anew),
        TEST(what_cannot_be_written_keeps_nobody_behind_it),
        TEST(while_the_database_is_away_all_who_wait_are_told),
        TEST(what_takes_too_long_is_not_tried_for_each_who_waits),
        TEST(no_more_wait_than_the_bound),
        TEST(whoever_is_told_may_free_everything_and_come_again),
        TEST(before_the_links_for_what_takes_long_are_there_the_desk_has_one),
        TEST(of_a_longer_one_the_length_alone_is_kept_and_counts_nothing),
        TEST(nothing_is_kept_that_nobody_wants_or_that_belongs_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
