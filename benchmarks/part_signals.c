#include <stdlib.h>

#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

enum { US_PER_S = 1000000, SET_UP_US = 30 * US_PER_S };

struct signals {
    struct loop *loop;
    size_t pairs, talking;
    bool pumping;
    uint64_t delivered;
    struct histogram latency;
};

static void on_talking(struct pair *p)
{
    struct signals *s = p->owner;
    if (++s->talking == s->pairs)
        loop_stop(s->loop);
}

static void on_signal(struct pair *p, int side, uint64_t us)
{
    struct signals *s = p->owner;
    if (!s->pumping)
        return;
    s->delivered++;
    histogram_add(&s->latency, us);
    pair_signal(p, 1 - side, clock_steady_us());
}

static void on_idle(struct pair *p)
{
    die("the call of %s ended", p->clients[CALLER]->user);
}

static const struct pair_handlers handlers = {on_talking, on_signal, on_idle};

static void fill_windows(struct pair *pairs, const struct options *o)
{
    for (size_t i = 0; i < o->pairs; i++)
        for (uint64_t n = 0; n < o->window; n++)
            for (int side = 0; side < (o->one_way ? 1 : SIDES); side++)
                pair_signal(&pairs[i], side, clock_steady_us());
}

void part_signals(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct signals s = {.loop = shared->loop, .pairs = o->pairs};
    struct script script;
    struct pair *pairs = calloc(o->pairs, sizeof *pairs);
    if (!pairs)
        die("no memory for the pairs");
    script_init(&script, o->batch);
    pairs_connect(shared, o->pairs, pairs, sizeof *pairs, &script, &handlers, &s);
    for (size_t i = 0; i < o->pairs; i++)
        pair_post(&pairs[i], clock_steady_us());
    loop_run(shared->loop, clock_steady_us() + SET_UP_US);
    if (s.talking < s.pairs)
        die("only %zu of %zu calls came up", s.talking, s.pairs);

    s.pumping = true;
    fill_windows(pairs, o);
    loop_run(shared->loop, clock_steady_us() + US_PER_S);
    s.delivered = 0;
    s.latency = (struct histogram){0};
    struct reading before = meter_read(meter);
    loop_run(shared->loop, clock_steady_us() + o->seconds * US_PER_S);
    struct reading after = meter_read(meter);

    row("signals a second", "%.0f (%.0f candidates)",
        (double)s.delivered * US_PER_S / (double)(after.at_us - before.at_us),
        (double)(s.delivered * o->batch) * US_PER_S / (double)(after.at_us - before.at_us));
    row_cpu("CPU of a signal", &before, &after, s.delivered);
    if (o->batch > 1)
        row_cpu("CPU of a candidate", &before, &after, s.delivered * o->batch);
    row_latency(o->one_way ? "latency of a signal" : "latency with all windows full", &s.latency);
    row_busy(&before, &after);
    script_finish(&script);
    free(pairs);
}
