#include "node/redis/cluster_control.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

#include "common/wire/envelope.h"
#include "node/redis/blocking.h"
#include "node/redis/reply.h"
#include "node/redis/script.h"

enum { ENVELOPE_MAX = 1024 };

/* A command that Redis does not refuse. */
static enum err ask(const struct redis_url *url, const struct slice *args, size_t count, struct redisReply **ret_reply,
                    struct why why)
{
    struct redisReply *reply = NULL;
    enum err err = redis_blocking_ask(url, args, count, &reply, why);
    if (err == ERR_OK && reply->type == REDIS_REPLY_ERROR) {
        err = why_fail(why, ERR_UNAVAILABLE, "%s", reply->str);
        redis_reply_free(reply);
    }
    if (err == ERR_OK)
        *ret_reply = reply;
    return err;
}

static enum err publish(const struct redis_url *url, const struct key *channel, const struct buf *envelope,
                        struct why why)
{
    const struct slice args[] = {SLICE("SPUBLISH"), key_slice(channel), buf_slice(envelope)};
    struct redisReply *reply = NULL;
    enum err err = ask(url, args, ARRAY_SIZE(args), &reply, why);
    if (err == ERR_OK)
        redis_reply_free(reply);
    return err;
}

/* ---- sessions ---- */

enum err cluster_session_read(const struct redis_url *url, struct cluster_session *s, struct why why)
{
    struct key key = key_session(&s->id);
    const struct slice args[] = {SLICE("HMGET"), key_slice(&key), SLICE("state"), SLICE("epoch"), SLICE("channel")};
    struct redisReply *reply = NULL;
    enum err err = ask(url, args, ARRAY_SIZE(args), &reply, why);
    if (err != ERR_OK)
        return err;
    struct slice channel = reply_text(reply, 2);
    s->over = reply_text(reply, 0).n == 0;
    s->epoch = reply_number(reply, 1);
    s->channel.n = channel.n < sizeof s->channel.text ? channel.n : 0;
    if (s->channel.n > 0)
        memcpy(s->channel.text, channel.p, s->channel.n);
    redis_reply_free(reply);
    return ERR_OK;
}

/* The fields `in:<call>`. */
static enum err count_seats(const struct redis_url *url, struct cluster_session *s, struct why why)
{
    struct key key = key_session(&s->id);
    const struct slice args[] = {SLICE("HKEYS"), key_slice(&key)};
    struct redisReply *reply = NULL;
    enum err err = ask(url, args, ARRAY_SIZE(args), &reply, why);
    if (err != ERR_OK)
        return err;
    s->seats = 0;
    for (size_t i = 0; i < reply_count(reply); i++)
        s->seats += slice_starts(reply_text(reply, i), SLICE("in:"));
    redis_reply_free(reply);
    return ERR_OK;
}

enum err cluster_sessions_read(const struct redis_url *url, unsigned partitions, struct slice user,
                               struct cluster_session sessions[CLUSTER_SESSIONS_MAX], size_t *ret_count, struct why why)
{
    struct key key = key_devices(partition_of_user(user, partitions), user);
    const struct slice args[] = {SLICE("HGETALL"), key_slice(&key)};
    struct redisReply *reply = NULL;
    size_t n = 0;
    enum err err = ask(url, args, ARRAY_SIZE(args), &reply, why);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i + 1 < reply_count(reply) && n < CLUSTER_SESSIONS_MAX; i += 2) {
        struct slice device = reply_text(reply, i);
        struct cluster_session *s = &sessions[n];
        *s = (struct cluster_session){.epoch = 0};
        if (!name_is_valid(device) || !id_parse(reply_text(reply, i + 1), partitions, &s->id))
            continue;
        memcpy(s->device, device.p, device.n);
        err = err == ERR_OK ? cluster_session_read(url, s, why) : err;
        err = err == ERR_OK ? count_seats(url, s, why) : err;
        n += !s->over;
    }
    redis_reply_free(reply);
    *ret_count = n;
    return err;
}

enum err cluster_kick(const struct redis_url *url, const struct key *channel, const struct cluster_session *s,
                      struct slice user, struct why why)
{
    struct buf envelope;
    buf_init(&envelope, ENVELOPE_MAX);
    envelope_put_kick(&envelope, id_slice(&s->id), s->epoch, user);
    enum err err = publish(url, channel, &envelope, why);
    buf_finish(&envelope);
    return err;
}

/* ---- calls ---- */

enum err cluster_call_end(const struct redis_url *url, const struct id *call, struct cluster_ended_call *ret_call,
                          struct why why)
{
    struct key key = key_call(call);
    struct key log = key_log(call);
    struct key timers = key_timers(id_partition(call));
    const struct slice args[] = {SLICE("EVAL"),   slice_of(script_text(SCRIPT_CALL_END)),
                                 SLICE("3"),      key_slice(&key),
                                 key_slice(&log), key_slice(&timers),
                                 id_slice(call),  SLICE("admin")};
    struct redisReply *reply = NULL;
    enum err err = ask(url, args, ARRAY_SIZE(args), &reply, why);
    if (err != ERR_OK)
        return err;
    struct slice word = reply_text(reply, 0);
    if (slice_is(word, "ok"))
        *ret_call = (struct cluster_ended_call){reply_number(reply, 1), reply_number(reply, 2)};
    else
        err = slice_is(word, "gone") ? ERR_GONE : ERR_NOT_FOUND;
    redis_reply_free(reply);
    return err;
}

enum err cluster_call_is_told(const struct redis_url *url, const struct id *call, bool *ret_told, struct why why)
{
    struct key key = key_call(call);
    const struct slice args[] = {SLICE("HMGET"), key_slice(&key), SLICE("version"), SLICE("fanned")};
    struct redisReply *reply = NULL;
    enum err err = ask(url, args, ARRAY_SIZE(args), &reply, why);
    if (err != ERR_OK)
        return err;
    *ret_told = reply_number(reply, 1) >= reply_number(reply, 0);
    redis_reply_free(reply);
    return ERR_OK;
}

/* ---- nodes ---- */

enum err cluster_drain(const struct redis_url *url, const struct node_id *node, struct why why)
{
    struct key channel = key_node(0, node);
    struct buf envelope;
    buf_init(&envelope, ENVELOPE_MAX);
    envelope_put_drain(&envelope, slice_of(node->text));
    enum err err = publish(url, &channel, &envelope, why);
    buf_finish(&envelope);
    return err;
}
