#include <assert.h>
#include <stdlib.h>

#include "common/base/name.h"
#include "common/wire/writer.h"
#include "node/call/limits.h"
#include "node/signaling/call_parts.h"
#include "node/signaling/call_reply.h"
#include "node/signaling/fanout.h"
#include "node/signaling/limits.h"
#include "node/signaling/people.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/rings.h"

/*
 * call.start: who of the callees can be reached → the call is created with their invitations → if it is for one, the pair is claimed → everybody is told.
 *
 * Glare: two who start a call to each other each create theirs, then claim the pair, and the store lets one of them have it. The other answers that one's call
 * in place of its own, which nobody has been told of yet, and takes its own back. If the call that came first is over by then (hung up, rejected), the claim is
 * taken over. So there is one call whichever nodes the two are on, whatever comes first, whichever node dies: what has been done can be done again. The store
 * knows of a call that was taken back which one came in its place: sent again, the request finds that one, or that it is over.
 */

enum { CALLEES_MAX = CALL_SEATS_MAX - 1, CLAIM_SLACK_MS = 5000, CLAIM_TRIES = 8 };

struct callee {
    struct request *request;
    struct slice user; /* looks into the request */
    enum reach reach;
};

struct start {
    struct call_parts parts;
    struct buf invited; /* "user\nuser\n" */
    size_t count;
    size_t open; /* callees of whom it is not known yet whether they can be reached */
    struct callee callees[CALLEES_MAX];
    enum err err;
    bool wait;
    uint64_t ring_ms;
    struct fanout *held; /* what to tell of the own call */
    bool anew;           /* which this very request has made */
    bool taken_back;     /* it had been, for one that it crossed with, when the request came before */
    bool looks;          /* there is none as yet: the callee can't be reached, but may be calling */
    struct id own;
    struct id over; /* a call that was in the way */
    unsigned tries;
};

static void start_drop(struct request *rq)
{
    struct start *s = rq->story;
    rq->story = NULL;
    call_parts_finish(&s->parts);
    buf_finish(&s->invited);
    fanout_drop(s->held);
    free(s);
}

static void start_fail(struct request *rq, enum err err, const char *why)
{
    start_drop(rq);
    request_fail(rq, err, why);
}

/* If the client is gone, what is begun is finished by its next try, or by the partition's owner. True: the request is no more. */
static bool drop_if_left(struct request *rq)
{
    if (rq->client)
        return false;
    start_drop(rq);
    request_drop(rq);
    return true;
}

/* ---- the answer ---- */

/* The call was there already: who was rung then counts, not who could be by now. */
static void remember_rung(struct start *s, struct slice rung)
{
    for (size_t i = 0; i < s->count; i++) {
        struct slice users = rung;
        struct slice user;
        bool found = false;
        while (!found && slice_split(&users, '\n', &user))
            found = slice_eq(user, s->callees[i].user);
        if (!found)
            s->callees[i].reach = REACH_NONE;
        else if (s->callees[i].reach == REACH_NONE)
            s->callees[i].reach = REACH_WAITING;
    }
}

static const char *reach_word(const struct start *s, const struct callee *callee)
{
    if (callee->reach == REACH_RINGING)
        return "ringing";
    return callee->reach == REACH_WAITING || s->wait ? "waiting" : "unreachable";
}

static void put_reach(struct buf *b, const struct start *s)
{
    wire_put_cstr(b, "reach");
    wire_put_map(b, s->count);
    for (size_t i = 0; i < s->count; i++) {
        wire_put_string(b, s->callees[i].user);
        wire_put_cstr(b, reach_word(s, &s->callees[i]));
    }
}

static void put_started(struct request *rq, const struct call_answer *a)
{
    struct buf *b = request_ok_begin(rq, 4);
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    put_reach(b, rq->story);
    wire_put_key_int(b, "version", (int64_t)a->version);
}

static void go_on(struct request *rq)
{
    struct start *s = rq->story;
    struct fanout *held = s->held;
    s->held = NULL;
    start_drop(rq);
    fanout_go(held);
}

/* ---- glare ---- */

static void claim(struct request *rq);

struct crossing {
    struct request *request;
    struct fanout *fanout; /* of the call that was answered */
    enum err err;          /* or why it was not */
};

static void crossing_end(struct crossing *crossing)
{
    struct request *rq = crossing->request;
    struct fanout *fanout = crossing->fanout;
    enum err err = crossing->err;
    free(crossing);
    start_drop(rq);
    if (err == ERR_OK)
        fanout_go(fanout);
    else
        request_fail(rq, err,
                     err == ERR_GONE ? "another device of yours has just answered the call of this callee" : NULL);
}

