/**
 * Characters that stand in a string of a JSON text as they are: ASCII but for quotes, backslashes and controls (RFC 8259 section 7). Most strings hold
 * nothing else, and that is cheap to find out; private to this room.
 */
#ifndef COMMON_WIRE_JSON_TEXT_H
#define COMMON_WIRE_JSON_TEXT_H

#include <stdbool.h>

static inline bool json_is_plain(char c)
{
    return c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/** The first character from `p` on that is not plain, or `end`. */
const char *json_plain_end(const char *p, const char *end);

#endif
