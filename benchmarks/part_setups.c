#include <stdlib.h>

#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

/* Set-ups that are due at fixed times and begin then or, when no pair is free, later: their time counts from when they were due. */

enum { US_PER_S = 1000000, WARM_UP_US = US_PER_S, PATIENCE_US = 5 * US_PER_S, MESSAGES = 2 + 2 * CANDIDATES_PER_SIDE };

/* A run that finishes less than this share of what was due has not kept up. */
#define SUSTAINED_SHARE 0.98

struct setups;

/* A pair and its set-up. */
struct lane {
    struct pair pair;
    unsigned to_send;        /* signals of each side still to come */
    unsigned missing[SIDES]; /* signals still to arrive there */
    uint64_t send_due_us;
    bool answered;
    struct lane *next; /* in the list of free ones or of those that wait to send */
};

struct lane_list {
    struct lane *first, *last;
};

struct setups {
    struct loop *loop;
    const struct options *options;
    unsigned signals_per_side;
    struct lane *lanes;
    struct lane_list idle, sending; /* `sending` is in the order of send_due_us */
    uint64_t began_us, measure_from_us, until_us;
    uint64_t posted, finished, measured_finished;
    struct histogram setup, signal;
    struct histogram late; /* the generator itself: from when a signal was due to when it was handed to the system */
};

static void put_last(struct lane_list *list, struct lane *lane)
{
    lane->next = NULL;
    if (list->last)
        list->last->next = lane;
    else
        list->first = lane;
    list->last = lane;
}

/* Keeps the order of send_due_us: a lane that is due now must not wait behind one whose next signal is later. */
static void put_in_order(struct lane_list *list, struct lane *lane)
{
    struct lane **at = &list->first;
    while (*at && (*at)->send_due_us <= lane->send_due_us)
        at = &(*at)->next;
    lane->next = *at;
    *at = lane;
    if (!lane->next)
        list->last = lane;
}

static struct lane *take_first(struct lane_list *list)
{
    struct lane *lane = list->first;
    if (lane) {
        list->first = lane->next;
        if (!list->first)
            list->last = NULL;
    }
    return lane;
}

/* When set-up number `n` is due; at saturation, at once. */
static uint64_t due_of(const struct setups *s, uint64_t n, uint64_t now)
{
    return s->options->rate > 0 ? s->began_us + n * US_PER_S / s->options->rate : now;
}

static void send_one_each(struct lane *lane, uint64_t due_us)
{
    struct setups *s = lane->pair.owner;
    lane->to_send--;
    for (int side = 0; side < SIDES; side++) {
        pair_signal(&lane->pair, side, due_us);
        if (due_us >= s->measure_from_us)
            histogram_add(&s->late, clock_steady_us() - due_us);
    }
}

static void send_due(struct setups *s, uint64_t now)
{
    while (s->sending.first && s->sending.first->send_due_us <= now) {
        struct lane *lane = take_first(&s->sending);
        send_one_each(lane, lane->send_due_us);
        lane->send_due_us += s->options->gap_us;
        if (lane->to_send > 0)
            put_in_order(&s->sending, lane);
    }
}

static void post_due(struct setups *s, uint64_t now)
{
    for (uint64_t due; s->idle.first && (due = due_of(s, s->posted, now)) <= now && due < s->until_us; s->posted++) {
        struct lane *lane = take_first(&s->idle);
        lane->to_send = s->signals_per_side;
        lane->missing[CALLER] = s->signals_per_side + 1; /* and the answer */
        lane->missing[CALLEE] = s->signals_per_side;
        lane->answered = false;
        pair_post(&lane->pair, due);
    }
}

static void on_alarm(void *arg);

static void work(struct setups *s)
{
    uint64_t now = clock_steady_us();
    send_due(s, now);
    post_due(s, now);
    uint64_t next = UINT64_MAX;
    if (s->idle.first && due_of(s, s->posted, now) < s->until_us)
        next = due_of(s, s->posted, now);
    if (s->sending.first && s->sending.first->send_due_us < next)
        next = s->sending.first->send_due_us;
    loop_alarm(s->loop, next, on_alarm, s);
}

static void on_alarm(void *arg)
{
    work(arg);
}

static void on_talking(struct pair *p)
{
    struct lane *lane = CONTAINER_OF(p, struct lane, pair);
    struct setups *s = p->owner;
    uint64_t now = clock_steady_us();
    if (s->options->gap_us == 0) {
        while (lane->to_send > 0)
            send_one_each(lane, now);
        return;
    }
    lane->send_due_us = now;
    put_in_order(&s->sending, lane);
    work(s);
}

