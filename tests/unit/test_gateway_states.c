/* What operators are told of gateways. */
#include "tests/unit/gateway_world.h"

static struct value state_of(struct arena *arena)
{
    struct value states = gateways_states(world.gateways, arena);
    assert_int_equal(states.count, 1);
    return states.items[0];
}

/* attempts 0: none are told, for it is there. */
static void assert_told(int64_t since_ms, unsigned attempts)
{
    struct arena arena;
    arena_init(&arena);
    struct value state = state_of(&arena);
    const struct value *since = value_member(&state, "since"), *tried = value_member(&state, "attempts");
    assert_true(slice_equal(since->string, time_write(since_ms, &arena)));
    assert_true(!tried == !attempts);
    if (tried)
        assert_int_equal(tried->integer, attempts);
    arena_deinit(&arena);
}

static void how_long_it_is_away_is_told_however_often_it_was_tried(void **state)
{
    (void)state;
    int64_t opened_ms = (int64_t)clock_ms;
    world.line.host = SLICE("unknown.invalid");
    world.line.port = 1;
    const struct gateway *gateway = open_line();
    for (unsigned tries = 1; tries <= 3; tries++) {
        UNTIL(gateway->reconnects == tries);
        assert_told(opened_ms, tries);
        pass(GATEWAY_RETRY_MAX_MS);
    }
}

static void it_is_away_since_it_was_lost_and_there_since_it_is_back(void **state)
{
    (void)state;
    int listener = peer_listen(&world.line.port);
    const struct gateway *gateway = open_line();
    int peer = peer_accept(listener);
    UNTIL(is_in(gateway, "connected", NULL));
    pass(3000);
    close(peer);
    UNTIL(!gateway_is_up(gateway));
    int64_t lost_ms = (int64_t)clock_ms;
    assert_int_equal(gateway->since_ms, lost_ms);
    assert_int_equal(gateway->attempts, 0);
    pass(GATEWAY_RETRY_MAX_MS);
    assert_told(lost_ms, 1);
    peer = peer_accept(listener);
    UNTIL(is_in(gateway, "connected", NULL));
    assert_told((int64_t)clock_ms, 0);
    close(peer);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(how_long_it_is_away_is_told_however_often_it_was_tried),
        GATEWAY_TEST(it_is_away_since_it_was_lost_and_there_since_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
