/* Samples of what gateways send: each file NAME.in of a folder below tests/gateways with the events that it
 * becomes in NAME.out, a line of JSON each. */
#ifndef TESTS_UNIT_GATEWAY_SAMPLES_H
#define TESTS_UNIT_GATEWAY_SAMPLES_H

#include <dirent.h>

#include "proto/json.h"
#include "tests/unit/arena_world.h"

#define SAMPLE_MAX (1u << 20)

struct sample_lines {
    char *text;
    size_t len, size;
};

static inline void sample_add(struct sample_lines *lines, struct slice line)
{
    assert_true(lines->len + line.len + 2 < lines->size);
    memcpy(lines->text + lines->len, line.ptr, line.len);
    lines->len += line.len;
    lines->text[lines->len++] = '\n';
}

static inline void sample_add_value(struct sample_lines *lines, const struct value *value)
{
    sample_add(lines, json_write(value, &arena));
}

static inline bool sample_read(struct slice *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char *bytes = arena_alloc(&arena, SAMPLE_MAX);
    *out = (struct slice){bytes, fread(bytes, 1, SAMPLE_MAX, file)};
    fclose(file);
    return true;
}

/* Returns how many samples there were; prints each that differs and fails then. */
static inline unsigned samples_check(const char *folder,
                                     void (*decode)(struct slice input, struct sample_lines *lines))
{
    char path[1024];
    unsigned count = 0, faults = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *dot = strrchr(entry->d_name, '.');
        struct slice input, expected;
        if (!dot || strcmp(dot, ".in") != 0)
            continue;
        arena_reset(&arena);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_true(sample_read(&input, path));
        snprintf(path, sizeof path, "%s/%.*s.out", folder, (int)(dot - entry->d_name), entry->d_name);
        assert_true(sample_read(&expected, path));
        struct sample_lines lines = {arena_alloc(&arena, SAMPLE_MAX), 0, SAMPLE_MAX};
        decode(input, &lines);
        count++;
        if (slice_equal((struct slice){lines.text, lines.len}, expected))
            continue;
        faults++;
        print_error("%s: expected\n%.*s--- not\n%.*s", entry->d_name, (int)expected.len, expected.ptr,
                    (int)lines.len, lines.text);
    }
    closedir(dir);
    assert_int_equal(faults, 0);
    return count;
}

#endif
