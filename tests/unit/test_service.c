#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/service.h"

static int manager; /* the socket that a service manager would read */
static char message[512];

/* An abstract socket of our own: no file is left behind. */
static int set_up(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int len = snprintf(name, sizeof name, "@patchbay-test-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)len - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setenv("NOTIFY_SOCKET", name, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return bind(manager, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len));
}

static int tear_down(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(manager);
    return 0;
}

/* "" when there is none. */
static const char *next_message(void)
{
    ssize_t len = recv(manager, message, sizeof message - 1, 0);
    message[len > 0 ? len : 0] = '\0';
    return message;
}

static void each_state_is_told_once(void **state)
{
    (void)state;
    service_ready();
    assert_string_equal(next_message(), "READY=1");
    service_status("2 projects");
    assert_string_equal(next_message(), "STATUS=2 projects");
    service_reloading();
    unsigned long long at;
    assert_int_equal(sscanf(next_message(), "RELOADING=1\nMONOTONIC_USEC=%llu", &at), 1);
    assert_true(at > 0);
    service_stopping();
    assert_string_equal(next_message(), "STOPPING=1");
    assert_string_equal(next_message(), "");
}

static void without_a_manager_nothing_happens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    service_ready();
    service_stopping();
    assert_string_equal(next_message(), "");
}

static void without_a_watchdog_there_is_no_timer(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct service_watchdog *watchdog = service_watchdog_open(&loop);
    assert_null(watchdog);
    service_watchdog_close(&watchdog);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void on_timer(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void the_loop_pings_at_half_of_the_period(void **state)
{
    (void)state;
    uv_loop_t loop;
    uv_timer_t stop;
    int pings = 0;
    setenv("WATCHDOG_USEC", "20000", 1);
    assert_int_equal(uv_loop_init(&loop), 0);
    struct service_watchdog *watchdog = service_watchdog_open(&loop);
    assert_non_null(watchdog);
    uv_timer_init(&loop, &stop);
    uv_timer_start(&stop, on_timer, 105, 0);
    uv_run(&loop, UV_RUN_DEFAULT); /* ends: the watchdog alone does not keep it alive */
    while (strcmp(next_message(), "WATCHDOG=1") == 0)
        pings++;
    assert_in_range(pings, 2, 11);
    service_watchdog_close(&watchdog);
    assert_null(watchdog);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_state_is_told_once),
        TEST(without_a_manager_nothing_happens),
        TEST(without_a_watchdog_there_is_no_timer),
        TEST(the_loop_pings_at_half_of_the_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
