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
#include "node/store/calls.h"

enum { TEXTS = 16, TEXT_MAX = 1 << 20, SESSIONS_AT = 17, CALLS_AT = 23, ANSWER_MS = 10000, ENTRIES_MAX = 70 };

struct lab {
    struct redis_server *server;
    redisContext *redis;
    redisContext *bus;
    redisReply *reply;
    struct buf texts[TEXTS];
    size_t text;
    struct lab_limits limits;
    unsigned epoch;
};

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

static struct buf *text_begin(struct lab *lab)
{
    struct buf *b = &lab->texts[lab->text++ % TEXTS];
    buf_clear(b);
    return b;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* How many characters of an id made above are its name; 0: this is none. */
static size_t id_name(struct slice s)
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
        size_t name = id_name(slice_make(s.p + i, s.n - i));
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
    buf_init(&body, TEXT_MAX);
    buf_init(&json, TEXT_MAX);
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
        for (size_t i = 0; i < reply->elements; i++) {
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
    struct buf *b = text_begin(lab);
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
    for (size_t i = 0; i < TEXTS; i++)
        buf_init(&lab->texts[i], TEXT_MAX);
    lab->limits = (struct lab_limits){.events_max = 100,
                                      .bytes_max = 100000,
                                      .replies_kept = 4,
                                      .devices_max = 8,
                                      .candidates_max = 100,
                                      .candidate_bytes_max = 10000};
    return lab;
}

void lab_close(struct lab *lab)
{
    if (lab->reply)
        freeReplyObject(lab->reply);
    for (size_t i = 0; i < TEXTS; i++)
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
    static const char digits[] = "01234";
    const char *argv[SCRIPT_ARGS_MAX + 3] = {"EVAL", script_text(script), digits + a->key_count};
    size_t lengths[SCRIPT_ARGS_MAX + 3] = {4, strlen(argv[1]), 1};
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

static struct key channel_of(const char *who)
{
    struct node_id node = {"node-12chars"};
    struct id session = lab_session(who);
    return key_node(id_partition(&session), &node);
}

void lab_listen(struct lab *lab, const char *who)
{
    struct key channel = channel_of(who);
    freeReplyObject(redisCommand(lab->bus, "SSUBSCRIBE %s", channel.text));
}

static void show_envelope(struct buf *b, const struct envelope *e)
{
    static const char *const kinds[] = {"events", "close", "canary"};
    buf_putf(b, "%s ", kinds[e->kind]);
    show_string(b, e->subject);
    buf_putf(b, " %llu ", (unsigned long long)e->number);
    if (e->kind == ENVELOPE_EVENTS) {
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
    struct buf *b = text_begin(lab);
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

/* ---- people ---- */

struct person {
    struct id session;
    char user[32];
    char device[32];
};

static struct person person(const char *who)
{
    struct person p = {.session = lab_session(who), .device = "phone"};
    size_t n = strcspn(who, "/#");
    snprintf(p.user, sizeof p.user, "%.*s", (int)n, who);
    if (who[n] == '/')
        snprintf(p.device, sizeof p.device, "%.*s", (int)strcspn(who + n + 1, "#"), who + n + 1);
    return p;
}

static void put_person(struct script_args *a, const struct person *p)
{
    args_put(a, id_slice(&p->session));
    args_put(a, slice_of(p->user));
    args_put(a, slice_of(p->device));
    args_put(a, slice_of(p->user));
}

/* ---- sessions ---- */

const char *lab_session_create(struct lab *lab, const char *who, const char *old)
{
    struct person p = person(who);
    struct id before = old ? lab_session(old) : p.session;
    struct key channel = channel_of(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_devices(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_timers(SESSIONS_AT));
    args_key(&a, key_session(&before));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(who));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(p.device));
    args_put(&a, slice_of(p.user));
    args_put(&a, key_slice(&channel));
    args_u64(&a, 20000);
    args_put(&a, old ? id_slice(&before) : SLICE(""));
    args_u64(&a, lab->limits.devices_max);
    return lab_run(lab, SCRIPT_SESSION_CREATE, &a);
}

/* All but the keys' order differs little: session, mailbox, replies, timers. */
static void put_session_keys(struct script_args *a, const struct person *p, bool mailbox, bool replies, bool timers)
{
    args_init(a);
    args_key(a, key_session(&p->session));
    if (mailbox)
        args_key(a, key_mailbox(&p->session));
    if (replies)
        args_key(a, key_replies(&p->session));
    if (timers)
        args_key(a, key_timers(SESSIONS_AT));
}

const char *lab_session_attach(struct lab *lab, const char *who, unsigned seq)
{
    struct person p = person(who);
    struct key channel = channel_of(who);
    struct script_args a;
    char attempt[40];
    snprintf(attempt, sizeof attempt, "%s:1", who);
    put_session_keys(&a, &p, true, true, true);
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(who));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(p.device));
    args_put(&a, key_slice(&channel));
    args_u64(&a, seq);
    args_copy(&a, slice_of(attempt));
    return lab_run(lab, SCRIPT_SESSION_ATTACH, &a);
}

static const char *detach(struct lab *lab, const char *who, const char *epoch, const char *attempt)
{
    struct person p = person(who);
    struct script_args a;
    put_session_keys(&a, &p, false, false, true);
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(epoch));
    args_u64(&a, 20000);
    args_put(&a, slice_of(attempt));
    return lab_run(lab, SCRIPT_SESSION_DETACH, &a);
}

