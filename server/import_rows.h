/* The rows of a CSV file as import_rows() of the database takes them, a chunk at a time, in bounded memory;
 * and what could not be taken, as CSV again: the same columns, and `error`. Knows neither how the bytes come
 * nor who runs the statement. docs/import-export.md. */
#ifndef SERVER_IMPORT_ROWS_H
#define SERVER_IMPORT_ROWS_H

#include "proto/csv.h"
#include "proto/problem.h"
#include "rules/project_config.h"
#include "rules/value.h"
#include "server/import_columns.h"

#define IMPORT_CHUNK 200              /* rows of one statement */
#define IMPORT_CHUNK_BYTES (1u << 20) /* of their cells: a chunk ends early there */
#define IMPORT_PIECE_MAX 2048u        /* bytes read without a break: thirty rows, half a millisecond */
#define IMPORT_REST_MS 1 /* a break that gives way to decisions, as give_way() of the database has it */

struct import_rows;

struct import_counts {
    uint64_t rows, created, changed, unchanged, failed;
};

enum import_status {
    IMPORT_MORE,          /* give more bytes */
    IMPORT_CHUNK_IS_FULL, /* take it, run it, say what became of it */
    IMPORT_END,
    IMPORT_BAD, /* the first line cannot be used: see the problem; nothing was taken */
};

struct import_rows *import_rows_alloc(void);
void import_rows_free(struct import_rows **rows);
/* The next piece of these bytes, which is taken from their front. */
struct slice import_rows_piece(struct slice *bytes);
/* As csv_read() takes bytes. `config` says region and limits, and is not kept. */
enum import_status import_rows_read(struct import_rows *rows, const struct project_config *config,
                                    struct slice *input, bool is_end, struct problem *problem)
    __attribute__((warn_unused_result));
/* The list for import_rows(); borrowed until import_rows_done(). */
const struct value *import_rows_chunk(const struct import_rows *rows);
/* What import_rows() gave: counts, and faults that become errors; the next chunk begins. */
bool import_rows_done(struct import_rows *rows, struct slice json) __attribute__((warn_unused_result));
/* Nothing was taken of the chunk, for one reason. */
void import_rows_failed(struct import_rows *rows, const char *why);

/* Which columns of fields had values that were left out so far, as the project's file declares no such
 * fields: a sentence, or "". */
void import_rows_left_out(const struct import_rows *rows, char text[IMPORT_LEFT_OUT_MAX]);

/* Whether decisions were made lately, by what import_rows() said: each piece is followed by a rest then. True
 * at first. */
bool import_rows_gives_way(const struct import_rows *rows);
const struct import_counts *import_rows_counts(const struct import_rows *rows);
/* The errors' own first line, and the errors since they were last cleared: whole lines, `count` of them. */
struct slice import_rows_header(const struct import_rows *rows);
struct slice import_rows_errors(const struct import_rows *rows, uint32_t *count);
void import_rows_clear_errors(struct import_rows *rows);

#endif
