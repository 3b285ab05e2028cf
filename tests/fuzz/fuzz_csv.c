#include <assert.h>
#include <string.h>

#include "proto/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, written, reads the same. */
static void write_row(struct csv_text *text, const struct csv_row *row, struct arena *arena)
{
    for (uint32_t i = 0; i < row->count; i++)
        csv_write(text, csv_plain(row->cells[i], arena), i == 0);
    csv_write_end(text);
}

static void read_back(const struct csv_text *text, const struct csv_row *was, struct arena *arena)
{
    struct csv_reader *reader = csv_reader_alloc();
    struct slice input = {text->bytes, text->len};
    struct csv_row row;
    size_t len = 0;
    enum csv_status status = csv_read(reader, &input, true, &row);
    assert(status == CSV_ROW && row.count == was->count && row.line == 1);
    for (uint32_t i = 0; i < row.count; i++) {
        len += row.cells[i].len;
        /* An apostrophe more may pass a bound that the row had just kept. */
        assert(row.fault || slice_equal(csv_plain(row.cells[i], arena), csv_plain(was->cells[i], arena)));
    }
    assert(len <= CSV_ROW_MAX && csv_read(reader, &input, true, &row) == CSV_END);
    csv_reader_free(&reader);
}

/* The first byte says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t piece = data[0] ? data[0] : size, at = 1;
    struct csv_reader *reader = csv_reader_alloc();
    uint64_t line = 0;
    for (bool is_end = false; !is_end;) {
        size_t len = size - at < piece ? size - at : piece;
        struct slice input = {(const char *)data + at, len};
        struct csv_row row;
        at += len;
        is_end = at == size;
        while (csv_read(reader, &input, is_end, &row) == CSV_ROW) {
            assert(row.count <= CSV_COLUMNS_MAX && row.line > line);
            assert(row.count > 0 || row.fault);
            assert(!row.fault || (row.fault_line >= row.line && row.fault_column > row.count));
            assert(row.last_line >= row.line);
            line = row.last_line;
            struct csv_text text = {.bytes = NULL};
            struct arena arena;
            arena_init(&arena);
            write_row(&text, &row, &arena);
            if (row.count && !row.fault)
                read_back(&text, &row, &arena);
            csv_text_deinit(&text);
            arena_deinit(&arena);
        }
        assert(input.len == 0);
    }
    csv_reader_free(&reader);
    return 0;
}
