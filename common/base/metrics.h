/**
 * What is counted, in one table; /metrics and docs/operations.md are made from it.
 *
 * A counter is bumped where the thing happens; one of time holds microseconds; a gauge is set or moved; a histogram sorts microseconds into fixed buckets;
 * counters (and an info, whose only sample is 1) are a row of them that a label of their own tells apart. Names follow Prometheus: base units, `_total` behind what only grows.
 * No label ever carries a user, a call or an address. What to do when a number is wrong stands in docs/operations.md, for every row.
 */
#ifndef COMMON_BASE_METRICS_H
#define COMMON_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/*  id, kind, name (prefix switchboard_ is added), help */
#define METRICS_TABLE(X)                                                                                               \
    X(BUILD, INFO, "build_info", "1; the label `version` says which one runs")                                         \
    X(STARTED, GAUGE, "start_time_seconds", "When the node started, in seconds since 1970")                            \
    X(CPU, TIME, "cpu_seconds_total", "Processor time that the process has used")                                      \
    X(RESIDENT, GAUGE, "resident_memory_bytes", "Memory of the process that is in RAM")                                \
    X(READY, GAUGE, "ready", "1 while /readyz says 200")                                                               \
    X(DRAINING, GAUGE, "draining", "1 since the node began to leave")                                                  \
    X(STORE_UP, GAUGE, "store_up", "1 while the connection to Redis is up")                                            \
    X(NODES, GAUGE, "cluster_nodes", "Living nodes, as this one sees them")                                            \
    X(PARTITIONS, GAUGE, "partitions_owned", "Partitions whose timers this node fires")                                \
    X(LEASES_LAPSED, COUNTER, "leases_lapsed_total", "Renewals that came after the own lease had ended, or was lost")  \
    X(SOCKETS, GAUGE, "sockets", "Open WebSocket connections")                                                         \
    X(SESSIONS, GAUGE, "sessions", "Sessions attached to this node")                                                   \
    X(SEATS, GAUGE, "seats", "Seats in calls that sessions attached to this node hold")                                \
    X(CALLS, GAUGE, "calls",                                                                                           \
      "Calls whose member with the lowest number is attached to this node: over all nodes each call once")             \
    X(SOCKETS_LIMIT, GAUGE, "sockets_limit", "WebSocket connections that the node takes at most")                      \
    X(SEND_QUEUE_BYTES, GAUGE, "send_queue_bytes", "Bytes waiting to be written to clients")                           \
    X(SOCKETS_OPENED, COUNTER, "sockets_opened_total", "WebSocket connections accepted")                               \
    X(SOCKETS_CLOSED, COUNTERS, "sockets_closed_total",                                                                \
      "WebSocket connections ended, by `code` of who closed first; 1005: the client, without one; 1006: lost without " \
      "a word; other: the client, with one of its own")                                                                \
    X(HANDSHAKES_REFUSED, COUNTER, "handshakes_refused_total", "Upgrades refused: subprotocol, origin, limits")        \
    X(FRAMES_IN, COUNTER, "frames_in_total", "Frames received from clients")                                           \
    X(FRAMES_OUT, COUNTER, "frames_out_total", "Frames sent to clients")                                               \
    X(BYTES_IN, COUNTER, "bytes_in_total", "Payload bytes received from clients")                                      \
    X(BYTES_OUT, COUNTER, "bytes_out_total", "Payload bytes sent to clients")                                          \
    X(REQUESTS, COUNTER, "requests_total", "Requests taken from clients")                                              \
    X(REQUESTS_FAILED, COUNTERS, "requests_failed_total", "Requests answered with an error, by `code`")                \
    X(RATE_LIMITED, COUNTER, "rate_limited_total", "Requests refused with rate_limited")                               \
    X(SIGNALS, COUNTER, "signals_total", "Signals stored in a recipient's mailbox")                                    \
    X(EVENTS, COUNTER, "events_total", "Events delivered to sockets of this node")                                     \
    X(WATCHED, GAUGE, "watched_users", "Users whose presence sessions of this node watch")                             \
    X(PRESENCE_IN, COUNTER, "presence_changes_total", "Presence changes that reached this node")                       \
    X(PRESENCE_OUT, COUNTER, "presence_events_total", "Presence events delivered to sockets of this node")             \
    X(HELLOS_ADMITTED, COUNTER, "hellos_admitted_total", "Hellos let in")                                              \
    X(HELLOS_REFUSED, COUNTER, "hellos_refused_total", "Clients told to come back later")                              \
    X(HELLOS_WAITING, GAUGE, "hellos_waiting", "Hellos that wait to be let in")                                        \
    X(RESUMES, COUNTER, "resumes_total", "Sessions resumed at this node")                                              \
    X(RESUMES_REFUSED, COUNTER, "resumes_refused_total", "Resumes that had to become new sessions")                    \
    X(GAPS, COUNTER, "gaps_healed_total", "Holes in an event sequence filled from the mailbox")                        \
    X(SLOW_READERS, COUNTER, "slow_readers_total",                                                                     \
      "Sockets closed as more waited to be written to them than may (4008)")                                           \
    X(OVERRUNS, COUNTER, "mailbox_overruns_total", "Sessions ended because their mailbox was full")                    \
    X(RESTORED, COUNTER, "sessions_restored_total",                                                                    \
      "Sessions put back that Redis had lost, or knew only as they had been")                                          \
    X(TIMERS_FIRED, COUNTER, "timers_fired_total", "Timers of owned partitions that this node fired")                  \
    X(SWEPT, COUNTER, "sessions_swept_total", "Sessions of dead nodes that this node suspended")                       \
    X(FANOUTS_FINISHED, COUNTER, "fanouts_finished_total", "Fan-outs finished in place of another node")               \
    X(STORE_COMMANDS, COUNTER, "store_commands_total", "Commands sent to Redis")                                       \
    X(STORE_WRITES, COUNTER, "store_writes_total", "Writes to Redis; commands of one turn of the loop share one")      \
    X(STORE_SCRIPTS, COUNTERS, "store_scripts_total", "Scripts called, by `script`")                                   \
    X(STORE_ERRORS, COUNTER, "store_errors_total",                                                                     \
      "Commands that Redis answered with an error; that it does not know a script yet is none")                        \
    X(STORE_TIMEOUTS, COUNTER, "store_timeouts_total", "Commands given up without an answer")                          \
    X(STORE_RESENT, COUNTER, "store_resent_total", "Commands sent again after a broken connection")                    \
    X(STORE_RECONNECTS, COUNTER, "store_reconnects_total", "Redis connections made anew")                              \
    X(STORE_PENDING, GAUGE, "store_pending", "Commands without an answer yet")                                         \
    X(CANARY_LOST, COUNTER, "canary_lost_total", "Canaries that did not come back through the bus")                    \
    X(STORE_SECONDS, HISTOGRAM, "store_seconds",                                                                       \
      "Time from asking Redis to its answer, the wait for a connection included")                                      \
    X(RELAY_SECONDS, HISTOGRAM, "relay_seconds",                                                                       \
      "Time from taking a signal off its sender's socket to answering it, mostly as stored")                           \
    X(DELIVERY_SECONDS, HISTOGRAM, "delivery_seconds",                                                                 \
      "Time from taking a signal off its sender's socket to writing it to the recipient's, at whichever nodes they "   \
      "are")                                                                                                           \
    X(LOOP_LAG_SECONDS, HISTOGRAM, "loop_lag_seconds",                                                                 \
      "How late the event loop comes to what is due; looked at ten times a second")

