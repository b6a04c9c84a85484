/**
 * TLS to Redis as a translator of bytes: what came from the socket goes in, what is to go to the socket comes out; it never touches a socket itself
 * (so a write never raises SIGPIPE, and there is one place that sends).
 */
#ifndef NODE_REDIS_TLS_H
#define NODE_REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/slice.h"
#include "common/base/why.h"

struct tls_trust; /* whom we believe: shared by all sessions */
struct tls;       /* one session */

/** `ca` is a PEM file; NULL: the system's. NULL with `why` when it can't be read. */
struct tls_trust *tls_trust_create(const char *ca, struct why why);
void tls_trust_destroy(struct tls_trust *);

/** A client's session that insists on a certificate for `host` (a name, also sent as SNI, or an IP address). NULL when memory is out. */
struct tls *tls_create(struct tls_trust *, const char *host);
void tls_destroy(struct tls *);

/** Bytes from the socket. */
void tls_feed(struct tls *, struct slice);
/** Goes on with the handshake: 1 done, 0 needs more bytes, -1 failed. */
int tls_handshake(struct tls *);
/** Decrypted bytes: how many, 0 when it needs more from the socket, -1 when it failed or the other side closed. */
ssize_t tls_read(struct tls *, char *p, size_t n);
/** Encrypts all of it, or returns false. */
bool tls_write(struct tls *, struct slice);
/** Moves what is to go to the socket to the end of `out`. Call it after each of the three above, also when they failed (alerts). */
void tls_take_output(struct tls *, struct buf *out);
/** What went wrong; never NULL. Lives as long as the session. */
const char *tls_why(const struct tls *);

#endif
