#include "tests/unit/node/edge/peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/net.h"

static const char upgrade_head[] =
    "GET /v1/signal HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

void peer_init(struct peer *p, struct world *w, const char *to)
{
    struct net_addr addr;
    *p = (struct peer){.world = w};
    buf_init(&p->in, 64u << 20);
    cr_assert_eq(net_addr_parse(slice_of(to ? to : w->listen), &addr, WHY_NONE), ERR_OK);
    p->fd = socket(addr.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(p->fd, (struct sockaddr *)&addr.storage, addr.n), 0, "%s", strerror(errno));
}

void peer_finish(struct peer *p)
{
    close(p->fd);
    buf_finish(&p->in);
}

void peer_write(struct peer *p, struct slice s)
{
    uint64_t deadline = clock_steady_ms() + 30000;
    while (s.n > 0) {
        ssize_t n = send(p->fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            s = (struct slice){s.p + n, s.n - (size_t)n};
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return;
        } else {
            cr_assert_lt(clock_steady_ms(), deadline, "the socket takes no more");
            world_turn(p->world);
        }
    }
}

void peer_text(struct peer *p, const char *text)
{
    peer_frame(p, 0x80 | OP_TEXT, slice_of(text));
}

void peer_frame_put(struct buf *out, unsigned first, struct slice payload)
{
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    buf_put_char(out, (char)first);
    if (payload.n < 126) {
        buf_put_char(out, (char)(0x80 | payload.n));
    } else if (payload.n < 65536) {
        buf_put_char(out, (char)(0x80 | 126));
        buf_put_char(out, (char)(payload.n >> 8));
        buf_put_char(out, (char)payload.n);
    } else {
        buf_put_char(out, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            buf_put_char(out, (char)((uint64_t)payload.n >> shift));
    }
    buf_put_mem(out, mask, 4);
    for (size_t i = 0; i < payload.n; i++)
        buf_put_char(out, (char)((unsigned char)payload.p[i] ^ mask[i & 3]));
}

void peer_frame(struct peer *p, unsigned first, struct slice payload)
{
    struct buf out;
    buf_init(&out, payload.n + 16);
    peer_frame_put(&out, first, payload);
    peer_write(p, buf_slice(&out));
    buf_finish(&out);
}

bool peer_poll(struct peer *p)
{
    char *room = buf_reserve(&p->in, 65536);
    cr_assert_not_null(room);
    ssize_t n = recv(p->fd, room, 65536, MSG_DONTWAIT);
    if (n > 0)
        buf_commit(&p->in, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        p->ended = true;
    return n > 0;
}

/* At least `n` bytes in `in`; false when the socket ended before. */
static bool fill(struct peer *p, size_t n)
{
    uint64_t deadline = clock_steady_ms() + 30000;
    while (p->in.n < n && !p->ended) {
        if (!peer_poll(p)) {
            cr_assert_lt(clock_steady_ms(), deadline, "nothing came");
            world_turn(p->world);
        }
    }
    return p->in.n >= n;
}

unsigned peer_response(struct peer *p, struct buf *out, bool has_body)
{
    char *end = NULL;
    while (p->in.n == 0 || !(end = memmem(p->in.p, p->in.n, "\r\n\r\n", 4)))
        if (!fill(p, p->in.n + 1))
            return 0;
    size_t head = (size_t)(end - p->in.p) + 4;
    uint64_t status = 0, length = 0;
    cr_assert(slice_to_u64((struct slice){p->in.p + 9, 3}, &status));
    char *field = memmem(p->in.p, head, "Content-Length: ", 16);
    if (field && has_body) {
        size_t n = slice_find((struct slice){field + 16, (size_t)(end - field) - 16}, '\r');
        cr_assert(slice_to_u64((struct slice){field + 16, n}, &length));
    }
    cr_assert(fill(p, head + length), "the body is short");
    if (out)
        buf_put_mem(out, p->in.p, head + length);
    buf_drop(&p->in, head + length);
    return (unsigned)status;
}

unsigned peer_request(struct peer *p, const char *request, struct buf *out)
{
    peer_write(p, slice_of(request));
    return peer_response(p, out, strncmp(request, "HEAD", 4) != 0);
}

void peer_upgrade(struct peer *p, struct world *w, const char *headers)
{
    struct buf request;
    buf_init(&request, 4096);
    peer_init(p, w, NULL);
    buf_putf(&request, "%s%s\r\n", upgrade_head, headers);
    cr_assert_eq(peer_request(p, buf_cstr(&request), NULL), 101);
    buf_finish(&request);
}

bool peer_read(struct peer *p, struct peer_frame *ret_frame)
{
    if (!fill(p, 2))
        return false;
    size_t head = 2, n = (unsigned char)p->in.p[1];
    cr_assert_lt(n, 128, "masked");
    size_t wide = n == 126 ? 2 : n == 127 ? 8 : 0;
    cr_assert(fill(p, head + wide));
    n = wide ? 0 : n;
    for (size_t i = 0; i < wide; i++)
        n = n << 8 | (unsigned char)p->in.p[head + i];
    head += wide;
    if (!fill(p, head + n))
        return false;
    ret_frame->opcode = (unsigned char)p->in.p[0] & 15u;
    ret_frame->fin = (unsigned char)p->in.p[0] & 0x80u;
    buf_init(&ret_frame->payload, n + 1);
    buf_put_mem(&ret_frame->payload, p->in.p + head, n);
    buf_drop(&p->in, head + n);
    return true;
}

void peer_expect_text(struct peer *p, const char *text)
{
    struct peer_frame f;
    cr_assert(peer_read(p, &f), "ended instead of \"%s\"", text);
    cr_assert_eq(f.opcode, OP_TEXT);
    cr_assert(f.fin);
    cr_assert(slice_is(buf_slice(&f.payload), text), "\"%.*s\" instead of \"%s\"", SLICE_FMT(buf_slice(&f.payload)),
              text);
    buf_finish(&f.payload);
}

void peer_expect_end(struct peer *p)
{
    while (fill(p, p->in.n + 1))
        buf_clear(&p->in);
}

void peer_expect_close(struct peer *p, unsigned code, bool answer)
{
    struct peer_frame f = {.opcode = OP_PING};
    while (f.opcode == OP_PING) {
        cr_assert(peer_read(p, &f), "ended without a close frame");
        if (f.opcode == OP_PING)
            buf_finish(&f.payload);
    }
    cr_assert_eq(f.opcode, OP_CLOSE, "opcode %u", f.opcode);
    cr_assert_geq(f.payload.n, 2);
    unsigned got = (unsigned)(unsigned char)f.payload.p[0] << 8 | (unsigned char)f.payload.p[1];
    cr_assert_eq(got, code, "closed with %u", got);
    if (answer) {
        peer_frame(p, 0x80 | OP_CLOSE, (struct slice){f.payload.p, 2});
        cr_assert_not(fill(p, 1), "something follows the close frame");
    }
    buf_finish(&f.payload);
}
