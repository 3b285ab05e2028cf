#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storage/sql.h"

#define PARTS 4 /* of commit_batch.sql */

static void every_file_and_variant_is_found_by_its_name(void **state)
{
    (void)state;
    size_t count = sql_count();
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(sql_files[i - 1].name, sql_files[i].name) < 0);
        assert_int_equal(sql_index(sql_files[i].name, count), i);
        assert_ptr_equal(sql_text(sql_files[i].name), sql_files[i].text);
    }
    for (size_t i = 1; migration_files[i].name; i++)
        assert_true(strcmp(migration_files[i - 1].name, migration_files[i].name) < 0);
}

/* The highest parameter keeps its number, or the connection would refuse what it is given. */
static void a_variant_has_the_parts_of_its_number(void **state)
{
    static const char *const rows[PARTS] = {"INSERT INTO content", "UPDATE interactions i",
                                            "INSERT INTO customers", "UPDATE blacklist b"};
    (void)state;
    for (unsigned mask = 0; mask < (1u << PARTS); mask++) {
        char name[32] = "commit_batch";
        if (mask < (1u << PARTS) - 1)
            (void)snprintf(name, sizeof name, "commit_batch_%02u", mask);
        const char *text = sql_text(name);
        for (unsigned part = 0; part < PARTS; part++)
            assert_int_equal(strstr(text, rows[part]) != NULL, mask >> part & 1);
        assert_non_null(strstr(text, "INSERT INTO journal"));
        assert_non_null(strstr(text, "$113::uuid"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_and_variant_is_found_by_its_name),
        cmocka_unit_test(a_variant_has_the_parts_of_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
