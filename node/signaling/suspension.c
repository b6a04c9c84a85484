#include "node/signaling/suspension.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/log.h"
#include "common/base/name.h"
#include "node/signaling/client.h"
#include "node/signaling/fanout.h"
#include "node/signaling/seats.h"
#include "node/store/calls.h"

/*
 * A socket is gone, the session is not: it is suspended in the store first, fenced by its epoch; only if that holds are its calls told. Nobody waits for it, so
 * there is no request. While the store is away what it has to be told stays in a list and is said again until it is heard: this node lives, so no sweep of the
 * dead would do it.
 */

enum { UNDONE_MAX = 100000 };

/* A detach (no call), or a word to a call. */
struct undone {
    struct undone *next, *prev;
    struct signaling *signaling;
    struct id session;
    char user[NAME_MAX_CHARS + 1];
    uint64_t epoch;
    uint64_t attempt;
    bool suspended;
    bool asked; /* under way */
    size_t count;
    struct id calls[CALLS_OF_CLIENT_MAX]; /* a detach: to be told; a word: the first is the call */
};

static void undone_drop(struct undone *u)
{
    DL_DELETE(u->signaling->undone, u);
    u->signaling->undone_count--;
    free(u);
}

static struct undone *undone_create(struct signaling *sig, const struct id *session)
{
    if (sig->undone_count == UNDONE_MAX) {
        log_error("suspension.dropped", LOG_ID("session", session));
        return NULL;
    }
    struct undone *u = calloc(1, sizeof *u);
    assert(u);
    u->signaling = sig;
    u->session = *session;
    DL_APPEND(sig->undone, u);
    sig->undone_count++;
    return u;
}

/* ---- a word to a call ---- */

static void on_told(void *context, const struct call_answer *a)
{
    struct undone *u = context;
    u->asked = false;
    if (a->err == ERR_UNAVAILABLE)
        return; /* again at the next tick */
    if (a->err == ERR_OK && a->entry_count > 0)
        fanout_start(u->signaling, &u->calls[0], a, NULL, NULL);
    undone_drop(u);
}

static void ask_call(struct undone *u)
{
    struct call_actor actor = {.call = u->calls[0], .session = u->session};
    u->asked = true;
    store_call_mark(u->signaling->store, &actor, u->epoch, u->suspended, on_told, u);
}

void suspension_tell(struct signaling *sig, const struct id *call, const struct id *session, uint64_t epoch,
                     bool suspended)
{
    struct undone *u = undone_create(sig, session);
    if (!u)
        return;
    u->calls[0] = *call;
    u->epoch = epoch;
    u->suspended = suspended;
    ask_call(u);
}

/* ---- a detach ---- */

static void on_detached(void *context, enum err err)
{
    struct undone *u = context;
    u->asked = false;
    if (err == ERR_UNAVAILABLE)
        return;
    for (size_t i = 0; err == ERR_OK && i < u->count; i++)
        suspension_tell(u->signaling, &u->calls[i], &u->session, u->epoch, true);
    undone_drop(u);
}

static void ask_detach(struct undone *u)
{
    struct session_detach detach = {.id = u->session,
                                    .user = slice_of(u->user),
                                    .epoch = u->epoch,
                                    .attempt = u->attempt,
                                    .grace_ms = u->signaling->settings.grace_ms};
    u->asked = true;
    store_session_detach(u->signaling->store, &detach, on_detached, u);
}

void suspension_detach(struct signaling *sig, const struct session_detach *detach, const struct seat *seats,
                       size_t count)
{
    struct undone *u = undone_create(sig, &detach->id);
    if (!u)
        return;
    assert(detach->user.n <= NAME_MAX_CHARS && count <= CALLS_OF_CLIENT_MAX);
    memcpy(u->user, detach->user.p, detach->user.n);
    u->epoch = detach->epoch;
    u->attempt = detach->attempt;
    for (size_t i = 0; i < count; i++)
        u->calls[u->count++] = seats[i].call;
    ask_detach(u);
}

/* ---- again ---- */

/* A word to a call has no user; a detach has. */
void suspension_retry(struct signaling *sig)
{
    struct undone *u = NULL;
    struct undone *next = NULL;
    DL_FOREACH_SAFE(sig->undone, u, next)
    {
        if (u->asked)
            continue;
        if (u->user[0])
            ask_detach(u);
        else
            ask_call(u);
    }
}

/* The store is gone: every question has been answered. */
void suspension_forget(struct signaling *sig)
{
    struct undone *u = sig->undone;
    sig->undone = NULL;
    sig->undone_count = 0;
    while (u) {
        struct undone *next = u->next;
        free(u);
        u = next;
    }
}
