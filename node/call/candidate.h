/**
 * One ICE candidate as browsers write it (RFC 8839 section 5.1: `candidate:… typ host …`, with or without `a=` before it; the empty string ends the
 * candidates).
 */
#ifndef NODE_CALL_CANDIDATE_H
#define NODE_CALL_CANDIDATE_H

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"

/**
 * The candidate as it may pass in a call with relay privacy, appended to `out`: a relay candidate with its related address blanked, an end marker as it is.
 * ERR_FORBIDDEN: it may not pass at all (host, reflexive); ERR_BAD_REQUEST: it is no candidate; else `out`'s failure. Nothing was appended then.
 * Words are set apart by one space in the result, so that every reader splits it as this one did; addresses in extensions are blanked too.
 */
enum err candidate_for_relay(struct slice text, struct buf *out) ATTR_MUST_USE;

#endif
