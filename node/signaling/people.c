#include "node/signaling/people.h"

#include <stdio.h>

#include "common/auth/pattern.h"
#include "common/base/name.h"
#include "common/base/why.h"
#include "common/wire/writer.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"
#include "node/store/people.h"

static bool matches_default(const struct signaling *sig, struct slice user)
{
    for (const char *const *pattern = sig->settings.call_default; pattern && *pattern; pattern++) {
        if (pattern_matches(slice_of(*pattern), user))
            return true;
    }
    return false;
}

bool may_call(const struct client *c, struct slice user)
{
    const struct claims *claims = c->claims;
    if (!claims->has_call)
        return matches_default(c->signaling, user);
    for (size_t i = 0; i < claims->call_count; i++) {
        if (pattern_matches(slice_of(claims->call[i]), user))
            return true;
    }
    return false;
}

bool callee_check(struct request *rq, struct slice user)
{
    if (slice_is(user, rq->client->claims->user))
        request_fail(rq, ERR_BAD_REQUEST, "`to` should name others than yourself");
    else if (!may_call(rq->client, user))
        request_fail(rq, ERR_FORBIDDEN, "your token does not let you call that user");
    else
        return true;
    return false;
}

/* ---- block.set, block.get ---- */

/*
 * "user\nuser\n". Not the table's FIELD_NAMES: that no name stands twice is dear to find out in so long a list, and the store does not mind. False: answered.
 */
static bool put_blocked(struct request *rq, const struct wire_value *users, struct buf *out)
{
    struct slice self = slice_of(rq->client->claims->user);
    for (size_t i = 0; i < users->array.n; i++) {
        const struct wire_value *user = &users->array.items[i];
        char why[WHY_SIZE];
        if (user->kind != WIRE_STRING || !name_is_valid(user->string)) {
            snprintf(why, sizeof why, "`users[%zu]` should be a user's name", i);
            request_fail(rq, ERR_BAD_REQUEST, why);
            return false;
        }
        if (slice_eq(user->string, self)) {
            request_fail(rq, ERR_BAD_REQUEST, "`users` should name others than yourself");
            return false;
        }
        buf_put(out, user->string);
        buf_put_char(out, '\n');
    }
    return request_fits(rq, out);
}

void block_set_run(struct request *rq)
{
    struct buf blocked;
    buf_init(&blocked, BLOCKED_USERS_MAX * (NAME_MAX_CHARS + 1));
    if (put_blocked(rq, wire_get(rq->message, "users"), &blocked)) {
        struct block_set b = {.session = rq->session,
                              .epoch = rq->client->epoch,
                              .request = rq->id,
                              .reply = buf_slice(request_ok_begin(rq, 0)),
                              .user = slice_of(rq->client->claims->user),
                              .blocked = buf_slice(&blocked)};
        store_block_set(rq->signaling->store, &b, on_request_done, rq);
    }
    buf_finish(&blocked);
}

static void on_block_got(void *context, enum err err, const struct slice *users, size_t count)
{
    struct request *rq = context;
    if (err != ERR_OK) {
        request_fail(rq, err, NULL);
        return;
    }
    struct buf *b = request_ok_begin(rq, 1);
    wire_put_cstr(b, "users");
    wire_put_array(b, count);
    for (size_t i = 0; i < count; i++)
        wire_put_string(b, users[i]);
    request_ok(rq);
}

void block_get_run(struct request *rq)
{
    store_block_get(rq->signaling->store, slice_of(rq->client->claims->user), on_block_got, rq);
}
