#include "node/signaling/call_reply.h"
#include "node/signaling/description.h"
#include "node/signaling/limits.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/rings.h"

/* call.accept: the store lets one device have the seat; the offer that rode on the invitation goes with it, the answer to the caller with call.joined. */

static void on_accepted(void *context, const struct call_answer *a)
{
    struct request *rq = context;
    if (a->err == ERR_CONFLICT) {
        request_fail(rq, a->err, "this device sits in the call, or `answer` has no offer to answer");
        return;
    }
    on_call_seated(rq, a);
}

/* Whether the call keeps addresses to itself is the call's to say: the answer goes along in both forms. */
static bool put_answer(struct request *rq, struct buf *plain, struct buf *blanked)
{
    const struct wire_value *answer = wire_get(rq->message, "answer");
    return !answer || (description_check_type(rq, "answer", "answer") && description_put(rq, answer, false, plain) &&
                       description_put(rq, answer, true, blanked));
}

static void accept(struct request *rq)
{
    struct buf plain;
    struct buf blanked;
    buf_init(&plain, rq->signaling->settings.message_bytes_max * 4);
    buf_init(&blanked, rq->signaling->settings.message_bytes_max * 4);
    if (put_answer(rq, &plain, &blanked)) {
        struct call_actor actor = request_actor(rq);
        struct call_acceptance acceptance = {.answer = buf_slice(&plain), .answer_blanked = buf_slice(&blanked)};
        store_call_accept(rq->signaling->store, &actor, &acceptance, on_accepted, rq);
    }
    buf_finish(&plain);
    buf_finish(&blanked);
}

void call_accept_run(struct request *rq)
{
    if (!request_call(rq))
        return;
    if (rq->client->seat_count > 0)
        request_sit(rq, accept);
    else
        accept(rq); /* an idle device that picks up has no time to lose */
}
