/**
 * What a node tells about itself to whoever looks at the cluster: a JSON object that it writes beside its lease, every two seconds.
 *
 * Versions may differ: fields that are missing read as 0 or empty, others are skipped.
 */
#ifndef COMMON_WIRE_CARD_H
#define COMMON_WIRE_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"

enum { CARD_VERSION_SIZE = 32, CARD_HOST_SIZE = 65 };

struct card {
    char version[CARD_VERSION_SIZE];
    char host[CARD_HOST_SIZE];
    uint64_t started_s; /* since 1970 */
    uint64_t sockets;
    uint64_t sessions;
    uint64_t seats;
    uint64_t calls;        /* counted by this node: over all nodes each call once */
    uint64_t frames_per_s; /* in and out, since the card before */
    uint64_t lag_us;       /* of the event loop, likewise, on average */
    bool draining;
};

/** Appends it. */
void card_put(struct buf *, const struct card *);
/** ERR_SYNTAX: that is no card. Texts are cut where they are longer than any of ours, and come out printable. */
enum err card_read(struct slice, struct card *ret_card) ATTR_MUST_USE;

#endif
