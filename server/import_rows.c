#include "server/import_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/json.h"
#include "rules/ascii.h"
#include "server/customer_fields.h"
#include "server/import_columns.h"
#include "server/operation_contacts.h"
#include "server/operation_customers.h"

#define ROW_MEMBERS 13

struct pending {
    uint64_t line, last_line;
    const struct slice *cells;
    uint32_t count;
};

struct import_rows {
    struct csv_reader *csv;
    struct arena header_arena, arena; /* of the first line; of the chunk */
    struct import_column *columns;
    struct slice *names; /* of the columns */
    uint32_t column_count, contact_count;
    struct slice header;
    struct value chunk;
    struct pending pending[IMPORT_CHUNK];
    size_t chunk_bytes;
    struct csv_text errors;
    uint32_t error_count;
    struct import_counts counts;
    bool gives_way;
};

struct import_rows *import_rows_alloc(void)
{
    struct import_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        abort();
    rows->csv = csv_reader_alloc();
    rows->gives_way = true;
    arena_init(&rows->header_arena);
    arena_init(&rows->arena);
    rows->chunk = value_list(&rows->arena, IMPORT_CHUNK);
    return rows;
}

void import_rows_free(struct import_rows **rows)
{
    if (!*rows)
        return;
    csv_reader_free(&(*rows)->csv);
    arena_deinit(&(*rows)->header_arena);
    arena_deinit(&(*rows)->arena);
    csv_text_deinit(&(*rows)->errors);
    free(*rows);
    *rows = NULL;
}

/* --- The first line --- */

static bool read_header(struct import_rows *rows, const struct csv_row *row, struct problem *problem)
{
    struct arena *arena = &rows->header_arena;
    struct csv_text header = {.bytes = NULL};
    struct slice *names = arena_array(arena, struct slice, row->count);
    bool is_good = row->fault == CSV_FINE;
    if (!is_good)
        problem_set(problem, PROBLEM_INVALID, NULL, "line %llu, column %u: the cell %s",
                    (unsigned long long)row->fault_line, row->fault_column, csv_fault_text(row->fault));
    rows->columns = arena_array(arena, struct import_column, row->count);
    rows->names = names;
    for (uint32_t i = 0; is_good && i < row->count; i++) {
        names[i] = ascii_trim(csv_plain(row->cells[i], arena));
        is_good = import_columns_read(&rows->columns[i], names[i]);
        if (!is_good)
            problem_set(problem, PROBLEM_INVALID, NULL,
                        "line 1, column %u: there is no column of this name: %.*s", i + 1,
                        (int)(names[i].len < IMPORT_COLUMN_MAX ? names[i].len : IMPORT_COLUMN_MAX),
                        names[i].ptr ? names[i].ptr : "");
        for (uint32_t j = 0; is_good && j < i; j++) {
            is_good = !slice_equal(names[i], names[j]);
            if (!is_good)
                problem_set(problem, PROBLEM_INVALID, NULL, "line 1, column %u: is the same as column %u",
                            i + 1, j + 1);
        }
        if (is_good && rows->columns[i].kind >= IMPORT_COLUMN_LABEL &&
            rows->columns[i].contact >= rows->contact_count)
            rows->contact_count = rows->columns[i].contact + 1;
        if (is_good && !slice_is(names[i], "error"))
            csv_write(&header, names[i], header.len == 0);
    }
    rows->column_count = row->count;
    csv_write(&header, SLICE("error"), header.len == 0);
    csv_write_end(&header);
    rows->header = arena_copy(arena, (struct slice){header.bytes, header.len});
    csv_text_deinit(&header);
    return is_good;
}

/* --- Errors --- */

static void add_error(struct import_rows *rows, const struct pending *row, const char *detail)
{
    bool is_first = true;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        if (rows->columns[i].kind == IMPORT_COLUMN_IGNORED)
            continue;
        csv_write(&rows->errors, i < row->count ? row->cells[i] : (struct slice){NULL, 0}, is_first);
        is_first = false;
    }
    char text[512];
    /* A quote that is never closed makes one row of what looks like many. */
    if (row->last_line > row->line)
        snprintf(text, sizeof text, "lines %llu to %llu: %s", (unsigned long long)row->line,
                 (unsigned long long)row->last_line, detail);
    else
        snprintf(text, sizeof text, "line %llu: %s", (unsigned long long)row->line, detail);
    fault_trim(text, sizeof text);
    csv_write(&rows->errors, slice_of(text), is_first);
    csv_write_end(&rows->errors);
    rows->error_count++;
    rows->counts.failed++;
}

/* --- A row --- */

