#include "node/signaling/private.h"

/*
 * call.invite: one more is rung, if that one can be reached and the call has a seat left, those who ring counted as seated. Whether one can be reached is asked first, and the
 * store decides: it knows a request that is sent again, and who sits there though nobody can be rung.
 */

enum { RING_MS = 45000 };

static void on_invited(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err == ERR_CONFLICT) {
        request_fail(rq, a->err, "that user sits in the call, or is being rung for it");
    } else if (a->err == ERR_FORBIDDEN) {
        request_fail(rq, a->err, "the call is locked: only its starter invites");
    } else if (a->err != ERR_OK) {
        request_fail_call(rq, a);
    } else {
        struct slice user = wire_get_string(rq->message, "to");
        const char *reach = rq->story;
        struct buf *b = request_ok_begin(rq, 2);
        wire_put_cstr(b, "reach");
        wire_put_map(b, 1);
        wire_put_string(b, user);
        wire_put_cstr(b, reach);
        wire_put_key_int(b, "version", (int64_t)a->version);
        fanout_for_request(rq, a);
    }
}

static void on_reach(void *context, enum err err, enum reach reach)
{
    static char ringing[] = "ringing";
    static char waiting[] = "waiting";
    struct request *rq = context;
    if (!rq->client) {
        request_drop(rq);
    } else if (err != ERR_OK) {
        request_fail(rq, err, NULL);
    } else {
        struct call_actor actor = request_actor(rq);
        rq->story = reach == REACH_RINGING ? ringing : waiting;
        struct call_invitation invitation = {.user = wire_get_string(rq->message, "to"),
                                             .ring_ms = (uint64_t)wire_get_int(rq->message, "ring_ms", RING_MS),
                                             .unreachable =
                                                 reach == REACH_NONE && !wire_get_bool(rq->message, "wait", false)};
        store_call_invite(rq->signaling->store, &actor, &invitation, on_invited, rq);
    }
}

/* Who rings people is charged for it, as by calls that are started. */
static void on_charged(void *context, enum err err, uint64_t retry_after_ms)
{
    struct request *rq = context;
    if (!rq->client)
        request_drop(rq);
    else if (err == ERR_RATE_LIMITED)
        request_fail_later(rq, err, "too many calls started and people invited in a minute", retry_after_ms);
    else if (err != ERR_OK)
        request_fail(rq, err, NULL);
    else
        store_user_reach(rq->signaling->store, wire_get_string(rq->message, "to"), slice_of(rq->client->claims->user),
                         on_reach, rq);
}

void call_invite_run(struct request *rq)
{
    if (!request_call(rq) || !callee_check(rq, wire_get_string(rq->message, "to")))
        return;
    struct charge c = {.user = slice_of(rq->client->claims->user), .session = rq->session, .request = rq->id};
    store_start_charge(rq->signaling->store, &c, on_charged, rq);
}
