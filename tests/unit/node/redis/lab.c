#include "tests/unit/node/redis/lab.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/envelope.h"
#include "common/wire/writer.h"
#include "tests/unit/node/redis/lab_private.h"

/* "17alice---…" */
static struct id make_id(unsigned partition, const char *name)
{
    struct id id = {{(char)('0' + partition / 10), (char)('0' + partition % 10)}};
    memset(id.text + 2, '-', ID_RANDOM_CHARS);
    for (size_t i = 0; i < ID_RANDOM_CHARS && name[i]; i++)
        id.text[i + 2] = name[i] == '/' || name[i] == '#' ? '_' : name[i];
    return id;
}

struct id lab_session(const char *who)
{
    return make_id(SESSIONS_AT, who);
}

struct id lab_call(const char *name)
{
    return make_id(CALLS_AT, name);
}

/* ---- texts ---- */

struct buf *lab_text(struct lab *lab)
{
    struct buf *b = &lab->texts[lab->text++ % LAB_TEXTS];
    buf_clear(b);
    return b;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* How many characters of an id made above are its name; 0: this is none. */
size_t lab_id_name(struct slice s)
{
    size_t n = 2;
    if (s.n < ID_CHARS || (memcmp(s.p, "17", 2) != 0 && memcmp(s.p, "23", 2) != 0) || s.p[ID_CHARS - 1] != '-')
        return 0;
    while (is_name(s.p[n]))
        n++;
    for (size_t i = n; i < ID_CHARS; i++) {
        if (s.p[i] != '-')
            return 0;
    }
    return n - 2;
}

static void show_bytes(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        size_t name = lab_id_name(slice_make(s.p + i, s.n - i));
        if (name > 0) {
            buf_put_mem(b, s.p + i + 2, name);
            i += ID_CHARS - 1;
        } else if ((unsigned char)s.p[i] >= 0x20 && (unsigned char)s.p[i] < 0x7f) {
            buf_put_char(b, s.p[i]);
        } else {
            buf_putf(b, "\\x%02x", (unsigned char)s.p[i]);
        }
    }
}

/* A msgpack map as JSON, an array as the JSON of {"list": array}. False: it is none. */
static bool show_body(struct buf *b, struct slice s)
{
    unsigned char head = s.n ? (unsigned char)s.p[0] : 0;
    struct buf body, json;
    bool list = head >= 0x90 && head <= 0x9f;
    if (!list && !(head >= 0x80 && head <= 0x8f))
        return false;
    buf_init(&body, LAB_TEXT_MAX);
    buf_init(&json, LAB_TEXT_MAX);
    if (list)
        buf_put_mem(&body, "\x81\xa4list", 6);
    buf_put(&body, s);
    bool good = wire_frame(WIRE_JSON, buf_slice(&body), 0, &json) == ERR_OK;
    if (good)
        show_bytes(b, buf_slice(&json));
    buf_finish(&body);
    buf_finish(&json);
    return good;
}

static void show_string(struct buf *b, struct slice s)
{
    if (s.n == 0)
        buf_put_cstr(b, "\"\"");
    else if (!show_body(b, s))
        show_bytes(b, s);
}

/* The last item of a log's entry is what ringing devices hear; it is not shown where there is nothing. */
static size_t items_to_show(const redisReply *reply)
{
    const redisReply *last = reply->elements == 5 ? reply->element[4] : NULL;
    bool quiet_entry =
        last && last->type == REDIS_REPLY_STRING && last->len == 0 && reply->element[0]->type == REDIS_REPLY_INTEGER;
    return reply->elements - quiet_entry;
}

static void show_reply(struct buf *b, const redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_NIL:
        buf_put_cstr(b, "nil");
        break;
    case REDIS_REPLY_INTEGER:
        buf_putf(b, "%lld", reply->integer);
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < items_to_show(reply); i++) {
            bool list = reply->element[i]->type == REDIS_REPLY_ARRAY;
            buf_put_cstr(b, i ? " " : "");
            buf_put_cstr(b, list ? "[" : "");
            show_reply(b, reply->element[i]);
            buf_put_cstr(b, list ? "]" : "");
        }
        break;
    default:
        show_string(b, slice_make(reply->str, reply->len));
    }
}

const char *lab_show(struct lab *lab, const struct redisReply *reply)
{
    struct buf *b = lab_text(lab);
    show_reply(b, reply);
    return buf_cstr(b);
}

bool lab_is(const char *answer, const char *word)
{
    size_t n = strlen(word);
    return strncmp(answer, word, n) == 0 && (answer[n] == ' ' || answer[n] == '\0');
}

/* ---- asking ---- */

static redisContext *connect_lab(struct redis_server *server)
{
    redisContext *c = redisConnectUnix(redis_server_url(server) + sizeof "unix://" - 1);
    assert(c && !c->err);
    return c;
}

struct lab *lab_open(void)
{
    struct lab *lab = calloc(1, sizeof *lab);
    assert(lab);
    lab->server = redis_server_start(NULL);
    lab->redis = connect_lab(lab->server);
    lab->bus = connect_lab(lab->server);
    for (size_t i = 0; i < LAB_TEXTS; i++)
        buf_init(&lab->texts[i], LAB_TEXT_MAX);
    lab->limits = (struct lab_limits){.events_max = 100,
                                      .bytes_max = 100000,
                                      .replies_kept = 4,
                                      .devices_max = 8,
                                      .candidates_max = 100,
                                      .candidate_bytes_max = 10000,
                                      .starts_per_minute = 1000,
                                      .seats_max = 100};
    return lab;
}