const char *lab_session_detach(struct lab *lab, const char *who, unsigned epoch)
{
    char text[16];
    snprintf(text, sizeof text, "%u", epoch);
    return detach(lab, who, text, "node:0");
}

const char *lab_session_take_back(struct lab *lab, const char *who, const char *attempt)
{
    return detach(lab, who, "", attempt);
}

const char *lab_session_end(struct lab *lab, const char *who, unsigned epoch)
{
    struct person p = person(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_devices(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_timers(SESSIONS_AT));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    args_u64(&a, epoch);
    args_u64(&a, 2000);
    return lab_run(lab, SCRIPT_SESSION_END, &a);
}

const char *lab_session_forget(struct lab *lab, const char *who)
{
    struct person p = person(who);
    struct script_args a;
    put_session_keys(&a, &p, true, true, true);
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    return lab_run(lab, SCRIPT_SESSION_FORGET, &a);
}

const char *lab_session_ack(struct lab *lab, const char *who, uint64_t seq)
{
    struct person p = person(who);
    struct script_args a;
    put_session_keys(&a, &p, true, false, false);
    args_u64(&a, seq);
    return lab_run(lab, SCRIPT_SESSION_ACK, &a);
}

const char *lab_mailbox_read_in(struct lab *lab, const char *who, unsigned epoch, unsigned after, unsigned count)
{
    struct person p = person(who);
    struct script_args a;
    put_session_keys(&a, &p, true, false, false);
    args_u64(&a, after);
    args_u64(&a, count);
    args_u64(&a, epoch);
    return lab_run(lab, SCRIPT_MAILBOX_READ, &a);
}

const char *lab_mailbox_read(struct lab *lab, const char *who, unsigned after, unsigned count)
{
    return lab_mailbox_read_in(lab, who, 1, after, count);
}

/* ---- calls ---- */

static void put_call(struct script_args *a, const char *call)
{
    struct id id = lab_call(call);
    args_init(a);
    args_key(a, key_call(&id));
    args_key(a, key_log(&id));
    args_key(a, key_timers(CALLS_AT));
    size_t at = a->scratch_used;
    memcpy(a->scratch + at, id.text, ID_CHARS);
    a->scratch_used += ID_CHARS;
    args_put(a, slice_make(a->scratch + at, ID_CHARS));
}

void lab_set_epoch(struct lab *lab, unsigned epoch)
{
    lab->epoch = epoch;
}

static void put_epoch(const struct lab *lab, struct script_args *a)
{
    if (lab->epoch)
        args_u64(a, lab->epoch);
    else
        args_put(a, SLICE(""));
}

const char *lab_call_create(struct lab *lab, const char *call, const char *who, struct lab_offer o)
{
    struct person p = person(who);
    struct script_args a;
    put_call(&a, call);
    put_person(&a, &p);
    args_u64(&a, o.seats);
    args_put(&a, slice_of(o.allow ? o.allow : "*"));
    args_u64(&a, o.room);
    args_put(&a, slice_of(o.relay ? "relay" : ""));
    args_put(&a, slice_of(o.offer));
    args_put(&a, slice_of(o.offer ? "\xa1"
                                    "c"
                                  : ""));
    args_u64(&a, o.offer ? 1 : 0);
    args_u64(&a, o.ttl_ms);
    put_epoch(lab, &a);
    return lab_run(lab, SCRIPT_CALL_CREATE, &a);
}

static const char *run_with_person(struct lab *lab, enum script script, const char *call, const char *who)
{
    struct person p = person(who);
    struct script_args a;
    put_call(&a, call);
    put_person(&a, &p);
    put_epoch(lab, &a);
    return lab_run(lab, script, &a);
}

const char *lab_call_join(struct lab *lab, const char *call, const char *who)
{
    return run_with_person(lab, SCRIPT_CALL_JOIN, call, who);
}

const char *lab_call_take(struct lab *lab, const char *call, const char *who)
{
    return run_with_person(lab, SCRIPT_CALL_TAKE, call, who);
}

const char *lab_call_leave(struct lab *lab, const char *call, const char *who, unsigned peer, unsigned request)
{
    struct person p = person(who);
    struct script_args a;
    put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, peer);
    args_put(&a, peer ? SLICE("removed") : SLICE("hangup"));
    args_u64(&a, request);
    put_epoch(lab, &a);
    return lab_run(lab, SCRIPT_CALL_LEAVE, &a);
}

