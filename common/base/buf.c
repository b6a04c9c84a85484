#include "common/base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

static void fail(struct buf *b, enum err e)
{
    if (b->error == ERR_OK)
        b->error = e;
}

/* One byte more than `room` is always allocated, so that buf_cstr() never has to grow. */
static bool grow(struct buf *b, size_t n)
{
    size_t room = b->room ? b->room : FIRST_ROOM;
    if (b->error != ERR_OK)
        return false;
    if (n > b->cap - b->n) {
        fail(b, ERR_TOO_LARGE);
        return false;
    }
    while (room < b->n + n)
        room = room > b->cap / 2 ? b->cap : room * 2;
    if (room > b->cap)
        room = b->cap;
    char *p = room < SIZE_MAX ? realloc(b->p, room + 1) : NULL;
    if (!p) {
        fail(b, ERR_NO_MEMORY);
        return false;
    }
    b->p = p;
    b->room = room;
    return true;
}

void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf){.cap = cap};
}

void buf_finish(struct buf *b)
{
    if (!b)
        return;
    free(b->p);
    buf_init(b, b->cap);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->error = ERR_OK;
}

void buf_put_growing(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0 || !grow(b, n))
        return;
    memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

void buf_put_cstr(struct buf *b, const char *text)
{
    buf_put_mem(b, text, strlen(text));
}

void buf_put_u64(struct buf *b, uint64_t n)
{
    char digits[U64_DIGITS_MAX];
    buf_put_mem(b, digits, u64_digits(n, digits));
}

void buf_putv(struct buf *b, const char *fmt, va_list args)
{
    if (b->error != ERR_OK)
        return;
    va_list again;
    va_copy(again, args);
    /* The hidden byte behind `room` takes vsnprintf's NUL. */
    size_t free_room = b->p ? b->room - b->n + 1 : 0;
    int n = vsnprintf(b->p ? b->p + b->n : NULL, free_room, fmt, args);
    if (n < 0)
        fail(b, ERR_NO_MEMORY);
    else if ((size_t)n < free_room)
        b->n += (size_t)n;
    else if (n > 0 && grow(b, (size_t)n))
        b->n += (size_t)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
    va_end(again);
}

void buf_putf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_putv(b, fmt, args);
    va_end(args);
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->error != ERR_OK)
        return NULL;
    if ((!b->p || n > b->room - b->n) && !grow(b, n))
        return NULL;
    return b->p + b->n;
}

void buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->room - b->n);
    b->n += n;
}

void buf_drop(struct buf *b, size_t n)
{
    assert(n <= b->n);
    b->n -= n;
    if (b->n > 0 && n > 0)
        memmove(b->p, b->p + n, b->n);
}

void buf_truncate(struct buf *b, size_t n)
{
    assert(n <= b->n);
    b->n = n;
}

const char *buf_cstr(struct buf *b)
{
    if (b->n == 0)
        return "";
    b->p[b->n] = '\0';
    return b->p;
}
