#include "node/supervisor.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

/* What the workers of all generations tell each other and the test. */
struct board {
    atomic_int born, stopped, hung_up;
    atomic_int parent;
    struct worker *_Atomic victim;
    pid_t companion;
};

static struct board *board_create(void)
{
    log_setup(LOG_ERROR + 1, LOG_FORMAT_TEXT, "");
    void *p = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(p, MAP_FAILED);
    return p;
}

static int supervise(struct board *b, worker_fn *run)
{
    const struct supervisor_settings settings = {
        .workers = 3, .run = run, .context = b, .companion = b->companion, .backoff_min_ms = 1, .backoff_max_ms = 5};
    atomic_store(&b->parent, getpid());
    return supervisor_run(&settings);
}

/* Until SIGTERM; counts SIGHUP. Signals are taken with sigwait(), so none is lost before we are ready. */
static int live(struct board *b, struct worker *self, bool obey)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    worker_started(self);
    atomic_fetch_add(&b->born, 1);
    for (;;) {
        int got;
        sigwait(&set, &got);
        if (got == SIGHUP) {
            atomic_fetch_add(&b->hung_up, 1);
        } else {
            atomic_fetch_add(&b->stopped, 1);
            if (obey)
                return 0;
        }
    }
}

static int live_well(void *context, struct worker *self)
{
    return live(context, self, true);
}

static int live_deaf(void *context, struct worker *self)
{
    return live(context, self, false);
}

/* Waits in another process for the board to show something, then sends the supervisor a signal. */
static pid_t when(atomic_int *count, int reaches, struct board *b, int signal)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (atomic_load(count) < reaches || atomic_load(&b->parent) == 0)
            usleep(500);
        kill(atomic_load(&b->parent), signal);
        _exit(0);
    }
    return pid;
}

Test(supervisor, an_ordered_stop_reaches_every_worker)
{
    static const int orders[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        struct board *b = board_create();
        pid_t helper = when(&b->born, 3, b, orders[i]);
        cr_expect_eq(supervise(b, live_well), 0);
        cr_expect_eq(atomic_load(&b->born), 3);
        cr_expect_eq(atomic_load(&b->stopped), 3);
        waitpid(helper, NULL, 0);
    }
}

Test(supervisor, hangup_is_passed_on)
{
    struct board *b = board_create();
    pid_t first = when(&b->born, 3, b, SIGHUP), second = when(&b->hung_up, 3, b, SIGTERM);
    cr_expect_eq(supervise(b, live_well), 0);
    cr_expect_eq(atomic_load(&b->hung_up), 3);
    waitpid(first, NULL, 0);
    waitpid(second, NULL, 0);
}

Test(supervisor, a_second_order_ends_the_deaf_at_once)
{
    struct board *b = board_create();
    pid_t first = when(&b->born, 3, b, SIGTERM), second = when(&b->stopped, 3, b, SIGTERM);
    cr_expect_eq(supervise(b, live_deaf), 0);
    cr_expect_eq(atomic_load(&b->stopped), 3);
    waitpid(first, NULL, 0);
    waitpid(second, NULL, 0);
}

/* The first five die, by signal or by error, once they are up. */
static int die_young(void *context, struct worker *self)
{
    struct board *b = context;
    int number = atomic_fetch_add(&b->hung_up, 1);
    if (number < 5) {
        worker_started(self);
        if (number % 2 == 0)
            raise(SIGKILL);
        _exit(1);
    }
    return live(b, self, true);
}

Test(supervisor, the_dead_are_replaced)
{
    struct board *b = board_create();
    pid_t helper = when(&b->born, 3, b, SIGTERM);
    cr_expect_eq(supervise(b, die_young), 0);
    cr_expect_eq(atomic_load(&b->stopped), 3);
    cr_expect_eq(atomic_load(&b->hung_up), 8);
    waitpid(helper, NULL, 0);
}

/* One fails before it is up; the others live. */
static int fail_one(void *context, struct worker *self)
{
    struct board *b = context;
    if (atomic_fetch_add(&b->hung_up, 1) == 1)
        return 7;
    return live(b, self, true);
}

Test(supervisor, a_failed_start_ends_all_with_its_code)
{
    struct board *b = board_create();
    cr_expect_eq(supervise(b, fail_one), 7);
    cr_expect_leq(atomic_load(&b->hung_up), 3); /* one may be told to stop before it ran at all */
}

/* One dies once it was up, then fails to start three times: the world may mend. */
static int fail_later(void *context, struct worker *self)
{
    struct board *b = context;
    struct worker *nobody = NULL;
    if (atomic_compare_exchange_strong(&b->victim, &nobody, self)) {
        worker_started(self);
        raise(SIGKILL);
    }
    if (atomic_load(&b->victim) == self && atomic_fetch_add(&b->hung_up, 1) < 3)
        return 1;
    return live(b, self, true);
}

Test(supervisor, a_failed_restart_is_tried_again)
{
    struct board *b = board_create();
    pid_t helper = when(&b->born, 3, b, SIGTERM);
    cr_expect_eq(supervise(b, fail_later), 0);
    cr_expect_eq(atomic_load(&b->hung_up), 4);
    waitpid(helper, NULL, 0);
}

Test(supervisor, the_companions_death_ends_all_and_leaves_it_to_be_reaped)
{
    struct board *b = board_create();
    pid_t companion = fork();
    if (companion == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (atomic_load(&b->born) < 3)
            usleep(500);
        _exit(0);
    }
    b->companion = companion; /* here, not in the child: they share the board */
    cr_expect_eq(supervise(b, live_well), 1);
    cr_expect_eq(atomic_load(&b->stopped), 3);
    cr_expect_eq(waitpid(companion, NULL, WNOHANG), companion);
}
