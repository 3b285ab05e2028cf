#include "server/replay_rules.h"

#include "rules/whatif.h"

/* Where rules sent it, before hours, overflow and preference. */
struct routing {
    const struct project_config *config;
    int rule, queue;
};

/* The recorded ruling, if this row is an arrival that rules were asked about and that was not shut out. */
static bool was_ruled(const struct replay *replay, const struct replay_step *step, struct routing *out)
{
    const struct outcome *recorded = &step->recorded;
    const struct project_config *config = &replay->config->config;
    const struct explanation *why = recorded->explanations;
    if (step->input.kind != INPUT_EVENT || recorded->ruling_count == 0 || !why || !why->is_ruled ||
        why->trigger != TRIGGER_ARRIVAL || why->rule < 0 || why->rule >= (int)config->rule_count)
        return false;
    int queue = why->path_count ? why->path[0].queue : why->queue;
    *out = (struct routing){config, why->rule, queue};
    return true;
}

static bool is_same_skills(const struct routing *a, const struct routing *b)
{
    const struct config_skills *left = &a->config->rules[a->rule].skills;
    const struct config_skills *right = &b->config->rules[b->rule].skills;
    if (left->count != right->count)
        return false;
    for (uint32_t i = 0; i < left->count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < right->count; j++)
            found |= left->items[i].level == right->items[j].level &&
                     slice_equal(a->config->skills[left->items[i].skill],
                                 b->config->skills[right->items[j].skill]);
        if (!found)
            return false;
    }
    return true;
}

static struct slice queue_name(const struct routing *routing)
{
    return routing->queue < 0 ? SLICE("(refused)") : routing->config->queues[routing->queue].name;
}

static bool is_same(const struct routing *a, const struct routing *b)
{
    return slice_equal(queue_name(a), queue_name(b)) &&
           a->config->rules[a->rule].priority == b->config->rules[b->rule].priority && is_same_skills(a, b);
}

static void print_routing(FILE *out, const struct routing *routing)
{
    const struct config_rule *rule = &routing->config->rules[routing->rule];
    struct slice queue = queue_name(routing);
    fprintf(out, "%.*s: queue %.*s, priority %d", (int)rule->name.len, rule->name.ptr, (int)queue.len,
            queue.ptr, rule->priority);
    for (uint32_t i = 0; i < rule->skills.count; i++) {
        struct slice skill = routing->config->skills[rule->skills.items[i].skill];
        fprintf(out, ", %.*s %u", (int)skill.len, skill.ptr, rule->skills.items[i].level);
    }
}

static void print_difference(FILE *out, const struct replay_step *step, const struct routing *then,
                             const struct routing *other)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(&step->recorded.explanations->interaction, id);
    fprintf(out, "%020llu %s %s | ", (unsigned long long)step->row->seq, id,
            channel_name(event_type_channel(step->input.event->type)));
    print_routing(out, then);
    fputs(" | ", out);
    print_routing(out, other);
    fputc('\n', out);
}

bool replay_other_rules(FILE *out, struct replay *replay, const struct project_config *other, uint64_t from,
                        uint64_t to)
{
    struct replay_step step;
    enum replay_read read;
    uint64_t arrivals = 0, different = 0, unasked = 0;
    while ((read = replay_next(replay, &step)) == REPLAY_ROW) {
        struct routing then;
        if (step.row->seq >= from && was_ruled(replay, &step, &then)) {
            arrivals++;
            if (step.is_erased) {
                unasked++;
            } else {
                struct whatif now = whatif_arrival(&replay->core, &step.input, other, &replay->arena);
                struct routing would = {other, now.rule, now.queue};
                if (!is_same(&then, &would)) {
                    print_difference(out, &step, &then, &would);
                    different++;
                }
            }
        }
        replay_run(replay, &step);
        if (!step.is_equal) {
            snprintf(replay->reader.why, sizeof replay->reader.why,
                     "sequence %llu is decided differently by its own rules; replay it without --rules",
                     (unsigned long long)step.row->seq);
            return false;
        }
    }
    if (read == REPLAY_FAILED)
        return false;
    fprintf(out, "%llu of %llu arrivals, %llu to %llu, would have been routed otherwise",
            (unsigned long long)different, (unsigned long long)arrivals, (unsigned long long)from,
            (unsigned long long)to);
    if (unasked)
        fprintf(out, "; %llu could not be asked about: erased", (unsigned long long)unasked);
    fputc('\n', out);
    return true;
}
