/* The dispatch of HTTP requests, with an exchange, a table of operations and an authentication of our own:
 * the linker takes them instead of the server's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "proto/json.h"
#include "server/auth.h"
#include "server/operation_health.h"
#include "server/operation_hooks.h"
#include "server/project.h"
#include "server/route.h"

#define QUERY_MAX 2

struct http_exchange {
    const char *method, *path, *body, *type, *authorization;
    const char *query[QUERY_MAX][2]; /* name, value */
    struct arena arena;
    unsigned status;
    char reply[4096], allow[64], retry_after[8];
};

static struct principal token_owner;
static enum { TOKEN_GOOD, TOKEN_UNKNOWN, TOKEN_STORAGE_AWAY } token_state;
static bool project_is_there, config_is_loaded;
static struct app the_app;
static int projects_stand_in;

struct slice http_method(const struct http_exchange *exchange)
{
    return slice_of(exchange->method);
}

struct slice http_path(const struct http_exchange *exchange)
{
    return slice_of(exchange->path);
}

struct slice http_body(const struct http_exchange *exchange)
{
    return slice_of(exchange->body);
}

bool http_find_header(const struct http_exchange *exchange, const char *name, struct slice *out)
{
    const char *value = strcasecmp(name, "authorization") == 0  ? exchange->authorization
                        : strcasecmp(name, "content-type") == 0 ? exchange->type
                                                                : NULL;
    if (value)
        *out = slice_of(value);
    return value != NULL;
}

bool http_next_query(const struct http_exchange *exchange, size_t *at, struct slice *name,
                     struct slice *value)
{
    if (*at >= QUERY_MAX || !exchange->query[*at][0])
        return false;
    *name = slice_of(exchange->query[*at][0]);
    *value = slice_of(exchange->query[(*at)++][1]);
    return true;
}

struct arena *http_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
}

void http_reply(struct http_exchange *exchange, unsigned status, const char *content_type, struct slice body,
                const struct http_header *headers, size_t header_count)
{
    (void)content_type;
    assert_int_equal(exchange->status, 0);
    exchange->status = status;
    snprintf(exchange->reply, sizeof exchange->reply, "%.*s", (int)body.len, body.ptr);
    for (size_t i = 0; i < header_count; i++) {
        if (strcmp(headers[i].name, "Allow") == 0)
            snprintf(exchange->allow, sizeof exchange->allow, "%s", headers[i].value);
        if (strcmp(headers[i].name, "Retry-After") == 0)
            snprintf(exchange->retry_after, sizeof exchange->retry_after, "%s", headers[i].value);
    }
}

void auth_find(struct auth *auth, struct slice token, auth_on_found on_found, void *ctx)
{
    (void)auth;
    bool good = token_state == TOKEN_GOOD && slice_is(token, "secret");
    on_found(ctx, good ? &token_owner : NULL, token_state == TOKEN_STORAGE_AWAY);
}

void principal_copy(struct principal *to, const struct principal *from, struct arena *arena)
{
    (void)arena;
    *to = *from;
}

bool operation_health_serve(struct app *app, struct http_exchange *exchange)
{
    (void)app;
    (void)exchange;
    return false;
}

bool operation_hooks_serve(struct app *app, struct http_exchange *exchange)
{
    (void)app;
    (void)exchange;
    return false;
}

struct project *app_find_project(struct app *app, struct slice name)
{
    (void)app;
    (void)name;
    return project_is_there ? (struct project *)&projects_stand_in : NULL;
}

const struct project_config *project_config(const struct project *project)
{
    static const struct project_config config;
    assert_ptr_equal(project, &projects_stand_in);
    return config_is_loaded ? &config : NULL;
}

/* Answers with what it was given. */
static void echo(struct operation_call *call)
{
    operation_reply(call, 200, call->params);
}

static const struct operation_param lamp_params[] = {{"lamp", PARAM_UUID, PARAM_REQUIRED, 0, 0},
                                                     {"colour", PARAM_TEXT, PARAM_REQUIRED, 1, 8},
                                                     {"watts", PARAM_INT, 0, 1, 100},
                                                     {"note", PARAM_TEXT, PARAM_NULLABLE, 0, 8},
                                                     {"on", PARAM_BOOL, 0, 0, 0},
                                                     {NULL, PARAM_TEXT, 0, 0, 0}};
