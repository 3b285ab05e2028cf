/* Kinds of tags: `tags: {KIND: [names...]}`. Only SQL reads them (migration 0012); here they are checked. */
#include "proto/project_sections.h"

#include "proto/fault.h"

struct tags {
    struct slice names[PROJECT_TAGS_MAX];
    uint32_t count;
};

static void add_tag(struct tags *tags, const struct project_node *item)
{
    struct slice name = {NULL, 0};
    if (!item->value) {
        project_node_refuse(item, "a tag is missing");
        return;
    }
    if (!project_node_text(item, &name, PROJECT_TAG_SIZE_MAX))
        return;
    for (uint32_t i = 0; i < tags->count; i++) {
        if (slice_equal(tags->names[i], name)) {
            project_node_refuse(item, "\"%.*s\" is there already; a tag is of one kind", fault_quote(name),
                                name.ptr);
            return;
        }
    }
    if (tags->count == PROJECT_TAGS_MAX)
        project_node_refuse(item, "more than %d tags in all kinds", PROJECT_TAGS_MAX);
    else
        tags->names[tags->count++] = name;
}

void project_tags_read(const struct project_node *file)
{
    struct project_node kinds = project_node_member(file, "tags");
    if (!kinds.value || !project_node_check_entries(&kinds, PROJECT_TAG_KINDS_MAX))
        return;
    struct tags *tags = arena_new(file->reading->arena, struct tags);
    tags->count = 0;
    for (uint32_t i = 0; i < project_node_count(&kinds); i++) {
        struct project_node kind = project_node_entry(&kinds, i);
        if (!project_node_check_name(&kind, kind.name))
            continue;
        if (!kind.value) {
            project_node_refuse(&kind, "needs a list of tags");
            continue;
        }
        if (!project_node_check_list(&kind) || !project_node_check_count(&kind, PROJECT_TAGS_MAX))
            continue;
        for (uint32_t at = 0; at < project_node_count(&kind); at++) {
            struct project_node item = project_node_item(&kind, at);
            add_tag(tags, &item);
        }
    }
}
