#include "tests/unit/node/signaling/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/auth/keyring.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/wire/writer.h"

enum { PATIENCE_MS = 60000, BODIES = 8, TEXT_MAX = 1 << 16 };

/* Criterion's children end without a verdict on leaks: so it is asked for. NULL without the sanitizer. */
extern int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* ---- sockets ---- */

static void on_send(struct conn *c, struct slice frame)
{
    cr_assert_lt(c->sent, FRAMES_MAX);
    cr_assert_eq(c->closed, 0, "nothing is said behind a close");
    c->frames[c->sent++] = slice_dup(frame);
}

static void on_close(struct conn *c, enum close_code code)
{
    c->closed = (int)code;
    c->closes++;
}

static void on_pause(struct conn *c, bool paused)
{
    c->paused = paused;
    c->pauses++;
}

static const struct conn_ops ops = {.send = on_send, .close = on_close, .pause = on_pause};

struct conn *conn_open(struct stage *stage)
{
    struct conn *c = calloc(1, sizeof *c);
    cr_assert(c);
    c->stage = stage;
    c->next = stage->conns;
    stage->conns = c;
    c->client = client_open(stage->signaling, c, WIRE_JSON);
    return c;
}

void conn_gone(struct conn *c)
{
    struct client *client = c->client;
    c->client = NULL;
    client_closed(client);
}

static void say_args(struct conn *c, const char *format, va_list args)
{
    struct buf *b = &c->stage->scratch;
    buf_clear(b);
    buf_putv(b, format, args);
    client_frame(c->client, buf_slice(b));
}

void say_on(struct conn *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_args(c, format, args);
    va_end(args);
}

void stage_end_turn(struct stage *stage)
{
    uv_run(&stage->loop, UV_RUN_NOWAIT);
}

void say(struct conn *c, const char *format, ...)
{
    struct stage *stage = c->stage;
    va_list args;
    va_start(args, format);
    say_args(c, format, args);
    va_end(args);
    stage_end_turn(stage);
}

const char *heard(struct conn *c)
{
    return c->read < c->sent ? c->frames[c->read++] : "";
}

/* ---- the stage ---- */

static void add_key(struct stage *stage)
{
    char why[128];
    stage->keys = keyring_create();
    enum err err = keyring_add_secret(stage->keys, (struct slice){0},
                                      SLICE("a secret of more than 32 bytes, for tests"), WHY_IN(why));
    cr_assert_eq(err, ERR_OK, "%s", why);
}

static const char *const anyone[] = {"*", NULL};

static void on_drain_wanted(void *context)
{
    ((struct stage *)context)->drains_wanted++;
}

struct stage *stage_open(tune_fn *tune)
{
    struct stage *stage = calloc(1, sizeof *stage);
    cr_assert(stage);
    cr_assert_eq(uv_loop_init(&stage->loop), 0);
    stage->timers = timers_create(&stage->loop);
    stage->ice = ice_config_none();
    buf_init(&stage->scratch, TEXT_MAX);
    add_key(stage);
    struct signaling_settings settings = {.node = {"node-12chars"},
                                          .partitions = STAGE_PARTITIONS,
                                          .version = "0",
                                          .host = "here",
                                          .on_drain = on_drain_wanted,
                                          .context = stage,
                                          .keys = stage->keys,
                                          .call_default = anyone,
                                          .ice = stage->ice,
                                          .hello_timeout_ms = 60000,
                                          .heartbeat_ms = 25000,
                                          .grace_ms = 20000,
                                          .message_bytes_max = 65536,
                                          .calls_open_max = 8,
                                          .watches_max = 500,
                                          .frames_refused_max = 5,
                                          .ops = &ops,
                                          .metrics = &stage->metrics,
                                          .timers = stage->timers};
    if (tune)
        tune(&settings);
    stage->signaling = signaling_create(&settings);
    stage->bus = signaling_store_events(stage->signaling);
    signaling_start(stage->signaling, &stage->store);
    return stage;
}

/* Criterion hears no assertion in a fixture's end, only that it crashed. */
static void insist(bool holds, const char *otherwise)
{
    if (holds)
        return;
    fprintf(stderr, "at the end of the test: %s\n", otherwise);
    abort();
}

static void free_conns(struct stage *stage)
{
    while (stage->conns) {
        struct conn *c = stage->conns;
        stage->conns = c->next;
        for (size_t i = 0; i < c->sent; i++)
            free(c->frames[i]);
        free(c);
    }
}

void stage_close(struct stage *stage)
{
    for (struct conn *c = stage->conns; c; c = c->next) {
        if (c->client)
            conn_gone(c);
    }
    signaling_stop(stage->signaling);
    fake_fail_all(&stage->store);
    insist(signaling_client_count(stage->signaling) == 0, "a client was left");
    insist(stage->metrics.value[METRIC_SESSIONS] == 0, "a session was left");
    signaling_destroy(stage->signaling);
    timers_destroy(stage->timers);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    insist(uv_loop_close(&stage->loop) == 0, "a handle was left");
    keyring_destroy(stage->keys);
    ice_config_destroy(stage->ice);
    buf_finish(&stage->scratch);
    free_conns(stage);
    free(stage);
    insist(!__lsan_do_recoverable_leak_check || __lsan_do_recoverable_leak_check() == 0, "something leaked");
}

