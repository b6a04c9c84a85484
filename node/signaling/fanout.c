#include "node/signaling/fanout.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "node/signaling/fanout_done.h"
#include "node/signaling/heal.h"
#include "node/signaling/mail.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/store/rings.h"

/*
 * Each session's share is a leg. A leg that meets a hole (another node's change is still on its way) fills it from the call's log, from which the partition's owner
 * starts, too, if this node dies in between (fanout_resume).
 */

enum { LEGS_MAX = 64, HOLES_MAX = 8 };

/* One session's share, or that of all devices of a user who is rung. */
struct leg {
    struct fanout *fanout;
    struct id session; /* of a user's share: the acting one, if it goes along */
    struct slice user; /* empty: a session's share */
    uint64_t version;  /* the highest that it brings */
    uint64_t stands;   /* where the session stood when there was a hole; 0: it knows nothing of the call */
    unsigned holes;
    bool final;  /* the session is out of the call when it is done */
    bool enters; /* it sits down by it */
};

struct fanout {
    struct signaling *signaling;
    struct id call;
    struct request *request; /* whose reply travels with the own leg; NULL: nobody's */
    fanout_done_fn *on_done;
    void *context;
    uint64_t version, fanned; /* of the call, as its change was answered */
    char *bytes;              /* what the entries look into */
    size_t entry_count;
    struct call_entry entries[CALL_ENTRIES_MAX];
    size_t leg_count;
    size_t open;
    enum err err;      /* the first failure */
    bool session_gone; /* the store does not know it, and may have lost it */
    bool session_over; /* the session whose request it is has ended meanwhile */
    struct leg legs[LEGS_MAX];
};

static void leg_send(struct leg *, const struct call_entry *, size_t count);
static void leg_ring(struct leg *);

/* ---- the end ---- */

static void fanout_finish(struct fanout *f)
{
    if (f->err == ERR_OK && f->entry_count > 0)
        fanout_done_note(f->signaling, &f->call, f->entries[0].version, f->entries[f->entry_count - 1].version);
    if (f->on_done)
        f->on_done(f->context, f->err);
    free(f->bytes);
    free(f);
}

static void leg_done(struct leg *leg, enum err err)
{
    struct fanout *f = leg->fanout;
    if (err != ERR_OK && f->err == ERR_OK)
        f->err = err;
    if (--f->open == 0)
        fanout_finish(f);
}

/* ---- a leg ---- */

/* The mark of an entry for a session, or 0 if it does not concern it. */
static char mark_for(const struct signaling *sig, const struct id *session, struct slice targets)
{
    struct target t;
    while (target_next(&targets, sig->settings.partitions, &t)) {
        if (t.user.n == 0 && id_eq(&t.session, session))
            return t.mark;
    }
    return 0;
}

static struct slice own_reply(const struct leg *leg)
{
    const struct request *rq = leg->fanout->request;
    return rq && id_eq(&rq->session, &leg->session) ? buf_slice(&rq->reply) : (struct slice){0};
}

/* This word comes late: every mailbox had it, and the session has been out for so long that it has forgotten the call. */
static bool leg_is_late(const struct leg *leg, const struct call_answer *a)
{
    char last = 0;
    if (a->err == ERR_NOT_FOUND)
        return true; /* and so has the store */
    if (a->fanned >= leg->version)
        return true;
    for (size_t i = 0; i < a->entry_count; i++) {
        char mark = mark_for(leg->fanout->signaling, &leg->session, a->entries[i].targets);
        if (mark == '*' || mark == '=')
            return false; /* by that it enters */
        last = mark ? mark : last;
    }
    return leg->stands == 0 && mark_is_final(last);
}

static void on_log_for_leg(void *context, const struct call_answer *a)
{
    struct leg *leg = context;
    if (a->err != ERR_OK && a->err != ERR_NOT_FOUND)
        leg_done(leg, a->err);
    else if (leg_is_late(leg, a))
        leg_done(leg, ERR_OK);
    else
        leg_send(leg, a->entries, a->entry_count);
}

