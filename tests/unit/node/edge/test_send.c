#include "node/edge/send.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "tests/unit/node/edge/peer.h"
#include "tests/unit/node/edge/segments.h"

/* Frame `i` of a flood is `bytes` times the i-th letter. */
static bool is_flood_frame(struct slice payload, size_t i, size_t bytes)
{
    for (size_t k = 0; k < payload.n; k++)
        if (payload.p[k] != (char)('a' + (int)(i % 26)))
            return false;
    return payload.n == bytes;
}

static void narrow(struct peer *p)
{
    int small = 65536; /* much smaller, and the kernel waits for its timers */
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
}

/* Frames of a flood until something else comes; that is left in *ret_last. How many they were. */
static size_t flood_read(struct peer *p, size_t bytes, struct peer_frame *ret_last)
{
    size_t i = 0;
    for (;; i++) {
        cr_assert(peer_read(p, ret_last), "ended after %zu frames", i);
        if (ret_last->opcode != OP_TEXT)
            return i;
        cr_assert(is_flood_frame(buf_slice(&ret_last->payload), i, bytes), "frame %zu is damaged", i);
        buf_finish(&ret_last->payload);
    }
}

/* Texts in one segment, so that they are read in one turn. */
static void peer_texts(struct peer *p, const char *const *texts)
{
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; texts[i]; i++)
        peer_frame_put(&b, 0x80 | OP_TEXT, slice_of(texts[i]));
    peer_write(p, buf_slice(&b));
    buf_finish(&b);
}

Test(send, what_one_turn_sends_leaves_in_one_write_and_the_close_behind_it)
{
    struct world w;
    struct peer p;
    struct peer_frame f;
    world_init(&w, &(struct world_wish){.tcp = true});
    peer_upgrade(&p, &w, "");
    unsigned before = segments_in(p.fd);
    peer_texts(&p, (const char *const[]){"flood 26 300", "close 1000", NULL});
    cr_assert_eq(flood_read(&p, 300, &f), 26);
    cr_assert_eq(f.opcode, OP_CLOSE);
    cr_assert_eq(segments_in(p.fd) - before, 1);
    buf_finish(&f.payload);
    peer_finish(&p);
    world_finish(&w);
}

Test(send, a_lone_message_waits_for_the_end_of_its_turn_only)
{
    struct world w;
    struct peer p;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    peer_text(&p, "hello");
    WORLD_UNTIL(&w, w.stories.frames == 1);
    uv_run(&w.loop, UV_RUN_NOWAIT);
    cr_assert(peer_poll(&p));
    peer_expect_text(&p, "hello");
    peer_finish(&p);
    world_finish(&w);
}

Test(send, what_was_said_in_the_turn_in_which_the_peer_closes_comes_before_the_answer)
{
    struct world w;
    struct peer p;
    struct buf b;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    buf_init(&b, 1000);
    peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("hello"));
    peer_frame_put(&b, 0x80 | OP_CLOSE, SLICE("\x03\xe8"));
    peer_write(&p, buf_slice(&b));
    peer_expect_text(&p, "hello");
    peer_expect_close(&p, 1000, false);
    buf_finish(&b);
    peer_finish(&p);
    world_finish(&w);
}

Test(send, only_what_the_socket_does_not_take_counts_against_the_limit)
{
    static const size_t sizes[] = {300, 3000, 100000}; /* the last: a frame larger than a write and than the queue */
    struct world w;
    struct peer p;
    struct peer_frame f;
    world_init(&w, &(struct world_wish){.tcp = true, .queue_bytes_max = 70000});
    peer_upgrade(&p, &w, "");
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        char command[64];
        snprintf(command, sizeof command, "flood %zu %zu", 200000 / sizes[i], sizes[i]);
        peer_texts(&p, (const char *const[]){command, "that is all", NULL});
        for (size_t k = 0; k < 200000 / sizes[i]; k++) {
            cr_assert(peer_read(&p, &f));
            cr_assert(is_flood_frame(buf_slice(&f.payload), k, sizes[i]));
            buf_finish(&f.payload);
        }
        peer_expect_text(&p, "that is all");
    }
    cr_assert_eq(w.metrics.value[METRIC_SLOW_READERS], 0);
    peer_finish(&p);
    world_finish(&w);
}