static void on_pulse(uv_timer_t *timer)
{
    (void)timer;
}

/* One turn of the loop, at most some milliseconds long. */
static void turn(struct stage *stage, uint64_t until_ms)
{
    uv_timer_t pulse;
    cr_assert_lt(clock_steady_ms(), until_ms, "it did not happen");
    uv_timer_init(&stage->loop, &pulse);
    uv_timer_start(&pulse, on_pulse, 5, 0);
    uv_run(&stage->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&pulse, NULL);
    uv_run(&stage->loop, UV_RUN_NOWAIT);
}

void stage_run_until(struct stage *stage, const int *flag)
{
    uint64_t until = clock_steady_ms() + PATIENCE_MS;
    while (!*flag)
        turn(stage, until);
}

struct asked *stage_run_until_asked(struct stage *stage, enum asked_kind kind)
{
    uint64_t until = clock_steady_ms() + PATIENCE_MS;
    while (!fake_find(&stage->store, kind))
        turn(stage, until);
    return fake_find(&stage->store, kind);
}

void stage_cut_bus(struct stage *stage)
{
    stage->bus.on_healed(stage->bus.context);
    fake_nodes(&stage->store, stage_run_until_asked(stage, ASKED_LEASE), NULL, 0);
}

struct asked *asked(struct stage *stage, enum asked_kind kind)
{
    struct asked *q = fake_find(&stage->store, kind);
    cr_assert(q, "it was not asked: kind %d", (int)kind);
    return q;
}

bool nothing_asked(struct stage *stage)
{
    return fake_open(&stage->store) == 0;
}

/* ---- people ---- */

const char *token_for(struct stage *stage, const char *user, const char *device, int64_t seconds)
{
    static char text[2048];
    uint64_t now_s = clock_wall_ms() / 1000;
    const struct jwt_mint mint = {.user = slice_of(user),
                                  .device = slice_of(device),
                                  .issued_s = now_s,
                                  .expires_s = (uint64_t)((int64_t)now_s + seconds)};
    struct buf b;
    buf_init(&b, sizeof text);
    cr_assert_eq(jwt_sign(stage->keys, &mint, &b), ERR_OK);
    snprintf(text, sizeof text, "%s", buf_cstr(&b));
    buf_finish(&b);
    return text;
}

void say_hello(struct conn *c, const char *user, const char *more)
{
    say(c, "{\"type\":\"hello\",\"id\":1,\"device\":\"phone\",\"token\":\"%s\"%s}", token_for(c->stage, user, "", 3600),
        more);
}

struct conn *live(struct stage *stage, const char *user)
{
    struct conn *c = conn_open(stage);
    say_hello(c, user, "");
    struct asked *q = asked(stage, ASKED_CREATE);
    c->session = q->session;
    fake_session(&stage->store, q, &(struct session_answer){.err = ERR_OK});
    cr_assert(contains(heard(c), "\"type\":\"welcome\""));
    cr_assert(nothing_asked(stage));
    return c;
}

struct id some_id(unsigned partition, const char *name)
{
    struct id id = {{(char)('0' + partition / 10), (char)('0' + partition % 10)}};
    memset(id.text + 2, '-', ID_RANDOM_CHARS);
    memcpy(id.text + 2, name, strlen(name));
    return id;
}

/* ---- the bus ---- */

void seat(struct conn *c, const struct id *call, unsigned version, const struct id *const seats[5])
{
    char text[256];
    size_t n = (size_t)snprintf(text, sizeof text, "%u;50;", version);
    for (unsigned peer = 1; peer <= 5; peer++) {
        if (seats[peer - 1])
            n += (size_t)snprintf(text + n, sizeof text - n, "%u=%s;", peer, seats[peer - 1]->text);
    }
    const struct store_events *bus = &c->stage->bus;
    bus->on_events(bus->context, &c->session, 1, NULL, 0, &(struct store_seating){*call, slice_make(text, n)});
}

struct slice body_of(struct stage *stage, const char *type)
{
    static char bodies[BODIES][128];
    static size_t at;
    struct buf b;
    (void)stage;
    buf_init(&b, sizeof bodies[0]);
    wire_put_map(&b, 1);
    wire_put_key_cstr(&b, "type", type);
    char *text = bodies[at++ % BODIES];
    size_t n = b.n;
    memcpy(text, b.p, n);
    buf_finish(&b);
    return slice_make(text, n);
}

void bus_event(struct conn *c, uint64_t seq, const char *type)
{
    const struct store_events *bus = &c->stage->bus;
    struct slice body = body_of(c->stage, type);
    bus->on_events(bus->context, &c->session, seq, &body, 1, &(struct store_seating){0});
}

bool contains(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}
