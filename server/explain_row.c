#include "server/explain_row.h"

#include <stdlib.h>

#include "proto/decision.h"
#include "proto/project_file.h"
#include "rules/explain.h"
#include "rules/record.h"

enum column { SEQ, AT_MS, CONFIG_VERSION, DECISION, FILE_TEXT, ZONES, INPUT };

static bool is_of_agent(const struct outcome *outcome, struct slice agent)
{
    if (outcome->snapshot && slice_equal(outcome->snapshot->agent, agent))
        return true;
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (slice_equal(a->agent, agent))
            return true;
    }
    return false;
}

/* Words go to terminals, and a source may send any text: without control characters (C0, DEL, and C1 in
 * UTF-8). */
static struct slice on_one_line(struct slice text, struct arena *arena)
{
    struct slice copy = arena_copy(arena, text);
    char *at = (char *)copy.ptr;
    for (size_t i = 0; i < copy.len; i++) {
        uint8_t byte = (uint8_t)at[i], next = i + 1 < copy.len ? (uint8_t)at[i + 1] : 0;
        bool is_c1 = byte == 0xc2 && next < 0xa0;
        if (byte < 0x20 || byte == 0x7f || is_c1)
            at[i] = ' ';
        if (is_c1 && next >= 0x80)
            at[++i] = ' ';
    }
    return copy;
}

static bool explain_all(struct value *map, const struct outcome *outcome, const struct project_config *config,
                        struct arena *arena)
{
    struct value list = value_list(arena, outcome->explanation_count);
    const struct value *cause = value_member(map, "cause");
    struct slice words = {NULL, 0};
    if (cause)
        words = arena_format(arena, "it ended with the cause %.*s\n", (int)cause->string.len,
                             on_one_line(cause->string, arena).ptr);
    for (const struct explanation *why = outcome->explanations; why; why = why->next) {
        struct value explained;
        if (!explain_value(&explained, why, config, arena))
            return false;
        struct slice more = explain_words(&explained, arena);
        words = arena_format(arena, "%.*s%.*s", (int)words.len, words.ptr ? words.ptr : "", (int)more.len,
                             more.ptr);
        value_append(&list, explained);
    }
    value_set(map, "explanations", list);
    value_set(map, "words", value_string(words));
    return true;
}

static bool explain_with(struct value *out, const struct outcome *outcome, const struct pg_reply *reply,
                         struct arena *arena)
{
    struct project_config config;
    struct project_faults *faults = arena_new(arena, struct project_faults);
    if (pg_is_null(reply, 0, FILE_TEXT) ||
        !project_file_load(&config, pg_cell(reply, 0, FILE_TEXT), pg_cell(reply, 0, ZONES), arena, faults))
        return false;
    *out = value_map(arena, 9 + EXPLAIN_ROW_SPARE);
    value_set(out, "sequence", value_string(sequence_text((uint64_t)pg_int64(reply, 0, SEQ), arena)));
    value_set(out, "at_ms", value_int(pg_int64(reply, 0, AT_MS)));
    value_set(out, "config_version", value_int(pg_int64(reply, 0, CONFIG_VERSION)));
    value_set(out, "input", value_string(slice_of(input_kind_name(outcome->kind))));
    value_set(out, "outcome", value_string(slice_of(event_outcome_name(outcome->outcome))));
    value_set_text(out, "cause", record_reported(arena_copy(arena, pg_cell(reply, 0, INPUT)), arena));
    if (!uuid_is_nil(&outcome->hit))
        value_set_uuid(out, arena, "block", &outcome->hit);
    bool good = explain_all(out, outcome, &config, arena);
    config_close(&config);
    return good;
}

/* What the reply lends is copied: the document outlives it. */
bool explain_row(struct value *out, const struct pg_reply *reply, struct slice agent, struct arena *arena)
{
    struct outcome outcome;
    if (reply->rows != 1 ||
        !record_read_decision(&outcome, arena_copy(arena, pg_cell(reply, 0, DECISION)), arena) ||
        (agent.len && !is_of_agent(&outcome, agent)))
        return false;
    return explain_with(out, &outcome, reply, arena);
}

bool explain_now(struct value *out, const struct core *core, const struct interaction *interaction,
                 struct arena *arena)
{
    struct explanation why = core_why(core, interaction, arena);
    struct value explained;
    if (!explain_value(&explained, &why, core->config, arena))
        return false;
    *out = value_map(arena, 4);
    value_set(out, "config_version", value_int((int64_t)core->config_version));
    value_set(out, "state", value_string(slice_of(interaction_state_name(interaction->data.state))));
    value_set(out, "why", explained);
    value_set(out, "words", value_string(explain_words(&explained, arena)));
    return true;
}
