#include "server/replay_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/project_file.h"
#include "server/people_texts.h"
#include "server/query_params.h"

enum column {
    SEQ,
    AT_MS,
    CONFIG_VERSION,
    INPUT,
    FACTS,
    DECISION,
    PHONE, /* and the other texts */
    BODY = PHONE + PEOPLE_COLUMNS,
    ATTRIBUTES,
    FIELDS,
};

void replay_reader_init(struct replay_reader *reader, struct pg_blocking *database, uint32_t project,
                        uint64_t last)
{
    *reader = (struct replay_reader){.database = database, .project = project, .last = last};
    arena_init(&reader->arena);
}

void replay_reader_deinit(struct replay_reader *reader)
{
    arena_deinit(&reader->arena);
}

static bool ask(struct replay_reader *reader, const char *name, const struct query_params *params,
                struct pg_reply *reply)
{
    struct pg_query query = {
        .name = name, .params = params->items, .param_count = params->count, .binary_result = true};
    *reply = pg_blocking_query(reader->database, &query);
    if (reply->outcome != PG_OK)
        snprintf(reader->why, sizeof reader->why, "%s",
                 reply->message[0] ? reply->message : "the connection is gone");
    return reply->outcome == PG_OK;
}

static struct slice copy(struct replay_reader *reader, const struct pg_reply *reply, int row,
                         enum column column)
{
    return people_copy(reply, row, (int)column, &reader->arena);
}

/* Documents that cannot be read are as good as erased. */
static struct value read_document(struct replay_reader *reader, const struct pg_reply *reply, int row,
                                  enum column column)
{
    struct value value;
    struct fault fault;
    struct slice text = copy(reader, reply, row, column);
    return text.len && json_read(&value, text, &reader->arena, &fault) ? value : value_null();
}

static struct replay_row take_row(struct replay_reader *reader, const struct pg_reply *reply, int row)
{
    return (struct replay_row){.seq = (uint64_t)pg_int64(reply, row, SEQ),
                               .config_version = (uint64_t)pg_int64(reply, row, CONFIG_VERSION),
                               .at_ms = pg_int64(reply, row, AT_MS),
                               .input = copy(reader, reply, row, INPUT),
                               .facts = copy(reader, reply, row, FACTS),
                               .decision = copy(reader, reply, row, DECISION),
                               .people = {.texts = people_texts(reply, row, PHONE, &reader->arena),
                                          .body = copy(reader, reply, row, BODY),
                                          .attributes = read_document(reader, reply, row, ATTRIBUTES)},
                               .fields = read_document(reader, reply, row, FIELDS)};
}

static bool read_page(struct replay_reader *reader)
{
    struct query_params params = {.count = 0};
    struct pg_reply reply;
    params_int(&params, reader->project);
    params_number(&params, reader->after);
    params_number(&params, reader->last);
    params_number(&params, REPLAY_PAGE);
    if (!ask(reader, "replay_rows", &params, &reply))
        return false;
    arena_reset(&reader->arena);
    reader->rows = arena_array(&reader->arena, struct replay_row, (size_t)reply.rows);
    reader->count = reply.rows;
    reader->next = 0;
    for (int row = 0; row < reply.rows; row++)
        reader->rows[row] = take_row(reader, &reply, row);
    return true;
}

enum replay_read replay_read_row(struct replay_reader *reader, const struct replay_row **row)
{
    if (reader->next == reader->count && !read_page(reader))
        return REPLAY_FAILED;
    if (reader->count == 0)
        return REPLAY_END;
    *row = &reader->rows[reader->next++];
    if ((*row)->seq != reader->after + 1) {
        snprintf(
            reader->why, sizeof reader->why,
            "row %llu is no longer in the journal; only what is complete from its beginning can be replayed",
            (unsigned long long)reader->after + 1);
        return REPLAY_FAILED;
    }
    reader->after = (*row)->seq;
    return REPLAY_ROW;
}

bool replay_read_block(struct replay_reader *reader, struct slice *key, const struct uuid *id,
                       struct arena *arena)
{
    struct query_params params = {.count = 0};
    struct pg_reply reply;
    params_int(&params, reader->project);
    params_uuid(&params, id);
    if (!ask(reader, "replay_block", &params, &reply))
        return false;
    struct slice cell = reply.rows ? pg_cell(&reply, 0, 0) : (struct slice){NULL, 0};
    *key = cell.len ? arena_copy(arena, cell) : (struct slice){NULL, 0};
    return true;
}

struct replay_config *replay_read_config(struct replay_reader *reader, uint64_t version)
{
    struct query_params params = {.count = 0};
    struct pg_reply reply;
    params_int(&params, reader->project);
    params_number(&params, version);
    if (!ask(reader, "replay_config", &params, &reply))
        return NULL;
    struct replay_config *config = calloc(1, sizeof *config);
    struct project_faults *faults = calloc(1, sizeof *faults);
    if (!config || !faults)
        abort();
    arena_init(&config->arena);
    config->version = version;
    if (reply.rows != 1 ||
        !project_file_load(&config->config, arena_copy(&config->arena, pg_cell(&reply, 0, 0)),
                           arena_copy(&config->arena, pg_cell(&reply, 0, 1)), &config->arena, faults)) {
        snprintf(reader->why, sizeof reader->why, "version %llu of the configuration cannot be read: %s",
                 (unsigned long long)version, faults->count ? faults->items[0].detail : "there is none");
        arena_deinit(&config->arena);
        free(config);
        config = NULL;
    }
    free(faults);
    return config;
}

void replay_config_free(struct replay_config **config)
{
    struct replay_config *old = *config;
    *config = NULL;
    if (!old)
        return;
    config_close(&old->config);
    arena_deinit(&old->arena);
    free(old);
}
