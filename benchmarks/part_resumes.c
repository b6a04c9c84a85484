#include <stdio.h>
#include <stdlib.h>

#include "benchmarks/budget.h"
#include "benchmarks/calls.h"
#include "benchmarks/comeback.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

/* What it costs to come, to be cut off, and to come back at another node: first in no call, then for one of the two in each call. */

enum { SETTLE_US = 700000, ALONE = 3 };

/* What the nodes and Redis had done. */
struct look {
    struct reading reading;
    struct tally tally;
};

static struct look look(const struct clients *shared, const struct meter *meter)
{
    struct look l;
    tally_read(shared, &l.tally);
    l.reading = meter_read(meter);
    return l;
}

static void tell(const char *what, const struct look *from, const struct look *to, uint64_t count)
{
    char cpu[64], scripts[64], names[512];
    snprintf(cpu, sizeof cpu, "CPU of %s", what);
    snprintf(scripts, sizeof scripts, "script calls of %s", what);
    row_cpu(cpu, &from->reading, &to->reading, count);
    tally_names(&from->tally, &to->tally, count, names, sizeof names);
    row(scripts, "%.2f: %s", (double)tally_scripts(&from->tally, &to->tally) / (double)count, names);
}

/* Some lose their sockets and come back: how the nodes stood before, after the loss, and before and after the return. */
struct trip {
    struct look up, down, again, back;
};

static void make_trip(struct trip *t, struct client **clients, size_t count, uint64_t attached,
                      const struct meter *meter, size_t in_flight)
{
    struct clients *shared = clients[0]->shared;
    loop_run(shared->loop, clock_steady_us() + SETTLE_US);
    t->up = look(shared, meter);
    comeback_drop(clients, count, attached - count);
    t->down = look(shared, meter);
    loop_run(shared->loop, clock_steady_us() + SETTLE_US);
    t->again = look(shared, meter);
    comeback_resume(clients, count, in_flight);
    t->back = look(shared, meter);
}

static void hold_alone(struct client **clients, uint64_t attached, const struct meter *meter)
{
    struct budget_least suspend = {0}, resume = {0};
    for (size_t i = 0; i < ALONE; i++) {
        struct trip t;
        make_trip(&t, clients, 1, attached, meter, 1);
        budget_take(&suspend, i, &t.up.tally, &t.down.tally);
        budget_take(&resume, i, &t.again.tally, &t.back.tally);
    }
    suspend.waits = 0; /* the wait for it takes longer than the nodes are ever silent */
    budget_hold(BUDGET_SUSPEND, &suspend, 1);
    budget_hold(BUDGET_RESUME_SEATED, &resume, 1);
}

static void tell_idle(struct calls *all, struct client **clients, const struct meter *meter, const struct options *o)
{
    size_t count = all->count * SIDES;
    struct budget_least each = {0};
    struct trip warm_up, t;
    for (size_t i = 0; i < count; i++)
        clients[i] = &all->clients[i];
    make_trip(&warm_up, clients, count, count, meter, o->in_flight);
    make_trip(&t, clients, count, count, meter, o->in_flight);
    tell("a suspension", &t.up, &t.down, count);
    tell("a resume", &t.again, &t.back, count);
    budget_take(&each, 0, &t.again.tally, &t.back.tally);
    each.waits = 0;
    budget_hold(BUDGET_RESUME, &each, count);
    row_busy(&t.again.reading, &t.back.reading);
}

static void tell_seated(struct calls *all, struct client **clients, const struct meter *meter, const struct options *o)
{
    size_t count = all->count;
    struct trip warm_up, t;
    calls_adopt(all);
    calls_start(all);
    calls_accept(all);
    for (size_t i = 0; i < count; i++)
        clients[i] = all->call[i].members[CALLEE];
    make_trip(&warm_up, clients, count, count * SIDES, meter, o->in_flight);
    make_trip(&t, clients, count, count * SIDES, meter, o->in_flight);
    tell("a suspension in a call", &t.up, &t.down, count);
    tell("a resume in a call", &t.again, &t.back, count);
    hold_alone(clients, count * SIDES, meter);
    row_busy(&t.again.reading, &t.back.reading);
}

void part_resumes(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct meter cpu_only = *meter;
    struct script script;
    struct calls all;
    struct budget_least each = {0};
    size_t count = o->pairs * SIDES;
    struct client **clients = calloc(count, sizeof(struct client *));
    if (!clients)
        die("no memory for the clients");
    cpu_only.redis_port = 0;
    script_init(&script, 1);
    struct look before = look(shared, &cpu_only);
    calls_init(&all, shared, o->pairs, &script);
    struct look after = look(shared, &cpu_only);
    tell("an attach", &before, &after, count);
    budget_take(&each, 0, &before.tally, &after.tally);
    each.waits = 0;
    budget_hold(BUDGET_ATTACH, &each, count);
    row_busy(&before.reading, &after.reading);

    tell_idle(&all, clients, &cpu_only, o);
    tell_seated(&all, clients, &cpu_only, o);
    script_finish(&script);
    free(clients);
    budget_end();
}
