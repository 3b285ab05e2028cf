#include "rules/sim/sim_dump.h"

#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

struct writer {
    char *text;
    size_t len, room;
};

static char *room_for(struct writer *writer, size_t len)
{
    if (writer->room - writer->len < len) {
        writer->room = (writer->room + len) * 2;
        writer->text = realloc(writer->text, writer->room);
        if (!writer->text)
            abort();
    }
    char *to = writer->text + writer->len;
    writer->len += len;
    return to;
}

static void put(struct writer *writer, struct slice text)
{
    if (text.len)
        memcpy(room_for(writer, text.len), text.ptr, text.len);
}

static void put_name(struct writer *writer, const char *name)
{
    put(writer, slice_of(name));
}

static void put_int(struct writer *writer, const char *name, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    put_name(writer, name);
    if (value == TIME_NEVER) {
        put(writer, SLICE("-"));
        return;
    }
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    put(writer, (struct slice){digits + at, sizeof digits - at});
}

static void put_id(struct writer *writer, const char *name, const struct uuid *id)
{
    static const char hex[] = "0123456789abcdef";
    put_name(writer, name);
    char *to = room_for(writer, 32);
    for (int i = 0; i < 16; i++) {
        *to++ = hex[id->bytes[i] >> 4];
        *to++ = hex[id->bytes[i] & 15];
    }
}

static void put_text(struct writer *writer, const char *name, struct slice text)
{
    put_name(writer, name);
    put(writer, text);
}

/* Of whom the core knows nothing but the name: not loaded when it is not configured. */
static bool is_unknown(const struct agent *agent)
{
    return agent->config < 0 && !agent->data.agentsequence && agent->data.state == AGENT_OFFLINE &&
           !agent->data.reason[0] && !agent->data.idle_since && !agent->work.count;
}

static void dump_agent(struct writer *writer, const struct core *core, const struct agent *agent)
{
    const struct agent_data *data = &agent->data;
    put_text(writer, "agent ", agent->name);
    put_int(writer, " config ", agent->config);
    put_int(writer, " state ", data->state);
    put_text(writer, " reason ", slice_of(data->reason));
    put_int(writer, " lease ", data->lease_ms);
    put_int(writer, " until ", data->lease_until);
    put_int(writer, " grace ", data->grace_until);
    put_int(writer, " wrap ", data->wrap_until);
    put_int(writer, " cool ", data->cool_until);
    put_int(writer, " misses ", data->misses);
    put_int(writer, " idle ", data->idle_since);
    put_int(writer, " sequence ", (int64_t)data->agentsequence);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        put_int(writer, " load ", data->load[channel]);
        put_int(writer, " turn ", (int64_t)data->turn[channel]);
        if (agent->config >= 0)
            put_int(writer, " stands ", core->standing[agent->config * CHANNEL_COUNT + channel]);
    }
    put_int(writer, " timer ", agent->timer.linked ? agent->timer.rank.first : TIME_NEVER);
    for (const struct rank_node *node = rank_first(&agent->work); node; node = rank_next(node))
        put_id(writer, " work ", &((const struct interaction *)node->owner)->id);
    put_name(writer, "\n");
}

static void dump_texts(struct writer *writer, const struct party_texts *texts)
{
    const struct slice *text = (const struct slice *)texts;
    for (size_t i = 0; i < sizeof *texts / sizeof *text; i++)
        put_text(writer, "|", text[i]);
}

static void dump_fact(struct writer *writer, const struct customer_fact *fact)
{
    put_id(writer, " fact ", &fact->id);
    put_text(writer, " ", fact->name);
    put_text(writer, " ", fact->owner);
    for (uint32_t i = 0; i < fact->tag_count; i++)
        put_text(writer, " #", fact->tags[i]);
    put_text(writer, " stage ", fact->stage);
    put_text(writer, " source ", fact->source);
}

static void dump_interaction(struct writer *writer, const struct core *core,
                             const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    put_id(writer, "interaction ", &interaction->id);
    put_id(writer, " conversation ", &interaction->conversation);
    put_int(writer, " channel ", interaction->channel);
    put_int(writer, " outbound ", interaction->outbound);
    put_int(writer, " opened ", (int64_t)interaction->opened_seq);
    put_int(writer, " at ", interaction->opened_ms);
    put_int(writer, " state ", data->state);
    put_text(writer, " queue ", core_queue_name(core, data->queue));
    put_int(writer, " priority ", data->priority);
    put_int(writer, " enqueued ", data->enqueued_ms);
    if (data->agent >= 0)
        put_text(writer, " agent ", core->agents[data->agent].name);
    put_id(writer, " offer ", &data->offer);
    put_int(writer, " offered ", data->offered_ms);
    put_int(writer, " expires ", data->expires_ms);
    put_int(writer, " accepted ", data->accepted_ms);
    put_int(writer, " attempts ", data->attempts);
    put_int(writer, " identity ", data->identity);
    put_id(writer, " customer ", &data->customer);
    for (uint32_t i = 0; i < data->candidate_count; i++)
        put_id(writer, " candidate ", &data->candidates[i]);
    put_int(writer, " closed ", data->closed_ms);
    put_int(writer, " rule ", data->rule);
    put_int(writer, " step ", data->relax_step);
    put_int(writer, " stage ", data->stage);
    put_int(writer, " relinked ", data->is_relinked);
    put_int(writer, " moved ", data->moved);
    put_int(writer, " entered ", data->entered_ms);
    put_int(writer, " held ", data->held_until);
    put_int(writer, " reply ", data->reply_by);
    if (data->excluded >= 0)
        put_text(writer, " excluded ", core->agents[data->excluded].name);
    put_int(writer, " attributes ", interaction->attributes.count);
    dump_fact(writer, &data->fact);
    put_text(writer, " last ", data->fact.last_agent);
    put_int(writer, " at ", data->fact.last_ms);
    dump_texts(writer, &interaction->texts);
    put_int(writer, " customer's ", interaction->by_customer.linked);
    put_int(writer, " waits ", interaction->waiting.linked);
    put_int(writer, " timer ", interaction->timer.linked ? interaction->timer.rank.first : TIME_NEVER);
    put_name(writer, "\n");
}

