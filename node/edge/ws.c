#include "node/edge/ws.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/random.h"
#include "node/edge/address.h"
#include "node/edge/handshake.h"
#include "node/edge/hold.h"
#include "node/edge/send.h"
#include "node/edge/state.h"

enum {
    CONN_MAGIC = 0x434f4e4e,
    /** How long the last frames and the peer's close frame may take. */
    CLOSE_WAIT_MS = 5000,
    CLOSE_WAIT_STOPPING_MS = 1000,
    SILENT_MAX = 2,
};

static void on_timer(struct timer *);

static const struct {
    unsigned code;
    enum closes as;
} closes_of_ours[] = {
#define X(name, number, text) {number, CLOSES_##name},
    CLOSE_TABLE(X)
#undef X
};

const char *const conn_closes[CLOSES] = {
#define X(name, number, text) [CLOSES_##name] = #number,
    CLOSE_TABLE(X)
#undef X
        [CLOSES_WORDLESS] = "1005",
    [CLOSES_LOST] = "1006",
    [CLOSES_OTHER] = "other",
};

static enum closes closes_as(unsigned code)
{
    for (size_t i = 0; i < ARRAY_SIZE(closes_of_ours); i++) {
        if (closes_of_ours[i].code == code)
            return closes_of_ours[i].as;
    }
    return CLOSES_OTHER;
}

/* What a client says: codes that only we have a reason for would make our own numbers lie. */
static enum closes closes_said(struct slice payload)
{
    if (payload.n < 2)
        return CLOSES_WORDLESS;
    unsigned code = (unsigned)(unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
    return code == CLOSE_NORMAL || code == CLOSE_GOING_AWAY ? closes_as(code) : CLOSES_OTHER;
}

struct conn *conn_of(struct lws *wsi)
{
    struct conn *c = lws_get_opaque_user_data(wsi);
    assert(!c || c->magic == CONN_MAGIC);
    return c;
}

static void conn_link(struct edge *edge, struct conn *c)
{
    c->next = edge->conns;
    c->pprev = &edge->conns;
    if (c->next)
        c->next->pprev = &c->next;
    edge->conns = c;
    edge->conn_count++;
    metric_inc(edge->set.metrics, METRIC_SOCKETS_OPENED);
    metric_set(edge->set.metrics, METRIC_SOCKETS, (int64_t)edge->conn_count);
}

static void conn_unlink(struct conn *c)
{
    struct edge *edge = c->edge;
    *c->pprev = c->next;
    if (c->next)
        c->next->pprev = c->pprev;
    edge->conn_count--;
    edge->closes[c->end]++;
    metric_set(edge->set.metrics, METRIC_SOCKETS, (int64_t)edge->conn_count);
}

int conn_on_established(struct edge *edge, struct lws *wsi, enum wire_format format)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return -1;
    *c = (struct conn){.magic = CONN_MAGIC,
                       .state = CONN_OPEN,
                       .end = CLOSES_LOST,
                       .format = (uint8_t)format,
                       .wsi = wsi,
                       .edge = edge,
                       .heard = true};
    buf_init(&c->message, edge->set.message_bytes_max);
    if (edge->set.sockets_per_address_max > 0) {
        struct net_ip client = handshake_client(edge, wsi);
        c->address = address_hold(edge->addresses, &client);
    }
    lws_set_opaque_user_data(wsi, c);
    conn_link(edge, c);
    /* The first ping comes early by a random part, so that those who came together do not ping together. */
    uint64_t every = edge->set.ping_every_ms;
    timer_set(edge->set.timers, &c->timer, every - random_below(every / 2), on_timer);
    c->client = client_open(edge->set.signaling, c, format);
    if (!c->client)
        conn_close(c, CLOSE_OVERLOADED);
    return c->state == CONN_DOOMED ? -1 : 0;
}

/* How libwebsockets learns of it: the socket is shut down, so the write or read that it does next fails, whatever it holds back. */
void conn_doom(struct conn *c)
{
    if (c->state == CONN_DOOMED)
        return;
    c->state = CONN_DOOMED;
    timer_cancel(&c->timer);
    send_forget(c);
    shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
    lws_callback_on_writable(c->wsi); /* not heard when a write has failed before; then reading does it */
    hold_settle(c);
}

