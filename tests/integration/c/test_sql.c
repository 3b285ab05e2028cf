/* The operations and migrations of the test, which take the place of the embedded ones at link time. */
#include "storage/sql.h"

const struct sql_file sql_files[] = {
    {"arrays",
     "SELECT * FROM unnest($1::bool[], $2::bytea[], $3::int8[], $4::int2[], $5::int4[], $6::text[], "
     "$7::uuid[])"},
    {"deallocate", "DEALLOCATE ALL"},
    {"deferred", "INSERT INTO children VALUES ($1::int)"},
    {"echo", "SELECT $1::bytea"},
    {"insert", "INSERT INTO rows VALUES ($1::int)"},
    {"insert_large", "INSERT INTO large SELECT $1::int WHERE length($2::bytea) > 0"},
    {"later", "SELECT n FROM made_later WHERE n = $1::int"},
    {"link_probe", "SELECT $1::bigint"},
    {"notify", "SELECT pg_notify('Channel \"x\"', $1::text)"},
    {"sleep", "SELECT pg_sleep($1::float8)"},
    {"types", "SELECT 1::int2, -2::int4, 3::int8, true, 1.5::float8, "
              "'01020304-0506-0708-090a-0b0c0d0e0f10'::uuid, NULL::int8, ''"},
    {NULL, NULL},
};

/* The second one fails, by line 3, for as long as there is no table "switch". */
const struct sql_file migration_files[] = {
    {"0001_first", "CREATE TABLE first (n int);\nINSERT INTO first VALUES (1);\n-- once the former text's\n"},
    {"0002_second", "-- \xc3\xa4\nINSERT INTO first VALUES (2);\n  INSERT INTO switch VALUES (1);"},
    {NULL, NULL},
};
