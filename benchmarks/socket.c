#include "benchmarks/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "benchmarks/report.h"

enum { READ_SIZE = 65536, BUFFER_CAP = 1 << 22, HEADER_MAX = 8 + 6, NO_CLOSE_FRAME = 1006, HTTP_HEAD_MAX = 4096 };
enum { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10, FIN = 0x80, MASKED = 0x80 };

/* Any but zero, which some servers take as leave not to unmask. */
static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};

struct frame {
    unsigned opcode;
    struct slice payload;
    size_t size; /* with its head */
};

struct ssl_ctx_st *socket_tls_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        die("no TLS context");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

static void closed(struct socket *s)
{
    if (s->state == SOCKET_CLOSED)
        return;
    s->state = SOCKET_CLOSED;
    loop_unwatch(s->loop, &s->watcher);
    SSL_free(s->ssl);
    s->ssl = NULL;
    close(s->watcher.fd);
    buf_finish(&s->in);
    buf_finish(&s->out);
    s->on->on_close(s, s->close_code);
}

/* Bytes; 0 when it would block; -1 when it is over. So both. */
static ssize_t transport_result(struct socket *s, ssize_t n)
{
    if (n > 0)
        return n;
    if (s->ssl) {
        int why = SSL_get_error(s->ssl, (int)n);
        return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static ssize_t transport_read(struct socket *s, char *p, size_t n)
{
    return transport_result(s, s->ssl ? SSL_read(s->ssl, p, (int)n) : read(s->watcher.fd, p, n));
}

static ssize_t transport_write(struct socket *s, const char *p, size_t n)
{
    return transport_result(s, s->ssl ? SSL_write(s->ssl, p, (int)n) : send(s->watcher.fd, p, n, MSG_NOSIGNAL));
}

static void flush(struct socket *s)
{
    while (s->out.n > 0) {
        ssize_t n = transport_write(s, s->out.p, s->out.n);
        if (n < 0)
            closed(s);
        if (n <= 0)
            return;
        buf_drop(&s->out, (size_t)n);
    }
}

static void put_frame(struct socket *s, unsigned opcode, struct slice payload)
{
    unsigned char head[HEADER_MAX];
    size_t n = 0;
    head[n++] = (unsigned char)(FIN | opcode);
    if (payload.n < 126) {
        head[n++] = (unsigned char)(MASKED | payload.n);
    } else {
        if (payload.n > UINT16_MAX)
            die("a message of %zu bytes is too long for this client", payload.n);
        head[n++] = MASKED | 126;
        head[n++] = (unsigned char)(payload.n >> 8);
        head[n++] = (unsigned char)payload.n;
    }
    memcpy(head + n, mask, sizeof mask);
    buf_put_mem(&s->out, head, n + sizeof mask);
    char *p = buf_reserve(&s->out, payload.n);
    if (!p)
        die("a server that reads too slowly: %zu bytes wait for it", s->out.n);
    for (size_t i = 0; i < payload.n; i++)
        p[i] = (char)(payload.p[i] ^ mask[i % sizeof mask]);
    buf_commit(&s->out, payload.n);
}

void socket_send(struct socket *s, struct slice message)
{
    if (s->state != SOCKET_OPEN)
        return;
    put_frame(s, s->is_binary ? OP_BINARY : OP_TEXT, message);
    flush(s);
}

/* Whether a whole frame stands at the front. */
static bool frame_at(struct slice bytes, struct frame *ret_frame)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < 2)
        return false;
    if (!(p[0] & FIN) || (p[0] & 0x70) || (p[1] & MASKED))
        die("the server sent a frame that is fragmented, extended or masked");
    size_t head = 2, n = p[1] & 0x7f, length_bytes = n == 126 ? 2 : n == 127 ? 8 : 0;
    if (bytes.n < head + length_bytes)
        return false;
    if (length_bytes > 0)
        n = 0;
    for (size_t i = 0; i < length_bytes; i++)
        n = n << 8 | p[head + i];
    head += length_bytes;
    if (bytes.n - head < n)
        return false;
    *ret_frame = (struct frame){p[0] & 0x0f, slice_make(bytes.p + head, n), head + n};
    return true;
}

static void on_frame(struct socket *s, const struct frame *f)
{
    switch (f->opcode) {
    case OP_TEXT:
    case OP_BINARY:
        s->on->on_message(s, f->payload);
        break;
    case OP_PING:
        put_frame(s, OP_PONG, f->payload);
        flush(s);
        break;
    case OP_CLOSE:
        if (f->payload.n >= 2)
            s->close_code = (unsigned)(unsigned char)f->payload.p[0] << 8 | (unsigned char)f->payload.p[1];
        closed(s);
        break;
    default:
        break;
    }
}