static const struct operation_param list_params[] = {
    {"limit", PARAM_INT, 0, 1, 1000}, {"on", PARAM_BOOL, 0, 0, 0}, {NULL, PARAM_TEXT, 0, 0, 0}};
static const struct operation_param name_params[] = {{"name", PARAM_TEXT, 0, 1, 8},
                                                     {NULL, PARAM_TEXT, 0, 0, 0}};
const struct operation operations[] = {
    {"GET", "lamps", "lamp.list", ROLE_BIT(ROLE_AGENT), echo, NULL, "", list_params, false},
    {"PUT", "lamps/{lamp}", "lamp.set", ROLE_BIT(ROLE_AGENT), echo, NULL, "", lamp_params, false},
    {"DELETE", "lamps/{lamp}", NULL, ROLE_BIT(ROLE_ADMIN), echo, NULL, "", lamp_params, false},
    {"GET", "rooms/{name}", NULL, ROLE_BIT(ROLE_AGENT), echo, NULL, "", name_params, false},
    {"POST", NULL, "lamp.only", ROLE_BIT(ROLE_AGENT), echo, NULL, "", NULL, true},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, false},
};

#define LAMP "018f0000-0000-7000-8000-000000000001"
#define BASE "/v1/projects/demo/"

static int set_up(void **state)
{
    (void)state;
    token_state = TOKEN_GOOD;
    project_is_there = config_is_loaded = true;
    token_owner = (struct principal){.role = ROLE_AGENT, .project_name = SLICE("demo")};
    return 0;
}

static struct http_exchange *serve(struct http_exchange request)
{
    static struct http_exchange exchange;
    arena_deinit(&exchange.arena);
    exchange = request;
    arena_init(&exchange.arena);
    if (!exchange.authorization)
        exchange.authorization = "Bearer secret";
    route_on_http(&the_app, &exchange);
    assert_int_not_equal(exchange.status, 0);
    arena_deinit(&exchange.arena);
    return &exchange;
}

static struct http_exchange *put(const char *body)
{
    return serve((struct http_exchange){
        .method = "PUT", .path = BASE "lamps/" LAMP, .body = body, .type = "application/json"});
}

static void a_request_without_a_known_token_learns_nothing(void **state)
{
    (void)state;
    struct http_exchange nowhere = {.method = "GET", .path = BASE "nowhere"};
    nowhere.authorization = "Basic secret";
    assert_int_equal(serve(nowhere)->status, 401);
    nowhere.authorization = "Bearer ";
    assert_int_equal(serve(nowhere)->status, 401);
    nowhere.authorization = "Bearer other";
    assert_int_equal(serve(nowhere)->status, 401);
    nowhere.authorization = "bearer  secret";
    assert_int_equal(serve(nowhere)->status, 404);
}

static void a_token_of_another_project_is_forbidden(void **state)
{
    (void)state;
    struct http_exchange *exchange =
        serve((struct http_exchange){.method = "GET", .path = "/v1/projects/other/lamps"});
    assert_int_equal(exchange->status, 403);
}

static void nobody_is_let_in_while_tokens_cannot_be_checked(void **state)
{
    (void)state;
    token_state = TOKEN_STORAGE_AWAY;
    struct http_exchange *exchange = serve((struct http_exchange){.method = "GET", .path = BASE "lamps"});
    assert_int_equal(exchange->status, 503);
    assert_string_equal(exchange->retry_after, "1");
}

static void a_project_that_is_not_loaded_is_asked_for_again(void **state)
{
    (void)state;
    config_is_loaded = false;
    assert_int_equal(serve((struct http_exchange){.method = "GET", .path = BASE "lamps"})->status, 503);
    project_is_there = false;
    assert_int_equal(serve((struct http_exchange){.method = "GET", .path = BASE "lamps"})->status, 503);
}