static void dump_lanes(struct writer *writer, const struct core *core)
{
    for (uint32_t i = 0; i < core->lanes.count; i++) {
        put_int(writer, "available ", core->available[i]);
        put_name(writer, "\n");
    }
    for (uint32_t i = 0; i < core->config->queue_count; i++) {
        put_int(writer, "queue ", core->queues[i].waiting);
        put_int(writer, " logged in ", core->queues[i].logged_in);
        put_name(writer, "\n");
    }
    for (uint32_t i = 0; i < core->lanes.count * CHANNEL_COUNT; i++) {
        put_int(writer, "lane ", i);
        for (const struct rank_node *node = rank_first(&core->waiting[i]); node; node = rank_next(node))
            put_id(writer, " waits ", &((const struct interaction *)node->owner)->id);
        for (const struct rank_node *node = rank_first(&core->ready[i]); node; node = rank_next(node))
            put_text(writer, " ready ", ((const struct agent *)node->owner)->name);
        put_name(writer, "\n");
    }
}

/* Agents' ranks hang on their place among all, unknown ones included: the order is what counts. */
static void dump_timers(struct writer *writer, const struct core *core)
{
    for (const struct rank_node *node = rank_first(&core->timers); node; node = rank_next(node)) {
        put_int(writer, "timer ", node->rank.first);
        if (node->rank.second)
            put_text(writer, " ", ((const struct agent *)node->owner)->name);
        else
            put_id(writer, " ", &node->rank.third);
        put_name(writer, "\n");
    }
}

static int compare_blocks(const void *a, const void *b)
{
    const struct block *const *left = a, *const *right = b;
    return uuid_compare(&(*left)->id, &(*right)->id);
}

static void dump_blocks(struct writer *writer, const struct core *core)
{
    const struct table *table = &core->blacklist.by_id;
    const struct block **blocks = core_allocate(sizeof *blocks * table->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->bucket_count; i++) {
        for (const struct table_node *node = table->buckets[i]; node; node = node->next)
            blocks[count++] = blacklist_entry_block(node->owner);
    }
    if (count)
        qsort(blocks, count, sizeof *blocks, compare_blocks);
    for (uint32_t i = 0; i < count; i++) {
        if (blocks[i]->until_ms <= core->at_ms)
            continue;
        put_id(writer, "block ", &blocks[i]->id);
        put_int(writer, " kind ", blocks[i]->kind);
        put_text(writer, " key ", blocks[i]->key);
        put_id(writer, " customer ", &blocks[i]->customer);
        put_int(writer, " channels ", blocks[i]->channels);
        put_int(writer, " from ", blocks[i]->start_ms);
        put_int(writer, " until ", blocks[i]->until_ms);
        put_name(writer, "\n");
    }
    free(blocks);
}

struct slice sim_dump(const struct core *core)
{
    struct writer writer = {.room = 8192};
    writer.text = core_allocate(writer.room);
    put_int(&writer, "core ", (int64_t)core->seq);
    put_int(&writer, " at ", core->at_ms);
    put_int(&writer, " config ", (int64_t)core->config_version);
    put_int(&writer, " open ", core->open.count);
    put_int(&writer, " offers ", core->offers.count);
    put_int(&writer, " conversations ", core->conversations.count);
    put_int(&writer, " closings ", core->closings.count);
    put_name(&writer, "\n");
    for (uint32_t i = 0; i < core->agent_count; i++) {
        if (!is_unknown(&core->agents[i]))
            dump_agent(&writer, core, &core->agents[i]);
    }
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node))
        dump_interaction(&writer, core, node->owner);
    dump_lanes(&writer, core);
    dump_timers(&writer, core);
    dump_blocks(&writer, core);
    return (struct slice){writer.text, writer.len};
}

void sim_dump_free(struct slice *dump)
{
    free((char *)dump->ptr);
    *dump = (struct slice){NULL, 0};
}

static struct slice line_at(struct slice text, size_t from)
{
    const char *end = from < text.len ? memchr(text.ptr + from, '\n', text.len - from) : NULL;
    size_t until = end ? (size_t)(end - text.ptr) : text.len;
    return (struct slice){text.ptr + from, until > from ? until - from : 0};
}

bool sim_dump_differs(struct slice a, struct slice b, struct slice *line_a, struct slice *line_b)
{
    size_t from = 0;
    if (slice_equal(a, b))
        return false;
    for (;;) {
        *line_a = line_at(a, from);
        *line_b = line_at(b, from);
        if (!slice_equal(*line_a, *line_b) || from + line_a->len >= a.len)
            return true;
        from += line_a->len + 1;
    }
}