static void on_left(void *context, enum err err)
{
    struct crossing *crossing = context;
    if (err != ERR_OK) {
        fanout_drop(crossing->fanout);
        crossing->err = err;
    }
    crossing_end(crossing);
}

static void on_discarded(void *context, enum err err)
{
    struct crossing *crossing = context;
    struct request *rq = crossing->request;
    const struct start *s = rq->story;
    if (err == ERR_CONFLICT)
        fanout_leave(rq->signaling, &s->own, &rq->session, "cancelled", on_left, crossing);
    else
        on_left(crossing, err);
}

/* The own call is taken back: silently if nobody can have heard of it. */
static void discard(struct request *rq, struct fanout *fanout, enum err err)
{
    struct start *s = rq->story;
    struct crossing *crossing = malloc(sizeof *crossing);
    assert(crossing);
    *crossing = (struct crossing){rq, fanout, err};
    if (s->taken_back || s->looks) {
        crossing_end(crossing);
        return;
    }
    struct call_discard d = {.call = s->own, .session = rq->session, .other = rq->call, .untold = s->anew};
    store_call_discard(rq->signaling->store, &d, on_discarded, crossing);
}

static void put_crossed(struct request *rq, const struct call_answer *a)
{
    struct buf *b = request_ok_begin(rq, a->offer.n > 0 ? 8 : 6);
    struct callee *callee = &((struct start *)rq->story)->callees[0];
    if (callee->reach == REACH_NONE)
        callee->reach = REACH_RINGING; /* who calls is there, and shows it */
    wire_put_key_string(b, "call", id_slice(&rq->call));
    wire_put_key_int(b, "peer", a->peer);
    wire_put_key_bool(b, "glare", true);
    put_reach(b, rq->story);
    wire_put_key_raw(b, "members", a->members);
    offer_put(b, a);
    wire_put_key_int(b, "version", (int64_t)a->version);
}

static void on_crossed(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    struct start *s = rq->story;
    if (a->err == ERR_OK) {
        put_crossed(rq, a);
        discard(rq, fanout_hold(rq, a), ERR_OK);
    } else if (a->err == ERR_GONE) {
        discard(rq, NULL, ERR_GONE);
    } else if (a->err == ERR_UNAVAILABLE || a->err == ERR_STALE) {
        start_fail(rq, a->err, NULL);
    } else if (s->taken_back) {
        start_fail(rq, ERR_GONE, "the call that it crossed with is over");
    } else if (!drop_if_left(rq)) {
        s->over = rq->call; /* there is nothing to cross with any more */
        rq->call = s->own;
        claim(rq);
    }
}

static void cross(struct request *rq, const struct id *other)
{
    const struct start *s = rq->story;
    rq->call = *other;
    struct call_actor actor = request_actor(rq);
    struct call_acceptance crossing = {.glare = true, .relay = s->parts.relay};
    store_call_accept(rq->signaling->store, &actor, &crossing, on_crossed, rq);
}

static void create(struct request *rq);

static void on_claimed(void *context, enum err err, const struct id *other)
{
    struct request *rq = context;
    struct start *s = rq->story;
    bool crosses = err == ERR_CONFLICT && ++s->tries <= CLAIM_TRIES;
    if (err != ERR_OK && err != ERR_CONFLICT)
        start_fail(rq, err, NULL);
    else if (!crosses && !s->looks)
        go_on(rq);
    else if (drop_if_left(rq))
        return;
    else if (crosses)
        cross(rq, other);
    else
        create(rq);
}

static void claim(struct request *rq)
{
    const struct start *s = rq->story;
    struct pair_claim c = {.call = s->own,
                           .caller = slice_of(rq->client->claims->user),
                           .callee = s->callees[0].user,
                           .over = s->over,
                           .ms = s->looks ? 0 : s->ring_ms + CLAIM_SLACK_MS};
    store_pair_claim(rq->signaling->store, &c, on_claimed, rq);
}

/* ---- the own call ---- */

