#include "node/edge/handshake.h"

#include <criterion/criterion.h>

#include "common/base/clock.h"
#include "tests/unit/node/edge/peer.h"

#define UPGRADE "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define PATH "GET /v1/signal HTTP/1.1\r\n"
#define GOOD PATH UPGRADE VERSION KEY

static unsigned handshake(struct world *w, const char *text, struct buf *out)
{
    struct peer p;
    peer_init(&p, w, NULL);
    unsigned status = peer_request(&p, text, out);
    if (status >= 400)
        peer_expect_end(&p);
    peer_finish(&p);
    return status;
}

Test(handshake, only_what_the_protocol_says_upgrades)
{
    static const struct {
        const char *request;
        unsigned status;
        const char *holds;
    } cases[] = {
        {GOOD "\r\n", 101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {PATH "Host: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n" VERSION KEY "\r\n", 101, ""},
        {GOOD "Sec-WebSocket-Protocol: switchboard.v1.json\r\n\r\n", 101,
         "Sec-WebSocket-Protocol: switchboard.v1.json\r\n"},
        {GOOD "Sec-WebSocket-Protocol: switchboard.v1.msgpack\r\n\r\n", 101,
         "Sec-WebSocket-Protocol: switchboard.v1.msgpack\r\n"},
        {GOOD "Sec-WebSocket-Protocol: chat, switchboard.v1.msgpack, switchboard.v1.json\r\n\r\n", 101,
         "Sec-WebSocket-Protocol: switchboard.v1.msgpack\r\n"},
        {GOOD "Sec-WebSocket-Protocol: chat\r\n\r\n", 400, "switchboard.v1.json"},
        {GOOD "Sec-WebSocket-Protocol: switchboard.v1.jsonx, http\r\n\r\n", 400, ""},
        {GOOD "Sec-WebSocket-Protocol: "
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, switchboard.v1.json\r\n\r\n",
         400, ""},
        {"GET /v1/signals HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", 404, ""},
        {"GET / HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", 404, ""},
        {"POST /v1/signal HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", 405, "Allow: GET\r\n"},
        {PATH UPGRADE KEY "\r\n", 426, "Sec-WebSocket-Version: 13\r\n"},
        {PATH UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426, "Sec-WebSocket-Version: 13\r\n"},
        {PATH UPGRADE VERSION "\r\n", 400, ""},
        {PATH "Host: x\r\nUpgrade: websocket\r\n" VERSION KEY "\r\n", 400, ""},
        {PATH "Host: x\r\nUpgrade: websocket\r\nConnection: close\r\n" VERSION KEY "\r\n", 400, ""},
    };
    struct world w;
    unsigned refused = 0;
    world_init(&w, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out;
        buf_init(&out, 4096);
        cr_assert_eq(handshake(&w, cases[i].request, &out), cases[i].status, "%s", cases[i].request);
        cr_assert_not_null(strstr(buf_cstr(&out), cases[i].holds), "%s", buf_cstr(&out));
        refused += cases[i].status != 101;
        buf_finish(&out);
    }
    cr_assert_eq(w.metrics.value[METRIC_HANDSHAKES_REFUSED], refused);
    WORLD_UNTIL(&w, edge_conn_count(w.edge) == 0);
    world_finish(&w);
}

Test(handshake, without_an_offer_it_is_json_and_no_subprotocol_is_named)
{
    struct world w;
    struct buf out;
    world_init(&w, NULL);
    buf_init(&out, 4096);
    cr_assert_eq(handshake(&w, GOOD "\r\n", &out), 101);
    cr_assert_null(strstr(buf_cstr(&out), "Sec-WebSocket-Protocol"));
    cr_assert_null(strstr(buf_cstr(&out), "Sec-WebSocket-Extensions"));
    cr_assert_eq(w.stories.format, WIRE_JSON);
    buf_finish(&out);
    world_finish(&w);
}

Test(handshake, deflate_is_not_accepted)
{
    struct world w;
    struct buf out;
    world_init(&w, NULL);
    buf_init(&out, 4096);
    cr_assert_eq(handshake(&w, GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", &out), 101);
    cr_assert_null(strstr(buf_cstr(&out), "Sec-WebSocket-Extensions"));
    buf_finish(&out);
    world_finish(&w);
}

Test(handshake, only_the_listed_origins_pass)
{
    static const char *const origins[] = {"https://app.example.org", "http://localhost:3000", NULL};
    static const struct {
        const char *request;
        unsigned status;
    } cases[] = {
        {GOOD "Origin: https://app.example.org\r\n\r\n", 101},
        {GOOD "Origin: http://localhost:3000\r\n\r\n", 101},
        {GOOD "\r\n", 101}, /* no browser */
        {GOOD "Origin: https://app.example.org.evil\r\n\r\n", 403},
        {GOOD "Origin: http://app.example.org\r\n\r\n", 403},
        {GOOD "Origin: null\r\n\r\n", 403},
    };
    struct world w;
    world_init(&w, &(struct world_wish){.origins = origins});
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        cr_assert_eq(handshake(&w, cases[i].request, NULL), cases[i].status, "%s", cases[i].request);
    world_finish(&w);
}

Test(handshake, above_sockets_max_newcomers_get_503_until_one_leaves)
{
    struct world w;
    struct peer p[3];
    world_init(&w, &(struct world_wish){.sockets_max = 3});
    for (int i = 0; i < 3; i++)
        peer_upgrade(&p[i], &w, "");
    struct buf out;
    buf_init(&out, 4096);
    cr_assert_eq(handshake(&w, GOOD "\r\n", &out), 503);
    cr_assert_not_null(strstr(buf_cstr(&out), "Retry-After: "));
    cr_assert_eq(w.metrics.value[METRIC_SOCKETS], 3);
    cr_assert_eq(w.metrics.value[METRIC_HANDSHAKES_REFUSED], 1);
    peer_finish(&p[0]);
    WORLD_UNTIL(&w, edge_conn_count(w.edge) == 2);
    cr_assert_eq(handshake(&w, GOOD "\r\n", NULL), 101);
    peer_finish(&p[1]);
    peer_finish(&p[2]);
    buf_finish(&out);
    world_finish(&w);
}

Test(handshake, an_address_has_its_own_limit)
{
    struct world w;
    struct peer p[2];
    world_init(&w, &(struct world_wish){.tcp = true, .sockets_per_address_max = 2});
    for (int i = 0; i < 2; i++)
        peer_upgrade(&p[i], &w, "");
    cr_assert_eq(handshake(&w, GOOD "\r\n", NULL), 429);
    cr_assert_eq(handshake(&w, GOOD "X-Forwarded-For: 198.51.100.7\r\n\r\n", NULL), 429,
                 "a stranger's header is believed");
    peer_finish(&p[0]);
    WORLD_UNTIL(&w, edge_conn_count(w.edge) == 1);
    cr_assert_eq(handshake(&w, GOOD "\r\n", NULL), 101);
    peer_finish(&p[1]);
    world_finish(&w);
}

Test(handshake, behind_a_trusted_proxy_the_client_counts_and_not_the_proxy)
{
    static const char *const proxies[] = {"127.0.0.0/8", NULL};
    struct world w;
    struct peer p[3];
    world_init(&w, &(struct world_wish){.tcp = true, .sockets_per_address_max = 1, .trusted_proxies = proxies});
    peer_upgrade(&p[0], &w, "X-Forwarded-For: 198.51.100.7\r\n");
    peer_upgrade(&p[1], &w, "X-Forwarded-For: 198.51.100.8\r\n");
    cr_assert_eq(handshake(&w, GOOD "X-Forwarded-For: 198.51.100.7\r\n\r\n", NULL), 429);
    cr_assert_eq(handshake(&w, GOOD "X-Forwarded-For: 203.0.113.1, 198.51.100.8\r\n\r\n", NULL), 429,
                 "the client's own words count");
    cr_assert_eq(handshake(&w, GOOD "X-Forwarded-For: 203.0.113.2\r\nX-Forwarded-For: 198.51.100.8\r\n\r\n", NULL), 429,
                 "nor do they in a header of their own");
    peer_upgrade(&p[2], &w, "X-Forwarded-For: 198.51.100.9\r\n");
    for (int i = 0; i < 3; i++)
        peer_finish(&p[i]);
    world_finish(&w);
}
