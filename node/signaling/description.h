/**
 * Descriptions and candidates on their way through: held against the media policy and, for relay privacy, freed of addresses.
 */
#ifndef NODE_SIGNALING_DESCRIPTION_H
#define NODE_SIGNALING_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct call_answer;
struct request;
struct wire_value;

/** A description in that field which says its type says the right one; a string of SDP says none. False: the request was answered. */
bool description_check_type(struct request *, const char *field, const char *type);
/** Appends it as msgpack; it is a string of SDP or {type, sdp}. False: the request was answered. */
bool description_put(struct request *, const struct wire_value *description, bool relay, struct buf *out);
/** Likewise: all elements of the array end to end, NULL: none; *ret_count says how many were left. */
bool candidates_put(struct request *, const struct wire_value *candidates, bool relay, struct buf *out,
                    size_t *ret_count);
/** `offer` and `candidates`, two pairs, of what was stored before its call got relay privacy: without addresses. */
void offer_put_blanked(struct buf *, const struct call_answer *);

#endif
