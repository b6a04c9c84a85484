/**
 * The gate before hello: hellos are let in at a bounded rate, those who resume first; who finds no room is told when to come back.
 */
#ifndef NODE_SIGNALING_ADMISSION_H
#define NODE_SIGNALING_ADMISSION_H

#include <stdbool.h>

struct admission;
struct client;
struct request;
struct signaling;

struct admission *admission_create(struct signaling *);
/** The sockets of those who wait are closed. NULL is fine. */
void admission_destroy(struct admission *);
/** Goes on with hello_admitted(), now or soon, or sends the client away. NULL: lets everybody in. */
void admission_enter(struct admission *, struct request *hello);
/** No hello could be let in or queued, whatever it says. */
bool admission_is_full(const struct admission *);
/** Tells a client that has no session when to come back, and closes. */
void admission_refuse(struct admission *, struct client *);

#endif
