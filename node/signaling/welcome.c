#include "node/signaling/welcome.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/writer.h"
#include "node/call/seating.h"
#include "node/signaling/call_reply.h"
#include "node/signaling/mail.h"
#include "node/signaling/request.h"
#include "node/store/rings.h"

/* Each call is read where it lies; the last answer writes the welcome. */

enum { TOLD_BYTES_MAX = 1 << 19, PENDING_BYTES_MAX = 1 << 18 };

struct welcome {
    bool resumed;
    bool half_told; /* the store went away meanwhile */
    bool in_call;   /* the user sits somewhere, on this device or another */
    size_t count;   /* calls to tell about */
    size_t open;    /* of them, not yet read */
    struct told_call {
        struct id call;
        bool rings;
        struct buf told; /* msgpack map, a snapshot or an invitation; empty: not in it any more, or too large */
    } calls[STORE_SEATINGS_MAX];
};

/* ---- what it says ---- */

static void put_limits(struct buf *b, const struct signaling_settings *s)
{
    wire_put_cstr(b, "limits");
    wire_put_map(b, 6);
    wire_put_key_int(b, "message_bytes", (int64_t)s->message_bytes_max);
    wire_put_key_int(b, "frames_per_second", (int64_t)s->frames.rate_per_s);
    wire_put_key_int(b, "bytes_per_second", (int64_t)s->bytes.rate_per_s);
    wire_put_key_int(b, "data_bytes", SIGNAL_DATA_BYTES_MAX);
    wire_put_key_int(b, "early_candidates", OFFER_CANDIDATES_MAX);
    wire_put_key_int(b, "seats", CALL_SEATS_MAX);
}

/*
 * Strangers may ring: what they say never makes a welcome too large to be written. A ring that finds no room here is heard of no less: it ends with an event.
 */
static size_t calls_that_fit(const struct welcome *w, bool rings)
{
    size_t bytes = 0;
    size_t i = 0;
    while (i < w->count) {
        bytes += w->calls[i].rings == rings ? w->calls[i].told.n : 0;
        if (rings && bytes > PENDING_BYTES_MAX)
            break;
        i++;
    }
    return i;
}

static void put_calls(struct buf *b, const char *key, const struct welcome *w, bool rings)
{
    size_t fit = calls_that_fit(w, rings);
    size_t n = 0;
    for (size_t i = 0; i < fit; i++)
        n += w->calls[i].rings == rings && w->calls[i].told.n > 0;
    wire_put_cstr(b, key);
    wire_put_array(b, n);
    for (size_t i = 0; i < fit; i++) {
        if (w->calls[i].rings == rings && w->calls[i].told.n > 0)
            wire_put_raw(b, buf_slice(&w->calls[i].told));
    }
}

static void put_welcome(struct request *rq)
{
    struct client *c = rq->client;
    const struct signaling_settings *s = &rq->signaling->settings;
    struct buf *b = &rq->reply;
    buf_clear(b);
    wire_put_map(b, 15);
    wire_put_key_cstr(b, "type", "welcome");
    wire_put_key_int(b, "id", (int64_t)rq->id);
    wire_put_key_string(b, "session", id_slice(&c->session));
    wire_put_key_cstr(b, "key", c->key);
    wire_put_key_bool(b, "resumed", ((struct welcome *)rq->story)->resumed);
    wire_put_key_cstr(b, "user", c->claims->user);
    wire_put_key_cstr(b, "device", c->device);
    wire_put_key_int(b, "seq", (int64_t)c->order.seq);
    wire_put_key_int(b, "heartbeat_ms", (int64_t)s->heartbeat_ms);
    wire_put_key_int(b, "grace_ms", (int64_t)s->grace_ms);
    wire_put_cstr(b, "ice_servers");
    ice_config_write(s->ice, slice_of(c->claims->user), clock_wall_ms() / 1000, b);
    put_calls(b, "calls", rq->story, false);
    put_calls(b, "pending", rq->story, true);
    put_limits(b, s);
    wire_put_cstr(b, "server");
    wire_put_map(b, 2);
    wire_put_key_cstr(b, "node", s->node.text);
    wire_put_key_cstr(b, "version", s->version);
}

/* ---- the end ---- */

static void welcome_drop(struct request *rq)
{
    struct welcome *w = rq->story;
    for (size_t i = 0; i < w->count; i++)
        buf_finish(&w->calls[i].told);
    free(w);
    rq->story = NULL;
}

