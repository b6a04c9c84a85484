/**
 * One node's stories: what signaling.h keeps to itself.
 *
 * Where to read on: client.h (a socket and its session), request.h (what it asks for), verbs.h (the table of all that can be asked). The other headers are each
 * the manual of the file beside it: a step that several verbs take, or something that a node does by itself.
 */
#ifndef NODE_SIGNALING_PRIVATE_H
#define NODE_SIGNALING_PRIVATE_H

#include "common/base/buf.h"
#include "node/signaling/signaling.h"

struct admission;
struct client;
struct fanout_done;
struct owner;
struct undone;
struct watched;

enum { HEARD_COUNTERS = 1024 };

struct signaling {
    struct signaling_settings settings;
    struct store *store;
    struct owner *owner;         /* NULL when it was stopped */
    struct admission *admission; /* likewise */
    bool draining;
    bool stopped;

    struct client *clients; /* list of all of them */
    size_t client_count;
    struct client *sessions; /* hash of those that have a session, by its id */
    uint64_t attempts;       /* to attach a session, so far */

    struct buf body;  /* scratch: a reply or event being written */
    struct buf frame; /* scratch: a frame on its way out */
    struct buf items; /* scratch: a signal's candidates */

    /* Each is of the file that is named, and touched by no other. */
    int64_t refused[ERR_COUNT];       /* request.c: requests answered with each error */
    struct client *acks;              /* acks.c: list of clients whose acks the store has not heard */
    struct fanout_done *fanouts_done; /* fanout_done.c: hash by call */
    uint32_t heard[HEARD_COUNTERS];   /* mail.c: what the bus brought, see mail_heard() */
    struct watched *watched;          /* watch.c: hash of users whom somebody here watches, by name */
    uint64_t watch_clock;             /* watch.c: counts reads of their states, requests for them, and blocks */
    struct undone *undone;            /* suspension.c: list of what the store has still to be told */
    size_t undone_count;
    struct {
        struct client *queue;                  /* whom the store may have forgotten */
        unsigned asked;                        /* of them, under way */
        bool waits;                            /* for what the lease says */
        uint64_t ticked_ms, slept_ms, lost_ms; /* steady clock; 0: never */
    } heal;                                    /* heal.c */
};

/** Where all of the user lies: devices, sessions, and calls that they start. */
unsigned user_partition(const struct signaling *, struct slice user);

#endif