enum metric {
#define X(id, kind, name, help) METRIC_##id,
    METRICS_TABLE(X)
#undef X
        METRIC_COUNT
};

/** Upper bounds of the histogram buckets in microseconds; one more bucket takes the rest. */
enum { METRIC_BUCKETS = 16 };
extern const uint32_t metric_bucket_us[METRIC_BUCKETS];

/** Samples that belong to whoever counts: these stay where they are until they are taken away. What has no name is left out. */
struct metric_series {
    const char *label;
    const char *const *names;
    const int64_t *counts;
    size_t n;
};

struct metrics {
    int64_t value[METRIC_COUNT];
    struct {
        uint64_t bucket[METRIC_BUCKETS + 1];
        uint64_t sum_us;
        uint64_t count;
    } histogram[METRIC_COUNT];                 /* used by rows of that kind only */
    struct metric_series series[METRIC_COUNT]; /* likewise */
};

static inline void metric_add(struct metrics *m, enum metric id, int64_t n)
{
    m->value[id] += n;
}

static inline void metric_inc(struct metrics *m, enum metric id)
{
    m->value[id]++;
}

static inline void metric_set(struct metrics *m, enum metric id, int64_t n)
{
    m->value[id] = n;
}

/** For histograms. */
void metric_observe_us(struct metrics *, enum metric id, uint64_t us);
/** Prometheus' text format 0.0.4. `labels` is put into each sample's braces, for example `node="x"`; may be "". */
void metrics_write(const struct metrics *, const char *labels, struct buf *out);

#endif
