/**
 * A WebSocket client (RFC 6455) of the plainest kind, over TCP or TLS: enough for a server that neither fragments nor extends.
 */
#ifndef BENCHMARKS_SOCKET_H
#define BENCHMARKS_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>

#include "benchmarks/loop.h"
#include "common/base/buf.h"
#include "common/base/slice.h"

struct ssl_ctx_st;
struct ssl_st;
struct socket;

struct socket_handlers {
    void (*on_open)(struct socket *);
    /** One message; the bytes are valid during the call. */
    void (*on_message)(struct socket *, struct slice);
    /** It is over; `code` from the Close frame, 1006 without one. The socket is not used again. */
    void (*on_close)(struct socket *, unsigned code);
};

enum socket_state { SOCKET_CONNECTING, SOCKET_SHAKING_HANDS, SOCKET_UPGRADING, SOCKET_OPEN, SOCKET_CLOSED };

struct socket {
    struct watcher watcher;
    struct loop *loop;
    struct ssl_st *ssl; /* NULL: plain */
    enum socket_state state;
    bool is_binary;
    unsigned close_code;
    struct buf in, out; /* what could not be read to its end, or written yet */
    const struct socket_handlers *on;
};

struct socket_settings {
    struct loop *loop;
    struct ssl_ctx_st *tls; /* NULL: plain */
    struct sockaddr_in address;
    const char *subprotocol;
    bool is_binary;
    const struct socket_handlers *on;
};

/** Begins to connect; dies where the system refuses a socket. The memory is the caller's and stays until the process ends. */
void socket_open(struct socket *, const struct socket_settings *);
/** One message, masked, written at once as far as the system takes it. */
void socket_send(struct socket *, struct slice);
/** Ends it with a reset, as a lost one ends; `on_close` is called from within. */
void socket_drop(struct socket *);
/** A context that checks no certificate: the server is our own child on the loopback. */
struct ssl_ctx_st *socket_tls_context(void);

#endif
