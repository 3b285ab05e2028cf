/* The groups of link_test; each returns the number of failed tests. */
#ifndef TESTS_LINK_TEST_H
#define TESTS_LINK_TEST_H

int run_pg_link_tests(void);
int run_pg_link_fault_tests(void);
int run_redis_link_tests(void);
int run_migrate_tests(void);

#endif
