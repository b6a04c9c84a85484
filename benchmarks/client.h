/**
 * One device that speaks Switchboard's protocol: says hello, numbers its requests, counts its events and acknowledges them now and then.
 */
#ifndef BENCHMARKS_CLIENT_H
#define BENCHMARKS_CLIENT_H

#include "benchmarks/socket.h"
#include "common/wire/value.h"
#include "common/wire/writer.h"

enum { CLIENT_ID_SIZE = 48 };

struct keyring;
struct client;

/** Anything that the parts don't expect (an error, a close) ends the process with what it was. `on_closed` is for those who do: NULL for the others. */
struct client_handlers {
    void (*on_welcome)(struct client *);
    void (*on_ok)(struct client *, const struct wire_value *reply); /* NULL: nobody looks at them */
    void (*on_event)(struct client *, struct slice type, const struct wire_value *event); /* likewise */
    void (*on_closed)(struct client *); /* not the place to connect anew */
};

/** What all clients of a run share. */
struct clients {
    struct loop *loop;
    struct ssl_ctx_st *tls; /* NULL: plain */
    enum wire_format format;
    const struct keyring *keys;
    const struct sockaddr_in *nodes;
    size_t node_count;
    struct buf body, frame; /* the message that is being written */
};

struct client {
    struct socket socket;
    struct clients *shared;
    const struct client_handlers *on;
    void *owner;
    size_t node; /* where it is, or was last */
    char user[32];
    char session[CLIENT_ID_SIZE], key[CLIENT_ID_SIZE];
    bool resumed;
    uint64_t retry_after_ms; /* of the last notice that said so; 0: none */
    uint64_t last_id, seq, acked;
};

/** Connects to the node of that index and says hello as `user`, whose token is made here. */
void client_start(struct client *, struct clients *, size_t node, const char *user, const struct client_handlers *,
                  void *owner);
/** Loses the socket without a word; `on_closed` is called from within. */
void client_drop(struct client *);
/** Connects a closed client to that node and says hello with `resume`; `resumed` tells whether its welcome was one. */
void client_resume(struct client *, size_t node);
/** Acknowledges all that has come. */
void client_acknowledge(struct client *);
/** Begins a request with `fields` more pairs, to be put into the buffer; client_send() ends it. One at a time. */
struct buf *client_request(struct client *, const char *type, size_t fields);
void client_send(struct client *);

/** Keeps an id that a welcome or an `ok` tells; ends the process if it tells none under that name. */
void client_keep_id(const struct wire_value *message, const char *name, char ret_id[CLIENT_ID_SIZE]);

#endif
