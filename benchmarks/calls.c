#include "benchmarks/calls.h"

#include <stdlib.h>
#include <string.h>

#include "benchmarks/fleet.h"
#include "benchmarks/parts.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

enum { AT_ONCE = 100, CONNECTS_IN_FLIGHT = 32, PATIENCE_US = 30 * 1000000 };

static void step_on(struct calls *all)
{
    if (all->missing == 0)
        die("more answers than questions");
    if (--all->missing == 0)
        loop_stop(all->shared->loop);
}

static void on_welcome(struct client *c)
{
    die("%s was welcomed twice", c->user);
}

static void on_ok(struct client *client, const struct wire_value *reply)
{
    struct rung_call *c = client->owner;
    if (c->call[0] == '\0')
        client_keep_id(reply, "call", c->call);
    step_on(c->all);
}

static void on_event(struct client *client, struct slice type, const struct wire_value *event)
{
    struct rung_call *c = client->owner;
    (void)event;
    if (c->all->event && slice_is(type, c->all->event))
        step_on(c->all);
}

static const struct client_handlers handlers = {.on_welcome = on_welcome, .on_ok = on_ok, .on_event = on_event};

void calls_init(struct calls *all, struct clients *shared, size_t count, const struct script *script)
{
    struct fleet fleet;
    *all = (struct calls){.shared = shared, .script = script, .count = count, .call = calloc(count, sizeof *all->call)};
    if (!all->call)
        die("no memory for %zu calls", count);
    fleet_init(&fleet, shared, count * SIDES);
    fleet_connect(&fleet, count * SIDES, CONNECTS_IN_FLIGHT);
    all->clients = fleet.clients; /* until the process ends, as the loop watches them */
    for (size_t i = 0; i < count * SIDES; i++) {
        all->call[i / SIDES].all = all;
        all->call[i / SIDES].members[i % SIDES] = &fleet.clients[i];
    }
    calls_adopt(all);
}

void calls_adopt(struct calls *all)
{
    for (size_t i = 0; i < all->count * SIDES; i++) {
        all->clients[i].on = &handlers;
        all->clients[i].owner = &all->call[i / SIDES];
    }
}

/* Some send, then `each` replies and events of each call are waited for; then the next. */
static void step(struct calls *all, void (*send)(struct rung_call *), const char *event, uint64_t each)
{
    all->event = event;
    for (size_t done = 0, n; done < all->count; done += n) {
        n = all->count - done < AT_ONCE ? all->count - done : AT_ONCE;
        all->missing = n * each;
        for (size_t i = done; i < done + n; i++)
            send(&all->call[i]);
        loop_run(all->shared->loop, clock_steady_us() + PATIENCE_US);
        if (all->missing > 0)
            die("%llu replies and `%s` are missing", (unsigned long long)all->missing, event);
    }
    all->event = NULL;
}

static struct buf *begin(struct rung_call *c, int side, const char *type, size_t fields)
{
    struct buf *body = client_request(c->members[side], type, 1 + fields);
    wire_put_key_cstr(body, "call", c->call);
    return body;
}

static void send_start(struct rung_call *c)
{
    c->call[0] = '\0';
    struct buf *body = client_request(c->members[CALLER], "call.start", 2);
    wire_put_cstr(body, "to");
    wire_put_array(body, 1);
    wire_put_cstr(body, c->members[CALLEE]->user);
    wire_put_key_string(body, "offer", buf_slice(&c->all->script->offer));
    client_send(c->members[CALLER]);
}

void calls_start(struct calls *all)
{
    step(all, send_start, "call.incoming", 2);
}

static void send_alert(struct rung_call *c)
{
    begin(c, CALLEE, "call.alert", 0);
    client_send(c->members[CALLEE]);
}

void calls_alert(struct calls *all)
{
    step(all, send_alert, "call.ringing", 2);
}

static void send_accept(struct rung_call *c)
{
    struct buf *body = begin(c, CALLEE, "call.accept", 1);
    wire_put_key_string(body, "answer", buf_slice(&c->all->script->answer));
    client_send(c->members[CALLEE]);
}

void calls_accept(struct calls *all)
{
    step(all, send_accept, "call.joined", 2);
}

static void send_signal(struct rung_call *c, int side, size_t candidates)
{
    struct buf *body = begin(c, side, "signal", 2);
    wire_put_key_int(body, "to", side == CALLER ? 2 : 1);
    wire_put_cstr(body, "candidates");
    wire_put_array(body, candidates);
    for (size_t i = 0; i < candidates; i++)
        wire_put_raw(body, buf_slice(&c->all->script->candidate));
    client_send(c->members[side]);
}

static void send_candidates(struct rung_call *c)
{
    size_t most = c->all->script->candidates_per_signal;
    for (size_t sent = 0; sent < CANDIDATES_PER_SIDE; sent += most) {
        size_t n = CANDIDATES_PER_SIDE - sent < most ? CANDIDATES_PER_SIDE - sent : most;
        for (int side = 0; side < SIDES; side++)
            send_signal(c, side, n);
    }
}

void calls_candidates(struct calls *all)
{
    size_t most = all->script->candidates_per_signal, signals = (CANDIDATES_PER_SIDE + most - 1) / most;
    step(all, send_candidates, "signal", 2 * SIDES * signals);
}

static void send_leave(struct rung_call *c)
{
    begin(c, CALLER, "call.leave", 0);
    client_send(c->members[CALLER]);
}

void calls_leave(struct calls *all)
{
    step(all, send_leave, "call.ended", 2);
}

void calls_acknowledge(struct calls *all)
{
    for (size_t i = 0; i < all->count * SIDES; i++)
        client_acknowledge(&all->clients[i]);
}

void calls_signal_callers(struct calls *all)
{
    all->event = NULL;
    all->missing = UINT64_MAX; /* replies come whenever they do */
    for (size_t i = 0; i < all->count; i++)
        send_signal(&all->call[i], CALLEE, 1);
}
