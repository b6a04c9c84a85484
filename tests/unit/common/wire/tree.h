/** Comparing and making trees, for the tests of this room and its fuzzers. */
#ifndef TESTS_UNIT_COMMON_WIRE_TREE_H
#define TESTS_UNIT_COMMON_WIRE_TREE_H

#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/wire/doc.h"
#include "common/wire/writer.h"

static inline bool tree_equal(const struct wire_value *a, const struct wire_value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case WIRE_NULL:
        return true;
    case WIRE_BOOL:
        return a->boolean == b->boolean;
    case WIRE_INT:
        return a->integer == b->integer;
    case WIRE_DOUBLE: /* -0.0 is not 0.0 here */
        return memcmp(&a->number, &b->number, sizeof(a->number)) == 0;
    case WIRE_STRING:
        return slice_eq(a->string, b->string);
    case WIRE_ARRAY:
        if (a->array.n != b->array.n)
            return false;
        for (size_t i = 0; i < a->array.n; i++)
            if (!tree_equal(&a->array.items[i], &b->array.items[i]))
                return false;
        return true;
    case WIRE_MAP:
        if (a->map.n != b->map.n)
            return false;
        for (size_t i = 0; i < a->map.n; i++)
            if (!slice_eq(a->map.pairs[i].key, b->map.pairs[i].key) ||
                !tree_equal(&a->map.pairs[i].value, &b->map.pairs[i].value))
                return false;
        return true;
    }
    return false;
}

/** Whether a sentence may be shown to a client: not empty, printable, UTF-8. */
static inline bool is_sentence(const char *why)
{
    for (const char *c = why; *c; c++)
        if ((unsigned char)*c < 0x20)
            return false;
    return *why && utf8_is_valid(slice_of(why));
}

/**
 * Takes a tree round through both formats and back. NULL, or which step lost something.
 */
static inline const char *tree_round_trip(const struct wire_value *root)
{
    struct buf body, frame;
    struct wire_doc *doc = NULL;
    const char *lost = NULL;
    buf_init(&body, 1 << 24);
    buf_init(&frame, 1 << 24);
    wire_put_value(&body, root);
    if (buf_failed(&body))
        lost = "put";
    else if (wire_decode(WIRE_MSGPACK, buf_slice(&body), &doc, WHY_NONE) != ERR_OK)
        lost = "msgpack is not read";
    else if (!tree_equal(root, wire_doc_root(doc)))
        lost = "msgpack differs";
    wire_doc_destroy(doc);
    doc = NULL;
    if (lost)
        goto out;
    if (wire_frame(WIRE_JSON, buf_slice(&body), 0, &frame) != ERR_OK)
        lost = "JSON is not written";
    else if (wire_decode(WIRE_JSON, buf_slice(&frame), &doc, WHY_NONE) != ERR_OK)
        lost = "JSON is not read";
    else if (!tree_equal(root, wire_doc_root(doc)))
        lost = "JSON differs";
    wire_doc_destroy(doc);
out:
    buf_finish(&body);
    buf_finish(&frame);
    return lost;
}

/**
 * Whether jansson reads a JSON text as this tree. A fraction put into its object keeps json_plain.h from taking it; an object that has no room for one more
 * key, or this very one, is taken on trust.
 */
static inline bool tree_is_janssons(const struct wire_value *root, struct slice text)
{
    if (root->map.n == WIRE_MAP_MAX || wire_find(root, "the fraction"))
        return true;
    struct buf both;
    struct wire_doc *doc = NULL;
    size_t at = slice_find(text, '{') + 1;
    buf_init(&both, 1 << 24);
    buf_put_cstr(&both, root->map.n > 0 ? "{\"the fraction\":0.5," : "{\"the fraction\":0.5");
    buf_put_mem(&both, text.p + at, text.n - at);
    bool same = wire_decode(WIRE_JSON, buf_slice(&both), &doc, WHY_NONE) == ERR_OK;
    if (same) {
        struct wire_value rest = *wire_doc_root(doc);
        rest.map.pairs++;
        rest.map.n--;
        same = tree_equal(root, &rest);
    }
    wire_doc_destroy(doc);
    buf_finish(&both);
    return same;
}

#endif
