/**
 * A decoded frame from the inside; private to this room.
 *
 * The tree lies in one block with its document: the readers say beforehand how many bytes its maps and arrays take.
 */
#ifndef COMMON_WIRE_DOC_H
#define COMMON_WIRE_DOC_H

#include "common/wire/value.h"

/** More pairs in one map are refused, in both formats: telling whether a key stands twice must stay cheap. */
enum { WIRE_MAP_MAX = 1024 };

struct wire_doc {
    struct wire_value root;
    void *json; /* jansson's tree, which the strings point into, or NULL */
    char *free; /* what of the block is not taken yet */
    char *end;
};

/** A document with `tree` bytes for maps and arrays, or NULL when memory is out. The root is null. */
struct wire_doc *wire_doc_create(size_t tree) ATTR_MUST_USE;
/** Room for `n` pairs or items, or bytes behind the last of them. To take more than was asked for is our mistake. */
struct wire_pair *wire_doc_pairs(struct wire_doc *, size_t n);
struct wire_value *wire_doc_items(struct wire_doc *, size_t n);
char *wire_doc_bytes(struct wire_doc *, size_t n);

#endif
