/**
 * Every key and channel in Redis, spelled here and nowhere else; docs/state.md lists them from this file.
 *
 * All but the cluster's own carry the hash tag of their partition, so that a partition is one slot of a Redis Cluster.
 */
#ifndef NODE_REDIS_KEYS_H
#define NODE_REDIS_KEYS_H

#include "common/base/id.h"
#include "common/base/slice.h"

/*  id, pattern, type, what it holds; {p} is the partition's tag */
#define KEYS_TABLE(X)                                                                                                 \
    X(DEVICES, "{p}:user:<user>", "hash", "A user's devices: device → session id")                                    \
    X(RINGS, "{p}:rings:<user>", "hash", "Invitations that ring the user's devices: call → version of the ring")      \
    X(BLOCKS, "{p}:blocks:<user>", "set", "Whom the user has blocked")                                                \
    X(PRESENCE, "{p}:presence:<user>", "hash", "What others may know of a user")                                      \
    X(WATCH, "{p}:watch:<user>", "sharded channel", "Changes of the user's presence, for nodes that have watchers")   \
    X(LIMITS, "{p}:limits:<user>", "hash", "What the user has left of limits that count by the minute")               \
    X(PAIR, "{p}:pair:<user>,<user>", "hash", "Two who call each other: call → end of its claim and who calls")       \
    X(SESSION, "{p}:session:<session>", "hash", "A session")                                                          \
    X(MAILBOX, "{p}:mailbox:<session>", "stream", "Events that the session's client has not acked; entry id = seq")   \
    X(REPLIES, "{p}:replies:<session>", "stream", "Answers to the session's last requests; entry id = request id")    \
    X(CALL, "{p}:call:<call>", "hash", "A call; two minutes longer than it lasts")                                    \
    X(LOG, "{p}:log:<call>", "stream", "Changes of the call that are not yet in all mailboxes; entry id = version")   \
    X(HEAL, "{p}:heal:<call>", "hash", "What nodes have brought of a call that was lost, until it is put back")       \
    X(TIMERS, "{p}:timers", "sorted set",                                                                             \
      "What is due when: `fanout:<call>`, `expire:<call>`, `ring:<call>:<user>`, `heal:<call>`, "                     \
      "`grace:<session>:<user>`")                                                                                     \
    X(HELD, "{p}:held:<node>", "set", "Sessions whose socket the node holds, and some that it held")                  \
    X(HOLDERS, "{p}:holders", "set", "Nodes that hold sessions here, or died holding some")                           \
    X(NODE, "{p}:node:<node>", "sharded channel", "Envelopes for sessions that the node holds")                       \
    X(NODES, "{cluster}:nodes", "sorted set", "Living nodes: id → end of lease")                                      \
    X(NODE_CARD, "{cluster}:node-card:<node>", "string",                                                              \
      "How a node fares, as JSON; as long as its lease is remembered")                                                \
    X(PARTITIONS, "{cluster}:partitions", "string", "The number of partitions, fixed when the cluster first started") \
    X(DEV_KEY, "{cluster}:dev-key", "string", "With --dev: the secret that /dev/token signs with")                    \
    X(DEV_PEOPLE, "{cluster}:dev-people", "sorted set", "With --dev: who asked for a token, and when")

struct key {
    char text[160]; /* and a NUL behind `n` bytes */
    size_t n;
};

struct key key_devices(unsigned partition, struct slice user);
struct key key_rings(unsigned partition, struct slice user);
struct key key_blocks(unsigned partition, struct slice user);
struct key key_presence(unsigned partition, struct slice user);
struct key key_watch(unsigned partition, struct slice user);
/** The user whose watch channel that is. */
struct slice key_watch_user(struct slice channel);
struct key key_limits(unsigned partition, struct slice user);
/** `a` sorts before `b`; their partition is a's. */
struct key key_pair(unsigned partition, struct slice a, struct slice b);
struct key key_session(const struct id *session);
struct key key_mailbox(const struct id *session);
struct key key_replies(const struct id *session);
struct key key_call(const struct id *call);
struct key key_log(const struct id *call);
struct key key_heal(const struct id *call);
struct key key_timers(unsigned partition);
struct key key_held(unsigned partition, const struct node_id *);
struct key key_holders(unsigned partition);
struct key key_node(unsigned partition, const struct node_id *);
struct key key_node_card(const struct node_id *);
/*
 * Prefixes: a script that finds the name of a session or user within its own partition puts it behind one of these, which came in KEYS
 * (docs/decisions/0011-prefixes-of-keys.md). An empty user makes a prefix of the functions above, too.
 */
struct key key_session_prefix(unsigned partition);
struct key key_mailbox_prefix(unsigned partition);
#define KEY_NODES "{cluster}:nodes"
#define KEY_PARTITIONS "{cluster}:partitions"
#define KEY_DEV_KEY "{cluster}:dev-key"
#define KEY_DEV_PEOPLE "{cluster}:dev-people"

static inline struct slice key_slice(const struct key *k)
{
    return slice_make(k->text, k->n);
}

#endif
