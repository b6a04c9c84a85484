/**
 * What offer.post and call.start carry, checked and as the store takes it.
 */
#ifndef NODE_SIGNALING_CALL_PARTS_H
#define NODE_SIGNALING_CALL_PARTS_H

#include "common/base/buf.h"
#include "common/base/id.h"

struct call_create;
struct request;

struct call_parts {
    struct buf offer, candidates, allow, meta;
    size_t candidate_count;
    bool relay;
};

/** False: the request was answered, and there is nothing to finish. */
bool call_parts_read(struct request *, struct call_parts *);
void call_parts_finish(struct call_parts *);
/** All but `allow`, as views of the parts. */
void call_parts_put(const struct request *, const struct call_parts *, struct call_create *);

/** The id of the call that this request makes, wherever and however often it is sent. */
struct id call_id_derive(const struct request *);

#endif
