/**
 * The stories of one node with a fake store below and fake sockets above: for the tests of node/signaling.
 */
#ifndef TESTS_UNIT_NODE_SIGNALING_STAGE_H
#define TESTS_UNIT_NODE_SIGNALING_STAGE_H

#include <criterion/criterion.h>
#include <uv.h>

#include "common/base/buf.h"
#include "node/signaling/signaling.h"
#include "tests/unit/node/signaling/fake_store.h"

enum { STAGE_PARTITIONS = 64, FRAMES_MAX = 512 };

/** A client's socket: keeps what it is sent, as JSON. Freed with the stage. */
struct conn {
    struct conn *next;
    struct stage *stage;
    struct client *client; /* NULL once the stories were told that it is gone */
    struct id session;     /* after live() */
    char *frames[FRAMES_MAX];
    size_t sent;
    size_t read;
    int closed; /* the code, or 0 */
    int closes;
    bool paused;
    int pauses;
};

struct stage {
    uv_loop_t loop;
    struct timers *timers;
    struct metrics metrics;
    struct keyring *keys;
    struct ice_config *ice;
    struct store store;
    struct signaling *signaling;
    struct store_events bus;
    struct buf scratch;
    struct conn *conns;
    int drains_wanted;
};

typedef void tune_fn(struct signaling_settings *);
/** `tune` may change the settings; NULL: they hold nobody up. */
struct stage *stage_open(tune_fn *tune);
/** Sockets that are still there go; what is open is answered with ERR_UNAVAILABLE; all is freed. The test fails if something leaked (with the sanitizer). */
void stage_close(struct stage *);
/** Runs the loop until `*flag` is not 0; fails the test after 5 s. */
void stage_run_until(struct stage *, const int *flag);
/** Likewise until such a question was asked. */
struct asked *stage_run_until_asked(struct stage *, enum asked_kind);
/** The bus was cut and is back, and the lease, which is asked for first, holds: now the sessions are asked about. */
void stage_cut_bus(struct stage *);

struct conn *conn_open(struct stage *);
/** The edge tells that the socket is gone. */
void conn_gone(struct conn *);
/** One frame from the client, in a turn of the loop of its own. */
void say(struct conn *, const char *format, ...) ATTR_PRINTF(2, 3);
/** The same with more to come in this turn. */
void say_on(struct conn *, const char *format, ...) ATTR_PRINTF(2, 3);
/** This turn's input is done. */
void stage_end_turn(struct stage *);
/** {"type":"hello","id":1,…} with a good token, and `more` behind it (",\"resume\":…" or ""). */
void say_hello(struct conn *, const char *user, const char *more);
/** A token for the user, good for so many seconds from now. */
const char *token_for(struct stage *, const char *user, const char *device, int64_t seconds);
/** The next frame that the client got, as JSON, or "". */
const char *heard(struct conn *);
/** A socket that said hello and was welcomed; no question is open. */
struct conn *live(struct stage *, const char *user);

/** The oldest question of that kind; fails the test if there is none. */
struct asked *asked(struct stage *, enum asked_kind);
bool nothing_asked(struct stage *);

struct id some_id(unsigned partition, const char *name);
/** The bus tells who sits where: "2;1=<id>;…" from people's conns; NULL leaves the seat free. */
void seat(struct conn *, const struct id *call, unsigned version, const struct id *const seats[5]);
/** One event on the bus: {"type": type}. */
void bus_event(struct conn *, uint64_t seq, const char *type);
/** {"type": type} as a body; good until the next 8. */
struct slice body_of(struct stage *, const char *type);

#define expect_heard(expected, conn) cr_expect_str_eq(heard(conn), expected)
bool contains(const char *text, const char *part);
#define expect_contains(part, text)                                           \
    do {                                                                      \
        const char *text_ = (text);                                           \
        cr_expect(contains(text_, (part)), "%s is not in %s", (part), text_); \
    } while (0)

#endif
