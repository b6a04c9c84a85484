#include "node/edge/edge.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/unit/node/edge/certs.h"
#include "tests/unit/node/edge/peer.h"

static const char upgrade[] = "GET /v1/signal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

Test(edge, stopping_closes_with_1012_and_leaves_nothing_behind)
{
    struct world w;
    struct peer p[5], idle;
    world_init(&w, NULL);
    for (int i = 0; i < 5; i++)
        peer_upgrade(&p[i], &w, "");
    peer_init(&idle, &w, NULL);
    edge_conn_ops.pause(world_conn(&w), true);
    for (int i = 0; i < 3; i++)
        edge_conn_ops.send(world_conn(&w), SLICE("last words"));
    world_finish(&w); /* nobody answers: bounded all the same */
    for (int i = 0; i < 4; i++)
        peer_expect_close(&p[i], 1012, false);
    for (int i = 0; i < 3; i++)
        peer_expect_text(&p[4], "last words");
    peer_expect_close(&p[4], 1012, false);
    for (int i = 0; i < 5; i++)
        peer_finish(&p[i]);
    peer_finish(&idle);
}

Test(edge, an_edge_that_never_started_can_be_stopped)
{
    struct world w;
    char why[256] = "";
    cr_assert(world_try(&w, &(struct world_wish){0}, WHY_IN(why)), "%s", why);
    world_finish(&w);
}

Test(edge, without_listening_those_inside_live_on)
{
    struct world w;
    struct peer p, kept, waiting;
    world_init(&w, NULL);
    peer_upgrade(&p, &w, "");
    peer_init(&kept, &w, NULL);
    cr_assert_eq(peer_request(&kept, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 404);
    peer_init(&waiting, &w, NULL);
    edge_stop_listening(w.edge);
    cr_assert_eq(peer_request(&kept, upgrade, NULL), 503);
    cr_assert_eq(peer_request(&waiting, upgrade, NULL), 503);
    peer_finish(&kept);
    peer_finish(&waiting);
    struct stat st;
    cr_assert_neq(stat(w.listen + 5, &st), 0, "the socket file stays");
    peer_text(&p, "still here");
    peer_expect_text(&p, "still here");
    edge_stop_listening(w.edge);
    peer_finish(&p);
    world_finish(&w);
}

Test(edge, two_thousand_come_and_go_and_memory_is_steady, .timeout = 300)
{
    struct world w;
    size_t used[3];
    world_init(&w, NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) {
            struct peer p;
            peer_upgrade(&p, &w, "");
            peer_text(&p, "hello");
            peer_expect_text(&p, "hello");
            if (i % 2)
                peer_text(&p, "close 1000");
            peer_finish(&p);
        }
        WORLD_UNTIL(&w, edge_conn_count(w.edge) == 0);
        for (int i = 0; i < 20; i++)
            world_turn(&w);
        used[round] = mallinfo2().uordblks;
    }
    cr_assert_eq(w.stories.opened, 3000);
    cr_assert_eq(w.stories.closed, 3000);
    cr_assert_leq(used[2], used[1] + 4096, "from %zu to %zu bytes", used[1], used[2]);
    world_finish(&w);
}

/* ---- settings that can't work ---- */

