/* The floor: a minimal libpq client writes what patchbay writes, in batches of a given size over one
 * connection, and nothing else: no clients, no lookups, no announcements.
 *
 * The rows are the real ones: calls ring, are accepted and end in the core, and storage/batch_store makes the
 * parameters of the statement. The next batch is made while the database works on the last, so that making
 * them costs the floor next to nothing. pg_link_submit() below takes the place of the server's link: the
 * batch store hands its parameters to libpq at once. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/project_file.h"
#include "storage/batch_store.h"
#include "storage/libpq.h"
#include "storage/sql.h"
#include "tests/bench/bench.h"

#define BATCH_MAX 1024
#define FILE_MAX (1u << 20)
#define TEXT_MAX 32
#define WARM_UP_NS INT64_C(1000000000)

enum phase { RINGS, IS_ACCEPTED, ENDS };

/* One life after the other in each place of the batch; a third of the places is in each phase. */
struct life {
    enum phase phase;
    unsigned waits; /* batches until the first begins */
    char phone[BENCH_PHONE_LEN + 1], subject[TEXT_MAX], id[TEXT_MAX];
    struct customer_fact fact;
    char name[TEXT_MAX];
    bool is_new;
    struct uuid conversation, offer;
    struct slice agent;
};

static struct {
    PGconn *connection;
    struct project_config config;
    struct core core;
    struct batch_store *store;
    struct batch_fence fence;
    struct arena arena;
    struct dice dice;
    struct life lives[BATCH_MAX];
    uint32_t customers, size;
    uint64_t made; /* lives */
} bench;

static const char session_setup[] =
    "SET search_path = patchbay; SET jit = off; SET plan_cache_mode = force_generic_plan;"
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

static PGresult *checked(PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        bench_fail("the database says: %s", PQresultErrorMessage(result));
    return result;
}

static void run(const char *sql)
{
    PQclear(checked(PQexec(bench.connection, sql)));
}

bool pg_link_submit(struct pg_link *link, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    const char *values[PG_LINK_PARAMS_MAX];
    int lengths[PG_LINK_PARAMS_MAX], formats[PG_LINK_PARAMS_MAX];
    (void)link, (void)on_reply, (void)ctx;
    for (int i = 0; i < query->param_count; i++) {
        values[i] = query->params[i].data;
        lengths[i] = (int)query->params[i].len;
        formats[i] = query->params[i].binary;
    }
    return PQsendQueryPrepared(bench.connection, query->name, query->param_count, values, lengths, formats,
                               1) == 1;
}

/* --- Lives --- */

static void begin_life(struct life *life)
{
    uint32_t customer = dice_below(&bench.dice, bench.customers);
    bench.made++;
    life->is_new = bench.made % 10 == 0;
    if (life->is_new)
        population_new_phone(life->phone, (uint32_t)(dice_next(&bench.dice) >> 32));
    else
        population_phone(life->phone, customer);
    snprintf(life->subject, sizeof life->subject, "call-%020llu", (unsigned long long)bench.made);
    snprintf(life->name, sizeof life->name, "Customer %u", customer);
    life->fact =
        (struct customer_fact){.id = population_id(customer), .name = slice_of(life->name), .by_phone = true};
    life->conversation = dice_uuid(&bench.dice);
}

static void fill_event(const struct life *life, struct input *input)
{
    struct event *event = arena_new(&bench.arena, struct event);
    input->kind = INPUT_EVENT;
    input->event = event;
    input->conversation = life->conversation;
    event->id = event->subject = slice_of(life->subject);
    event->source = SLICE("bench-1");
    event->time_ms = TIME_NEVER;
    if (life->phase == ENDS) {
        event->type = EVENT_CALL_ENDED;
        event->cause = SLICE("normal");
        return;
    }
    event->type = EVENT_CALL_RINGING;
    event->from.phone = slice_of(life->phone);
    event->to = input->recipient_key = SLICE(BENCH_ENDPOINT);
    input->phone = (struct phone_key){
        .key = slice_of(life->phone), .digits = slice_of(life->phone + 1), .class = CALLER_NUMBER};
    input->facts = (struct facts){.candidates = (struct customer_fact *)&life->fact,
                                  .candidate_count = life->is_new ? 0 : 1};
}

static struct batch_row step(struct life *life, int64_t now)
{
    struct input *input = arena_new(&bench.arena, struct input);
    struct batch_row row = {.input = input};
    input->at_ms = now;
    if (life->phase == RINGS)
        begin_life(life);
    if (life->phase == IS_ACCEPTED) {
        input->kind = INPUT_ACCEPT;
        input->offer = life->offer;
        input->actor = life->agent;
    } else {
        fill_event(life, input);
        row.event_key = dice_uuid(&bench.dice);
        row.digest = dice_uuid(&bench.dice);
    }
    row.outcome = core_step(&bench.core, input, &bench.arena);
    if (row.outcome->refusal != REFUSAL_NONE)
        bench_fail("the core refuses phase %d of a life: %d", life->phase, row.outcome->refusal);
    if (life->phase == RINGS) {
        life->offer = row.outcome->snapshot->offer;
        life->agent = row.outcome->snapshot->agent;
    }
    life->phase = life->phase == ENDS ? RINGS : life->phase + 1;
    return row;
}

/* Decides the next batch; its parameters are in the store then. */
static void make_batch(void)
{
    static struct batch_row rows[BATCH_MAX];
    int64_t now = bench_wall_ms();
    size_t count = 0;
    arena_reset(&bench.arena);
    core_begin(&bench.core);
    for (uint32_t i = 0; i < bench.size; i++) {
        if (bench.lives[i].waits)
            bench.lives[i].waits--;
        else
            rows[count++] = step(&bench.lives[i], now);
    }
    bench.fence.seq_before = bench.fence.seq_after;
    bench.fence.seq_after = bench.fence.published_seq = bench.core.seq;
    bench.fence.last_ms = now;
    batch_store_fill(bench.store, &bench.core, &bench.fence, rows, count, &bench.arena);
    core_commit(&bench.core);
    core_bury(&bench.core);
}

