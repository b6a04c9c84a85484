/**
 * Commands to Redis and what it publishes, over our own transport: libuv sockets, hiredis as the codec only.
 *
 * One client speaks to one cluster of Redis (one server, in its simplest form) through a command connection and a subscription connection. Both come
 * back by themselves with full-jitter back-off. A command is queued, pipelined with its neighbours of the same loop turn into one write, and
 * answered exactly once: by Redis, or with ERR_UNAVAILABLE when its deadline passes. When a connection breaks, commands without an answer are sent
 * again, in order, on the next one: so everything sent through here must be idempotent. Both are to be of one server: when the command connection was renewed,
 * the other one is, too.
 */
#ifndef NODE_REDIS_CLIENT_H
#define NODE_REDIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/metrics.h"
#include "common/base/slice.h"
#include "common/base/why.h"

struct redisReply; /* hiredis's */
struct timers;
struct uv_loop_s;
struct redis_client;

/** Where Redis is. Filled by redis_url_parse(); owns its strings. */
struct redis_url {
    enum { REDIS_TCP, REDIS_UNIX } transport;
    bool tls;   /* rediss:// */
    char *host; /* or the socket's path */
    uint16_t port;
    char *user;     /* NULL: none */
    char *password; /* NULL: none; never logged */
    unsigned database;
    /* PEM file that rediss:// is checked against; NULL: the system's. Not parsed, not owned: set by whoever knows. */
    const char *tls_ca;
};
/** `redis://[user:pass@]host[:port][/db]`, `rediss://…`, `unix://[user:pass@]/path.sock[?db=n]`. `why` says what is wrong without repeating the password. */
enum err redis_url_parse(const char *text, struct redis_url *ret_url, struct why why) ATTR_MUST_USE;
void redis_url_finish(struct redis_url *);

/** An answer: `err` is ERR_OK with a reply of any type but REDIS_REPLY_ERROR, or ERR_UNAVAILABLE (no answer in time), or ERR_IO (Redis answered
 *  with an error; `reply` holds it). The reply is only good during the call. */
typedef void redis_reply_fn(void *context, enum err err, const struct redisReply *reply);

/** What the owner hears. */
struct redis_events {
    /** A message came in on a subscribed channel; the slices are only good during the call. */
    void (*on_message)(void *context, struct slice channel, struct slice payload);
    /** The subscription connection is up and all own channels are confirmed: whatever was published before may be lost. */
    void (*on_subscribed)(void *context);
    /** A followed channel is confirmed, at first or anew: likewise. Only good during the call. */
    void (*on_followed)(void *context, struct slice channel);
    /** It broke. Messages may be missed from here on. */
    void (*on_unsubscribed)(void *context);
    void *context;
};

struct redis_settings {
    const struct redis_url *url; /* must outlive the client */
    uint64_t connect_timeout_ms; /* 0: 2000 */
    uint64_t command_timeout_ms; /* deadline of a command, counted from redis_command(); 0: 5000 */
    uint64_t backoff_max_ms;     /* full jitter between 0 and min(this, 25·2^n); 0: 1000 */
    size_t pending_max;          /* commands without an answer; more are refused at once; 0: 65536 */
    size_t pending_bytes_max;    /* their bytes; 0: 64 MiB */
    struct redis_events events;
    struct metrics *metrics;
    struct timers *timers;
    struct uv_loop_s *loop;
};

/** Starts connecting; commands may be queued at once. Aborts when memory is out. */
struct redis_client *redis_client_create(const struct redis_settings *);
/** Answers everything pending with ERR_UNAVAILABLE, inside this call; then run the loop so that libuv can close its handles. NULL is fine. */
void redis_client_destroy(struct redis_client *);

/** Whether the command connection is up, authenticated and answering. */
bool redis_is_up(const struct redis_client *);
/** Whether every own channel's subscription is confirmed. */
bool redis_is_subscribed(const struct redis_client *);

/**
 * Queues one command. `fn` is called exactly once, never before this returns unless the queue is full or the client is being destroyed
 * (then with ERR_UNAVAILABLE, at once). The arguments are copied. `fn` may be NULL when nobody wants the answer.
 */
void redis_command(struct redis_client *, const struct slice *args, size_t count, redis_reply_fn *fn, void *context);

/** SSUBSCRIBE of an own channel; remembered, and renewed on each new connection. Call it before the first turn of the loop or any time later. */
void redis_subscribe(struct redis_client *, struct slice channel);
/** The same for a channel that comes and goes: redis_is_subscribed() does not wait for it. */
void redis_follow(struct redis_client *, struct slice channel);
/** A message that is under way may still come. */
void redis_unfollow(struct redis_client *, struct slice channel);

/** For those who were given a reply to keep (blocking.h). */
void redis_reply_free(struct redisReply *);

#endif
