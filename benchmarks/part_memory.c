#include "benchmarks/calls.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

/* What Redis keeps: for a session that is online, for a call that rings, that is under way, that is over. */

enum { US_PER_S = 1000000, SETTLE_US = 3 * US_PER_S, WARM_UP = 20, BYTES_PER_KIB = 1024 };

struct memory {
    double used,
        dataset; /* bytes; all, and without what Redis counts as its own: the table of keys, the clients' buffers */
};

static struct memory look(struct clients *shared, const struct meter *meter)
{
    loop_run(shared->loop, clock_steady_us() + SETTLE_US);
    return (struct memory){(double)meter_redis(meter->redis_port, "memory", "used_memory:"),
                           (double)meter_redis(meter->redis_port, "memory", "used_memory_dataset:")};
}

static void tell(const char *what, struct memory from, struct memory to, size_t count)
{
    double n = (double)count * BYTES_PER_KIB;
    row(what, "%.2f KiB, of which data %.2f KiB", (to.used - from.used) / n, (to.dataset - from.dataset) / n);
}

/* Scripts, tables and buffers that are made once. */
static void warm_up(struct clients *shared, const struct script *script)
{
    struct calls some;
    calls_init(&some, shared, WARM_UP, script);
    calls_start(&some);
    calls_alert(&some);
    calls_accept(&some);
    calls_candidates(&some);
    calls_leave(&some);
}

void part_memory(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct script script;
    struct calls all;
    if (meter->redis_port == 0)
        die("give --redis-port");
    script_init(&script, 1);
    warm_up(shared, &script);
    struct memory none = look(shared, meter);
    calls_init(&all, shared, o->pairs, &script);
    struct memory online = look(shared, meter);
    calls_start(&all);
    calls_alert(&all);
    struct memory ringing = look(shared, meter);
    calls_accept(&all);
    calls_candidates(&all);
    struct memory talking = look(shared, meter);
    calls_acknowledge(&all);
    struct memory acknowledged = look(shared, meter);
    calls_leave(&all);
    calls_acknowledge(&all);
    struct memory over = look(shared, meter);

    tell("a session that is online", none, online, all.count * SIDES);
    tell("a call that rings, with its offer", online, ringing, all.count);
    tell("a call under way, nothing acknowledged", online, talking, all.count);
    tell("a call under way, all acknowledged", online, acknowledged, all.count);
    tell("a call that is over", online, over, all.count);
    script_finish(&script);
}
