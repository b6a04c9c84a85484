#include "benchmarks/parts.h"

#include "benchmarks/fleet.h"
#include "benchmarks/report.h"

enum { CONNECTS_IN_FLIGHT = 32, GENERATOR_FULL_PERCENT = 90, DISTURBED_PERCENT = 10 };

void pairs_connect(struct clients *shared, size_t count, void *pairs, size_t stride, const struct script *script,
                   const struct pair_handlers *on, void *owner)
{
    struct fleet fleet;
    fleet_init(&fleet, shared, count * SIDES);
    fleet_connect(&fleet, count * SIDES, CONNECTS_IN_FLIGHT);
    for (size_t i = 0; i < count; i++) {
        struct pair *p = (struct pair *)(void *)((char *)pairs + i * stride);
        pair_init(p, &fleet.clients[i * SIDES + CALLER], &fleet.clients[i * SIDES + CALLEE], script, on, owner);
    }
    /* The clients stay until the process ends, as the loop watches them. */
}

void row_busy(const struct reading *from, const struct reading *to)
{
    double percent = 100 / (double)(to->at_us - from->at_us);
    double nodes = percent * (double)(to->nodes_cpu_us - from->nodes_cpu_us);
    double redis = percent * (double)(to->redis_cpu_us - from->redis_cpu_us);
    double own = percent * (double)(to->own_cpu_us - from->own_cpu_us);
    double others = percent * (double)(to->machine_cpu_us - from->machine_cpu_us) - nodes - redis - own;
    row("busy: nodes, Redis, generator; all others", "%.0f %%, %.0f %%, %.0f %%; %.0f %% of a core", nodes, redis, own,
        others > 0 ? others : 0);
    if (own > GENERATOR_FULL_PERCENT)
        row("GENERATOR FULL", "rates are a lower bound, latencies an upper one; CPU of each holds");
    if (others > DISTURBED_PERCENT)
        row("DISTURBED", "something else ran on this machine: latencies and rates are worse than they would be alone");
}

void row_cpu(const char *what, const struct reading *from, const struct reading *to, uint64_t count)
{
    double n = count > 0 ? (double)count : 1;
    double nodes = (double)(to->nodes_cpu_us - from->nodes_cpu_us) / n;
    double redis = (double)(to->redis_cpu_us - from->redis_cpu_us) / n;
    row(what, "nodes %.1f + Redis %.1f = %.1f µs", nodes, redis, nodes + redis);
}

void row_latency(const char *what, const struct histogram *h)
{
    row(what, "p50 %.2f, p99 %.2f, p99.9 %.2f ms", (double)histogram_at(h, 0.5) / 1000,
        (double)histogram_at(h, 0.99) / 1000, (double)histogram_at(h, 0.999) / 1000);
}
