#include "node/redis/look.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/rendezvous.h"
#include "node/redis/check.h"
#include "node/redis/keys.h"

/* ---- what Redis says of itself ---- */

static uint64_t info_number(struct slice info, struct slice name)
{
    uint64_t n = 0;
    return slice_to_u64(redis_info_field(info, name), &n) ? n : 0;
}

static enum err look_at_redis(const struct redis_url *url, struct look *look, struct why why)
{
    const struct slice args[] = {SLICE("INFO")};
    struct redisReply *reply = NULL;
    if (redis_ask_for(url, args, ARRAY_SIZE(args), REDIS_REPLY_STRING, &reply, why) != ERR_OK)
        return ERR_UNAVAILABLE;
    struct slice info = slice_make(reply->str, reply->len);
    look->redis.memory_bytes = info_number(info, SLICE("used_memory"));
    look->redis.memory_max_bytes = info_number(info, SLICE("maxmemory"));
    look->redis.clients = info_number(info, SLICE("connected_clients"));
    look->redis.commands_per_s = info_number(info, SLICE("instantaneous_ops_per_sec"));
    look->now_ms = info_number(info, SLICE("server_time_usec")) / 1000;
    look->redis.is_replica = slice_is(redis_info_field(info, SLICE("role")), "slave");
    struct slice policy = redis_info_field(info, SLICE("maxmemory_policy"));
    look->redis.may_evict = policy.n > 0 && !slice_is(policy, "noeviction");
    snprintf(look->redis.version, sizeof look->redis.version, "%.*s",
             SLICE_FMT(redis_info_field(info, SLICE("redis_version"))));
    redis_reply_free(reply);
    return ERR_OK;
}

/* ---- the nodes ---- */

static int by_life(const void *left, const void *right)
{
    const struct look_node *a = left;
    const struct look_node *b = right;
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
                       struct look_node *ret)
{
    if (id->type != REDIS_REPLY_STRING || id->len != NODE_ID_CHARS || end->type != REDIS_REPLY_STRING)
        return false;
    *ret = (struct look_node){.lives = false};
    memcpy(ret->id.text, id->str, NODE_ID_CHARS);
    uint64_t end_ms = strtoull(end->str, NULL, 10); /* 1.7e12 comes as digits */
    ret->lives = end_ms > now_ms;
    ret->ended_ms = ret->lives ? 0 : now_ms - end_ms;
    return true;
}

static enum err look_at_leases(const struct redis_url *url, struct look *look, struct why why)
{
    const struct slice args[] = {SLICE("ZREVRANGE"), SLICE(KEY_NODES), SLICE("0"), SLICE("255"), SLICE("WITHSCORES")};
    _Static_assert(LOOK_NODES_MAX == 256, "as the command says");
    struct redisReply *reply = NULL;
    if (redis_ask_for(url, args, ARRAY_SIZE(args), REDIS_REPLY_ARRAY, &reply, why) != ERR_OK)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i + 1 < reply->elements && look->count < LOOK_NODES_MAX; i += 2)
        look->count += read_lease(reply->element[i], reply->element[i + 1], look->now_ms, &look->nodes[look->count]);
    redis_reply_free(reply);
    return ERR_OK;
}

static enum err look_at_cards(const struct redis_url *url, struct look *look, struct why why)
{
    struct slice args[LOOK_NODES_MAX + 1] = {SLICE("MGET")};
    struct key keys[LOOK_NODES_MAX];
    if (look->count == 0)
        return ERR_OK;
    for (size_t i = 0; i < look->count; i++) {
        keys[i] = key_node_card(&look->nodes[i].id);
        args[i + 1] = key_slice(&keys[i]);
    }
    struct redisReply *reply = NULL;
    if (redis_ask_for(url, args, look->count + 1, REDIS_REPLY_ARRAY, &reply, why) != ERR_OK)
        return ERR_UNAVAILABLE;
    for (size_t i = 0; i < reply->elements && i < look->count; i++) {
        const struct redisReply *card = reply->element[i];
        look->nodes[i].has_card = card->type == REDIS_REPLY_STRING &&
                                  card_read(slice_make(card->str, card->len), &look->nodes[i].card) == ERR_OK;
    }
    redis_reply_free(reply);
    return ERR_OK;
}

static void share_out(struct look *look)
{
    for (unsigned p = 0; p < look->partitions; p++) {
        struct look_node *owner = NULL;
        for (size_t i = 0; i < look->count; i++) {
            struct look_node *node = &look->nodes[i];
            if (node->lives && (!owner || rendezvous_weight(&node->id, p) > rendezvous_weight(&owner->id, p)))
                owner = node;
        }
        if (owner)
            owner->partitions++;
    }
}

static enum err look_partitions(const struct redis_url *url, struct look *look, struct why why)
{
    const struct slice args[] = {SLICE("GET"), SLICE(KEY_PARTITIONS)};
    struct redis_timed timed;
    uint64_t n = 0;
    enum err err = redis_ask_timed(url, args, ARRAY_SIZE(args), &timed, why);
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
        look->partitions = (unsigned)n;
        look->redis.answer_us = timed.took_us; /* a GET: what nodes wait for is as short */
    }
    return err;
}

enum err look_at(const struct redis_url *url, struct look *ret_look, struct why why)
{
    *ret_look = (struct look){0};
    enum err err = look_partitions(url, ret_look, why);
    if (err == ERR_OK)
        err = look_at_redis(url, ret_look, why);
    if (err == ERR_OK)
        err = look_at_leases(url, ret_look, why);
    if (err == ERR_OK)
        err = look_at_cards(url, ret_look, why);
    if (err != ERR_OK)
        return err;
    share_out(ret_look);
    qsort(ret_look->nodes, ret_look->count, sizeof ret_look->nodes[0], by_life);
    return ERR_OK;
}
