#include "server/audit.h"

#include <string.h>

#include "server/log.h"
#include "server/metrics.h"
#include "server/project_internal.h"

#define OBJECTS_AT_ONCE 16 /* between two looks at the clock */

void audit_init(struct audit *audit)
{
    *audit = (struct audit){.journaled = 0};
    arena_init(&audit->scratch);
}

void audit_deinit(struct audit *audit)
{
    arena_deinit(&audit->scratch);
}

void audit_forget(struct audit *audit)
{
    audit->cursor = (struct invariant_cursor){.agents = 0};
    audit->found_count = audit->journaled = 0;
    memset(audit->is_known, 0, sizeof audit->is_known);
}

static void log_finding(const struct project *project, const struct finding *finding)
{
    char id[UUID_TEXT_LEN + 1] = "";
    if (!uuid_is_nil(&finding->interaction))
        uuid_format(&finding->interaction, id);
    log_event(LOG_ERROR, "an invariant of the core does not hold",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_str("invariant", invariant_name(finding->invariant)),
                                   log_str("agent", finding->agent), log_str("interaction", id),
                                   log_str("what", finding->text),
                                   log_int("sequence", (int64_t)project->core.seq)},
              6);
}

/* Counted each time, told once, in the log and in the journal: what is wrong stays so. */
static void take(struct project *project, const struct findings *findings)
{
    struct audit *audit = &project->audit;
    metric_add(METRIC_AUDIT_FINDINGS, 0, findings->count);
    for (uint32_t i = 0; i < findings->kept; i++) {
        const struct finding *finding = &findings->items[i];
        if (audit->is_known[finding->invariant])
            continue;
        audit->is_known[finding->invariant] = true;
        log_finding(project, finding);
        audit->found[audit->found_count++] = *finding;
    }
}

void audit_batch(struct project *project, const struct batch *batch)
{
    struct audit *audit = &project->audit;
    struct findings findings = {.count = 0};
    if (!project->app->settings->audit || !batch->row_count)
        return;
    struct invariant_row *rows = arena_array(&audit->scratch, struct invariant_row, batch->row_count);
    for (size_t i = 0; i < batch->row_count; i++)
        rows[i] = (struct invariant_row){batch->rows[i].input, batch->rows[i].outcome};
    invariant_check_batch(&findings, &project->core, rows, batch->row_count, &audit->scratch);
    arena_reset(&audit->scratch);
    if (findings.count)
        take(project, &findings);
}

void audit_sweep(struct project *project)
{
    struct audit *audit = &project->audit;
    struct findings findings = {.count = 0};
    uint64_t began = uv_hrtime();
    bool is_through = false;
    if (!project->app->settings->audit)
        return;
    while (!is_through && uv_hrtime() - began < AUDIT_SLICE_NS) {
        invariant_sweep_slice(&findings, &project->core, &audit->cursor, OBJECTS_AT_ONCE, &audit->scratch);
        is_through = !audit->cursor.agents && !audit->cursor.is_among_open && !audit->cursor.wholes;
    }
    arena_reset(&audit->scratch);
    if (is_through)
        metric_add(METRIC_AUDIT_SWEEPS, 0, 1);
    if (findings.count)
        take(project, &findings);
}

bool audit_next(struct slice *out, const struct audit *audit, uint32_t count, struct arena *arena)
{
    uint32_t next = audit->journaled + count;
    if (next >= audit->found_count)
        return false;
    const struct finding *finding = &audit->found[next];
    char id[UUID_TEXT_LEN + 1] = "-";
    if (!uuid_is_nil(&finding->interaction))
        uuid_format(&finding->interaction, id);
    *out = arena_format(arena, "%s: %s %s: %s", invariant_name(finding->invariant),
                        finding->agent[0] ? finding->agent : "-", id, finding->text);
    return true;
}
