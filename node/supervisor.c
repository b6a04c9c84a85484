#include "node/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum {
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    /* How often the companion is looked at: its SIGCHLD may fall together with a worker's. */
    LOOK_EVERY_MS = 1000,
};

/* Lies in memory that parent and children share. */
struct worker {
    atomic_bool started;
};

/* A worker as its parent sees it. */
struct child {
    pid_t pid; /* 0: not running */
    struct worker *worker;
    bool was_up;     /* in this life or an earlier one */
    unsigned deaths; /* in a row */
    uint64_t started_ms;
    uint64_t restart_ms; /* while it does not run */
};

struct supervisor {
    const struct supervisor_settings *settings;
    struct child *children;
    struct worker *workers;
    uint64_t backoff_min_ms, backoff_max_ms;
    sigset_t waited, before;
    bool stopping;
    int code;
};

void worker_started(struct worker *w)
{
    if (w)
        atomic_store(&w->started, true);
}

static ATTR_NORETURN void child_main(const struct supervisor *s, struct child *c, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE); /* it died before we could ask for the signal */
    sigset_t mask = s->before;
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    int code = s->settings->run(s->settings->context, c->worker);
    fflush(NULL);
    _exit(code); /* what the parent registered for its own end is not ours to run */
}

static void child_start(const struct supervisor *s, struct child *c)
{
    atomic_store(&c->worker->started, false);
    c->started_ms = clock_steady_ms();
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_main(s, c, parent);
    if (pid < 0) {
        log_error("worker.fork_failed", LOG_CSTR("why", strerror(errno)));
        c->restart_ms = c->started_ms + s->backoff_max_ms;
        return;
    }
    c->pid = pid;
    log_debug("worker.forked", LOG_U64("worker", (uint64_t)(c - s->children)), LOG_I64("pid", pid));
}

static void signal_children(const struct supervisor *s, int signal)
{
    for (unsigned i = 0; i < s->settings->workers; i++) {
        if (s->children[i].pid > 0)
            kill(s->children[i].pid, signal);
    }
}

/* The first reason decides the exit code; a second call is a second request to stop. */
static void stop(struct supervisor *s, int code)
{
    if (s->stopping) {
        signal_children(s, SIGKILL);
        return;
    }
    s->stopping = true;
    s->code = code;
    signal_children(s, SIGTERM);
}

/* An accident is told, and mended after a while; a life longer than the longest wait clears the record. */
static void child_mourn(struct supervisor *s, struct child *c, int status)
{
    uint64_t now = clock_steady_ms();
    c->deaths = now - c->started_ms > s->backoff_max_ms ? 0 : c->deaths;
    unsigned doublings = c->deaths < 16 ? c->deaths : 16;
    uint64_t wait = s->backoff_min_ms << doublings;
    wait = wait < s->backoff_max_ms ? wait : s->backoff_max_ms;
    c->deaths++;
    c->restart_ms = now + wait;
    uint64_t number = (uint64_t)(c - s->children);
    if (WIFSIGNALED(status)) {
        log_error("worker.died", LOG_U64("worker", number), LOG_I64("signal", WTERMSIG(status)),
                  LOG_U64("restart_ms", wait));
    } else {
        log_error("worker.died", LOG_U64("worker", number), LOG_I64("code", WEXITSTATUS(status)),
                  LOG_U64("restart_ms", wait));
    }
}

static void on_child_gone(struct supervisor *s, struct child *c, int status)
{
    c->pid = 0;
    c->was_up = c->was_up || atomic_load(&c->worker->started);
    if (s->stopping)
        return;
    if (c->was_up) {
        child_mourn(s, c, status);
    } else {
        /* Even a clean exit is a failure here: nobody asked for it. */
        int code = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE;
        log_error("worker.start_failed", LOG_U64("worker", (uint64_t)(c - s->children)), LOG_I64("code", code));
        stop(s, code);
    }
}

static void reap(struct supervisor *s)
{
    for (unsigned i = 0; i < s->settings->workers; i++) {
        struct child *c = &s->children[i];
        int status;
        if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid)
            on_child_gone(s, c, status);
    }
}

static void look_after_companion(struct supervisor *s)
{
    pid_t companion = s->settings->companion;
    siginfo_t info = {0};
    if (companion <= 0 || s->stopping)
        return;
    if (waitid(P_PID, (id_t)companion, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == companion) {
        log_error("redis.died", LOG_I64("pid", companion));
        stop(s, EXIT_FAILURE);
    }
}

/* Starts what is due; returns how long nothing more is. */
static uint64_t restart(struct supervisor *s)
{
    uint64_t now = clock_steady_ms(), sleep = LOOK_EVERY_MS;
    for (unsigned i = 0; i < s->settings->workers && !s->stopping; i++) {
        struct child *c = &s->children[i];
        if (c->pid == 0 && c->restart_ms <= now)
            child_start(s, c);
        if (c->pid == 0) {
            uint64_t left = c->restart_ms - now;
            sleep = left < sleep ? left : sleep;
        }
    }
    return sleep;
}

static bool any_left(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->settings->workers; i++) {
        if (s->children[i].pid > 0)
            return true;
    }
    return false;
}

static void on_signal(struct supervisor *s, int signal)
{
    if (signal == SIGTERM || signal == SIGINT) {
        log_info("supervisor.stopping", LOG_U64("workers", s->settings->workers));
        stop(s, EXIT_SUCCESS);
    } else if (signal == SIGHUP) {
        signal_children(s, SIGHUP);
    }
}

static void look_after(struct supervisor *s)
{
    uint64_t sleep = restart(s);
    while (!s->stopping || any_left(s)) {
        struct timespec timeout = {(time_t)(sleep / 1000), (long)(sleep % 1000) * 1000000};
        int signal = sigtimedwait(&s->waited, NULL, &timeout);
        if (signal > 0 && signal != SIGCHLD)
            on_signal(s, signal);
        /* One SIGCHLD may stand for several deaths. */
        reap(s);
        look_after_companion(s);
        sleep = restart(s);
    }
}

static void signals_block(struct supervisor *s)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    sigemptyset(&s->waited);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaddset(&s->waited, signals[i]);
    sigprocmask(SIG_BLOCK, &s->waited, &s->before);
}

int supervisor_run(const struct supervisor_settings *settings)
{
    size_t shared = settings->workers * sizeof(struct worker);
    struct supervisor s = {
        .settings = settings,
        .children = calloc(settings->workers, sizeof(struct child)),
        .workers = mmap(NULL, shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
        .backoff_min_ms = settings->backoff_min_ms ? settings->backoff_min_ms : BACKOFF_MIN_MS,
        .backoff_max_ms = settings->backoff_max_ms ? settings->backoff_max_ms : BACKOFF_MAX_MS,
    };
    if (!s.children || s.workers == MAP_FAILED)
        abort();
    for (unsigned i = 0; i < settings->workers; i++)
        s.children[i].worker = &s.workers[i];
    signals_block(&s);
    look_after(&s);
    sigprocmask(SIG_SETMASK, &s.before, NULL);
    munmap(s.workers, shared);
    free(s.children);
    return s.code;
}
