#include "node/edge/ws.h"

#include <criterion/criterion.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "tests/unit/node/edge/peer.h"

static void payload_fill(struct buf *out, size_t n)
{
    buf_init(out, n + 1);
    for (size_t i = 0; i < n; i++)
        buf_put_char(out, (char)('a' + (int)(i * 7 % 26)));
}

static void expect_bytes(struct peer *p, unsigned opcode, struct slice bytes)
{
    struct peer_frame f;
    cr_assert(peer_read(p, &f));
    cr_assert_eq(f.opcode, opcode);
    cr_assert(slice_eq(buf_slice(&f.payload), bytes), "%zu bytes instead of %zu, or others", f.payload.n, bytes.n);
    buf_finish(&f.payload);
}

Test(ws, a_message_of_any_size_comes_back)
{
    static const size_t sizes[] = {0, 1, 125, 126, 1023, 1024, 1025, 1040, 2048, 4096, 65535, 65536};
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct buf b;
        payload_fill(&b, sizes[i]);
        peer_frame(&p, 0x80 | OP_TEXT, buf_slice(&b));
        expect_bytes(&p, OP_TEXT, buf_slice(&b));
        buf_finish(&b);
    }
    cr_assert_eq(w.metrics.value[METRIC_FRAMES_IN], ARRAY_SIZE(sizes));
    cr_assert_eq(w.metrics.value[METRIC_FRAMES_OUT], ARRAY_SIZE(sizes));
    cr_assert_eq(w.metrics.value[METRIC_BYTES_IN], w.metrics.value[METRIC_BYTES_OUT]);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, fragments_become_one_message_with_a_ping_between_them)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    struct buf big;
    payload_fill(&big, 3000);
    peer_frame(&p, OP_TEXT, SLICE(""));
    peer_frame(&p, OP_MORE, SLICE("one "));
    peer_frame(&p, 0x80 | OP_PING, SLICE("here?"));
    expect_bytes(&p, OP_PONG, SLICE("here?"));
    peer_frame(&p, OP_MORE, buf_slice(&big));
    peer_frame(&p, 0x80 | OP_MORE, SLICE(""));
    struct buf whole;
    buf_init(&whole, 4000);
    buf_put_cstr(&whole, "one ");
    buf_put(&whole, buf_slice(&big));
    expect_bytes(&p, OP_TEXT, buf_slice(&whole));
    cr_assert_eq(w.stories.frames, 1);
    buf_finish(&whole);
    buf_finish(&big);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, frames_in_one_segment_with_the_handshake_are_not_lost)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_init(&p, &w, NULL);
    struct buf b;
    buf_init(&b, 8192);
    buf_put_cstr(&b, "GET /v1/signal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("first"));
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("second"));
    peer_write(&p, buf_slice(&b));
    cr_assert_eq(peer_response(&p, NULL, false), 101);
    peer_expect_text(&p, "first");
    peer_expect_text(&p, "second");
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_message_above_the_limit_is_refused_as_soon_as_its_length_is_known)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.message_bytes_max = 2000});
    peer_upgrade(&p, &w, "");
    struct buf b;
    payload_fill(&b, 2000);
    peer_frame(&p, 0x80 | OP_TEXT, buf_slice(&b));
    expect_bytes(&p, OP_TEXT, buf_slice(&b));
    static const unsigned char huge[] = {0x81, 0xff, 0, 0, 0, 1, 0,  0,
                                         0,    0,    1, 2, 3, 4, 'x'}; /* 4 GiB are said to follow */
    peer_write(&p, slice_make(huge, sizeof huge));
    peer_expect_close(&p, 1009, false);
    cr_assert_eq(w.stories.frames, 1);
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, fragments_that_add_up_to_too_much_are_refused)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.message_bytes_max = 2000});
    peer_upgrade(&p, &w, "");
    struct buf b;
    payload_fill(&b, 900);
    peer_frame(&p, OP_TEXT, buf_slice(&b));
    peer_frame(&p, OP_MORE, buf_slice(&b));
    peer_frame(&p, OP_MORE, buf_slice(&b));
    peer_expect_close(&p, 1009, true);
    cr_assert_eq(w.stories.frames, 0);
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, the_other_kind_of_frame_is_not_this_protocol)
{
    static const struct {
        const char *headers;
        unsigned opcode;
    } cases[] = {{"", OP_BINARY},
                 {"Sec-WebSocket-Protocol: switchboard.v1.json\r\n", OP_BINARY},
                 {"Sec-WebSocket-Protocol: switchboard.v1.msgpack\r\n", OP_TEXT}};
    struct world w;
    world_init(&w, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct peer p;
        peer_upgrade(&p, &w, cases[i].headers);
        peer_frame(&p, 0x80 | cases[i].opcode, SLICE("hello"));
        peer_expect_close(&p, 4002, true);
        peer_finish(&p);
    }
    cr_assert_eq(w.stories.frames, 0);
    world_finish(&w);
}

