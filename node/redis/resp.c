#include "node/redis/resp.h"

#include <hiredis/hiredis.h>

#include "common/base/buf.h"

static size_t digits_of(size_t n)
{
    size_t digits = 1;
    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return digits;
}

/* `*12\r\n` */
static char *write_head(char *out, char mark, size_t n)
{
    size_t digits = digits_of(n);
    out[0] = mark;
    for (size_t i = digits; i > 0; i--) {
        out[i] = (char)('0' + n % 10);
        n /= 10;
    }
    out[digits + 1] = '\r';
    out[digits + 2] = '\n';
    return out + digits + 3;
}

size_t resp_size(const struct slice *args, size_t count)
{
    size_t size = digits_of(count) + 3;
    for (size_t i = 0; i < count; i++)
        size += digits_of(args[i].n) + 3 + args[i].n + 2;
    return size;
}

char *resp_write(char *out, const struct slice *args, size_t count)
{
    out = write_head(out, '*', count);
    for (size_t i = 0; i < count; i++) {
        out = write_head(out, '$', args[i].n);
        if (args[i].n > 0)
            memcpy(out, args[i].p, args[i].n);
        out += args[i].n;
        *out++ = '\r';
        *out++ = '\n';
    }
    return out;
}

void resp_put(struct buf *buf, const struct slice *args, size_t count)
{
    size_t size = resp_size(args, count);
    char *out = buf_reserve(buf, size);
    if (out) {
        resp_write(out, args, count);
        buf_commit(buf, size);
    }
}

struct slice resp_error_code(const struct redisReply *reply)
{
    struct slice text = {"", 0};
    if (reply->type == REDIS_REPLY_ERROR && reply->str) {
        text = slice_make(reply->str, reply->len);
        text.n = slice_find(text, ' ');
    }
    return text;
}
