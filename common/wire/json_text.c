#include "common/wire/json_text.h"

#include <stdint.h>

enum { EIGHT = 8 };

/* The first is the lowest, on whatever machine; compilers make one load of it. */
static uint64_t eight_at(const char *p)
{
    uint64_t eight = 0;

    for (unsigned i = 0; i < EIGHT; i++)
        eight |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return eight;
}

/*
 * The top bit of each byte that is not plain: below 0x20, above 0x7f, a quote or a backslash. Of the bytes above the lowest of these some may be marked in vain, as
 * the subtractions borrow.
 */
static uint64_t not_plain(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
    uint64_t hits = ((eight - ones * 0x20) & ~eight) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);

    return (hits | eight) & tops;
}

const char *json_plain_end(const char *p, const char *end)
{
    for (; end - p >= EIGHT; p += EIGHT) {
        uint64_t marks = not_plain(eight_at(p));
        if (marks)
            return p + __builtin_ctzll(marks) / 8;
    }
    while (p < end && json_is_plain(*p))
        p++;
    return p;
}
