/* Secret files of projects: named below one folder, and lying there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/file.h"
#include "server/secret_file.h"

#define MAX 64
#define PATH_SIZE 160

static char folder[PATH_SIZE], other[PATH_SIZE];

static const char *at(char path[PATH_SIZE], const char *base, const char *name)
{
    int len = snprintf(path, PATH_SIZE, "%s/%s", base, name);
    assert_true(len > 0 && len < PATH_SIZE);
    return path;
}

static void write_file(const char *base, const char *name, const char *text)
{
    char path[PATH_SIZE];
    FILE *file = fopen(at(path, base, name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void link_to(const char *target, const char *base, const char *name)
{
    char path[PATH_SIZE];
    assert_int_equal(symlink(target, at(path, base, name)), 0);
}

static int set_up(void **state)
{
    char path[PATH_SIZE];
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_secrets_XXXXXX");
    snprintf(other, sizeof other, "/tmp/test_others_XXXXXX");
    if (!mkdtemp(folder) || !mkdtemp(other))
        return -1;
    write_file(folder, "key", "secret\n");
    write_file(other, "key", "not for projects\n");
    return mkdir(at(path, folder, "deep"), 0700);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"key", "link", "deep/link", "folder", "fifo", "big", "deep"};
    char path[PATH_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)!remove(at(path, folder, names[i]));
    unlink(at(path, other, "key"));
    unlink(at(path, other, "folder"));
    return rmdir(folder) | rmdir(other);
}

static enum secret_file read_from(const char *base, const char *path, char why[MAX])
{
    struct arena arena;
    struct slice text;
    why[0] = 0;
    arena_init(&arena);
    enum secret_file status = secret_file_read(&text, base, path, MAX, &arena, why, MAX);
    if (status == SECRET_FILE_READ)
        assert_true(slice_is(text, "secret\n"));
    arena_deinit(&arena);
    return status;
}

static void assert_read(const char *name)
{
    char path[PATH_SIZE], why[MAX];
    assert_int_equal(read_from(folder, at(path, folder, name), why), SECRET_FILE_READ);
}

static void assert_not(enum secret_file status, const char *path, const char *reason)
{
    char why[MAX];
    assert_int_equal(read_from(folder, path, why), status);
    assert_string_equal(why, reason);
}

static void names_are_looked_at_component_by_component(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *path;
        bool is_below;
    } cases[] = {
        {"/s", "/s/a", true},     {"/s/", "/s//a", true},     {"/s", "/./s/./b/a", true},
        {"/s/t", "/s/t/a", true}, {"/", "/etc/passwd", true}, {"/s", "/s/..a", true},
        {"/s", "/s", false},      {"/s", "/s/", false},       {"/s", "/s/.", false},
        {"/s", "/sa", false},     {"/s", "/sa/b", false},     {"/s", "/t/a", false},
        {"/s/t", "/s/a", false},  {"/s", "/s/../t/a", false}, {"/s", "/s/b/../a", false},
        {"/s", "/s/a/..", false}, {"/s", "/t/../s/a", false}, {"/s/..", "/s/../a", false},
        {"/s", "s/a", false},     {"/s", "", false},          {"/", "/", false},
        {"/", "/..", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (secret_file_is_below(slice_of(cases[i].folder), slice_of(cases[i].path)) != cases[i].is_below)
            fail_msg("%s below %s", cases[i].path, cases[i].folder);
    }
}

static void what_lies_in_the_folder_is_read(void **state)
{
    char path[PATH_SIZE], why[MAX];
    (void)state;
    assert_read("key");
    link_to("key", folder, "link");
    assert_read("link");
    link_to(at(path, folder, "key"), folder, "deep/link");
    assert_read("deep/link");
    link_to(folder, other, "folder"); /* the setting may name a link */
    char base[PATH_SIZE];
    at(base, other, "folder");
    assert_int_equal(read_from(base, at(path, base, "key"), why), SECRET_FILE_READ);
}

static void what_lies_elsewhere_is_not(void **state)
{
    char path[PATH_SIZE];
    (void)state;
    assert_not(SECRET_FILE_OUTSIDE, at(path, other, "key"), SECRET_FILE_OUTSIDE_TEXT);
    assert_not(SECRET_FILE_OUTSIDE, at(path, other, "missing"), SECRET_FILE_OUTSIDE_TEXT);
    assert_not(SECRET_FILE_OUTSIDE, at(path, folder, "deep/../key"), SECRET_FILE_OUTSIDE_TEXT);
    assert_not(SECRET_FILE_OUTSIDE, at(path, folder, "../../etc/hostname"), SECRET_FILE_OUTSIDE_TEXT);
    link_to(at(path, other, "key"), folder, "link");
    assert_not(SECRET_FILE_OUTSIDE, at(path, folder, "link"), SECRET_FILE_OUTSIDE_TEXT);
    link_to(other, folder, "folder");
    assert_not(SECRET_FILE_OUTSIDE, at(path, folder, "folder/key"), SECRET_FILE_OUTSIDE_TEXT);
}

static void what_is_no_file_is_said(void **state)
{
    char path[PATH_SIZE], why[MAX];
    (void)state;
    assert_not(SECRET_FILE_UNREADABLE, at(path, folder, "missing"), "No such file or directory");
    assert_not(SECRET_FILE_UNREADABLE, at(path, folder, "deep"), "not a regular file");
    assert_int_equal(mkfifo(at(path, folder, "fifo"), 0600), 0);
    assert_not(SECRET_FILE_UNREADABLE, path, "not a regular file");
    write_file(folder, "big", "0123456789012345678901234567890123456789012345678901234567890123456789");
    assert_not(SECRET_FILE_UNREADABLE, at(path, folder, "big"), "larger than 64 bytes");
    link_to("link", folder, "link");
    assert_not(SECRET_FILE_UNREADABLE, at(path, folder, "link"), "Too many levels of symbolic links");
    assert_int_equal(read_from("/nowhere", "/nowhere/key", why), SECRET_FILE_UNREADABLE);
    assert_string_equal(why, "secret_folder: No such file or directory");
}

static void a_project_file_is_told_its_line(void **state)
{
    static struct project_faults faults;
    struct arena arena;
    struct value file;
    struct fault fault;
    (void)state;
    arena_init(&arena);
    assert_true(yaml_read(
        &file,
        SLICE("project: p\ngateways:\n  pbx:\n    secret_file: /etc/shadow\n  fs: {secret_file: /s/fs}\n"
              "hooks:\n  a: {secret_files: [/s/a, /s/../b]}\n  b: {preset: postmark}\n"),
        &arena, &fault));
    faults.count = 0;
    secret_file_check(&faults, &file, "/s", &arena);
    assert_int_equal(faults.count, 2);
    assert_string_equal(faults.items[0].detail,
                        "gateways.pbx.secret_file: must lie below /s, the secret_folder of this server");
    assert_string_equal(faults.items[0].pointer, "/gateways/pbx/secret_file");
    assert_int_equal(faults.items[0].line, 4);
    assert_string_equal(faults.items[1].pointer, "/hooks/a/secret_files/1");
    assert_int_equal(faults.items[1].line, 7);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_looked_at_component_by_component),
        cmocka_unit_test_setup_teardown(what_lies_in_the_folder_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_lies_elsewhere_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_said, set_up, tear_down),
        cmocka_unit_test(a_project_file_is_told_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
