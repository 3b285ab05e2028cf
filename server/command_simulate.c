#include "server/command_simulate.h"

#include <inttypes.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "rules/sim/sim.h"
#include "server/command.h"
#include "server/command_options.h"

#define SEEDS_DEFAULT 100
#define STEPS_DEFAULT 10000
#define SHRINK_STEPS 5000000
#define NUMBER_MAX INT64_C(1000000000000000000)

static const char *seed_text, *seeds_text, *steps_text, *minutes_text;
static const char *wants_story;

static const struct command_option options[] = {
    {"seed", "N", "the first seed; the next ones follow it (default: a random one)", &seed_text},
    {"seeds", "N", "how many seeds (default: 100)", &seeds_text},
    {"steps", "N", "decided inputs of each seed (default: 10000)", &steps_text},
    {"minutes", "N", "go on with further seeds for so long instead", &minutes_text},
    {"story", NULL, "tell what happened with the first seed, whether it breaks anything or not",
     &wants_story},
};

static const struct command_spec spec = {
    .synopsis = "",
    .about =
        "Plays random projects, agents and traffic against the decision core in virtual time, with crashes,\n"
        "rollbacks, late and doubled inputs, and checks after each batch what must always hold. Needs no server.\n"
        "Prints a summary. When something does not hold it prints the shortest story that it finds and exits 1.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
};

/* --- An assertion that fails ends the process: its seed must be known then --- */

static char crash_line[128];
static volatile sig_atomic_t crash_len;

static void on_abort(int number)
{
    ssize_t written = write(STDERR_FILENO, crash_line, (size_t)crash_len);
    (void)written;
    signal(number, SIG_DFL);
    raise(number);
}

static void remember_seed(uint64_t seed, uint64_t steps)
{
    crash_len =
        snprintf(crash_line, sizeof crash_line,
                 "patchbay simulate: the core ended in --seed %" PRIu64 " --seeds 1 --steps %" PRIu64 "\n",
                 seed, steps);
}

/* --- The runs --- */

struct simulation {
    const char *command;
    uint64_t seed, seeds, steps;
    int64_t ends_ms; /* 0: counts seeds */
    struct sim_counts counts;
    uint64_t played;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void add_counts(struct sim_counts *to, const struct sim_counts *from)
{
    to->steps += from->steps;
    to->batches += from->batches;
    to->refused += from->refused;
    to->rollbacks += from->rollbacks;
    to->crashes += from->crashes;
    to->reloads += from->reloads;
    to->timers += from->timers;
}

static void print_story(const struct sim_run *run)
{
    struct arena arena;
    arena_init(&arena);
    struct slice story = sim_run_story(run, &arena);
    fwrite(story.ptr, 1, story.len, stdout);
    arena_deinit(&arena);
}

/* False when something does not hold; the shortest story of it is printed then. */
static bool play(struct simulation *simulation, uint64_t seed)
{
    struct sim_run run;
    sim_run_init(&run);
    remember_seed(seed, simulation->steps);
    bool holds = sim_run_play(&run, seed, simulation->steps);
    add_counts(&simulation->counts, &run.counts);
    simulation->played++;
    if (!holds) {
        printf("seed %" PRIu64 " breaks %s after %" PRIu64 " steps; looking for a shorter way\n", seed,
               invariant_name(run.findings.items[0].invariant), run.counts.steps);
        fflush(stdout);
        sim_run_shrink(&run, SHRINK_STEPS);
    }
    if (!holds || (wants_story && seed == simulation->seed))
        print_story(&run);
    sim_run_deinit(&run);
    return holds;
}

static bool goes_on(const struct simulation *simulation)
{
    if (simulation->ends_ms)
        return monotonic_ms() < simulation->ends_ms;
    return simulation->played < simulation->seeds;
}

static int simulate(struct simulation *simulation)
{
    int64_t began = monotonic_ms();
    bool holds = true;
    signal(SIGABRT, on_abort);
    printf("seeds from %" PRIu64 ", %" PRIu64 " steps each\n", simulation->seed, simulation->steps);
    fflush(stdout);
    for (uint64_t seed = simulation->seed; holds && goes_on(simulation); seed++)
        holds = play(simulation, seed);
    const struct sim_counts *counts = &simulation->counts;
    printf("%" PRIu64 " seeds, %" PRIu64 " steps (%" PRIu64 " of time, %" PRIu64 " refused), %" PRIu64
           " batches, %" PRIu64 " rollbacks, %" PRIu64 " crashes, %" PRIu64
           " reloads, %d invariants: %s, in %" PRId64 " ms\n",
           simulation->played, counts->steps, counts->timers, counts->refused, counts->batches,
           counts->rollbacks, counts->crashes, counts->reloads, INVARIANT_COUNT,
           holds ? "all hold" : "one is broken", monotonic_ms() - began);
    return holds ? COMMAND_OK : COMMAND_FAILED;
}

/* False after a complaint; *out is left alone when the option is not given. */
static bool read_number(uint64_t *out, const char *command, const char *name, const char *text)
{
    char *end;
    if (!text)
        return true;
    unsigned long long value = strtoull(text, &end, 10);
    if (!*text || *end || *text == '-' || value > (unsigned long long)NUMBER_MAX) {
        command_misused(command, "--%s '%s' is not a number", name, text);
        return false;
    }
    *out = value;
    return true;
}

int command_simulate(int argc, char **argv)
{
    int code = command_options(&spec, argc, argv, NULL);
    uint64_t minutes = 0, random_seed = 0;
    if (code != COMMAND_GO_ON)
        return code;
    if (getrandom(&random_seed, 6, 0) != 6)
        return command_failed(argv[0], "no random seed: %m");
    struct simulation simulation = {
        .command = argv[0], .seed = random_seed, .seeds = SEEDS_DEFAULT, .steps = STEPS_DEFAULT};
    if (!read_number(&simulation.seed, argv[0], "seed", seed_text) ||
        !read_number(&simulation.seeds, argv[0], "seeds", seeds_text) ||
        !read_number(&simulation.steps, argv[0], "steps", steps_text) ||
        !read_number(&minutes, argv[0], "minutes", minutes_text))
        return COMMAND_USAGE;
    if (minutes)
        simulation.ends_ms = monotonic_ms() + (int64_t)minutes * 60000;
    return simulate(&simulation);
}