static void on_created(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    struct start *s = rq->story;
    if (drop_if_left(rq))
        return;
    s->taken_back = a->err == ERR_CONFLICT && !id_is_none(&a->crossed);
    if (s->taken_back) {
        remember_rung(s, s->callees[0].user);
        cross(rq, &a->crossed);
        return;
    }
    if (a->err != ERR_OK) {
        start_drop(rq);
        request_fail_start(rq, a);
        return;
    }
    s->anew = a->entry_count > 0;
    if (!s->anew)
        remember_rung(s, a->rung);
    put_started(rq, a);
    s->held = fanout_hold(rq, a);
    if (s->count == 1)
        claim(rq);
    else
        go_on(rq);
}

static void create(struct request *rq)
{
    struct start *s = rq->story;
    s->own = rq->call = call_id_derive(rq);
    struct call_create c = {.actor = request_actor(rq),
                            .seats = (unsigned)wire_get_int(rq->message, "seats", s->count == 1 ? 2 : CALL_SEATS_MAX),
                            .open = wire_get(rq->message, "allow") != NULL,
                            .allow = buf_slice(&s->parts.allow),
                            .callees = buf_slice(&s->invited),
                            .unreachable = s->count > 0 && s->invited.n == 0,
                            .ring_ms = s->ring_ms};
    call_parts_put(rq, &s->parts, &c);
    store_call_create(rq->signaling->store, &c, on_created, rq);
}

/* ---- who can be reached ---- */

static void on_all_known(struct request *rq)
{
    struct start *s = rq->story;
    if (drop_if_left(rq))
        return;
    for (size_t i = 0; i < s->count; i++) {
        if (s->callees[i].reach == REACH_NONE && !s->wait)
            continue;
        buf_put(&s->invited, s->callees[i].user);
        buf_put_cstr(&s->invited, "\n");
    }
    if (s->err != ERR_OK) {
        start_fail(rq, s->err, NULL);
    } else if (s->count == 1 && s->invited.n == 0) {
        /* One who has blocked the caller may be calling all the same: then the two have crossed, as any two. */
        s->own = call_id_derive(rq);
        s->looks = true;
        claim(rq);
    } else {
        create(rq);
    }
}

static void on_reach(void *context, enum err err, enum reach reach)
{
    struct callee *callee = context;
    struct start *s = callee->request->story;
    callee->reach = reach;
    s->err = err != ERR_OK ? err : s->err;
    if (--s->open == 0)
        on_all_known(callee->request);
}

static void ask_reach(struct request *rq)
{
    struct start *s = rq->story;
    s->open = s->count + 1; /* one for ourselves: answers may come at once */
    for (size_t i = 0; i < s->count; i++)
        store_user_reach(rq->signaling->store, s->callees[i].user, slice_of(rq->client->claims->user), on_reach,
                         &s->callees[i]);
    if (--s->open == 0)
        on_all_known(rq);
}

/* ---- the request ---- */

/* False: the request was answered. */
static bool check(struct request *rq, const struct wire_value *to)
{
    int64_t seats = wire_get_int(rq->message, "seats", CALL_SEATS_MAX);
    if (to->array.n != 1 && wire_get(rq->message, "offer")) {
        request_fail(rq, ERR_BAD_REQUEST, "`offer` goes with exactly one callee");
        return false;
    }
    const struct wire_value *candidates = wire_get(rq->message, "candidates");
    if (candidates && candidates->array.n > 0 && !wire_get(rq->message, "offer")) {
        request_fail(rq, ERR_BAD_REQUEST, "`candidates` go with an `offer`; without one the newcomer makes the offers");
        return false;
    }
    if ((int64_t)to->array.n + 1 > seats) {
        request_fail(rq, ERR_BAD_REQUEST, "`seats` should be enough for you and everybody in `to`");
        return false;
    }
    for (size_t i = 0; i < to->array.n; i++) {
        if (!callee_check(rq, to->array.items[i].string))
            return false;
    }
    return true;
}

void call_start_run(struct request *rq)
{
    const struct wire_value *to = wire_get(rq->message, "to");
    if (!check(rq, to))
        return;
    struct start *s = calloc(1, sizeof *s);
    assert(s);
    rq->story = s;
    if (!call_parts_read(rq, &s->parts)) {
        free(s); /* the request was answered */
        return;
    }
    buf_init(&s->invited, CALLEES_MAX * (NAME_MAX_CHARS + 1));
    s->wait = wire_get_bool(rq->message, "wait", false);
    s->ring_ms = (uint64_t)wire_get_int(rq->message, "ring_ms", CALL_RING_MS);
    for (; s->count < to->array.n; s->count++)
        s->callees[s->count] = (struct callee){.request = rq, .user = to->array.items[s->count].string};
    ask_reach(rq);
}
