/* One table row per metric; the values beside it in arrays of fixed size. Rendering walks the table once, so
 * that HELP and TYPE come once per metric and every metric's series stand together, as the format demands. */
#include "server/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/hook.h"
#include "proto/problem.h"
#include "rules/core.h"
#include "server/log.h"
#include "server/process_info.h"

#define OUT_FIRST_SIZE (16u << 10) /* bytes; grows by doubling */

enum metric_type { COUNTER, GAUGE, HISTOGRAM, QUEUE_GAUGE, BUILD_INFO, GATEWAY_GAUGE, GATEWAY_COUNTER };

struct metric_row {
    const char *name, *help;
    enum metric_type type;
    const char *label;                   /* NULL: none */
    const char *(*value_name)(unsigned); /* of the label's values, or `values` */
    const char *values[METRIC_LABELS_MAX];
    double (*read)(void); /* values that are asked for when rendered */
    const double *buckets;
    unsigned value_count, bucket_count;
    const char
        *second; /* another label; an index is that of the first times second_count, and that of this */
    const char *const *second_values;
    unsigned second_count;
};

struct histogram {
    uint64_t buckets[METRIC_BUCKETS_MAX]; /* not cumulative */
    uint64_t count;
    double sum;
};

struct queue_entry {
    struct slice project, queue;
    enum channel channel;
    uint64_t depth;
    double oldest_wait_seconds;
    struct queue_entry *next;
};

struct gateway_entry {
    struct metrics_gateway values;
    struct gateway_entry *next;
};

struct metrics_collector {
    struct arena *arena;
    struct queue_entry *first, **last;
    struct gateway_entry *gateways, **last_gateway;
};

struct out {
    struct arena *arena;
    char *text;
    size_t len, size;
};

static const char *type_of_event(unsigned index)
{
    return event_type_name((enum event_type)index);
}

static const char *outcome_of_event(unsigned index)
{
    return event_outcome_name((enum event_outcome)index);
}

static const char *outcome_of_identity(unsigned index)
{
    return identity_outcome_name((enum identity_outcome)index);
}

static const char *code_of_problem(unsigned index)
{
    return problem_code_name((enum problem_code)index);
}

static const char *name_of_channel(unsigned index)
{
    return channel_name((enum channel)index);
}

static const char *name_of_preset(unsigned index)
{
    for (unsigned i = 0; hook_presets[i].name; i++) {
        if (i == index)
            return hook_presets[i].name;
    }
    return NULL;
}

