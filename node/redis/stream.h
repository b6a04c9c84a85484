/**
 * Bytes to and from one Redis server: name look-up, TCP or Unix socket, TLS. One life: opened, used, closed.
 *
 * A `uv_poll` on our own descriptor. Its read watcher is always on; the write watcher only after a write fell short: so a command and its answer cost one
 * send, one recv and no epoll_ctl.
 */
#ifndef NODE_REDIS_STREAM_H
#define NODE_REDIS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/slice.h"
#include "common/base/why.h"

struct redis_url;
struct stream;
struct tls_trust;
struct uv_loop_s;

/** Never called inside stream_open(). Each may close the stream. */
struct stream_events {
    void (*on_open)(void *context);
    /** Read until stream_read() returns 0. */
    void (*on_readable)(void *context);
    /** A write had fallen short, and there is room again. */
    void (*on_writable)(void *context);
    /** It is broken (`why` in words, without addresses): close it. */
    void (*on_broken)(void *context, const char *why);
    void *context;
};

struct stream_settings {
    const struct redis_url *url; /* must outlive the stream */
    struct tls_trust *trust;     /* for rediss:// */
    unsigned attempt;            /* with which of several addresses to begin */
    struct stream_events events;
    struct uv_loop_s *loop;
};

/** NULL with `why` if it fails at once. */
struct stream *stream_open(const struct stream_settings *, struct why why);
/** No event comes after this. NULL is fine. */
void stream_close(struct stream *);

/** Whether the name's address is not known yet. */
bool stream_looks_up(const struct stream *);
/** Bytes read, 0: nothing more now, -1: broken, stream_why() says why (no event comes for it). */
ssize_t stream_read(struct stream *, char *p, size_t n);
/** How much was taken; less than all means that on_writable will follow. -1: broken. */
ssize_t stream_write(struct stream *, struct slice);
const char *stream_why(const struct stream *);

#endif
