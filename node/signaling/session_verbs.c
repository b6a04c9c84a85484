#include <string.h>

#include "common/base/clock.h"
#include "common/base/why.h"
#include "common/wire/writer.h"
#include "node/signaling/farewell.h"
#include "node/signaling/request.h"
#include "node/signaling/verbs.h"

/* The small verbs about the session itself. */

void ping_run(struct request *rq)
{
    request_ok(rq);
}

void ice_get_run(struct request *rq)
{
    const struct ice_config *ice = rq->signaling->settings.ice;
    struct buf *b = request_ok_begin(rq, 2);
    wire_put_cstr(b, "ice_servers");
    ice_config_write(ice, slice_of(rq->client->claims->user), clock_wall_ms() / 1000, b);
    wire_put_key_int(b, "ttl_s", (int64_t)ice_config_ttl_s(ice));
    request_ok(rq);
}

/* The same user on the same device goes on with a fresh token; anything else is refused, and the old one runs on. */
void auth_renew_run(struct request *rq)
{
    struct client *c = rq->client;
    const struct signaling_settings *s = &rq->signaling->settings;
    struct claims fresh;
    char why[WHY_SIZE];
    enum err err = jwt_verify(s->keys, &s->expect, wire_get_string(rq->message, "token"), clock_wall_ms() / 1000,
                              &fresh, WHY_IN(why));
    if (err != ERR_OK) {
        request_fail(rq, err, why);
        return;
    }
    if (strcmp(fresh.user, c->claims->user) != 0 || (fresh.device[0] && strcmp(fresh.device, c->device) != 0)) {
        claims_finish(&fresh);
        request_fail(rq, ERR_UNAUTHORIZED, "the token is another user's or bound to another device");
        return;
    }
    claims_finish(c->claims);
    *c->claims = fresh;
    wire_put_key_int(request_ok_begin(rq, 1), "expires_in_ms", (int64_t)client_arm_expiry(c));
    request_ok(rq);
}

static void on_farewell(void *context, enum err err)
{
    struct request *rq = context;
    struct client *c = rq->client;
    if (err != ERR_OK) {
        request_fail(rq, err, NULL);
        return;
    }
    request_ok_begin(rq, 0);
    if (c) {
        client_send(c, buf_slice(&rq->reply), 0);
        client_close(c, CLOSE_NORMAL); /* before the next request is looked at: there is no session for it */
    }
    request_drop(rq);
}

void bye_run(struct request *rq)
{
    struct client *c = rq->client;
    farewell_start(rq->signaling, &rq->session, slice_of(c->claims->user), c->epoch, "hangup", on_farewell, rq);
}
