/* Bytes of the journal, whatever they are: what a reader takes is what the writer would have made. The first
 * byte says which reader. */
#include <assert.h>

#include "rules/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_input(struct slice bytes, struct arena *arena)
{
    static const struct record_people nobody;
    struct input input;
    if (record_read_input(&input, bytes, &nobody, arena))
        assert(slice_equal(bytes, record_input(&input, arena)));
}

/* Fields stand in content: without them it is no longer said that there were some. */
static void check_facts(struct slice bytes, struct arena *arena)
{
    struct facts facts, again;
    if (!record_read_facts(&facts, bytes, NULL, arena))
        return;
    struct slice once = record_facts(&facts, arena);
    bool read = record_read_facts(&again, once, NULL, arena);
    assert(read);
    assert(slice_equal(once, record_facts(&again, arena)));
}

static void check_open(struct slice bytes, struct arena *arena)
{
    struct interaction open = {.channel = CHANNEL_CALL};
    struct record_names names;
    if (!record_read_open(&open, &names, bytes, arena))
        return;
    struct config_rule rule = {.name = names.rule};
    struct agent agent = {.name = names.excluded};
    struct project_config config = {.rules = &rule, .rule_count = 1};
    struct core core = {.config = &config, .agents = &agent, .agent_count = 1};
    open.data.rule = names.rule.len ? 0 : -1;
    open.data.excluded = names.excluded.len ? 0 : -1;
    assert(slice_equal(bytes, record_open(&core, &open, arena)));
}

/* Snapshots may stand in another order than the writer's, or serve nobody: the second writing is the first's.
 */
static void check_decision(struct slice bytes, struct arena *arena)
{
    struct outcome outcome, again;
    if (!record_read_decision(&outcome, bytes, arena))
        return;
    struct slice once = record_decision(&outcome, arena);
    bool read = record_read_decision(&again, once, arena);
    assert(read);
    assert(slice_equal(once, record_decision(&again, arena)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static void (*const checks[])(struct slice bytes, struct arena * arena) = {check_input, check_facts,
                                                                               check_open, check_decision};
    struct arena arena;
    if (!len)
        return 0;
    arena_init(&arena);
    checks[bytes[0] % 4]((struct slice){(const char *)bytes + 1, len - 1}, &arena);
    arena_deinit(&arena);
    return 0;
}
