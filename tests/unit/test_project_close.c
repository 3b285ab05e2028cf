/* What is asked of the database for people, and a project that is closed meanwhile. The linker takes the
 * links from here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/long_links.h"
#include "server/operation_sql.h"
#include "server/project_internal.h"
#include "storage/pg_link.h"

#define TURNS 10
#define LINKS (2 + LONG_LINKS)

/* Only told apart: what they are is never looked at. */
enum link { WRITER, DESK, FIRST_LONG };
static char links[LINKS];

static struct {
    pg_on_reply on_reply; /* NULL: nothing is asked */
    void *ctx;
    unsigned cuts[LINKS], opened;
} database;

static struct pg_link *link_of(unsigned number)
{
    return (struct pg_link *)&links[number];
}

struct pg_link *pg_link_open(uv_loop_t *loop, const struct pg_link_options *options, char *why,
                             size_t why_size)
{
    (void)loop, (void)options, (void)why, (void)why_size;
    assert_in_range(database.opened, 0, LONG_LINKS - 1);
    return link_of(FIRST_LONG + database.opened++);
}

bool pg_link_is_up(const struct pg_link *link)
{
    (void)link;
    return true;
}

bool pg_link_submit(struct pg_link *link, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    (void)link, (void)query;
    assert_null(database.on_reply);
    database.on_reply = on_reply;
    database.ctx = ctx;
    return true;
}

size_t pg_link_pending(const struct pg_link *link)
{
    (void)link;
    return database.on_reply ? 1 : 0;
}

void pg_link_cut(struct pg_link *link, const char *why)
{
    (void)why;
    database.cuts[(char *)link - links]++;
}

void pg_link_close(struct pg_link **link, void (*on_closed)(void *ctx), void *ctx)
{
    (void)on_closed, (void)ctx;
    *link = NULL;
}

struct slice pg_cell(const struct pg_reply *reply, int row, int column)
{
    (void)reply, (void)row;
    return column == 0 ? SLICE("ok") : SLICE("{}");
}

bool pg_is_null(const struct pg_reply *reply, int row, int column)
{
    (void)reply, (void)row, (void)column;
    return false;
}

int64_t pg_int64(const struct pg_reply *reply, int row, int column)
{
    (void)reply, (void)row, (void)column;
    return 0;
}

bool pg_bool(const struct pg_reply *reply, int row, int column)
{
    (void)reply, (void)row, (void)column;
    return false;
}

struct uuid pg_uuid(const struct pg_reply *reply, int row, int column)
{
    (void)reply, (void)row, (void)column;
    return (struct uuid){{0}};
}

double pg_float8(const struct pg_reply *reply, int row, int column)
{
    (void)reply, (void)row, (void)column;
    return 0;
}

static void answer_with(enum pg_outcome outcome)
{
    pg_on_reply on_reply = database.on_reply;
    database.on_reply = NULL;
    on_reply(database.ctx, &(struct pg_reply){.outcome = outcome, .rows = 1, .message = ""});
}

/* --- A project, and somebody who asks --- */

struct scene {
    uv_loop_t loop;
    struct settings settings;
    struct app app;
    struct arena arena;
    struct principal principal;
    struct value origin;
    struct operation_call call;
    unsigned answers, failures, closed;
};

static struct scene *scene_of(struct operation_call *call)
{
    return (struct scene *)((char *)call - offsetof(struct scene, call));
}

static void on_closed(void *ctx)
{
    ((struct scene *)ctx)->closed++;
}

static void turn(struct scene *scene)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    uv_loop_init(&scene->loop);
    arena_init(&scene->arena);
    scene->settings = (struct settings){.batch_max = 1, .cache_entries = 1};
    scene->app.loop = &scene->loop;
    scene->app.settings = &scene->settings;
    database.opened = 0;
    scene->app.writer = link_of(WRITER);
    scene->app.desk = link_of(DESK);
    scene->app.long_links = long_links_open(&scene->loop, "", NULL, 0);
    scene->principal = (struct principal){.role = ROLE_ADMIN, .project = 7};
    scene->origin = value_map(&scene->arena, 0);
    scene->call = (struct operation_call){.app = &scene->app,
                                          .project = project_open(&scene->app, 7, SLICE("demo")),
                                          .principal = &scene->principal,
                                          .arena = &scene->arena,
                                          .origin = &scene->origin};
    database.on_reply = NULL;
    memset(database.cuts, 0, sizeof database.cuts);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    assert_null(scene->app.projects);
    assert_int_equal(long_links_close(&scene->app.long_links, NULL, NULL), LONG_LINKS);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    arena_deinit(&scene->arena);
    free(scene);
    return 0;
}

static void on_failed(struct operation_call *call, const struct problem *problem)
{
    assert_int_equal(problem->code, PROBLEM_STORAGE_UNAVAILABLE);
    scene_of(call)->failures++;
}

static void ask(struct scene *scene, operation_sql_then then)
{
    struct value args = value_map(&scene->arena, 0);
    operation_sql_run_or(&scene->call, "customer_edit", &args, then, on_failed);
}

static void on_last(struct operation_call *call, unsigned status, struct slice json)
{
    (void)status, (void)json;
    scene_of(call)->answers++;
    project_facts_changed(call->project, NULL, NULL);
}

static void on_first(struct operation_call *call, unsigned status, struct slice json)
{
    on_last(call, status, json);
    ask(scene_of(call), on_last);
}

/* --- Tests --- */

static void a_project_is_there_until_all_that_people_asked_is_answered(void **state)
{
    struct scene *scene = *state;
    ask(scene, on_first);
    project_close(scene->call.project, on_closed, scene);
    turn(scene);
    assert_int_equal(scene->closed, 0);
    answer_with(PG_OK); /* and asks again */
    turn(scene);
    assert_int_equal(scene->closed, 0);
    answer_with(PG_OK);
    turn(scene);
    assert_int_equal(scene->answers, 2);
    assert_int_equal(scene->closed, 1);
    for (size_t i = 0; i < LINKS; i++)
        assert_int_equal(database.cuts[i], 0);
}

static void a_link_that_does_not_answer_is_cut(void **state)
{
    struct scene *scene = *state;
    ask(scene, on_last);
    project_close(scene->call.project, on_closed, scene);
    scene->call.project->retry_at_ms = 0; /* it had its time */
    while (database.cuts[WRITER] < 2)
        uv_run(&scene->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < LINKS; i++)
        assert_int_equal(database.cuts[i], 2);
    assert_int_equal(scene->closed, 0);
    answer_with(PG_UNCERTAIN);
    turn(scene);
    assert_int_equal(scene->failures, 1);
    assert_int_equal(scene->closed, 1);
}

static void nothing_is_asked_for_a_project_that_is_gone(void **state)
{
    struct scene *scene = *state;
    project_close(scene->call.project, on_closed, scene);
    turn(scene);
    assert_int_equal(scene->closed, 1);
    ask(scene, on_last);
    assert_null(database.on_reply);
    assert_int_equal(scene->failures, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_project_is_there_until_all_that_people_asked_is_answered,
                                        open_scene, close_scene),
        cmocka_unit_test_setup_teardown(a_link_that_does_not_answer_is_cut, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(nothing_is_asked_for_a_project_that_is_gone, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
