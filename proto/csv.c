/* One machine over bytes: where in a cell it is. A fault is noted once a row, with its place; from then on
 * the row's bytes are walked, so that the next row is found, and not kept. Behind a stray quote nobody knows
 * any more what is quoted: the next line begins the next row. */
#include "proto/csv.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#define TEXT_FIRST 4096
#define BOM_LEN 3

enum place {
    AT_START, /* of a cell */
    IN_PLAIN,
    IN_QUOTED,
    AT_QUOTE, /* behind a quote within a quoted cell: its end, or half of two */
    IN_RUIN,  /* behind a stray quote */
};

struct csv_reader {
    enum place place;
    bool begun;  /* the row has a byte or a comma */
    bool given;  /* the row was handed out: the next byte begins another */
    bool was_cr; /* the last byte was a carriage return outside quotes, which may belong to the line's end */
    bool at_line_start;
    uint8_t marked; /* bytes of the byte order mark seen; BOM_LEN: decided */
    uint64_t line;
    uint32_t column; /* of the cell being read, from 1 */
    size_t len, cell_start;
    struct csv_row row;
    size_t ends[CSV_COLUMNS_MAX];
    struct slice cells[CSV_COLUMNS_MAX];
    char bytes[CSV_ROW_MAX];
};

const char *csv_fault_text(enum csv_fault_kind kind)
{
    static const char *const texts[] = {
        "is fine",
        "has more than 65536 bytes",
        "makes the row longer than 262144 bytes",
        "is one of more than 1000",
        "has a quote where none may be",
        "begins with a quote that is never closed",
        "has a NUL byte",
        "is not UTF-8",
    };
    return texts[kind];
}

struct csv_reader *csv_reader_alloc(void)
{
    struct csv_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    reader->line = 1;
    reader->column = 1;
    reader->row.line = 1;
    return reader;
}

void csv_reader_free(struct csv_reader **reader)
{
    free(*reader);
    *reader = NULL;
}

static void begin_row(struct csv_reader *reader)
{
    reader->place = AT_START;
    reader->begun = reader->given = reader->was_cr = false;
    reader->len = reader->cell_start = 0;
    reader->column = 1;
    reader->row = (struct csv_row){.line = reader->line};
}

static void note(struct csv_reader *reader, enum csv_fault_kind kind)
{
    if (reader->row.fault)
        return;
    reader->row.fault = kind;
    reader->row.fault_line = reader->line;
    reader->row.fault_column = reader->column;
    reader->len = reader->cell_start;
}

static void keep(struct csv_reader *reader, char byte)
{
    if (byte == '\0')
        note(reader, CSV_NUL);
    else if (reader->len - reader->cell_start == CSV_FIELD_MAX)
        note(reader, CSV_FIELD_TOO_LONG);
    else if (reader->len == CSV_ROW_MAX)
        note(reader, CSV_ROW_TOO_LONG);
    if (!reader->row.fault)
        reader->bytes[reader->len++] = byte;
}

static void end_cell(struct csv_reader *reader)
{
    size_t len = reader->len - reader->cell_start;
    if (len && u8_check((const uint8_t *)reader->bytes + reader->cell_start, len))
        note(reader, CSV_NOT_UTF8);
    if (!reader->row.fault) {
        reader->ends[reader->row.count++] = reader->len;
        reader->cell_start = reader->len;
    }
}

static void next_cell(struct csv_reader *reader)
{
    end_cell(reader);
    reader->column++;
    if (reader->row.count == CSV_COLUMNS_MAX)
        note(reader, CSV_TOO_MANY_COLUMNS);
    reader->place = AT_START;
}

static enum csv_status give(struct csv_reader *reader, struct csv_row *row)
{
    size_t start = 0;
    end_cell(reader);
    for (uint32_t i = 0; i < reader->row.count; i++) {
        reader->cells[i] = (struct slice){reader->bytes + start, reader->ends[i] - start};
        start = reader->ends[i];
    }
    reader->row.cells = reader->cells;
    reader->row.last_line = reader->line;
    reader->given = true;
    *row = reader->row;
    return CSV_ROW;
}

/* A byte outside quotes that ends neither cell nor line. */
static void step_plain(struct csv_reader *reader, char byte)
{
    if (byte == '"' && reader->place == AT_START) {
        reader->place = IN_QUOTED;
    } else if (byte == '"' || reader->place == AT_QUOTE) {
        note(reader, CSV_STRAY_QUOTE);
        reader->place = IN_RUIN;
    } else {
        reader->place = IN_PLAIN;
        keep(reader, byte);
    }
}

/* True when the line has ended. */
static bool step(struct csv_reader *reader, char byte)
{
    bool was_cr = reader->was_cr;
    reader->was_cr = false;
    if (reader->place == IN_QUOTED) {
        if (byte == '"')
            reader->place = AT_QUOTE;
        else
            keep(reader, byte);
        return false;
    }
    if (reader->place == AT_QUOTE && byte == '"' && !was_cr) {
        keep(reader, byte);
        reader->place = IN_QUOTED;
        return false;
    }
    if (byte == '\n')
        return true;
    if (was_cr && reader->place != IN_RUIN)
        step_plain(reader, '\r'); /* it ended no line: it is text */
    if (byte == '\r')
        reader->was_cr = true;
    else if (byte == ',' && reader->place != IN_RUIN)
        next_cell(reader);
    else if (reader->place != IN_RUIN)
        step_plain(reader, byte);
    return false;
}

static enum csv_status end(struct csv_reader *reader, struct csv_row *row)
{
    if (reader->given || (!reader->begun && !reader->was_cr))
        return CSV_END;
    if (reader->place == IN_QUOTED) {
        reader->line -= reader->at_line_start; /* the file ends with a line's end that the quote took */
        note(reader, CSV_UNCLOSED_QUOTE);
    }
    reader->was_cr = false;
    return reader->begun ? give(reader, row) : CSV_END;
}

