/**
 * The plain JSON that clients send, read without a library; private to this room.
 *
 * jansson takes 39 µs for an offer and dozens of allocations for a signal: a quarter of what a relayed signal cost a node. This reader takes one
 * allocation. It knows a part of JSON only and leaves the rest, and all that is wrong, to jansson: what it accepts, jansson accepts and reads
 * the same (a fuzzer holds it against jansson).
 */
#ifndef COMMON_WIRE_JSON_PLAIN_H
#define COMMON_WIRE_JSON_PLAIN_H

#include "common/wire/doc.h"

/**
 * `tree` is how many bytes the maps and arrays take and at least what they do; the text is nested no deeper than WIRE_DEPTH_MAX: json_reader.c looked.
 * NULL: not that plain (a fraction, an integer of more than 18 digits, `\u`), not well-formed, a key that stands twice, or no memory.
 */
struct wire_doc *json_plain_read(struct slice text, size_t tree) ATTR_MUST_USE;

/** The quote that ends the string which begins at `p`; NULL: there is none. */
const char *json_quote_find(const char *p, const char *end);

#endif