static void unknown_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/",
        "/v1",
        "/v1/projects/",
        "/v1/projects/demo",
        BASE,
        BASE "lamps/",
        BASE "lamps/" LAMP "/x",
        BASE "/lamps",
        BASE "l%zzmps",
        BASE "lamps%",
        BASE "rooms/%00",
        BASE "rooms/%c3%a9",
        BASE "a/b/c/d/e/f/g/h/i/j",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct http_exchange *exchange = serve((struct http_exchange){.method = "GET", .path = paths[i]});
        assert_int_equal(exchange->status, 404);
    }
    assert_int_equal(serve((struct http_exchange){.method = "PUT", .path = BASE "lamps/not-an-id"})->status,
                     404);
}

static void a_method_that_the_path_does_not_take_is_told_which_it_takes(void **state)
{
    (void)state;
    struct http_exchange *exchange =
        serve((struct http_exchange){.method = "PATCH", .path = BASE "lamps/" LAMP});
    assert_int_equal(exchange->status, 405);
    assert_string_equal(exchange->allow, "PUT, DELETE");
    exchange = serve((struct http_exchange){.method = "POST", .path = BASE "lamps"});
    assert_int_equal(exchange->status, 405);
    assert_string_equal(exchange->allow, "GET, HEAD");
}

static void head_is_served_as_get(void **state)
{
    (void)state;
    assert_int_equal(serve((struct http_exchange){.method = "HEAD", .path = BASE "lamps"})->status, 200);
}

static void a_role_that_the_row_does_not_name_is_forbidden(void **state)
{
    (void)state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        token_owner.role = (enum role)role;
        struct http_exchange *exchange = serve((struct http_exchange){.method = "GET", .path = BASE "lamps"});
        assert_int_equal(exchange->status, role == ROLE_AGENT ? 200 : 403);
    }
}

static void path_and_body_become_one_map(void **state)
{
    (void)state;
    struct http_exchange *exchange = put("{\"colour\":\"red\",\"watts\":5}");
    assert_int_equal(exchange->status, 200);
    assert_string_equal(exchange->reply, "{\"lamp\":\"" LAMP "\",\"colour\":\"red\",\"watts\":5}");
}

static void segments_are_percent_decoded(void **state)
{
    (void)state;
    struct http_exchange *exchange =
        serve((struct http_exchange){.method = "GET", .path = BASE "rooms/a%2Fb%3a"});
    assert_string_equal(exchange->reply, "{\"name\":\"a/b:\"}");
}

static void a_body_may_repeat_the_path_but_not_contradict_it(void **state)
{
    (void)state;
    assert_int_equal(put("{\"lamp\":\"" LAMP "\",\"colour\":\"red\"}")->status, 200);
    struct http_exchange *exchange = put("{\"lamp\":\"018f0000-0000-7000-8000-000000000002\"}");
    assert_int_equal(exchange->status, 400);
    assert_non_null(strstr(exchange->reply, "\"pointer\":\"/lamp\""));
}

static void a_query_gives_typed_parameters_to_reads(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        unsigned status;
        const char *reply;
    } cases[] = {
        {"limit", "17", 200, "{\"limit\":17}"},
        {"limit", "0", 400, "/limit"},
        {"limit", "1001", 400, "/limit"},
        {"limit", "", 400, "/limit"},
        {"limit", "-", 400, "/limit"},
        {"limit", "5x", 400, "/limit"},
        {"limit", "99999999999999999999999", 400, "/limit"},
        {"limit", "9223372036854775808", 400, "/limit"},
        {"on", "true", 200, "{\"on\":true}"},
        {"on", "false", 200, "{\"on\":false}"},
        {"on", "yes", 400, "/on"},
        {"colour", "red", 400, "\"pointer\":\"/colour\""},
        {"", "", 400, "no such parameter"},
        {"a/b~c", "", 400, "\"pointer\":\"/a~1b~0c\""},
        {"\xff\n", "", 400, "no such parameter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_exchange *exchange = serve((struct http_exchange){
            .method = "GET", .path = BASE "lamps", .query = {{cases[i].name, cases[i].value}}});
        assert_int_equal(exchange->status, cases[i].status);
        assert_non_null(strstr(exchange->reply, cases[i].reply));
    }
}

