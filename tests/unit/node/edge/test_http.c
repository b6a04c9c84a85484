#include "node/edge/http.h"

#include <criterion/criterion.h>
#include <malloc.h>

#include "common/base/clock.h"
#include "tests/unit/node/edge/peer.h"

static void on_hello(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    buf_put_cstr(r->body, "hello ");
    if (!edge_query(request->query, "user", r->body))
        buf_put_cstr(r->body, "nobody");
}

static void on_ready(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    (void)request;
    r->status = 503;
    r->content_type = "application/json";
    buf_put_cstr(r->body, "{}");
}

static void on_big(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)request;
    size_t n = *(const size_t *)context;
    for (size_t i = 0; i < n; i++)
        buf_put_char(r->body, (char)('a' + (int)(i % 26)));
}

/* Bytes that differ, so that a piece left out or sent twice is seen. */
static char lasting[8u << 20];

static void on_lasting(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    for (size_t i = 0; i < sizeof lasting; i++)
        lasting[i] = (char)(i / 251 + i % 251);
    buf_putf(r->headers, "X-Accepts: %.*s\r\nX-Has: %.*s\r\n", SLICE_FMT(request->accept_encoding),
             SLICE_FMT(request->if_none_match));
    r->lasting = slice_make(lasting, sizeof lasting);
}

static void on_unchanged(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    (void)request;
    r->status = 304;
    buf_put_cstr(r->headers, "ETag: \"x\"\r\n");
}

static void on_many_headers(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    (void)request;
    for (int i = 0; i < 1000; i++)
        buf_put_cstr(r->headers, "X: y\r\n");
}

static const size_t million = 1000000, too_many = HTTP_BODY_MAX + 1;

static const struct edge_route routes[] = {
    {"/hello", on_hello, NULL},
    {"/readyz", on_ready, NULL},
    {"/big", on_big, (void *)(uintptr_t)&million},
    {"/toobig", on_big, (void *)(uintptr_t)&too_many},
    {"/lasting", on_lasting, NULL},
    {"/unchanged", on_unchanged, NULL},
    {"/headers", on_many_headers, NULL},
    {NULL, NULL, NULL},
};

static unsigned request(struct world *w, const char *text, struct buf *out)
{
    struct peer p;
    peer_init(&p, w, NULL);
    unsigned status = peer_request(&p, text, out);
    peer_finish(&p);
    return status;
}