/* However it went, this share is over. */
static void leg_settle(struct leg *leg, enum err err)
{
    struct fanout *f = leg->fanout;
    bool over = err == ERR_GONE || err == ERR_OVERRUN || err == ERR_NOT_FOUND;
    if ((err == ERR_GONE || err == ERR_NOT_FOUND) && leg->enters && !leg->final)
        fanout_leave(f->signaling, &f->call, &leg->session, "lost", NULL,
                     NULL); /* it ended while it was on its way into the call */
    else if (err == ERR_NOT_FOUND && !leg->final)
        heal_missing(f->signaling, &f->call,
                     &leg->session); /* the end of a session frees its seats: this one was lost */
    if (over && own_reply(leg).n) {
        f->session_gone = err == ERR_NOT_FOUND && heal_may_help(f->request->client);
        f->session_over = !f->session_gone;
    }
    leg_done(leg, over ? ERR_OK : err == ERR_HOLE ? ERR_UNAVAILABLE : err);
}

static void on_delivered(void *context, enum err err, uint64_t version)
{
    struct leg *leg = context;
    struct fanout *f = leg->fanout;
    if (err == ERR_HOLE && ++leg->holes <= HOLES_MAX) {
        leg->stands = version;
        store_log_read(f->signaling->store, &f->call, version, on_log_for_leg, leg);
        return;
    }
    if (err == ERR_HOLE)
        log_error("fanout.stuck", LOG_ID("call", &f->call), LOG_U64("version", version));
    leg_settle(leg, err);
}

static void on_others_brought_out(void *context, enum err err)
{
    (void)err;
    leg_ring(context);
}

/*
 * A hole: one of the devices has not heard yet that it is out of the call. Whoever was about to tell it may be dead: the whole log is brought out, and it rings
 * again.
 */
static void on_rung(void *context, enum err err)
{
    struct leg *leg = context;
    struct fanout *f = leg->fanout;
    if (err == ERR_HOLE && f->request && leg->holes++ == 0)
        fanout_resume(f->signaling, &f->call, on_others_brought_out, leg);
    else
        leg_settle(leg, err);
}

/* How an entry concerns a user's devices. False: it does not. */
static bool target_for(const struct signaling *sig, struct slice user, struct slice targets, struct target *ret_target)
{
    while (target_next(&targets, sig->settings.partitions, ret_target)) {
        if (slice_eq(ret_target->user, user))
            return true;
    }
    return false;
}

static struct slice body_for(const struct call_entry *e, const struct id *session)
{
    return e->whole.n == 0 || slice_eq(e->whole, id_slice(session)) ? e->body : e->others;
}

static void leg_send(struct leg *leg, const struct call_entry *entries, size_t count)
{
    struct fanout *f = leg->fanout;
    struct delivery_entry own[CALL_ENTRIES_MAX];
    struct delivery d = {.session = leg->session, .call = f->call, .entries = own, .reply = own_reply(leg)};
    for (size_t i = 0; i < count; i++) {
        char mark = mark_for(f->signaling, &leg->session, entries[i].targets);
        if (!mark)
            continue;
        leg->final = mark_is_final(mark);
        leg->enters = leg->enters || mark == '*';
        leg->version = entries[i].version;
        own[d.count++] =
            (struct delivery_entry){entries[i].version, mark, entries[i].seating, body_for(&entries[i], &leg->session)};
    }
    d.request = d.reply.n ? f->request->id : 0;
    store_deliver(f->signaling->store, &d, on_delivered, leg);
}

/* All devices of a user in one step; with the acting session, if it is one of them and has no other share. */
static void leg_ring(struct leg *leg)
{
    struct fanout *f = leg->fanout;
    struct ring_entry own[CALL_ENTRIES_MAX];
    struct ring ring = {
        .call = f->call, .user = leg->user, .actor = leg->session, .entries = own, .reply = own_reply(leg)};
    struct target t;
    for (size_t i = 0; i < f->entry_count; i++) {
        const struct call_entry *e = &f->entries[i];
        if (!target_for(f->signaling, leg->user, e->targets, &t))
            continue;
        bool acts = !id_is_none(&leg->session) && id_eq(&t.session, &leg->session);
        char mark = acts ? mark_for(f->signaling, &t.session, e->targets) : 0;
        leg->final = leg->final || mark_is_final(mark) || mark == 'o';
        leg->enters = leg->enters || mark == '*';
        ring.caller = t.mark == '?' ? t.caller : ring.caller;
        own[ring.count++] = (struct ring_entry){e->version, t.mark, t.session, mark, e->seating, e->ring};
    }
    ring.request = ring.reply.n ? f->request->id : 0;
    store_ring(f->signaling->store, &ring, on_rung, leg);
}

