/* The links of storage/ against real servers: PATCHBAY_TEST_DATABASE names PostgreSQL, PATCHBAY_TEST_REDIS
 * Redis. */
#include "link_test.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    if (!getenv("PATCHBAY_TEST_DATABASE") || !getenv("PATCHBAY_TEST_REDIS")) {
        fprintf(stderr, "set PATCHBAY_TEST_DATABASE and PATCHBAY_TEST_REDIS\n");
        return 2;
    }
    int failed =
        run_pg_link_tests() + run_pg_link_fault_tests() + run_redis_link_tests() + run_migrate_tests();
    return failed ? 1 : 0;
}
