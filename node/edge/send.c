#include "node/edge/send.h"

#include <stdlib.h>
#include <string.h>

#include "node/edge/state.h"
#include "node/edge/ws.h"

enum { HEAD_MAX = 10 };

/* As it goes over the wire: a head of RFC 6455 section 5.2, without a mask, and the payload. */
struct frame {
    struct frame *next;
    size_t n;
    size_t payload_n;
    enum send_kind kind;
    unsigned char bytes[]; /* LWS_PRE that are libwebsockets', then `n` */
};

static size_t frame_cost(size_t payload)
{
    return sizeof(struct frame) + LWS_PRE + HEAD_MAX + payload;
}

static size_t head_put(unsigned char at[HEAD_MAX], enum send_kind kind, size_t payload)
{
    at[0] = (unsigned char)(0x80 | kind);
    if (payload < 126) {
        at[1] = (unsigned char)payload;
        return 2;
    }
    size_t bytes = payload <= UINT16_MAX ? 2 : 8;
    at[1] = bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; i++)
        at[2 + i] = (unsigned char)((uint64_t)payload >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

static struct frame *frame_create(enum send_kind kind, struct slice payload)
{
    struct frame *f = malloc(frame_cost(payload.n));
    if (!f)
        return NULL;
    unsigned char *at = f->bytes + LWS_PRE;
    size_t head = head_put(at, kind, payload.n);
    *f = (struct frame){.n = head + payload.n, .payload_n = payload.n, .kind = kind};
    if (payload.n > 0)
        memcpy(at + head, payload.p, payload.n);
    return f;
}

static void frame_drop_first(struct conn *c)
{
    struct frame *f = c->queue;
    size_t cost = frame_cost(f->payload_n);
    c->queue = f->next;
    c->queue_bytes -= cost;
    metric_add(c->edge->set.metrics, METRIC_SEND_QUEUE_BYTES, -(int64_t)cost);
    free(f);
}

static void on_first_written(struct conn *c)
{
    struct metrics *m = c->edge->set.metrics;
    struct frame *f = c->queue;
    if (f->kind == SEND_CLOSE)
        c->close_sent = true;
    if (f->kind == SEND_TEXT || f->kind == SEND_BINARY) {
        metric_inc(m, METRIC_FRAMES_OUT);
        metric_add(m, METRIC_BYTES_OUT, (int64_t)f->payload_n);
    }
    frame_drop_first(c);
}

/* As many of the first frames as fit into one write, or one that is larger. Always whole ones: libwebsockets may put a pong behind them. */
static void write_first(struct conn *c)
{
    unsigned char *at = c->edge->scratch + LWS_PRE;
    size_t n = 0;
    size_t count = 0;
    for (struct frame *f = c->queue; f && n + f->n <= EDGE_SCRATCH_BYTES; f = f->next) {
        memcpy(at + n, f->bytes + LWS_PRE, f->n);
        n += f->n;
        count++;
    }
    if (count == 0) {
        at = c->queue->bytes + LWS_PRE;
        n = c->queue->n;
        count = 1;
    }
    if (!edge_write_raw(c->wsi, at, n)) {
        conn_doom(c);
        return;
    }
    while (count-- > 0)
        on_first_written(c);
}

bool send_is_stuck(const struct conn *c)
{
    return lws_partial_buffered(c->wsi);
}

void send_more(struct conn *c)
{
    while (c->queue && c->state != CONN_DOOMED && !send_is_stuck(c))
        write_first(c);
    if (c->queue)
        lws_callback_on_writable(c->wsi);
}

static void on_turn_end(struct timer *timer)
{
    send_more(CONTAINER_OF(timer, struct conn, turn_end));
}

static bool enqueue(struct conn *c, enum send_kind kind, struct slice payload)
{
    size_t cost = frame_cost(payload.n);
    struct frame *f = frame_create(kind, payload);
    if (!f)
        return false;
    if (!c->queue)
        c->queue_end = &c->queue;
    *c->queue_end = f;
    c->queue_end = &f->next;
    c->queue_bytes += cost;
    metric_add(c->edge->set.metrics, METRIC_SEND_QUEUE_BYTES, (int64_t)cost);
    if (!timer_is_set(&c->turn_end))
        timer_set_turn_end(c->edge->set.timers, &c->turn_end, on_turn_end);
    return true;
}

bool send_frame(struct conn *c, enum send_kind kind, struct slice payload)
{
    size_t cost = frame_cost(payload.n);
    if (c->queue_bytes + cost > EDGE_SCRATCH_BYTES)
        send_more(c); /* one write is full; and only what the socket does not take counts against the queue's limit */
    if (c->state == CONN_DOOMED)
        return true;
    if (kind != SEND_CLOSE && send_is_stuck(c) && c->queue_bytes + cost > c->edge->set.queue_bytes_max)
        return false;
    return enqueue(c, kind, payload);
}

void send_forget(struct conn *c)
{
    timer_cancel(&c->turn_end);
    while (c->queue)
        frame_drop_first(c);
}
