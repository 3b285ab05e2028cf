#include "rules/sim/sim_play.h"

#include <assert.h>
#include <string.h>

#include "rules/core_state.h"
#include "rules/record.h"
#include "rules/sim/sim_dump.h"
#include "rules/sim/sim_rule.h"

#define RECORD_EVERY 4 /* decisions, one is read back */
#define SWEEP_EVERY 8  /* batches, everything is looked at */

/* --- Opening, closing --- */

void sim_open(struct sim *sim, const struct sim_plan *plan)
{
    memset(sim, 0, sizeof *sim);
    sim->plan = *plan;
    sim->now = SIM_START_MS;
    arena_init(&sim->configs_arena);
    arena_init(&sim->scratch);
    for (uint32_t i = 0; i < plan->versions; i++)
        sim->configs[i] = sim_plan_config(plan, i + 1, &sim->configs_arena);
    for (int i = 0; i < CORE_BATCHES_MAX; i++)
        arena_init(&sim->levels[i].arena);
    sim_tables_init(&sim->tables);
    sim_meet_customers(sim);
    core_init(&sim->core, 1, sim->configs[0], 1);
}

static void level_reset(struct sim_level *level)
{
    arena_reset(&level->arena);
    sim_write_drop(&level->write);
    sim_dump_free(&level->before);
    level->rows = NULL;
    level->bytes = NULL;
    level->count = level->room = 0;
    level->is_sent = level->has_config = false;
}

void sim_close(struct sim *sim)
{
    core_deinit(&sim->core);
    for (int i = 0; i < CORE_BATCHES_MAX; i++) {
        level_reset(&sim->levels[i]);
        arena_deinit(&sim->levels[i].arena);
    }
    sim_tables_deinit(&sim->tables);
    for (uint32_t i = 0; i < sim->plan.versions; i++)
        sim_config_close(sim->configs[i]);
    arena_deinit(&sim->scratch);
    arena_deinit(&sim->configs_arena);
}

static void fail(struct sim *sim, enum invariant invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct sim *sim, enum invariant invariant, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    findings_add(&sim->findings, invariant, NULL, (struct slice){NULL, 0}, format, args);
    va_end(args);
}

static void fail_with_lines(struct sim *sim, enum invariant invariant, struct slice was, struct slice is)
{
    size_t same = 0; /* the line may be long: from where it differs */
    while (same < was.len && same < is.len && was.ptr[same] == is.ptr[same])
        same++;
    size_t from = same > 60 ? same - 60 : 0;
    fail(sim, invariant, "...%.*s, now ...%.*s", (int)(was.len - from > 80 ? 80 : was.len - from),
         was.ptr + from, (int)(is.len - from > 80 ? 80 : is.len - from), is.ptr + from);
}

static struct sim_level *newest(struct sim *sim)
{
    return &sim->levels[sim->level_count - 1];
}

bool sim_is_deciding(const struct sim *sim)
{
    return sim->level_count && !sim->levels[sim->level_count - 1].is_sent;
}

/* --- One step --- */

static void check_record(struct sim *sim, struct slice bytes, struct arena *arena)
{
    struct outcome again;
    if (!record_read_decision(&again, bytes, arena)) {
        fail(sim, INVARIANT_RECORD_READS_BACK, "%zu bytes cannot be read", bytes.len);
        return;
    }
    if (!slice_equal(record_decision(&again, arena), bytes))
        fail(sim, INVARIANT_RECORD_READS_BACK, "%zu bytes become others", bytes.len);
}

static void push_row(struct sim_level *level, const struct input *input, const struct outcome *outcome,
                     struct slice bytes)
{
    if (level->count == level->room) {
        uint32_t room = level->room ? level->room * 2 : 8;
        struct invariant_row *rows = arena_array(&level->arena, struct invariant_row, room);
        struct slice *all = arena_array(&level->arena, struct slice, room);
        if (level->count) {
            memcpy(rows, level->rows, sizeof *rows * level->count);
            memcpy(all, level->bytes, sizeof *all * level->count);
        }
        level->rows = rows;
        level->bytes = all;
        level->room = room;
    }
    level->rows[level->count] = (struct invariant_row){input, outcome};
    level->bytes[level->count++] = bytes;
}

static void digest(struct sim *sim, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) /* FNV-1a */
        sim->digest = (sim->digest ^ (uint8_t)bytes.ptr[i]) * UINT64_C(1099511628211);
}

