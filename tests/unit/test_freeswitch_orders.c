/* What FreeSWITCH is told to do with calls, and what of it is told again after a reconnection. The linker
 * takes the gateway and the project from here. */
#include "tests/unit/esl_story.h"

#include "rules/core.h"
#include "server/freeswitch.h"
#include "server/project.h"

#define SAID_MAX 1024
#define TO_ANNA "bgapi uuid_transfer c1 1001 XML default\n\n"
#define TO_CARL "bgapi uuid_transfer c1 1002 XML default\n\n"

struct gateway {
    struct config_gateway config;
};

struct gateway_link {
    char said[SAID_MAX];
    size_t len;
};

enum { ANNA, CARL, AGENTS };

static struct {
    struct gateway gateway;
    struct core core;
    struct agent agents[AGENTS];
    struct interaction interaction;
    struct story *story;
    struct freeswitch freeswitch;
    struct freeswitch_session session;
    struct gateway_link links[2];
} world;

const struct config_gateway *gateway_config(const struct gateway *gateway)
{
    return &gateway->config;
}

struct project *gateway_project(const struct gateway *gateway)
{
    (void)gateway;
    return NULL;
}

const struct core *project_core(const struct project *project)
{
    (void)project;
    return &world.core;
}

const struct interaction *core_find_interaction(const struct core *core, const struct uuid *id)
{
    (void)core;
    return uuid_equal(id, &world.interaction.id) ? &world.interaction : NULL;
}

struct slice gateway_source(const struct gateway *gateway)
{
    (void)gateway;
    return SLICE("freeswitch/g");
}

struct slice gateway_agent_at(const struct gateway *gateway, struct slice number)
{
    (void)gateway;
    return agent_at(NULL, number);
}

struct slice gateway_extension_of(const struct gateway *gateway, struct slice agent)
{
    (void)gateway;
    return slice_is(agent, "anna") ? SLICE("1001") : SLICE("1002");
}

void gateway_give_up_order(const struct gateway *gateway)
{
    (void)gateway;
    fail();
}

bool gateway_link_is_cut(const struct gateway_link *link)
{
    (void)link;
    return false;
}

void gateway_link_write(struct gateway_link *link, struct slice bytes)
{
    assert_true(link->len + bytes.len < sizeof link->said);
    memcpy(link->said + link->len, bytes.ptr, bytes.len);
    link->len += bytes.len;
}

/* --- the world goes on --- */

/* The caller's call c1 rings, and there is a connection. */
static void open_world(bool listens)
{
    memset(&world, 0, sizeof world);
    world.gateway.config.listens = listens;
    world.gateway.config.redirect = SLICE("default");
    world.agents[ANNA].name = SLICE("anna");
    world.agents[CARL].name = SLICE("carl");
    world.core.agents = world.agents;
    world.core.agent_count = AGENTS;
    world.interaction.id.bytes[0] = 1;
    world.interaction.texts.source = SLICE("freeswitch/g");
    world.interaction.texts.subject = SLICE("c1");
    world.interaction.data.state = INTERACTION_ACTIVE;
    world.story = story_new();
    world.freeswitch.gateway = &world.gateway;
    world.freeswitch.calls = world.story->calls;
    world.freeswitch.sessions = &world.session;
    world.session = (struct freeswitch_session){.link = &world.links[0], .call = "c1", .is_synced = true};
    happen(world.story, "event=CHANNEL_CREATE id=c1 " IN);
}

static void close_world(void)
{
    freeswitch_orders_deinit(&world.freeswitch);
    assert_int_equal(world.freeswitch.order_count, 0);
    esl_calls_free(&world.story->calls);
}

static void take(int agent)
{
    world.interaction.data.agent = agent;
    freeswitch_orders_transfer(&world.freeswitch, &world.interaction.id);
}

static void break_connection(void)
{
    world.freeswitch.sessions = NULL;
    freeswitch_orders_forget_link(&world.freeswitch, &world.links[0]);
}

