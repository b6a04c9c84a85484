#include "node/redis/stream.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "common/base/buf.h"
#include "node/redis/client.h"
#include "node/redis/tls.h"

enum {
    /* Read in one go before the rest of the loop gets its turn. */
    READ_BUDGET = 512 * 1024,
    READ_CHUNK = 16 * 1024,
    /* One TLS record; nothing more is encrypted while older ciphertext waits. */
    ENCRYPT_CHUNK = 16 * 1024,
    CIPHER_MAX = 256 * 1024,
};

/* These two belong to libuv until it lets go of them, which may be after the stream's end (stream is NULL then). */
struct poller {
    uv_poll_t uv;
    struct stream *stream;
};
struct lookup {
    uv_getaddrinfo_t uv;
    struct stream *stream;
};

struct stream {
    struct stream_settings settings;
    enum { STREAM_CONNECTING, STREAM_HANDSHAKING, STREAM_OPEN } state;
    int fd;
    struct poller *poller;
    struct lookup *lookup;
    struct addrinfo *addresses; /* found by the look-up */
    struct addrinfo *next;      /* to be tried next; NULL when all were */
    size_t addresses_left;
    struct tls *tls;
    struct buf cipher;    /* encrypted, not yet written */
    size_t budget;        /* what may still be read in this event */
    bool drained;         /* the socket gave less than asked for: it is empty */
    bool watching_writes; /* a write fell short */
    char why[192];
};

static void on_poll(uv_poll_t *, int status, int events);

static void on_poller_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Of the socket only: the next address gets a new one. */
static void close_socket(struct stream *stream)
{
    if (stream->poller) {
        uv_poll_stop(&stream->poller->uv);
        stream->poller->stream = NULL;
        uv_close((uv_handle_t *)&stream->poller->uv, on_poller_closed);
        stream->poller = NULL;
    }
    if (stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
}

static void watch(struct stream *stream, bool writes)
{
    stream->watching_writes = writes;
    uv_poll_start(&stream->poller->uv, UV_READABLE | (writes ? UV_WRITABLE : 0), on_poll);
}

static bool begin_poll(struct stream *stream)
{
    struct poller *poller = calloc(1, sizeof *poller);
    if (!poller || uv_poll_init(stream->settings.loop, &poller->uv, stream->fd) != 0) {
        free(poller);
        return false;
    }
    poller->uv.data = poller;
    poller->stream = stream;
    stream->poller = poller;
    /* Writable means connected, also where connect() was done at once. */
    watch(stream, true);
    return true;
}

static bool connect_to(struct stream *stream, const struct sockaddr *address, socklen_t size)
{
    int on = 1;
    stream->state = STREAM_CONNECTING;
    stream->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0) {
        snprintf(stream->why, sizeof stream->why, "socket: %s", strerror(errno));
        return false;
    }
    if (address->sa_family != AF_UNIX) {
        setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(stream->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (connect(stream->fd, address, size) != 0 && errno != EINPROGRESS) {
        snprintf(stream->why, sizeof stream->why, "connect: %s", strerror(errno));
        close_socket(stream);
        return false;
    }
    if (!begin_poll(stream)) {
        snprintf(stream->why, sizeof stream->why, "out of memory");
        close_socket(stream);
        return false;
    }
    return true;
}

static bool connect_unix(struct stream *stream)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(stream->settings.url->host);
    assert(n < sizeof address.sun_path); /* redis_url_parse() saw to it */
    memcpy(address.sun_path, stream->settings.url->host, n + 1);
    return connect_to(stream, (struct sockaddr *)&address, sizeof address);
}

/* False when no address is left. */
static bool connect_next(struct stream *stream)
{
    uint16_t port = htons(stream->settings.url->port);
    while (stream->addresses_left > 0) {
        struct addrinfo *a = stream->next;
        union {
            struct sockaddr any;
            struct sockaddr_in v4;
            struct sockaddr_in6 v6;
        } address;
        stream->next = a->ai_next ? a->ai_next : stream->addresses;
        stream->addresses_left--;
        if (a->ai_addrlen > sizeof address)
            continue;
        memcpy(&address, a->ai_addr, a->ai_addrlen);
        if (a->ai_family == AF_INET)
            address.v4.sin_port = port;
        else
            address.v6.sin6_port = port;
        if (connect_to(stream, &address.any, a->ai_addrlen))
            return true;
    }
    return false;
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct stream *stream = lookup->stream;
    free(lookup);
    if (!stream) {
        uv_freeaddrinfo(found);
        return;
    }
    stream->lookup = NULL;
    stream->addresses = found;
    for (struct addrinfo *a = found; a; a = a->ai_next)
        stream->addresses_left++;
    stream->next = found;
    /* Else a first address that swallows packets would use up the time of every attempt. */
    for (size_t skip = stream->addresses_left ? stream->settings.attempt % stream->addresses_left : 0; skip > 0;
         skip--) {
        stream->next = stream->next->ai_next;
    }
    if (status != 0)
        snprintf(stream->why, sizeof stream->why, "look-up: %s", uv_strerror(status));
    if (!connect_next(stream))
        stream->settings.events.on_broken(stream->settings.events.context, stream->why);
}

static bool look_up(struct stream *stream)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) {
        snprintf(stream->why, sizeof stream->why, "out of memory");
        return false;
    }
    lookup->uv.data = lookup;
    lookup->stream = stream;
    int status =
        uv_getaddrinfo(stream->settings.loop, &lookup->uv, on_looked_up, stream->settings.url->host, NULL, &hints);
    if (status != 0) {
        snprintf(stream->why, sizeof stream->why, "look-up: %s", uv_strerror(status));
        free(lookup);
        return false;
    }
    stream->lookup = lookup;
    return true;
}

