/**
 * base64url without padding (RFC 4648 section 5), for ids, tokens and keys; and plain padded base64 (section 4) for TURN credentials.
 */
#ifndef COMMON_BASE_BASE64URL_H
#define COMMON_BASE_BASE64URL_H

#include "common/base/buf.h"

/** Both append. */
void base64url_encode(struct buf *out, struct slice bytes);
void base64_encode(struct buf *out, struct slice bytes);
/** Strict: no padding, no space, no other alphabet, no dangling bits. On failure `out` is as it was. */
enum err base64url_decode(struct buf *out, struct slice text) ATTR_MUST_USE;

#endif
