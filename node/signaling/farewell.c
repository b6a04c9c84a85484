#include "node/signaling/farewell.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/name.h"
#include "node/signaling/private.h"
#include "node/store/sessions.h"

/*
 * The end of a session: ended in the store, its seats freed one call after the other, then forgotten. Each step may be done twice; if this node
 * dies in between, the session's timer is still there and the partition's owner starts anew.
 */

enum { RETRY_MS = 2000 };

struct farewell {
    struct signaling *signaling;
    struct id session;
    char user[NAME_MAX_CHARS + 1];
    const char *reason;
    fanout_done_fn *on_done;
    void *context;
    size_t open;
    bool more; /* seats than one answer tells */
    enum err err;
};

static void finish(struct farewell *f, enum err err)
{
    if (f->on_done)
        f->on_done(f->context, err);
    free(f);
}

static void on_forgotten(void *context, enum err err)
{
    finish(context, err);
}

static void on_seat_freed(void *context, enum err err)
{
    struct farewell *f = context;
    if (err != ERR_OK)
        f->err = err;
    if (--f->open > 0)
        return;
    if (f->err != ERR_OK || f->more)
        finish(f, f->more ? ERR_UNAVAILABLE : f->err); /* the timer comes again */
    else
        store_session_forget(f->signaling->store, &f->session, slice_of(f->user), on_forgotten, f);
}

static void on_ended(void *context, const struct session_answer *a)
{
    struct farewell *f = context;
    if (a->err != ERR_OK) {
        finish(f, a->err == ERR_GONE ? ERR_OK : a->err);
        return;
    }
    f->open = a->seating_count + 1;
    f->more = a->seating_count == STORE_SEATINGS_MAX;
    for (size_t i = 0; i < a->seating_count; i++)
        fanout_leave(f->signaling, &a->seatings[i].call, &f->session, f->reason, on_seat_freed, f);
    on_seat_freed(f, ERR_OK);
}

void farewell_start(struct signaling *sig, const struct id *session, struct slice user, uint64_t epoch,
                    const char *reason, fanout_done_fn *on_done, void *context)
{
    struct farewell *f = calloc(1, sizeof *f);
    assert(f && user.n <= NAME_MAX_CHARS);
    f->signaling = sig;
    f->session = *session;
    memcpy(f->user, user.p, user.n);
    f->reason = reason;
    f->on_done = on_done;
    f->context = context;
    struct session_end s = {.id = *session, .user = slice_of(f->user), .epoch = epoch, .retry_ms = RETRY_MS};
    store_session_end(sig->store, &s, on_ended, f);
}
