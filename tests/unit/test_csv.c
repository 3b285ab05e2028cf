#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/csv.h"

#define TEXT_MAX 8192

/* Rows as text: cells in brackets, a fault as !kind@line:column, rows parted by a space. */
static const char *read_all(struct slice input, size_t piece)
{
    static char out[TEXT_MAX];
    struct csv_reader *reader = csv_reader_alloc();
    size_t len = 0, at = 0;
    out[0] = '\0';
    for (bool is_end = false; !is_end;) {
        struct csv_row row;
        struct slice part = {input.ptr + at, input.len - at < piece ? input.len - at : piece};
        at += part.len;
        is_end = at == input.len;
        while (csv_read(reader, &part, is_end, &row) == CSV_ROW) {
            len += (size_t)snprintf(out + len, TEXT_MAX - len, "%s%llu", len ? " " : "",
                                    (unsigned long long)row.line);
            for (uint32_t i = 0; i < row.count; i++)
                len += (size_t)snprintf(out + len, TEXT_MAX - len, "[%.*s]", (int)row.cells[i].len,
                                        row.cells[i].ptr);
            if (row.fault)
                len += (size_t)snprintf(out + len, TEXT_MAX - len, "!%d@%llu:%u", row.fault,
                                        (unsigned long long)row.fault_line, row.fault_column);
            if (row.last_line != row.line)
                len +=
                    (size_t)snprintf(out + len, TEXT_MAX - len, "..%llu", (unsigned long long)row.last_line);
            assert_true(len < TEXT_MAX);
        }
        assert_int_equal(part.len, 0);
    }
    csv_reader_free(&reader);
    return out;
}

static void expect(const char *input, size_t len, const char *rows)
{
    for (size_t piece = 1; piece <= len + 1; piece++)
        assert_string_equal(read_all((struct slice){input, len}, piece), rows);
}

#define EXPECT(literal, rows) expect((literal), sizeof(literal) - 1, (rows))

static void rows_come_out_however_the_bytes_come_in(void **state)
{
    (void)state;
    EXPECT("", "");
    EXPECT("a", "1[a]");
    EXPECT("a,b\r\n1,2\r\n", "1[a][b] 2[1][2]");
    EXPECT("a,b\n1,2", "1[a][b] 2[1][2]");
    EXPECT("\xef\xbb\xbf"
           "a,b\n",
           "1[a][b]");
    EXPECT("\xef\xbb\xbf", "");
    EXPECT(",\n", "1[][]");
    EXPECT("\"\"\n", "1[]");
    EXPECT("\n\r\n\na\n\n", "4[a]");
    EXPECT("\"a,b\",\"c \"\"d\"\"\"\n", "1[a,b][c \"d\"]");
    EXPECT("\"two\r\nlines\",x\ny\n", "1[two\r\nlines][x]..2 3[y]");
    EXPECT("a\rb,c\r\r\n", "1[a\rb][c\r]");
    EXPECT(" a , b \n", "1[ a ][ b ]");
}

static void a_row_with_a_fault_is_given_up_to_it_and_the_next_is_read(void **state)
{
    (void)state;
    EXPECT("x,a\"b,c\nnext\n", "1[x]!4@1:2 2[next]");
    EXPECT("x,\"a\"b,c\nnext\n", "1[x]!4@1:2 2[next]");
    EXPECT("\"a\"\rb\nnext", "1!4@1:1 2[next]");
    EXPECT("x,\"never\nclosed", "1[x]!5@2:2..2");
    EXPECT("x,\"never\nclosed\n", "1[x]!5@2:2..2");
    EXPECT("x\ny,\"\n", "1[x] 2[y]!5@2:2");
    EXPECT("x,\"a\0b\n\",y\nnext\n", "1[x]!6@1:2..2 3[next]");
    EXPECT("x,\xff,y\nnext\n", "1[x]!7@1:2 2[next]");
    EXPECT("\xef\xbb\nnext\n", "1!7@1:1 2[next]");
    EXPECT("\xef\xbb", "1!7@1:1");
    EXPECT("x,\xc3\n", "1[x]!7@1:2");
}

