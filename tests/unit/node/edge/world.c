#include "tests/unit/node/edge/world.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"

struct client {
    struct client *next;
    struct signaling *stories;
    struct conn *conn;
    struct timer timer;
    enum close_code later;
};

const char *close_text(enum close_code code)
{
    switch (code) {
#define X(name, number, text) \
    case number:              \
        return text;
        CLOSE_TABLE(X)
#undef X
    }
    return "";
}

struct client *client_open(struct signaling *s, struct conn *conn, enum wire_format format)
{
    s->format = format;
    if (s->greeting)
        edge_conn_ops.send(conn, slice_of(s->greeting));
    if (s->on_open)
        edge_conn_ops.close(conn, s->on_open);
    if (s->refuse)
        return NULL;
    struct client *client = calloc(1, sizeof *client);
    *client = (struct client){.next = s->clients, .stories = s, .conn = conn};
    s->clients = client;
    s->opened++;
    return client;
}

static void on_later(struct timer *timer)
{
    struct client *client = CONTAINER_OF(timer, struct client, timer);
    edge_conn_ops.close(client->conn, client->later);
}

static bool command_number(struct slice *frame, struct slice word, uint64_t *ret_n)
{
    struct slice part;
    if (word.n > 0) {
        if (!slice_starts(*frame, word))
            return false;
        *frame = (struct slice){frame->p + word.n, frame->n - word.n};
    }
    return slice_split(frame, ' ', &part) && slice_to_u64(part, ret_n);
}

static void flood(struct client *client, uint64_t count, uint64_t bytes)
{
    char *frame = malloc(bytes);
    for (uint64_t i = 0; i < count; i++) {
        memset(frame, 'a' + (int)(i % 26), bytes);
        edge_conn_ops.send(client->conn, slice_make(frame, bytes));
    }
    free(frame);
}

void client_frame(struct client *client, struct slice frame)
{
    struct signaling *s = client->stories;
    uint64_t n, bytes;
    s->frames++;
    s->bytes += frame.n;
    if (s->keep_silent)
        return;
    if (command_number(&frame, SLICE("close "), &n)) {
        edge_conn_ops.close(client->conn, (enum close_code)n);
    } else if (command_number(&frame, SLICE("later "), &n)) {
        client->later = (enum close_code)n;
        timer_set(s->timers, &client->timer, 1, on_later);
    } else if (command_number(&frame, SLICE("flood "), &n)) {
        cr_assert(command_number(&frame, SLICE(""), &bytes));
        flood(client, n, bytes);
    } else if (slice_is(frame, "pause")) {
        edge_conn_ops.pause(client->conn, true);
    } else {
        edge_conn_ops.send(client->conn, frame);
    }
}

void client_closed(struct client *client)
{
    struct client **link = &client->stories->clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    edge_conn_ops.send(client->conn, SLICE("too late")); /* harmless by contract */
    timer_cancel(&client->timer);
    client->stories->closed++;
    free(client);
}

struct conn *world_conn(struct world *w)
{
    cr_assert_not_null(w->stories.clients);
    return w->stories.clients->conn;
}

static void on_tick(uv_timer_t *tick)
{
    (void)tick;
}

static unsigned free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, n), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

bool world_try(struct world *w, const struct world_wish *wish, struct why why)
{
    *w = (struct world){.dir = "/tmp/edge-XXXXXX"};
    cr_assert_eq(uv_loop_init(&w->loop), 0);
    uv_timer_init(&w->loop, &w->tick);
    uv_timer_start(&w->tick, on_tick, 2, 2);
    w->timers = timers_create(&w->loop);
    w->stories.timers = w->timers;
    cr_assert_not_null(mkdtemp(w->dir));
    if (wish->tcp)
        snprintf(w->listen, sizeof w->listen, "127.0.0.1:%u", free_port());
    else
        snprintf(w->listen, sizeof w->listen, "unix:%s/s", w->dir);
    const char *const here[] = {w->listen, NULL};
    struct edge_settings set = {
        .listen = wish->listen ? wish->listen : here,
        .tls_cert = wish->tls_cert,
        .tls_key = wish->tls_key,
        .origins = wish->origins,
        .trusted_proxies = wish->trusted_proxies,
        .routes = wish->routes,
        .message_bytes_max = wish->message_bytes_max ? wish->message_bytes_max : 65536,
        .queue_bytes_max = wish->queue_bytes_max ? wish->queue_bytes_max : 1 << 20,
        .ping_every_ms = wish->ping_every_ms ? wish->ping_every_ms : 25000,
        .sockets_max = wish->sockets_max ? wish->sockets_max : 1000,
        .sockets_per_address_max = wish->sockets_per_address_max,
        .signaling = &w->stories,
        .metrics = &w->metrics,
        .timers = w->timers,
        .loop = &w->loop,
    };
    return edge_create(&set, &w->edge, why) == ERR_OK;
}

void world_init(struct world *w, const struct world_wish *wish)
{
    char why[512] = "";
    cr_assert(world_try(w, wish ? wish : &(struct world_wish){0}, WHY_IN(why)), "%s", why);
    edge_start(w->edge);
}

void world_turn(struct world *w)
{
    uv_run(&w->loop, UV_RUN_ONCE);
}

static void on_edge_closed(void *context)
{
    struct world *w = context;
    cr_assert_not(w->closed);
    w->closed = true;
}

void world_finish(struct world *w)
{
    if (w->edge) {
        edge_stop(w->edge, on_edge_closed, w);
        WORLD_UNTIL(w, w->closed);
        edge_destroy(w->edge);
    }
    cr_assert_eq(w->stories.opened, w->stories.closed);
    cr_assert_null(w->stories.clients);
    cr_assert_eq(w->metrics.value[METRIC_SEND_QUEUE_BYTES], 0);
    cr_assert_eq(w->metrics.value[METRIC_SOCKETS], 0);
    timers_destroy(w->timers);
    uv_close((uv_handle_t *)&w->tick, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    cr_assert_eq(uv_loop_close(&w->loop), 0, "something is left on the loop");
    rmdir(w->dir);
}