static bool is_measured(const struct setups *s, const struct pair *p)
{
    return p->posted_us >= s->measure_from_us;
}

static void on_signal(struct pair *p, int side, uint64_t us)
{
    struct lane *lane = CONTAINER_OF(p, struct lane, pair);
    struct setups *s = p->owner;
    if (is_measured(s, p))
        histogram_add(&s->signal, us);
    if (side == CALLER && !lane->answered) {
        lane->answered = true;
        if (is_measured(s, p))
            histogram_add(&s->setup, clock_steady_us() - p->posted_us);
    }
    lane->missing[side]--;
    if (lane->missing[CALLER] == 0 && lane->missing[CALLEE] == 0)
        pair_leave(p);
}

static void on_idle(struct pair *p)
{
    struct setups *s = p->owner;
    s->finished++;
    if (is_measured(s, p))
        s->measured_finished++;
    put_last(&s->idle, CONTAINER_OF(p, struct lane, pair));
    if (clock_steady_us() < s->until_us)
        work(s);
    else if (s->finished == s->posted)
        loop_stop(s->loop);
}

static const struct pair_handlers handlers = {on_talking, on_signal, on_idle};

/* Those that were due and never got their answer count with the time they have waited: left out, they would make a slow server look fast. */
static uint64_t add_unanswered(struct setups *s)
{
    uint64_t now = clock_steady_us(), count = 0;
    for (size_t i = 0; i < s->options->pairs; i++) {
        const struct lane *lane = &s->lanes[i];
        if (lane->pair.state != PAIR_IDLE && !lane->answered && is_measured(s, &lane->pair)) {
            histogram_add(&s->setup, now - lane->pair.posted_us);
            count++;
        }
    }
    for (uint64_t n = s->posted; s->options->rate > 0 && due_of(s, n, now) < s->until_us; n++, count++)
        histogram_add(&s->setup, now - due_of(s, n, now));
    return count;
}

static void print(struct setups *s, const struct reading *before, const struct reading *after, uint64_t finished,
                  uint64_t unanswered)
{
    double rate = (double)finished * US_PER_S / (double)(after->at_us - before->at_us);
    row("set-ups a second", "%.0f (%.0f SDP and candidates)", rate, rate * MESSAGES);
    if (rate < SUSTAINED_SHARE * (double)s->options->rate)
        row("SATURATED", "%.0f of %llu set-ups a second; the latencies below are those of a growing queue", rate,
            (unsigned long long)s->options->rate);
    if (unanswered > 0)
        row("set-ups without an answer at the end", "%llu", (unsigned long long)unanswered);
    row_cpu("CPU of a set-up", before, after, finished);
    row_cpu("CPU of each of its 22 SDP and candidates", before, after, finished * MESSAGES);
    row_latency("latency of a signal", &s->signal);
    row_latency("offer due to answer received", &s->setup);
    row_latency("of which the generator sent late", &s->late);
    row_busy(before, after);
}

static void prepare(struct setups *s, struct clients *shared, const struct script *script)
{
    s->lanes = calloc(s->options->pairs, sizeof *s->lanes);
    if (!s->lanes)
        die("no memory for the pairs");
    pairs_connect(shared, s->options->pairs, s->lanes, sizeof *s->lanes, script, &handlers, s);
    for (size_t i = 0; i < s->options->pairs; i++)
        put_last(&s->idle, &s->lanes[i]);
}

void part_setups(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct setups s = {
        .loop = shared->loop,
        .options = o,
        .signals_per_side = (unsigned)((CANDIDATES_PER_SIDE + o->batch - 1) / o->batch),
    };
    struct script script;
    script_init(&script, o->batch);
    prepare(&s, shared, &script);

    s.began_us = clock_steady_us();
    s.measure_from_us = s.began_us + WARM_UP_US;
    s.until_us = s.measure_from_us + o->seconds * US_PER_S;
    work(&s);
    loop_run(shared->loop, s.measure_from_us);
    struct reading before = meter_read(meter);
    uint64_t finished_before = s.finished;
    loop_run(shared->loop, s.until_us);
    struct reading after = meter_read(meter);
    uint64_t finished = s.finished - finished_before;
    if (s.finished < s.posted)
        loop_run(shared->loop, s.until_us + PATIENCE_US);
    print(&s, &before, &after, finished, add_unanswered(&s));
    script_finish(&script);
    free(s.lanes);
}
