/* Who was erased is no longer there to be decided about: such a row is given what its decision says (the
 * rules' answer, the block that it met, the agent of an outbound call), and counted. */
#include "server/replay.h"

#include <stdio.h>
#include <stdlib.h>

struct replay_erased {
    struct table_node node;
    struct uuid id;
};

void replay_init(struct replay *replay, struct pg_blocking *database, uint32_t project, uint64_t last)
{
    *replay = (struct replay){.has_core = false};
    replay_reader_init(&replay->reader, database, project, last);
    table_init(&replay->erased);
    arena_init(&replay->arena);
}

void replay_deinit(struct replay *replay)
{
    if (replay->has_core)
        core_deinit(&replay->core);
    for (uint32_t i = 0; i < replay->erased.bucket_count; i++) {
        struct table_node *next;
        for (struct table_node *node = replay->erased.buckets[i]; node; node = next) {
            next = node->next;
            free(node->owner);
        }
    }
    table_deinit(&replay->erased);
    replay_config_free(&replay->config);
    replay_config_free(&replay->old_config);
    replay_config_free(&replay->next_config);
    arena_deinit(&replay->arena);
    replay_reader_deinit(&replay->reader);
}

/* --- Who was erased --- */

static void remember_erased(struct replay *replay, const struct uuid *id)
{
    struct replay_erased *erased = calloc(1, sizeof *erased);
    if (!erased)
        abort();
    erased->id = *id;
    erased->node.owner = erased;
    table_insert(&replay->erased, &erased->node, uuid_bytes(&erased->id));
}

static bool has_people(enum event_type type)
{
    return type == EVENT_CALL_RINGING || type == EVENT_CHAT_MESSAGE || type == EVENT_EMAIL_RECEIVED;
}

static bool lacks_fields(const struct facts *facts)
{
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        if (facts->candidates[i].fields.kind == VALUE_MAP && !facts->candidates[i].fields.count)
            return true;
    }
    return false;
}

/* Whoever the interaction is about from here on, by a link or an accept: rules that are asked later would
 * read fields that are no longer there. */
static void forget_fields(struct replay *replay, const struct outcome *recorded)
{
    if (recorded->snapshot && !table_find(&replay->erased, uuid_bytes(&recorded->snapshot->interaction)))
        remember_erased(replay, &recorded->snapshot->interaction);
}

/* Whether the rules ran for somebody of whom the journal says nothing any more. */
static bool asks_about_erased(const struct replay *replay, const struct outcome *recorded)
{
    for (const struct explanation *each = recorded->explanations; each; each = each->next) {
        if (each->is_ruled && table_find(&replay->erased, uuid_bytes(&each->interaction)))
            return true;
    }
    return false;
}

static struct slice recipient_of(const struct replay *replay, const struct input *input,
                                 const struct outcome *recorded)
{
    const struct project_config *config = &replay->config->config;
    const struct explanation *why = recorded->explanations;
    int queue = !why ? -1 : why->path_count ? why->path[0].queue : why->queue;
    struct slice any = {NULL, 0};
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        if (endpoint->channel != event_type_channel(input->event->type))
            continue;
        if (endpoint->queue == queue)
            return endpoint->key;
        any = endpoint->key;
    }
    return any;
}

/* A key that the block matches. */
static void give_blocked_key(struct replay *replay, struct input *input, const struct uuid *hit)
{
    const struct table_node *node = table_find(&replay->core.blacklist.by_id, uuid_bytes(hit));
    if (!node)
        return;
    const struct block *block = blacklist_entry_block(node->owner);
    if (block->kind == BLOCK_PHONE || block->kind == BLOCK_PREFIX)
        input->phone.key = block->key;
    else if (block->kind == BLOCK_EMAIL)
        input->email.key = block->key;
    else if (block->kind == BLOCK_DOMAIN)
        input->email.key =
            arena_format(&replay->arena, "x@%.*s", (int)block->key.len, block->key.ptr ? block->key.ptr : "");
}