static void send_batch(void)
{
    if (!batch_store_submit(bench.store, NULL, NULL, NULL))
        bench_fail("cannot send: %s", PQerrorMessage(bench.connection));
}

static void await_commit(void)
{
    PGresult *result, *first = checked(PQgetResult(bench.connection));
    if (PQntuples(first) != 1 || PQgetvalue(first, 0, 0)[0] != 1)
        bench_fail("the fence does not hold");
    PQclear(first);
    while ((result = PQgetResult(bench.connection)))
        PQclear(result);
}

/* --- Before and after --- */

static void read_project(const char *path)
{
    static struct arena arena;
    static struct project_faults faults;
    char *text = bench_alloc(FILE_MAX);
    FILE *file = fopen(path, "r");
    if (!file)
        bench_fail("cannot read %s", path);
    size_t len = fread(text, 1, FILE_MAX, file);
    fclose(file);
    arena_init(&arena);
    if (!project_file_read(&bench.config, (struct slice){text, len}, &arena, &faults))
        bench_fail("%s: %s", path, faults.items[0].detail);
    if (bench.config.agent_count < bench.size)
        bench_fail("%u agents cannot take %u calls", bench.config.agent_count, bench.size);
}

static void take_fence(void)
{
    static const char sql[] =
        "UPDATE fences SET owner = gen_random_uuid(), epoch = epoch + 1, lease_until = now() + interval '1 hour'"
        " RETURNING project, owner, epoch, journal_seq, facts_version, config_version";
    PGresult *result = checked(PQexec(bench.connection, sql));
    if (PQntuples(result) != 1 || !uuid_parse(&bench.fence.owner, slice_of(PQgetvalue(result, 0, 1))))
        bench_fail("there must be one project");
    bench.fence.project = (uint32_t)bench_number(PQgetvalue(result, 0, 0));
    bench.fence.epoch = bench_number(PQgetvalue(result, 0, 2));
    bench.fence.seq_after = bench_number(PQgetvalue(result, 0, 3));
    bench.fence.facts_version = bench_number(PQgetvalue(result, 0, 4));
    bench.fence.config_version = bench_number(PQgetvalue(result, 0, 5));
    bench.fence.lease_ms = 3600000;
    PQclear(result);
}

/* Each run begins with everybody available and nothing open. */
static void load_core(void)
{
    PGresult *result = checked(PQexec(bench.connection, "SELECT name, agentsequence FROM agents"));
    core_init(&bench.core, bench.fence.project, &bench.config, bench.fence.config_version);
    for (int row = 0; row < PQntuples(result); row++) {
        struct agent_data data = {.state = AGENT_AVAILABLE,
                                  .lease_until = TIME_NEVER,
                                  .grace_until = TIME_NEVER,
                                  .wrap_until = TIME_NEVER,
                                  .cool_until = TIME_NEVER,
                                  .agentsequence = bench_number(PQgetvalue(result, row, 1))};
        if (!core_load_agent(&bench.core, slice_of(PQgetvalue(result, row, 0)), &data))
            bench_fail("the project has no agent %s", PQgetvalue(result, row, 0));
    }
    PQclear(result);
    core_loaded(&bench.core, bench.fence.seq_after, 0);
}

static void prepare(const char *url)
{
    bench.connection = PQconnectdb(url);
    if (PQstatus(bench.connection) != CONNECTION_OK)
        bench_fail("%s", PQerrorMessage(bench.connection));
    run(session_setup);
    run("SELECT ensure_days()");
    take_fence();
    for (const struct sql_file *file = sql_files; file->name; file++) {
        if (strncmp(file->name, "commit_batch", strlen("commit_batch")) == 0)
            PQclear(checked(PQprepare(bench.connection, file->name, file->text, 0, NULL)));
    }
    bench.store = batch_store_alloc();
    bench.dice = dice_seeded();
    arena_init(&bench.arena);
    load_core();
    for (uint32_t i = 0; i < bench.size; i++)
        bench.lives[i].waits = i % 3;
}

static double measure(int64_t length_ns)
{
    int64_t began = bench_now_ns(), until = began + WARM_UP_NS;
    uint64_t batches = 0;
    bool warm = false;
    make_batch();
    for (;;) {
        send_batch();
        make_batch();
        await_commit();
        batches++;
        int64_t now = bench_now_ns();
        if (now < until)
            continue;
        if (warm)
            return (double)(batches * bench.size) * 1e9 / (double)(now - began);
        warm = true;
        batches = 0;
        began = now;
        until = now + length_ns;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"project", required_argument, NULL, 'p'},
                                            {"customers", required_argument, NULL, 'c'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"milliseconds", required_argument, NULL, 'm'},
                                            {0}};
    const char *project = NULL;
    int64_t length_ns = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            project = optarg;
        else if (option == 'c')
            bench.customers = (uint32_t)bench_number(optarg);
        else if (option == 'b')
            bench.size = (uint32_t)bench_number(optarg);
        else if (option == 'm')
            length_ns = (int64_t)bench_number(optarg) * 1000000;
        else
            return 2;
    }
    if (!project || !bench.customers || !bench.size || bench.size > BATCH_MAX || !length_ns)
        bench_fail("needs --project FILE --customers N --batch N --milliseconds N");
    read_project(project);
    prepare(bench_variable("BENCH_FLOOR_DATABASE"));
    printf("%.0f\n", measure(length_ns));
    PQfinish(bench.connection);
    return 0;
}
