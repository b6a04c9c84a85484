#include "node/signaling/mail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "node/signaling/heal.h"
#include "node/signaling/request.h"
#include "node/signaling/seats.h"
#include "node/signaling/verbs.h"
#include "node/store/sessions.h"

/* False: what comes before them is missing. */
static bool write_events(struct client *c, uint64_t first, const struct slice *bodies, size_t count)
{
    uint64_t skip = 0;
    if (order_events(&c->order, first, count, &skip) == ORDER_GAP)
        return false;
    for (size_t i = (size_t)skip; i < count && c->state == CLIENT_LIVE; i++) {
        metric_inc(c->signaling->settings.metrics, METRIC_EVENTS);
        client_send(c, bodies[i], order_written(&c->order));
    }
    return true;
}

/* ---- reading the mailbox ---- */

/* A page may come after the client has gone, or has come back on another socket: it is looked up anew, and the epoch tells. */
struct page_question {
    struct signaling *signaling;
    struct id session;
    uint64_t epoch;
    uint64_t heard; /* the last event known to exist when it was asked: the page has it, or the mailbox has a hole */
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
    if (a->err == ERR_STALE) {
        client_close(c, CLOSE_SUPERSEDED); /* its word that it moved was lost */
        return;
    }
    if (a->err == ERR_NOT_FOUND || (a->err == ERR_OK && a->seq < c->order.seq)) {
        heal_client(c); /* the store has forgotten; or the session ended while this node slept, and then that is said */
        return;
    }
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
    /* What the bus told since may be ahead of this answer. */
    bool missing = c->order.seq < a->seq || c->order.seq < question.heard;
    if (count > 0 ? !write_events(c, first, bodies, count) : missing) {
        client_close(c, CLOSE_RESTART); /* the mailbox itself has a hole: never a silent one */
        return;
    }
    if (c->behind || c->order.seq < a->seq || order_is_behind(&c->order))
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
    if (c->reading || c->state == CLIENT_GREETING)
        c->behind = true; /* a page that is on its way may be older than what is missed now */
    if (c->reading || c->state != CLIENT_LIVE)
        return;
    struct page_question *question = malloc(sizeof *question);
    assert(question);
    *question = (struct page_question){c->signaling, c->session, c->epoch, c->order.heard};
    c->reading = true;
    c->behind = false;
    store_mailbox_read(c->signaling->store, &c->session, c->epoch, c->order.seq, on_page, question);
}

/* ---- the bus ---- */

/* An id is random but for its partition. */
static size_t heard_counter(const struct id *session)
{
    uint32_t hash = 0;
    memcpy(&hash, session->text + ID_CHARS - sizeof hash, sizeof hash);
    return (hash * 2654435769u) >> 22;
}
_Static_assert(HEARD_COUNTERS == 1 << (32 - 22), "as many as the hash names");

uint32_t mail_heard(const struct signaling *sig, const struct id *session)
{
    return sig->heard[heard_counter(session)];
}

static void note_heard(struct signaling *sig, const struct id *session)
{
    sig->heard[heard_counter(session)]++;
}

/* The page that is on its way may be older. */
static void note_out(struct client *c)
{
    c->outs++;
    if (c->reading)
        mail_read(c);
}

bool on_mail_events(void *context, const struct id *session, uint64_t seq, const struct slice *bodies, size_t count,
                    const struct store_seating *seating)
{
    struct client *c = client_of(context, session);
    uint64_t skip = 0;
    note_heard(context, session);
    if (!c)
        return false; /* it has moved on, and its new node reads the mailbox; or it is about to come here */
    /* Under numbers that went out already: either the page had them, seating and all, or the store has lost its newest events and counts anew, and then this
     * is lost too (heal.c), and nobody shall think that it was heard. */
    bool had = count > 0 && seq + count - 1 <= c->order.seq;
    if (!id_is_none(&seating->call) && !had) {
        seat_update(c, &seating->call, seating->text);
        if (seating->text.n == 0)
            note_out(c);
    }
    if (count == 0)
        return false;
    if (c->reading || c->state != CLIENT_LIVE) {
        (void)order_events(&c->order, seq, count, &skip); /* heard; the page, or the one behind it, brings them */
        return false;
    }
    if (write_events(c, seq, bodies, count))
        return true;
    metric_inc(c->signaling->settings.metrics, METRIC_GAPS);
    mail_read(c);
    return false;
}

void on_mail_detached(void *context, const struct id *session, uint64_t epoch, enum err why)
{
    struct client *c = client_of(context, session);
    note_heard(context, session);
    if (!c || c->epoch != epoch)
        return;
    if (why == ERR_GONE && c->current && c->current->verb->run == bye_run)
        return; /* its own bye, whose ok comes first */
    log_debug("session.detached", LOG_ID("session", session), LOG_CSTR("why", err_text(why)));
    if (why == ERR_OVERRUN)
        metric_inc(c->signaling->settings.metrics, METRIC_OVERRUNS);
    client_close(c, why == ERR_OVERRUN ? CLOSE_SLOW_READER : why == ERR_GONE ? CLOSE_RESTART : CLOSE_SUPERSEDED);
}

void on_mail_healed(void *context)
{
    struct signaling *sig = context;
    for (size_t i = 0; i < HEARD_COUNTERS; i++)
        sig->heard[i]++; /* what the cut bus did not bring may have been for anybody */
    heal_all(sig);       /* each mailbox is read once it is clear that it is there */
}
