#include "node/redis/reply.h"

#include <hiredis/hiredis.h>

const struct redisReply *reply_item(const struct redisReply *reply, size_t i)
{
    return reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements ? reply->element[i] : NULL;
}

size_t reply_count(const struct redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
}

struct slice reply_text(const struct redisReply *reply, size_t i)
{
    const struct redisReply *item = reply_item(reply, i);
    if (!item || (item->type != REDIS_REPLY_STRING && item->type != REDIS_REPLY_STATUS))
        return (struct slice){0};
    return slice_make(item->str, (size_t)item->len);
}

uint64_t reply_number(const struct redisReply *reply, size_t i)
{
    const struct redisReply *item = reply_item(reply, i);
    uint64_t n = 0;
    if (item && item->type == REDIS_REPLY_INTEGER)
        return item->integer > 0 ? (uint64_t)item->integer : 0;
    return slice_to_u64(reply_text(reply, i), &n) ? n : 0;
}

struct slice reply_info_field(struct slice info, struct slice name)
{
    struct slice line;
    while (slice_split(&info, '\n', &line)) {
        if (slice_starts(line, name) && line.n > name.n && line.p[name.n] == ':')
            return slice_trim(slice_make(line.p + name.n + 1, line.n - name.n - 1));
    }
    return SLICE("");
}
