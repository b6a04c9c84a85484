/** msgpack turned into JSON text (RFC 8259), without a tree in between; private to this room. */
#ifndef COMMON_WIRE_JSON_WRITER_H
#define COMMON_WIRE_JSON_WRITER_H

#include "common/base/buf.h"
#include "common/wire/value.h"

/**
 * The map `body` as a JSON object, with `"seq":n` as its last pair when `seq` is above 0. ERR_SYNTAX if it is not one complete map of
 * what wire/value.h allows, or the buffer's own failure; something may have been appended then.
 */
enum err wire_write_json(struct slice body, uint64_t seq, struct buf *out) ATTR_MUST_USE;

#endif
