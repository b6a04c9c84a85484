/**
 * Presence: what others may see of a user. The store works it out of the user's sessions, seats and own word, and tells each change once to each node that
 * follows the user.
 *
 * Who wants to know follows first, then asks when on_followed has come, and takes from the bus only what has a higher rev: then nothing is missed and nothing
 * comes twice.
 */
#ifndef NODE_STORE_PRESENCE_H
#define NODE_STORE_PRESENCE_H

#include "node/store/store.h"

enum { PRESENCE_NOTE_MAX = 128, PRESENCE_USERS_MAX = 200 };

/** As everybody sees it who is not blocked. "offline": the rest is empty but for seen_ms. */
struct presence {
    struct slice status; /* "available", "away", "dnd", "offline" */
    struct slice note;
    uint64_t devices;
    uint64_t seen_ms; /* 0: not known, or not offline */
    bool in_call;
};

/** The session's request sets its user's status ("invisible" too) and note (empty: none), and its reply is kept. ERR_STALE: a later attach has the session. */
struct presence_set {
    struct id session;
    uint64_t epoch;
    uint64_t request;
    struct slice reply;
    struct slice user;
    struct slice status;
    struct slice note;
};
void store_presence_set(struct store *, const struct presence_set *, store_done_fn *, void *context);

/** From now on the store's events tell of this user, on_followed first. Once for a user. */
void store_presence_follow(struct store *, struct slice user);
/** The end of it; what is under way may still come. */
void store_presence_unfollow(struct store *, struct slice user);

/** What one who is blocked sees in place of the state: `offline`, and since when, so that it looks as if the user had gone. */
struct presence_block {
    bool is;
    uint64_t seen_ms;
};

/** The state, its rev, and for each watcher whether the user has blocked it. At most PRESENCE_WATCHERS_MAX. */
enum { PRESENCE_WATCHERS_MAX = 64 };
struct presence_answer {
    enum err err;
    uint64_t rev;
    struct presence state;
    struct presence_block blocked[PRESENCE_WATCHERS_MAX];
};
typedef void presence_fn(void *context, const struct presence_answer *);
void store_presence_get(struct store *, struct slice user, const struct slice *watchers, size_t count, presence_fn *,
                        void *context);

#endif
