/* tests/mails/: mail in the shape that mail programs and robots write, each with what must be read of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/mail_event.h"

#define FOLDER TEST_SOURCE_DIR "/tests/mails/"
#define MAIL_MAX 65536
#define LINE_SIZE 4096
#define MAILS_MIN 100

enum {
    CELL_FILE,
    CELL_CLASS,
    CELL_HEADER,
    CELL_FROM,
    CELL_ATTACHMENTS,
    CELL_BOUNCED,
    CELL_REFERENCES,
    CELL_TEXT,
    CELL_COUNT
};

static struct slice read_whole(const char *name, struct arena *arena)
{
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    char *bytes = arena_alloc(arena, MAIL_MAX);
    size_t len = fread(bytes, 1, MAIL_MAX, file);
    fclose(file);
    return (struct slice){bytes, len};
}

static struct slice text_at(const struct value *map, const char *outer, const char *inner)
{
    const struct value *value = value_member(map, outer);
    if (inner)
        value = value_member(value, inner);
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

/* Prints what differs; an empty cell is not looked at. */
static unsigned differs(const char *file, const char *what, const char *cell, const char *found)
{
    if (!*cell || strcmp(cell, found) == 0)
        return 0;
    print_error("%s: %s is \"%s\", not \"%s\"\n", file, what, found, cell);
    return 1;
}

static unsigned check(char *const cells[CELL_COUNT], struct arena *arena)
{
    struct mail mail;
    struct mail_envelope envelope = {.is_known = false};
    char count[16], ids[LINE_SIZE] = "";
    unsigned faults = 0;
    if (mail_read(&mail, read_whole(cells[CELL_FILE], arena), arena) != MAIL_OK || mail.cut) {
        print_error("%s: not read\n", cells[CELL_FILE]);
        return 1;
    }
    struct value event = mail_event(&mail, &envelope, arena);
    const struct value *data = value_member(&event, "data"), *attributes = value_member(data, "attributes");
    struct slice class = text_at(attributes, "machine", "class");
    for (uint32_t i = 0; i < mail.references_count; i++)
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%.*s", i ? " " : "",
                 (int)mail.references[i].len, mail.references[i].ptr);
    snprintf(count, sizeof count, "%u", mail.attachment_total);
    const char *file = cells[CELL_FILE];
    faults += differs(file, "class", cells[CELL_CLASS], class.len ? arena_string(arena, class) : "none");
    faults += differs(file, "header", cells[CELL_HEADER],
                      arena_string(arena, text_at(attributes, "machine", "header")));
    faults += differs(file, "from", cells[CELL_FROM], arena_string(arena, text_at(data, "from", "email")));
    faults += differs(file, "attachments", cells[CELL_ATTACHMENTS], count);
    faults += differs(file, "bounced", cells[CELL_BOUNCED],
                      arena_string(arena, text_at(attributes, "bounce", "recipient")));
    faults += differs(file, "references", cells[CELL_REFERENCES], ids);
    if (!strstr(arena_string(arena, mail.text), cells[CELL_TEXT])) {
        print_error("%s: text is \"%.*s\", without \"%s\"\n", file, (int)mail.text.len, mail.text.ptr,
                    cells[CELL_TEXT]);
        faults++;
    }
    return faults;
}

static void every_mail_is_read_as_expected(void **state)
{
    (void)state;
    char line[LINE_SIZE];
    unsigned mails = 0, faults = 0;
    FILE *expected = fopen(FOLDER "expected.tsv", "r");
    assert_non_null(expected);
    mail_init();
    while (fgets(line, sizeof line, expected)) {
        char *cells[CELL_COUNT] = {NULL};
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#')
            continue;
        char *at = line;
        for (int i = 0; i < CELL_COUNT; i++) {
            assert_non_null(at);
            cells[i] = at;
            at = strchr(at, '\t');
            if (at)
                *at++ = 0;
        }
        struct arena arena;
        arena_init(&arena);
        faults += check(cells, &arena);
        arena_deinit(&arena);
        mails++;
    }
    fclose(expected);
    assert_int_equal(faults, 0);
    assert_true(mails >= MAILS_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_mail_is_read_as_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
