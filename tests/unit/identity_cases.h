/* Reads the tables of tests/data/identity: one case a line, columns parted by TAB, # at the start of a
 * comment. */
#ifndef TESTS_UNIT_IDENTITY_CASES_H
#define TESTS_UNIT_IDENTITY_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/types.h"

#define CASE_LINE_MAX 1024
#define CASE_COLUMNS_MAX 8

/* Calls `check` with each case's columns and its line number; returns how many there were, 0 when the file is
 * not there. */
static inline unsigned identity_cases(const char *path, unsigned columns,
                                      void (*check)(unsigned line, const struct slice *columns))
{
    char line[CASE_LINE_MAX];
    unsigned number = 0, count = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        struct slice cells[CASE_COLUMNS_MAX] = {{NULL, 0}};
        char *at = line;
        number++;
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        for (unsigned i = 0; i < columns && at; i++) {
            char *tab = strchr(at, '\t');
            cells[i] = (struct slice){at, tab ? (size_t)(tab - at) : strlen(at)};
            at = tab ? tab + 1 : NULL;
        }
        check(number, cells);
        count++;
    }
    if (file)
        fclose(file);
    return count;
}

/* The whole file with a NUL behind it, or NULL. `name` is below the folder of shared material, which is
 * optional. */
static inline char *identity_shared_file(const char *name)
{
    char path[512];
    const char *folder = getenv("PATCHBAY_SHARED");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : TEST_SOURCE_DIR "/../shared", name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t len = text ? fread(text, 1, (1 << 20) - 1, file) : 0;
    fclose(file);
    if (text)
        text[len] = 0;
    return text;
}

#endif
