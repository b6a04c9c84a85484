/**
 * What travels on the bus between nodes: a msgpack array, made by the Redis scripts (the canary by the node, and the last two by an operator's
 * commands).
 *
 *     [1, "events", session, seq of the first, [body, …], seating]   events for a session, and where it sits ("" : nothing said)
 *                                                                    of signals: "@<µs>", when the first was taken, by Redis's clock
 *     [1, "close", session, epoch, why]                              that attach of the session is over
 *     [1, "presence", user, rev, status, devices, in call, last seen, note]   what others may see of a user from now on
 *     [1, "blocks", user, 0|1, [watcher, …]]                         the user has blocked these watchers, or does so no more
 *     [1, "canary", node, n]                                         to itself
 *     [1, "kick", session, epoch, user]                              an operator ends that attach of the session
 *     [1, "drain", node, 0]                                          an operator wants this node to leave
 *
 * The first number is the envelope's version. One that is higher is refused, so that an old node skips what it can't read and finds it in the mailbox;
 * so is a kind that it does not know.
 * Bodies are opaque here.
 */
#ifndef COMMON_WIRE_ENVELOPE_H
#define COMMON_WIRE_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"

enum { ENVELOPE_VERSION = 1, ENVELOPE_BODIES_MAX = 64 };

struct envelope {
    enum {
        ENVELOPE_EVENTS,
        ENVELOPE_CLOSE,
        ENVELOPE_CANARY,
        ENVELOPE_PRESENCE,
        ENVELOPE_BLOCKS,
        ENVELOPE_KICK,
        ENVELOPE_DRAIN
    } kind;
    struct slice subject; /* session, node id or user */
    uint64_t number;      /* seq, epoch, n, rev, or whether they are blocked */
    struct slice text;    /* seating or time, why, status, or user */
    size_t count;
    struct slice bodies[ENVELOPE_BODIES_MAX]; /* or watchers */
    struct {
        uint64_t devices;
        uint64_t in_call; /* 0 or 1 */
        uint64_t seen_ms; /* 0: not known, or online */
        struct slice note;
    } presence;
};

/** Reads one; the slices look into `bytes`. ERR_SYNTAX; *ret_envelope is undefined then. */
enum err envelope_read(struct slice bytes, struct envelope *ret_envelope) ATTR_MUST_USE;

/** Appends the canary's envelope. */
void envelope_put_canary(struct buf *, struct slice node, uint64_t n);
/** An operator's. */
void envelope_put_kick(struct buf *, struct slice session, uint64_t epoch, struct slice user);
void envelope_put_drain(struct buf *, struct slice node);

#endif