/* The input lies in the newest level's arena. */
static void step(struct sim *sim, const struct input *input)
{
    struct sim_level *level = newest(sim);
    struct core *core = &sim->core;
    const struct undo *log = core->batches[core->batch_count - 1].log;
    uint64_t seq = core->seq;
    int64_t at_ms = core->at_ms;
    int rule = sim_expected_rule(sim, input);
    const struct outcome *outcome = core_step(core, input, &level->arena);
    sim->counts.steps++;
    if (sim->on_step)
        sim->on_step(sim->ctx, sim, input, outcome);
    if (outcome->refusal != REFUSAL_NONE) {
        sim->counts.refused++;
        if (core->batches[core->batch_count - 1].log != log || core->seq != seq || core->at_ms != at_ms)
            fail(sim, INVARIANT_REFUSED_CHANGES_NOTHING, "%s", input_kind_name(input->kind));
        return;
    }
    if (rule >= 0 && outcome->ruling_count && outcome->snapshot &&
        outcome->snapshot->opened_seq == outcome->seq && outcome->rulings[0].rule != rule)
        fail(sim, INVARIANT_FIRST_RULE_MATCHES, "rule %d, should be %d", outcome->rulings[0].rule, rule);
    struct slice bytes = record_decision(outcome, &level->arena);
    if (sim->counts.steps % RECORD_EVERY == 0)
        check_record(sim, bytes, &level->arena);
    digest(sim, bytes);
    push_row(level, input, outcome, bytes);
    sim_learn(sim, input, outcome);
    if (sim->plan.is_thorough)
        invariant_sweep(&sim->findings, core, &sim->scratch);
    arena_reset(&sim->scratch);
}

/* --- Batches --- */

static void begin(struct sim *sim)
{
    struct sim_level *level = &sim->levels[sim->level_count++];
    memcpy(level->customers, sim->customers, sizeof *level->customers * sim->customer_count);
    level->customer_count = sim->customer_count;
    if (sim->plan.is_thorough)
        level->before = sim_dump(&sim->core);
    core_begin(&sim->core);
    sim->counts.batches++;
}

static void forget_customers(struct sim *sim, const struct sim_level *level)
{
    memcpy(sim->customers, level->customers, sizeof *level->customers * level->customer_count);
    sim->customer_count = level->customer_count;
}

static void undo_newest(struct sim *sim)
{
    struct sim_level *level = newest(sim);
    core_rollback(&sim->core);
    sim->level_count--;
    forget_customers(sim, level);
    sim_write_drop(&level->write);
    if (!level->before.ptr)
        return;
    struct slice now = sim_dump(&sim->core), was_line, is_line;
    if (sim_dump_differs(level->before, now, &was_line, &is_line))
        fail_with_lines(sim, INVARIANT_ROLLBACK_LEAVES_NOTHING, was_line, is_line);
    sim_dump_free(&now);
    sim_dump_free(&level->before);
}

/* The batch takes no more inputs and goes to the tables; one without a row is nothing. */
static void send(struct sim *sim)
{
    struct sim_level *level = newest(sim);
    if (!level->count) {
        undo_newest(sim);
        level_reset(level);
        return;
    }
    invariant_check_batch(&sim->findings, &sim->core, level->rows, level->count, &sim->scratch);
    if (sim->counts.batches % SWEEP_EVERY == 0)
        invariant_sweep(&sim->findings, &sim->core, &sim->scratch);
    arena_reset(&sim->scratch);
    level->write = sim_tables_collect(&sim->core);
    level->is_sent = true;
}

static void take_blocks(struct sim *sim, const struct sim_level *level)
{
    for (uint32_t i = 0; i < level->count; i++) {
        const struct input *input = level->rows[i].input;
        if (input->kind == INPUT_BLOCK || input->kind == INPUT_UNBLOCK)
            sim_tables_block(&sim->tables, input->block.id.bytes[1],
                             input->kind == INPUT_BLOCK ? &input->block : NULL);
    }
}

static void commit_oldest(struct sim *sim)
{
    struct sim_level oldest;
    if (sim->level_count && !sim->levels[0].is_sent)
        send(sim);
    if (!sim->level_count)
        return;
    const struct outcome *last = sim->levels[0].rows[sim->levels[0].count - 1].outcome;
    sim->tables.seq = last->seq;
    sim->tables.at_ms = last->at_ms;
    sim->tables.config_version = last->config_version;
    sim_tables_take(&sim->tables, &sim->levels[0].write);
    take_blocks(sim, &sim->levels[0]);
    core_commit(&sim->core);
    core_bury(&sim->core);
    level_reset(&sim->levels[0]);
    if (--sim->level_count) {
        oldest = sim->levels[0];
        sim->levels[0] = sim->levels[1];
        sim->levels[1] = oldest;
    }
    /* As soon as somebody asks the tables again; a look behind a rollback must not miss it. */
    if (!sim->level_count || !sim->plan.is_thorough)
        core_forget_closed(&sim->core, sim->tables.seq);
}

static void ready_to_decide(struct sim *sim)
{
    if (sim_is_deciding(sim))
        return;
    if (sim->level_count == CORE_BATCHES_MAX)
        commit_oldest(sim);
    begin(sim);
}

/* --- Faults --- */