static void bounds_hold_and_reading_goes_on(void **state)
{
    (void)state;
    size_t size = CSV_ROW_MAX + 4 * CSV_FIELD_MAX;
    char *text = malloc(size);
    assert_non_null(text);
    struct slice whole = {text, 0};
    memset(text, 'a', size);

    memcpy(text + CSV_FIELD_MAX, "\nnext", 5);
    struct csv_reader *reader = csv_reader_alloc();
    struct csv_row row;
    struct slice input = {text, CSV_FIELD_MAX + 5};
    assert_int_equal(csv_read(reader, &input, true, &row), CSV_ROW);
    assert_int_equal(row.fault, CSV_FINE);
    assert_int_equal(row.cells[0].len, CSV_FIELD_MAX);
    csv_reader_free(&reader);

    memcpy(text + CSV_FIELD_MAX, "aaaaa", 5);
    memcpy(text + CSV_FIELD_MAX + 1, "\nnext", 5);
    whole.len = CSV_FIELD_MAX + 6;
    assert_string_equal(read_all(whole, 1000), "1!1@1:1 2[next]");

    memset(text, 'a', size);
    for (size_t i = 1000; i < CSV_ROW_MAX + CSV_FIELD_MAX; i += 50000)
        text[i] = ',';
    memcpy(text + CSV_ROW_MAX + CSV_FIELD_MAX, "\nnext", 5);
    input = (struct slice){text, CSV_ROW_MAX + CSV_FIELD_MAX + 5};
    reader = csv_reader_alloc();
    assert_int_equal(csv_read(reader, &input, true, &row), CSV_ROW);
    assert_int_equal(row.fault, CSV_ROW_TOO_LONG);
    assert_int_equal(csv_read(reader, &input, true, &row), CSV_ROW);
    assert_int_equal(row.count, 1);
    csv_reader_free(&reader);

    memset(text, ',', 10000);
    memcpy(text + 10000, "\nnext", 5);
    input = (struct slice){text, 10005};
    reader = csv_reader_alloc();
    assert_int_equal(csv_read(reader, &input, true, &row), CSV_ROW);
    assert_int_equal(row.fault, CSV_TOO_MANY_COLUMNS);
    assert_int_equal(row.count, CSV_COLUMNS_MAX);
    assert_int_equal(csv_read(reader, &input, true, &row), CSV_ROW);
    csv_reader_free(&reader);
    free(text);
}

/* Nowhere in it may a formula begin, whatever a spreadsheet cuts cells at. */
static void expect_harmless(struct slice cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        if (i && !memchr(";\t\r\n", cell.ptr[i - 1], 4))
            continue;
        size_t at = i;
        while (at < cell.len && cell.ptr[at] == '"')
            at++;
        assert_true(at == cell.len || !memchr("=+-@", cell.ptr[at], 4));
        assert_false(cell.len - at > 2 && memcmp(cell.ptr + at, "\xef\xbc", 2) == 0 &&
                     memchr("\x8b\x8d\x9d\xa0", cell.ptr[at + 2], 4));
    }
    assert_true(cell.len == 0 || !memchr("\t\r\n", cell.ptr[0], 3));
}

static void what_is_written_is_read_back_as_it_was(void **state)
{
    (void)state;
    struct arena arena;
    const struct slice cells[] = {
        SLICE(""),         SLICE("a"),          SLICE("=1+1"),    SLICE("+4930"),   SLICE("-1"),
        SLICE("@x"),       SLICE("\tx"),        SLICE("\rx"),     SLICE("'=x"),     SLICE("''=x"),
        SLICE("'quoted'"), SLICE("'"),          SLICE("a,b"),     SLICE("\""),      SLICE("a\"\"b"),
        SLICE("a\nb"),     SLICE("=a\",\r\nb"), SLICE(" a "),     SLICE("x=1"),     SLICE("\xef\xbb\xbf"),
        SLICE("\n=1"),     SLICE("\uff1d1+1"),  SLICE("'\uff0b"), SLICE("\uff20x"), SLICE("\uff21"),
        SLICE("a;=1+1"),   SLICE("a;'=1+1"),    SLICE(";;''@x"),  SLICE("a;b;-1"),  SLICE("a\t=1"),
        SLICE("a\r\n=1"),  SLICE("a\n\uff0b1"), SLICE("'a;=1"),   SLICE("=1;=1"),   SLICE("\t=1"),
        SLICE("a;\"=1\""), SLICE("\"=1"),       SLICE("'\"'=1"),  SLICE(";'a=1"),   SLICE("a; =1"),
        SLICE(";"),        SLICE(";'"),         SLICE("\r\r\r-"),
    };
    uint32_t count = sizeof cells / sizeof *cells;
    arena_init(&arena);
    for (uint32_t shift = 0; shift < count; shift++) {
        struct csv_text text = {.bytes = NULL};
        for (uint32_t i = 0; i < count; i++)
            csv_write(&text, cells[(i + shift) % count], i == 0);
        csv_write_end(&text);
        struct csv_reader *reader = csv_reader_alloc();
        struct slice input = {text.bytes, text.len};
        struct csv_row row;
        assert_int_equal(csv_read(reader, &input, true, &row), CSV_ROW);
        assert_int_equal(row.count, count);
        for (uint32_t i = 0; i < count; i++) {
            struct slice cell = row.cells[i], was = cells[(i + shift) % count];
            assert_true(slice_equal(csv_plain(cell, &arena), was));
            expect_harmless(cell);
        }
        csv_reader_free(&reader);
        csv_text_deinit(&text);
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_however_the_bytes_come_in),
        cmocka_unit_test(a_row_with_a_fault_is_given_up_to_it_and_the_next_is_read),
        cmocka_unit_test(bounds_hold_and_reading_goes_on),
        cmocka_unit_test(what_is_written_is_read_back_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
