#include "node/signaling/request.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/why.h"
#include "common/wire/fields.h"
#include "common/wire/writer.h"
#include "node/call/limits.h"
#include "node/signaling/limits.h"
#include "node/signaling/verbs.h"
#include "node/store/calls.h"

/* The largest description that a message can hold, what waited with it, and who sits there. */
enum { REPLY_BYTES_MAX = (1 << 20) + 2 * OFFER_CANDIDATE_BYTES_MAX };

static struct request *request_create(struct client *c, const struct verb *verb, struct wire_doc *doc, uint64_t id)
{
    struct request *rq = calloc(1, sizeof *rq);
    assert(rq);
    rq->signaling = c->signaling;
    rq->client = c;
    rq->session = c->session;
    rq->verb = verb;
    rq->doc = doc;
    rq->message = wire_doc_root(doc);
    rq->id = id;
    rq->since_us = clock_steady_us();
    buf_init(&rq->reply, REPLY_BYTES_MAX);
    return rq;
}

void request_forget_message(struct request *rq)
{
    wire_doc_destroy(rq->doc);
    rq->doc = NULL;
    rq->message = NULL;
}

void request_destroy(struct request *rq)
{
    wire_doc_destroy(rq->doc);
    buf_finish(&rq->reply);
    free(rq);
}

/* ---- running ---- */

static void request_run(struct request *rq)
{
    rq->session = rq->client->session;
    rq->client->current = rq;
    rq->verb->run(rq);
}

static void on_kept_reply(void *context, enum err err, struct slice body)
{
    struct request *rq = context;
    if (!rq->client) {
        request_drop(rq);
    } else if (err == ERR_OK) {
        buf_put(&rq->reply, body);
        request_ok(rq);
    } else if (err == ERR_NOT_FOUND || (err == ERR_GONE && !rq->verb->is_kept)) {
        rq->verb->run(rq);
    } else if (err == ERR_GONE) {
        request_fail(rq, ERR_CONFLICT,
                     "`id` is of a request so long ago that its answer is not kept: it is not done again");
    } else {
        request_fail(rq, err, NULL);
    }
}

/* An id that is not above the highest so far: the request was sent before. */
static void request_replay(struct request *rq)
{
    rq->session = rq->client->session;
    rq->client->current = rq;
    store_reply_find(rq->signaling->store, &rq->session, rq->id, on_kept_reply, rq);
}

static void request_begin(struct request *rq)
{
    struct client *c = rq->client;
    if (c->state == CLIENT_NEW && rq->verb != &verb_hello) {
        client_close(c, CLOSE_BAD_STATE); /* it came behind a hello that failed */
        request_drop(rq);
        return;
    }
    rq->outs = c->outs;
    bool sent_before = !order_request(&c->order, rq->id, &rq->run);
    if (sent_before && c->state == CLIENT_LIVE && rq->verb->run != signal_run)
        request_replay(rq);
    else
        request_run(rq); /* a signal that was stored before is known by its id in the mailbox */
}

void request_next(struct client *c)
{
    while (!c->current && c->waiting && c->state != CLIENT_CLOSING) {
        struct request *rq = c->waiting;
        if (c->outboxes && rq->verb->run != signal_run)
            return; /* a leave must not overtake the signals before it: the last outbox goes on here */
        DL_DELETE(c->waiting, rq);
        client_load(c, -1);
        request_begin(rq);
    }
}

static void request_queue(struct request *rq)
{
    struct client *c = rq->client;
    DL_APPEND(c->waiting, rq);
    client_load(c, 1);
    request_next(c);
}

static enum err refuse_type(const struct wire_value *message, struct why why)
{
    static const struct field rows[] = {{.name = "type", .kind = FIELD_STRING, .required = true}, {.name = NULL}};
    enum err err = fields_check(message, rows, why);
    return err == ERR_OK ? why_fail(why, ERR_BAD_REQUEST, "`type` is no request of this protocol") : err;
}

void request_take(struct client *c, struct wire_doc *doc)
{
    const struct wire_value *message = wire_doc_root(doc);
    uint64_t id = (uint64_t)wire_get_int(message, "id", 0);
    const struct verb *verb = verb_find(wire_get_string(message, "type"));
    char why[WHY_SIZE];
    enum err err;
    metric_inc(c->signaling->settings.metrics, METRIC_REQUESTS);
    if (!verb)
        err = refuse_type(message, WHY_IN(why));
    else if (verb == &verb_hello && c->state != CLIENT_NEW)
        err = why_fail(WHY_IN(why), ERR_BAD_REQUEST, "this socket has said hello already");
    else
        err = fields_check(message, verb->fields, WHY_IN(why));
    if (err != ERR_OK) {
        client_refuse(c, id, err, why, 0);
        wire_doc_destroy(doc);
        return;
    }
    request_queue(request_create(c, verb, doc, id));
}

