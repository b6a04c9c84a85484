#include "node/session/order.h"

void order_init(struct order *o, uint64_t seq, uint64_t request)
{
    *o = (struct order){.seq = seq, .heard = seq, .request = request, .run = request + 1};
}

enum order_step order_events(struct order *o, uint64_t first, uint64_t count, uint64_t *ret_skip)
{
    if (count > 0 && o->heard < first + count - 1)
        o->heard = first + count - 1;
    if (count > 0 && first > o->seq + 1)
        return ORDER_GAP;
    uint64_t old = o->seq + 1 - first;
    *ret_skip = old < count ? old : count;
    return ORDER_NEXT;
}

uint64_t order_written(struct order *o)
{
    o->seq++;
    if (o->heard < o->seq)
        o->heard = o->seq;
    return o->seq;
}

void order_lost(struct order *o, uint64_t last)
{
    if (o->heard > last)
        o->heard = last > o->seq ? last : o->seq;
}

bool order_is_behind(const struct order *o)
{
    return o->seq < o->heard;
}

bool order_ack(struct order *o, uint64_t seq)
{
    if (seq <= o->acked || seq > o->seq)
        return false;
    o->acked = seq;
    return true;
}

bool order_request(struct order *o, uint64_t id, uint64_t *ret_run)
{
    *ret_run = UINT64_MAX;
    if (id <= o->request)
        return false;
    if (id != o->request + 1)
        o->run = id;
    o->request = id;
    *ret_run = o->run;
    return true;
}

void order_doubt(struct order *o)
{
    o->run = o->request + 1;
}
