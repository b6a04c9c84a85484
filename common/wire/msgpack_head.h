/**
 * The first bytes of a msgpack value: what it is and how long; private to this room.
 *
 * What this server accepts of the format is decided here, once, for the reader and for the way back to JSON. Nothing is allocated,
 * and no size is believed that the bytes left cannot hold.
 */
#ifndef COMMON_WIRE_MSGPACK_HEAD_H
#define COMMON_WIRE_MSGPACK_HEAD_H

#include "common/wire/value.h"

struct wire_cursor {
    const char *p;
    const char *end;
};

struct wire_head {
    enum wire_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        size_t n; /* a string's bytes, which follow; an array's items, a map's pairs */
    };
};

/** Reads a head. NULL, or what is wrong with it; the cursor stands behind the head, or where it stood before. */
const char *wire_head_read(struct wire_cursor *, struct wire_head *ret_head) ATTR_MUST_USE;

/** Walks over one whole value, heads only, `depth` levels at most. NULL, or what is wrong at the cursor. */
const char *wire_head_skip(struct wire_cursor *, size_t depth) ATTR_MUST_USE;

/** The string of which the head was read. */
static inline struct slice wire_head_string(struct wire_cursor *in, const struct wire_head *head)
{
    struct slice string = {in->p, head->n};
    in->p += head->n;
    return string;
}

#endif