const char *lab_call_lock(struct lab *lab, const char *call, const char *who, bool locked)
{
    struct person p = person(who);
    struct script_args a;
    put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, locked);
    put_epoch(lab, &a);
    return lab_run(lab, SCRIPT_CALL_LOCK, &a);
}

const char *lab_call_mark(struct lab *lab, const char *call, const char *who, uint64_t epoch, bool suspended)
{
    struct person p = person(who);
    struct script_args a;
    put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, epoch);
    args_u64(&a, suspended);
    return lab_run(lab, SCRIPT_CALL_MARK, &a);
}

void lab_call_supersede(struct lab *lab, const char *call, const char *who)
{
    lab_call_mark(lab, call, who, SUPERSEDED_EPOCH, true);
}

const char *lab_call_get(struct lab *lab, const char *call, const char *who)
{
    struct person p = person(who);
    struct id id = lab_call(call);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&id));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(p.device));
    return lab_run(lab, SCRIPT_CALL_GET, &a);
}

const char *lab_call_expire(struct lab *lab, const char *call)
{
    struct script_args a;
    put_call(&a, call);
    return lab_run(lab, SCRIPT_CALL_EXPIRE, &a);
}

const char *lab_log_read(struct lab *lab, const char *call, unsigned after)
{
    struct id id = lab_call(call);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&id));
    args_key(&a, key_log(&id));
    args_u64(&a, after);
    args_u64(&a, ENTRIES_MAX);
    return lab_run(lab, SCRIPT_LOG_READ, &a);
}

const char *lab_fanout_done(struct lab *lab, const char *call, unsigned first, unsigned last)
{
    struct script_args a;
    put_call(&a, call);
    args_u64(&a, first);
    args_u64(&a, last);
    return lab_run(lab, SCRIPT_FANOUT_DONE, &a);
}

const char *lab_offer_add(struct lab *lab, const char *call, const char *who, const char *request, unsigned count)
{
    struct person p = person(who);
    struct id id = lab_call(call);
    struct buf candidates;
    struct script_args a;
    buf_init(&candidates, TEXT_MAX);
    for (unsigned i = 0; i < count; i++)
        wire_put_cstr(&candidates, "c");
    args_init(&a);
    args_key(&a, key_call(&id));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(request));
    args_put(&a, buf_slice(&candidates));
    args_u64(&a, count);
    args_u64(&a, lab->limits.candidates_max);
    args_u64(&a, lab->limits.candidate_bytes_max);
    const char *answer = lab_run(lab, SCRIPT_OFFER_ADD, &a);
    buf_finish(&candidates);
    return answer;
}

/* ---- deliveries ---- */

const char *lab_seats(struct lab *lab, const char *names)
{
    struct buf *b = text_begin(lab);
    struct slice rest = slice_of(names);
    struct slice part = {0};
    buf_put_char(b, ';');
    while (slice_split(&rest, ';', &part) && part.n > 0) {
        struct slice peer = {0};
        char name[32];
        (void)slice_split(&part, '=', &peer);
        snprintf(name, sizeof name, "%.*s", SLICE_FMT(part));
        buf_putf(b, "%.*s=%s;", SLICE_FMT(peer), lab_session(name).text);
    }
    return buf_cstr(b);
}

static void put_delivery(struct lab *lab, struct script_args *a, const struct id *session, const struct id *call,
                         struct slice request, struct slice reply)
{
    args_init(a);
    args_key(a, key_session(session));
    args_key(a, key_mailbox(session));
    args_key(a, key_replies(session));
    args_key(a, key_timers(SESSIONS_AT));
    args_put(a, id_slice(session));
    args_put(a, id_slice(call));
    args_put(a, request);
    args_put(a, reply);
    args_u64(a, lab->limits.replies_kept);
    args_u64(a, lab->limits.events_max);
    args_u64(a, lab->limits.bytes_max);
}

