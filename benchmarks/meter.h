/**
 * What the servers used, read from outside: processor time and resident memory from /proc, Redis's own figure from Redis.
 */
#ifndef BENCHMARKS_METER_H
#define BENCHMARKS_METER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { METER_NODES_MAX = 16 };

struct meter {
    pid_t nodes[METER_NODES_MAX];
    size_t node_count;
    pid_t redis;         /* 0: not looked at */
    uint16_t redis_port; /* on the loopback */
};

struct reading {
    uint64_t at_us;
    uint64_t nodes_cpu_us, redis_cpu_us, own_cpu_us;
    uint64_t machine_cpu_us;        /* of everything on all cores, these included */
    uint64_t nodes_rss, redis_used; /* bytes */
};

/** Dies when a process is gone. */
struct reading meter_read(const struct meter *);

#endif
