#include "storage/sql.h"

#include <assert.h>
#include <string.h>

size_t sql_count(void)
{
    size_t count = 0;
    while (sql_files[count].name)
        count++;
    return count;
}

size_t sql_index(const char *name, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, sql_files[middle].name);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    assert(0 && "no such file in storage/sql");
    return 0;
}

const char *sql_text(const char *name)
{
    return sql_files[sql_index(name, sql_count())].text;
}
