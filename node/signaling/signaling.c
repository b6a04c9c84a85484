#include "node/signaling/signaling.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/random.h"
#include "common/wire/writer.h"
#include "node/signaling/acks.h"
#include "node/signaling/admission.h"
#include "node/signaling/client.h"
#include "node/signaling/fanout_done.h"
#include "node/signaling/farewell.h"
#include "node/signaling/mail.h"
#include "node/signaling/owner.h"
#include "node/signaling/suspension.h"
#include "node/signaling/watch.h"

/* JSON takes up to six bytes for one of a body: for a control character, say. */
enum { BODY_BYTES_MAX = 1 << 20, FRAME_BYTES_MAX = 8 * BODY_BYTES_MAX };

struct signaling *signaling_create(const struct signaling_settings *settings)
{
    struct signaling *sig = calloc(1, sizeof *sig);
    assert(sig);
    sig->settings = *settings;
    sig->settings.metrics->series[METRIC_REQUESTS_FAILED] =
        (struct metric_series){"code", err_codes, sig->refused, ERR_COUNT};
    buf_init(&sig->body, BODY_BYTES_MAX);
    buf_init(&sig->frame, FRAME_BYTES_MAX);
    buf_init(&sig->items, settings->message_bytes_max * 4);
    return sig;
}

unsigned user_partition(const struct signaling *sig, struct slice user)
{
    return partition_of_user(user, sig->settings.partitions);
}

/* ---- an operator's hand ---- */

/* Not a ban: with a token that is good still, the client may come again. Its farewell goes first, so that its socket's end finds a session that is over. */
static void on_kicked(void *context, const struct id *session, struct slice user, uint64_t epoch)
{
    struct signaling *sig = context;
    struct client *c = client_of(sig, session);
    if (sig->stopped)
        return;
    log_info("session.kicked", LOG_STR("user", user));
    farewell_start(sig, session, user, epoch, "admin", NULL, NULL);
    if (c && c->epoch == epoch)
        client_close(c, CLOSE_ENDED_BY_ADMIN);
}

static void on_drain_wanted(void *context)
{
    struct signaling *sig = context;
    log_info("node.drain_asked", LOG_CSTR("by", "an operator"));
    sig->settings.on_drain(sig->settings.context);
}

struct store_events signaling_store_events(struct signaling *sig)
{
    return (struct store_events){.on_events = on_mail_events,
                                 .on_detached = on_mail_detached,
                                 .on_presence = on_watch_presence,
                                 .on_blocks = on_watch_blocks,
                                 .on_followed = on_watch_followed,
                                 .on_healed = on_mail_healed,
                                 .on_kicked = on_kicked,
                                 .on_drain = on_drain_wanted,
                                 .context = sig};
}

void signaling_start(struct signaling *sig, struct store *store)
{
    sig->store = store;
    sig->owner = owner_create(sig);
    sig->admission = admission_create(sig);
}

void signaling_set_keys(struct signaling *sig, const struct keyring *keys, const struct ice_config *ice)
{
    sig->settings.keys = keys;
    sig->settings.ice = ice;
}

size_t signaling_client_count(const struct signaling *sig)
{
    return sig->client_count;
}

static void on_leave_now(struct timer *timer)
{
    client_close(CONTAINER_OF(timer, struct client, timer), CLOSE_RESTART);
}

/* {"type":"reconnect","after_ms":n}: each at a time of its own, so that they don't all arrive elsewhere at once. */
static void send_away(struct client *c, uint64_t window_ms)
{
    struct buf *body = &c->signaling->body;
    uint64_t after_ms = random_below(window_ms + 1);
    if (c->state == CLIENT_LIVE) {
        buf_clear(body);
        wire_put_map(body, 2);
        wire_put_key_cstr(body, "type", "reconnect");
        wire_put_key_int(body, "after_ms", (int64_t)after_ms);
        client_send(c, buf_slice(body), 0);
    }
    timer_set(c->signaling->settings.timers, &c->timer, after_ms, on_leave_now);
}

void signaling_drain(struct signaling *sig, uint64_t window_ms)
{
    sig->draining = true;
    owner_renew(sig->owner); /* whoever looks at the cluster sees it at once */
    log_info("node.draining", LOG_U64("clients", sig->client_count), LOG_U64("window_ms", window_ms));
    for (struct client *c = sig->clients, *next = NULL; c; c = next) {
        next = c->next;
        if (c->state != CLIENT_CLOSING)
            send_away(c, window_ms);
    }
}

void signaling_stop(struct signaling *sig)
{
    if (sig->stopped)
        return;
    acks_flush(sig);
    fanout_done_flush(sig);
    sig->stopped = true;
    owner_destroy(sig->owner);
    sig->owner = NULL;
    admission_destroy(sig->admission);
    sig->admission = NULL;
}

void signaling_destroy(struct signaling *sig)
{
    if (!sig)
        return;
    assert(!sig->clients);
    suspension_forget(sig);
    sig->settings.metrics->series[METRIC_REQUESTS_FAILED] = (struct metric_series){0};
    buf_finish(&sig->body);
    buf_finish(&sig->frame);
    buf_finish(&sig->items);
    free(sig);
}
