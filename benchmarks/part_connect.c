#include "benchmarks/fleet.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

/* The first ones pay for what a server allocates once. */
enum { WARM_UP = 200, US_PER_S = 1000000, SETTLE_US = 2 * US_PER_S };

static double kib_each(uint64_t before, uint64_t after, uint64_t count)
{
    return ((double)after - (double)before) / (double)count / 1024;
}

void part_connect(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct fleet fleet;
    if (o->sockets <= WARM_UP)
        die("--sockets should be more than %d", WARM_UP);
    uint64_t count = o->sockets - WARM_UP;
    fleet_init(&fleet, shared, o->sockets);
    fleet_connect(&fleet, WARM_UP, o->in_flight);
    loop_run(shared->loop, clock_steady_us() + SETTLE_US / 4);
    struct reading before = meter_read(meter);
    fleet_connect(&fleet, o->sockets, o->in_flight);
    struct reading connected = meter_read(meter);
    loop_run(shared->loop, clock_steady_us() + SETTLE_US);
    struct reading settled = meter_read(meter);

    row("connects a second (TCP to welcome)", "%.0f",
        (double)count * US_PER_S / (double)(connected.at_us - before.at_us));
    row_cpu("CPU of a connect", &before, &connected, count);
    row_busy(&before, &connected);
    row("resident per idle connection, session included", "%.2f KiB at the nodes",
        kib_each(before.nodes_rss, settled.nodes_rss, count));
    row("Redis memory per session", "%.2f KiB", kib_each(before.redis_used, settled.redis_used, count));
    row_busy(&connected, &settled);
}
