/* What an interaction owns: copies of texts and facts that live as long as it does, newest first. Those of a
 * batch that is rolled back go with it. */
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

struct owned_block {
    struct owned_block *next;
    max_align_t data[];
};

static void *own(struct interaction *interaction, size_t size)
{
    if (!size)
        return NULL;
    struct owned_block *block = core_allocate(sizeof *block + size);
    block->next = interaction->blocks;
    interaction->blocks = block;
    return block->data;
}

void interaction_disown(struct interaction *interaction, const struct owned_block *kept)
{
    while (interaction->blocks != kept) {
        struct owned_block *next = interaction->blocks->next;
        free(interaction->blocks);
        interaction->blocks = next;
    }
}

void interaction_free(struct interaction *interaction)
{
    interaction_disown(interaction, NULL);
    free(interaction);
}

static struct slice place(char **to, struct slice text)
{
    if (!text.len)
        return (struct slice){NULL, 0};
    memcpy(*to, text.ptr, text.len);
    struct slice copy = {*to, text.len};
    *to += text.len;
    return copy;
}

static struct slice own_text(struct interaction *interaction, struct slice text)
{
    char *room = text.len ? own(interaction, text.len) : NULL;
    return place(&room, text);
}

/* As deep as the decoder that made it allows. */
static struct value own_value(struct interaction *interaction, const struct value *from)
{
    struct value copy = *from;
    switch (from->kind) {
    case VALUE_STRING:
    case VALUE_BYTES:
        copy.string = own_text(interaction, from->string);
        break;
    case VALUE_LIST:
        copy.items = own(interaction, sizeof *copy.items * from->count);
        for (uint32_t i = 0; i < from->count; i++)
            copy.items[i] = own_value(interaction, &from->items[i]);
        break;
    case VALUE_MAP:
        copy.members = own(interaction, sizeof *copy.members * from->count);
        for (uint32_t i = 0; i < from->count; i++)
            copy.members[i] = (struct value_member){own_text(interaction, from->members[i].name),
                                                    own_value(interaction, &from->members[i].value)};
        break;
    default:
        break;
    }
    return copy;
}

void interaction_own_attributes(struct interaction *interaction, const struct value *attributes)
{
    interaction->attributes = own_value(interaction, attributes);
}

void interaction_own_texts(struct interaction *interaction, const struct party_texts *texts)
{
    const struct slice *from = (const struct slice *)texts;
    struct slice *to = (struct slice *)&interaction->texts;
    size_t fields = sizeof *texts / sizeof *from, size = 0;
    for (size_t i = 0; i < fields; i++)
        size += from[i].len;
    char *room = own(interaction, size);
    for (size_t i = 0; i < fields; i++)
        to[i] = place(&room, from[i]);
}

void interaction_own_fact(struct interaction *interaction, const struct customer_fact *fact)
{
    size_t size =
        fact->name.len + fact->owner.len + fact->stage.len + fact->source.len + fact->last_agent.len;
    for (uint32_t i = 0; i < fact->tag_count; i++)
        size += fact->tags[i].len;
    struct slice *tags = own(interaction, sizeof *tags * fact->tag_count);
    char *room = own(interaction, size);
    interaction->data.fact = *fact;
    interaction->data.fact.name = place(&room, fact->name);
    interaction->data.fact.owner = place(&room, fact->owner);
    for (uint32_t i = 0; i < fact->tag_count; i++)
        tags[i] = place(&room, fact->tags[i]);
    interaction->data.fact.tags = tags;
    interaction->data.fact.stage = place(&room, fact->stage);
    interaction->data.fact.source = place(&room, fact->source);
    interaction->data.fact.fields = own_value(interaction, &fact->fields);
    interaction->data.fact.last_agent = place(&room, fact->last_agent);
}

void interaction_own_cause(struct interaction *interaction, struct slice cause)
{
    interaction->data.cause = own_text(interaction, cause);
}

void interaction_own_candidates(struct interaction *interaction, const struct uuid *ids, uint32_t count)
{
    struct uuid *copy = own(interaction, sizeof *copy * count);
    if (count)
        memcpy(copy, ids, sizeof *copy * count);
    interaction->data.candidates = copy;
    interaction->data.candidate_count = count;
}
