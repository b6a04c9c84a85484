/** What the files of the store share among themselves. */
#ifndef NODE_REDIS_STORE_PRIVATE_H
#define NODE_REDIS_STORE_PRIVATE_H

#include <hiredis/hiredis.h>

#include "common/loop/timer.h"
#include "node/redis/redis_clock.h"
#include "node/redis/reply.h"
#include "node/redis/script.h"
#include "node/redis/store.h"
#include "node/store/calls.h"
#include "node/store/cluster.h"
#include "node/store/dev.h"
#include "node/store/heal.h"
#include "node/store/people.h"
#include "node/store/presence.h"
#include "node/store/rings.h"

struct envelope;

struct store {
    struct redis_client *client;
    struct scripts *scripts;
    struct timers *timers;
    struct metrics *metrics;
    struct node_id node;
    unsigned partitions;
    struct store_limits limits;
    struct store_events events;
    struct timer canary_timer;
    struct slice dev_key;
    uint64_t lease_renewed_ms; /* steady clock, last; 0: never */
    struct redis_clock clock;
    unsigned clock_heard;    /* answers that told it; the first one's question has waited for the connection */
    uint64_t canary_sent;    /* number of the last one */
    uint64_t canary_since;   /* earlier ones were sent before the bus was cut last */
    uint64_t canary_back_ms; /* steady clock, when one came back; 0: none since the bus was cut */
};

/* A question under way: whom to tell. Made by question_create(), freed by whoever tells. */
struct question {
    struct store *store;
    void *context;
    union {
        session_answer_fn *session;
        restored_fn *restored;
        restored_call_fn *restored_call;
        peeked_fn *peeked;
        mailbox_page_fn *page;
        reply_found_fn *reply;
        call_answer_fn *call;
        delivered_fn *delivered;
        store_done_fn *done;
        nodes_fn *nodes;
        due_fn *due;
        holders_fn *holders;
        held_fn *held;
        ring_fn *ring;
        reach_fn *reach;
        claim_fn *claim;
        incoming_fn *incoming;
        presence_fn *presence;
        blocked_fn *blocked;
        charged_fn *charged;
        seats_fn *seats;
        dev_people_fn *people;
    } fn;
    uint64_t n;        /* what the answer needs to know of the question */
    struct id session; /* likewise, of reply_found_fn */
};
struct question *question_create(struct store *, void *context);
/* The answer to a question that was done, or not: script_fn and redis_reply_fn of fn.done. */
void on_done(void *context, enum err transport, const struct redisReply *);

unsigned store_user_partition(const struct store *, struct slice user);

/*
 * Reading replies is forgiving (reply.h), and this is what tells good from bad: the word at the front of a script's answer as an err. ERR_UNAVAILABLE, logged
 * once, for an answer that no script of ours gives.
 */
enum err reply_status(enum err transport, const struct redisReply *);
/* Pairs of call id and seating from item `from` on. */
size_t reply_seatings(const struct redisReply *, size_t from, unsigned partitions,
                      struct store_seating seatings[STORE_SEATINGS_MAX]);

/* store_calls.c: what the questions about calls have in common. */
struct question *call_question(struct store *, call_answer_fn *, void *context);
void on_call_change(void *context, enum err transport, const struct redisReply *);
/* {"ok", version, entries, fanned, …}; `entries` is room for them. */
void read_call_change(const struct redisReply *, struct call_answer *, struct call_entry entries[CALL_ENTRIES_MAX]);
/* Call, log and timers, and the call's id: KEYS 1-3 and ARGV 1 of every script that changes a call. */
void put_call_keys(struct script_args *, const struct id *call);
void put_actor(struct script_args *, const struct call_actor *);
void put_epoch(struct script_args *, uint64_t epoch); /* 0: none */
/* Prefixes of users' devices, presence and watch channels (include/presence.lua). */
void put_presence_prefixes(struct script_args *, unsigned partition);

/* store_cluster.c */
/* Redis's time at that time of the steady clock, not too early; 0: not known. */
uint64_t store_time_ms(const struct store *, uint64_t steady_ms);
/* The same, to measure by: not known as long as it would be far off. */
uint64_t store_time_us(const struct store *, uint64_t steady_us);
void canary_start(struct store *);
void canary_stop(struct store *);
void on_bus_message(void *context, struct slice channel, struct slice payload);
void on_bus_subscribed(void *context);
void on_bus_unsubscribed(void *context);

/* store_presence.c */
void on_bus_followed(void *context, struct slice channel);
void on_presence_envelope(struct store *, const struct envelope *);

#endif
