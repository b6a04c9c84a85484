/**
 * What the server reads in a session description (RFC 8866): which media it carries, and which addresses. Everything else passes untouched.
 *
 * Pure: bytes in, bytes out. Lines end in CRLF or LF; a description that is no SDP is told so with the line's number.
 */
#ifndef NODE_CALL_SDP_H
#define NODE_CALL_SDP_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"

enum media_policy { MEDIA_AUDIO, MEDIA_ANY };

/**
 * Holds a description against the policy. ERR_OK; ERR_BAD_REQUEST when it is no SDP ("line 3 of the description is not `x=…`");
 * ERR_MEDIA_NOT_ALLOWED when, under MEDIA_AUDIO, an accepted section (port not 0, or bundle-only) is neither audio nor a data channel
 * (m=application … webrtc-datachannel): the message names the section ("section 2 (`m=video`) …").
 * An SDP starts with v=0, then has o=, s= and t= lines in that order before the first m= (others may stand between).
 */
enum err sdp_check(struct slice sdp, enum media_policy, char *why, size_t why_size) ATTR_MUST_USE;

/**
 * The description with every network address taken out, for calls with relay privacy: `a=candidate` lines other than `typ relay` are dropped;
 * in relay candidates `raddr`/`rport` become 0.0.0.0 and 0 (or :: for IPv6); the address in `o=` and `c=` lines becomes `IN IP4 0.0.0.0` and `a=rtcp` lines with
 * an address lose it likewise. `a=remote-candidates` is dropped. Appended to `out`.
 */
enum err sdp_blank_addresses(struct slice sdp, struct buf *out) ATTR_MUST_USE;

#endif
