#include "node/signaling/hello.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/name.h"
#include "common/base/why.h"
#include "common/wire/fields.h"
#include "node/signaling/admission.h"
#include "node/signaling/mail.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/signaling/suspension.h"
#include "node/signaling/verbs.h"
#include "node/signaling/welcome.h"
#include "node/store/calls.h"

/* A resume that can't be had becomes a new session, and the welcome says so. */

struct greeting {
    char user[NAME_MAX_CHARS + 1];
    struct id old; /* the session that the new one supersedes */
    unsigned tries;
    uint64_t attempt;
    uint32_t heard; /* mail_heard() as the store was asked */
};

/* The first try does not know whether the device has a session; the others are for sockets of the same device that say hello at the same moment. */
enum { CREATE_TRIES = 16, DEVICES_RETRY_MS = 1000 };

static void create_session(struct request *);

static void greeting_drop(struct request *rq)
{
    free(rq->story);
    rq->story = NULL;
}

/* The socket may try again with another hello, unless its token was refused; its time for that begins anew. */
static void fail(struct request *rq, enum err err, const char *why)
{
    struct client *c = rq->client;
    greeting_drop(rq);
    c->state = CLIENT_NEW;
    if (!c->signaling->draining) /* then the timer says when to leave */
        client_await_hello(c);
    free(c->device);
    c->device = NULL;
    claims_finish(c->claims);
    free(c->claims);
    c->claims = NULL;
    if (err == ERR_UNAUTHORIZED) {
        client_refuse(c, rq->id, err, why, 0);
        client_close(c, CLOSE_TOKEN_REFUSED);
        request_drop(rq);
    } else if (err == ERR_RATE_LIMITED) {
        request_fail_later(rq, err, why, DEVICES_RETRY_MS);
    } else {
        request_fail(rq, err, why);
    }
}

/*
 * Without a socket the session is suspended: there is none any more, or no answer from the store, which may have done it all the same. The calls that it sits in,
 * where they are known, are told.
 */
static void take_back(struct request *rq, uint64_t epoch, const struct session_answer *a)
{
    struct greeting *g = rq->story;
    struct session_detach detach = {
        .id = rq->session, .user = slice_of(g->user), .epoch = epoch, .attempt = g->attempt};
    struct seat seats[CALLS_OF_CLIENT_MAX];
    size_t count = 0;
    for (size_t i = 0; a && i < a->seating_count && count < CALLS_OF_CLIENT_MAX; i++) {
        if (!seating_rings(a->seatings[i].text))
            seats[count++].call = a->seatings[i].call;
    }
    suspension_detach(rq->signaling, &detach, seats, count);
}

/* This hello comes to nothing: its client may come again. */
static void close_for_resume(struct request *rq)
{
    client_close(rq->client, CLOSE_RESTART);
    greeting_drop(rq);
    request_drop(rq);
}

/* The socket went while the session came to this node: nobody else would suspend it. */
static void orphan(struct request *rq, enum err err, uint64_t epoch, const struct session_answer *a)
{
    struct signaling *sig = rq->signaling;
    if ((err == ERR_OK || err == ERR_UNAVAILABLE) && !sig->stopped)
        take_back(rq, epoch, a);
    greeting_drop(rq);
    request_drop(rq);
}

/* ---- with a session ---- */

/* The session is this node's. Whether the store has events that the client lacks was said with it; what came since may have found nobody here. */
static void adopt(struct request *rq, uint64_t epoch, uint64_t last)
{
    struct greeting *g = rq->story;
    struct client *c = rq->client;
    c->behind = last > c->order.seq || mail_heard(rq->signaling, &rq->session) != g->heard;
    client_adopt(c, &rq->session, epoch);
}

/* ---- a new session ---- */

/* The seats of the device's earlier session wait for it. */
static void tell_superseded(const struct request *rq, const struct session_answer *a)
{
    const struct greeting *g = rq->story;
    for (size_t i = 0; i < a->seating_count; i++) {
        if (!seating_rings(a->seatings[i].text))
            suspension_tell(rq->signaling, &a->seatings[i].call, &g->old, SUPERSEDED_EPOCH, true);
    }
}

static void on_created(void *context, const struct session_answer *a)
{
    struct request *rq = context;
    struct greeting *g = rq->story;
    if (request_is_left(rq)) {
        if (a->err == ERR_OK && !rq->signaling->stopped)
            tell_superseded(rq, a);
        orphan(rq, a->err, 1, NULL);
    } else if (a->err == ERR_CONFLICT && ++g->tries < CREATE_TRIES) {
        g->old = a->other;
        create_session(rq);
    } else if (a->err == ERR_STALE) {
        close_for_resume(rq); /* it waited while the store was away, and a later one came in */
    } else if (a->err != ERR_OK) {
        if (a->err == ERR_UNAVAILABLE)
            take_back(rq, 1, NULL);
        fail(rq, a->err == ERR_CONFLICT ? ERR_UNAVAILABLE : a->err,
             a->err == ERR_RATE_LIMITED ? "too many devices of this user" : NULL);
    } else {
        adopt(rq, 1, 0);
        tell_superseded(rq, a);
        for (size_t i = 0; i < a->seating_count; i++) {
            if (seating_rings(a->seatings[i].text))
                seat_update(rq->client, &a->seatings[i].call, a->seatings[i].text);
        }
        greeting_drop(rq);
        welcome_start(rq, a, false);
    }
}

