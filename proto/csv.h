/* CSV (RFC 4180) as a stream: bytes come in pieces of any size, rows go out one at a time, in bounded memory.
 * Lines end with CRLF or LF, the last one may lack its end; a byte order mark at the beginning is skipped;
 * empty lines are no rows. Cells are UTF-8. A row with a fault is given as what was read of it before the
 * fault, and reading goes on with the next row.
 *
 * Writing quotes what needs it, ends lines with CRLF, and neutralises formulas. A spreadsheet may cut a line
 * at semicolons or tabs instead of commas, and knows no quotes within what it then takes for a cell. So each
 * part of a cell, from its beginning or from behind a semicolon, a tab or a line's end, gets an apostrophe in
 * front if it begins with = + - @, as wide characters too, behind any number of apostrophes and quotes; so
 * does a cell that begins with a tab or a line's end, behind any number of apostrophes. csv_plain() takes all
 * of them away again: what was written is read back as it was. */
#ifndef PROTO_CSV_H
#define PROTO_CSV_H

#include "rules/arena.h"

#define CSV_FIELD_MAX (64u << 10) /* bytes of a cell */
#define CSV_ROW_MAX (256u << 10)  /* bytes of a row's cells together */
#define CSV_COLUMNS_MAX 1000

enum csv_fault_kind {
    CSV_FINE,
    CSV_FIELD_TOO_LONG,
    CSV_ROW_TOO_LONG,
    CSV_TOO_MANY_COLUMNS,
    CSV_STRAY_QUOTE,    /* within a cell that does not begin with one, or text behind a closing one */
    CSV_UNCLOSED_QUOTE, /* at the end of the input */
    CSV_NUL,
    CSV_NOT_UTF8,
};
const char *csv_fault_text(enum csv_fault_kind kind); /* "has more than 65536 bytes" */

struct csv_row {
    const struct slice *cells; /* borrowed until the next call */
    uint32_t count;
    uint64_t line;      /* on which it begins, from 1 */
    uint64_t last_line; /* on which it ends: quotes may hold lines */
    enum csv_fault_kind fault;
    uint64_t fault_line;
    uint32_t fault_column; /* the cell, from 1 */
};

struct csv_reader;

enum csv_status {
    CSV_MORE, /* give more bytes, or say that this was the end */
    CSV_ROW,
    CSV_END,
};

struct csv_reader *csv_reader_alloc(void);
void csv_reader_free(struct csv_reader **reader);
/* Takes bytes from the front of `*input`, and cuts them off it, up to the end of a row. With `is_end` nothing
 * comes behind the input. */
enum csv_status csv_read(struct csv_reader *reader, struct slice *input, bool is_end, struct csv_row *row)
    __attribute__((warn_unused_result));

/* Text that grows; the caller's to free with csv_text_deinit(). */
struct csv_text {
    char *bytes;
    size_t len, size;
};
void csv_text_deinit(struct csv_text *text);
/* A cell: quoted if needed, neutralised, behind a comma unless it is the row's first. */
void csv_write(struct csv_text *text, struct slice cell, bool is_first);
void csv_write_end(struct csv_text *text);
/* Lines as they were written elsewhere, and a byte order mark for whoever asks for one. */
void csv_write_lines(struct csv_text *text, struct slice lines);
void csv_write_mark(struct csv_text *text);
/* A copy without the apostrophes of a neutralised cell. */
struct slice csv_plain(struct slice cell, struct arena *arena);

#endif