struct row_reading {
    struct import_rows *rows;
    const struct project_config *config;
    const struct pending *row;
    struct value strangers; /* named as owner or service rep, and no agents */
    char why[1024];         /* a name of the file, and a problem's detail */
};

static bool refuse(struct row_reading *reading, uint32_t column, const char *detail)
{
    snprintf(reading->why, sizeof reading->why, "column %u %s", column + 1, detail);
    return false;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Who has left may stay what somebody of theirs has: import_row() knows. */
static void add_stranger(struct row_reading *reading, uint32_t i)
{
    struct arena *arena = &reading->rows->arena;
    struct value stranger = value_map(arena, 2);
    value_set(&stranger, "member", value_string(reading->rows->columns[i].name));
    value_set(&stranger, "detail",
              value_string(arena_format(arena, "column %u names no agent of the project", i + 1)));
    value_append(&reading->strangers, stranger);
}

static bool read_text(struct row_reading *reading, struct value *item, uint32_t i)
{
    const struct import_column *column = &reading->rows->columns[i];
    struct slice text = reading->row->cells[i];
    if (has_control(text))
        return refuse(reading, i, "has control characters");
    if (text.len > CUSTOMER_TEXT_MAX)
        return refuse(reading, i, "has more than 200 bytes");
    if (slice_is(column->name, "stage") && !operation_is_stage(text))
        return refuse(reading, i, CUSTOMER_STAGES);
    if ((slice_is(column->name, "owner") || slice_is(column->name, "service_rep")) &&
        config_find_agent(reading->config, text) < 0)
        add_stranger(reading, i);
    item->members[item->count++] = (struct value_member){column->name, value_string(text)};
    return true;
}

/* The tag that begins at `*at`, without the blanks around it that no backslash stands before; steps over it
 * and the semicolon behind it. */
static struct slice read_tag(struct slice text, size_t *at, char *copy)
{
    size_t len = 0, kept = 0;
    for (; *at < text.len && text.ptr[*at] != ';'; ++*at) {
        bool is_escaped = text.ptr[*at] == '\\' && *at + 1 < text.len;
        *at += is_escaped;
        bool is_blank = !is_escaped && ascii_is_one_of(text.ptr[*at], " \t\r\n");
        if (len || !is_blank)
            copy[len++] = text.ptr[*at];
        if (!is_blank)
            kept = len;
    }
    ++*at;
    return (struct slice){copy, kept};
}

static bool read_tags(struct row_reading *reading, struct value *item, uint32_t i)
{
    struct arena *arena = &reading->rows->arena;
    struct slice text = reading->row->cells[i];
    struct value tags = value_list(arena, CUSTOMER_TAGS_MAX);
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t at = 0; at <= text.len;) {
        struct slice tag = read_tag(text, &at, copy);
        bool is_new = tag.len > 0;
        for (uint32_t j = 0; j < tags.count; j++)
            is_new &= !slice_equal(tags.items[j].string, tag);
        if (tag.len > CUSTOMER_TAG_MAX || has_control(tag))
            return refuse(reading, i,
                          "has a tag that is no string of 1 to 64 bytes without control characters");
        if (is_new && tags.count == CUSTOMER_TAGS_MAX)
            return refuse(reading, i, "has more than 64 tags");
        if (is_new)
            value_append(&tags, value_string(tag));
        copy += tag.len;
    }
    value_set(item, "tags", tags);
    return true;
}

/* The cells of fields, but of those that are declared no longer. */
static bool gather_fields(struct row_reading *reading, const struct fields_config *or_free,
                          struct value *fields)
{
    struct import_rows *rows = reading->rows;
    size_t size = 0;
    *fields = value_map(&rows->arena, rows->column_count);
    for (uint32_t i = 0; i < rows->column_count; i++) {
        struct import_column *column = &rows->columns[i];
        struct slice text = reading->row->cells[i];
        if (column->kind != IMPORT_COLUMN_FIELD || text.len == 0)
            continue;
        if (or_free && !customer_field_is_declared(or_free, column->name)) {
            column->is_left_out = true;
            continue;
        }
        size += text.len + column->name.len;
        fields->members[fields->count++] = (struct value_member){column->name, value_string(text)};
        if (fields->count > CUSTOMER_FIELDS_MAX || size > CUSTOMER_FIELDS_SIZE_MAX)
            return refuse(reading, i, "is one field too many: at most 100 and 16384 bytes");
    }
    return true;
}

