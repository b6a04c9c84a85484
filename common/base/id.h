/**
 * Names that the server makes: of sessions, calls and offers (docs/protocol.md) and of nodes.
 *
 * A session's or call's id is two decimal digits, the partition it lives in, and 22 characters of base64url: 132
 * random bits, unguessable. So whoever holds an id knows where to ask, without a look-up.
 * An offer's id is its call's id.
 */
#ifndef COMMON_BASE_ID_H
#define COMMON_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/slice.h"

enum {
    ID_RANDOM_CHARS = 22,
    ID_CHARS = 2 + ID_RANDOM_CHARS,
    /** Two digits name a partition. */
    ID_PARTITIONS_MAX = 100,
    NODE_ID_CHARS = 12,
};

/** Fixed size, copied by value, compared with id_eq(). `text` ends in NUL; all zero is "none". */
struct id {
    char text[ID_CHARS + 1];
};

/** A node's name in the cluster: 72 random bits, new at every start. */
struct node_id {
    char text[NODE_ID_CHARS + 1];
};

/** A new one in that partition. Aborts if the kernel has no randomness. */
struct id id_random(unsigned partition);
/**
 * The id that `secret` and `n` make together: the same each time, and unguessable without the secret (HMAC-SHA256).
 * So a request that is sent again creates the same call again, not another one.
 */
struct id id_derived(unsigned partition, struct slice secret, uint64_t n);
/** False if it is no id or names no partition below `partitions`; *ret_id stays as it was then. */
bool id_parse(struct slice, unsigned partitions, struct id *ret_id) ATTR_MUST_USE;
/** The partition that the id names. */
unsigned id_partition(const struct id *);

static inline bool id_eq(const struct id *a, const struct id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline bool id_is_none(const struct id *id)
{
    return id->text[0] == '\0';
}

static inline struct slice id_slice(const struct id *id)
{
    return (struct slice){id->text, id_is_none(id) ? 0 : ID_CHARS};
}

struct node_id node_id_random(void);

#endif
