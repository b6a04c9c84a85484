#include "node/signaling/limits.h"

#include "common/base/clock.h"
#include "node/signaling/heal.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/store/calls.h"
#include "node/store/people.h"

/* Limits that count by the minute: a bucket fills by as many sixtieths a second as there may be in a minute. */
enum { SIXTIETHS = 60, SIT_RETRY_MS = 1000 };

/* ---- ids that name no call ---- */

static void refuse_wrong_id(struct request *rq, uint64_t wait_ms)
{
    request_fail_later(rq, ERR_RATE_LIMITED, "too many ids that name no call of yours", wait_ms);
}

static void on_charged(void *context, enum err err, uint64_t wait_ms)
{
    struct request *rq = context;
    if (err != ERR_RATE_LIMITED) {
        request_fail(rq, ERR_NOT_FOUND, "`call` names no call that you may know of"); /* known without the store */
        return;
    }
    if (rq->client)
        rq->client->wrong_ids.level_milli = 0; /* the next ones stop here */
    refuse_wrong_id(rq, wait_ms);
}

/* Ids can't be guessed, but nobody shall try for free. */
void request_fail_wrong_id(struct request *rq)
{
    struct client *c = rq->client;
    if (!c) {
        request_drop(rq);
        return;
    }
    uint64_t wait_ms = bucket_take(&c->wrong_ids, &rq->signaling->settings.wrong_ids, SIXTIETHS, clock_steady_ms());
    if (wait_ms) {
        refuse_wrong_id(rq, wait_ms);
        return;
    }
    if (rq->signaling->settings.wrong_ids.rate_per_s == 0) {
        on_charged(rq, ERR_OK, 0);
        return;
    }
    struct charge w = {.user = slice_of(c->claims->user), .session = rq->session, .request = rq->id};
    store_wrong_id_charge(rq->signaling->store, &w, on_charged, rq);
}

void request_fail_call(struct request *rq, const struct call_answer *a)
{
    if (a->err != ERR_NOT_FOUND)
        request_fail(rq, a->err, NULL);
    else if (heal_may_find(rq, a->version))
        request_fail(rq, ERR_UNAVAILABLE, NULL);
    else
        request_fail_wrong_id(rq);
}

/* ---- seats and starts ---- */

static void refuse_seat(struct request *rq)
{
    request_fail_later(rq, ERR_RATE_LIMITED, "you sit in as many calls as one may: leave one first", SIT_RETRY_MS);
}

void request_fail_start(struct request *rq, const struct call_answer *a)
{
    if (a->err != ERR_RATE_LIMITED)
        request_fail(rq, a->err, NULL);
    else if (a->seated)
        refuse_seat(rq);
    else
        request_fail_later(rq, a->err, "too many calls started in a minute", a->retry_after_ms);
}

/* A device that comes back to its own seat takes none. */
static void on_seat_found(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (!rq->client)
        request_drop(rq);
    else if (a->err == ERR_OK && a->seating.n > 0)
        rq->sit(rq);
    else
        refuse_seat(rq);
}

static void on_seats(void *context, enum err err, uint64_t seats)
{
    struct request *rq = context;
    if (!rq->client) {
        request_drop(rq);
    } else if (err != ERR_OK) {
        request_fail(rq, err, NULL);
    } else if (seats < rq->signaling->settings.calls_open_max) {
        rq->sit(rq);
    } else {
        struct call_actor actor = request_actor(rq);
        store_call_get(rq->signaling->store, &actor, on_seat_found, rq);
    }
}

void request_sit(struct request *rq, void (*sit)(struct request *))
{
    if (seats_are_full(rq->client) && !seat_find(rq->client, &rq->call)) {
        refuse_seat(rq);
        return;
    }
    rq->sit = sit;
    store_user_seats(rq->signaling->store, slice_of(rq->client->claims->user), &rq->session, rq->client->epoch,
                     on_seats, rq);
}