static void a_query_says_each_thing_once_and_nothing_where_a_body_is_taken(void **state)
{
    (void)state;
    struct http_exchange *exchange = serve((struct http_exchange){
        .method = "GET", .path = BASE "lamps", .query = {{"limit", "1"}, {"limit", "2"}}});
    assert_int_equal(exchange->status, 400);
    assert_non_null(strstr(exchange->reply, "\"pointer\":\"/limit\""));
    exchange = serve((struct http_exchange){.method = "PUT",
                                            .path = BASE "lamps/" LAMP,
                                            .body = "{\"colour\":\"red\"}",
                                            .type = "application/json",
                                            .query = {{"colour", "red"}}});
    assert_int_equal(exchange->status, 400);
    assert_non_null(strstr(exchange->reply, "\"pointer\":\"/colour\""));
}

static void bad_bodies_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *body, *pointer;
    } cases[] = {
        {"{\"colour\":\"red\",\"size\":1}", "\"/size\""},
        {"{\"colour\":\"red\",\"a/b\":1}", "\"/a~1b\""},
        {"{}", "\"/colour\""},
        {"{\"colour\":null}", "\"/colour\""},
        {"{\"colour\":\"\"}", "\"/colour\""},
        {"{\"colour\":\"ninebytes\"}", "\"/colour\""},
        {"{\"colour\":\"r\\u0007d\"}", "\"/colour\""},
        {"{\"colour\":7}", "\"/colour\""},
        {"{\"colour\":\"red\",\"watts\":\"5\"}", "\"/watts\""},
        {"{\"colour\":\"red\",\"watts\":5.5}", "\"/watts\""},
        {"{\"colour\":\"red\",\"watts\":0}", "\"/watts\""},
        {"{\"colour\":\"red\",\"on\":\"true\"}", "\"/on\""},
        {"[]", "\"invalid\""},
        {"null", "\"invalid\""},
        {"{\"colour\"", "\"invalid\""},
        {"{\"colour\":\"red\",\"colour\":\"red\"}", "\"invalid\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_exchange *exchange = put(cases[i].body);
        assert_int_equal(exchange->status, 400);
        assert_non_null(strstr(exchange->reply, cases[i].pointer));
    }
}

static void null_is_absent_unless_it_may_be_a_value(void **state)
{
    (void)state;
    struct http_exchange *exchange = put("{\"colour\":\"red\",\"watts\":null,\"note\":null}");
    assert_string_equal(exchange->reply, "{\"lamp\":\"" LAMP "\",\"colour\":\"red\",\"note\":null}");
}

static void a_body_must_say_that_it_is_json(void **state)
{
    (void)state;
    struct http_exchange request = {
        .method = "PUT", .path = BASE "lamps/" LAMP, .body = "{\"colour\":\"red\"}"};
    assert_int_equal(serve(request)->status, 415);
    request.type = "text/plain";
    assert_int_equal(serve(request)->status, 415);
    request.type = "application/jsonx";
    assert_int_equal(serve(request)->status, 415);
    request.type = "Application/JSON ; charset=utf-8";
    assert_int_equal(serve(request)->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_request_without_a_known_token_learns_nothing, set_up),
        cmocka_unit_test_setup(a_token_of_another_project_is_forbidden, set_up),
        cmocka_unit_test_setup(nobody_is_let_in_while_tokens_cannot_be_checked, set_up),
        cmocka_unit_test_setup(a_project_that_is_not_loaded_is_asked_for_again, set_up),
        cmocka_unit_test_setup(unknown_paths_are_not_found, set_up),
        cmocka_unit_test_setup(a_method_that_the_path_does_not_take_is_told_which_it_takes, set_up),
        cmocka_unit_test_setup(head_is_served_as_get, set_up),
        cmocka_unit_test_setup(a_role_that_the_row_does_not_name_is_forbidden, set_up),
        cmocka_unit_test_setup(path_and_body_become_one_map, set_up),
        cmocka_unit_test_setup(segments_are_percent_decoded, set_up),
        cmocka_unit_test_setup(a_body_may_repeat_the_path_but_not_contradict_it, set_up),
        cmocka_unit_test_setup(a_query_gives_typed_parameters_to_reads, set_up),
        cmocka_unit_test_setup(a_query_says_each_thing_once_and_nothing_where_a_body_is_taken, set_up),
        cmocka_unit_test_setup(bad_bodies_are_refused_with_their_place, set_up),
        cmocka_unit_test_setup(null_is_absent_unless_it_may_be_a_value, set_up),
        cmocka_unit_test_setup(a_body_must_say_that_it_is_json, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