Test(ws, msgpack_conns_get_binary_frames)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "Sec-WebSocket-Protocol: switchboard.v1.msgpack\r\n");
    cr_assert_eq(w.stories.format, WIRE_MSGPACK);
    peer_frame(&p, 0x80 | OP_BINARY, SLICE("\x01\x00\xff"));
    expect_bytes(&p, OP_BINARY, SLICE("\x01\x00\xff"));
    peer_finish(&p);
    world_finish(&w);
}

/* ---- closing ---- */

Test(ws, a_close_from_each_context_arrives_with_its_code)
{
    static const char *const contexts[] = {"frame", "timer", "outside", "open"};
    struct world w;
    world_init(&w, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
        struct peer p;
        w.stories.on_open = i == 3 ? CLOSE_SUPERSEDED : (enum close_code)0;
        peer_upgrade(&p, &w, "");
        if (i == 0)
            peer_text(&p, "close 4005");
        else if (i == 1)
            peer_text(&p, "later 4005");
        else if (i == 2)
            edge_conn_ops.close(world_conn(&w), CLOSE_SUPERSEDED);
        cr_assert_eq(w.stories.closed, i, "%s: client_closed() came too early", contexts[i]);
        peer_expect_close(&p, 4005, true);
        WORLD_UNTIL(&w, w.stories.closed == i + 1);
        cr_assert_eq(edge_conn_count(w.edge), 0);
        peer_finish(&p);
    }
    world_finish(&w);
}

Test(ws, what_was_sent_before_the_close_arrives_before_it)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    w.stories.greeting = "hello";
    w.stories.on_open = CLOSE_RESTART;
    peer_upgrade(&p, &w, "");
    peer_expect_text(&p, "hello");
    peer_expect_close(&p, 1012, true);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_refused_newcomer_is_closed_with_1013)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    w.stories.refuse = true;
    peer_upgrade(&p, &w, "");
    peer_text(&p, "anybody?");
    peer_expect_close(&p, 1013, true);
    WORLD_UNTIL(&w, edge_conn_count(w.edge) == 0);
    cr_assert_eq(w.stories.closed, 0);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, frames_after_the_close_are_dropped)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    struct buf b;
    buf_init(&b, 1000);
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("close 4009"));
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("too late"));
    peer_write(&p, buf_slice(&b));
    peer_expect_close(&p, 4009, false);
    peer_text(&p, "far too late");
    peer_frame(&p, 0x80 | OP_CLOSE, SLICE("\x0f\xa9"));
    peer_expect_end(&p);
    cr_assert_eq(w.stories.frames, 1);
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_peer_that_never_answers_the_close_is_dropped)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    uint64_t start = clock_steady_ms();
    peer_text(&p, "close 4003");
    peer_expect_close(&p, 4003, false);
    while (w.stories.closed == 0 && clock_steady_ms() < start + 60000)
        world_turn(&w);
    cr_assert_eq(w.stories.closed, 1);
    cr_assert_geq(clock_steady_ms(), start + 3000, "it was given no time");
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, the_peers_close_is_answered_and_told)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    peer_frame(&p, 0x80 | OP_CLOSE, SLICE("\x03\xe8"));
    peer_expect_close(&p, 1000, false);
    peer_expect_end(&p);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_cut_cable_is_told)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    peer_frame(&p, OP_TEXT, SLICE("half a mess"));
    WORLD_UNTIL(&w, w.stories.opened == 1);
    peer_finish(&p);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    world_finish(&w);
}

/* ---- pings ---- */