/* ---- the start ---- */

/* False: no room. */
static bool add_leg(struct fanout *f, const struct id *session, struct slice user)
{
    for (size_t i = 0; i < f->leg_count; i++) {
        if (user.n > 0 ? slice_eq(f->legs[i].user, user) : id_eq(&f->legs[i].session, session))
            return true;
    }
    if (f->leg_count == LEGS_MAX)
        return false;
    f->legs[f->leg_count++] = (struct leg){.fanout = f, .session = *session, .user = user};
    return true;
}

/* The session that asked was ringing: all that concerns it concerns its user's devices as well, and goes with them. */
static bool acts_with_user(const struct fanout *f, struct slice user)
{
    struct target t;
    for (size_t i = 0; i < f->entry_count; i++) {
        struct slice targets = f->entries[i].targets;
        if (!mark_for(f->signaling, &f->request->session, targets))
            continue;
        if (!target_for(f->signaling, user, targets, &t) || !id_eq(&t.session, &f->request->session))
            return false;
    }
    return true;
}

static void add_own_leg(struct fanout *f)
{
    const struct client *c = f->request->client;
    struct slice user = c ? slice_of(c->claims->user) : (struct slice){0};
    struct target t;
    for (size_t i = 0; i < f->entry_count && user.n > 0; i++) {
        if (target_for(f->signaling, user, f->entries[i].targets, &t) && id_eq(&t.session, &f->request->session) &&
            acts_with_user(f, user)) {
            (void)add_leg(f, &t.session, t.user);
            return;
        }
    }
    (void)add_leg(f, &f->request->session, (struct slice){0});
}

static bool add_legs(struct fanout *f, struct slice targets)
{
    struct target t;
    struct id nobody = {0};
    while (target_next(&targets, f->signaling->settings.partitions, &t)) {
        if (!add_leg(f, t.user.n > 0 ? &nobody : &t.session, t.user))
            return false;
    }
    return true;
}

