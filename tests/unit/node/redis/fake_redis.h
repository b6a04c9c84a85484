/**
 * A Redis that says what the test wants, on the test's own loop and a Unix socket.
 */
#ifndef TESTS_UNIT_NODE_REDIS_FAKE_REDIS_H
#define TESTS_UNIT_NODE_REDIS_FAKE_REDIS_H

#include <stddef.h>
#include <uv.h>

struct fake_redis;
struct fake_conn;
struct redisReply;

/** A command came; `name` is its first word. Login commands come here too: fake_login() answers those. */
typedef void fake_command_fn(struct fake_redis *, struct fake_conn *, const char *name,
                             const struct redisReply *command);

struct fake_redis {
    uv_pipe_t listener;
    char dir[64];
    char path[96];
    char url[112];
    fake_command_fn *on_command;
    void *context;
    int connections; /* ever accepted */
    int commands;    /* ever received, without the login's */
    struct fake_conn *conns[64];
};

/** Makes up its place; nobody listens there yet. */
void fake_redis_init(struct fake_redis *, fake_command_fn *);
void fake_redis_listen(struct fake_redis *, uv_loop_t *);
/** Before the loop's last run. */
void fake_redis_finish(struct fake_redis *);

void fake_say(struct fake_conn *, const char *text);
void fake_hang_up(struct fake_conn *);
/** 1 for the first that was accepted. Tells connections apart where their addresses may not: a new one may stand where a gone one stood. */
int fake_number(const struct fake_conn *);
/** Answers AUTH, SELECT, CLIENT and PING as a healthy server; false: it was none of these. */
int fake_login(struct fake_conn *, const char *name);

#endif
