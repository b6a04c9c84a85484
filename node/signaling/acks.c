#include "node/signaling/acks.h"

#include <utlist.h>

#include "node/signaling/client.h"
#include "node/store/sessions.h"

void ack_note(struct client *c, uint64_t seq)
{
    struct signaling *sig = c->signaling;
    if (order_ack(&c->order, seq) && !c->ack_pending) {
        c->ack_pending = true;
        DL_APPEND2(sig->acks, c, ack_prev, ack_next);
    }
}

void ack_flush(struct client *c)
{
    if (!c->ack_pending)
        return;
    c->ack_pending = false;
    DL_DELETE2(c->signaling->acks, c, ack_prev, ack_next);
    if (c->signaling->store && !id_is_none(&c->session))
        store_session_ack(c->signaling->store, &c->session, c->order.acked);
}

void acks_flush(struct signaling *sig)
{
    while (sig->acks)
        ack_flush(sig->acks);
}