/* The same inputs once more, on the state that a rollback has left: nothing of the first time may show. */
static void decide_again(struct sim *sim, struct sim_level *level)
{
    struct invariant_row *rows = level->rows;
    struct slice *bytes = level->bytes;
    uint32_t count = level->count;
    level->rows = NULL;
    level->bytes = NULL;
    level->count = level->room = 0;
    level->is_sent = false;
    begin(sim);
    for (uint32_t i = 0; i < count; i++) {
        step(sim, rows[i].input);
        if (level->count != i + 1 || !slice_equal(level->bytes[i], bytes[i])) {
            fail(sim, INVARIANT_SAME_AGAIN, "%s decided otherwise the second time",
                 input_kind_name(rows[i].input->kind));
            return;
        }
    }
    send(sim);
}

static void fail_batches(struct sim *sim, uint32_t variant)
{
    uint32_t count = variant & SIM_FAIL_NEWEST ? 1 : sim->level_count, first;
    if (sim_is_deciding(sim))
        send(sim);
    if (count > sim->level_count)
        count = sim->level_count;
    if (!count)
        return;
    first = sim->level_count - count;
    for (uint32_t i = 0; i < count; i++)
        undo_newest(sim);
    sim->counts.rollbacks++;
    for (uint32_t i = first; i < first + count; i++) {
        if (variant & SIM_FAIL_AGAIN && !sim->findings.count)
            decide_again(sim, &sim->levels[i]);
        else
            level_reset(&sim->levels[i]);
    }
}

/* What is not durable is lost; what is loaded equals what would be in memory without it. */
static void crash(struct sim *sim)
{
    struct core loaded;
    struct slice was_line, is_line;
    while (sim->level_count) {
        undo_newest(sim);
        level_reset(&sim->levels[sim->level_count]);
    }
    core_forget_closed(&sim->core, UINT64_MAX);
    uint32_t version = (uint32_t)sim->tables.config_version;
    core_init(&loaded, 1, sim->configs[version - 1], version);
    sim_tables_load(&sim->tables, &loaded);
    struct slice was = sim_dump(&sim->core), is = sim_dump(&loaded);
    if (sim_dump_differs(was, is, &was_line, &is_line))
        fail_with_lines(sim, INVARIANT_TABLES_HOLD_ALL, was_line, is_line);
    sim_dump_free(&was);
    sim_dump_free(&is);
    core_deinit(&sim->core);
    sim->core = loaded;
    sim->counts.crashes++;
}

/* A batch of its own, with nothing below it. It cannot be rolled back: the server stands down instead. */
static void reload(struct sim *sim, const struct sim_move *move)
{
    while (sim->level_count)
        commit_oldest(sim);
    begin(sim);
    struct sim_level *level = newest(sim);
    struct input *input = arena_new(&level->arena, struct input);
    uint32_t version = move->queue % sim->plan.versions;
    *input = (struct input){.kind = INPUT_CONFIG,
                            .at_ms = sim->now,
                            .config = sim->configs[version],
                            .config_version = version + 1};
    level->has_config = true;
    step(sim, input);
    commit_oldest(sim);
    sim->counts.reloads++;
}

/* --- Time --- */

static void decide_timer(struct sim *sim, int64_t at_ms)
{
    bool is_own = !sim_is_deciding(sim) && sim->plan.batch == 1;
    ready_to_decide(sim);
    struct input *input = arena_new(&newest(sim)->arena, struct input);
    *input = core_timer(&sim->core, at_ms);
    step(sim, input);
    sim->counts.timers++;
    if (is_own)
        commit_oldest(sim);
}

/* Time passes until then; what is due on the way happens when it is due, or all of it in the end. */
static void pass(struct sim *sim, int64_t until_ms, bool is_late)
{
    for (;;) {
        int64_t due = core_next_timer(&sim->core);
        int64_t at_ms = is_late || due == TIME_NEVER ? until_ms : due;
        if (due > until_ms || sim->findings.count)
            break;
        sim->now = at_ms > sim->now ? at_ms : sim->now;
        decide_timer(sim, sim->now);
    }
    sim->now = until_ms > sim->now ? until_ms : sim->now;
}

static void play_input(struct sim *sim, const struct sim_move *move)
{
    ready_to_decide(sim);
    struct input *input = arena_new(&newest(sim)->arena, struct input);
    if (sim_input(input, sim, move, &newest(sim)->arena))
        step(sim, input);
}

bool sim_play(struct sim *sim, const struct sim_move *move)
{
    pass(sim, SIM_START_MS + move->at_ms, move->is_late);
    if (sim->findings.count)
        return false;
    switch ((enum sim_move_kind)move->kind) {
    case SIM_WAIT:
        break;
    case SIM_COMMIT:
        commit_oldest(sim);
        break;
    case SIM_SEND:
        if (sim_is_deciding(sim))
            send(sim);
        break;
    case SIM_FAIL:
        fail_batches(sim, move->variant);
        break;
    case SIM_CRASH:
        crash(sim);
        break;
    case SIM_RELOAD:
        if (move->variant & SIM_RELOAD_CRASHES)
            crash(sim); /* and comes back to a configuration that its journal does not know */
        reload(sim, move);
        break;
    default:
        play_input(sim, move);
    }
    return !sim->findings.count;
}