static double read_dropped_lines(void)
{
    return (double)log_dropped();
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define BUCKETS(array) .buckets = (array), .bucket_count = COUNT(array)

static const double wait_buckets[] = {1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1800, 3600};
static const double size_buckets[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
static const double commit_buckets[] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                        0.1,    0.25,  0.5,   1,     2.5,  5};
static const double lag_buckets[] = {0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                     0.025,  0.05,   0.1,   0.25,  0.5,   1};

static const char *const hook_outcomes[METRIC_HOOK_COUNT] = {
    "decided", "duplicate", "ignored", "refused", "unauthenticated", "deferred", "overloaded"};
const char *const metric_hook_refusals[METRIC_HOOK_REFUSAL_COUNT] = {
    "malformed", "too_many", "too_large", "unsupported", "invalid", "stale", "other"};

static const struct metric_row rows[METRIC_COUNT] = {
    [METRIC_EVENTS] = {"patchbay_events_total", "Events decided, by type.", COUNTER, "type", type_of_event,
                       .value_count = EVENT_TYPE_COUNT},
    [METRIC_ANSWERS] = {"patchbay_answers_total", "Decisions about events, by outcome.", COUNTER, "outcome",
                        outcome_of_event, .value_count = OUTCOME_IGNORED + 1},
    [METRIC_IDENTITY] = {"patchbay_identity_total", "Who events were from, by outcome.", COUNTER, "outcome",
                         outcome_of_identity, .value_count = IDENTITY_BLOCKED + 1},
    [METRIC_DUPLICATES] = {"patchbay_duplicates_total", "Repeated events, answered from the journal.",
                           COUNTER},
    [METRIC_LOOKED_UP] = {"patchbay_events_looked_up_total",
                          "Events that were looked up in the journal before they were decided.", COUNTER},
    [METRIC_REFUSALS] = {"patchbay_refusals_total", "Requests refused, by problem code.", COUNTER, "code",
                         code_of_problem, .value_count = PROBLEM_CODE_COUNT},
    [METRIC_OFFERS] = {"patchbay_offers_total", "Offers made to agents.", COUNTER},
    [METRIC_OFFER_ENDS] = {"patchbay_offer_ends_total", "Offers ended, by cause.", COUNTER, "cause",
                           .values = {"accepted", "reject", "busy", "no_answer", "unreachable", "timeout",
                                      "answered", "offline", "not_responding", "agent_gone", "ended", "agent",
                                      "supervisor", "blocked", "other"},
                           .value_count = 15},
    [METRIC_MISSES] = {"patchbay_misses_total", "Offers that their agent did not take, by cause.", COUNTER,
                       "cause", .values = {"reject", "busy", "no_answer", "unreachable", "other"},
                       .value_count = 5},
    [METRIC_SERVICE_LEVEL] = {"patchbay_service_level_total",
                              "Interactions by whether they were accepted within their queue's target.",
                              COUNTER, "met", .values = {"yes", "no", "abandoned_within", "abandoned_after"},
                              .value_count = 4},
    [METRIC_WAIT_SECONDS] = {"patchbay_wait_seconds", "Time from the first queueing to the accept.",
                             HISTOGRAM, "channel", name_of_channel, .value_count = CHANNEL_COUNT,
                             BUCKETS(wait_buckets)},
    [METRIC_BATCH_SIZE] = {"patchbay_batch_size", "Inputs decided per commit.", HISTOGRAM,
                           BUCKETS(size_buckets)},
    [METRIC_AUDIT_FINDINGS] = {"patchbay_audit_findings_total",
                               "Invariants of the core that did not hold when they were looked at.", COUNTER},
    [METRIC_AUDIT_SWEEPS] = {"patchbay_audit_sweeps_total",
                             "Times that the auditor has looked at everything.", COUNTER},
    [METRIC_STACKED] = {"patchbay_batches_stacked_total", "Batches sent while another was in flight.",
                        COUNTER},
    [METRIC_COMMIT_SECONDS] = {"patchbay_commit_seconds", "Time from sending a batch to its durable commit.",
                               HISTOGRAM, BUCKETS(commit_buckets)},
    [METRIC_LOOP_LAG] = {"patchbay_loop_lag_seconds", "How late a timer of the event loop fired.", HISTOGRAM,
                         BUCKETS(lag_buckets)},
    [METRIC_LOOP_TURN] = {"patchbay_loop_turn_seconds",
                          "How long the event loop worked before it waited again.", HISTOGRAM,
                          BUCKETS(lag_buckets)},
    [METRIC_LOOP_TURN_CPU] = {"patchbay_loop_turn_cpu_seconds",
                              "Processor time of the event loop's thread between two waits.", HISTOGRAM,
                              BUCKETS(lag_buckets)},
    [METRIC_PUBLISH_LAG] = {"patchbay_publish_lag", "Journal rows committed and not yet published.", GAUGE},
    [METRIC_REDIS_UP] = {"patchbay_redis_up", "1 while Redis is connected.", GAUGE},
    [METRIC_DATABASE_UP] = {"patchbay_database_up", "1 while PostgreSQL is connected.", GAUGE},
    [METRIC_STREAMS] = {"patchbay_streams", "Open event streams and subscriptions of desktops.", GAUGE},
    [METRIC_CONNECTIONS] = {"patchbay_connections", "Open client connections, by kind.", GAUGE, "kind",
                            .values = {"http", "rpc", "lmtp"}, .value_count = 3},
    [METRIC_MAILS] = {"patchbay_mails_total", "Recipients of mail over LMTP, by how they were answered.",
                      COUNTER, "outcome", .values = {"accepted", "deferred", "refused"}, .value_count = 3},
    [METRIC_HOOKS] = {"patchbay_hooks_total", "Requests of webhooks, by preset and what became of them.",
                      COUNTER, "preset", name_of_preset, .value_count = METRIC_PRESETS_MAX,
                      .second = "outcome", .second_values = hook_outcomes, .second_count = METRIC_HOOK_COUNT},
    [METRIC_HOOK_REFUSALS] = {"patchbay_hook_refusals_total",
                              "Messages of webhooks that can never be taken, by preset and reason.", COUNTER,
                              "preset", name_of_preset, .value_count = METRIC_PRESETS_MAX, .second = "reason",
                              .second_values = metric_hook_refusals,
                              .second_count = METRIC_HOOK_REFUSAL_COUNT},
    [METRIC_HOOKS_UNDER_WAY] = {"patchbay_hooks_under_way", "Requests of webhooks that are not answered yet.",
                                GAUGE},
    [METRIC_RAW_MAILS] = {"patchbay_raw_mails_total", "Mails to be kept as they came, by what became of it.",
                          COUNTER, "outcome", .values = {"kept", "failed", "overloaded"}, .value_count = 3},
    [METRIC_RAW_MAIL_BYTES] = {"patchbay_raw_mail_bytes",
                               "Bytes of mail on their way to be kept as they came.", GAUGE},
    [METRIC_MAIL_LOOPS] = {"patchbay_mail_loops_total",
                           "Mails beyond the budget of their sender or thread, by which limit.", COUNTER,
                           "limit", .values = {"sender", "thread", "machine"}, .value_count = 3},
    [METRIC_INTAKE] = {"patchbay_intake", "Requests accepted and waiting for a batch.", GAUGE},
    [METRIC_GATEWAY_UP] = {"patchbay_gateway_up", "1 while a gateway is connected, or listens.",
                           GATEWAY_GAUGE},
    [METRIC_GATEWAY_EVENTS] = {"patchbay_gateway_events_total", "Events of a gateway that were decided.",
                               GATEWAY_COUNTER},
    [METRIC_GATEWAY_RECONNECTS] = {"patchbay_gateway_reconnects_total",
                                   "Times that a gateway was away and is to be connected again.",
                                   GATEWAY_COUNTER},
    [METRIC_GATEWAY_UNLISTED] = {"patchbay_gateway_unlisted_total",
                                 "Times that a gateway did not say which calls it has.", GATEWAY_COUNTER},
    [METRIC_GATEWAY_OVERLONG] = {"patchbay_gateway_overlong_total",
                                 "Frames of a gateway that were too long to be read and were passed over.",
                                 GATEWAY_COUNTER},
    [METRIC_GATEWAY_WAITING] = {"patchbay_gateway_waiting", "Events of a gateway that wait for a decision.",
                                GATEWAY_GAUGE},
    [METRIC_QUEUE_DEPTH] = {"patchbay_queue_depth", "Interactions waiting in a queue.", QUEUE_GAUGE},
    [METRIC_OLDEST_WAIT] = {"patchbay_oldest_wait_seconds",
                            "Age of the longest waiting interaction of a queue.", QUEUE_GAUGE},
    [METRIC_LOG_DROPPED] = {"patchbay_log_dropped_total",
                            "Log lines lost because standard error was too slow.", COUNTER,
                            .read = read_dropped_lines},
    [METRIC_RESIDENT_MEMORY] = {"process_resident_memory_bytes", "Resident memory of the process.", GAUGE,
                                .read = process_resident_memory},
    [METRIC_START_TIME] = {"process_start_time_seconds", "Start of the process, in seconds since 1970.",
                           GAUGE, .read = process_start_time},
    [METRIC_BUILD_INFO] = {"patchbay_build_info", "1, with the version as label.", BUILD_INFO},
};

static uint64_t counts[METRIC_COUNT][METRIC_LABELS_MAX];
static double gauges[METRIC_COUNT][METRIC_LABELS_MAX];
static struct histogram histograms[METRIC_COUNT][METRIC_LABELS_MAX];
static void (*on_collect)(void *ctx, struct metrics_collector *collector);
static void *collect_ctx;

static unsigned series_count(const struct metric_row *row)
{
    return row->label ? row->value_count * (row->second ? row->second_count : 1) : 1;
}

static const struct metric_row *row_of(enum metric metric, unsigned label, enum metric_type type)
{
    assert((unsigned)metric < METRIC_COUNT);
    const struct metric_row *row = &rows[metric];
    assert(row->type == type && label < series_count(row) && !row->read);
    return row;
}

static const char *value_name(const struct metric_row *row, unsigned label)
{
    return row->value_name ? row->value_name(label) : row->values[label];
}

void metric_add(enum metric metric, unsigned label, uint64_t count)
{
    (void)row_of(metric, label, COUNTER);
    counts[metric][label] += count;
}

void metric_set(enum metric metric, unsigned label, double value)
{
    (void)row_of(metric, label, GAUGE);
    gauges[metric][label] = value;
}

void metric_observe(enum metric metric, unsigned label, double value)
{
    const struct metric_row *row = row_of(metric, label, HISTOGRAM);
    struct histogram *histogram = &histograms[metric][label];
    unsigned i = 0;
    while (i < row->bucket_count && value > row->buckets[i])
        i++;
    if (i < row->bucket_count)
        histogram->buckets[i]++;
    histogram->count++;
    histogram->sum += value;
}

unsigned metric_label(enum metric metric, const char *value)
{
    const struct metric_row *row = &rows[metric];
    assert(row->label);
    unsigned last = row->value_count - 1;
    for (unsigned i = 0; i < last; i++)
        if (strcmp(value_name(row, i), value) == 0)
            return i;
    return last;
}

uint64_t metric_count(enum metric metric, unsigned label)
{
    assert(label < series_count(&rows[metric]));
    return rows[metric].type == HISTOGRAM ? histograms[metric][label].count : counts[metric][label];
}

void metrics_on_collect(void (*collect)(void *ctx, struct metrics_collector *collector), void *ctx)
{
    on_collect = collect;
    collect_ctx = ctx;
}

void metrics_queue(struct metrics_collector *collector, struct slice project, struct slice queue,
                   enum channel channel, uint64_t depth, double oldest_wait_seconds)
{
    struct queue_entry *entry = arena_new(collector->arena, struct queue_entry);
    *entry = (struct queue_entry){project, queue, channel, depth, oldest_wait_seconds, NULL};
    *collector->last = entry;
    collector->last = &entry->next;
}

void metrics_gateway(struct metrics_collector *collector, const struct metrics_gateway *gateway)
{
    struct gateway_entry *entry = arena_new(collector->arena, struct gateway_entry);
    entry->values = *gateway;
    *collector->last_gateway = entry;
    collector->last_gateway = &entry->next;
}

static void put(struct out *out, struct slice text)
{
    if (out->size - out->len < text.len) {
        size_t size = out->size;
        while (size - out->len < text.len)
            size *= 2;
        char *grown = arena_alloc(out->arena, size);
        memcpy(grown, out->text, out->len);
        out->text = grown;
        out->size = size;
    }
    if (text.len > 0)
        memcpy(out->text + out->len, text.ptr, text.len);
    out->len += text.len;
}

static void put_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put_format(struct out *out, const char *format, ...)
{
    char line[512]; /* names, numbers and help texts are ours and shorter */
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof line);
    put(out, (struct slice){line, (size_t)len});
}

