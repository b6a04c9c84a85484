/**
 * Characters and words of the line formats that this room reads (SDP, candidates): ASCII, whatever the locale; words are set apart by spaces and tabs.
 */
#ifndef NODE_CALL_WORDS_H
#define NODE_CALL_WORDS_H

#include <stdbool.h>

#include "common/base/slice.h"

static inline bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool char_is_hex(char c)
{
    return char_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline bool char_is_alnum(char c)
{
    return char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/** Takes the next word, up to a space or tab, off the front of `rest`; runs of them count as one. False when there is none. */
bool word_next(struct slice *rest, struct slice *ret_word) ATTR_MUST_USE;

#endif
