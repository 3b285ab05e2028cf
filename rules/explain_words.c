/* An explanation in words. */
#include "rules/explain.h"

#include <string.h>

struct words {
    struct arena *arena;
    struct slice text;
};

static void add(struct words *words, struct slice more)
{
    char *text = arena_alloc(words->arena, words->text.len + more.len + 1);
    if (words->text.len)
        memcpy(text, words->text.ptr, words->text.len);
    if (more.len)
        memcpy(text + words->text.len, more.ptr, more.len);
    words->text = (struct slice){text, words->text.len + more.len};
}

static struct slice text_of(const struct value *map, const char *name)
{
    const struct value *value = value_member(map, name);
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

static int64_t int_of(const struct value *map, const char *name)
{
    const struct value *value = value_member(map, name);
    return value && value->kind == VALUE_INT ? value->integer : 0;
}

static void say(struct words *words, const char *before, struct slice text, const char *after)
{
    if (!text.len)
        return;
    add(words, slice_of(before));
    add(words, text);
    add(words, slice_of(after));
}

static void say_path(struct words *words, const struct value *path)
{
    for (uint32_t i = 0; path && i < path->count; i++) {
        say(words, "  not in ", text_of(&path->items[i], "queue"), "");
        say(words, ": ", text_of(&path->items[i], "left_because"), "");
        say(words, " (", text_of(&path->items[i], "empty"), ")");
        say(words, " (hours ", text_of(&path->items[i], "hours"), ")");
        add(words, SLICE("\n"));
    }
}

static void say_skills(struct words *words, const struct value *skills)
{
    for (uint32_t i = 0; skills && i < skills->count; i++)
        add(words, arena_format(words->arena, "%s%.*s %lld", i ? ", " : "  asks for ",
                                (int)skills->members[i].name.len, skills->members[i].name.ptr,
                                (long long)skills->members[i].value.integer));
    if (skills && skills->count)
        add(words, SLICE("\n"));
}

static void say_candidates(struct words *words, const struct value *candidates)
{
    for (uint32_t i = 0; candidates && i < candidates->count; i++) {
        const struct value *candidate = &candidates->items[i];
        say(words, "    ", text_of(candidate, "agent"), ": ");
        add(words, text_of(candidate, "reason"));
        say(words, " - ", text_of(candidate, "change"), "");
        add(words, SLICE("\n"));
    }
}

/* Nothing of whom the queue itself asks. */
static struct slice stage_words(struct slice stage)
{
    if (slice_is(stage, "same_agent"))
        return SLICE("who has other work of this customer");
    if (slice_is(stage, "owner"))
        return SLICE("the customer's owner");
    if (slice_is(stage, "last_agent"))
        return SLICE("the customer's last agent");
    return (struct slice){NULL, 0};
}

struct slice explain_words(const struct value *explained, struct arena *arena)
{
    struct words words = {.arena = arena};
    struct slice chosen = text_of(explained, "chosen"), queue = text_of(explained, "queue");
    say(&words, "interaction ", text_of(explained, "interaction"), "");
    say(&words, ", looked at because: ", text_of(explained, "looked_at"), "\n");
    say(&words, "  rule ", text_of(value_member(explained, "rule"), "name"), "\n");
    say_path(&words, value_member(explained, "path"));
    if (queue.len)
        add(&words, arena_format(arena, "  in queue %.*s, priority %lld, step %lld of relaxation\n",
                                 (int)queue.len, queue.ptr, (long long)int_of(explained, "priority"),
                                 (long long)int_of(explained, "step")));
    say_skills(&words, value_member(explained, "skills"));
    if (value_member(explained, "held_until_ms")) {
        add(&words, SLICE("  held until the queue opens"));
        say(&words, " (hours ", text_of(explained, "hours"), ")");
        add(&words, SLICE("\n"));
    }
    say(&words, "  given away by ", text_of(explained, "excluded"), "\n");
    if (chosen.len) {
        say(&words, "  goes to ", chosen, "");
        say(&words, ", asked as ", stage_words(text_of(explained, "asked")), "");
        add(&words, SLICE("\n"));
    } else {
        add(&words, SLICE("  waits\n"));
    }
    say_candidates(&words, value_member(explained, "candidates"));
    return words.text;
}
