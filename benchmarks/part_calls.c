#include <stdio.h>
#include <string.h>

#include "benchmarks/budget.h"
#include "benchmarks/calls.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

/* Calls from the ringing to the hanging-up: first one that is alone, for what each step waits for; then many at once, for what each costs. */

enum { US_PER_S = 1000000, SETTLE_US = 600000, ALONE = 4, WARM_UP = 2 };

static const struct {
    const char *what;
    void (*run)(struct calls *);
    enum budget_step budget;
} steps[] = {
    {"a start, until it rings", calls_start, BUDGET_START},
    {"an alert", calls_alert, BUDGET_ALERT},
    {"an accept", calls_accept, BUDGET_ACCEPT},
    {"20 candidates", calls_candidates, BUDGET_SIGNAL},
    {"a hang-up", calls_leave, BUDGET_HANG_UP},
};
enum { STEPS = ARRAY_SIZE(steps) };

static void add_tally(struct tally *sum, const struct tally *from, const struct tally *to)
{
    sum->script_count = to->script_count;
    sum->writes += to->writes - from->writes;
    for (size_t i = 0; i < to->script_count; i++) {
        memcpy(sum->script[i].name, to->script[i].name, TALLY_NAME_SIZE);
        sum->script[i].calls += to->script[i].calls - from->script[i].calls;
    }
}

static void add_cpu(struct reading *sum, const struct reading *from, const struct reading *to)
{
    sum->nodes_cpu_us += to->nodes_cpu_us - from->nodes_cpu_us;
    sum->redis_cpu_us += to->redis_cpu_us - from->redis_cpu_us;
}

/* What the steps took in all rounds. */
struct run {
    struct reading cpu[STEPS];
    struct tally tally[STEPS];
    struct budget_least least[STEPS];
    size_t rounds;
};

static void play_step(struct run *r, size_t i, struct calls *all, const struct meter *meter)
{
    struct tally from, to;
    tally_read(all->shared, &from);
    struct reading before = meter_read(meter);
    steps[i].run(all);
    struct reading after = meter_read(meter);
    tally_read(all->shared, &to);
    add_cpu(&r->cpu[i], &before, &after);
    add_tally(&r->tally[i], &from, &to);
    budget_take(&r->least[i], r->rounds, &from, &to);
}

/* `settle_us`: before each step, so that nothing of the one before is still to be told to Redis. */
static void play_round(struct run *r, struct calls *all, const struct meter *meter, uint64_t settle_us)
{
    for (size_t i = 0; i < STEPS; i++) {
        if (settle_us > 0)
            loop_run(all->shared->loop, clock_steady_us() + settle_us);
        play_step(r, i, all, meter);
    }
    r->rounds++;
}

static const struct reading nothing;
static const struct tally none;

static void tell_scripts(const struct run *r, uint64_t calls)
{
    uint64_t scripts = 0;
    for (size_t i = 0; i < STEPS; i++)
        scripts += tally_scripts(&none, &r->tally[i]);
    row("script calls of a call", "%.1f", (double)scripts / (double)calls);
    for (size_t i = 0; i < STEPS; i++) {
        char what[64], names[512];
        snprintf(what, sizeof what, "script calls of %s", steps[i].what);
        tally_names(&none, &r->tally[i], calls, names, sizeof names);
        row(what, "%.2f: %s", (double)tally_scripts(&none, &r->tally[i]) / (double)calls, names);
    }
}

static void tell_cpu(const struct run *r, uint64_t calls)
{
    struct reading all = {0};
    for (size_t i = 0; i < STEPS; i++)
        add_cpu(&all, &nothing, &r->cpu[i]);
    row_cpu("CPU of a call", &nothing, &all, calls);
    for (size_t i = 0; i < STEPS; i++) {
        char what[64];
        snprintf(what, sizeof what, "CPU of %s", steps[i].what);
        row_cpu(what, &nothing, &r->cpu[i], calls);
    }
}

void part_calls(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct meter cpu_only = *meter;
    struct script script;
    struct calls all;
    struct run alone = {0}, warm_up = {0}, many = {0};
    uint64_t signals = SIDES * ((CANDIDATES_PER_SIDE + o->batch - 1) / o->batch);
    cpu_only.redis_port = 0;
    script_init(&script, o->batch);
    calls_init(&all, shared, o->pairs, &script);
    all.count = 1;
    while (alone.rounds < ALONE)
        play_round(&alone, &all, &cpu_only, SETTLE_US);
    all.count = o->pairs;
    while (warm_up.rounds < WARM_UP)
        play_round(&warm_up, &all, &cpu_only, 0);
    struct reading before = meter_read(meter);
    while (clock_steady_us() < before.at_us + o->seconds * US_PER_S)
        play_round(&many, &all, &cpu_only, 0);
    struct reading after = meter_read(meter);

    tell_cpu(&many, many.rounds * o->pairs);
    tell_scripts(&many, many.rounds * o->pairs);
    for (size_t i = 0; i < STEPS; i++) {
        bool is_one = steps[i].budget != BUDGET_SIGNAL;
        alone.least[i].waits = is_one ? alone.least[i].waits : 0;
        budget_hold(steps[i].budget, &alone.least[i], is_one ? 1 : signals);
    }
    row_busy(&before, &after);
    script_finish(&script);
    budget_end();
}
