#include "node/signaling/seats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "node/signaling/client.h"

/* ---- seats ---- */

/* The member with the lowest number counts the call, so that over all nodes it is counted once. */
static bool seat_leads(const struct client *c, const struct seat *seat)
{
    for (size_t peer = 1; peer <= CALL_SEATS_MAX; peer++) {
        if (!id_is_none(&seat->seating.session[peer]))
            return id_eq(&seat->seating.session[peer], &c->session);
    }
    return false;
}

static void seat_counted(const struct client *c, const struct seat *seat, int change)
{
    struct metrics *m = c->signaling->settings.metrics;
    metric_add(m, METRIC_SEATS, change);
    metric_add(m, METRIC_CALLS, seat_leads(c, seat) ? change : 0);
}

struct seat *seat_find(struct client *c, const struct id *call)
{
    for (size_t i = 0; i < c->seat_count; i++) {
        if (id_eq(&c->seats[i].call, call))
            return &c->seats[i];
    }
    return NULL;
}

static void seat_drop(struct client *c, const struct id *call)
{
    struct seat *seat = seat_find(c, call);
    if (!seat)
        return;
    seat_counted(c, seat, -1);
    *seat = c->seats[--c->seat_count];
    if (c->seat_count == 0) {
        free(c->seats);
        c->seats = NULL;
    }
}

static void seat_renew(struct client *c, struct seat *seat, const struct seating *seating)
{
    seat_counted(c, seat, -1);
    for (size_t peer = 1; peer <= CALL_SEATS_MAX; peer++) {
        if (!id_eq(&seat->seating.session[peer], &seating->session[peer]))
            seat->sent[peer] = 0;
    }
    seat->seating = *seating;
    seat_counted(c, seat, 1);
}

static void seat_add(struct client *c, const struct id *call, const struct seating *seating)
{
    if (seats_are_full(c))
        return;
    struct seat *seats = realloc(c->seats, (c->seat_count + 1) * sizeof *seats);
    assert(seats);
    c->seats = seats;
    c->seats[c->seat_count] = (struct seat){.call = *call, .seating = *seating};
    seat_counted(c, &c->seats[c->seat_count++], 1);
}

static void seat_set(struct client *c, const struct id *call, const struct seating *seating)
{
    struct seat *seat = seat_find(c, call);
    if (!seat)
        seat_add(c, call, seating);
    else if (seating->version > seat->seating.version)
        seat_renew(c, seat, seating);
}

/* ---- rings ---- */

struct client_ring *ring_find(struct client *c, const struct id *call)
{
    for (size_t i = 0; i < c->ring_count; i++) {
        if (id_eq(&c->rings[i].call, call))
            return &c->rings[i];
    }
    return NULL;
}

static void ring_drop(struct client *c, const struct id *call)
{
    struct client_ring *ring = ring_find(c, call);
    if (!ring)
        return;
    size_t behind = c->ring_count - (size_t)(ring - c->rings) - 1;
    memmove(ring, ring + 1, behind * sizeof *ring); /* the oldest stays in front */
    if (--c->ring_count == 0) {
        free(c->rings);
        c->rings = NULL;
    }
}

static void ring_set(struct client *c, const struct id *call, uint64_t version)
{
    struct client_ring *ring = ring_find(c, call);
    if (!ring && c->ring_count == RINGS_OF_CLIENT_MAX)
        ring_drop(c, &c->rings[0].call); /* it would not be put back */
    if (!ring) {
        struct client_ring *rings = realloc(c->rings, (c->ring_count + 1) * sizeof *rings);
        assert(rings);
        c->rings = rings;
        ring = &c->rings[c->ring_count++];
    }
    *ring = (struct client_ring){*call, version};
}

/* Since that version: what is known by a newer one stays. */
static void out_since(struct client *c, const struct id *call, uint64_t version)
{
    const struct seat *seat = seat_find(c, call);
    const struct client_ring *ring = ring_find(c, call);
    if (seat && seat->seating.version < version)
        seat_drop(c, call);
    if (ring && ring->version < version)
        ring_drop(c, call);
}

void seat_update(struct client *c, const struct id *call, struct slice text)
{
    struct seating seating;
    uint64_t version = 0;
    if (seating_is_out(text)) {
        if (slice_to_u64(slice_make(text.p + 1, text.n - 1), &version))
            out_since(c, call, version);
        return;
    }
    if (seating_rings(text)) {
        if (slice_to_u64(slice_make(text.p + 1, text.n - 1), &version))
            ring_set(c, call, version);
        return;
    }
    ring_drop(c, call);
    if (text.n == 0)
        seat_drop(c, call);
    else if (seating_parse(text, c->signaling->settings.partitions, &seating) == ERR_OK)
        seat_set(c, call, &seating);
    else
        log_warn("seating.refused", LOG_ID("call", call));
}

bool seats_are_full(const struct client *c)
{
    return c->seat_count == CALLS_OF_CLIENT_MAX;
}

void seats_free(struct client *c)
{
    for (size_t i = 0; i < c->seat_count; i++)
        seat_counted(c, &c->seats[i], -1);
    free(c->seats);
    free(c->rings);
}
