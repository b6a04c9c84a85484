#include "common/wire/twins.h"

#include <assert.h>
#include <stdlib.h>

enum { FEW = 16 };

static const struct slice *string_at(const struct slice *first, size_t stride, size_t i)
{
    return (const struct slice *)(const void *)((const char *)first + i * stride);
}

static int compare(const void *left, const void *right)
{
    const struct slice *a = *(const struct slice *const *)left, *b = *(const struct slice *const *)right;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    return a->n == 0 ? 0 : memcmp(a->p, b->p, a->n);
}

static const struct slice *find_among_few(const struct slice *first, size_t stride, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (slice_eq(*string_at(first, stride, i), *string_at(first, stride, j)))
                return string_at(first, stride, i);
    return NULL;
}

const struct slice *wire_twins_find(const struct slice *first, size_t stride, size_t n)
{
    const struct slice *sorted[WIRE_TWINS_MAX];
    assert(n <= WIRE_TWINS_MAX);
    if (n <= FEW)
        return find_among_few(first, stride, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = string_at(first, stride, i);
    qsort(sorted, n, sizeof(sorted[0]), compare);
    for (size_t i = 1; i < n; i++)
        if (compare(&sorted[i - 1], &sorted[i]) == 0)
            return sorted[i];
    return NULL;
}