/* An address in figures needs no thread. */
static bool connect_tcp(struct stream *stream)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(stream->settings.url->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
    if (inet_pton(AF_INET, stream->settings.url->host, &v4.sin_addr) == 1)
        return connect_to(stream, (struct sockaddr *)&v4, sizeof v4);
    if (inet_pton(AF_INET6, stream->settings.url->host, &v6.sin6_addr) == 1)
        return connect_to(stream, (struct sockaddr *)&v6, sizeof v6);
    return look_up(stream);
}

struct stream *stream_open(const struct stream_settings *settings, struct why why)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) {
        why_fail(why, ERR_NO_MEMORY, "out of memory");
        return NULL;
    }
    stream->settings = *settings;
    stream->fd = -1;
    buf_init(&stream->cipher, CIPHER_MAX);
    if (settings->url->tls && !(stream->tls = tls_create(settings->trust, settings->url->host))) {
        snprintf(stream->why, sizeof stream->why, "TLS could not be set up");
        goto fail;
    }
    if (settings->url->transport == REDIS_UNIX ? !connect_unix(stream) : !connect_tcp(stream))
        goto fail;
    return stream;

fail:
    why_fail(why, ERR_UNAVAILABLE, "%s", stream->why);
    stream_close(stream);
    return NULL;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->lookup) {
        stream->lookup->stream = NULL;
        uv_cancel((uv_req_t *)&stream->lookup->uv);
    }
    close_socket(stream);
    uv_freeaddrinfo(stream->addresses);
    tls_destroy(stream->tls);
    buf_finish(&stream->cipher);
    free(stream);
}

bool stream_looks_up(const struct stream *stream)
{
    return stream->lookup != NULL;
}

const char *stream_why(const struct stream *stream)
{
    return stream->why;
}

static ssize_t broke(struct stream *stream, const char *why)
{
    snprintf(stream->why, sizeof stream->why, "%s", why);
    return -1;
}

/* As stream_read(), from the socket. */
static ssize_t receive(struct stream *stream, char *p, size_t n)
{
    if (stream->drained || stream->budget == 0)
        return 0;
    ssize_t got = recv(stream->fd, p, n, 0);
    if (got == 0)
        return broke(stream, "closed by Redis");
    if (got < 0) {
        stream->drained = true;
        return errno == EAGAIN || errno == EINTR ? 0 : broke(stream, strerror(errno));
    }
    stream->drained = (size_t)got < n;
    stream->budget -= (size_t)got < stream->budget ? (size_t)got : stream->budget;
    return got;
}

/* As stream_write(), to the socket. */
static ssize_t transmit(struct stream *stream, struct slice bytes)
{
    ssize_t sent = bytes.n > 0 ? send(stream->fd, bytes.p, bytes.n, MSG_NOSIGNAL) : 0;
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return broke(stream, strerror(errno));
        sent = 0;
    }
    if ((size_t)sent < bytes.n && !stream->watching_writes)
        watch(stream, true);
    return sent;
}

