/**
 * A bare epoll loop: the generator should cost little beside what it measures, and its clock has to tell microseconds.
 *
 * Edge-triggered: who is told that a descriptor is ready reads and writes until it would block.
 */
#ifndef BENCHMARKS_LOOP_H
#define BENCHMARKS_LOOP_H

#include <stdint.h>

struct loop;
struct watcher;

typedef void watcher_ready_fn(struct watcher *, uint32_t epoll_events);
typedef void alarm_fn(void *arg);

/** Embedded in what waits; it stays where it is until the process ends. */
struct watcher {
    int fd;
    watcher_ready_fn *on_ready;
};

struct loop *loop_create(void);
void loop_destroy(struct loop *);
void loop_watch(struct loop *, struct watcher *);
/** Before the descriptor is closed. */
void loop_unwatch(struct loop *, struct watcher *);
/** The one alarm: called once, at `at_us` of clock_steady_us() or as soon after as the loop can. Set it again from within. */
void loop_alarm(struct loop *, uint64_t at_us, alarm_fn *, void *arg);
/** Serves until `until_us` or loop_stop(). */
void loop_run(struct loop *, uint64_t until_us);
void loop_stop(struct loop *);

#endif
