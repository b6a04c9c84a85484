/** msgpack read into a document; private to this room. */
#ifndef COMMON_WIRE_MSGPACK_READER_H
#define COMMON_WIRE_MSGPACK_READER_H

#include "common/wire/doc.h"

/** As wire_decode(). */
enum err wire_read_msgpack(struct slice bytes, struct wire_doc **ret_doc, struct why why) ATTR_MUST_USE;

#endif