/* Whether all ciphertext went out; -1: broken. */
static int transmit_cipher(struct stream *stream)
{
    if (buf_failed(&stream->cipher)) {
        broke(stream, "out of memory");
        return -1;
    }
    ssize_t sent = transmit(stream, buf_slice(&stream->cipher));
    if (sent < 0)
        return -1;
    buf_drop(&stream->cipher, (size_t)sent);
    return stream->cipher.n == 0;
}

static ssize_t read_tls(struct stream *stream, char *p, size_t n)
{
    char chunk[READ_CHUNK];
    for (;;) {
        ssize_t got = tls_read(stream->tls, p, n);
        if (got < 0)
            return broke(stream, tls_why(stream->tls));
        if (got > 0)
            return got;
        got = receive(stream, chunk, sizeof chunk);
        if (got <= 0)
            return got;
        tls_feed(stream->tls, slice_make(chunk, (size_t)got));
    }
}

ssize_t stream_read(struct stream *stream, char *p, size_t n)
{
    return stream->tls ? read_tls(stream, p, n) : receive(stream, p, n);
}

static ssize_t write_tls(struct stream *stream, struct slice bytes)
{
    size_t taken = 0;
    int all = transmit_cipher(stream);
    while (all > 0 && taken < bytes.n) {
        struct slice part = {bytes.p + taken, bytes.n - taken};
        part.n = part.n < ENCRYPT_CHUNK ? part.n : ENCRYPT_CHUNK;
        if (!tls_write(stream->tls, part))
            return broke(stream, tls_why(stream->tls));
        tls_take_output(stream->tls, &stream->cipher);
        taken += part.n;
        all = transmit_cipher(stream);
    }
    return all < 0 ? -1 : (ssize_t)taken;
}

ssize_t stream_write(struct stream *stream, struct slice bytes)
{
    return stream->tls ? write_tls(stream, bytes) : transmit(stream, bytes);
}

/* Calls out when the session stands or broke. */
static void handshake(struct stream *stream)
{
    char chunk[READ_CHUNK];
    const struct stream_events *events = &stream->settings.events;
    ssize_t got = 0;
    int done = 0;
    do {
        done = tls_handshake(stream->tls);
        tls_take_output(stream->tls, &stream->cipher);
        got = done == 0 ? receive(stream, chunk, sizeof chunk) : 0;
        if (got > 0)
            tls_feed(stream->tls, slice_make(chunk, (size_t)got));
    } while (got > 0);

    if (done < 0)
        broke(stream, tls_why(stream->tls));
    if (transmit_cipher(stream) < 0 || got < 0 || done < 0) {
        events->on_broken(events->context, stream->why);
    } else if (done > 0) {
        stream->state = STREAM_OPEN;
        events->on_open(events->context);
    }
}

static int socket_error(const struct stream *stream)
{
    int error = 0;
    socklen_t size = sizeof error;

    return getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static void on_connected(struct stream *stream, int status)
{
    const struct stream_events *events = &stream->settings.events;
    int error = socket_error(stream);
    if (error != 0 || status < 0) {
        snprintf(stream->why, sizeof stream->why, "connect: %s", error ? strerror(error) : uv_strerror(status));
        close_socket(stream);
        if (!connect_next(stream))
            events->on_broken(events->context, stream->why);
        return;
    }
    watch(stream, false);
    if (stream->tls) {
        stream->state = STREAM_HANDSHAKING;
        handshake(stream);
    } else {
        stream->state = STREAM_OPEN;
        events->on_open(events->context);
    }
}

static void on_poll(uv_poll_t *handle, int status, int ready)
{
    struct poller *poller = handle->data;
    struct stream *stream = poller->stream;
    struct stream_events events = stream->settings.events;
    stream->drained = false;
    stream->budget = READ_BUDGET;
    if (stream->state == STREAM_CONNECTING) {
        on_connected(stream, status);
        return;
    }
    if (status < 0) {
        int error = socket_error(stream);
        broke(stream, error ? strerror(error) : "closed by Redis");
        events.on_broken(events.context, stream->why);
        return;
    }
    if (ready & UV_WRITABLE)
        watch(stream, false);
    if (stream->state == STREAM_HANDSHAKING) {
        handshake(stream);
        return;
    }
    if (ready & UV_WRITABLE)
        events.on_writable(events.context);
    /* on_writable may have closed the stream; the poller tells. */
    if (poller->stream && (ready & UV_READABLE))
        events.on_readable(events.context);
}