/* One part of a message: libwebsockets passes on what it has read, up to its buffer's size. */
static void message_take(struct conn *c, struct slice part)
{
    bool last = lws_is_final_fragment(c->wsi);
    bool is_binary = lws_frame_is_binary(c->wsi);
    if (is_binary != (c->format == WIRE_MSGPACK)) {
        conn_close(c, CLOSE_NOT_PROTOCOL);
        return;
    }
    if (c->message.n + part.n + lws_remaining_packet_payload(c->wsi) > c->edge->set.message_bytes_max) {
        conn_close(c, CLOSE_TOO_BIG);
        return;
    }
    if (c->message.n == 0 && last) {
        if (!hold_or_deliver(c, part))
            conn_close(c, CLOSE_OVERLOADED);
        return;
    }
    buf_put(&c->message, part);
    if (!last && !buf_failed(&c->message))
        return;
    /* The bytes leave the conn first: nothing that the stories do can touch them. */
    struct buf whole = c->message;
    buf_init(&c->message, c->edge->set.message_bytes_max);
    if (buf_failed(&whole) || !hold_or_deliver(c, buf_slice(&whole)))
        conn_close(c, CLOSE_OVERLOADED);
    buf_finish(&whole);
}

int conn_on_receive(struct conn *c, struct slice part)
{
    c->heard = true;
    if (c->state == CONN_OPEN)
        message_take(c, part);
    return c->state == CONN_DOOMED ? -1 : 0;
}

int conn_on_pong(struct conn *c)
{
    c->heard = true;
    return c->state == CONN_DOOMED ? -1 : 0;
}

int conn_on_writable(struct conn *c)
{
    c->heard = true; /* a slow reader that goes on reading is alive */
    if (c->state != CONN_DOOMED)
        send_more(c);
    return c->state == CONN_DOOMED ? -1 : 0;
}

int conn_on_peer_close(struct conn *c, struct slice payload)
{
    send_more(c); /* what this turn has to say comes before libwebsockets' answer */
    if (c->state == CONN_DOOMED || c->close_sent)
        return -1; /* both have said it */
    if (c->state == CONN_OPEN)
        c->end = (uint8_t)closes_said(payload);
    c->state = CONN_PEER_CLOSED;
    send_forget(c);
    timer_set(c->edge->set.timers, &c->timer, CLOSE_WAIT_MS, on_timer);
    return 0;
}

void conn_on_closed(struct conn *c)
{
    struct edge *edge = c->edge;
    c->state = CONN_GONE;
    lws_set_opaque_user_data(c->wsi, NULL);
    timer_cancel(&c->timer);
    if (c->client)
        client_closed(c->client);
    send_forget(c);
    hold_finish(c);
    buf_finish(&c->message);
    address_release(edge->addresses, c->address);
    conn_unlink(c);
    free(c);
    edge_on_fewer_sockets(edge);
}

static void ping_tick(struct conn *c)
{
    if (c->heard || c->paused)
        c->silent = 0;
    else if (++c->silent >= SILENT_MAX) {
        conn_doom(c);
        return;
    }
    c->heard = false;
    timer_set(c->edge->set.timers, &c->timer, c->edge->set.ping_every_ms, on_timer);
    /* libwebsockets keeps a PONG without a payload to itself. When something waits to be read, the peer's reading it tells as much. */
    if (!send_is_stuck(c))
        send_frame(c, SEND_PING, SLICE("ping"));
}

static void on_timer(struct timer *timer)
{
    struct conn *c = CONTAINER_OF(timer, struct conn, timer);
    assert(c->magic == CONN_MAGIC);
    if (c->state == CONN_OPEN)
        ping_tick(c);
    else
        conn_doom(c);
}

static void conn_send(struct conn *c, struct slice frame)
{
    assert(c->magic == CONN_MAGIC);
    if (c->state != CONN_OPEN)
        return;
    if (!send_frame(c, c->format == WIRE_MSGPACK ? SEND_BINARY : SEND_TEXT, frame)) {
        metric_inc(c->edge->set.metrics, METRIC_SLOW_READERS);
        send_forget(c);
        conn_close(c, CLOSE_SLOW_READER);
    }
}

void conn_close(struct conn *c, enum close_code code)
{
    assert(c->magic == CONN_MAGIC);
    if (c->state != CONN_OPEN)
        return;
    c->state = CONN_CLOSING;
    c->end = (uint8_t)closes_as(code);
    buf_finish(&c->message);
    timer_set(c->edge->set.timers, &c->timer, c->edge->life == EDGE_RUNNING ? CLOSE_WAIT_MS : CLOSE_WAIT_STOPPING_MS,
              on_timer);
    hold_settle(c); /* the peer's close frame is awaited */
    const char *text = close_text(code);
    unsigned char payload[125] = {(unsigned char)(code >> 8), (unsigned char)code}; /* RFC 6455 section 5.5.1 */
    size_t n = strnlen(text, sizeof payload - 2);
    memcpy(payload + 2, text, n);
    if (!send_frame(c, SEND_CLOSE, slice_make(payload, n + 2)))
        conn_doom(c);
}

static void conn_pause(struct conn *c, bool paused)
{
    assert(c->magic == CONN_MAGIC);
    if (c->state != CONN_OPEN || c->paused == paused)
        return;
    c->paused = paused;
    hold_settle(c);
}

const struct conn_ops edge_conn_ops = {.send = conn_send, .close = conn_close, .pause = conn_pause};
