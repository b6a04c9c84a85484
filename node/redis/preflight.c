#include "node/redis/preflight.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/random.h"
#include "node/redis/blocking.h"
#include "node/redis/keys.h"
#include "node/redis/reply.h"

/* Longer numbers and keys than ours are somebody else's. */
enum { VALUE_BYTES_MAX = 64 };

static enum err check_version(struct slice info, struct why why)
{
    struct slice version = reply_info_field(info, SLICE("redis_version"));
    struct slice major_text = slice_make(version.p, slice_find(version, '.'));
    uint64_t major;
    if (!slice_to_u64(major_text, &major))
        return why_fail(why, ERR_UNSUPPORTED, "Redis does not say which version it is: version %d or later is needed",
                        REDIS_MAJOR_MIN);
    if (major < REDIS_MAJOR_MIN)
        return why_fail(why, ERR_UNSUPPORTED, "Redis %.*s is too old: version %d or later is needed",
                        SLICE_FMT(version), REDIS_MAJOR_MIN);
    return ERR_OK;
}

static enum err check_server(const struct redis_url *url, struct why why)
{
    const struct slice args[] = {SLICE("INFO")};
    struct redisReply *reply;
    enum err e = redis_blocking_ask_typed(url, args, ARRAY_SIZE(args), REDIS_REPLY_STRING, &reply, why);
    if (e != ERR_OK)
        return e;
    struct slice info = slice_make(reply->str, (size_t)reply->len);
    e = check_version(info, why);
    struct slice policy = reply_info_field(info, SLICE("maxmemory_policy"));
    if (e == ERR_OK && policy.n > 0 && !slice_is(policy, "noeviction")) {
        log_warn("redis.may_evict", LOG_STR("maxmemory_policy", policy),
                 LOG_CSTR("advice", "set maxmemory-policy noeviction: an evicted key is a lost call"));
    }
    redis_reply_free(reply);
    return e;
}

/* What `key` holds once it holds something: `value` if we are the first. `value` and the answer end with NUL. */
static enum err agree(const struct redis_url *url, const char *key, const char *value,
                      char ret_value[VALUE_BYTES_MAX + 1], struct why why)
{
    const struct slice set[] = {SLICE("SET"), slice_of(key), slice_of(value), SLICE("NX")};
    const struct slice get[] = {SLICE("GET"), slice_of(key)};
    struct redisReply *reply = NULL;
    enum err e = redis_blocking_ask(url, set, ARRAY_SIZE(set), &reply, why);
    if (e != ERR_OK)
        return e;
    if (reply->type == REDIS_REPLY_ERROR)
        e = why_fail(why, ERR_UNAVAILABLE, "Redis does not take writes: %s", reply->str);
    redis_reply_free(reply);
    if (e != ERR_OK)
        return e;
    e = redis_blocking_ask_typed(url, get, ARRAY_SIZE(get), REDIS_REPLY_STRING, &reply, why);
    if (e != ERR_OK)
        return e;
    size_t n = (size_t)reply->len;
    if (n > VALUE_BYTES_MAX) {
        redis_reply_free(reply);
        return why_fail(why, ERR_CONFLICT, "the key %s in Redis is not Switchboard's", key);
    }
    memcpy(ret_value, reply->str, n);
    ret_value[n] = '\0';
    redis_reply_free(reply);
    return ERR_OK;
}

enum err redis_preflight(const struct redis_url *url, unsigned partitions, struct why why)
{
    enum err e = check_server(url, why);
    if (e != ERR_OK)
        return e;
    char ours[16], agreed[VALUE_BYTES_MAX + 1];
    snprintf(ours, sizeof ours, "%u", partitions);
    e = agree(url, KEY_PARTITIONS, ours, agreed, why);
    if (e != ERR_OK)
        return e;
    if (strcmp(ours, agreed) != 0)
        return why_fail(
            why, ERR_CONFLICT,
            "this Redis was first used with %s partitions, this node has %s: start it with --partitions %s, "
            "or use another Redis or database",
            agreed, ours, agreed);
    return ERR_OK;
}

enum err redis_dev_key(const struct redis_url *url, char ret_key[REDIS_DEV_KEY_CHARS + 1], struct why why)
{
    _Static_assert((int)REDIS_DEV_KEY_CHARS == (int)VALUE_BYTES_MAX, "agree() carries it");
    unsigned char bytes[REDIS_DEV_KEY_CHARS / 2];
    char ours[REDIS_DEV_KEY_CHARS + 1], agreed[VALUE_BYTES_MAX + 1];
    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ours + 2 * i, 3, "%02x", bytes[i]);
    enum err e = agree(url, KEY_DEV_KEY, ours, agreed, why);
    if (e == ERR_OK && strlen(agreed) != REDIS_DEV_KEY_CHARS)
        e = why_fail(why, ERR_CONFLICT, "the key %s in Redis is not Switchboard's", KEY_DEV_KEY);
    if (e == ERR_OK)
        memcpy(ret_key, agreed, sizeof agreed);
    return e;
}
