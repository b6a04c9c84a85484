#include "node/dev.h"

#include "common/base/clock.h"
#include "common/base/name.h"
#include "node/node_private.h"
#include "node/store/dev.h"

enum { DEV_TOKEN_S = 3600 };

/* A name as it stands in the query, or false. */
static bool query_name(struct slice query, const char *key, struct buf *out)
{
    return edge_query(query, key, out) && name_is_valid(buf_slice(out));
}

static bool put_token(struct node *node, struct slice user, struct slice device, struct edge_response *r)
{
    uint64_t now = clock_wall_ms() / 1000;
    const struct config *c = node->config;
    struct jwt_mint mint = {.user = user,
                            .device = device,
                            .issuer = slice_of(c->jwt_issuer),
                            .audience = slice_of(c->jwt_audience),
                            .issued_s = now,
                            .expires_s = now + DEV_TOKEN_S};
    buf_put_cstr(r->body, "{\"token\":\"");
    if (jwt_sign(node->secrets.keys, &mint, r->body) == ERR_OK) {
        r->content_type = "application/json";
        buf_put_cstr(r->body, "\"}\n");
        return true;
    }
    r->status = 501;
    buf_clear(r->body);
    buf_put_cstr(r->body,
                 "none of the keys that were given can sign: leave --jwt-key out, or give a secret or a private key\n");
    return false;
}

/* An app under development is served by something else, on another port. Whoever can reach this may have a token anyhow. */
static void allow_any_origin(struct edge_response *r)
{
    buf_put_cstr(r->headers, "Access-Control-Allow-Origin: *\r\n");
}

void dev_on_token(void *context, const struct edge_request *request, struct edge_response *r)
{
    struct node *node = context;
    allow_any_origin(r);
    struct buf user;
    struct buf device;
    buf_init(&user, 256);
    buf_init(&device, 256);
    bool has_device = query_name(request->query, "device", &device);
    if (!query_name(request->query, "user", &user) || (!has_device && device.n > 0)) {
        r->status = 400;
        buf_put_cstr(r->body, "say /dev/token?user=NAME[&device=NAME]; a name is 1-64 of A-Z a-z 0-9 . _ @ : + -\n");
    } else if (put_token(node, buf_slice(&user), buf_slice(&device), r)) {
        store_dev_note(node->store, buf_slice(&user));
    }
    buf_finish(&user);
    buf_finish(&device);
}

/* ---- people ---- */

void dev_people_init(struct dev_people *people)
{
    *people = (struct dev_people){0};
    buf_init(&people->json, DEV_PEOPLE_MAX * (NAME_MAX_CHARS + 3) + 2);
}

void dev_people_finish(struct dev_people *people)
{
    buf_finish(&people->json);
}

/* Names need no escapes, and what is no name was written by somebody else. */
static void on_people(void *context, enum err err, const struct slice *users, size_t count)
{
    struct dev_people *people = context;
    people->asked = false;
    if (err != ERR_OK)
        return;
    buf_clear(&people->json);
    for (size_t i = 0; i < count; i++) {
        if (!name_is_valid(users[i]))
            continue;
        buf_put_cstr(&people->json, people->json.n ? ",\"" : "\"");
        buf_put(&people->json, users[i]);
        buf_put_cstr(&people->json, "\"");
    }
}

/* A route answers at once and the store does not: this tells what it said last time. The page asks again and again. */
void dev_on_people(void *context, const struct edge_request *request, struct edge_response *r)
{
    struct node *node = context;
    (void)request;
    allow_any_origin(r);
    r->content_type = "application/json";
    buf_put_cstr(r->body, "{\"people\":[");
    buf_put(r->body, buf_slice(&node->people.json));
    buf_put_cstr(r->body, "]}\n");
    if (node->people.asked)
        return;
    node->people.asked = true;
    store_dev_people(node->store, on_people, &node->people);
}
