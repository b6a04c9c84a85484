/**
 * A connection to Redis that comes back by itself: connects, logs in, waits until the server has loaded its data, carries replies, notices silence,
 * and after a break tries again with full-jitter back-off. What is sent over it is its owner's business: the owner keeps the bytes until it needs them no
 * more, and the link asks for them at the end of the loop turn (so all commands of a turn leave in one write).
 */
#ifndef NODE_REDIS_LINK_H
#define NODE_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/buf.h"
#include "common/base/slice.h"
#include "common/loop/timer.h"

struct link;
struct metrics;
struct redisReader;
struct redisReply;
struct redis_url;
struct stream;
struct tls_trust;

enum link_failure {
    LINK_UNREACHABLE, /* no connection, or it broke before the login was done */
    LINK_REFUSED,     /* Redis does not accept the login */
    LINK_NOT_READY,   /* it is loading its data, or can't serve for another reason that passes */
};

/** All but `unsent` and `sent` may break or finish the link. */
struct link_events {
    /** Logged in and answering. */
    void (*on_up)(void *context);
    /** While it is up. Free the reply with freeReplyObject(). */
    void (*on_reply)(void *context, struct redisReply *take_reply);
    /** After on_up: it broke. It comes back by itself. */
    void (*on_down)(void *context);
    /** An attempt to connect failed; the next one follows by itself. */
    void (*on_failed)(void *context, enum link_failure, const char *why);
    /** While it is up, several times in quiet_max_ms, if nothing was heard since the last time. */
    void (*on_quiet)(void *context);
    /** What is to be written next; empty when all is written. */
    struct slice (*unsent)(void *context);
    /** So many of these bytes were written. */
    void (*sent)(void *context, size_t n);
    void *context;
};

struct link_settings {
    bool quiet;       /* log its coming up at debug only: the start asks a few questions, each on a link of its own */
    const char *name; /* for the log: "commands" */
    const struct redis_url *url; /* must outlive the link */
    uint64_t connect_timeout_ms; /* to the end of the login; a look-up may take some more */
    uint64_t backoff_max_ms;
    uint64_t quiet_max_ms; /* so long without a byte while an answer is expected: it is dead */
    struct link_events events;
    struct metrics *metrics;
    struct timers *timers;
    struct uv_loop_s *loop;
};

/** Embed it; the fields are link.c's. */
struct link {
    struct link_settings settings;
    enum { LINK_WAITING, LINK_CONNECTING, LINK_LOGGING_IN, LINK_UP, LINK_FINISHED } state;
    struct stream *stream; /* NULL while waiting */
    struct redisReader *reader;
    struct tls_trust *trust;
    struct buf login;        /* what is still to be written of it */
    unsigned login_answered; /* index into the steps */
    unsigned login_asked;    /* bit i: step i was asked */
    size_t fed;              /* bytes since the last whole reply */
    unsigned attempts;       /* since the last proof */
    unsigned connections;    /* ever made */
    uint64_t opened_ms;
    bool expecting;
    bool heard;         /* since the watch last looked */
    unsigned silent;    /* so often it looked in vain */
    struct timer flush; /* set: what is unsent goes out at the turn's end */
    struct timer timer; /* back-off, connect time-out, or watch, as the state says */
    char why[192];      /* the last failure that was logged */
};

/** Begins to connect. */
void link_init(struct link *, const struct link_settings *);
/** Closes at once, without events. Then run the loop, so that libuv can close its handles; the link's own memory may go right away. */
void link_finish(struct link *);

static inline bool link_is_up(const struct link *link)
{
    return link->state == LINK_UP;
}

/** There is something unsent: it goes out at the end of this turn of the loop. No matter when the link is not up. */
void link_flush_soon(struct link *);
/** From now on an answer is expected (again: no matter), or no more. */
void link_expect(struct link *, bool);
/** The server did useful work: the next back-off begins at its shortest. */
void link_prove(struct link *);
/** Replaces the connection, with back-off. on_down is called inside. */
void link_break(struct link *, const char *why);
/** Whether this error passes by itself on a new connection: the server is loading, busy, demoted, or wants a new login. */
bool link_error_passes(struct slice code);

#endif
