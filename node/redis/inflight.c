#include "node/redis/inflight.h"

#include <assert.h>
#include <stdlib.h>

#include "node/redis/resp.h"

enum {
    RING_FIRST = 64,
    /* Kept when the queue runs empty; more goes back to the system. */
    BYTES_KEPT = 256 * 1024,
};

void inflight_init(struct inflight *q, size_t max, size_t bytes_max)
{
    *q = (struct inflight){.max = max, .bytes_max = bytes_max};
    /* Bytes of commands that are gone make up half of it at most. */
    buf_init(&q->bytes, bytes_max * 2 + 1);
}

void inflight_finish(struct inflight *q)
{
    free(q->ring);
    buf_finish(&q->bytes);
    *q = (struct inflight){0};
}

static struct inflight_command *at(const struct inflight *q, size_t i)
{
    return &q->ring[(q->head + i) & (q->room - 1)];
}

static bool make_room(struct inflight *q)
{
    size_t room = q->room ? q->room * 2 : RING_FIRST;
    if (q->n < q->room)
        return true;
    struct inflight_command *ring = malloc(room * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < q->n; i++)
        ring[i] = *at(q, i);
    free(q->ring);
    q->ring = ring;
    q->room = room;
    q->head = 0;
    return true;
}

bool inflight_push(struct inflight *q, const struct slice *args, size_t count, const struct inflight_command *command)
{
    size_t size = resp_size(args, count);
    size_t held = q->bytes.n - q->gone;
    if (q->n >= q->max || size > q->bytes_max || held > q->bytes_max - size || !make_room(q))
        return false;
    char *out = buf_reserve(&q->bytes, size);
    if (!out) {
        q->bytes.error = ERR_OK; /* nothing half-written is in it, and later there may be memory */
        return false;
    }
    resp_write(out, args, count);
    buf_commit(&q->bytes, size);
    q->n++;
    *at(q, q->n - 1) = *command;
    at(q, q->n - 1)->bytes = size;
    return true;
}

struct slice inflight_unwritten(const struct inflight *q)
{
    size_t from = q->gone + q->written;
    return from < q->bytes.n ? slice_make(q->bytes.p + from, q->bytes.n - from) : slice_make("", 0);
}

void inflight_wrote(struct inflight *q, size_t n)
{
    q->written += n;
    assert(q->gone + q->written <= q->bytes.n);
}

static void forget_oldest(struct inflight *q)
{
    size_t bytes = at(q, 0)->bytes;
    q->head = (q->head + 1) & (q->room - 1);
    q->n--;
    q->given_up -= q->given_up > 0;
    q->gone += bytes;
    q->written -= q->written < bytes ? q->written : bytes;
    if (q->gone == q->bytes.n) {
        buf_clear(&q->bytes);
        q->gone = 0;
        if (q->bytes.room > BYTES_KEPT)
            buf_finish(&q->bytes);
    } else if (q->gone > q->bytes.n / 2) {
        buf_drop(&q->bytes, q->gone);
        q->gone = 0;
    }
}

bool inflight_answer(struct inflight *q, struct inflight_command *ret_command, bool *ret_given_up)
{
    if (q->n == 0 || q->written < at(q, 0)->bytes)
        return false;
    *ret_command = *at(q, 0);
    *ret_given_up = q->given_up > 0;
    forget_oldest(q);
    return true;
}

const struct inflight_command *inflight_oldest(const struct inflight *q)
{
    return q->given_up < q->n ? at(q, q->given_up) : NULL;
}

struct inflight_command inflight_give_up(struct inflight *q)
{
    assert(q->given_up < q->n);
    struct inflight_command command = *at(q, q->given_up);

    q->given_up++;
    /* Not a byte of the oldest was written: then no answer of it can come. */
    while (q->written == 0 && q->given_up > 0)
        forget_oldest(q);
    return command;
}

size_t inflight_rewind(struct inflight *q)
{
    size_t commands = 0;
    while (q->given_up > 0)
        forget_oldest(q);
    for (size_t bytes = 0; commands < q->n && bytes < q->written; commands++)
        bytes += at(q, commands)->bytes;
    q->written = 0;
    return commands;
}