static struct slice type_body(struct lab *lab, const char *type)
{
    struct buf *b = text_begin(lab);
    if (type) {
        wire_put_map(b, 1);
        wire_put_key_cstr(b, "type", type);
    }
    return buf_slice(b);
}

const char *lab_deliver(struct lab *lab, const char *who, const char *call, struct lab_delivery d)
{
    struct id session = lab_session(who);
    struct id id = lab_call(call);
    struct script_args a;
    assert(d.count <= 4);
    put_delivery(lab, &a, &session, &id, slice_of(d.request ? d.request : "0"), type_body(lab, d.reply));
    for (size_t i = 0; i < d.count; i++) {
        args_u64(&a, d.entries[i].version);
        args_put(&a, slice_make(&d.entries[i].mark, 1));
        args_put(&a, slice_of(lab_seats(lab, d.entries[i].seats ? d.entries[i].seats : "")));
        args_put(&a, type_body(lab, d.entries[i].event));
    }
    return lab_run(lab, SCRIPT_DELIVER, &a);
}

/* "*<session> +<session>" → the mark of one, or NULL. */
static const char *find_mark(const redisReply *targets, const struct id *session)
{
    const char *at = strstr(targets->str, session->text);
    return at ? at - 1 : NULL;
}

const char *lab_deliver_log(struct lab *lab, const char *who, const char *call, const struct redisReply *list)
{
    struct id session = lab_session(who);
    struct id id = lab_call(call);
    struct script_args a;
    put_delivery(lab, &a, &session, &id, SLICE("0"), SLICE(""));
    for (size_t i = 0; i < list->elements; i++) {
        redisReply *const *e = list->element[i]->element;
        const char *mark = find_mark(e[1], &session);
        if (!mark)
            continue;
        args_u64(&a, (uint64_t)e[0]->integer);
        args_put(&a, slice_make(mark, 1));
        args_put(&a, slice_make(e[2]->str, e[2]->len));
        args_put(&a, slice_make(e[3]->str, e[3]->len));
    }
    return lab_run(lab, SCRIPT_DELIVER, &a);
}

static struct slice signal_body(struct lab *lab, struct slice request)
{
    struct buf *b = text_begin(lab);
    wire_put_map(b, 2); /* `version` comes behind */
    wire_put_key_string(b, "n", request);
    return buf_slice(b);
}

const char *lab_signal(struct lab *lab, const char *to, const char *call, unsigned from, const char *sender,
                       const char *requests)
{
    struct id session = lab_session(to);
    struct id by = lab_session(sender);
    struct id id = lab_call(call);
    struct slice rest = slice_of(requests);
    struct slice previous = {0};
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&session));
    args_key(&a, key_mailbox(&session));
    args_key(&a, key_timers(SESSIONS_AT));
    args_put(&a, id_slice(&session));
    args_put(&a, id_slice(&id));
    args_u64(&a, from);
    args_put(&a, id_slice(&by));
    args_u64(&a, lab->limits.events_max);
    args_u64(&a, lab->limits.bytes_max);
    while (slice_split(&rest, ' ', &previous)) {
        struct slice request = {0};
        (void)slice_split(&previous, ':', &request);
        args_put(&a, request);
        args_put(&a, previous.n ? previous : SLICE("0"));
        args_put(&a, signal_body(lab, request));
    }
    return lab_run(lab, SCRIPT_SIGNAL_PUT, &a);
}

/* The names of an entry's targets, and each brought up to date from a log that is read anew. */
static void bring_out_entry(struct lab *lab, const char *call, const char *targets)
{
    char copy[512];
    struct slice part = {0};
    snprintf(copy, sizeof copy, "%s", targets);
    struct slice rest = slice_of(copy);
    while (slice_split(&rest, ' ', &part) && part.n > 1) {
        struct slice id = slice_make(part.p + 1, part.n - 1);
        char who[32];
        snprintf(who, sizeof who, "%.*s", (int)id_name(id), id.p + 2);
        lab_log_read(lab, call, 0);
        redisReply *log = lab->reply;
        lab->reply = NULL;
        lab_deliver_log(lab, who, call, log->element[2]);
        freeReplyObject(log);
    }
}

void lab_bring_out(struct lab *lab, const char *call)
{
    lab_log_read(lab, call, 0);
    redisReply *log = lab->reply;
    const redisReply *list = log->element[2];
    lab->reply = NULL;
    for (size_t i = 0; i < list->elements; i++)
        bring_out_entry(lab, call, list->element[i]->element[1]->str);
    if (list->elements > 0)
        lab_fanout_done(lab, call, (unsigned)list->element[0]->element[0]->integer, (unsigned)log->element[1]->integer);
    freeReplyObject(log);
}
