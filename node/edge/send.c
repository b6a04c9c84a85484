#include "node/edge/send.h"

#include <stdlib.h>
#include <string.h>

#include "node/edge/state.h"
#include "node/edge/ws.h"

/** `bytes` begins with the room that libwebsockets wants before the payload. */
struct frame {
    struct frame *next;
    size_t n;
    enum send_kind kind;
    unsigned char bytes[];
};

static size_t frame_cost(size_t payload)
{
    return sizeof(struct frame) + LWS_PRE + payload;
}

static struct frame *frame_create(enum send_kind kind, struct slice payload)
{
    struct frame *f = malloc(frame_cost(payload.n));
    if (!f)
        return NULL;
    *f = (struct frame){.n = payload.n, .kind = kind};
    if (payload.n > 0)
        memcpy(f->bytes + LWS_PRE, payload.p, payload.n);
    return f;
}

/** `at` has LWS_PRE bytes before it. */
static void write_now(struct conn *c, enum send_kind kind, unsigned char *at, size_t n)
{
    struct metrics *m = c->edge->set.metrics;
    if (lws_write(c->wsi, at, n, (enum lws_write_protocol)kind) < 0) {
        conn_doom(c);
        return;
    }
    if (kind == SEND_CLOSE)
        c->close_sent = true;
    if (kind == SEND_TEXT || kind == SEND_BINARY) {
        metric_inc(m, METRIC_FRAMES_OUT);
        metric_add(m, METRIC_BYTES_OUT, (int64_t)n);
    }
}

/** After a partial write libwebsockets asks for WRITEABLE itself; this asks in all cases that something waits. */
static void await_writable(struct conn *c)
{
    if (c->queue)
        lws_callback_on_writable(c->wsi);
}

bool send_is_idle(const struct conn *c)
{
    return !c->queue && !lws_partial_buffered(c->wsi);
}

static bool enqueue(struct conn *c, enum send_kind kind, struct slice payload)
{
    size_t cost = frame_cost(payload.n);
    if (kind != SEND_CLOSE && c->queue_bytes + cost > c->edge->set.queue_bytes_max)
        return false;
    struct frame *f = frame_create(kind, payload);
    if (!f)
        return false;
    if (!c->queue)
        c->queue_end = &c->queue;
    *c->queue_end = f;
    c->queue_end = &f->next;
    c->queue_bytes += cost;
    metric_add(c->edge->set.metrics, METRIC_SEND_QUEUE_BYTES, (int64_t)cost);
    await_writable(c);
    return true;
}

bool send_frame(struct conn *c, enum send_kind kind, struct slice payload)
{
    if (!send_is_idle(c))
        return enqueue(c, kind, payload);
    if (payload.n <= EDGE_SCRATCH_BYTES) {
        unsigned char *at = c->edge->scratch + LWS_PRE;
        if (payload.n > 0)
            memcpy(at, payload.p, payload.n);
        write_now(c, kind, at, payload.n);
        return true;
    }
    struct frame *f = frame_create(kind, payload);
    if (!f)
        return false;
    write_now(c, kind, f->bytes + LWS_PRE, f->n);
    free(f);
    return true;
}

static void frame_drop_first(struct conn *c)
{
    struct frame *f = c->queue;
    size_t cost = frame_cost(f->n);
    c->queue = f->next;
    c->queue_bytes -= cost;
    metric_add(c->edge->set.metrics, METRIC_SEND_QUEUE_BYTES, -(int64_t)cost);
    free(f);
}

void send_more(struct conn *c)
{
    while (c->queue && c->state != CONN_DOOMED && !lws_partial_buffered(c->wsi)) {
        struct frame *f = c->queue;
        write_now(c, f->kind, f->bytes + LWS_PRE, f->n);
        frame_drop_first(c);
    }
    await_writable(c);
}

void send_forget(struct conn *c)
{
    while (c->queue)
        frame_drop_first(c);
}
