/*
 * Preloaded into nodes and Redis (tests/run --jitter): what their sockets bring is noticed late, each socket's by a time of its own, and in another order. Nothing
 * is lost, and nothing comes that could not have come so by a slower wire; but what on a quiet machine always comes first, here comes second now and then.
 *
 * Only for programs that keep the descriptor where epoll(7) lets them keep what they like, and ask for levels, not edges: libuv and Redis do.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    FDS_MAX = 1 << 16,
    LATE_PERCENT = 6,      /* of the sockets that have something are late */
    LATE_END_PERCENT = 50, /* and of those that have ended */
    LATE_US_MAX = 40000,
    LOOK_US = 300, /* while all that there is is late */
};

static int64_t late_until_us[FDS_MAX]; /* 0: it is not */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Below `n`: xorshift32. */
static uint32_t random_below(uint32_t n)
{
    static uint32_t state;
    if (state == 0)
        state = ((uint32_t)now_us() ^ ((uint32_t)getpid() << 16)) | 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

static int is_late(const struct epoll_event *event)
{
    uint32_t fd = (uint32_t)event->data.fd;
    if (fd >= FDS_MAX)
        return 0;
    if (late_until_us[fd] == 0) {
        uint32_t percent = event->events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP) ? LATE_END_PERCENT : LATE_PERCENT;
        if (random_below(100) < percent)
            late_until_us[fd] = now_us() + 1 + random_below(LATE_US_MAX);
    }
    if (late_until_us[fd] > now_us())
        return 1;
    late_until_us[fd] = 0;
    return 0;
}

/* Shuffles them and leaves out those that are late: how many remain. */
static int sift(struct epoll_event *events, int n)
{
    int kept = 0;
    for (int i = n - 1; i > 0; i--) {
        uint32_t j = random_below((uint32_t)i + 1);
        struct epoll_event other = events[i];
        events[i] = events[j];
        events[j] = other;
    }
    for (int i = 0; i < n; i++) {
        if (!is_late(&events[i]))
            events[kept++] = events[i];
    }
    return kept;
}

int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
    static int (*wait)(int, struct epoll_event *, int, int, const sigset_t *);
    int64_t end_us = now_us() + (int64_t)timeout_ms * 1000;
    if (!wait)
        *(void **)&wait = dlsym(RTLD_NEXT, "epoll_pwait");
    for (;;) {
        int64_t left_us = end_us - now_us();
        int left_ms = timeout_ms <= 0 ? timeout_ms : left_us > 0 ? (int)((left_us + 999) / 1000) : 0;
        int n = wait(epoll, events, max, left_ms, mask);
        int kept = n > 0 ? sift(events, n) : n;
        if (n <= 0 || kept > 0 || left_ms == 0)
            return kept;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_US * 1000}, NULL);
    }
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
    return epoll_pwait(epoll, events, max, timeout_ms, NULL);
}
