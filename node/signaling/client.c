#include "node/signaling/client.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/why.h"
#include "common/wire/writer.h"
#include "node/signaling/acks.h"
#include "node/signaling/admission.h"
#include "node/signaling/farewell.h"
#include "node/signaling/heal.h"
#include "node/signaling/outbox.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/signaling/suspension.h"
#include "node/signaling/watch.h"
#include "node/store/sessions.h"

/* Reading stops when this many requests of one client wait for their answers, and goes on at half of that: back-pressure instead of growth. */
enum { LOAD_MAX = 256 };

static const struct {
    enum close_code code;
    const char *text;
} closes[] = {
#define X(name, number, text) {CLOSE_##name, text},
    CLOSE_TABLE(X)
#undef X
};

const char *close_text(enum close_code code)
{
    for (size_t i = 0; i < ARRAY_SIZE(closes); i++) {
        if (closes[i].code == code)
            return closes[i].text;
    }
    return "";
}

static void on_hello_overdue(struct timer *timer)
{
    client_close(CONTAINER_OF(timer, struct client, timer), CLOSE_NO_HELLO);
}

static void on_half_time(struct timer *timer)
{
    struct client *c = CONTAINER_OF(timer, struct client, timer);
    timer_set(c->signaling->settings.timers, timer, c->signaling->settings.hello_timeout_ms / 2, on_hello_overdue);
}

/* In two halves: when it was us who stood still, the hello is there and not yet read. */
void client_await_hello(struct client *c)
{
    timer_set(c->signaling->settings.timers, &c->timer, c->signaling->settings.hello_timeout_ms / 2, on_half_time);
}

static void on_token_over(struct timer *timer)
{
    client_close(CONTAINER_OF(timer, struct client, timer), CLOSE_TOKEN_EXPIRED);
}

uint64_t client_arm_expiry(struct client *c)
{
    uint64_t now = clock_wall_ms();
    uint64_t end = c->claims->expires_s * 1000;
    if (end <= now)
        end += (uint64_t)JWT_LEEWAY_S * 1000; /* taken for a clock that runs behind ours */
    uint64_t left = end > now ? end - now : 0;
    if (!c->signaling->draining) /* then the timer says when to leave */
        timer_set(c->signaling->settings.timers, &c->timer, left, on_token_over);
    return left;
}

struct client *client_open(struct signaling *sig, struct conn *conn, enum wire_format format)
{
    if (!sig->admission)
        return NULL;
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    uint64_t now = clock_steady_ms();
    c->signaling = sig;
    c->conn = conn;
    c->format = (uint8_t)format;
    bucket_init(&c->frames, &sig->settings.frames, now);
    bucket_init(&c->bytes, &sig->settings.bytes, now);
    bucket_init(&c->wrong_ids, &sig->settings.wrong_ids, now);
    DL_APPEND(sig->clients, c);
    sig->client_count++;
    if (sig->draining || admission_is_full(sig->admission))
        admission_refuse(sig->admission, c);
    else
        client_await_hello(c);
    return c;
}

/* ---- the session ---- */

struct client *client_of(struct signaling *sig, const struct id *session)
{
    struct client *c = NULL;
    HASH_FIND(hh, sig->sessions, session, sizeof *session, c);
    return c;
}

static void leave_session(struct client *c)
{
    if (id_is_none(&c->session) || client_of(c->signaling, &c->session) != c)
        return;
    HASH_DEL(c->signaling->sessions, c);
    metric_add(c->signaling->settings.metrics, METRIC_SESSIONS, -1);
}

void client_adopt(struct client *c, const struct id *session, uint64_t epoch)
{
    /* The same session on an older socket of this very node: its words count no more. */
    struct client *older = client_of(c->signaling, session);
    if (older && older != c) {
        leave_session(older);
        client_close(older, CLOSE_SUPERSEDED);
    }
    c->session = *session;
    c->epoch = epoch;
    HASH_ADD(hh, c->signaling->sessions, session, sizeof c->session, c);
    metric_inc(c->signaling->settings.metrics, METRIC_SESSIONS);
}

struct session_device client_device(const struct client *c)
{
    return (struct session_device){.user = slice_of(c->claims->user),
                                   .device = slice_of(c->device),
                                   .name = slice_of(c->claims->name[0] ? c->claims->name : c->claims->user)};
}

/* ---- what comes in ---- */

/* A frame's `ack` field, or the frame that is nothing but an ack. False: it is no number. */
static bool take_ack(struct client *c, const struct wire_value *message, const char *key)
{
    const struct wire_value *v = wire_get(message, key);
    if (!v || v->kind == WIRE_NULL)
        return true;
    if (v->kind != WIRE_INT || v->integer < 0)
        return false;
    ack_note(c, (uint64_t)v->integer);
    return true;
}

/* 0: it may pass; otherwise in how many milliseconds it might have. */
static uint64_t rate_check(struct client *c, size_t bytes)
{
    const struct signaling_settings *s = &c->signaling->settings;
    uint64_t now = clock_steady_ms();
    uint64_t wait = bucket_take(&c->frames, &s->frames, 1, now);
    uint64_t wait_bytes = bucket_take(&c->bytes, &s->bytes, bytes, now);
    return wait > wait_bytes ? wait : wait_bytes;
}

