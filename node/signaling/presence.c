#include <stdio.h>

#include "common/base/why.h"
#include "node/signaling/people.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/signaling/watch.h"
#include "node/store/presence.h"

/* presence.set, presence.watch, presence.unwatch. */

void presence_set_run(struct request *rq)
{
    struct presence_set s = {.session = rq->session,
                             .epoch = rq->client->epoch,
                             .request = rq->id,
                             .reply = buf_slice(request_ok_begin(rq, 0)),
                             .user = slice_of(rq->client->claims->user),
                             .status = wire_get_string(rq->message, "status"),
                             .note = wire_get_string(rq->message, "note")};
    store_presence_set(rq->signaling->store, &s, on_request_done, rq);
}

/* One's own presence, as others see it, is for everybody. */
static bool may_watch(const struct client *c, struct slice user)
{
    return slice_is(user, c->claims->user) || may_call(c, user);
}

void presence_watch_run(struct request *rq)
{
    const struct wire_value *users = wire_get(rq->message, "users");
    for (size_t i = 0; i < users->array.n; i++) {
        if (!may_watch(rq->client, users->array.items[i].string)) {
            char why[WHY_SIZE];
            snprintf(why, sizeof why, "you may not watch `users[%zu]`: your token does not let you call that user", i);
            request_fail(rq, ERR_FORBIDDEN, why);
            return;
        }
    }
    watch_begin(rq, users);
}

void presence_unwatch_run(struct request *rq)
{
    const struct wire_value *users = wire_get(rq->message, "users");
    for (size_t i = 0; i < users->array.n; i++)
        watch_end(rq->client, users->array.items[i].string);
    request_ok(rq);
}
