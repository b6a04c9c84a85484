/* Fakes of node/store/presence.h. */
#include <stdio.h>

#include "tests/unit/node/signaling/fake_private.h"

void store_presence_set(struct store *store, const struct presence_set *s, store_done_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_PRESENCE_SET, context);
    q->fn.done = fn;
    q->session = s->session;
    q->epoch = s->epoch;
    q->number = s->request;
    fake_describe(q, "%.*s: %.*s %.*s", SLICE_FMT(s->user), SLICE_FMT(s->status), SLICE_FMT(s->note));
    fake_describe_reply(q, s->reply);
}

static void note(struct store *store, char sign, struct slice user)
{
    size_t n = strlen(store->following);
    snprintf(store->following + n, sizeof store->following - n, "%c%.*s ", sign, SLICE_FMT(user));
}

void store_presence_follow(struct store *store, struct slice user)
{
    note(store, '+', user);
}

void store_presence_unfollow(struct store *store, struct slice user)
{
    note(store, '-', user);
}

void store_presence_get(struct store *store, struct slice user, const struct slice *watchers, size_t count,
                        presence_fn *fn, void *context)
{
    struct asked *q = fake_ask(store, ASKED_PRESENCE_GET, context);
    q->fn.presence = fn;
    fake_describe(q, "%.*s for", SLICE_FMT(user));
    for (size_t i = 0; i < count; i++)
        fake_describe(q, " %.*s", SLICE_FMT(watchers[i]));
}

void fake_presence(struct store *store, struct asked *asked, const struct presence_answer *answer)
{
    struct asked q = fake_take(store, asked);
    q.fn.presence(q.context, answer);
}

bool fake_presence_err(const struct asked *q, enum err err)
{
    if (q->kind == ASKED_PRESENCE_SET)
        q->fn.done(q->context, err);
    else if (q->kind == ASKED_PRESENCE_GET)
        q->fn.presence(q->context, &(struct presence_answer){.err = err});
    else
        return false;
    return true;
}