static void create_session(struct request *rq)
{
    struct client *c = rq->client;
    struct greeting *g = rq->story;
    unsigned partition = user_partition(rq->signaling, slice_of(c->claims->user));
    order_init(&c->order, 0, rq->id);
    struct id key = id_random(0);
    memcpy(c->key, key.text + 2, SESSION_KEY_CHARS);
    rq->session = id_random(partition);
    g->heard = mail_heard(rq->signaling, &rq->session);
    struct session_create s = {.id = rq->session,
                               .key = slice_of(c->key),
                               .device = client_device(c),
                               .old = g->old,
                               .grace_ms = rq->signaling->settings.grace_ms,
                               .asked_ms = rq->since_us / 1000};
    store_session_create(rq->signaling->store, &s, on_created, rq);
}

/* ---- the old session ---- */

static void on_attached(void *context, const struct session_answer *a)
{
    struct request *rq = context;
    struct signaling *sig = rq->signaling;
    struct client *c = rq->client;
    if (request_is_left(rq)) {
        orphan(rq, a->err, a->epoch, a);
    } else if (a->err == ERR_GONE) {
        metric_inc(sig->settings.metrics, METRIC_RESUMES_REFUSED);
        create_session(rq);
    } else if (a->err == ERR_STALE) {
        close_for_resume(rq); /* likewise */
    } else if (a->err != ERR_OK) {
        take_back(rq, 0, NULL);
        fail(rq, a->err, NULL);
    } else {
        metric_inc(sig->settings.metrics, METRIC_RESUMES);
        order_init(&c->order, c->order.seq, a->answered);
        adopt(rq, a->epoch, a->seq);
        for (size_t i = 0; i < a->seating_count; i++) {
            seat_update(c, &a->seatings[i].call, a->seatings[i].text);
            if (!seating_rings(a->seatings[i].text))
                suspension_tell(sig, &a->seatings[i].call, &rq->session, a->epoch, false);
        }
        greeting_drop(rq);
        welcome_start(rq, a, true);
    }
}

/* False: there is nothing to resume, or its fields make no sense. */
static bool attach_session(struct request *rq, const struct wire_value *resume)
{
    struct client *c = rq->client;
    struct slice key = wire_get_string(resume, "key");
    struct greeting *g = rq->story;
    g->attempt = ++rq->signaling->attempts;
    struct session_attach s = {.key = key,
                               .device = client_device(c),
                               .seq = (uint64_t)wire_get_int(resume, "seq", 0),
                               .attempt = g->attempt,
                               .asked_ms = rq->since_us / 1000};
    if (!resume || !id_parse(wire_get_string(resume, "session"), rq->signaling->settings.partitions, &s.id))
        return false;
    if (key.n != SESSION_KEY_CHARS || id_partition(&s.id) != user_partition(rq->signaling, s.device.user))
        return false;
    memcpy(c->key, key.p, key.n);
    rq->session = s.id;
    g->heard = mail_heard(rq->signaling, &s.id);
    order_init(&c->order, s.seq, rq->id);
    store_session_attach(rq->signaling->store, &s, on_attached, rq);
    return true;
}

/* ---- the token ---- */

static enum err check_token(struct request *rq, struct claims *claims, struct why why)
{
    const struct signaling_settings *s = &rq->signaling->settings;
    struct slice device = wire_get_string(rq->message, "device");
    enum err err =
        jwt_verify(s->keys, &s->expect, wire_get_string(rq->message, "token"), clock_wall_ms() / 1000, claims, why);
    if (err == ERR_OK && claims->device[0] && !slice_is(device, claims->device)) {
        claims_finish(claims);
        err = why_fail(why, ERR_UNAUTHORIZED, "the token is bound to another device");
    }
    return err;
}

/* What a client keeps of its session may be spoilt; that it is none can be told at once. */
static bool check_resume(struct request *rq)
{
    static const struct field rows[] = {
        {.name = "session", .kind = FIELD_STRING, .required = true},
        {.name = "key", .kind = FIELD_STRING, .required = true},
        {.name = "seq", .kind = FIELD_INT, .required = true, .min = 0, .max = (INT64_C(1) << 53) - 1},
        {.name = NULL},
    };
    const struct wire_value *resume = wire_get(rq->message, "resume");
    char why[WHY_SIZE];
    char sentence[WHY_SIZE + 32];
    if (!resume || resume->kind != WIRE_MAP || fields_check(resume, rows, WHY_IN(why)) == ERR_OK)
        return true;
    snprintf(sentence, sizeof sentence, "in `resume` %s", why);
    request_fail(rq, ERR_BAD_REQUEST, sentence);
    return false;
}

void hello_run(struct request *rq)
{
    if (check_resume(rq))
        admission_enter(rq->signaling->admission, rq);
}

void hello_admitted(struct request *rq)
{
    struct client *c = rq->client;
    const struct wire_value *resume = wire_get(rq->message, "resume");
    char why[WHY_SIZE];
    if (rq->signaling->draining) {
        client_close(c, CLOSE_RESTART); /* it came to a node that leaves */
        request_drop(rq);
        return;
    }
    c->claims = calloc(1, sizeof *c->claims);
    rq->story = calloc(1, sizeof(struct greeting));
    assert(c->claims && rq->story);
    c->state = CLIENT_GREETING;
    timer_cancel(&c->timer); /* from here on it is the store that takes its time */
    enum err err = check_token(rq, c->claims, WHY_IN(why));
    if (err != ERR_OK) {
        fail(rq, err, why);
        return;
    }
    c->device = slice_dup(wire_get_string(rq->message, "device"));
    memcpy(((struct greeting *)rq->story)->user, c->claims->user, sizeof c->claims->user);
    if (!attach_session(rq, resume)) {
        if (resume)
            metric_inc(rq->signaling->settings.metrics, METRIC_RESUMES_REFUSED);
        create_session(rq);
    }
}
