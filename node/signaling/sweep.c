#include "node/signaling/sweep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node/signaling/private.h"
#include "node/signaling/suspension.h"
#include "node/store/cluster.h"

/*
 * Nobody speaks for the sessions of a dead node, so the partition's owner does: it suspends each with what is left of its grace and tells its calls. From there
 * all goes as if the socket alone had been lost: the client resumes elsewhere, or its grace ends and its seats are free. Each step may be done by two owners at
 * once.
 */

struct note {
    struct node_id node;
    bool lives;
    uint64_t left_ms;
};

enum { STRANGERS_MAX = 64 };

/* Holders of sessions of whom no lease is known: long dead, or so young that their first lease came after the notes. Those who are strangers in two rounds
 * are dead. */
struct strangers {
    size_t count;
    struct node_id nodes[STRANGERS_MAX];
};

/* Lives until its last question was answered, though it may be destroyed before. */
struct sweeper {
    struct signaling *signaling; /* NULL: destroyed */
    size_t note_count;
    struct note notes[CLUSTER_NODES_MAX];
    struct strangers before, now;
    unsigned open; /* questions, and sweeps under way */
};

/* One dead node in one partition. */
struct sweep {
    struct sweeper *sweeper;
    unsigned partition;
    struct node_id dead;
    uint64_t left_ms;
    size_t open; /* sessions of the page that are being suspended */
    struct id page[HELD_PAGE];
};

/* A question to the partition: who holds sessions there? */
struct look {
    struct sweeper *sweeper;
    unsigned partition;
};

static void release(struct sweeper *s)
{
    if (--s->open == 0 && !s->signaling)
        free(s);
}

static void sweep_end(struct sweep *sweep)
{
    struct sweeper *s = sweep->sweeper;
    free(sweep);
    release(s);
}

static void next_page(struct sweep *);

/* ---- one session ---- */

struct swept {
    struct sweep *sweep;
    struct id session;
};

static void on_swept(void *context, const struct session_answer *a)
{
    struct sweep *sweep = ((struct swept *)context)->sweep;
    struct id session = ((struct swept *)context)->session;
    struct signaling *sig = sweep->sweeper->signaling;
    free(context);
    for (size_t i = 0; sig && a->err == ERR_OK && i < a->seating_count; i++)
        suspension_tell(sig, &a->seatings[i].call, &session, a->epoch, true);
    if (sig && a->err == ERR_OK)
        metric_inc(sig->settings.metrics, METRIC_SWEPT);
    if (--sweep->open > 0)
        return;
    if (sig && a->err != ERR_UNAVAILABLE)
        next_page(sweep);
    else
        sweep_end(sweep); /* the next renewal begins again */
}

/* ---- a page of them ---- */

static void on_held(void *context, enum err err, const struct id *sessions, size_t count)
{
    struct sweep *sweep = context;
    struct signaling *sig = sweep->sweeper->signaling;
    if (!sig || err != ERR_OK || count == 0) {
        if (sig && err == ERR_OK)
            store_held_done(sig->store, sweep->partition, &sweep->dead);
        sweep_end(sweep);
        return;
    }
    sweep->open = count;
    memcpy(sweep->page, sessions, count * sizeof *sessions);
    for (size_t i = 0; i < count; i++) {
        struct swept *swept = malloc(sizeof *swept);
        assert(swept);
        *swept = (struct swept){sweep, sweep->page[i]};
        store_session_sweep(sig->store, &swept->session, &sweep->dead, sweep->left_ms, on_swept, swept);
    }
}

static void next_page(struct sweep *sweep)
{
    store_held(sweep->sweeper->signaling->store, sweep->partition, &sweep->dead, on_held, sweep);
}

/* ---- a partition ---- */

static bool strangers_have(const struct strangers *st, const struct node_id *node)
{
    for (size_t i = 0; i < st->count; i++) {
        if (strcmp(st->nodes[i].text, node->text) == 0)
            return true;
    }
    return false;
}

static bool is_dead(struct sweeper *s, const struct node_id *node, uint64_t *ret_left_ms)
{
    *ret_left_ms = 0;
    for (size_t i = 0; i < s->note_count; i++) {
        if (strcmp(s->notes[i].node.text, node->text) != 0)
            continue;
        *ret_left_ms = s->notes[i].left_ms;
        return !s->notes[i].lives;
    }
    if (s->note_count == CLUSTER_NODES_MAX)
        return false; /* not all could be noted */
    if (!strangers_have(&s->now, node) && s->now.count < STRANGERS_MAX)
        s->now.nodes[s->now.count++] = *node;
    return strangers_have(&s->before, node);
}

static void on_holders(void *context, enum err err, const struct node_id *nodes, size_t count)
{
    struct look look = *(struct look *)context;
    struct sweeper *s = look.sweeper;
    free(context);
    for (size_t i = 0; s->signaling && err == ERR_OK && i < count; i++) {
        uint64_t left_ms = 0;
        if (!is_dead(s, &nodes[i], &left_ms))
            continue;
        struct sweep *sweep = calloc(1, sizeof *sweep);
        assert(sweep);
        *sweep = (struct sweep){.sweeper = s, .partition = look.partition, .dead = nodes[i], .left_ms = left_ms};
        s->open++;
        next_page(sweep);
    }
    release(s);
}

bool sweep_begin(struct sweeper *s)
{
    if (s->open > 0)
        return false;
    s->note_count = 0;
    s->before = s->now;
    s->now.count = 0;
    return true;
}

void sweep_note(struct sweeper *s, const struct node_id *node, bool lives, uint64_t grace_left_ms)
{
    if (s->note_count < CLUSTER_NODES_MAX)
        s->notes[s->note_count++] = (struct note){*node, lives, grace_left_ms};
}

void sweep_run(struct sweeper *s, const bool owns[ID_PARTITIONS_MAX])
{
    s->open = 1; /* one for ourselves */
    for (unsigned p = 0; p < s->signaling->settings.partitions; p++) {
        if (!owns[p])
            continue;
        struct look *look = malloc(sizeof *look);
        assert(look);
        *look = (struct look){s, p};
        s->open++;
        store_holders(s->signaling->store, p, on_holders, look);
    }
    release(s);
}

struct sweeper *sweeper_create(struct signaling *sig)
{
    struct sweeper *s = calloc(1, sizeof *s);
    assert(s);
    s->signaling = sig;
    return s;
}

void sweeper_destroy(struct sweeper *s)
{
    if (!s)
        return;
    s->signaling = NULL;
    s->open++;
    release(s);
}
