/**
 * Writing messages: always msgpack first, the form in which bodies are stored and travel between nodes; turned into JSON at the very
 * end, only for a JSON client.
 *
 * A writer appends to a buf and remembers the first failure there (buf_failed()). Maps and arrays say their size up front.
 * The result of a complete top-level map is a *body*: the contents of a frame, without `seq`.
 */
#ifndef COMMON_WIRE_WRITER_H
#define COMMON_WIRE_WRITER_H

#include "common/base/buf.h"
#include "common/wire/value.h"

/** Heads: so many keys with their values, or so many items, follow. */
void wire_put_map(struct buf *, size_t pairs);
void wire_put_array(struct buf *, size_t items);
/** UTF-8 without NUL; that is looked at when a body becomes JSON. */
void wire_put_string(struct buf *, struct slice);
void wire_put_cstr(struct buf *, const char *);
void wire_put_int(struct buf *, int64_t);
void wire_put_bool(struct buf *, bool);
void wire_put_null(struct buf *);
/** Any value of a decoded frame, unchanged. */
void wire_put_value(struct buf *, const struct wire_value *);
/** msgpack that is there already, one complete value: spliced in as it is. */
void wire_put_raw(struct buf *, struct slice msgpack);

/** A key with its value, as in wire_put_key_int(b, "peer", 2). */
void wire_put_key_string(struct buf *, const char *key, struct slice);
void wire_put_key_cstr(struct buf *, const char *key, const char *);
void wire_put_key_int(struct buf *, const char *key, int64_t);
void wire_put_key_bool(struct buf *, const char *key, bool);
void wire_put_key_value(struct buf *, const char *key, const struct wire_value *);
void wire_put_key_raw(struct buf *, const char *key, struct slice msgpack);

/**
 * The frame for a client: the body as msgpack or as JSON, with `seq` added when it is above 0. Appended to `out`.
 * ERR_SYNTAX if the body is not one complete msgpack map: then nothing was appended.
 */
enum err wire_frame(enum wire_format, struct slice body, uint64_t seq, struct buf *out) ATTR_MUST_USE;

#endif
