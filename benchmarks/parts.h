/**
 * The measurements. Each connects its clients, measures, prints its rows and leaves the sockets to the end of the process.
 */
#ifndef BENCHMARKS_PARTS_H
#define BENCHMARKS_PARTS_H

#include "benchmarks/client.h"
#include "benchmarks/histogram.h"
#include "benchmarks/meter.h"
#include "benchmarks/pair.h"

struct options {
    uint64_t sockets, in_flight; /* connect */
    uint64_t pairs, window;      /* signals, setups */
    uint64_t batch;              /* candidates in one signal */
    uint64_t rate;               /* set-ups per second; 0: as many as it takes */
    uint64_t gap_us;             /* between two signals of one side; 0: all at once */
    uint64_t seconds;
    uint64_t spread_ms; /* death: clients come back at random within so long */
    uint64_t watchers;  /* presence: of each user */
    /* signals: the windows begin with the caller's only; each that comes is answered by one the other way */
    bool one_way;
};

typedef void part_fn(struct clients *, const struct meter *, const struct options *);

/** Connects a second and what they cost; then what idle connections with their sessions hold in memory. */
part_fn part_connect;
/** Signals at saturation: `window` in flight each way in each of `pairs` calls. */
part_fn part_signals;
/** Whole set-ups: offer, answer, CANDIDATES_PER_SIDE candidates each way, leaving; at `rate`, or at saturation. */
part_fn part_setups;
/** `pairs` calls from the ringing to the hanging-up, in step: what each step costs, held against the budget. */
part_fn part_calls;
/** `pairs` times two clients attach, lose their sockets, resume at the other node; the same for one of the two in each call. */
part_fn part_resumes;
/** The first of three nodes or more is killed, with the callers of `pairs` calls: the time until all have resumed at the others. */
part_fn part_death;
/** `pairs` users with `watchers` each, spread over the nodes, change their status: what a change costs and what each watcher adds. */
part_fn part_presence;
/** What Redis keeps for a session and for a call, by `pairs` calls. */
part_fn part_memory;

enum { CANDIDATES_PER_SIDE = 10 };

/** `count` pairs whose callers are at the first node and whose callees at the next. `pairs` is the caller's, `stride` bytes apart. */
void pairs_connect(struct clients *, size_t count, void *pairs, size_t stride, const struct script *,
                   const struct pair_handlers *, void *owner);
/** Rows that say how much of a core servers and generator used between two readings. */
void row_busy(const struct reading *from, const struct reading *to);
/** A row "nodes x + Redis y = z µs" for each of `count` things. */
void row_cpu(const char *what, const struct reading *from, const struct reading *to, uint64_t count);
/** A row of percentiles. */
void row_latency(const char *what, const struct histogram *);

#endif
