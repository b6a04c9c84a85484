/** What the files of the lab share. */
#ifndef TESTS_UNIT_NODE_REDIS_LAB_PRIVATE_H
#define TESTS_UNIT_NODE_REDIS_LAB_PRIVATE_H

#include <hiredis/hiredis.h>

#include "common/base/buf.h"
#include "node/redis/store_private.h" /* put_…(): what many scripts are given alike */
#include "tests/unit/node/redis/lab.h"

enum { LAB_ENTRIES = 70, LAB_TEXTS = 16, LAB_TEXT_MAX = 1 << 20, SESSIONS_AT = 17, CALLS_AT = 23 };

struct lab {
    struct redis_server *server;
    redisContext *redis;
    redisContext *bus;
    redisReply *reply;
    struct buf texts[LAB_TEXTS];
    size_t text;
    struct lab_limits limits;
    uint64_t asked_ms;
    unsigned epoch;
};

struct person {
    struct id session;
    char user[32];
    char device[32];
};

/* The next of the texts, empty. */
struct buf *lab_text(struct lab *);
/* The channel of the node that holds everybody's sockets. */
struct key lab_channel(const char *who);
/* How many characters of an id that lab_session() or lab_call() made are its name; 0: this is none. */
size_t lab_id_name(struct slice);

/* lab_verbs.c */
struct person lab_person(const char *who);
/* Session, user, device and name. */
void lab_put_person(struct script_args *, const struct person *);
/* Call, log and timers, and the call's id: KEYS 1-3 and ARGV 1 of every script that changes a call. */
void lab_put_call(struct script_args *, const char *call);
/* {"type": type}; empty for NULL. */
struct slice lab_body(struct lab *, const char *type);

#endif
