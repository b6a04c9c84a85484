#include <stdlib.h>

#include "benchmarks/budget.h"
#include "benchmarks/fleet.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

/* Users whose status is watched from all nodes change it, all at once, again and again when all watchers know. */

enum { US_PER_S = 1000000, PATIENCE_US = 30 * US_PER_S, CONNECTS_IN_FLIGHT = 32, WARM_UP = 2, WATCHED_MAX = 200 };

struct presence {
    struct clients *shared;
    struct client *clients; /* the watched first */
    size_t watched, count;
    uint64_t missing; /* replies and events of the round */
    uint64_t rounds;
};

static void step_on(struct presence *p)
{
    if (p->missing == 0)
        die("an event too many");
    if (--p->missing == 0)
        loop_stop(p->shared->loop);
}

static void on_welcome(struct client *c)
{
    die("%s was welcomed twice", c->user);
}

static void on_ok(struct client *c, const struct wire_value *reply)
{
    (void)reply;
    step_on(c->owner);
}

static void on_event(struct client *c, struct slice type, const struct wire_value *event)
{
    (void)event;
    if (slice_is(type, "presence"))
        step_on(c->owner);
}

static const struct client_handlers handlers = {.on_welcome = on_welcome, .on_ok = on_ok, .on_event = on_event};

static void wait_for(struct presence *p)
{
    loop_run(p->shared->loop, clock_steady_us() + PATIENCE_US);
    if (p->missing > 0)
        die("%llu replies and events are missing", (unsigned long long)p->missing);
}

static void watch(struct presence *p)
{
    p->missing = p->count - p->watched;
    for (size_t i = p->watched; i < p->count; i++) {
        struct buf *body = client_request(&p->clients[i], "presence.watch", 1);
        wire_put_cstr(body, "users");
        wire_put_array(body, p->watched);
        for (size_t u = 0; u < p->watched; u++)
            wire_put_cstr(body, p->clients[u].user);
        client_send(&p->clients[i]);
    }
    wait_for(p);
}

static void change(struct presence *p)
{
    p->missing = p->watched * (1 + p->count - p->watched);
    for (size_t i = 0; i < p->watched; i++) {
        struct buf *body = client_request(&p->clients[i], "presence.set", 1);
        wire_put_key_cstr(body, "status", p->rounds % 2 == 0 ? "away" : "available");
        client_send(&p->clients[i]);
    }
    wait_for(p);
    p->rounds++;
}

static void gather(struct presence *p, struct clients *shared, const struct options *o)
{
    struct fleet fleet;
    *p = (struct presence){.shared = shared, .watched = o->pairs, .count = o->pairs + o->watchers};
    if (p->watched > WATCHED_MAX)
        die("--pairs should be %d at most: one request names all who are watched", WATCHED_MAX);
    fleet_init(&fleet, shared, p->count);
    fleet_connect(&fleet, p->count, CONNECTS_IN_FLIGHT);
    p->clients = fleet.clients;
    for (size_t i = 0; i < p->count; i++) {
        p->clients[i].on = &handlers;
        p->clients[i].owner = p;
    }
    watch(p);
}

void part_presence(struct clients *shared, const struct meter *meter, const struct options *o)
{
    static const char publishes[] = "cmdstat_spublish:calls=";
    struct budget_least each = {0};
    struct presence p;
    struct tally from, to;
    gather(&p, shared, o);
    while (p.rounds < WARM_UP)
        change(&p);
    p.rounds = 0;
    tally_read(shared, &from);
    uint64_t published = meter_redis(meter->redis_port, "commandstats", publishes);
    struct reading before = meter_read(meter);
    while (clock_steady_us() < before.at_us + o->seconds * US_PER_S)
        change(&p);
    struct reading after = meter_read(meter);
    published = meter_redis(meter->redis_port, "commandstats", publishes) - published;
    tally_read(shared, &to);

    uint64_t changes = p.rounds * p.watched;
    row_cpu("CPU of a change", &before, &after, changes);
    row_cpu("CPU of an event at a watcher", &before, &after, changes * o->watchers);
    row("publishes of a change, and nodes that heard it", "%.2f, %.2f", (double)published / (double)changes,
        (double)(to.presence_changes - from.presence_changes) / (double)changes);
    budget_take(&each, 0, &from, &to);
    each.waits = 0;
    budget_hold(BUDGET_STATUS, &each, changes);
    row_busy(&before, &after);
    budget_end();
}