static struct slice keep(char **at, struct slice s)
{
    struct slice kept = slice_make(*at, s.n);
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

static void keep_entries(struct fanout *f, const struct call_answer *a)
{
    size_t bytes = 1;
    for (size_t i = 0; i < a->entry_count; i++) {
        const struct call_entry *e = &a->entries[i];
        bytes += e->targets.n + e->seating.n + e->body.n + e->ring.n + e->whole.n + e->others.n;
    }
    f->bytes = malloc(bytes);
    assert(f->bytes);
    char *at = f->bytes;
    for (size_t i = 0; i < a->entry_count; i++) {
        const struct call_entry *e = &a->entries[i];
        f->entries[f->entry_count++] = (struct call_entry){.version = e->version,
                                                           .targets = keep(&at, e->targets),
                                                           .seating = keep(&at, e->seating),
                                                           .body = keep(&at, e->body),
                                                           .ring = keep(&at, e->ring),
                                                           .whole = keep(&at, e->whole),
                                                           .others = keep(&at, e->others)};
    }
}

static void fanout_run(struct fanout *f)
{
    size_t fit = 0;
    if (f->request)
        add_own_leg(f);
    while (fit < f->entry_count && add_legs(f, f->entries[fit].targets))
        fit++;
    f->entry_count = fit;       /* a long log is brought out piece by piece: its timer comes again */
    f->open = f->leg_count + 1; /* one for ourselves: a leg may be done at once */
    for (size_t i = 0; i < f->leg_count; i++) {
        if (f->legs[i].user.n > 0)
            leg_ring(&f->legs[i]);
        else
            leg_send(&f->legs[i], f->entries, fit);
    }
    if (--f->open == 0)
        fanout_finish(f);
}

static void on_log(void *context, const struct call_answer *a)
{
    struct fanout *f = context;
    if (a->err != ERR_OK && a->err != ERR_NOT_FOUND) {
        f->err = a->err;
        fanout_finish(f);
        return;
    }
    if (a->entry_count == 0) /* nothing left to bring out: takes the timer away if that is the last version */
        store_fanout_done(f->signaling->store, &f->call, a->fanned + 1, a->fanned);
    free(f->bytes);
    keep_entries(f, a);
    fanout_run(f);
}

static struct fanout *fanout_create(struct signaling *sig, const struct id *call, fanout_done_fn *on_done,
                                    void *context)
{
    struct fanout *f = calloc(1, sizeof *f);
    assert(f);
    f->signaling = sig;
    f->call = *call;
    f->on_done = on_done;
    f->context = context;
    return f;
}

/* A change that had been made before, by a request that is sent again perhaps: if somebody has not heard of it yet, the log tells. */
static void fanout_begin(struct fanout *f)
{
    if (f->entry_count == 0 && f->fanned < f->version)
        store_log_read(f->signaling->store, &f->call, f->fanned, on_log, f);
    else
        fanout_run(f);
}

void fanout_start(struct signaling *sig, const struct id *call, const struct call_answer *a, fanout_done_fn *on_done,
                  void *context)
{
    struct fanout *f = fanout_create(sig, call, on_done, context);
    f->version = a->version;
    f->fanned = a->fanned;
    keep_entries(f, a);
    fanout_begin(f);
}

void fanout_resume(struct signaling *sig, const struct id *call, fanout_done_fn *on_done, void *context)
{
    store_log_read(sig->store, call, 0, on_log, fanout_create(sig, call, on_done, context));
}

/* ---- for a request ---- */

/*
 * The client's own seat, without waiting for the bus: its next signal may be here before the envelope is. But by what the bus has told meanwhile it may be out
 * of that call again: then the mailbox is asked.
 */
static void update_own_seat(struct request *rq, const struct fanout *f)
{
    char text[1024];
    for (size_t i = 0; i < f->entry_count; i++) {
        char mark = mark_for(f->signaling, &rq->session, f->entries[i].targets);
        if (!mark || mark == 'o')
            continue;
        int n = mark_is_final(mark) ? 0
                                    : snprintf(text, sizeof text, "%llu%.*s", (unsigned long long)f->entries[i].version,
                                               SLICE_FMT(f->entries[i].seating));
        seat_update(rq->client, &rq->call, slice_make(text, n > 0 && (size_t)n < sizeof text ? (size_t)n : 0));
    }
    if (rq->client->outs != rq->outs && seat_find(rq->client, &rq->call))
        mail_read(rq->client);
}

static void on_request_fanned(void *context, enum err err)
{
    struct fanout *f = context;
    struct request *rq = f->request;
    if (f->session_over && rq->client) {
        client_close(rq->client, CLOSE_RESTART); /* nobody is left to say ok to; its next hello gets the truth */
        request_drop(rq);
        return;
    }
    if (f->session_gone && rq->client)
        err = ERR_UNAVAILABLE; /* it may be sent again when the session is back */
    if (err == ERR_OK && rq->client)
        update_own_seat(rq, f);
    if (err == ERR_OK)
        request_ok(rq);
    else
        request_fail(rq, err, NULL);
}

struct fanout *fanout_hold(struct request *rq, const struct call_answer *a)
{
    struct fanout *f = fanout_create(rq->signaling, &rq->call, on_request_fanned, NULL);
    f->context = f;
    f->request = rq;
    f->version = a->version;
    f->fanned = a->fanned;
    keep_entries(f, a);
    return f;
}

void fanout_go(struct fanout *f)
{
    fanout_begin(f);
}

void fanout_drop(struct fanout *f)
{
    if (!f)
        return;
    free(f->bytes);
    free(f);
}

void fanout_for_request(struct request *rq, const struct call_answer *a)
{
    fanout_go(fanout_hold(rq, a));
}

/* ---- leaving on somebody's behalf ---- */

struct leaving {
    struct signaling *signaling;
    struct id call;
    fanout_done_fn *on_done;
    void *context;
};

static void on_left(void *context, const struct call_answer *a)
{
    struct leaving leaving = *(struct leaving *)context;
    free(context);
    if (a->err == ERR_OK)
        fanout_start(leaving.signaling, &leaving.call, a, leaving.on_done, leaving.context);
    else if (leaving.on_done) /* not there any more is as good */
        leaving.on_done(leaving.context, a->err == ERR_UNAVAILABLE ? ERR_UNAVAILABLE : ERR_OK);
}

void fanout_leave(struct signaling *sig, const struct id *call, const struct id *session, const char *reason,
                  fanout_done_fn *on_done, void *context)
{
    struct leaving *leaving = malloc(sizeof *leaving);
    assert(leaving);
    *leaving = (struct leaving){sig, *call, on_done, context};
    struct call_actor actor = {.call = *call, .session = *session};
    store_call_leave(sig->store, &actor, 0, reason, on_left, leaving);
}