static void put_escaped(struct out *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            put(out, SLICE("\\n"));
        else if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            put_format(out, "\\%c", text.ptr[i]);
        else
            put(out, (struct slice){text.ptr + i, 1});
    }
}

static void put_head(struct out *out, const struct metric_row *row)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "gauge",
                                        "gauge",   "gauge", "counter"};
    put_format(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->type]);
}

static void put_histogram(struct out *out, const struct metric_row *row, const struct histogram *histogram,
                          unsigned label)
{
    char first[96] = "", all[96] = "";
    if (row->label) {
        snprintf(first, sizeof first, "%s=\"%s\",", row->label, value_name(row, label));
        snprintf(all, sizeof all, "{%s=\"%s\"}", row->label, value_name(row, label));
    }
    uint64_t below = 0;
    for (unsigned i = 0; i < row->bucket_count; i++) {
        below += histogram->buckets[i];
        put_format(out, "%s_bucket{%sle=\"%g\"} %" PRIu64 "\n", row->name, first, row->buckets[i], below);
    }
    put_format(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", row->name, first, histogram->count);
    put_format(out, "%s_sum%s %.10g\n%s_count%s %" PRIu64 "\n", row->name, all, histogram->sum, row->name,
               all, histogram->count);
}

static void put_series(struct out *out, enum metric metric, unsigned label)
{
    const struct metric_row *row = &rows[metric];
    if (row->type == HISTOGRAM) {
        put_histogram(out, row, &histograms[metric][label], label);
        return;
    }
    if (row->second && !value_name(row, label / row->second_count))
        return;
    put_format(out, "%s", row->name);
    if (row->second)
        put_format(out, "{%s=\"%s\",%s=\"%s\"}", row->label, value_name(row, label / row->second_count),
                   row->second, row->second_values[label % row->second_count]);
    else if (row->label)
        put_format(out, "{%s=\"%s\"}", row->label, value_name(row, label));
    if (row->type == COUNTER && !row->read)
        put_format(out, " %" PRIu64 "\n", counts[metric][label]);
    else
        put_format(out, " %.15g\n", row->read ? row->read() : gauges[metric][label]);
}

static void put_queues(struct out *out, enum metric metric, const struct queue_entry *entry)
{
    for (; entry; entry = entry->next) {
        put_format(out, "%s{project=\"", rows[metric].name);
        put_escaped(out, entry->project);
        put(out, SLICE("\",queue=\""));
        put_escaped(out, entry->queue);
        put_format(out, "\",channel=\"%s\"} ", channel_name(entry->channel));
        if (metric == METRIC_QUEUE_DEPTH)
            put_format(out, "%" PRIu64 "\n", entry->depth);
        else
            put_format(out, "%.10g\n", entry->oldest_wait_seconds);
    }
}

static void put_gateways(struct out *out, enum metric metric, const struct gateway_entry *entry)
{
    for (; entry; entry = entry->next) {
        const struct metrics_gateway *values = &entry->values;
        uint64_t value = metric == METRIC_GATEWAY_UP           ? values->is_up
                         : metric == METRIC_GATEWAY_EVENTS     ? values->events
                         : metric == METRIC_GATEWAY_RECONNECTS ? values->reconnects
                         : metric == METRIC_GATEWAY_UNLISTED   ? values->unlisted
                         : metric == METRIC_GATEWAY_OVERLONG   ? values->overlong
                                                               : values->waiting;
        put_format(out, "%s{project=\"", rows[metric].name);
        put_escaped(out, values->project);
        put(out, SLICE("\",gateway=\""));
        put_escaped(out, values->gateway);
        put_format(out, "\"} %" PRIu64 "\n", value);
    }
}

struct slice metrics_render(struct arena *arena)
{
    struct out out = {.arena = arena, .text = arena_alloc(arena, OUT_FIRST_SIZE), .size = OUT_FIRST_SIZE};
    struct metrics_collector collector = {.arena = arena};
    collector.last = &collector.first;
    collector.last_gateway = &collector.gateways;
    if (on_collect)
        on_collect(collect_ctx, &collector);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        const struct metric_row *row = &rows[metric];
        put_head(&out, row);
        if (row->type == QUEUE_GAUGE)
            put_queues(&out, metric, collector.first);
        else if (row->type == GATEWAY_GAUGE || row->type == GATEWAY_COUNTER)
            put_gateways(&out, metric, collector.gateways);
        else if (row->type == BUILD_INFO)
            put_format(&out, "%s{version=\"%s\"} 1\n", row->name, PATCHBAY_VERSION);
        else
            for (unsigned label = 0; label < series_count(row); label++)
                put_series(&out, metric, label);
    }
    return (struct slice){out.text, out.len};
}

void metrics_reset(void)
{
    memset(counts, 0, sizeof counts);
    memset(gauges, 0, sizeof gauges);
    memset(histograms, 0, sizeof histograms);
}