Test(edge, what_is_wrong_with_a_setting_is_said)
{
    static const char *const taken[] = {"unix:/proc/no/such", NULL};
    static const char *const portless[] = {"127.0.0.1", NULL};
    static const char *const cidr[] = {"10.0.0.1/8", NULL};
    static const struct {
        struct world_wish wish;
        const char *says;
    } cases[] = {
        {{.listen = taken}, "/proc/no/such"},
        {{.listen = portless}, "port"},
        {{.trusted_proxies = cidr}, "10.0.0.1/8"},
        {{.tls_cert = "/no/cert.pem"}, "key"},
        {{.tls_cert = "/no/cert.pem", .tls_key = "/no/key.pem"}, "/no/cert.pem"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct world w;
        char why[256] = "";
        cr_assert_not(world_try(&w, &cases[i].wish, WHY_IN(why)));
        cr_assert_not_null(strstr(why, cases[i].says), "\"%s\" does not speak of %s", why, cases[i].says);
        world_finish(&w);
    }
}

/* ---- TLS ---- */

struct tls_world {
    struct world world;
    char dir[32], cert[64], key[64], ca[64];
};

static void tls_init(struct tls_world *t, const struct world_wish *wish)
{
    *t = (struct tls_world){.dir = "/tmp/edge-tls-XXXXXX"};
    cr_assert_not_null(mkdtemp(t->dir));
    snprintf(t->cert, sizeof t->cert, "%s/cert.pem", t->dir);
    snprintf(t->key, sizeof t->key, "%s/key.pem", t->dir);
    snprintf(t->ca, sizeof t->ca, "%s/ca.pem", t->dir);
    cert_write(CERT_EC, t->cert, t->key);
    struct world_wish with = *wish;
    with.tcp = true;
    with.tls_cert = t->cert;
    with.tls_key = t->key;
    world_init(&t->world, &with);
}

static void tls_finish(struct tls_world *t)
{
    world_finish(&t->world);
    unlink(t->cert);
    unlink(t->key);
    unlink(t->ca);
    rmdir(t->dir);
}

/* What the server shows now is what clients trust from here on. */
static void tls_trust(struct tls_world *t)
{
    unlink(t->ca);
    char bytes[8192];
    FILE *from = fopen(t->cert, "r"), *to = fopen(t->ca, "w");
    size_t n = fread(bytes, 1, sizeof bytes, from);
    cr_assert_eq(fwrite(bytes, 1, n, to), n);
    fclose(from);
    fclose(to);
}

/* A peer whose socket leads through `openssl s_client`, which trusts the file `ca` and nobody else. */
static pid_t tls_peer_init(struct peer *p, struct tls_world *t)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pair[1], 0);
        dup2(pair[1], 1);
        dup2(open("/dev/null", O_WRONLY), 2);
        execlp("openssl", "openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-CAfile", t->ca,
               "-connect", t->world.listen, "-alpn", "h2,http/1.1", (char *)NULL);
        _exit(1);
    }
    close(pair[1]);
    *p = (struct peer){.world = &t->world, .fd = pair[0]};
    buf_init(&p->in, 64u << 20);
    return pid;
}

static void tls_peer_finish(struct peer *p, pid_t pid)
{
    peer_finish(p);
    kill(pid, SIGTERM); /* it cares little about the end of its input */
    waitpid(pid, NULL, 0);
}

/* The status of an upgrade over TLS; 0 if the certificate is not the trusted one. */
static unsigned tls_try(struct tls_world *t)
{
    struct peer p;
    pid_t pid = tls_peer_init(&p, t);
    unsigned status = peer_request(&p, upgrade, NULL);
    tls_peer_finish(&p, pid);
    return status;
}

Test(edge, messages_pass_through_tls, .timeout = 120)
{
    struct tls_world t;
    struct peer p;
    tls_init(&t, &(struct world_wish){.message_bytes_max = 1 << 20, .queue_bytes_max = 16 << 20});
    tls_trust(&t);
    pid_t pid = tls_peer_init(&p, &t);
    cr_assert_eq(peer_request(&p, upgrade, NULL), 101);
    peer_text(&p, "hello");
    peer_expect_text(&p, "hello");
    struct buf big;
    buf_init(&big, 400000);
    for (int i = 0; i < 300000; i++)
        buf_put_char(&big, (char)('a' + i % 26));
    for (int i = 0; i < 20; i++)
        peer_frame(&p, 0x80 | OP_TEXT, buf_slice(&big));
    for (int i = 0; i < 20; i++) {
        struct peer_frame f;
        cr_assert(peer_read(&p, &f));
        cr_assert(slice_eq(buf_slice(&f.payload), buf_slice(&big)));
        buf_finish(&f.payload);
    }
    peer_text(&p, "close 4005");
    peer_expect_close(&p, 4005, true);
    WORLD_UNTIL(&t.world, t.world.stories.closed == 1);
    buf_finish(&big);
    tls_peer_finish(&p, pid);
    tls_finish(&t);
}

