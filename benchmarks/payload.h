/**
 * What browsers send, in shape and size: descriptions like Chromium's, candidates as RTCIceCandidate.toJSON() gives them.
 */
#ifndef BENCHMARKS_PAYLOAD_H
#define BENCHMARKS_PAYLOAD_H

#include "common/base/buf.h"

enum { PAYLOAD_SDP_BYTES = 2560, PAYLOAD_CANDIDATE_BYTES = 200 };

/** An audio description of PAYLOAD_SDP_BYTES. `setup`: actpass for an offer, active for an answer. */
void payload_description(const char *setup, struct buf *out);
/** A candidate as a msgpack map that makes PAYLOAD_CANDIDATE_BYTES of JSON. */
void payload_candidate(struct buf *out);

#endif
