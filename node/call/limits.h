/**
 * What one call, offer or signal may hold: the limits that the protocol fixes, so that table, rules, store and welcome say the same.
 */
#ifndef NODE_CALL_LIMITS_H
#define NODE_CALL_LIMITS_H

enum {
    CALL_SEATS_MAX = 5,
    CALL_ALLOW_MAX = 100, /* users on the list of who may come by a call's id */
    CALL_RING_MS = 45000, /* for which one is rung unless the request says how long */
    CALL_RING_MS_MIN = 5000,
    CALL_RING_MS_MAX = 120000,
    CALL_META_BYTES_MAX = 2048,          /* as msgpack */
    OFFER_CANDIDATES_MAX = 100,          /* early ones that wait with an offer; also those of one request */
    OFFER_CANDIDATE_BYTES_MAX = 1 << 16, /* the same, as msgpack */
    SIGNAL_DATA_BYTES_MAX = 16384,       /* as msgpack */
};

#endif