void requests_forget(struct client *c)
{
    struct request *rq = NULL;
    struct request *next = NULL;
    if (c->current)
        c->current->client = NULL; /* its story goes on; nobody hears the answer */
    DL_FOREACH_SAFE(c->waiting, rq, next)
    {
        DL_DELETE(c->waiting, rq);
        request_destroy(rq); /* never begun: the client sends it again after its resume */
    }
}

/* ---- answering ---- */

/* The request is over: its client may go on with the next. */
void request_drop(struct request *rq)
{
    struct client *c = rq->client;
    bool was_current = c && c->current == rq;
    if (was_current)
        c->current = NULL;
    request_destroy(rq);
    if (was_current)
        request_next(c);
}

bool request_fits(struct request *rq, const struct buf *written)
{
    if (!buf_failed(written))
        return true;
    request_fail(rq, written->error == ERR_NO_MEMORY ? ERR_UNAVAILABLE : ERR_TOO_LARGE,
                 "what it carries grows beyond the limit of a message");
    return false;
}

struct buf *request_ok_begin(struct request *rq, size_t pairs)
{
    buf_clear(&rq->reply);
    wire_put_map(&rq->reply, pairs + 2);
    wire_put_key_cstr(&rq->reply, "type", "ok");
    wire_put_key_int(&rq->reply, "id", (int64_t)rq->id);
    return &rq->reply;
}

void request_ok(struct request *rq)
{
    if (rq->reply.n == 0)
        request_ok_begin(rq, 0);
    if (rq->client)
        client_send(rq->client, buf_slice(&rq->reply), 0);
    request_drop(rq);
}

void client_refuse(struct client *c, uint64_t id, enum err err, const char *why, uint64_t retry_after_ms)
{
    struct buf *body = &c->signaling->body;
    c->signaling->refused[err]++;
    buf_clear(body);
    wire_put_map(body, retry_after_ms ? 5 : 4);
    wire_put_key_cstr(body, "type", "error");
    wire_put_key_int(body, "id", (int64_t)id);
    wire_put_key_cstr(body, "code", err_code(err));
    wire_put_key_cstr(body, "message", why ? why : err_text(err));
    if (retry_after_ms)
        wire_put_key_int(body, "retry_after_ms", (int64_t)retry_after_ms);
    client_send(c, buf_slice(body), 0);
}

/* What a client may hear for an outcome that has no code of its own. */
static enum err public_err(enum err err)
{
    return err_code(err) ? err : ERR_UNAVAILABLE;
}

void request_fail_later(struct request *rq, enum err err, const char *why, uint64_t retry_after_ms)
{
    enum err code = public_err(err);
    if (code == ERR_UNAVAILABLE && rq->client)
        order_doubt(&rq->client->order); /* it may come again, behind others */
    if (code == ERR_UNAVAILABLE && retry_after_ms == 0)
        retry_after_ms = 500 + random_below(1500); /* not all at once */
    if (code == ERR_RATE_LIMITED)
        metric_inc(rq->signaling->settings.metrics, METRIC_RATE_LIMITED);
    if (rq->client)
        client_refuse(rq->client, rq->id, code, code == err ? why : NULL, retry_after_ms);
    request_drop(rq);
}

void request_fail(struct request *rq, enum err err, const char *why)
{
    request_fail_later(rq, err, why, 0);
}

void on_request_done(void *context, enum err err)
{
    struct request *rq = context;
    if (err == ERR_OK)
        request_ok(rq);
    else
        request_fail(rq, err, NULL);
}

/* ---- what many verbs need ---- */

bool request_is_left(const struct request *rq)
{
    return !rq->client || rq->client->state == CLIENT_CLOSING;
}

struct call_actor request_actor(const struct request *rq)
{
    return (struct call_actor){.call = rq->call,
                               .session = rq->session,
                               .epoch = rq->client->epoch,
                               .device = client_device(rq->client),
                               .request = rq->id};
}

bool request_call(struct request *rq)
{
    if (id_parse(wire_get_string(rq->message, "call"), rq->signaling->settings.partitions, &rq->call))
        return true;
    request_fail_wrong_id(rq);
    return false;
}
