#include "benchmarks/parts.h"

#include "benchmarks/fleet.h"
#include "benchmarks/report.h"

enum { CONNECTS_IN_FLIGHT = 32 };

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
    double us = (double)(to->at_us - from->at_us);
    row("busy: nodes, Redis, generator", "%.0f %%, %.0f %%, %.0f %% of a core",
        100 * (double)(to->nodes_cpu_us - from->nodes_cpu_us) / us,
        100 * (double)(to->redis_cpu_us - from->redis_cpu_us) / us,
        100 * (double)(to->own_cpu_us - from->own_cpu_us) / us);
}

void row_cpu(const char *what, const struct reading *from, const struct reading *to, uint64_t count)
{
    double n = count > 0 ? (double)count : 1;
    double nodes = (double)(to->nodes_cpu_us - from->nodes_cpu_us) / n;
    double redis = (double)(to->redis_cpu_us - from->redis_cpu_us) / n;
    row(what, "nodes %.1f + Redis %.1f = %.1f µs", nodes, redis, nodes + redis);
}
