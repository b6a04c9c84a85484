/** Calls that ring somebody, and how they stand: what the tests of the scripts that make, answer and end invitations share. */
#ifndef TESTS_UNIT_NODE_REDIS_INVITATIONS_H
#define TESTS_UNIT_NODE_REDIS_INVITATIONS_H

#include <stdbool.h>

#include "tests/unit/node/redis/lab.h"

/** The lab of the test that runs: `TestSuite(…, .init = lab_begin, .fini = lab_finish)`. */
extern struct lab *lab;
void lab_begin(void);
void lab_finish(void);

/** An acceptance without an answer. */
extern const struct lab_acceptance plain;

/** Alice calls: a pair; with carol, a call of five; and with an offer on the invitation. The call is named "call". */
void call_bob(void);
void call_bob_and_carol(void);
void offer_to_bob(bool relay);

/** One field of the call's hash. */
const char *field(const char *call, const char *name);
/** "ringing 1 bob carol": the call's state and version, and, as far as alice may see it, who rings. */
const char *standing(const char *call);
/** Whether the timer `kind:<call>`, or with a user `kind:<call>:<user>`, is armed. */
bool has_timer(const char *call, const char *kind, const char *user);
/** No invitation and no offer waits for its time to be over. */
void expect_no_timers(void);
/** Expects the part in the answer. A log entry's other event lacks its last pair, so it is no whole map and stands there byte by byte. */
bool shows(const char *answer, const char *part);

#endif