Test(ws, a_socket_that_is_silent_for_two_intervals_is_dropped)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.ping_every_ms = 100});
    peer_upgrade(&p, &w, "");
    struct peer_frame f;
    unsigned pings = 0;
    while (peer_read(&p, &f)) {
        cr_assert_eq(f.opcode, OP_PING);
        buf_finish(&f.payload);
        pings++;
    }
    cr_assert_geq(pings, 2);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, pongs_and_frames_keep_a_socket_alive)
{
    struct world w;
    struct peer pongs, frames;
    world_init(&w, &(struct world_wish){.ping_every_ms = 60});
    peer_upgrade(&pongs, &w, "");
    peer_upgrade(&frames, &w, "");
    w.stories.keep_silent = true;
    for (int i = 0; i < 8; i++) {
        struct peer_frame f;
        cr_assert(peer_read(&pongs, &f));
        cr_assert_eq(f.opcode, OP_PING);
        peer_frame(&pongs, 0x80 | OP_PONG, buf_slice(&f.payload));
        buf_finish(&f.payload);
        cr_assert(peer_read(&frames, &f));
        buf_finish(&f.payload);
        peer_text(&frames, "here");
    }
    cr_assert_eq(w.stories.closed, 0);
    peer_finish(&pongs);
    peer_finish(&frames);
    world_finish(&w);
}

/* ---- pause ---- */

Test(ws, a_pause_loses_nothing_and_keeps_the_order)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    struct buf b;
    buf_init(&b, 1 << 20);
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("pause"));
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "number %d", i);
        peer_frame_put(&b, 0x80 | OP_TEXT, slice_of(text));
    }
    peer_write(&p, buf_slice(&b));
    WORLD_UNTIL(&w, w.stories.frames == 1);
    for (int i = 0; i < 50; i++)
        world_turn(&w);
    cr_assert_eq(w.stories.frames, 1, "read while paused");
    edge_conn_ops.pause(world_conn(&w), false);
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "number %d", i);
        peer_expect_text(&p, text);
    }
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_pause_reaches_the_peer_whose_writes_get_stuck)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    peer_text(&p, "pause");
    WORLD_UNTIL(&w, w.stories.frames == 1);
    struct buf b;
    buf_init(&b, 1000);
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("more and more"));
    size_t written = 0;
    for (int stuck = 0; stuck < 30; stuck++) {
        while (send(p.fd, b.p, b.n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)b.n && written < 8 << 20) {
            written += b.n;
            stuck = 0;
        }
        world_turn(&w);
    }
    cr_assert_lt(written, 4 << 20);
    cr_assert_eq(w.stories.frames, 1);
    edge_conn_ops.pause(world_conn(&w), false);
    w.stories.keep_silent = true;
    WORLD_UNTIL(&w, w.stories.frames >= 1 + written / b.n);
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_paused_conn_is_not_silent)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.ping_every_ms = 50});
    peer_upgrade(&p, &w, "");
    peer_text(&p, "pause");
    struct peer_frame f;
    for (int i = 0; i < 8; i++) {
        cr_assert(peer_read(&p, &f), "dropped");
        cr_assert_eq(f.opcode, OP_PING);
        buf_finish(&f.payload);
    }
    edge_conn_ops.pause(world_conn(&w), false);
    peer_text(&p, "still here");
    do {
        cr_assert(peer_read(&p, &f));
        if (f.opcode == OP_PING)
            buf_finish(&f.payload);
    } while (f.opcode == OP_PING);
    cr_assert(slice_is(buf_slice(&f.payload), "still here"));
    buf_finish(&f.payload);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_paused_conn_can_be_closed)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    peer_text(&p, "pause");
    WORLD_UNTIL(&w, w.stories.frames == 1);
    peer_text(&p, "never read");
    edge_conn_ops.close(world_conn(&w), CLOSE_ENDED_BY_ADMIN);
    peer_expect_close(&p, 4006, true);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    cr_assert_eq(w.stories.frames, 1);
    peer_finish(&p);
    world_finish(&w);
}

Test(ws, a_paused_conn_whose_peer_is_gone_is_noticed_by_its_pings)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.ping_every_ms = 50});
    peer_upgrade(&p, &w, "");
    peer_text(&p, "pause");
    WORLD_UNTIL(&w, w.stories.frames == 1);
    peer_finish(&p);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    world_finish(&w);
}
