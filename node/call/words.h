/**
 * Words of the line formats that this room reads (SDP, candidates): set apart by spaces and tabs.
 */
#ifndef NODE_CALL_WORDS_H
#define NODE_CALL_WORDS_H

#include <stdbool.h>

#include "common/base/slice.h"

/** Takes the next word, up to a space or tab, off the front of `rest`; runs of them count as one. False when there is none. */
bool word_next(struct slice *rest, struct slice *ret_word) ATTR_MUST_USE;

#endif
