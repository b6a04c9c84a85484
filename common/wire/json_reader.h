/** JSON (RFC 8259) read into a document, by jansson where json_plain.h does not do; private to this room. */
#ifndef COMMON_WIRE_JSON_READER_H
#define COMMON_WIRE_JSON_READER_H

#include "common/wire/doc.h"

/** As wire_decode(). */
enum err wire_read_json(struct slice bytes, struct wire_doc **ret_doc, struct why why) ATTR_MUST_USE;
/** Frees what a document keeps of jansson's. NULL is fine. */
void wire_json_forget(void *json);

#endif
