#include "proto/esl_list.h"

#include "proto/json.h"
#include "rules/ascii.h"

#define DEPTH_ROWS 2 /* inside of the list of rows */

void esl_list_begin(struct esl_list *list, size_t length)
{
    *list = (struct esl_list){.left = length, .is_skipped = length > ESL_LIST_MAX};
}

/* False: something closes that was not open. */
static bool step_over(struct esl_list_place *place, char c)
{
    if (place->in_text) {
        place->in_text = place->is_escaped || c != '"';
        place->is_escaped = !place->is_escaped && c == '\\';
        return true;
    }
    if (c == '}' || c == ']')
        return place->depth-- > 0;
    place->in_text = c == '"';
    place->depth += c == '{' || c == '[';
    return true;
}

/* What stands around the rows is kept, but for the commas between them. */
static bool keep_around(struct esl_list *list, unsigned depth_before, char c)
{
    bool is_between = depth_before == DEPTH_ROWS && list->place.depth == DEPTH_ROWS;
    if (is_between)
        return c == ',' || !ascii_trim((struct slice){&c, 1}).len;
    if (list->around_len == sizeof list->around)
        return false;
    list->around[list->around_len++] = c;
    return true;
}

/* The row that begins behind what is used. False, here and below: it is no such list. */
static bool read_row(struct esl_list_step *out, struct esl_list *list, struct slice input)
{
    struct esl_list_place place = list->place;
    size_t left = list->left - out->used;
    input = ascii_part(input, out->used, input.len);
    for (size_t i = 0; i < input.len && i < ESL_LIST_ROW_MAX; i++) {
        (void)step_over(&place, input.ptr[i]); /* it begins deeper than it ends */
        if (place.depth > DEPTH_ROWS)
            continue;
        out->status = ESL_LIST_ROW;
        out->row = ascii_part(input, 0, i + 1);
        out->used += i + 1;
        list->place = place;
        list->rows++;
        return true;
    }
    return input.len < ESL_LIST_ROW_MAX && input.len < left;
}

/* `{"row_count":2,"rows":[]}` is what should be left. */
static void finish(struct esl_list_step *out, const struct esl_list *list)
{
    out->status = ESL_LIST_END;
    out->is_list = !list->is_bad;
    if (list->is_skipped)
        return;
    struct arena arena;
    struct value around;
    struct fault fault;
    arena_init(&arena);
    bool good =
        json_read(&around, ascii_trim((struct slice){list->around, list->around_len}), &arena, &fault);
    const struct value *count = good ? value_member(&around, "row_count") : NULL;
    out->is_list = count && count->kind == VALUE_INT;
    out->is_whole = out->is_list && count->integer == list->rows;
    arena_deinit(&arena);
}

static bool go_on(struct esl_list_step *out, struct esl_list *list, struct slice input)
{
    while (out->used < input.len) {
        unsigned before = list->place.depth;
        struct esl_list_place place = list->place;
        char c = input.ptr[out->used];
        if (before == DEPTH_ROWS && !place.in_text && c == '{')
            return read_row(out, list, input);
        if (!step_over(&place, c))
            return false;
        list->place = place;
        if (!keep_around(list, before, c))
            return false;
        out->used++;
    }
    return true;
}

void esl_list_read(struct esl_list_step *out, struct esl_list *list, struct slice input)
{
    input = ascii_part(input, 0, input.len < list->left ? input.len : list->left);
    *out = (struct esl_list_step){.status = ESL_LIST_MORE};
    if (!list->is_skipped && !go_on(out, list, input))
        list->is_bad = list->is_skipped = true;
    if (list->is_skipped)
        out->used = input.len;
    list->left -= out->used;
    if (out->status == ESL_LIST_MORE && !list->left)
        finish(out, list);
}

/* --- rows --- */

static struct slice text_at(const struct value *map, const char *name)
{
    const struct value *value = value_member(map, name);
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

bool esl_channel_read(struct esl_channel *out, struct slice row, struct arena *arena)
{
    struct value map;
    struct fault fault;
    *out = (struct esl_channel){.is_inbound = false};
    if (!json_read(&map, row, arena, &fault) || map.kind != VALUE_MAP)
        return false;
    struct slice state = text_at(&map, "callstate");
    out->id = text_at(&map, "uuid");
    out->call = text_at(&map, "call_uuid");
    out->to = text_at(&map, "dest");
    out->user = esl_user_of(text_at(&map, "presence_id"));
    out->is_inbound = slice_is(text_at(&map, "direction"), "inbound");
    if (out->is_inbound)
        out->user.len = 0;
    out->is_hung_up = slice_is(state, "HANGUP");
    out->is_answered = slice_is(state, "ACTIVE") || slice_is(state, "HELD") || slice_is(state, "UNHELD");
    return true;
}
