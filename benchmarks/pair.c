#include "benchmarks/pair.h"

#include "benchmarks/payload.h"
#include "benchmarks/report.h"
#include "common/base/clock.h"

enum { SCRIPT_CAP = 1 << 16 };

void script_init(struct script *s, size_t candidates_per_signal)
{
    s->candidates_per_signal = candidates_per_signal;
    buf_init(&s->offer, SCRIPT_CAP);
    buf_init(&s->answer, SCRIPT_CAP);
    buf_init(&s->candidate, SCRIPT_CAP);
    payload_description("actpass", &s->offer);
    payload_description("active", &s->answer);
    payload_candidate(&s->candidate);
}

void script_finish(struct script *s)
{
    buf_finish(&s->offer);
    buf_finish(&s->answer);
    buf_finish(&s->candidate);
}

static void note_sent(struct pair *p, int side, uint64_t due_us)
{
    if (p->sent[side] - p->received[1 - side] >= SIGNALS_IN_FLIGHT_MAX)
        die("more signals of one pair in flight than there is room for");
    p->due_us[side][p->sent[side]++ % SIGNALS_IN_FLIGHT_MAX] = due_us;
}

/* Ends the request that moves the state on. */
static void send_awaited(struct pair *p, int side)
{
    p->awaited_id = p->clients[side]->last_id;
    client_send(p->clients[side]);
}

static struct buf *begin_signal(struct pair *p, int side, uint64_t due_us)
{
    note_sent(p, side, due_us);
    struct buf *body = client_request(p->clients[side], "signal", 3);
    wire_put_key_cstr(body, "call", p->call);
    wire_put_key_int(body, "to", side == CALLER ? 2 : 1);
    return body;
}

void pair_signal(struct pair *p, int side, uint64_t due_us)
{
    struct buf *body = begin_signal(p, side, due_us);
    wire_put_cstr(body, "candidates");
    wire_put_array(body, p->script->candidates_per_signal);
    for (size_t i = 0; i < p->script->candidates_per_signal; i++)
        wire_put_raw(body, buf_slice(&p->script->candidate));
    client_send(p->clients[side]);
}

static void send_answer(struct pair *p)
{
    struct buf *body = begin_signal(p, CALLEE, clock_steady_us());
    wire_put_cstr(body, "description");
    wire_put_map(body, 2);
    wire_put_key_cstr(body, "type", "answer");
    wire_put_key_string(body, "sdp", buf_slice(&p->script->answer));
    client_send(p->clients[CALLEE]);
}

void pair_post(struct pair *p, uint64_t due_us)
{
    p->state = PAIR_POSTING;
    p->posted_us = due_us;
    p->taken = p->joined = p->left = p->ended = false;
    struct buf *body = client_request(p->clients[CALLER], "offer.post", 2);
    wire_put_key_string(body, "offer", buf_slice(&p->script->offer));
    wire_put_key_cstr(body, "allow", "anyone");
    send_awaited(p, CALLER);
}

static void take(struct pair *p, const struct wire_value *posted)
{
    client_keep_id(posted, "call", p->call);
    p->state = PAIR_TAKING;
    struct buf *body = client_request(p->clients[CALLEE], "offer.take", 1);
    wire_put_key_cstr(body, "call", p->call);
    send_awaited(p, CALLEE);
}

void pair_leave(struct pair *p)
{
    p->state = PAIR_LEAVING;
    struct buf *body = client_request(p->clients[CALLER], "call.leave", 1);
    wire_put_key_cstr(body, "call", p->call);
    send_awaited(p, CALLER);
}

static void maybe_idle(struct pair *p)
{
    if (!p->left || !p->ended)
        return;
    p->state = PAIR_IDLE;
    p->on->on_idle(p);
}

static void on_welcome(struct client *c)
{
    die("%s was welcomed twice", c->user);
}

static int side_of(const struct pair *p, const struct client *c)
{
    return c == p->clients[CALLER] ? CALLER : CALLEE;
}

/* The caller learns from call.joined whom to send to, as any client would; that may come before or after the callee's `ok`. */
static void maybe_talk(struct pair *p)
{
    if (!p->taken || !p->joined)
        return;
    p->state = PAIR_TALKING;
    p->on->on_talking(p);
}

static void answer(struct pair *p, const struct wire_value *taken)
{
    if (!wire_get(taken, "offer"))
        die("the `ok` of offer.take has no offer");
    p->taken = true;
    send_answer(p);
    maybe_talk(p);
}

static void on_ok(struct client *c, const struct wire_value *reply)
{
    struct pair *p = c->owner;
    int awaited_side = p->state == PAIR_TAKING ? CALLEE : CALLER;
    if (side_of(p, c) != awaited_side || (uint64_t)wire_get_int(reply, "id", 0) != p->awaited_id)
        return;
    if (p->state == PAIR_POSTING) {
        take(p, reply);
    } else if (p->state == PAIR_TAKING) {
        answer(p, reply);
    } else if (p->state == PAIR_LEAVING) {
        p->left = true;
        maybe_idle(p);
    }
}

static void on_event(struct client *c, struct slice type, const struct wire_value *event)
{
    struct pair *p = c->owner;
    int side = side_of(p, c);
    (void)event;
    if (slice_is(type, "signal")) {
        uint64_t due = p->due_us[1 - side][p->received[side]++ % SIGNALS_IN_FLIGHT_MAX];
        uint64_t now = clock_steady_us();
        p->on->on_signal(p, side, now > due ? now - due : 0);
    } else if (slice_is(type, "call.joined") && side == CALLER) {
        p->joined = true;
        maybe_talk(p);
    } else if (slice_is(type, "call.ended") && side == CALLEE) {
        p->ended = true;
        maybe_idle(p);
    }
}

static const struct client_handlers handlers = {.on_welcome = on_welcome, .on_ok = on_ok, .on_event = on_event};

void pair_init(struct pair *p, struct client *caller, struct client *callee, const struct script *script,
               const struct pair_handlers *on, void *owner)
{
    *p = (struct pair){.clients = {caller, callee}, .script = script, .on = on, .owner = owner};
    for (int side = 0; side < SIDES; side++) {
        p->clients[side]->on = &handlers;
        p->clients[side]->owner = p;
    }
}