static void connect_again(void)
{
    world.session.link = &world.links[1];
    world.freeswitch.sessions = &world.session;
    freeswitch_orders_send(&world.freeswitch);
}

static void both_take_it_and_the_connection_breaks(void)
{
    open_world(false);
    take(ANNA);
    take(CARL);
    assert_string_equal(world.links[0].said, TO_ANNA TO_CARL);
    break_connection();
    assert_int_equal(world.freeswitch.order_count, 1);
}

static void of_two_that_were_not_confirmed_the_later_counts(void **state)
{
    (void)state;
    both_take_it_and_the_connection_breaks();
    connect_again();
    assert_string_equal(world.links[1].said, TO_CARL);
    freeswitch_orders_confirm(&world.freeswitch, &world.links[1]);
    assert_int_equal(world.freeswitch.order_count, 0);
    close_world();
}

/* FreeSWITCH had heard of the first: the caller talks with anna by then. */
static void the_earlier_of_them_may_have_been_carried_out(void **state)
{
    (void)state;
    both_take_it_and_the_connection_breaks();
    happen(world.story, "event=CHANNEL_CREATE id=b1 way=outbound to=1001 other=c1 call=c1");
    happen(world.story, "event=CHANNEL_BRIDGE id=c1 other=b1");
    connect_again();
    assert_string_equal(world.links[1].said, TO_CARL);
    close_world();
}

/* Dora handed the call on to anna, who handed it on to carl while nobody knows whether the first was carried
 * out. */
static void whoever_had_it_before_either_of_them_may_still_have_it(void **state)
{
    (void)state;
    for (int is_carried_out = 0; is_carried_out < 2; is_carried_out++) {
        open_world(false);
        happen(world.story, "event=CHANNEL_CREATE id=b1 way=outbound to=1003 other=c1 call=c1");
        happen(world.story, "event=CHANNEL_BRIDGE id=c1 other=b1");
        take(ANNA);
        break_connection();
        take(CARL);
        if (is_carried_out) {
            happen(world.story, "event=CHANNEL_UNBRIDGE id=c1 other=b1");
            happen(world.story, "event=CHANNEL_CREATE id=b2 way=outbound to=1001 other=c1 call=c1");
            happen(world.story, "event=CHANNEL_BRIDGE id=c1 other=b2");
        }
        connect_again();
        assert_string_equal(world.links[1].said, TO_CARL);
        close_world();
    }
}

static void one_that_was_given_while_the_connection_went_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    open_world(false);
    take(ANNA);
    world.freeswitch.sessions = NULL;
    take(CARL);
    break_connection();
    connect_again();
    assert_string_equal(world.links[1].said, TO_CARL);
    close_world();
}

static void a_caller_is_hung_up_once(void **state)
{
    (void)state;
    open_world(false);
    freeswitch_orders_hang_up(&world.freeswitch, SLICE("c1"));
    freeswitch_orders_hang_up(&world.freeswitch, SLICE("c1"));
    break_connection();
    connect_again();
    assert_string_equal(world.links[1].said, "bgapi uuid_kill c1 CALL_REJECTED\n\n");
    close_world();
}

/* A call's own connection does not come back: what waits for it would take the room of others. */
static void with_a_calls_own_connection_go_its_orders(void **state)
{
    (void)state;
    open_world(true);
    take(ANNA);
    assert_string_equal(world.links[0].said, TO_ANNA);
    break_connection();
    assert_int_equal(world.freeswitch.order_count, 0);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(of_two_that_were_not_confirmed_the_later_counts),
        ARENA_TEST(the_earlier_of_them_may_have_been_carried_out),
        ARENA_TEST(whoever_had_it_before_either_of_them_may_still_have_it),
        ARENA_TEST(one_that_was_given_while_the_connection_went_takes_the_place_of_the_one_before),
        ARENA_TEST(a_caller_is_hung_up_once),
        ARENA_TEST(with_a_calls_own_connection_go_its_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
