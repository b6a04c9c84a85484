/* msgpack frames: whatever is read, msgpack-c reads alike, and it survives both formats; a body is framed whole or not at all. */
#include <msgpack/unpack.h>
#include <stdlib.h>

#include "tests/unit/common/wire/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct wire_value *ours, const msgpack_object *theirs);

static bool same_array(const struct wire_value *ours, const msgpack_object_array *theirs)
{
    if (ours->array.n != theirs->size)
        return false;
    for (size_t i = 0; i < theirs->size; i++)
        if (!same(&ours->array.items[i], &theirs->ptr[i]))
            return false;
    return true;
}

static bool same_string(struct slice ours, const msgpack_object *theirs)
{
    return theirs->type == MSGPACK_OBJECT_STR && slice_eq(ours, slice_make(theirs->via.str.ptr, theirs->via.str.size));
}

static bool same_map(const struct wire_value *ours, const msgpack_object_map *theirs)
{
    if (ours->map.n != theirs->size)
        return false;
    for (size_t i = 0; i < theirs->size; i++)
        if (!same_string(ours->map.pairs[i].key, &theirs->ptr[i].key) ||
            !same(&ours->map.pairs[i].value, &theirs->ptr[i].val))
            return false;
    return true;
}

static bool same(const struct wire_value *ours, const msgpack_object *theirs)
{
    switch (theirs->type) {
    case MSGPACK_OBJECT_NIL:
        return ours->kind == WIRE_NULL;
    case MSGPACK_OBJECT_BOOLEAN:
        return ours->kind == WIRE_BOOL && ours->boolean == theirs->via.boolean;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return ours->kind == WIRE_INT && ours->integer >= 0 && (uint64_t)ours->integer == theirs->via.u64;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return ours->kind == WIRE_INT && ours->integer == theirs->via.i64;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return ours->kind == WIRE_DOUBLE && ours->number == theirs->via.f64;
    case MSGPACK_OBJECT_STR:
        return ours->kind == WIRE_STRING && same_string(ours->string, theirs);
    case MSGPACK_OBJECT_ARRAY:
        return ours->kind == WIRE_ARRAY && same_array(ours, &theirs->via.array);
    case MSGPACK_OBJECT_MAP:
        return ours->kind == WIRE_MAP && same_map(ours, &theirs->via.map);
    default:
        return false;
    }
}

static void check_reading(struct slice bytes)
{
    struct wire_doc *doc = NULL;
    char why[128] = "";
    if (wire_decode(WIRE_MSGPACK, bytes, &doc, WHY_IN(why)) != ERR_OK) {
        if (doc || !is_sentence(why))
            abort();
        return;
    }
    msgpack_unpacked theirs;
    size_t offset = 0;
    msgpack_unpacked_init(&theirs);
    if (msgpack_unpack_next(&theirs, bytes.p, bytes.n, &offset) != MSGPACK_UNPACK_SUCCESS || offset != bytes.n ||
        !same(wire_doc_root(doc), &theirs.data))
        abort();
    msgpack_unpacked_destroy(&theirs);
    if (tree_round_trip(wire_doc_root(doc)))
        abort();
    wire_doc_destroy(doc);
}

/* Bodies come from the store, unread: framing has to stand any bytes too. */
static void check_framing(struct slice bytes, uint64_t seq)
{
    struct buf out;
    struct wire_doc *doc;
    buf_init(&out, 1 << 20);
    for (int format = WIRE_JSON; format <= WIRE_MSGPACK; format++) {
        enum err err = wire_frame((enum wire_format)format, bytes, seq, &out);
        if (err != ERR_OK && out.n > 0)
            abort();
        if (err == ERR_OK && wire_decode((enum wire_format)format, buf_slice(&out), &doc, WHY_NONE) == ERR_OK)
            wire_doc_destroy(doc);
        buf_clear(&out);
    }
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_make(data, size);
    check_reading(bytes);
    check_framing(bytes, 0);
    check_framing(bytes, 41);
    return 0;
}
