#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "benchmarks/calls.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"
#include "common/base/random.h"

/*
 * The first node is killed, with a member of each call on it. All come back at the others, as docs/protocol.md tells clients to: after a time of their own, and
 * when a node says that it is too much, at the time that it says. Each is sent a signal while it is away, which has to be there when it is back.
 */

enum {
    US_PER_MS = 1000,
    US_PER_S = 1000000,
    SETTLE_US = 3 * US_PER_S,
    PATIENCE_US = 60 * US_PER_S,
    CONNECTING_NODES = 2
};

struct death;

struct bereft {
    struct client *client;
    struct death *death;
    uint64_t due_us; /* when it connects again; UINT64_MAX: it does, or is there */
    bool back, has_signal;
};

struct death {
    struct loop *loop;
    struct bereft *all;
    size_t count, back, signals, sent_away;
    size_t node_count;
    uint64_t killed_us, next_us, spread_us;
    struct histogram away;
};

static void on_alarm(void *arg)
{
    struct death *d = arg;
    uint64_t now = clock_steady_us(), next = UINT64_MAX;
    for (size_t i = 0; i < d->count; i++) {
        struct bereft *b = &d->all[i];
        if (b->due_us <= now) {
            b->due_us = UINT64_MAX;
            client_resume(b->client, 1 + (size_t)random_below((uint32_t)d->node_count - 1));
        } else if (b->due_us < next) {
            next = b->due_us;
        }
    }
    d->next_us = next;
    if (next < UINT64_MAX)
        loop_alarm(d->loop, next, on_alarm, d);
}

static void on_closed(struct client *c)
{
    struct bereft *b = c->owner;
    struct death *d = b->death;
    if (d->killed_us == 0 || b->back)
        die("the server closed the socket of %s", c->user);
    uint64_t wait_us = d->spread_us > 0 ? random_below((uint32_t)d->spread_us) : 0;
    if (c->retry_after_ms > 0) {
        wait_us = c->retry_after_ms * US_PER_MS;
        d->sent_away++;
    }
    b->due_us = clock_steady_us() + wait_us;
    if (b->due_us < d->next_us) {
        d->next_us = b->due_us;
        loop_alarm(d->loop, d->next_us, on_alarm, d);
    }
}

static void stop_when_done(struct death *d)
{
    if (d->back == d->count && d->signals == d->count)
        loop_stop(d->loop);
}

static void on_welcome(struct client *c)
{
    struct bereft *b = c->owner;
    if (!c->resumed)
        die("%s has lost its session", c->user);
    b->back = true;
    b->death->back++;
    histogram_add(&b->death->away, clock_steady_us() - b->death->killed_us);
    stop_when_done(b->death);
}

static void on_event(struct client *c, struct slice type, const struct wire_value *event)
{
    struct bereft *b = c->owner;
    (void)event;
    if (!slice_is(type, "signal"))
        return;
    if (b->has_signal)
        die("%s got its signal twice", c->user);
    b->has_signal = true;
    b->death->signals++;
    stop_when_done(b->death);
}

static const struct client_handlers handlers = {.on_welcome = on_welcome, .on_event = on_event, .on_closed = on_closed};

static void take_callers(struct death *d, struct calls *all)
{
    d->count = all->count;
    d->all = calloc(d->count, sizeof *d->all);
    if (!d->all)
        die("no memory for %zu clients", d->count);
    for (size_t i = 0; i < d->count; i++) {
        d->all[i] = (struct bereft){.client = all->call[i].members[CALLER], .death = d, .due_us = UINT64_MAX};
        d->all[i].client->on = &handlers;
        d->all[i].client->owner = &d->all[i];
    }
}

/* Calls whose callers are at the first node, and whose callees at the second. */
static void set_up(struct calls *all, struct clients *shared, const struct script *script, size_t count)
{
    size_t nodes = shared->node_count;
    shared->node_count = CONNECTING_NODES;
    calls_init(all, shared, count, script);
    shared->node_count = nodes;
    calls_start(all);
    calls_accept(all);
    loop_run(shared->loop, clock_steady_us() + SETTLE_US);
}

static void tell(struct death *d, const struct reading *before, const struct reading *after)
{
    row("until all are back with what they missed", "%.2f s", (double)(after->at_us - d->killed_us) / US_PER_S);
    row("of one client", "p50 %.2f, p99 %.2f, last %.2f s", (double)histogram_at(&d->away, 0.5) / US_PER_S,
        (double)histogram_at(&d->away, 0.99) / US_PER_S, (double)d->away.max / US_PER_S);
    row("times that one was told to come back later", "%zu", d->sent_away);
    row_cpu("CPU of each (the signal and the resume)", before, after, d->count);
    row_busy(before, after);
}

void part_death(struct clients *shared, const struct meter *meter, const struct options *o)
{
    struct death d = {.loop = shared->loop,
                      .node_count = shared->node_count,
                      .next_us = UINT64_MAX,
                      .spread_us = o->spread_ms * US_PER_MS};
    struct meter survivors = *meter;
    struct script script;
    struct calls all;
    if (meter->node_count != shared->node_count || shared->node_count <= CONNECTING_NODES)
        die("give three nodes or more with their processes: the first is killed");
    script_init(&script, 1);
    set_up(&all, shared, &script, o->pairs);
    take_callers(&d, &all);
    survivors.node_count--;
    memmove(survivors.nodes, meter->nodes + 1, survivors.node_count * sizeof meter->nodes[0]);

    struct reading before = meter_read(&survivors);
    d.killed_us = clock_steady_us();
    if (kill(meter->nodes[0], SIGKILL) < 0)
        die("the node can't be killed: %s", strerror(errno));
    calls_signal_callers(&all);
    loop_run(shared->loop, d.killed_us + PATIENCE_US);
    struct reading after = meter_read(&survivors);
    if (d.back < d.count || d.signals < d.count)
        die("%zu of %zu clients came back, %zu with their signal", d.back, d.count, d.signals);
    tell(&d, &before, &after);
    script_finish(&script);
    free(d.all);
}