Test(http, routes_answer_by_exact_path_and_method)
{
    static const struct {
        const char *request;
        unsigned status;
        const char *holds;
    } cases[] = {
        {"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, "\r\n\r\nhello nobody"},
        {"GET /hello?user=bob HTTP/1.1\r\nHost: x\r\n\r\n", 200, "\r\n\r\nhello bob"},
        {"GET /hello?a=1&user=b%26c%3Dd+e&f HTTP/1.1\r\nHost: x\r\n\r\n", 200, "\r\n\r\nhello b&c=d e"},
        {"GET /hello?user=a%2Bb HTTP/1.1\r\nHost: x\r\n\r\n", 200, "\r\n\r\nhello a+b"},
        {"GET /hello HTTP/1.0\r\n\r\n", 200, "hello nobody"},
        {"HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", 200, "Content-Length: 12\r\n"},
        {"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 503, "application/json"},
        {"GET /hello/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, ""},
        {"GET /hell HTTP/1.1\r\nHost: x\r\n\r\n", 404, ""},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, ""},
        {"HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, ""},
        {"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", 405, "Allow: GET, HEAD\r\n"},
        {"DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, ""},
        {"GET /v1/signal HTTP/1.1\r\nHost: x\r\n\r\n", 426, "Sec-WebSocket-Version: 13"},
        {"GET /toobig HTTP/1.1\r\nHost: x\r\n\r\n", 500, ""},
        {"GET /headers HTTP/1.1\r\nHost: x\r\n\r\n", 500, ""},
        {"GET /unchanged HTTP/1.1\r\nHost: x\r\n\r\n", 304, "ETag: \"x\"\r\n"},
        {"HEAD /lasting HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip\r\nIf-None-Match: \"x\"\r\n\r\n", 200,
         "X-Accepts: br, gzip\r\nX-Has: \"x\"\r\n"},
        {"HEAD /lasting HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n", 200, "gzip"},
        {"HEAD /lasting HTTP/1.1\r\nHost: x\r\n\r\n", 200, "Content-Length: 8388608\r\n"},
        {"rubbish\r\n\r\n", 403, ""},
    };
    struct world w;
    world_init(&w, &(struct world_wish){.routes = routes});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out;
        buf_init(&out, 1 << 21);
        cr_assert_eq(request(&w, cases[i].request, &out), cases[i].status, "%s: %s", cases[i].request, buf_cstr(&out));
        cr_assert_not_null(strstr(buf_cstr(&out), cases[i].holds), "%s: %s", cases[i].request, buf_cstr(&out));
        buf_finish(&out);
    }
    cr_assert_eq(w.stories.opened, 0);
    world_finish(&w);
}

Test(http, a_connection_serves_several_requests)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.routes = routes});
    peer_init(&p, &w, NULL);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(peer_request(&p, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
        cr_assert_eq(peer_request(&p, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
        cr_assert_eq(peer_request(&p, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 404);
    }
    peer_write(
        &p,
        SLICE("GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    cr_assert_eq(peer_response(&p, NULL, true), 200);
    cr_assert_eq(peer_response(&p, NULL, true), 503);
    peer_expect_end(&p);
    peer_finish(&p);
    world_finish(&w);
}

Test(http, a_long_body_arrives_whole_at_a_slow_reader)
{
    struct world w;
    struct buf out;
    world_init(&w, &(struct world_wish){.routes = routes, .tcp = true});
    buf_init(&out, 1 << 21);
    struct peer p;
    peer_init(&p, &w, NULL);
    peer_write(&p, SLICE("GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < 20; i++)
        world_turn(&w);
    cr_assert_eq(peer_response(&p, &out, true), 200);
    char *body = strstr(buf_cstr(&out), "\r\n\r\n") + 4;
    for (size_t i = 0; i < million; i++)
        cr_assert_eq(body[i], (char)('a' + (int)(i % 26)), "byte %zu", i);
    cr_assert_eq(peer_request(&p, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    buf_finish(&out);
    peer_finish(&p);
    world_finish(&w);
}

static size_t memory_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

Test(http, a_lasting_body_arrives_whole_at_a_slow_reader_and_no_copy_of_it_is_kept)
{
    struct world w;
    struct buf out;
    struct peer p;
    world_init(&w, &(struct world_wish){.routes = routes, .tcp = true});
    buf_init(&out, 16u << 20);
    peer_init(&p, &w, NULL);
    cr_assert_eq(peer_request(&p, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    size_t before = memory_in_use();
    peer_write(&p, SLICE("GET /lasting HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < 50; i++)
        world_turn(&w);
    cr_assert_lt(memory_in_use(), before + (1u << 18));
    cr_assert_eq(peer_response(&p, &out, true), 200);
    char *body = strstr(buf_cstr(&out), "\r\n\r\n") + 4;
    cr_assert_eq(memcmp(body, lasting, sizeof lasting), 0);
    cr_assert_eq(peer_request(&p, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200, "it is kept");
    buf_finish(&out);
    peer_finish(&p);
    world_finish(&w);
}

Test(http, a_reader_that_goes_in_the_middle_of_a_lasting_body_does_no_harm)
{
    struct world w;
    world_init(&w, &(struct world_wish){.routes = routes});
    struct peer gone, stays;
    peer_init(&gone, &w, NULL);
    peer_init(&stays, &w, NULL);
    peer_write(&gone, SLICE("GET /lasting HTTP/1.1\r\nHost: x\r\n\r\n"));
    peer_write(&stays, SLICE("GET /lasting HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < 20; i++)
        world_turn(&w);
    peer_finish(&gone);
    for (int i = 0; i < 20; i++)
        world_turn(&w);
    cr_assert_eq(request(&w, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    world_finish(&w); /* while one still waits for the rest */
    peer_finish(&stays);
}

/* CVE-2025-11677 in libwebsockets 4.1: valgrind and ASan watch. */
Test(http, an_unknown_upgrade_on_a_kept_connection_does_no_harm)
{
    static const char *const upgrades[] = {"foobar", "h2c", "websocketx", "x"};
    struct world w;
    world_init(&w, &(struct world_wish){.routes = routes});
    for (size_t i = 0; i < ARRAY_SIZE(upgrades); i++) {
        struct peer p;
        char text[256];
        peer_init(&p, &w, NULL);
        cr_assert_eq(peer_request(&p, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
        snprintf(text, sizeof text,
                 "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
                 "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
                 upgrades[i]);
        unsigned status = peer_request(&p, text, NULL);
        cr_assert(status == 403 || status == 0, "%u", status);
        peer_expect_end(&p);
        peer_finish(&p);
    }
    cr_assert_eq(request(&w, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", NULL), 200);
    world_finish(&w);
}

Test(http, a_request_that_never_gets_complete_is_dropped, .timeout = 120)
{
    struct world w;
    struct peer p;
    world_init(&w, &(struct world_wish){.routes = routes});
    peer_init(&p, &w, NULL);
    uint64_t start = clock_steady_ms();
    char drip = 'a';
    peer_write(&p, SLICE("GET /hello HTTP/1.1\r\nX: "));
    uint64_t next = start;
    while (!p.ended && clock_steady_ms() < start + 60000) {
        if (clock_steady_ms() >= next) {
            peer_write(&p, slice_make(&drip, 1)); /* a byte now and then buys no time */
            next += 500;
        }
        peer_poll(&p);
        world_turn(&w);
    }
    cr_assert(p.ended, "it waits for ever");
    peer_finish(&p);
    world_finish(&w);
}
