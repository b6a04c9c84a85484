/**
 * Whom a user may reach: the token's word.
 */
#ifndef NODE_SIGNALING_PEOPLE_H
#define NODE_SIGNALING_PEOPLE_H

#include <stdbool.h>

#include "common/base/slice.h"

struct client;
struct request;

/** The token, or the server's default where it says nothing, lets this client call and watch that user. */
bool may_call(const struct client *, struct slice user);
/** The request may ring that user. False: it was answered. */
bool callee_check(struct request *, struct slice user);

#endif
