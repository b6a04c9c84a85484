/**
 * The answer to a hello whose session is here: where it sits and what rings, each call as it stands now, and the numbers that a client goes by.
 */
#ifndef NODE_SIGNALING_WELCOME_H
#define NODE_SIGNALING_WELCOME_H

#include <stdbool.h>

struct request;
struct session_answer;

/**
 * Reads the calls that the session's answer names, then welcomes the client, which is live from then on. A client that is gone by then is left to client_closed();
 * when a call can't be read the socket is closed with 1012, as its client may come again. The hello has no story of its own any more.
 */
void welcome_start(struct request *hello, const struct session_answer *, bool resumed);

#endif
