#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "node/signaling/private.h"

/*
 * Which versions of which calls all mailboxes have. The store is told a little later, once for the changes of a moment: until then the call's timer stands, and
 * if this node dies its owner brings them out once more, which does no harm.
 */

enum { NOTES_MAX = 4096 };

struct brought_out {
    UT_hash_handle hh;
    struct id call;
    uint64_t first, last;
};

static void tell(struct signaling *sig, struct brought_out *b)
{
    store_fanout_done(sig->store, &b->call, b->first, b->last);
    HASH_DEL(sig->brought_out, b);
    free(b);
}

void brought_out_note(struct signaling *sig, const struct id *call, uint64_t first, uint64_t last)
{
    struct brought_out *b = NULL;
    if (sig->stopped) {
        store_fanout_done(sig->store, call, first, last); /* nothing comes after this that would tell it later */
        return;
    }
    HASH_FIND(hh, sig->brought_out, call, sizeof *call, b);
    if (b && first <= b->last + 1 && last + 1 >= b->first) {
        b->first = first < b->first ? first : b->first;
        b->last = last > b->last ? last : b->last;
        return;
    }
    if (b)
        tell(sig, b);
    if (HASH_COUNT(sig->brought_out) >= NOTES_MAX)
        brought_out_flush(sig);
    b = calloc(1, sizeof *b);
    assert(b);
    b->call = *call;
    b->first = first;
    b->last = last;
    HASH_ADD(hh, sig->brought_out, call, sizeof b->call, b);
}

void brought_out_flush(struct signaling *sig)
{
    struct brought_out *b = NULL;
    struct brought_out *next = NULL;
    HASH_ITER(hh, sig->brought_out, b, next)
    {
        tell(sig, b);
    }
}