static void fill_erased(struct replay *replay, struct replay_step *step)
{
    struct event *event = (struct event *)step->input.event;
    const struct outcome *recorded = &step->recorded;
    if (!step->input.recipient_key.len)
        event->to = step->input.recipient_key = recipient_of(replay, &step->input, recorded);
    if (!uuid_is_nil(&recorded->hit))
        give_blocked_key(replay, &step->input, &recorded->hit);
    if (event->outbound && recorded->snapshot && recorded->snapshot->agent.len) {
        event->attributes = value_map(&replay->arena, 1);
        value_set(&event->attributes, "agent", value_string(recorded->snapshot->agent));
    }
    if (recorded->snapshot && recorded->snapshot->opened_seq == step->row->seq)
        remember_erased(replay, &recorded->snapshot->interaction);
}

/* --- Rows --- */

static bool fail(struct replay *replay, uint64_t seq, const char *what)
{
    snprintf(replay->reader.why, sizeof replay->reader.why, "the %s of row %llu cannot be read", what,
             (unsigned long long)seq);
    return false;
}

/* The first row's version is the one that the project began with. */
static bool begin(struct replay *replay, const struct replay_row *row)
{
    replay->config = replay_read_config(&replay->reader, row->config_version);
    if (!replay->config)
        return false;
    core_init(&replay->core, replay->reader.project, &replay->config->config, replay->config->version);
    replay->has_core = true;
    return true;
}

static bool read_row(struct replay *replay, struct replay_step *step)
{
    const struct replay_row *row = step->row;
    struct input *input = &step->input;
    if (!record_read_decision(&step->recorded, row->decision, &replay->arena))
        return fail(replay, row->seq, "decision");
    if (!record_read_input(input, row->input, &row->people, &replay->arena))
        return fail(replay, row->seq, "input");
    if (!record_read_facts(&input->facts, row->facts, &row->fields, &replay->arena))
        return fail(replay, row->seq, "facts");
    input->at_ms = row->at_ms;
    if (!replay->has_core && !begin(replay, row))
        return false;
    if (row->at_ms < replay->core.at_ms)
        return fail(replay, row->seq, "time, which goes back,");
    if (input->kind == INPUT_BLOCK)
        return replay_read_block(&replay->reader, &input->block.key, &input->block.id, &replay->arena);
    if (input->kind == INPUT_CONFIG) {
        replay->next_config = replay_read_config(&replay->reader, input->config_version);
        input->config = replay->next_config ? &replay->next_config->config : NULL;
        return input->config != NULL;
    }
    return true;
}

enum replay_read replay_next(struct replay *replay, struct replay_step *step)
{
    *step = (struct replay_step){.row = NULL};
    if (replay->has_core)
        core_bury(&replay->core);
    replay_config_free(&replay->old_config);
    arena_reset(&replay->arena);
    enum replay_read read = replay_read_row(&replay->reader, &step->row);
    if (read != REPLAY_ROW)
        return read;
    if (!read_row(replay, step))
        return REPLAY_FAILED;
    struct input *input = &step->input;
    if (input->kind == INPUT_EVENT && has_people(input->event->type) &&
        !step->row->people.texts.subject.len) {
        step->is_erased = true;
        fill_erased(replay, step);
    }
    if (lacks_fields(&input->facts)) {
        step->is_erased = true;
        forget_fields(replay, &step->recorded);
    }
    step->is_erased |= asks_about_erased(replay, &step->recorded);
    if (step->is_erased) {
        replay->erased_count++;
        input->ruling_count = step->recorded.ruling_count;
        input->rulings = input->ruling_count ? step->recorded.rulings : NULL;
    }
    return REPLAY_ROW;
}

void replay_run(struct replay *replay, struct replay_step *step)
{
    struct core *core = &replay->core;
    core_begin(core);
    step->now = core_step(core, &step->input, &replay->arena);
    step->bytes = record_decision(step->now, &replay->arena);
    step->is_equal = step->now->refusal == REFUSAL_NONE && slice_equal(step->bytes, step->row->decision);
    core_commit(core);
    core_forget_closed(core, core->seq);
    if (replay->next_config) {
        replay->old_config = replay->config;
        replay->config = replay->next_config;
        replay->next_config = NULL;
    }
}