Test(edge, a_pause_loses_nothing_under_tls, .timeout = 120)
{
    struct tls_world t;
    struct peer p;
    tls_init(&t, &(struct world_wish){0});
    tls_trust(&t);
    pid_t pid = tls_peer_init(&p, &t);
    cr_assert_eq(peer_request(&p, upgrade, NULL), 101);
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 300; i++) {
        char text[256];
        if (i % 30 == 0)
            peer_frame_put(&b, 0x80 | OP_TEXT, SLICE("pause"));
        snprintf(text, sizeof text, "number %d %0*d", i, i % 200, 0);
        peer_frame_put(&b, 0x80 | OP_TEXT, slice_of(text));
    }
    peer_write(&p, buf_slice(&b));
    for (unsigned pauses = 1; pauses <= 10; pauses++) {
        WORLD_UNTIL(&t.world, t.world.stories.frames == 31 * (pauses - 1) + 1);
        for (int i = 0; i < 10; i++)
            world_turn(&t.world);
        cr_assert_eq(t.world.stories.frames, 31 * (pauses - 1) + 1, "read while paused");
        edge_conn_ops.pause(world_conn(&t.world), false);
    }
    for (int i = 0; i < 300; i++) {
        char text[256];
        snprintf(text, sizeof text, "number %d %0*d", i, i % 200, 0);
        peer_expect_text(&p, text);
    }
    buf_finish(&b);
    tls_peer_finish(&p, pid);
    tls_finish(&t);
}

Test(edge, a_reloaded_certificate_is_shown_to_newcomers_and_those_inside_stay, .timeout = 300)
{
    struct tls_world t;
    struct peer inside;
    char why[256] = "";
    tls_init(&t, &(struct world_wish){0});
    tls_trust(&t);
    pid_t pid = tls_peer_init(&inside, &t);
    cr_assert_eq(peer_request(&inside, upgrade, NULL), 101);
    cert_write(CERT_EC, t.cert, t.key);
    cr_assert_eq(tls_try(&t), 101, "the old one is shown until the reload");
    cr_assert_eq(edge_reload_tls(t.world.edge, WHY_IN(why)), ERR_OK, "%s", why);
    cr_assert_eq(tls_try(&t), 0, "the old one is still shown");
    tls_trust(&t);
    cr_assert_eq(tls_try(&t), 101, "the new one is not shown");
    peer_text(&inside, "still here");
    peer_expect_text(&inside, "still here");
    tls_peer_finish(&inside, pid);
    tls_finish(&t);
}

Test(edge, a_bad_reload_changes_nothing, .timeout = 300)
{
    struct tls_world t;
    char why[256] = "", other[80];
    tls_init(&t, &(struct world_wish){0});
    tls_trust(&t);
    snprintf(other, sizeof other, "%s.other", t.key);
    cert_write(CERT_EC, t.cert, other); /* the key file is still the old one's */
    cr_assert_eq(edge_reload_tls(t.world.edge, WHY_IN(why)), ERR_SYNTAX);
    cr_assert_not_null(strstr(why, "does not belong"), "%s", why);
    cr_assert_eq(tls_try(&t), 101);
    cert_write(CERT_RSA, t.cert, t.key);
    cr_assert_eq(edge_reload_tls(t.world.edge, WHY_IN(why)), ERR_CONFLICT);
    cr_assert_eq(tls_try(&t), 101);
    unlink(t.cert);
    cr_assert_eq(edge_reload_tls(t.world.edge, WHY_IN(why)), ERR_IO);
    cr_assert_eq(tls_try(&t), 101);
    unlink(other);
    tls_finish(&t);
}

Test(edge, a_handshake_that_never_comes_does_not_hold_a_tls_socket, .timeout = 120)
{
    struct tls_world t;
    struct peer p;
    tls_init(&t, &(struct world_wish){0});
    peer_init(&p, &t.world, NULL);
    uint64_t start = clock_steady_ms();
    while (!p.ended && clock_steady_ms() < start + 60000) {
        peer_poll(&p);
        world_turn(&t.world);
    }
    cr_assert(p.ended);
    peer_finish(&p);
    tls_finish(&t);
}
