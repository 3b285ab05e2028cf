/* A run as a story: what the project is like, then a line per move with what was decided. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"
#include "rules/sim/sim.h"

const char *sim_move_name(enum sim_move_kind kind)
{
    static const char *const names[SIM_MOVE_KINDS] = {"message", "outbound", "answered", "hangup",  "accept",
                                                      "reject",  "end",      "transfer", "assign",  "pull",
                                                      "link",    "presence", "block",    "unblock", "wait",
                                                      "commit",  "send",     "fail",     "crash",   "reload"};
    return names[kind];
}

struct telling {
    struct arena *arena;
    char *text;
    size_t len, room;
};

static void tell(struct telling *telling, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct telling *telling, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t len = written < (int)sizeof line ? (size_t)written : sizeof line - 1;
    if (telling->room - telling->len < len) {
        telling->room = (telling->room + len) * 2;
        char *grown = arena_alloc(telling->arena, telling->room);
        if (telling->len)
            memcpy(grown, telling->text, telling->len);
        telling->text = grown;
    }
    memcpy(telling->text + telling->len, line, len);
    telling->len += len;
}

static const char *actor_text(const struct sim_move *move)
{
    switch (move->variant & 3) {
    case SIM_ACTOR_HOLDER:
        return "its agent";
    case SIM_ACTOR_OTHER:
        return sim_agent_name(move->agent).ptr;
    default:
        return "a supervisor";
    }
}

static void tell_message(struct telling *telling, const struct sim_move *move)
{
    enum channel channel = (enum channel)(move->subject % CHANNEL_COUNT);
    tell(telling, "%s s%u %s %s", channel_name(channel), move->subject,
         move->kind == SIM_OUTBOUND ? "goes out from" : "comes in at",
         sim_endpoint(channel, move->queue).ptr);
    if (move->variant & SIM_FROM_WITHHELD && move->kind == SIM_MESSAGE)
        tell(telling, " from nobody");
    else if (channel != CHANNEL_CHAT || move->variant & (SIM_FROM_PHONE | SIM_FROM_EMAIL))
        tell(telling, " from party %u", move->party);
    if (move->kind == SIM_MESSAGE && move->variant & SIM_MACHINE && channel == CHANNEL_EMAIL)
        tell(telling, ", automatic");
    if (move->kind == SIM_MESSAGE && move->variant & SIM_THREAD && channel == CHANNEL_EMAIL)
        tell(telling, ", an answer to s%u", (unsigned)(move->subject - CHANNEL_COUNT));
}

static void tell_handing(struct telling *telling, const struct sim_move *move)
{
    const char *target = sim_agent_name(move->party % SIM_AGENTS_MAX).ptr;
    if (move->kind == SIM_PULL)
        tell(telling, "%s pulls s%u", target, move->subject);
    else if (move->kind == SIM_ASSIGN)
        tell(telling, "%s assigns s%u to %s", actor_text(move), move->subject, target);
    else
        tell(telling, "%s transfers s%u to %s%s", actor_text(move), move->subject,
             move->variant & SIM_TO_AGENT ? target : sim_queue_name(move->queue).ptr,
             move->variant & SIM_KEEP_AGE ? " with its age" : "");
}

static void tell_move(struct telling *telling, const struct sim_move *move)
{
    static const char *const presences[] = {"available", "available", "on break", "offline"};
    unsigned number = move->party * 2u + (move->variant & 1u);
    tell(telling, "%6lld.%03d s  ", (long long)(move->at_ms / 1000), (int)(move->at_ms % 1000));
    switch ((enum sim_move_kind)move->kind) {
    case SIM_MESSAGE:
    case SIM_OUTBOUND:
        tell_message(telling, move);
        break;
    case SIM_ANSWERED:
        tell(telling, "s%u %s answered, says the gateway, by %s", move->subject,
             move->variant & SIM_STALE ? "was a second ago" : "is",
             (move->variant & 3) == SIM_ACTOR_ADMIN ? "somebody" : actor_text(move));
        break;
    case SIM_HANGUP:
        tell(telling, "the customer ends s%u", move->subject);
        break;
    case SIM_ACCEPT:
    case SIM_REJECT:
        tell(telling, "%s %ss the %soffer of s%u", actor_text(move), sim_move_name(move->kind),
             move->variant & SIM_STALE ? "last but one " : "", move->subject);
        if (move->kind == SIM_REJECT)
            tell(telling, " (%s)", reject_cause_name((enum reject_cause)(move->queue % REJECT_CAUSE_COUNT)));
        break;
    case SIM_END:
        tell(telling, "%s ends s%u", actor_text(move), move->subject);
        break;
    case SIM_TRANSFER:
    case SIM_ASSIGN:
    case SIM_PULL:
        tell_handing(telling, move);
        break;
    case SIM_LINK:
        tell(telling, "%s says that s%u is about customer %u", actor_text(move), move->subject, move->party);
        break;
    case SIM_PRESENCE:
        tell(telling, "%s is %s", sim_agent_name(move->agent).ptr, presences[move->variant & 3]);
        if (move->value_ms)
            tell(telling, " for %d ms", move->value_ms);
        if (move->variant & SIM_BY_ADMIN)
            tell(telling, ", says an admin");
        break;
    case SIM_BLOCK:
        tell(telling, "block %u of party %u by kind %u, channels %u, for %d ms", number, move->party,
             move->variant >> 1 & 7u, move->queue % 7u + 1, move->value_ms);
        break;
    case SIM_UNBLOCK:
        tell(telling, "block %u is lifted", number);
        break;
    case SIM_FAIL:
        tell(telling, "%s batch fails%s", move->variant & SIM_FAIL_NEWEST ? "the newest" : "every",
             move->variant & SIM_FAIL_AGAIN ? " and is decided again" : "");
        break;
    case SIM_RELOAD:
        tell(telling, "%sanother configuration (%u)",
             move->variant & SIM_RELOAD_CRASHES ? "crash, and at once " : "", move->queue + 1u);
        break;
    case SIM_WAIT:
    case SIM_COMMIT:
    case SIM_SEND:
    case SIM_CRASH:
        tell(telling, "%s", sim_move_name(move->kind));
        break;
    }
    tell(telling, "%s\n", move->is_late ? " (what is due meanwhile happens only now)" : "");
}

static unsigned subject_of(const struct sim *sim, const struct snapshot *snapshot)
{
    const struct interaction *interaction = core_find_interaction(&sim->core, &snapshot->interaction);
    return interaction ? sim_subject_of(&interaction->conversation) : 0;
}

/* How it came to its queue, how long it stays there, and who was asked before it. */
static void tell_why(struct telling *telling, const struct sim *sim, const struct explanation *why)
{
    static const char *const stages[PREFER_STAGE_COUNT] = {"who knows it already", "its owner",
                                                           "its last agent", ""};
    const struct interaction *interaction = core_find_interaction(&sim->core, &why->interaction);
    unsigned subject = interaction ? sim_subject_of(&interaction->conversation) : 0;
    for (uint32_t i = 0; i < why->path_count; i++) {
        const struct explained_move *move = &why->path[i];
        tell(telling, "; s%u leaves %s (%s)", subject, core_queue_name(&sim->core, move->queue).ptr,
             move->move == MOVE_EMPTY ? empty_reason_name(move->empty) : move_name(move->move));
    }
    if (why->held_until != TIME_NEVER)
        tell(telling, "; s%u is held until %.3f s", subject, (double)(why->held_until - SIM_START_MS) / 1000);
    if (why->stage != PREFER_QUEUE)
        tell(telling, "; s%u is for %s", subject, stages[why->stage]);
}

