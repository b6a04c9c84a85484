#include "benchmarks/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "benchmarks/report.h"
#include "common/base/clock.h"

enum { EVENTS_AT_ONCE = 256, US_PER_S = 1000000, NS_PER_US = 1000 };

struct loop {
    int epoll;
    bool stopped;
    uint64_t alarm_us; /* UINT64_MAX: none */
    alarm_fn *on_alarm;
    void *alarm_arg;
};

struct loop *loop_create(void)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop || (loop->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        die("epoll: %s", strerror(errno));
    loop->alarm_us = UINT64_MAX;
    /* The kernel's 50 µs of slack on timers would count as the servers'. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    close(loop->epoll);
    free(loop);
}

void loop_watch(struct loop *loop, struct watcher *w)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = w};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, w->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

void loop_unwatch(struct loop *loop, struct watcher *w)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

void loop_alarm(struct loop *loop, uint64_t at_us, alarm_fn *on_alarm, void *arg)
{
    loop->alarm_us = at_us;
    loop->on_alarm = on_alarm;
    loop->alarm_arg = arg;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

static void fire_alarm_if_due(struct loop *loop)
{
    if (loop->alarm_us == UINT64_MAX || clock_steady_us() < loop->alarm_us)
        return;
    loop->alarm_us = UINT64_MAX;
    loop->on_alarm(loop->alarm_arg);
}

static int wait_for(struct loop *loop, struct epoll_event *events, uint64_t wake_us)
{
    /* The clock is read here and not before: what ran since then would be slept once more. */
    uint64_t now = clock_steady_us(), us = wake_us > now ? wake_us - now : 0;
    struct timespec timeout = {(time_t)(us / US_PER_S), (long)(us % US_PER_S) * NS_PER_US};
    int n = epoll_pwait2(loop->epoll, events, EVENTS_AT_ONCE, &timeout, NULL);
    if (n < 0 && errno != EINTR)
        die("epoll_pwait2: %s", strerror(errno));
    return n;
}

void loop_run(struct loop *loop, uint64_t until_us)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    loop->stopped = false;
    while (!loop->stopped && clock_steady_us() < until_us) {
        fire_alarm_if_due(loop);
        int n = wait_for(loop, events, loop->alarm_us < until_us ? loop->alarm_us : until_us);
        for (int i = 0; i < n; i++) {
            struct watcher *w = events[i].data.ptr;
            w->on_ready(w, events[i].events);
            fire_alarm_if_due(loop);
        }
    }
}