void lab_close(struct lab *lab)
{
    if (lab->reply)
        freeReplyObject(lab->reply);
    for (size_t i = 0; i < LAB_TEXTS; i++)
        buf_finish(&lab->texts[i]);
    redisFree(lab->redis);
    redisFree(lab->bus);
    redis_server_stop(lab->server);
    free(lab);
}

struct redis_server *lab_server(struct lab *lab)
{
    return lab->server;
}

void lab_asked_at(struct lab *lab, uint64_t ms)
{
    lab->asked_ms = ms;
}

struct lab_limits *lab_limits(struct lab *lab)
{
    return &lab->limits;
}

const struct redisReply *lab_reply(struct lab *lab)
{
    return lab->reply;
}

uint64_t lab_number(struct lab *lab, size_t i)
{
    const redisReply *item =
        lab->reply->type == REDIS_REPLY_ARRAY && i < lab->reply->elements ? lab->reply->element[i] : lab->reply;
    uint64_t n = 0;
    if (item->type == REDIS_REPLY_INTEGER)
        return (uint64_t)item->integer;
    bool good = item->type == REDIS_REPLY_STRING && slice_to_u64(slice_make(item->str, item->len), &n);
    assert(good);
    (void)good;
    return n;
}

static const char *take_reply(struct lab *lab, redisReply *reply)
{
    assert(reply);
    if (lab->reply)
        freeReplyObject(lab->reply);
    lab->reply = reply;
    return lab_show(lab, reply);
}

const char *lab_run(struct lab *lab, enum script script, const struct script_args *a)
{
    char keys[8];
    const char *argv[SCRIPT_ARGS_MAX + 3] = {"EVAL", script_text(script), keys};
    size_t lengths[SCRIPT_ARGS_MAX + 3] = {4, strlen(argv[1])};
    lengths[2] = (size_t)snprintf(keys, sizeof keys, "%zu", a->key_count);
    for (size_t i = 0; i < a->n; i++) {
        argv[i + 3] = a->v[i].n ? a->v[i].p : "";
        lengths[i + 3] = a->v[i].n;
    }
    return take_reply(lab, redisCommandArgv(lab->redis, (int)a->n + 3, argv, lengths));
}

const char *lab_ask(struct lab *lab, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(lab->redis, format, args);
    va_end(args);
    return take_reply(lab, reply);
}

const char *lab_seating(struct lab *lab, const char *who, const char *call)
{
    struct id session = lab_session(who);
    struct id id = lab_call(call);
    struct key key = key_session(&session);
    return lab_ask(lab, "HGET %s in:%s", key.text, id.text);
}

const char *lab_timer(struct lab *lab, unsigned partition, const char *format, ...)
{
    char name[256];
    struct key key = key_timers(partition);
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return lab_ask(lab, "ZSCORE %s %s", key.text, name);
}

/* ---- the bus ---- */

struct key lab_channel(const char *who)
{
    struct node_id node = {"node-12chars"};
    struct id session = lab_session(who);
    return key_node(id_partition(&session), &node);
}

void lab_listen(struct lab *lab, const char *who)
{
    struct key channel = lab_channel(who);
    freeReplyObject(redisCommand(lab->bus, "SSUBSCRIBE %s", channel.text));
    freeReplyObject(redisCommand(lab->bus, "SSUBSCRIBE %s", ""));
}

static void show_envelope(struct buf *b, const struct envelope *e)
{
    static const char *const kinds[] = {"events", "close", "canary", "presence", "blocks"};
    buf_putf(b, "%s ", kinds[e->kind]);
    show_string(b, e->subject);
    if (e->kind == ENVELOPE_PRESENCE) {
        buf_putf(b, " %.*s %llu%s%s %.*s", SLICE_FMT(e->text), (unsigned long long)e->presence.devices,
                 e->presence.in_call ? " in_call" : "", e->presence.seen_ms ? " seen" : "",
                 SLICE_FMT(e->presence.note));
        return;
    }
    buf_putf(b, " %llu ", (unsigned long long)e->number);
    if (e->kind == ENVELOPE_EVENTS || e->kind == ENVELOPE_BLOCKS) {
        buf_put_char(b, '[');
        for (size_t i = 0; i < e->count; i++) {
            buf_put_cstr(b, i ? " " : "");
            show_string(b, e->bodies[i]);
        }
        buf_put_cstr(b, "] ");
    }
    show_string(b, e->text);
}

const char *lab_heard(struct lab *lab)
{
    struct buf *b = lab_text(lab);
    struct envelope e;
    void *reply = NULL;
    /* Redis writes to subscribers before it answers whoever comes next: what was published is on its way once this is answered. */
    freeReplyObject(redisCommand(lab->redis, "PING"));
    if (redisGetReplyFromReader(lab->bus, &reply) != REDIS_OK)
        abort();
    struct pollfd fd = {.fd = lab->bus->fd, .events = POLLIN};
    if (!reply && poll(&fd, 1, 0) == 1 && redisGetReply(lab->bus, &reply) != REDIS_OK)
        abort();
    if (!reply)
        return "";
    const redisReply *message = reply;
    const redisReply *payload = message->element[2];
    if (envelope_read(slice_make(payload->str, payload->len), &e) == ERR_OK)
        show_envelope(b, &e);
    else
        buf_put_cstr(b, "unreadable");
    freeReplyObject(reply);
    return buf_cstr(b);
}
