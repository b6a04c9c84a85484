/**
 * How a socket gets its session: token → session (continued or new) → welcome (welcome.h).
 */
#ifndef NODE_SIGNALING_HELLO_H
#define NODE_SIGNALING_HELLO_H

struct request;

/** The gate (admission.h) has let it in: answers it. */
void hello_admitted(struct request *hello);

#endif