static bool read_fields(struct row_reading *reading, struct value *item)
{
    struct import_rows *rows = reading->rows;
    struct fields_check check;
    struct fault fault;
    struct value fields;
    bool are_declared = customer_fields_of(&check, reading->config);
    if (!gather_fields(reading, are_declared ? check.fields : NULL, &fields))
        return false;
    struct value stored = fields;
    if (fields.count && are_declared) {
        check.wants_required = false; /* import_row() knows whether somebody is new */
        check.from_text = true;
        if (!customer_fields_check(&stored, &fields, &check, &rows->arena, &fault)) {
            snprintf(reading->why, sizeof reading->why, "%s %s", fault.pointer + 1, fault.detail);
            return false;
        }
    }
    if (stored.count)
        value_set(item, "fields", stored);
    return true;
}

static bool read_contacts(struct row_reading *reading, struct value *item)
{
    struct import_rows *rows = reading->rows;
    struct contact_given *given = arena_array(&rows->arena, struct contact_given, rows->contact_count);
    struct value contacts = value_list(&rows->arena, rows->contact_count);
    memset(given, 0, sizeof *given * rows->contact_count);
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct import_column *column = &rows->columns[i];
        struct slice text = reading->row->cells[i];
        if (column->kind == IMPORT_COLUMN_LABEL)
            given[column->contact].label = text;
        else if (column->kind == IMPORT_COLUMN_PHONE)
            given[column->contact].phone = text;
        else if (column->kind == IMPORT_COLUMN_EMAIL)
            given[column->contact].email = text;
    }
    for (uint32_t i = 0; i < rows->contact_count; i++) {
        struct problem problem;
        struct value contact;
        if (!given[i].phone.len && !given[i].email.len)
            continue;
        if (!contact_check(&contact, &given[i], reading->config->region, &rows->arena, &problem)) {
            const char *name = problem.pointer[0] == '/' ? problem.pointer + 1 : "contact";
            snprintf(reading->why, sizeof reading->why, "%s %u %s", name, i + 1, problem.detail);
            return false;
        }
        value_append(&contacts, contact);
    }
    value_set(item, "contacts", contacts);
    return true;
}

static bool read_row(struct row_reading *reading, struct value *item)
{
    struct import_rows *rows = reading->rows;
    *item = value_map(&rows->arena, ROW_MEMBERS);
    reading->strangers = value_list(&rows->arena, 2);
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct import_column *column = &rows->columns[i];
        struct slice text = reading->row->cells[i];
        struct uuid id;
        if (text.len == 0)
            continue;
        if (column->kind == IMPORT_COLUMN_ID && !uuid_parse(&id, text))
            return refuse(reading, i, "must be a UUID");
        if (column->kind == IMPORT_COLUMN_ID)
            value_set(item, "id", value_string(text));
        if ((column->kind == IMPORT_COLUMN_TEXT && !read_text(reading, item, i)) ||
            (column->kind == IMPORT_COLUMN_TAGS && !read_tags(reading, item, i)))
            return false;
    }
    if (reading->strangers.count)
        value_set(item, "strangers", reading->strangers);
    return read_fields(reading, item) && read_contacts(reading, item);
}

static struct pending keep_row(struct import_rows *rows, const struct csv_row *row)
{
    struct slice *cells = arena_array(&rows->arena, struct slice, row->count);
    for (uint32_t i = 0; i < row->count; i++) {
        cells[i] = csv_plain(row->cells[i], &rows->arena);
        rows->chunk_bytes += cells[i].len;
    }
    return (struct pending){row->line, row->last_line, cells, row->count};
}

static bool names_a_column(const struct import_rows *rows, struct slice cell)
{
    for (uint32_t i = 0; i < rows->column_count; i++)
        if (slice_equal(cell, rows->names[i]))
            return true;
    return false;
}

/* Of a file that was put behind another one, with its mark or with the columns in another order, or that
 * comes back from the errors. */
static bool is_first_line(const struct import_rows *rows, const struct pending *row)
{
    static const struct slice mark = {"\xef\xbb\xbf", 3};
    for (uint32_t i = 0; i < row->count; i++) {
        struct slice cell = row->cells[i];
        if (i == 0 && cell.len >= mark.len && memcmp(cell.ptr, mark.ptr, mark.len) == 0)
            cell = (struct slice){cell.ptr + mark.len, cell.len - mark.len};
        if (rows->columns[i].kind != IMPORT_COLUMN_IGNORED && !names_a_column(rows, ascii_trim(cell)))
            return false;
    }
    return true;
}

