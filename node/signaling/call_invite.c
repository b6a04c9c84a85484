#include <assert.h>
#include <stdlib.h>

#include "common/wire/writer.h"
#include "node/call/limits.h"
#include "node/signaling/fanout.h"
#include "node/signaling/limits.h"
#include "node/signaling/people.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/people.h"
#include "node/store/rings.h"

/*
 * call.invite: one more is rung, if that one can be reached and the call has a seat left, those who ring counted as seated. Whether one can be reached is asked
 * first, while the caller is charged, and the store decides: it knows a request that is sent again, and who sits there though nobody can be rung.
 */

/* What has to be known before. */
struct asking {
    unsigned open; /* questions */
    enum err charged, reached;
    uint64_t retry_after_ms;
    enum reach reach;
};

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

static void invite(struct request *rq, enum reach reach)
{
    static char ringing[] = "ringing";
    static char waiting[] = "waiting";
    struct call_actor actor = request_actor(rq);
    rq->story = reach == REACH_RINGING ? ringing : waiting;
    struct call_invitation invitation = {.user = wire_get_string(rq->message, "to"),
                                         .ring_ms = (uint64_t)wire_get_int(rq->message, "ring_ms", CALL_RING_MS),
                                         .unreachable =
                                             reach == REACH_NONE && !wire_get_bool(rq->message, "wait", false)};
    store_call_invite(rq->signaling->store, &actor, &invitation, on_invited, rq);
}

static void answered(struct request *rq)
{
    struct asking *asking = rq->story;
    if (--asking->open > 0)
        return;
    struct asking a = *asking;
    free(asking);
    rq->story = NULL;
    if (!rq->client)
        request_drop(rq);
    else if (a.charged == ERR_RATE_LIMITED)
        request_fail_later(rq, a.charged, "too many calls started and people invited in a minute", a.retry_after_ms);
    else if (a.charged != ERR_OK || a.reached != ERR_OK)
        request_fail(rq, a.charged != ERR_OK ? a.charged : a.reached, NULL);
    else
        invite(rq, a.reach);
}

static void on_reach(void *context, enum err err, enum reach reach)
{
    struct request *rq = context;
    struct asking *asking = rq->story;
    asking->reached = err;
    asking->reach = reach;
    answered(rq);
}

/* Who rings people is charged for it, as by calls that are started. */
static void on_charged(void *context, enum err err, uint64_t retry_after_ms)
{
    struct request *rq = context;
    struct asking *asking = rq->story;
    asking->charged = err;
    asking->retry_after_ms = retry_after_ms;
    answered(rq);
}

void call_invite_run(struct request *rq)
{
    struct slice user = wire_get_string(rq->message, "to");
    if (!request_call(rq) || !callee_check(rq, user))
        return;
    struct slice caller = slice_of(rq->client->claims->user);
    struct charge c = {.user = caller, .session = rq->session, .request = rq->id};
    struct asking *asking = calloc(1, sizeof *asking);
    assert(asking);
    asking->open = 2;
    rq->story = asking;
    store_user_reach(rq->signaling->store, user, caller, on_reach, rq);
    store_start_charge(rq->signaling->store, &c, on_charged, rq);
}
