/**
 * People: whom a user has blocked, and limits that all devices of a user share, whichever nodes they are at.
 */
#ifndef NODE_STORE_PEOPLE_H
#define NODE_STORE_PEOPLE_H

#include "node/store/store.h"

enum { BLOCKED_USERS_MAX = 1000 };

/** The session's request replaces its user's whole list, and its reply is kept. ERR_STALE: a later attach has the session, or it is over. */
struct block_set {
    struct id session;
    uint64_t epoch;
    uint64_t request;
    struct slice reply;
    struct slice user;
    struct slice blocked; /* "user\nuser\n"; one that is named twice counts once */
};
void store_block_set(struct store *, const struct block_set *, store_done_fn *, void *context);

typedef void blocked_fn(void *context, enum err, const struct slice *users, size_t count);
/** In alphabetical order. */
void store_block_get(struct store *, struct slice user, blocked_fn *, void *context);

/** What a request costs its user; the same request is charged once. ERR_OK, or ERR_RATE_LIMITED with the time until the next is free. */
struct charge {
    struct slice user;
    struct id session;
    uint64_t request;
};
typedef void charged_fn(void *context, enum err, uint64_t retry_after_ms);
/** It named a wrong id. */
void store_wrong_id_charge(struct store *, const struct charge *, charged_fn *, void *context);
/** It rings one more; calls that are started pay as they are created. */
void store_start_charge(struct store *, const struct charge *, charged_fn *, void *context);

/** Seats that all sessions of a user hold, asked by one of them. ERR_STALE: a later attach has that session, and it shall take no seat by what was said before. */
typedef void seats_fn(void *context, enum err, uint64_t seats);
void store_user_seats(struct store *, struct slice user, const struct id *session, uint64_t epoch, seats_fn *,
                      void *context);

#endif
