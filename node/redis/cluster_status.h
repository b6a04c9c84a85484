/**
 * How a cluster is, seen from outside by way of its Redis: which nodes live, what each says of itself, whose the partitions are. For commands: blocking, a
 * connection for each question, nothing is changed.
 */
#ifndef NODE_REDIS_CLUSTER_STATUS_H
#define NODE_REDIS_CLUSTER_STATUS_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/id.h"
#include "common/wire/card.h"
#include "node/redis/client.h"

enum { CLUSTER_NODES_MAX = 256, CLUSTER_REDIS_VERSION_SIZE = 16 };

struct cluster_node {
    struct node_id id;
    bool lives;
    uint64_t ended_ms; /* since its lease ended */
    bool has_card;     /* an older version leaves none */
    struct card card;
    unsigned partitions; /* that it owns */
};

struct cluster_status {
    unsigned partitions; /* 0: no node was ever here */
    size_t count;
    /* The living first, longest here first; then the dead, the last to die first. */
    struct cluster_node nodes[CLUSTER_NODES_MAX];
    uint64_t now_ms; /* Redis's time */
    struct {
        char version[CLUSTER_REDIS_VERSION_SIZE];
        bool is_replica; /* takes no writes: nodes want its primary */
        bool may_evict;  /* its maxmemory-policy is not noeviction */
        uint64_t memory_bytes;
        uint64_t memory_max_bytes; /* 0: no limit */
        uint64_t clients;
        uint64_t commands_per_s;
        uint64_t answer_us; /* how long an answer took on a connection that stood */
    } redis;
};

/** ERR_UNAVAILABLE: Redis is not there or does not let us in, `why` says so. ERR_UNSUPPORTED: it is none of ours. */
enum err cluster_status_read(const struct redis_url *, struct cluster_status *ret_cluster,
                             struct why why) ATTR_MUST_USE;

#endif
