/**
 * What the dev page of --dev needs beyond the protocol: who has been here. Not for production, where nobody may ask for that.
 */
#ifndef NODE_STORE_DEV_H
#define NODE_STORE_DEV_H

#include "common/base/err.h"
#include "common/base/slice.h"

struct store;

enum { DEV_PEOPLE_MAX = 200 };

/** The user has asked a node for a token. The last 200 are remembered for a day. */
void store_dev_note(struct store *, struct slice user);
/** Those, the newest first. */
typedef void dev_people_fn(void *context, enum err, const struct slice *users, size_t count);
void store_dev_people(struct store *, dev_people_fn *, void *context);

#endif
