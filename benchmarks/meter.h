/**
 * What the servers used, read from outside: processor time from their clocks, resident memory from /proc, Redis's own figures from Redis.
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

/** The number behind `mark` in that section of Redis's INFO; 0 when it is not there. */
uint64_t meter_redis(uint16_t port, const char *section, const char *mark);
/** Dies when a process is gone. */
struct reading meter_read(const struct meter *);

#endif