Test(send, a_slow_reader_gets_every_byte_in_order)
{
    static const size_t sizes[] = {200, 5000, 65536, 100000};
    static const bool tcp[] = {true, false};
    for (size_t t = 0; t < ARRAY_SIZE(tcp); t++) {
        struct world w;
        world_init(&w, &(struct world_wish){.tcp = tcp[t], .queue_bytes_max = 16 << 20});
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            struct peer p;
            struct peer_frame f;
            char command[64];
            size_t count = 12000000 / (sizes[i] + 100);
            peer_upgrade(&p, &w, "");
            narrow(&p);
            snprintf(command, sizeof command, "flood %zu %zu", count, sizes[i]);
            peer_text(&p, command);
            WORLD_UNTIL(&w, w.metrics.value[METRIC_SEND_QUEUE_BYTES] > 0);
            peer_text(&p, "close 1000");
            cr_assert_eq(flood_read(&p, sizes[i], &f), count);
            cr_assert_eq(f.opcode, OP_CLOSE);
            buf_finish(&f.payload);
            peer_finish(&p);
            WORLD_UNTIL(&w, edge_conn_count(w.edge) == 0);
            cr_assert_eq(w.metrics.value[METRIC_SEND_QUEUE_BYTES], 0);
        }
        world_finish(&w);
    }
}

Test(send, a_reader_too_slow_for_the_queue_is_closed_with_4008_between_frames)
{
    struct world w;
    struct peer p;
    struct peer_frame f;
    world_init(&w, &(struct world_wish){.tcp = true, .queue_bytes_max = 100000});
    peer_upgrade(&p, &w, "");
    narrow(&p);
    peer_text(&p, "flood 5000 3000");
    WORLD_UNTIL(&w, w.metrics.value[METRIC_SLOW_READERS] == 1);
    cr_assert_lt(w.metrics.value[METRIC_SEND_QUEUE_BYTES], 1000, "the queue is kept");
    cr_assert_lt(flood_read(&p, 3000, &f), 5000);
    cr_assert_eq(f.opcode, OP_CLOSE);
    cr_assert_eq((unsigned char)f.payload.p[0] << 8 | (unsigned char)f.payload.p[1], 4008);
    peer_frame(&p, 0x80 | OP_CLOSE, (struct slice){f.payload.p, 2});
    peer_expect_end(&p);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    cr_assert_eq(w.metrics.value[METRIC_SLOW_READERS], 1);
    buf_finish(&f.payload);
    peer_finish(&p);
    world_finish(&w);
}

Test(send, a_reader_that_never_reads_is_dropped_all_the_same, .timeout = 120)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.tcp = true, .queue_bytes_max = 100000});
    peer_upgrade(&p, &w, "");
    narrow(&p);
    peer_text(&p, "flood 5000 3000");
    WORLD_UNTIL(&w, w.metrics.value[METRIC_SLOW_READERS] == 1);
    uint64_t start = clock_steady_ms();
    while (w.stories.closed == 0 && clock_steady_ms() < start + 60000)
        world_turn(&w);
    cr_assert_eq(w.stories.closed, 1, "its socket lives on");
    peer_finish(&p);
    world_finish(&w);
}

Test(send, a_reader_that_never_reads_is_silent)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.tcp = true, .queue_bytes_max = 64 << 20, .ping_every_ms = 200});
    peer_upgrade(&p, &w, "");
    narrow(&p);
    peer_text(&p, "flood 2000 10000");
    WORLD_UNTIL(&w, w.metrics.value[METRIC_SEND_QUEUE_BYTES] > 0);
    WORLD_UNTIL(&w, w.stories.closed == 1);
    peer_finish(&p);
    world_finish(&w);
}

Test(send, many_conns_are_written_to_at_once_without_mixing)
{
    enum { PEERS = 20, FRAMES = 400 };
    struct world w;
    struct peer p[PEERS];
    world_init(&w, &(struct world_wish){.tcp = true, .queue_bytes_max = 8 << 20});
    for (int i = 0; i < PEERS; i++) {
        peer_upgrade(&p[i], &w, "");
        narrow(&p[i]);
        peer_text(&p[i], "flood 400 7000");
    }
    for (int i = 0; i < PEERS; i++) {
        for (size_t k = 0; k < FRAMES; k++) {
            struct peer_frame f;
            cr_assert(peer_read(&p[i], &f));
            cr_assert(is_flood_frame(buf_slice(&f.payload), k, 7000), "conn %d, frame %zu", i, k);
            buf_finish(&f.payload);
        }
        peer_finish(&p[i]);
    }
    world_finish(&w);
}
