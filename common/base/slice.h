/**
 * A view of bytes that owns nothing: text, SDP, candidates, frames travel as slices.
 *
 * A slice is valid as long as what it looks at; every function that hands one out says how long that is.
 * It need not end in NUL and may hold NULs. The empty slice is {NULL or anything, 0}.
 */
#ifndef COMMON_BASE_SLICE_H
#define COMMON_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

struct slice {
    const char *p;
    size_t n;
};

/** A slice of a string literal. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
/** The same as an initialiser in a static table, where C17 wants a constant. */
#define SLICE_INIT(literal)            \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }
/** For printf's "%.*s". */
#define SLICE_FMT(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct slice slice_of(const char *cstr)
{
    return (struct slice){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct slice slice_make(const void *p, size_t n)
{
    return (struct slice){p, n};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *cstr)
{
    return slice_eq(a, slice_of(cstr));
}

bool slice_starts(struct slice, struct slice prefix);
/** ASCII only; SDP and HTTP names. */
bool slice_eq_nocase(struct slice, struct slice);
/** The index of the first `c`, or n if there is none. */
size_t slice_find(struct slice, char c);
/** Without spaces, tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice);

/**
 * Takes the part before the first `sep` off the front of `rest`, as strsep() does without writing.
 * False when `rest` is exhausted (its p is NULL then). "a,,b" gives "a", "", "b"; "" gives "" once.
 */
bool slice_split(struct slice *rest, char sep, struct slice *ret_part);

/** A decimal number, digits only, the whole slice, no sign, no overflow. False leaves *ret_n alone. */
bool slice_to_u64(struct slice, uint64_t *ret_n) ATTR_MUST_USE;

enum { U64_DIGITS_MAX = 20 };
/** Writes it in decimal digits, without a NUL; how many there are. */
size_t u64_digits(uint64_t, char ret_digits[static U64_DIGITS_MAX]);

/** A NUL-terminated copy; the caller frees it. Aborts when memory is out (start-up and small things only). */
char *slice_dup(struct slice);

#endif
