/**
 * How a socket gets its session: token → session (continued or new) → where it sits → welcome.
 */
#ifndef NODE_SIGNALING_HELLO_H
#define NODE_SIGNALING_HELLO_H

#include <stdint.h>

struct client;
struct request;

/** The gate (admission.h) has let it in: answers it. */
void hello_admitted(struct request *hello);
/** Closes with 4004 when the token ends: in how many ms. A node that drains closes before that. */
uint64_t client_arm_expiry(struct client *);

#endif