/* Skips the mark; a beginning of it that does not go on was text. */
static bool skip_mark(struct csv_reader *reader, char byte)
{
    static const char mark[BOM_LEN] = {'\xef', '\xbb', '\xbf'};
    if (reader->marked >= BOM_LEN)
        return false;
    if (byte == mark[reader->marked]) {
        reader->marked++;
        return true;
    }
    uint8_t seen = reader->marked;
    reader->marked = BOM_LEN;
    reader->begun |= seen > 0;
    for (uint8_t i = 0; i < seen; i++)
        step_plain(reader, mark[i]);
    return false;
}

enum csv_status csv_read(struct csv_reader *reader, struct slice *input, bool is_end, struct csv_row *row)
{
    while (input->len) {
        char byte = *input->ptr++;
        input->len--;
        if (skip_mark(reader, byte))
            continue;
        if (reader->given)
            begin_row(reader);
        if (step(reader, byte)) {
            bool begun = reader->begun;
            enum csv_status status = begun ? give(reader, row) : CSV_MORE;
            reader->line++;
            if (begun)
                return status;
            begin_row(reader);
            continue;
        }
        reader->at_line_start = byte == '\n';
        reader->line += reader->at_line_start;
        reader->begun |= byte != '\r';
    }
    if (!is_end)
        return CSV_MORE;
    if (reader->marked && reader->marked < BOM_LEN) {
        note(reader, CSV_NOT_UTF8);
        reader->begun = true;
        reader->marked = BOM_LEN;
    }
    return end(reader, row);
}

/* --- Writing --- */

void csv_text_deinit(struct csv_text *text)
{
    free(text->bytes);
    *text = (struct csv_text){.bytes = NULL};
}

static void put(struct csv_text *text, struct slice bytes)
{
    if (text->size - text->len < bytes.len) {
        size_t size = text->size ? text->size : TEXT_FIRST;
        while (size - text->len < bytes.len)
            size *= 2;
        char *grown = realloc(text->bytes, size);
        if (!grown)
            abort();
        text->bytes = grown;
        text->size = size;
    }
    if (bytes.len)
        memcpy(text->bytes + text->len, bytes.ptr, bytes.len);
    text->len += bytes.len;
}

static struct slice without_any(struct slice text, const char *leading)
{
    while (text.len && strchr(leading, *text.ptr) && *text.ptr)
        text = (struct slice){text.ptr + 1, text.len - 1};
    return text;
}

/* What begins here, in the middle of a cell or at its start, gets an apostrophe, or has one already. */
static bool is_neutralised(struct slice rest, bool is_start)
{
    static const char *const beginnings[] = {
        "=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20",
    };
    struct slice text = without_any(rest, "'\""), bare = without_any(rest, "'");
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t len = strlen(beginnings[i]);
        if (text.len >= len && memcmp(text.ptr, beginnings[i], len) == 0)
            return true;
    }
    return is_start && bare.len && strchr("\t\r\n", *bare.ptr) && *bare.ptr;
}

/* Where a part of a cell begins in some spreadsheet. */
static bool is_part(struct slice cell, size_t at)
{
    return at == 0 || cell.ptr[at - 1] == ';' || cell.ptr[at - 1] == '\t' || cell.ptr[at - 1] == '\r' ||
           cell.ptr[at - 1] == '\n';
}

static struct slice rest_of(struct slice cell, size_t at)
{
    return (struct slice){cell.ptr + at, cell.len - at};
}

static bool needs_quotes(struct slice cell)
{
    for (size_t i = 0; i < cell.len; i++)
        if (cell.ptr[i] == ',' || cell.ptr[i] == '"' || cell.ptr[i] == '\r' || cell.ptr[i] == '\n')
            return true;
    return false;
}

/* Quotes twice, and an apostrophe before what would be run. */
static void put_safely(struct csv_text *text, struct slice cell)
{
    size_t start = 0;
    for (size_t i = 0; i < cell.len; i++) {
        bool is_risky = is_part(cell, i) && is_neutralised(rest_of(cell, i), i == 0);
        if (!is_risky && cell.ptr[i] != '"')
            continue;
        put(text, (struct slice){cell.ptr + start, i - start});
        if (is_risky)
            put(text, SLICE("'"));
        if (cell.ptr[i] == '"')
            put(text, SLICE("\""));
        start = i;
    }
    put(text, rest_of(cell, start));
}

void csv_write(struct csv_text *text, struct slice cell, bool is_first)
{
    /* A row of one empty cell would be an empty line; a mark at the front would be skipped. */
    bool quoted = needs_quotes(cell) || (is_first && (cell.len == 0 || *cell.ptr == '\xef'));
    if (!is_first)
        put(text, SLICE(","));
    if (quoted)
        put(text, SLICE("\""));
    put_safely(text, cell);
    if (quoted)
        put(text, SLICE("\""));
}

void csv_write_end(struct csv_text *text)
{
    put(text, SLICE("\r\n"));
}

void csv_write_lines(struct csv_text *text, struct slice lines)
{
    put(text, lines);
}

void csv_write_mark(struct csv_text *text)
{
    put(text, SLICE("\xef\xbb\xbf"));
}

struct slice csv_plain(struct slice cell, struct arena *arena)
{
    char *text = arena_alloc(arena, cell.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < cell.len; i++)
        if (cell.ptr[i] != '\'' || !is_part(cell, i) || !is_neutralised(rest_of(cell, i), i == 0))
            text[len++] = cell.ptr[i];
    return (struct slice){text, len};
}
