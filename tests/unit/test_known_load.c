/* What is read of the journal at the start. The linker takes the database and the project from here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rules/mail_budget.h"
#include "rules/record.h"
#include "server/log.h"
#include "server/mail_thread.h"
#include "server/project_internal.h"

#define ROWS 2500 /* three pages */
#define KEYS_MAX 500
#define MAIL_SEQ 10 /* in the last page that is read */
#define WRITER SLICE("colleague@customer.example")

static const struct uuid thread = {{7}};
static struct {
    int64_t now_ms;
    uint64_t first, before; /* of the page that is asked for */
    pg_on_reply on_reply;
    struct slice mail; /* the input of MAIL_SEQ */
    unsigned recalled;
} journal;

bool project_query(struct project *project, struct pg_link *link, const struct pg_query *query,
                   pg_on_reply on_reply)
{
    (void)project;
    (void)link;
    assert_string_equal(query->name, "known_events");
    memcpy(&journal.first, query->params[1].data, sizeof journal.first);
    memcpy(&journal.before, query->params[2].data, sizeof journal.before);
    journal.first = be64toh(journal.first);
    journal.before = be64toh(journal.before);
    journal.on_reply = on_reply;
    return true;
}

void project_reply_done(struct project *project)
{
    (void)project;
}

bool project_is_owned(const struct project *project)
{
    (void)project;
    return true;
}

struct slice project_name(const struct project *project)
{
    (void)project;
    return SLICE("demo");
}

int64_t mail_meter_from_ms(const struct project *project)
{
    (void)project;
    return journal.now_ms;
}

void mail_meter_recall(struct project *project, const struct input *input, int64_t at_ms)
{
    (void)project;
    (void)at_ms;
    assert_true(slice_equal(input->email.key, WRITER));
    journal.recalled++;
}

static uint64_t seq_of(int row)
{
    return journal.before - 1 - (uint64_t)row;
}

static int64_t at_ms_of(uint64_t seq)
{
    return journal.now_ms - (int64_t)(ROWS - seq);
}

static struct uuid key_of(uint64_t seq)
{
    struct uuid key;
    for (size_t i = 0; i < sizeof key.bytes; i++) {
        seq = (seq + 1) * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        key.bytes[i] = (uint8_t)(seq >> 56);
    }
    return key;
}

int64_t pg_int64(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    assert_int_equal(column, 0);
    return at_ms_of(seq_of(row));
}

struct uuid pg_uuid(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    return column == 1 ? key_of(seq_of(row)) : column == 4 ? thread : (struct uuid){{0}};
}

bool pg_is_null(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    assert_int_equal(column, 5);
    return seq_of(row) != MAIL_SEQ;
}

struct slice pg_cell(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    (void)row;
    return column == 3 ? WRITER : journal.mail;
}

static struct slice mail_input(struct arena *arena)
{
    struct event event = {.type = EVENT_EMAIL_RECEIVED, .time_ms = TIME_NEVER};
    struct input input = {.kind = INPUT_EVENT, .event = &event, .metered = true, .metered_thread = thread};
    input.email.key = WRITER;
    return record_input(&input, arena);
}

static void answer(struct project *project)
{
    pg_on_reply on_reply = journal.on_reply;
    uint64_t first = journal.first ? journal.first : 1;
    struct pg_reply reply = {.outcome = PG_OK, .rows = (int)(journal.before - first), .message = ""};
    journal.on_reply = NULL;
    on_reply(project, &reply);
}

/* Answers page after page, until none is asked for any more. */
static void load(struct project *project)
{
    known_load_start(project);
    while (journal.on_reply)
        answer(project);
    assert_true(project->known_load.complete);
}

/* The project is lost, and owned again, while its second page is under way. */
static void load_and_lose(struct project *project)
{
    known_load_start(project);
    answer(project);
    known_forget(project);
    known_load_start(project);
    answer(project);
    assert_int_equal(known_keys_count(project->known), 0);
    assert_non_null(journal.on_reply); /* nobody waits for the next look around */
    assert_int_equal(journal.before, ROWS + 1);
    while (journal.on_reply)
        answer(project);
    assert_true(project->known_load.complete);
}

static void with_room_for(uint32_t keys_max, void (*load_all)(struct project *project),
                          void (*check)(const struct project *project))
{
    struct project_config config = {.window_ms = INT64_C(7) * 86400000};
    struct app app = {.reader = NULL};
    struct project *project = calloc(1, sizeof *project);
    struct arena arena;
    assert_non_null(project);
    arena_init(&arena);
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    memset(&journal, 0, sizeof journal);
    journal.now_ms = clock_now_ms();
    journal.mail = mail_input(&arena);
    project->app = &app;
    project->core.config = &config;
    project->journal_seq = ROWS;
    project->known = known_keys_alloc(keys_max);
    project->writers = known_writers_alloc(KNOWN_WRITERS_MAX);
    project->mail_budget = mail_budget_alloc();
    load_all(project);
    check(project);
    known_keys_free(&project->known);
    known_writers_free(&project->writers);
    mail_budget_free(&project->mail_budget);
    arena_deinit(&arena);
    free(project);
}

static void check_mail(const struct project *project)
{
    struct uuid writer = mail_thread_writer(&thread, WRITER);
    assert_true(known_writers_has(project->writers, &writer));
    assert_int_equal(journal.recalled, 1);
}

static void check_full(const struct project *project)
{
    struct uuid never = key_of(ROWS + 1), old = key_of(MAIL_SEQ), newest = key_of(ROWS);
    check_mail(project);
    assert_true(known_keys_may_have(project->known, &never, at_ms_of(1)));
    assert_true(known_keys_may_have(project->known, &old, at_ms_of(MAIL_SEQ)));
    assert_false(known_keys_may_have(project->known, &never, journal.now_ms + 1));
    assert_true(known_keys_may_have(project->known, &newest, journal.now_ms + 1));
    assert_in_range(known_keys_count(project->known), KEYS_MAX, PROJECT_KNOWN_PAGE);
}

static void check_whole(const struct project *project)
{
    struct uuid never = key_of(ROWS + 1), old = key_of(1);
    check_mail(project);
    assert_false(known_keys_may_have(project->known, &never, at_ms_of(1)));
    assert_true(known_keys_may_have(project->known, &old, at_ms_of(1)));
}

static void all_of_the_window_is_known(void **state)
{
    (void)state;
    with_room_for(KNOWN_KEYS_MAX, load, check_whole);
}

static void where_keys_have_no_room_mails_are_known_all_the_same(void **state)
{
    (void)state;
    with_room_for(KEYS_MAX, load, check_full);
}

static void a_page_of_an_earlier_ownership_is_asked_for_anew(void **state)
{
    (void)state;
    with_room_for(KNOWN_KEYS_MAX, load_and_lose, check_whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_window_is_known),
        cmocka_unit_test(a_page_of_an_earlier_ownership_is_asked_for_anew),
        cmocka_unit_test(where_keys_have_no_room_mails_are_known_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
