#include "node/signaling/fanout_done.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

#include "node/signaling/private.h"
#include "node/store/calls.h"

enum { NOTES_MAX = 4096 };

struct fanout_done {
    UT_hash_handle hh;
    struct id call;
    uint64_t first, last;
};

static void tell(struct signaling *sig, struct fanout_done *d)
{
    store_fanout_done(sig->store, &d->call, d->first, d->last);
    HASH_DEL(sig->fanouts_done, d);
    free(d);
}

void fanout_done_note(struct signaling *sig, const struct id *call, uint64_t first, uint64_t last)
{
    struct fanout_done *d = NULL;
    if (sig->stopped) {
        store_fanout_done(sig->store, call, first, last); /* nothing comes after this that would tell it later */
        return;
    }
    HASH_FIND(hh, sig->fanouts_done, call, sizeof *call, d);
    if (d && first <= d->last + 1 && last + 1 >= d->first) {
        d->first = first < d->first ? first : d->first;
        d->last = last > d->last ? last : d->last;
        return;
    }
    if (d)
        tell(sig, d);
    if (HASH_COUNT(sig->fanouts_done) >= NOTES_MAX)
        fanout_done_flush(sig);
    d = calloc(1, sizeof *d);
    assert(d);
    d->call = *call;
    d->first = first;
    d->last = last;
    HASH_ADD(hh, sig->fanouts_done, call, sizeof d->call, d);
}

void fanout_done_flush(struct signaling *sig)
{
    struct fanout_done *d = NULL;
    struct fanout_done *next = NULL;
    HASH_ITER(hh, sig->fanouts_done, d, next)
    {
        tell(sig, d);
    }
}