static void on_step(void *ctx, const struct sim *sim, const struct input *input,
                    const struct outcome *outcome)
{
    struct telling *telling = ctx;
    tell(telling, "             %s ", input->kind == INPUT_TIMER ? "time" : "->");
    if (outcome->refusal != REFUSAL_NONE) {
        tell(telling, "refused (%d)\n", outcome->refusal);
        return;
    }
    tell(telling, "row %llu: %s", (unsigned long long)outcome->seq, event_outcome_name(outcome->outcome));
    for (const struct explanation *why = outcome->explanations; why; why = why->next)
        tell_why(telling, sim, why);
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        tell(telling, "; %s", announcement_type_name(a->type));
        if (a->snapshot)
            tell(telling, " s%u", subject_of(sim, a->snapshot));
        if (a->snapshot && a->snapshot->queue.len &&
            (a->type == ANNOUNCE_OFFERED || a->type == ANNOUNCE_QUEUED))
            tell(telling, " in %.*s", (int)a->snapshot->queue.len, a->snapshot->queue.ptr);
        if (a->type == ANNOUNCE_PRESENCE)
            tell(telling, " %s", agent_state_name(a->state));
        if (a->agent.len)
            tell(telling, " %.*s", (int)a->agent.len, a->agent.ptr);
        if (a->cause.len)
            tell(telling, " (%.*s)", (int)a->cause.len, a->cause.ptr);
    }
    tell(telling, "\n");
}

static void tell_findings(struct telling *telling, const struct findings *findings)
{
    for (uint32_t i = 0; i < findings->kept; i++) {
        const struct finding *finding = &findings->items[i];
        char id[UUID_TEXT_LEN + 1] = "";
        if (!uuid_is_nil(&finding->interaction))
            uuid_format(&finding->interaction, id);
        tell(telling, "broken: %s (%s): %s%s%s%s%s\n", invariant_name(finding->invariant),
             invariant_says(finding->invariant), finding->agent, finding->agent[0] ? " " : "", id,
             id[0] ? " " : "", finding->text);
    }
}

struct slice sim_run_story(const struct sim_run *run, struct arena *arena)
{
    struct telling telling = {.arena = arena};
    struct sim *sim = core_allocate(sizeof *sim);
    sim_open(sim, &run->plan);
    struct slice project = sim_plan_text(&run->plan, sim->configs[0], arena);
    tell(&telling, "seed %llu, %zu moves\n", (unsigned long long)run->plan.seed, run->move_count);
    for (struct slice rest = project; rest.len;) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) + 1 : rest.len;
        tell(&telling, "  %.*s", (int)len, rest.ptr);
        rest = (struct slice){rest.ptr + len, rest.len - len};
    }
    sim->on_step = on_step;
    sim->ctx = &telling;
    for (size_t i = 0; i < run->move_count; i++) {
        tell_move(&telling, &run->moves[i]);
        if (!sim_play(sim, &run->moves[i]))
            break;
    }
    tell_findings(&telling, &sim->findings);
    sim_close(sim);
    free(sim);
    return (struct slice){telling.text, telling.len};
}
