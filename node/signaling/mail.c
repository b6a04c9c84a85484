#include <assert.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "node/signaling/private.h"

/*
 * From the bus to the socket. The bus is the fast path, the mailbox the truth: what does not follow the last event makes the node read the
 * mailbox, and what the bus brings meanwhile only says how far there is to read.
 */

static void write_events(struct client *c, uint64_t first, const struct slice *bodies, size_t count)
{
    for (size_t i = 0; i < count && c->state == CLIENT_LIVE; i++) {
        if (first + i != c->seq + 1)
            continue; /* had it already */
        c->seq++;
        metric_inc(c->signaling->settings.metrics, METRIC_EVENTS);
        client_send(c, bodies[i], c->seq);
    }
    if (c->heard < c->seq)
        c->heard = c->seq;
}

/* ---- reading the mailbox ---- */

/* A page may come after the client has gone, or has come back on another socket: it is looked up anew, and the epoch tells. */
struct page_question {
    struct signaling *signaling;
    struct id session;
    uint64_t epoch;
};

static void on_page(void *context, const struct session_answer *a, uint64_t first, const struct slice *bodies,
                    size_t count)
{
    struct page_question question = *(struct page_question *)context;
    struct client *c = client_of(question.signaling, &question.session);
    free(context);
    if (!c || c->epoch != question.epoch)
        return;
    c->reading = false;
    if (a->err == ERR_GONE) {
        client_close(c, CLOSE_RESTART); /* its session is no more: the next hello gets the truth */
        return;
    }
    if (a->err != ERR_OK) {
        c->behind = true; /* the owner's next tick begins again */
        return;
    }
    for (size_t i = 0; i < a->seating_count; i++)
        seat_update(c, &a->seatings[i].call, a->seatings[i].text);
    if (c->heard < a->seq)
        c->heard = a->seq;
    write_events(c, first, bodies, count);
    if (c->seq < c->heard && (count > 0 || c->heard > a->seq))
        mail_read(c);
}

void mail_retry(struct signaling *sig)
{
    for (struct client *c = sig->sessions; c; c = c->hh.next) {
        if (c->behind)
            mail_read(c);
    }
}

void mail_read(struct client *c)
{
    if (c->reading || c->state != CLIENT_LIVE)
        return;
    struct page_question *question = malloc(sizeof *question);
    assert(question);
    *question = (struct page_question){c->signaling, c->session, c->epoch};
    c->reading = true;
    c->behind = false;
    store_mailbox_read(c->signaling->store, &c->session, c->seq, on_page, question);
}

/* ---- the bus ---- */

void on_mail_events(void *context, const struct id *session, uint64_t seq, const struct slice *bodies, size_t count,
                    const struct store_seating *seating)
{
    struct client *c = client_of(context, session);
    if (!c)
        return; /* it has moved on, and its new node reads the mailbox */
    if (!id_is_none(&seating->call))
        seat_update(c, &seating->call, seating->text);
    if (count == 0 || c->state != CLIENT_LIVE)
        return;
    if (seq > c->seq + 1 || c->reading) {
        if (!c->reading)
            metric_inc(c->signaling->settings.metrics, METRIC_GAPS);
        if (c->heard < seq + count - 1)
            c->heard = seq + count - 1;
        mail_read(c);
        return;
    }
    write_events(c, seq, bodies, count);
}

void on_mail_detached(void *context, const struct id *session, uint64_t epoch, enum err why)
{
    struct client *c = client_of(context, session);
    if (!c || c->epoch != epoch)
        return;
    log_debug("session.detached", LOG_ID("session", session), LOG_CSTR("why", err_text(why)));
    if (why == ERR_OVERRUN)
        metric_inc(c->signaling->settings.metrics, METRIC_OVERRUNS);
    client_close(c, why == ERR_OVERRUN ? CLOSE_SLOW_READER : CLOSE_SUPERSEDED);
}

void on_mail_healed(void *context)
{
    struct signaling *sig = context;
    for (struct client *c = sig->sessions; c; c = c->hh.next)
        mail_read(c);
}