static void take_row(struct import_rows *rows, const struct project_config *config, const struct csv_row *row)
{
    struct pending pending = keep_row(rows, row);
    struct row_reading reading = {.rows = rows, .config = config, .row = &pending};
    struct value item;
    rows->counts.rows++;
    if (row->fault) {
        snprintf(reading.why, sizeof reading.why, "column %u %s", row->fault_column,
                 csv_fault_text(row->fault));
    } else if (row->count != rows->column_count) {
        snprintf(reading.why, sizeof reading.why, "has %u cells, but there are %u columns", row->count,
                 rows->column_count);
    } else if (is_first_line(rows, &pending)) {
        snprintf(reading.why, sizeof reading.why, "names the columns again");
    } else if (read_row(&reading, &item)) {
        rows->pending[rows->chunk.count] = pending;
        value_append(&rows->chunk, item);
        return;
    }
    add_error(rows, &pending, reading.why);
}

/* --- Chunks --- */

static void begin_chunk(struct import_rows *rows)
{
    arena_reset(&rows->arena);
    rows->chunk = value_list(&rows->arena, IMPORT_CHUNK);
    rows->chunk_bytes = 0;
}

static bool is_full(const struct import_rows *rows)
{
    return rows->chunk.count == IMPORT_CHUNK || rows->chunk_bytes >= IMPORT_CHUNK_BYTES ||
           rows->error_count >= IMPORT_CHUNK;
}

struct slice import_rows_piece(struct slice *bytes)
{
    struct slice piece = {bytes->ptr, bytes->len < IMPORT_PIECE_MAX ? bytes->len : IMPORT_PIECE_MAX};
    if (piece.len)
        *bytes = (struct slice){bytes->ptr + piece.len, bytes->len - piece.len};
    return piece;
}

enum import_status import_rows_read(struct import_rows *rows, const struct project_config *config,
                                    struct slice *input, bool is_end, struct problem *problem)
{
    struct csv_row row;
    enum csv_status status = CSV_ROW;
    while (!is_full(rows) && (status = csv_read(rows->csv, input, is_end, &row)) == CSV_ROW) {
        if (rows->columns)
            take_row(rows, config, &row);
        else if (!read_header(rows, &row, problem))
            return IMPORT_BAD;
    }
    if (status == CSV_MORE)
        return IMPORT_MORE;
    if (status == CSV_END && !rows->columns) {
        problem_set(problem, PROBLEM_INVALID, NULL,
                    "the file is empty: its first line must name the columns");
        return IMPORT_BAD;
    }
    return status == CSV_ROW || rows->chunk.count || rows->error_count ? IMPORT_CHUNK_IS_FULL : IMPORT_END;
}

const struct value *import_rows_chunk(const struct import_rows *rows)
{
    return &rows->chunk;
}

static uint64_t count_of(const struct value *answer, const char *name)
{
    const struct value *count = value_member(answer, name);
    return count && count->kind == VALUE_INT ? (uint64_t)count->integer : 0;
}

bool import_rows_done(struct import_rows *rows, struct slice json)
{
    struct value answer;
    struct fault fault;
    if (!json_read(&answer, json, &rows->arena, &fault))
        return false;
    rows->counts.created += count_of(&answer, "created");
    rows->counts.changed += count_of(&answer, "changed");
    rows->counts.unchanged += count_of(&answer, "unchanged");
    const struct value *gives_way = value_member(&answer, "gives_way");
    rows->gives_way = gives_way && gives_way->kind == VALUE_BOOL && gives_way->boolean;
    const struct value *faults = value_member(&answer, "faults");
    for (uint32_t i = 0; faults && i < faults->count; i++) {
        const struct value *at = value_member(&faults->items[i], "row");
        const struct value *detail = value_member(&faults->items[i], "detail");
        if (at && detail && at->integer >= 0 && at->integer < rows->chunk.count)
            add_error(rows, &rows->pending[at->integer], arena_string(&rows->arena, detail->string));
    }
    begin_chunk(rows);
    return true;
}

void import_rows_failed(struct import_rows *rows, const char *why)
{
    for (uint32_t i = 0; i < rows->chunk.count; i++)
        add_error(rows, &rows->pending[i], why);
    begin_chunk(rows);
}

void import_rows_left_out(const struct import_rows *rows, char text[IMPORT_LEFT_OUT_MAX])
{
    import_columns_left_out(rows->columns, rows->column_count, text);
}

bool import_rows_gives_way(const struct import_rows *rows)
{
    return rows->gives_way;
}

const struct import_counts *import_rows_counts(const struct import_rows *rows)
{
    return &rows->counts;
}

struct slice import_rows_header(const struct import_rows *rows)
{
    return rows->header;
}

struct slice import_rows_errors(const struct import_rows *rows, uint32_t *count)
{
    *count = rows->error_count;
    return (struct slice){rows->errors.bytes, rows->errors.len};
}

void import_rows_clear_errors(struct import_rows *rows)
{
    rows->errors.len = 0;
    rows->error_count = 0;
}
