#include <assert.h>
#include <stdlib.h>

#include "node/signaling/private.h"

/*
 * A socket is gone, the session is not: it is suspended in the store first, fenced by its epoch; only if that holds are its calls told. Nobody waits for
 * it, so there is no request; what stays undone is done by the partitions' owners or overtaken by a resume.
 */

struct suspension {
    struct signaling *signaling;
    struct id session;
    uint64_t epoch;
    size_t count;
    struct id calls[];
};

struct telling {
    struct signaling *signaling;
    struct id call;
};

static void on_told(void *context, const struct call_answer *a)
{
    struct telling telling = *(struct telling *)context;
    free(context);
    if (a->err == ERR_OK && a->entry_count > 0)
        fanout_start(telling.signaling, &telling.call, a, NULL, NULL);
}

void suspension_tell(struct signaling *sig, const struct id *call, const struct id *session, uint64_t epoch,
                     bool suspended)
{
    struct telling *telling = malloc(sizeof *telling);
    assert(telling);
    *telling = (struct telling){sig, *call};
    struct call_actor actor = {.call = *call, .session = *session};
    store_call_mark(sig->store, &actor, epoch, suspended, on_told, telling);
}

static void on_detached(void *context, enum err err)
{
    struct suspension *s = context;
    for (size_t i = 0; err == ERR_OK && i < s->count; i++)
        suspension_tell(s->signaling, &s->calls[i], &s->session, s->epoch, true);
    free(s);
}

void suspension_start(struct signaling *sig, const struct id *session, struct slice user, uint64_t epoch,
                      const struct seat *seats, size_t count)
{
    struct suspension *s = malloc(sizeof *s + count * sizeof s->calls[0]);
    assert(s);
    *s = (struct suspension){.signaling = sig, .session = *session, .epoch = epoch, .count = count};
    for (size_t i = 0; i < count; i++)
        s->calls[i] = seats[i].call;
    struct session_detach detach = {.id = *session, .user = user, .epoch = epoch, .grace_ms = sig->settings.grace_ms};
    store_session_detach(sig->store, &detach, on_detached, s);
}