static void finish(struct request *rq)
{
    struct client *c = rq->client;
    put_welcome(rq);
    c->state = CLIENT_LIVE;
    client_arm_expiry(c);
    log_debug("session.attached", LOG_ID("session", &c->session), LOG_U64("epoch", c->epoch));
    welcome_drop(rq);
    request_ok(rq);
    if (c->behind || order_is_behind(&c->order))
        mail_read(c);
}

static void call_told(struct request *rq)
{
    struct welcome *w = rq->story;
    if (--w->open > 0)
        return;
    if (!request_is_left(rq) && !w->half_told) {
        finish(rq);
        return;
    }
    if (!request_is_left(rq))
        client_close(rq->client, CLOSE_RESTART); /* a welcome without one of its calls would be a lie */
    welcome_drop(rq);
    request_drop(rq); /* client_closed() suspends the session */
}

/* ---- where it sits, and what rings ---- */

struct call_question {
    struct request *rq;
    size_t index;
};

static struct call_question *call_question_create(struct request *rq, size_t index)
{
    struct call_question *question = malloc(sizeof *question);
    assert(question);
    *question = (struct call_question){rq, index};
    return question;
}

static void on_snapshot(void *context, const struct call_answer *a)
{
    struct call_question *question = context;
    struct request *rq = question->rq;
    struct welcome *w = rq->story;
    struct told_call *call = &w->calls[question->index];
    if (a->err == ERR_OK) {
        wire_put_map(&call->told, SNAPSHOT_PAIRS + (w->resumed ? 0 : 1));
        snapshot_put(&call->told, &call->call, a);
        if (!w->resumed)
            wire_put_key_bool(&call->told, "rejoin", true);
    } else if (a->err != ERR_NOT_FOUND) {
        w->half_told = true;
    }
    free(question);
    call_told(rq);
}

/* call.incoming as the devices heard it that were here when it began to ring, and what came early since. */
static void put_incoming(struct buf *b, const struct incoming *incoming, bool in_call)
{
    size_t pairs = incoming->body.n > 0 ? (unsigned char)incoming->body.p[0] & 0x0f : 0; /* a fixmap */
    wire_put_map(b, pairs + (incoming->candidate_count > 0));
    wire_put_raw(b, slice_make(incoming->body.p + 1, incoming->body.n - 1));
    wire_put_key_bool(b, "in_call", in_call);
    if (incoming->candidate_count == 0)
        return;
    wire_put_cstr(b, "candidates");
    wire_put_array(b, (size_t)incoming->candidate_count);
    wire_put_raw(b, incoming->candidates);
}

static void on_incoming(void *context, enum err err, const struct incoming *incoming)
{
    struct call_question *question = context;
    struct request *rq = question->rq;
    struct welcome *w = rq->story;
    struct buf *told = &w->calls[question->index].told;
    if (err == ERR_OK && incoming->body.n > 1)
        put_incoming(told, incoming, w->in_call);
    else if (err != ERR_NOT_FOUND)
        w->half_told = true;
    if (buf_failed(told))
        buf_clear(told); /* half an invitation is none */
    free(question);
    call_told(rq);
}

static void read_call(struct request *rq, size_t index)
{
    struct welcome *w = rq->story;
    struct call_question *question = call_question_create(rq, index);
    struct call_actor actor = request_actor(rq);
    actor.call = w->calls[index].call;
    if (w->calls[index].rings)
        store_call_incoming(rq->signaling->store, &actor.call, actor.device.user, on_incoming, question);
    else
        store_call_get(rq->signaling->store, &actor, on_snapshot, question);
}

void welcome_start(struct request *rq, const struct session_answer *a, bool resumed)
{
    struct welcome *w = calloc(1, sizeof *w);
    assert(w);
    rq->story = w;
    w->resumed = resumed;
    w->in_call = a->seats > 0;
    w->count = a->seating_count;
    w->open = w->count + 1; /* one for ourselves: answers may come at once */
    for (size_t i = 0; i < w->count; i++) {
        w->calls[i].call = a->seatings[i].call;
        w->calls[i].rings = seating_rings(a->seatings[i].text);
        buf_init(&w->calls[i].told, TOLD_BYTES_MAX);
    }
    for (size_t i = 0, count = w->count; i < count; i++)
        read_call(rq, i);
    call_told(rq);
}
