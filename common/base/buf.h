/**
 * Bytes that are owned and grow, up to a cap fixed at birth.
 *
 * Writers remember the first failure: put as much as you like, then look once, with buf_failed(). After a
 * failure nothing more is appended, so a buffer never holds a text with a hole in it.
 */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/slice.h"

struct buf {
    char *p;        /* NULL until the first byte */
    size_t n;       /* bytes held */
    size_t room;    /* bytes it holds without growing */
    size_t cap;     /* never more than this */
    enum err error; /* the first failure: ERR_TOO_LARGE or ERR_NO_MEMORY */
};

/** An empty buffer that will not grow beyond `cap` bytes. Allocates nothing yet. */
void buf_init(struct buf *, size_t cap);
/** Frees the bytes; the buffer is as after buf_init(). NULL is fine. */
void buf_finish(struct buf *);
/** Forgets bytes and failure, keeps the memory. */
void buf_clear(struct buf *);

/** What buf_put_mem() does when the bytes may not fit without growing. */
void buf_put_growing(struct buf *, const void *, size_t);

static inline void buf_put_mem(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0 || n > b->room - b->n || b->error != ERR_OK) {
        buf_put_growing(b, bytes, n);
        return;
    }
    memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

static inline void buf_put(struct buf *b, struct slice s)
{
    buf_put_mem(b, s.p, s.n);
}

static inline void buf_put_char(struct buf *b, char c)
{
    buf_put_mem(b, &c, 1);
}

void buf_put_cstr(struct buf *, const char *);
void buf_put_u64(struct buf *, uint64_t);
void buf_putf(struct buf *, const char *fmt, ...) ATTR_PRINTF(2, 3);
void buf_putv(struct buf *, const char *fmt, va_list) ATTR_PRINTF(2, 0);

/** Room for `n` more bytes at the end, or NULL (and the failure is remembered). buf_commit() claims what was written. */
char *buf_reserve(struct buf *, size_t n);
void buf_commit(struct buf *, size_t n);
/** Drops `n` bytes at the front (n <= buf.n), moving the rest. */
void buf_drop(struct buf *, size_t n);
/** Shortens to `n` bytes (n <= buf.n). */
void buf_truncate(struct buf *, size_t n);

static inline bool buf_failed(const struct buf *b)
{
    return b->error != ERR_OK;
}

/** What it holds; valid until the next put or finish. */
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->p, b->n};
}

/** With a NUL behind it that is not counted; "" when empty. Never grows, never fails. */
const char *buf_cstr(struct buf *);

#endif
