#include "common/base/slice.h"

#include <stdlib.h>

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

size_t slice_find(struct slice s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

struct slice slice_trim(struct slice s)
{
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

bool slice_split(struct slice *rest, char sep, struct slice *ret_part)
{
    if (!rest->p)
        return false;
    size_t at = slice_find(*rest, sep);
    *ret_part = (struct slice){rest->p, at};
    if (at == rest->n)
        *rest = (struct slice){NULL, 0};
    else
        *rest = (struct slice){rest->p + at + 1, rest->n - at - 1};
    return true;
}

bool slice_to_u64(struct slice s, uint64_t *ret_n)
{
    uint64_t n = 0;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    *ret_n = n;
    return true;
}

size_t u64_digits(uint64_t n, char ret_digits[static U64_DIGITS_MAX])
{
    char digits[U64_DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    memcpy(ret_digits, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

char *slice_dup(struct slice s)
{
    char *copy = malloc(s.n + 1);
    if (!copy)
        abort();
    if (s.n > 0)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}