/* How many of the bytes are the answer to the upgrade; 0: not all there yet. */
static size_t take_upgrade(struct slice bytes)
{
    const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    if (!end && bytes.n < HTTP_HEAD_MAX)
        return 0;
    if (!slice_starts(bytes, SLICE("HTTP/1.1 101")))
        die("the upgrade was refused: %.*s", (int)slice_find(bytes, '\r'), bytes.p);
    return (size_t)(end - bytes.p) + 4;
}

/* Takes what is whole off the front; returns what is left. */
static struct slice consume(struct socket *s, struct slice bytes)
{
    if (s->state == SOCKET_UPGRADING) {
        size_t n = take_upgrade(bytes);
        if (n == 0)
            return bytes;
        bytes = slice_make(bytes.p + n, bytes.n - n);
        s->state = SOCKET_OPEN;
        s->on->on_open(s);
    }
    struct frame frame;
    while (s->state == SOCKET_OPEN && frame_at(bytes, &frame)) {
        on_frame(s, &frame);
        bytes = slice_make(bytes.p + frame.size, bytes.n - frame.size);
    }
    return bytes;
}

static void feed(struct socket *s, struct slice bytes)
{
    bool is_joined = s->in.n > 0;
    if (is_joined) {
        buf_put(&s->in, bytes);
        bytes = buf_slice(&s->in);
    }
    struct slice left = consume(s, bytes);
    if (s->state == SOCKET_CLOSED)
        return;
    if (is_joined)
        buf_drop(&s->in, bytes.n - left.n);
    else if (left.n > 0)
        buf_put(&s->in, left);
    if (buf_failed(&s->in))
        die("a message from the server is too long for this client");
}

static void read_all(struct socket *s)
{
    static char bytes[READ_SIZE];
    while (s->state == SOCKET_UPGRADING || s->state == SOCKET_OPEN) {
        ssize_t n = transport_read(s, bytes, sizeof bytes);
        if (n < 0)
            closed(s);
        if (n <= 0)
            return;
        feed(s, slice_make(bytes, (size_t)n));
        /* A short read of a plain socket emptied it (epoll(7), question 9). */
        if (!s->ssl && (size_t)n < sizeof bytes)
            return;
    }
}

static void shake_hands(struct socket *s)
{
    int n = s->ssl ? SSL_connect(s->ssl) : 1;
    if (n != 1) {
        if (transport_result(s, n) < 0)
            closed(s);
        return;
    }
    s->state = SOCKET_UPGRADING;
    flush(s);
}

static void on_ready(struct watcher *w, uint32_t events)
{
    struct socket *s = CONTAINER_OF(w, struct socket, watcher);
    if (s->state == SOCKET_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        s->state = SOCKET_SHAKING_HANDS;
    if (s->state == SOCKET_SHAKING_HANDS)
        shake_hands(s);
    if (s->state >= SOCKET_UPGRADING && s->state < SOCKET_CLOSED && (events & EPOLLOUT))
        flush(s);
    if (s->state >= SOCKET_UPGRADING && s->state < SOCKET_CLOSED &&
        (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        read_all(s);
}

void socket_drop(struct socket *s)
{
    const struct linger at_once = {.l_onoff = 1};
    if (s->state == SOCKET_CLOSED)
        return;
    setsockopt(s->watcher.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    closed(s);
}

static void put_upgrade(struct socket *s, const char *subprotocol)
{
    buf_putf(&s->out,
             "GET /v1/signal HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: %s\r\n\r\n",
             subprotocol);
}

void socket_open(struct socket *s, const struct socket_settings *set)
{
    *s = (struct socket){.loop = set->loop, .is_binary = set->is_binary, .close_code = NO_CLOSE_FRAME, .on = set->on};
    buf_init(&s->in, BUFFER_CAP);
    buf_init(&s->out, BUFFER_CAP);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    s->watcher = (struct watcher){fd, on_ready};
    if (set->tls) {
        s->ssl = SSL_new(set->tls);
        if (!s->ssl || !SSL_set_fd(s->ssl, fd))
            die("no TLS connection");
    }
    put_upgrade(s, set->subprotocol);
    if (connect(fd, (const struct sockaddr *)&set->address, sizeof set->address) < 0 && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    loop_watch(s->loop, &s->watcher);
}
