/* A life takes three steps, about DELAY_NS apart by the clock: whole lives (one at least) and one step, so
 * that of all lives together one step is due every step_ns, at any rate. With most other delays the steps of
 * three lives fall close together, or at the same time, which a commit alone never meets. A step whose
 * forerunner is not answered when it is due goes out as soon as it is. */
#include "tests/bench/pace.h"

#define DELAY_NS INT64_C(50000000)
#define LATE_NS INT64_C(1000000)
#define STALL_NS INT64_C(20000000000)

struct pace {
    struct lives *lives;
    struct samples *served;
    FILE *each;
    int64_t step_ns;  /* between two events */
    int64_t delay_ns; /* between two steps of a life */
    uint32_t free[LIVES_MAX], free_count;
    uint32_t ring[2][LIVES_MAX]; /* lives that are due to be accepted and to end, oldest first */
    uint64_t head[2], tail[2];
    uint64_t late, sent;
    bool counts;
};

static void send_now(struct pace *pace, struct life *life)
{
    int64_t late = bench_now_ns() - life->due_ns;
    pace->sent++;
    pace->late += late > LATE_NS;
    lives_send(pace->lives, life);
}

static void on_step(void *ctx, struct life *life, enum life_phase done, int64_t took_ns)
{
    struct pace *pace = ctx;
    uint32_t index = (uint32_t)(life - pace->lives->items);
    if (pace->counts) {
        samples_add(pace->served, took_ns);
        if (pace->each)
            fprintf(pace->each, "%lld %lld\n", (long long)bench_now_ns(), (long long)took_ns);
    }
    if (done == LIFE_ENDS) {
        pace->free[pace->free_count++] = index;
        return;
    }
    life->due_ns += pace->delay_ns;
    pace->ring[done][pace->tail[done]++ % LIVES_MAX] = index;
}

/* The first life of a ring is due first, unless answers overtook each other; that shifts nothing by more than
 * the latency that is measured. */
static int64_t next_due(const struct pace *pace, int ring)
{
    if (pace->head[ring] == pace->tail[ring])
        return INT64_MAX;
    return pace->lives->items[pace->ring[ring][pace->head[ring] % LIVES_MAX]].due_ns;
}

static void send_due(struct pace *pace, int64_t now)
{
    for (int ring = 0; ring < 2; ring++)
        while (next_due(pace, ring) <= now)
            send_now(pace, &pace->lives->items[pace->ring[ring][pace->head[ring]++ % LIVES_MAX]]);
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Begins lives for the length of a slice and sees them all to their end. */
static void run_slice(struct pace *pace, int64_t slice_ns, uint32_t lives_max)
{
    int64_t began = bench_now_ns(), until = began + slice_ns, next = began;
    pace->free_count = 0;
    for (uint32_t i = 0; i < lives_max; i++)
        pace->free[pace->free_count++] = i;
    while (next < until || pace->free_count < lives_max) {
        int64_t now = bench_now_ns();
        if (now > until + STALL_NS)
            bench_fail("events are not answered");
        for (; next <= now && next < until; next += 3 * pace->step_ns) {
            if (!pace->free_count)
                bench_fail("the server is far slower than it was");
            struct life *life = &pace->lives->items[pace->free[--pace->free_count]];
            life->due_ns = next;
            send_now(pace, life);
        }
        send_due(pace, now);
        int64_t wake =
            earliest(next < until ? next : INT64_MAX, earliest(next_due(pace, 0), next_due(pace, 1)));
        clients_turn(&pace->lives->clients, earliest(wake, now + DELAY_NS));
    }
}

/* What came since `before` is a slice of its own. */
static void end_slice(struct pace_side *side, size_t before)
{
    struct samples slice = {0};
    for (size_t i = before; i < side->all.count; i++)
        samples_add(&slice, side->all.items[i]);
    samples_add(&side->slices, (int64_t)(samples_at(&slice, 0.99) * 1000));
    samples_free(&slice);
}

void pace_run(struct lives *lives, struct prober *prober, uint32_t rate, uint32_t slices, int64_t slice_ns,
              struct pace_side *served, struct pace_side *probed, struct samples *alone, FILE *each)
{
    static struct pace pace;
    uint32_t agents = lives->clients.count - lives->sources,
             lives_max = agents < LIVES_MAX ? agents : LIVES_MAX;
    struct samples warm = {0};
    pace.lives = lives;
    pace.served = &served->all;
    pace.each = each;
    pace.step_ns = 1000000000 / rate;
    int64_t life_ns = 3 * pace.step_ns, lives_between = DELAY_NS / life_ns;
    pace.delay_ns = (lives_between ? lives_between : 1) * life_ns + pace.step_ns;
    lives->ctx = &pace;
    lives->on_step = on_step;
    run_slice(&pace, slice_ns, lives_max);
    if (prober)
        prober_run(prober, 100, pace.step_ns, &warm, &warm);
    samples_free(&warm);
    pace.late = pace.sent = 0;
    pace.counts = true;
    for (uint32_t slice = 0; slice < slices; slice++) {
        size_t before = served->all.count, probed_before = probed->all.count;
        run_slice(&pace, slice_ns, lives_max);
        end_slice(served, before);
        if (!prober)
            continue;
        prober_run(prober, served->all.count - before, pace.step_ns, &probed->all, alone);
        end_slice(probed, probed_before);
    }
    if (pace.late * 100 > pace.sent)
        fprintf(stderr, "bench: %llu of %llu events were sent more than a millisecond late\n",
                (unsigned long long)pace.late, (unsigned long long)pace.sent);
}
