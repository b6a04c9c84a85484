/** What lab.c and lab_verbs.c share. */
#ifndef TESTS_UNIT_NODE_REDIS_LAB_PRIVATE_H
#define TESTS_UNIT_NODE_REDIS_LAB_PRIVATE_H

#include <hiredis/hiredis.h>

#include "common/base/buf.h"
#include "tests/unit/node/redis/lab.h"

enum { LAB_TEXTS = 16, LAB_TEXT_MAX = 1 << 20, SESSIONS_AT = 17, CALLS_AT = 23 };

struct lab {
    struct redis_server *server;
    redisContext *redis;
    redisContext *bus;
    redisReply *reply;
    struct buf texts[LAB_TEXTS];
    size_t text;
    struct lab_limits limits;
    unsigned epoch;
};

/* The next of the texts, empty. */
struct buf *lab_text(struct lab *);
/* The channel of the node that holds everybody's sockets. */
struct key lab_channel(const char *who);
/* How many characters of an id that lab_session() or lab_call() made are its name; 0: this is none. */
size_t lab_id_name(struct slice);

#endif
