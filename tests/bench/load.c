/* The load: as much as goes with so many events outstanding, or a given rate with the prober in between,
 * where BENCH_FLOOR_DATABASE and BENCH_REDIS say what to probe.
 *
 * Prints one line: events a second and the latency's median and 99th percentile in microseconds. For a given
 * rate the latency: median, 99th percentile of all and the median of each second's, the server's and then the
 * prober's; last the median and 99th percentile of the prober's commits each counted once. Without a prober
 * the server's alone, second after second; --each names a file for every single event (tests/bench/pace.h).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "tests/bench/pace.h"

#define SLICE_NS INT64_C(1000000000)
#define TURN_NS INT64_C(1000000000)
#define STALL_NS INT64_C(10000000000)

struct options {
    const char *address, *tokens, *each;
    uint32_t customers, outstanding, sources, rate;
    int64_t warm_up_ns, length_ns;
};

struct flood {
    struct lives *lives;
    struct samples samples;
    uint64_t answered;
    uint32_t open;
    bool counts, ends;
};

static void on_step(void *ctx, struct life *life, enum life_phase done, int64_t took_ns)
{
    struct flood *flood = ctx;
    flood->answered++;
    if (flood->counts)
        samples_add(&flood->samples, took_ns);
    if (flood->ends && done == LIFE_ENDS)
        flood->open--;
    else
        lives_send(flood->lives, life);
}

static void turn_until(struct flood *flood, int64_t until)
{
    while (bench_now_ns() < until)
        clients_turn(&flood->lives->clients, until);
}

/* Lives begin one after the other within the first third of the warm-up, so that their phases mix. */
static void begin(struct flood *flood, const struct options *options)
{
    int64_t began = bench_now_ns();
    for (flood->open = 0; flood->open < options->outstanding;) {
        lives_send(flood->lives, &flood->lives->items[flood->open++]);
        turn_until(flood, began + options->warm_up_ns / 3 * flood->open / options->outstanding);
    }
    turn_until(flood, began + options->warm_up_ns);
}

static void run_flood(struct lives *lives, const struct options *options)
{
    struct flood flood = {.lives = lives};
    lives->ctx = &flood;
    lives->on_step = on_step;
    begin(&flood, options);
    int64_t began = bench_now_ns();
    uint64_t before = flood.answered;
    flood.counts = true;
    turn_until(&flood, began + options->length_ns);
    double seconds = (double)(bench_now_ns() - began) / 1e9;
    printf("%.0f %.0f %.0f\n", (double)(flood.answered - before) / seconds, samples_at(&flood.samples, 0.5),
           samples_at(&flood.samples, 0.99));
    flood.counts = false;
    flood.ends = true;
    for (int64_t late = bench_now_ns() + STALL_NS; flood.open;) {
        clients_turn(&lives->clients, bench_now_ns() + TURN_NS);
        if (bench_now_ns() > late)
            bench_fail("%u lives do not end", flood.open);
    }
    samples_free(&flood.samples);
}

static void print_side(struct pace_side *side)
{
    printf("%.0f %.0f %.0f ", samples_at(&side->all, 0.5), samples_at(&side->all, 0.99),
           samples_at(&side->slices, 0.5));
    samples_free(&side->all);
    samples_free(&side->slices);
}

static void run_pace(struct lives *lives, const struct options *options)
{
    struct pace_side served = {.all = {0}}, probed = {.all = {0}};
    struct samples alone = {0};
    struct prober *prober = NULL;
    FILE *each = options->each ? fopen(options->each, "w") : NULL;
    if (options->each && !each)
        bench_fail("cannot write %s", options->each);
    if (getenv("BENCH_FLOOR_DATABASE"))
        prober = prober_open(bench_variable("BENCH_FLOOR_DATABASE"), bench_variable("BENCH_REDIS"));
    pace_run(lives, prober, options->rate, (uint32_t)(options->length_ns / SLICE_NS), SLICE_NS, &served,
             &probed, &alone, each);
    if (each && (ferror(each) | fclose(each)))
        bench_fail("cannot write %s", options->each);
    print_side(&served);
    if (prober) {
        print_side(&probed);
        printf("%.0f %.0f", samples_at(&alone, 0.5), samples_at(&alone, 0.99));
        prober_close(&prober);
    }
    printf("\n");
    samples_free(&alone);
}

static bool read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"address", required_argument, NULL, 'a'},      {"tokens", required_argument, NULL, 't'},
        {"customers", required_argument, NULL, 'c'},    {"outstanding", required_argument, NULL, 'o'},
        {"sources", required_argument, NULL, 's'},      {"rate", required_argument, NULL, 'r'},
        {"each", required_argument, NULL, 'e'},         {"warm-up", required_argument, NULL, 'w'},
        {"milliseconds", required_argument, NULL, 'm'}, {0}};
    int option;
    *options = (struct options){.outstanding = 256, .sources = 4, .warm_up_ns = 3000000000};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'a':
            options->address = optarg;
            break;
        case 't':
            options->tokens = optarg;
            break;
        case 'c':
            options->customers = (uint32_t)bench_number(optarg);
            break;
        case 'o':
            options->outstanding = (uint32_t)bench_number(optarg);
            break;
        case 's':
            options->sources = (uint32_t)bench_number(optarg);
            break;
        case 'r':
            options->rate = (uint32_t)bench_number(optarg);
            break;
        case 'e':
            options->each = optarg;
            break;
        case 'w':
            options->warm_up_ns = (int64_t)bench_number(optarg) * 1000000;
            break;
        case 'm':
            options->length_ns = (int64_t)bench_number(optarg) * 1000000;
            break;
        default:
            return false;
        }
    }
    return options->address && options->tokens && options->customers && options->sources &&
           options->length_ns && options->outstanding && options->outstanding <= LIVES_MAX && optind == argc;
}

int main(int argc, char **argv)
{
    static struct lives lives;
    struct options options;
    if (!read_options(&options, argc, argv))
        bench_fail(
            "needs --address HOST:PORT --tokens FILE --customers N --milliseconds N and, for a given rate, --rate "
            "N [--each FILE]; else --outstanding N --warm-up MILLISECONDS");
    prctl(PR_SET_TIMERSLACK, 1); /* nanosecond: waits end on time */
    lives.customers = options.customers;
    lives_open(&lives, options.address, options.tokens, options.sources);
    if (options.rate)
        run_pace(&lives, &options);
    else
        run_flood(&lives, &options);
    lives_close(&lives);
    return 0;
}
