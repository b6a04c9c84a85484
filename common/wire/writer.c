#include "common/wire/writer.h"

#include <msgpack/pack.h>

#include "common/wire/json_writer.h"
#include "common/wire/msgpack_head.h"

static int append(void *buf, const char *bytes, size_t n)
{
    buf_put_mem(buf, bytes, n);
    return 0; /* the buffer remembers a failure */
}

static msgpack_packer packer(struct buf *b)
{
    return (msgpack_packer){.data = b, .callback = append};
}

void wire_put_map(struct buf *b, size_t pairs)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_map(&pk, pairs);
}

void wire_put_array(struct buf *b, size_t items)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_array(&pk, items);
}

void wire_put_string(struct buf *b, struct slice string)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_str(&pk, string.n);
    buf_put(b, string);
}

void wire_put_cstr(struct buf *b, const char *string)
{
    wire_put_string(b, slice_of(string));
}

void wire_put_int(struct buf *b, int64_t n)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_int64(&pk, n);
}

static void put_double(struct buf *b, double number)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_double(&pk, number);
}

void wire_put_bool(struct buf *b, bool boolean)
{
    msgpack_packer pk = packer(b);

    if (boolean)
        msgpack_pack_true(&pk);
    else
        msgpack_pack_false(&pk);
}

void wire_put_null(struct buf *b)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_nil(&pk);
}

void wire_put_value(struct buf *b, const struct wire_value *value)
{
    switch (value->kind) {
    case WIRE_NULL:
        wire_put_null(b);
        return;
    case WIRE_BOOL:
        wire_put_bool(b, value->boolean);
        return;
    case WIRE_INT:
        wire_put_int(b, value->integer);
        return;
    case WIRE_DOUBLE:
        put_double(b, value->number);
        return;
    case WIRE_STRING:
        wire_put_string(b, value->string);
        return;
    case WIRE_ARRAY:
        wire_put_array(b, value->array.n);
        for (size_t i = 0; i < value->array.n; i++)
            wire_put_value(b, &value->array.items[i]);
        return;
    case WIRE_MAP:
        wire_put_map(b, value->map.n);
        for (size_t i = 0; i < value->map.n; i++) {
            wire_put_string(b, value->map.pairs[i].key);
            wire_put_value(b, &value->map.pairs[i].value);
        }
        return;
    }
}

void wire_put_raw(struct buf *b, struct slice msgpack)
{
    buf_put(b, msgpack);
}

void wire_put_key_string(struct buf *b, const char *key, struct slice string)
{
    wire_put_cstr(b, key);
    wire_put_string(b, string);
}

void wire_put_key_cstr(struct buf *b, const char *key, const char *string)
{
    wire_put_cstr(b, key);
    wire_put_cstr(b, string);
}

void wire_put_key_int(struct buf *b, const char *key, int64_t n)
{
    wire_put_cstr(b, key);
    wire_put_int(b, n);
}

void wire_put_key_bool(struct buf *b, const char *key, bool boolean)
{
    wire_put_cstr(b, key);
    wire_put_bool(b, boolean);
}

void wire_put_key_value(struct buf *b, const char *key, const struct wire_value *value)
{
    wire_put_cstr(b, key);
    wire_put_value(b, value);
}

void wire_put_key_raw(struct buf *b, const char *key, struct slice msgpack)
{
    wire_put_cstr(b, key);
    wire_put_raw(b, msgpack);
}

/* The pairs of a body without their head, and how many: so that the head can be written anew. */
static bool split_body(struct slice body, struct slice *ret_pairs, size_t *ret_n)
{
    struct wire_cursor in = {body.p, body.p + body.n}, all = in;
    struct wire_head head;
    if (body.n == 0 || wire_head_read(&in, &head) || head.kind != WIRE_MAP)
        return false;
    if (wire_head_skip(&all, WIRE_DEPTH_MAX) || all.p != all.end)
        return false;
    *ret_pairs = slice_make(in.p, (size_t)(in.end - in.p));
    *ret_n = head.n;
    return true;
}

static enum err frame_msgpack(struct slice body, uint64_t seq, struct buf *out)
{
    struct slice pairs;
    size_t count;
    if (!split_body(body, &pairs, &count))
        return ERR_SYNTAX;
    if (seq == 0) {
        buf_put(out, body);
        return out->error;
    }
    msgpack_packer pk = packer(out);
    msgpack_pack_map(&pk, count + 1);
    buf_put(out, pairs);
    wire_put_cstr(out, "seq");
    msgpack_pack_uint64(&pk, seq);
    return out->error;
}

enum err wire_frame(enum wire_format format, struct slice body, uint64_t seq, struct buf *out)
{
    size_t before = out->n;
    enum err err = format == WIRE_JSON ? wire_write_json(body, seq, out) : frame_msgpack(body, seq, out);
    if (err != ERR_OK)
        buf_truncate(out, before);
    return err;
}
