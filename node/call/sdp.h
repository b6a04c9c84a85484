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
#include "common/base/why.h"

enum media_policy { MEDIA_AUDIO, MEDIA_ANY };

/**
 * Holds a description against the policy. ERR_OK; ERR_BAD_REQUEST when it is no SDP ("line 3 of the description is not `x=…`");
 * ERR_MEDIA_NOT_ALLOWED when, under MEDIA_AUDIO, an accepted section (port not 0, or bundle-only) is neither audio nor a data channel
 * (m=application … webrtc-datachannel): the message names the section ("section 2 (`m=video`) …").
 * Nothing of the description but a section's kind (letters, digits, cut at 24) gets into `why`.
 * An SDP starts with v=0, then has o=, s= and t= lines in that order before the first m= (others may stand between).
 */
enum err sdp_check(struct slice sdp, enum media_policy, struct why why) ATTR_MUST_USE;

/**
 * The description with every network address taken out, for calls with relay privacy: `a=candidate` lines other than `typ relay` are dropped;
 * in relay candidates `raddr`/`rport` become 0.0.0.0 and 0 (or :: for IPv6); the address in `o=` and `c=` lines becomes `IN IP4 0.0.0.0` and `a=rtcp` lines
 * with an address lose it likewise. `a=remote-candidates` is dropped. Appended to `out`.
 *
 * Ports that went with a blanked address become 9 (`m=` lines in use, `a=rtcp`), lest a strict reader sees an ICE mismatch. Other attributes whose meaning is
 * an address (source-filter, altc, ccap, ts-refclk, wrapped candidates) are dropped; what looks like an address anywhere else is replaced by 0.0.0.0 or ::.
 * Doing it twice changes nothing more. A line of three bytes may grow to 27, so `out`'s cap is the bound.
 *
 * ERR_BAD_REQUEST when a line is not `x=…` (sdp_check() says which); ERR_TOO_LARGE or ERR_NO_MEMORY from `out`. Nothing was appended then.
 */
enum err sdp_blank_addresses(struct slice sdp, struct buf *out) ATTR_MUST_USE;

#endif
