#include "server/announce.h"

#include <assert.h>
#include <string.h>

#include "proto/decision.h"
#include "proto/json.h"

void announced_init(struct announced *announced)
{
    announced->first = NULL;
    announced->tail = &announced->first;
    announced->count = 0;
    announced->last_seq = 0;
}

/* The same event without its agentsequence: that number means something on its agent's channel only. The
 * member stands before `data`, so nothing that a stranger wrote can look like it. */
static struct slice without_agentsequence(struct slice json, struct arena *arena)
{
    static const char member[] = "\"agentsequence\":\"";
    const char *at = memmem(json.ptr, json.len, member, sizeof member - 1);
    size_t len = sizeof member - 1 + SEQUENCE_DIGITS + 2; /* the closing quote and the comma */
    assert(at);
    char *text = arena_alloc(arena, json.len - len + 1);
    size_t before = (size_t)(at - json.ptr);
    memcpy(text, json.ptr, before);
    memcpy(text + before, at + len, json.len - before - len);
    return (struct slice){text, json.len - len};
}

void announced_add(struct announced *announced, const struct outcome *outcome, struct slice project,
                   struct arena *arena)
{
    uint32_t n = 0;
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        struct announced_item *item = arena_new(arena, struct announced_item);
        item->seq = outcome->seq;
        item->queue = a->snapshot ? a->snapshot->queue : (struct slice){NULL, 0};
        item->agent = a->agent;
        item->agentsequence = a->agentsequence;
        if (a->type == ANNOUNCE_BLOCKED && a->snapshot) {
            item->source = arena_copy(arena, a->snapshot->texts->source);
            item->subject = arena_copy(arena, a->snapshot->texts->subject);
        }
        item->agent_value = decision_announcement(outcome, a, ++n, project, a->agent.len > 0, arena);
        item->agent_json = json_write(&item->agent_value, arena);
        item->json = a->agent.len ? without_agentsequence(item->agent_json, arena) : item->agent_json;
        *announced->tail = item;
        announced->tail = &item->next;
        announced->count++;
    }
    announced->last_seq = outcome->seq;
}

struct slice channel_text(struct slice project, const char *kind, struct slice name, struct arena *arena)
{
    return arena_format(arena, "patchbay:{%.*s}:%s%s%.*s", (int)project.len, project.ptr, kind,
                        name.len ? ":" : "", (int)name.len, name.ptr ? name.ptr : "");
}
