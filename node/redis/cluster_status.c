#include "node/redis/cluster_status.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/rendezvous.h"
#include "node/redis/blocking.h"
#include "node/redis/keys.h"
#include "node/redis/reply.h"

/* ---- what Redis says of itself ---- */

static uint64_t info_number(struct slice info, struct slice name)
{
    uint64_t n = 0;
    return slice_to_u64(reply_info_field(info, name), &n) ? n : 0;
}

static enum err read_redis(const struct redis_url *url, struct cluster_status *cluster, struct why why)
{
    const struct slice args[] = {SLICE("INFO")};
    struct redisReply *reply = NULL;
    if (redis_blocking_ask_typed(url, args, ARRAY_SIZE(args), REDIS_REPLY_STRING, &reply, why) != ERR_OK)
        return ERR_UNAVAILABLE;
    struct slice info = slice_make(reply->str, reply->len);
    cluster->redis.memory_bytes = info_number(info, SLICE("used_memory"));
    cluster->redis.memory_max_bytes = info_number(info, SLICE("maxmemory"));
    cluster->redis.clients = info_number(info, SLICE("connected_clients"));
    cluster->redis.commands_per_s = info_number(info, SLICE("instantaneous_ops_per_sec"));
    cluster->now_ms = info_number(info, SLICE("server_time_usec")) / 1000;
    cluster->redis.is_replica = slice_is(reply_info_field(info, SLICE("role")), "slave");
    struct slice policy = reply_info_field(info, SLICE("maxmemory_policy"));
    cluster->redis.may_evict = policy.n > 0 && !slice_is(policy, "noeviction");
    snprintf(cluster->redis.version, sizeof cluster->redis.version, "%.*s",
             SLICE_FMT(reply_info_field(info, SLICE("redis_version"))));
    redis_reply_free(reply);
    return ERR_OK;
}

/* ---- the nodes ---- */

static int by_life(const void *left, const void *right)
{
    const struct cluster_node *a = left;
    const struct cluster_node *b = right;
    if (a->lives != b->lives)
        return a->lives ? -1 : 1;
    if (a->ended_ms != b->ended_ms)
        return a->ended_ms < b->ended_ms ? -1 : 1;
    if (a->card.started_s != b->card.started_s)
        return a->card.started_s < b->card.started_s ? -1 : 1;
    return strcmp(a->id.text, b->id.text);
}

/* An id and the end of its lease. */
static bool read_lease(const struct redisReply *id, const struct redisReply *end, uint64_t now_ms,
                       struct cluster_node *ret)
{
    if (id->type != REDIS_REPLY_STRING || id->len != NODE_ID_CHARS || end->type != REDIS_REPLY_STRING)
        return false;
    *ret = (struct cluster_node){.lives = false};
    memcpy(ret->id.text, id->str, NODE_ID_CHARS);
    uint64_t end_ms = strtoull(end->str, NULL, 10); /* 1.7e12 comes as digits */
    ret->lives = end_ms > now_ms;
    ret->ended_ms = ret->lives ? 0 : now_ms - end_ms;
    return true;
}

static enum err read_leases(const struct redis_url *url, struct cluster_status *cluster, struct why why)
{
    const struct slice args[] = {SLICE("ZREVRANGE"), SLICE(KEY_NODES), SLICE("0"), SLICE("255"), SLICE("WITHSCORES")};
    _Static_assert(CLUSTER_NODES_MAX == 256, "as the command says");
    struct redisReply *reply = NULL;
    if (redis_blocking_ask_typed(url, args, ARRAY_SIZE(args), REDIS_REPLY_ARRAY, &reply, why) != ERR_OK)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i + 1 < reply->elements && cluster->count < CLUSTER_NODES_MAX; i += 2)
        cluster->count +=
            read_lease(reply->element[i], reply->element[i + 1], cluster->now_ms, &cluster->nodes[cluster->count]);
    redis_reply_free(reply);
    return ERR_OK;
}

static enum err read_cards(const struct redis_url *url, struct cluster_status *cluster, struct why why)
{
    struct slice args[CLUSTER_NODES_MAX + 1] = {SLICE("MGET")};
    struct key keys[CLUSTER_NODES_MAX];
    if (cluster->count == 0)
        return ERR_OK;
    for (size_t i = 0; i < cluster->count; i++) {
        keys[i] = key_node_card(&cluster->nodes[i].id);
        args[i + 1] = key_slice(&keys[i]);
    }
    struct redisReply *reply = NULL;
    if (redis_blocking_ask_typed(url, args, cluster->count + 1, REDIS_REPLY_ARRAY, &reply, why) != ERR_OK)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < reply->elements && i < cluster->count; i++) {
        const struct redisReply *card = reply->element[i];
        cluster->nodes[i].has_card = card->type == REDIS_REPLY_STRING &&
                                     card_read(slice_make(card->str, card->len), &cluster->nodes[i].card) == ERR_OK;
    }
    redis_reply_free(reply);
    return ERR_OK;
}

static void share_out(struct cluster_status *cluster)
{
    for (unsigned p = 0; p < cluster->partitions; p++) {
        struct cluster_node *owner = NULL;
        for (size_t i = 0; i < cluster->count; i++) {
            struct cluster_node *node = &cluster->nodes[i];
            if (node->lives && (!owner || rendezvous_weight(&node->id, p) > rendezvous_weight(&owner->id, p)))
                owner = node;
        }
        if (owner)
            owner->partitions++;
    }
}

static enum err read_partitions(const struct redis_url *url, struct cluster_status *cluster, struct why why)
{
    const struct slice args[] = {SLICE("GET"), SLICE(KEY_PARTITIONS)};
    struct redis_timed_reply timed;
    uint64_t n = 0;
    enum err err = redis_blocking_ask_timed(url, args, ARRAY_SIZE(args), &timed, why);
    if (err != ERR_OK)
        return err;
    struct redisReply *reply = timed.reply;
    bool is_text = reply->type == REDIS_REPLY_STRING;
    if (reply->type == REDIS_REPLY_ERROR)
        err = why_fail(why, ERR_UNAVAILABLE, "Redis does not let us look: %s", reply->str);
    else if (is_text && (!slice_to_u64(slice_make(reply->str, reply->len), &n) || n < 1 || n > ID_PARTITIONS_MAX))
        err = why_fail(why, ERR_UNSUPPORTED, "the key %s in Redis is not Switchboard's", KEY_PARTITIONS);
    redis_reply_free(reply);
    if (err == ERR_OK) {
        cluster->partitions = (unsigned)n;
        cluster->redis.answer_us = timed.took_us; /* a GET: what nodes wait for is as short */
    }
    return err;
}

enum err cluster_status_read(const struct redis_url *url, struct cluster_status *ret_cluster, struct why why)
{
    *ret_cluster = (struct cluster_status){0};
    enum err err = read_partitions(url, ret_cluster, why);
    if (err == ERR_OK)
        err = read_redis(url, ret_cluster, why);
    if (err == ERR_OK)
        err = read_leases(url, ret_cluster, why);
    if (err == ERR_OK)
        err = read_cards(url, ret_cluster, why);
    if (err != ERR_OK)
        return err;
    share_out(ret_cluster);
    qsort(ret_cluster->nodes, ret_cluster->count, sizeof ret_cluster->nodes[0], by_life);
    return ERR_OK;
}