static void count_refused(struct client *c)
{
    metric_inc(c->signaling->settings.metrics, METRIC_RATE_LIMITED);
    if (++c->frames_refused > c->signaling->settings.frames_refused_max)
        client_close(c, CLOSE_RATE_LIMIT);
}

static void refuse_rate(struct client *c, uint64_t id, uint64_t wait_ms)
{
    count_refused(c);
    if (c->state != CLIENT_CLOSING)
        client_refuse(c, id, ERR_RATE_LIMITED, "too many frames or bytes in too short a time", wait_ms);
}

/* The id of a request. False: the frame is not this protocol. */
static bool read_id(const struct wire_value *message, uint64_t *ret_id)
{
    const struct wire_value *id = wire_get(message, "id");
    if (!id || id->kind != WIRE_INT || id->integer < 1)
        return false;
    *ret_id = (uint64_t)id->integer;
    return true;
}

static void take_message(struct client *c, struct wire_doc *doc, size_t bytes)
{
    const struct wire_value *message = wire_doc_root(doc);
    struct slice type = wire_get_string(message, "type");
    uint64_t wait = rate_check(c, bytes);
    uint64_t id = 0;
    if (slice_is(type, "ack")) {
        if (c->state == CLIENT_NEW)
            client_close(c, CLOSE_BAD_STATE);
        else if (wire_get(message, "seq") == NULL || !take_ack(c, message, "seq"))
            client_close(c, CLOSE_NOT_PROTOCOL);
        else if (wait > 0)
            count_refused(c); /* it has no answer that could say so */
    } else if (!read_id(message, &id)) {
        client_close(c, CLOSE_NOT_PROTOCOL);
    } else if (wait > 0) {
        refuse_rate(c, id, wait);
    } else if (c->state == CLIENT_NEW && !slice_is(type, "hello")) {
        client_close(c, CLOSE_BAD_STATE);
    } else if (!take_ack(c, message, "ack")) {
        client_refuse(c, id, ERR_BAD_REQUEST, "`ack` should be an integer, the last event that was handled", 0);
    } else {
        c->frames_refused = 0;
        request_take(c, doc);
        return;
    }
    wire_doc_destroy(doc);
}

void client_frame(struct client *c, struct slice frame)
{
    struct wire_doc *doc = NULL;
    char why[WHY_SIZE];
    if (c->state == CLIENT_CLOSING)
        return;
    enum err err = wire_decode((enum wire_format)c->format, frame, &doc, WHY_IN(why));
    if (err != ERR_OK) {
        log_debug("frame.refused", LOG_ID("session", &c->session), LOG_CSTR("why", why));
        client_close(c, CLOSE_NOT_PROTOCOL);
        return;
    }
    take_message(c, doc, frame.n);
}

void client_load(struct client *c, int change)
{
    c->load += change;
    if (c->load < 0 || c->state == CLIENT_CLOSING)
        return;
    bool pause = c->paused ? c->load >= LOAD_MAX / 2 : c->load >= LOAD_MAX;
    if (pause == c->paused)
        return;
    c->paused = pause;
    c->signaling->settings.ops->pause(c->conn, pause);
}

/* ---- what goes out ---- */

/* Our own mistake. An event would be as unwritable after each resume: its session ends, so that the client hears the truth in a new one. */
static void unwritable(struct client *c, struct slice body, uint64_t seq)
{
    log_error("frame.unwritable", LOG_ID("session", &c->session), LOG_U64("bytes", body.n));
    if (seq > 0)
        farewell_start(c->signaling, &c->session, slice_of(c->claims->user), c->epoch, "lost", NULL, NULL);
    client_close(c, CLOSE_RESTART);
}

void client_send(struct client *c, struct slice body, uint64_t seq)
{
    struct buf *frame = &c->signaling->frame;
    if (c->state == CLIENT_CLOSING)
        return;
    buf_clear(frame);
    if (wire_frame((enum wire_format)c->format, body, seq, frame) != ERR_OK || buf_failed(frame)) {
        unwritable(c, body, seq);
        return;
    }
    c->signaling->settings.ops->send(c->conn, buf_slice(frame));
}

void client_close(struct client *c, enum close_code code)
{
    if (c->state == CLIENT_CLOSING)
        return;
    c->state = CLIENT_CLOSING;
    timer_cancel(&c->timer);
    c->signaling->settings.ops->close(c->conn, code);
}

/* ---- the end ---- */

void client_closed(struct client *c)
{
    struct signaling *sig = c->signaling;
    timer_cancel(&c->timer);
    heal_forget(c);
    ack_flush(c);
    requests_forget(c);
    outbox_drop_all(c);
    watch_end_all(c);
    /* Superseded and moved sessions are no longer ours to suspend; the store would refuse by the epoch anyway. */
    if (client_of(sig, &c->session) == c && sig->store && !sig->stopped) {
        struct session_detach detach = {.id = c->session, .user = slice_of(c->claims->user), .epoch = c->epoch};
        suspension_detach(sig, &detach, c->seats, c->seat_count);
    }
    leave_session(c);
    DL_DELETE(sig->clients, c);
    sig->client_count--;
    if (c->claims) {
        claims_finish(c->claims);
        free(c->claims);
    }
    free(c->device);
    seats_free(c);
    free(c);
}
