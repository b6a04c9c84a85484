/**
 * A real redis-server for tests: on a Unix socket in a temporary directory of its own, and dead when the test is.
 */
#ifndef TESTS_UNIT_NODE_REDIS_REDIS_SERVER_H
#define TESTS_UNIT_NODE_REDIS_REDIS_SERVER_H

#include <sys/types.h>

struct redisReply;
struct redis_server;

/** Starts it and waits until it listens. `extra` are more arguments (`--requirepass`, `x`), ended by NULL; or NULL. Aborts the test when it can't. */
struct redis_server *redis_server_start(const char *const *extra);
/** Ends it and removes its directory. NULL is fine. */
void redis_server_stop(struct redis_server *);

/** `unix:///…` */
const char *redis_server_url(const struct redis_server *);
const char *redis_server_dir(const struct redis_server *);
pid_t redis_server_pid(const struct redis_server *);

/** SIGKILL, and waits until it is gone. */
void redis_server_kill(struct redis_server *);
/** After redis_server_kill(): the same again, at the same place, empty. */
void redis_server_again(struct redis_server *);
/** SIGSTOP and SIGCONT. */
void redis_server_freeze(struct redis_server *);
void redis_server_thaw(struct redis_server *);

/** One command on a connection of its own, blocking, printf-like in hiredis's way (`%s`, `%b`). Free the reply with freeReplyObject(). */
struct redisReply *redis_server_ask(const struct redis_server *, const char *format, ...);

#endif
