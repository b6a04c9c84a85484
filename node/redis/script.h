/**
 * Calling the Lua scripts: by SHA, with the text sent along when Redis does not know it yet (a restart, a failover, SCRIPT FLUSH), so that nodes of
 * two versions can run side by side.
 */
#ifndef NODE_REDIS_SCRIPT_H
#define NODE_REDIS_SCRIPT_H

#include "common/base/err.h"
#include "common/base/id.h"
#include "common/base/slice.h"
#include "node/redis/keys.h"

struct redisReply;
struct metrics;
struct redis_client;
struct scripts;

/*  id, file in node/redis/lua */
#define SCRIPTS_TABLE(X)                  \
    X(SESSION_CREATE, "session_create")   \
    X(SESSION_ATTACH, "session_attach")   \
    X(SESSION_DETACH, "session_detach")   \
    X(SESSION_END, "session_end")         \
    X(SESSION_FORGET, "session_forget")   \
    X(SESSION_SWEEP, "session_sweep")     \
    X(HELD_DONE, "held_done")             \
    X(SESSION_ACK, "session_ack")         \
    X(MAILBOX_READ, "mailbox_read")       \
    X(CALL_CREATE, "call_create")         \
    X(OFFER_TAKE, "offer_take")           \
    X(OFFER_ADD, "offer_add")             \
    X(OFFER_EXPIRE, "offer_expire")       \
    X(CALL_JOIN, "call_join")             \
    X(CALL_LEAVE, "call_leave")           \
    X(CALL_MARK, "call_mark")             \
    X(CALL_LOCK, "call_lock")             \
    X(CALL_GET, "call_get")               \
    X(CALL_END, "call_end")               \
    X(LOG_READ, "log_read")               \
    X(CALL_ACCEPT, "call_accept")         \
    X(CALL_ALERT, "call_alert")           \
    X(CALL_CANCEL, "call_cancel")         \
    X(CALL_DISCARD, "call_discard")       \
    X(CALL_INCOMING, "call_incoming")     \
    X(CALL_INVITE, "call_invite")         \
    X(CALL_REJECT, "call_reject")         \
    X(PAIR_CLAIM, "pair_claim")           \
    X(USER_REACH, "user_reach")           \
    X(USER_SEATS, "user_seats")           \
    X(BLOCK_SET, "block_set")             \
    X(LIMIT_CHARGE, "limit_charge")       \
    X(RING, "ring")                       \
    X(PRESENCE_SET, "presence_set")       \
    X(PRESENCE_GET, "presence_get")       \
    X(SESSION_RESTORE, "session_restore") \
    X(CALL_RESTORE, "call_restore")       \
    X(RING_RESTORE, "ring_restore")       \
    X(CALL_MISSING, "call_missing")       \
    X(CALL_HEALED, "call_healed")         \
    X(DELIVER, "deliver")                 \
    X(FANOUT_DONE, "fanout_done")         \
    X(SIGNAL, "signal")                   \
    X(TIMERS_DUE, "timers_due")           \
    X(LEASE_RENEW, "lease_renew")

enum script {
#define X(id, file) SCRIPT_##id,
    SCRIPTS_TABLE(X)
#undef X
        SCRIPT_COUNT
};

/** Keys and arguments of one call, in order: keys first. Holds views; numbers are kept inside. Zero `n` starts a new one. */
enum { SCRIPT_ARGS_MAX = 448, SCRIPT_KEYS_MAX = 12 };
struct script_args {
    size_t n;
    size_t key_count;
    struct slice v[SCRIPT_ARGS_MAX];
    struct key keys[SCRIPT_KEYS_MAX];
    size_t scratch_used;
    char scratch[4096];
};
void args_init(struct script_args *);
void args_key(struct script_args *, struct key);
void args_put(struct script_args *, struct slice);
void args_u64(struct script_args *, uint64_t);
/** A short text that will not live as long as the arguments. */
void args_copy(struct script_args *, struct slice);

/** As redis_reply_fn; `context` is what was given. */
typedef void script_fn(void *context, enum err, const struct redisReply *);

/** Counts calls in `metrics`, which outlives it. Aborts if a script of the table is not embedded. */
struct scripts *scripts_create(struct redis_client *, struct metrics *);
void scripts_destroy(struct scripts *);
/** Everything is copied. `fn` may be NULL. */
void script_call(struct scripts *, enum script, const struct script_args *, script_fn *fn, void *context);
/** The text with its includes, for tests. */
const char *script_text(enum script);

#endif
