#include "benchmarks/client.h"

#include <stdio.h>

#include "benchmarks/report.h"
#include "common/auth/jwt.h"
#include "common/base/clock.h"

enum { ACK_EVERY = 32, TOKEN_LIFE_S = 3600, MS_PER_S = 1000 };

static void send_body(struct client *c)
{
    struct clients *all = c->shared;
    buf_clear(&all->frame);
    if (wire_frame(all->format, buf_slice(&all->body), 0, &all->frame))
        die("a message could not be written");
    socket_send(&c->socket, buf_slice(&all->frame));
}

struct buf *client_request(struct client *c, const char *type, size_t fields)
{
    struct buf *body = &c->shared->body;
    buf_clear(body);
    wire_put_map(body, 2 + fields);
    wire_put_key_cstr(body, "type", type);
    wire_put_key_int(body, "id", (int64_t)++c->last_id);
    return body;
}

void client_send(struct client *c)
{
    send_body(c);
}

void client_acknowledge(struct client *c)
{
    struct buf *body = &c->shared->body;
    buf_clear(body);
    wire_put_map(body, 2);
    wire_put_key_cstr(body, "type", "ack");
    wire_put_key_int(body, "seq", (int64_t)c->seq);
    send_body(c);
    c->acked = c->seq;
}

static void on_open(struct socket *s)
{
    struct client *c = CONTAINER_OF(s, struct client, socket);
    char bytes[1024];
    struct buf token;
    uint64_t now_s = clock_wall_ms() / MS_PER_S;
    struct jwt_mint mint = {.user = slice_of(c->user), .issued_s = now_s, .expires_s = now_s + TOKEN_LIFE_S};
    buf_init(&token, sizeof bytes);
    if (jwt_sign(c->shared->keys, &mint, &token))
        die("no token could be made");
    bool resumes = c->session[0] != '\0';
    struct buf *body = client_request(c, "hello", resumes ? 3 : 2);
    wire_put_key_string(body, "token", buf_slice(&token));
    wire_put_key_cstr(body, "device", "load");
    if (resumes) {
        wire_put_cstr(body, "resume");
        wire_put_map(body, 3);
        wire_put_key_cstr(body, "session", c->session);
        wire_put_key_cstr(body, "key", c->key);
        wire_put_key_int(body, "seq", (int64_t)c->seq);
    }
    client_send(c);
    buf_finish(&token);
}

static void on_numbered(struct client *c, const struct wire_value *event)
{
    int64_t seq = wire_get_int(event, "seq", 0);
    if (seq == 0)
        return;
    if ((uint64_t)seq != c->seq + 1)
        die("%s got event %lld after %llu", c->user, (long long)seq, (unsigned long long)c->seq);
    c->seq++;
    if (c->seq - c->acked >= ACK_EVERY)
        client_acknowledge(c);
}

void client_keep_id(const struct wire_value *message, const char *name, char ret_id[CLIENT_ID_SIZE])
{
    struct slice text = wire_get_string(message, name);
    if (text.n == 0 || text.n >= CLIENT_ID_SIZE)
        die("the server told no `%s`", name);
    memcpy(ret_id, text.p, text.n);
    ret_id[text.n] = '\0';
}

static void on_welcome(struct client *c, const struct wire_value *welcome)
{
    c->resumed = wire_get_bool(welcome, "resumed", false);
    client_keep_id(welcome, "session", c->session);
    client_keep_id(welcome, "key", c->key);
    c->on->on_welcome(c);
}

static void on_message(struct socket *s, struct slice bytes)
{
    struct client *c = CONTAINER_OF(s, struct client, socket);
    struct wire_doc *doc;
    char why[160];
    if (wire_decode(c->shared->format, bytes, &doc, WHY_IN(why)))
        die("the server sent what is no message: %s", why);
    const struct wire_value *root = wire_doc_root(doc);
    struct slice type = wire_get_string(root, "type");
    if (slice_is(type, "error"))
        die("%s was refused: %.*s: %.*s", c->user, SLICE_FMT(wire_get_string(root, "code")),
            SLICE_FMT(wire_get_string(root, "message")));
    if (slice_is(type, "welcome")) {
        on_welcome(c, root);
    } else if (slice_is(type, "ok")) {
        if (c->on->on_ok)
            c->on->on_ok(c, root);
    } else {
        on_numbered(c, root);
        if (slice_is(type, "reconnect"))
            c->retry_after_ms = (uint64_t)wire_get_int(root, "retry_after_ms", 0);
        if (c->on->on_event)
            c->on->on_event(c, type, root);
    }
    wire_doc_destroy(doc);
}

static void on_close(struct socket *s, unsigned code)
{
    struct client *c = CONTAINER_OF(s, struct client, socket);
    if (!c->on->on_closed)
        die("the server closed the socket of %s with %u", c->user, code);
    c->on->on_closed(c);
}

static const struct socket_handlers handlers = {on_open, on_message, on_close};

static void open_socket(struct client *c, size_t node)
{
    struct clients *shared = c->shared;
    c->node = node % shared->node_count;
    socket_open(&c->socket,
                &(struct socket_settings){
                    .loop = shared->loop,
                    .tls = shared->tls,
                    .address = shared->nodes[c->node],
                    .subprotocol = shared->format == WIRE_JSON ? "switchboard.v1.json" : "switchboard.v1.msgpack",
                    .is_binary = shared->format == WIRE_MSGPACK,
                    .on = &handlers,
                });
}

void client_start(struct client *c, struct clients *shared, size_t node, const char *user,
                  const struct client_handlers *on, void *owner)
{
    *c = (struct client){.shared = shared, .on = on, .owner = owner};
    snprintf(c->user, sizeof c->user, "%s", user);
    open_socket(c, node);
}

void client_drop(struct client *c)
{
    socket_drop(&c->socket);
}

void client_resume(struct client *c, size_t node)
{
    c->retry_after_ms = 0;
    open_socket(c, node);
}
