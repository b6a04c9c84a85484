#include "node/redis/link.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/metrics.h"
#include "common/base/random.h"
#include "node/redis/client.h"
#include "node/redis/resp.h"
#include "node/redis/stream.h"
#include "node/redis/tls.h"

enum {
    BACKOFF_FIRST_MS = 25,
    BACKOFF_DOUBLINGS_MAX = 16,
    READ_CHUNK = 16 * 1024,
    /* hiredis moves what it has not parsed to the front after each reply: so it is given little at a time. */
    FEED_CHUNK = 2 * 1024,
    /* hiredis gives back a read buffer larger than this when it is empty. */
    READER_KEEPS = 256 * 1024,
    /* A reply above it is no answer of ours. */
    REPLY_MAX = 64 * 1024 * 1024,
    LOGIN_MAX = 4096,
    /* The watch looks so often within quiet_max_ms. */
    WATCHES = 4,
    LOOK_UP_MAX_MS = 30000,
};

enum { STEP_AUTH, STEP_SELECT, STEP_NAME, STEP_PING, STEP_COUNT };
static const char *const step_names[STEP_COUNT] = {"AUTH", "SELECT", "CLIENT SETNAME", "PING"};

static void connect_now(struct link *);
static void give_up_heard(struct link *, const char *why);

static void on_connect_timer(struct timer *timer)
{
    connect_now(CONTAINER_OF(timer, struct link, timer));
}

static void close_connection(struct link *link)
{
    timer_cancel(&link->timer);
    stream_close(link->stream);
    link->stream = NULL;
    if (link->reader) {
        redisReaderFree(link->reader);
        link->reader = NULL;
    }
    buf_clear(&link->login);
}

static void wait_and_retry(struct link *link)
{
    unsigned doublings = link->attempts < BACKOFF_DOUBLINGS_MAX ? link->attempts : BACKOFF_DOUBLINGS_MAX;
    uint64_t most = (uint64_t)BACKOFF_FIRST_MS << doublings;
    most = most < link->settings.backoff_max_ms ? most : link->settings.backoff_max_ms;
    link->attempts++;
    link->state = LINK_WAITING;
    timer_set(link->settings.timers, &link->timer, random_below(most + 1), on_connect_timer);
}

/* The first failure of its kind is worth a line, its repetitions are not. */
static void log_failure(struct link *link, const char *event, const char *why)
{
    enum log_level level = strcmp(link->why, why) == 0 ? LOG_DEBUG : LOG_WARN;
    log_event(level, event,
              (const struct log_field[]){LOG_CSTR("link", link->settings.name), LOG_CSTR("why", why), LOG_END});
    snprintf(link->why, sizeof link->why, "%s", why);
}

static void fail_attempt(struct link *link, enum link_failure failure, const char *why_given)
{
    static const char *const lines[] = {"redis.unreachable", "redis.refused", "redis.not_ready"};
    char why[sizeof link->why];
    snprintf(why, sizeof why, "%s", why_given); /* it may live in what is closed now */
    close_connection(link);
    wait_and_retry(link);
    log_failure(link, lines[failure], why);
    link->settings.events.on_failed(link->settings.events.context, failure, why);
}

void link_break(struct link *link, const char *why)
{
    char copy[sizeof link->why];
    if (link->state != LINK_UP)
        return;
    snprintf(copy, sizeof copy, "%s", why);
    close_connection(link);
    wait_and_retry(link);
    log_failure(link, "redis.lost", copy);
    link->settings.events.on_down(link->settings.events.context);
}

static void give_up_connection(struct link *link, const char *why)
{
    char asked[sizeof link->why];
    bool plain = link->settings.url->transport == REDIS_TCP && !link->settings.url->tls;
    if (link->state == LINK_UP) {
        link_break(link, why);
    } else if (link->state == LINK_LOGGING_IN && plain && !link->heard) {
        snprintf(asked, sizeof asked, "%.120s at the login (if it wants TLS: rediss://)", why);
        fail_attempt(link, LINK_UNREACHABLE, asked);
    } else {
        fail_attempt(link, LINK_UNREACHABLE, why);
    }
}

bool link_error_passes(struct slice code)
{
    static const char *const codes[] = {"LOADING",  "BUSY",        "READONLY", "MASTERDOWN",
                                        "TRYAGAIN", "CLUSTERDOWN", "NOAUTH"};

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (slice_is(code, codes[i]))
            return true;
    }
    return false;
}

/* Counts looks, not milliseconds: when it was us who stood still, the answer may be there, not yet read. */
static void on_watch_timer(struct timer *timer)
{
    struct link *link = CONTAINER_OF(timer, struct link, timer);
    link->silent = link->heard ? 0 : link->silent + 1;
    link->heard = false;
    if (link->expecting && link->silent > WATCHES) {
        link_break(link, "no answer");
        return;
    }
    timer_set(link->settings.timers, &link->timer, link->settings.quiet_max_ms / WATCHES + 1, on_watch_timer);
    if (link->silent > 0)
        link->settings.events.on_quiet(link->settings.events.context);
}

void link_expect(struct link *link, bool expect)
{
    if (expect && !link->expecting)
        link->silent = 0;
    link->expecting = expect;
}

void link_prove(struct link *link)
{
    link->attempts = 0;
}

static void write_login(struct link *link)
{
    ssize_t n = stream_write(link->stream, buf_slice(&link->login));
    if (n < 0)
        give_up_heard(link, stream_why(link->stream));
    else
        buf_drop(&link->login, (size_t)n);
}

static void write_unsent(struct link *link)
{
    const struct link_events *events = &link->settings.events;
    struct slice bytes = events->unsent(events->context);
    ssize_t n = stream_write(link->stream, bytes);
    if (n < 0)
        link_break(link, stream_why(link->stream));
    else if (n > 0)
        events->sent(events->context, (size_t)n);
}

static void on_writable(void *context)
{
    struct link *link = context;
    if (link->state == LINK_UP)
        write_unsent(link);
    else if (link->state == LINK_LOGGING_IN)
        write_login(link);
}

static void on_turn_end(struct timer *timer)
{
    struct link *link = CONTAINER_OF(timer, struct link, flush);
    if (link->state == LINK_UP)
        write_unsent(link);
}

void link_flush_soon(struct link *link)
{
    if (link->state == LINK_UP && !timer_is_set(&link->flush))
        timer_set_turn_end(link->settings.timers, &link->flush, on_turn_end);
}

static void ask(struct link *link, unsigned step, const struct slice *args, size_t count)
{
    resp_put(&link->login, args, count);
    link->login_asked |= 1u << step;
}

static void begin_login(struct link *link)
{
    const struct redis_url *url = link->settings.url;
    char digits[16];
    link->state = LINK_LOGGING_IN;
    link->login_asked = 0;
    link->login_answered = STEP_AUTH;
    if (url->password && url->user) {
        ask(link, STEP_AUTH, (struct slice[]){SLICE("AUTH"), slice_of(url->user), slice_of(url->password)}, 3);
    } else if (url->password) {
        ask(link, STEP_AUTH, (struct slice[]){SLICE("AUTH"), slice_of(url->password)}, 2);
    }
    if (url->database != 0) {
        snprintf(digits, sizeof digits, "%u", url->database);
        ask(link, STEP_SELECT, (struct slice[]){SLICE("SELECT"), slice_of(digits)}, 2);
    }
    ask(link, STEP_NAME, (struct slice[]){SLICE("CLIENT"), SLICE("SETNAME"), SLICE("switchboard")}, 3);
    /* Refused with LOADING or MASTERDOWN where the others are not. */
    ask(link, STEP_PING, (struct slice[]){SLICE("PING")}, 1);
    write_login(link);
}

static void finish_login(struct link *link)
{
    uint64_t now = clock_steady_ms();
    link->state = LINK_UP;
    link->expecting = false;
    link->silent = 0;
    link->why[0] = '\0';
    if (link->connections++ > 0)
        metric_inc(link->settings.metrics, METRIC_STORE_RECONNECTS);
    const struct log_field fields[] = {LOG_CSTR("link", link->settings.name), LOG_U64("took_ms", now - link->opened_ms),
                                       LOG_END};
    log_event(link->settings.quiet ? LOG_DEBUG : LOG_INFO, "redis.connected", fields);
    timer_set(link->settings.timers, &link->timer, link->settings.quiet_max_ms / WATCHES + 1, on_watch_timer);
    link->settings.events.on_up(link->settings.events.context);
    link_flush_soon(link);
}

/* What Redis says to whom it does not let in at all, and hangs up. */
static bool is_farewell(struct slice text)
{
    return slice_starts(text, SLICE("ERR max number of clients")) || slice_starts(text, SLICE("DENIED "));
}

static void refuse_login(struct link *link, unsigned step, const struct redisReply *reply)
{
    struct slice code = resp_error_code(reply);
    struct slice text = slice_make(reply->str, reply->len);
    char why[sizeof link->why];
    /* A server that knows no AUTH quotes its arguments: of that answer only the code is shown. */
    if (step == STEP_AUTH && !is_farewell(text) && !slice_starts(text, SLICE("ERR AUTH <password> called without")))
        text = code;
    snprintf(why, sizeof why, "%s: %.*s", step_names[step], (int)(text.n < 128 ? text.n : 128), text.p);
    fail_attempt(link, link_error_passes(code) && !slice_is(code, "NOAUTH") ? LINK_NOT_READY : LINK_REFUSED, why);
}

static void on_login_reply(struct link *link, const struct redisReply *reply)
{
    unsigned step = link->login_answered;
    while (step < STEP_COUNT && !(link->login_asked & 1u << step))
        step++;
    /* An old or restricted server may not let us name ourselves; PING tells all that matters. */
    bool is_error = reply->type == REDIS_REPLY_ERROR;
    if (is_error && (step != STEP_NAME || is_farewell(slice_make(reply->str, reply->len)))) {
        refuse_login(link, step, reply);
        return;
    }
    link->login_answered = step + 1;
    if (step == STEP_PING)
        finish_login(link);
}

/* Gives out the whole replies; false when the connection is gone. */
static bool take_replies(struct link *link)
{
    void *reply = NULL;
    for (;;) {
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            give_up_connection(link, "what came is not the Redis protocol");
            return false;
        }
        if (!reply)
            break;
        link->fed = 0;
        if (link->state == LINK_UP) {
            link->settings.events.on_reply(link->settings.events.context, reply);
        } else {
            on_login_reply(link, reply);
            freeReplyObject(reply);
        }
        if (!link->reader)
            return false;
    }
    if (link->fed > REPLY_MAX) {
        give_up_connection(link, "a reply is too large");
        return false;
    }
    return true;
}

/* False when the connection is gone. */
static bool feed(struct link *link, const char *bytes, size_t n)
{
    for (size_t at = 0; at < n; at += FEED_CHUNK) {
        size_t part = n - at < FEED_CHUNK ? n - at : FEED_CHUNK;
        link->fed += part;
        if (redisReaderFeed(link->reader, bytes + at, part) != REDIS_OK) {
            give_up_connection(link, "out of memory");
            return false;
        }
        if (!take_replies(link))
            return false;
    }
    return true;
}

static void on_readable(void *context)
{
    struct link *link = context;
    char chunk[READ_CHUNK];
    ssize_t n = 0;
    while ((n = stream_read(link->stream, chunk, sizeof chunk)) > 0) {
        link->heard = true;
        if (!feed(link, chunk, (size_t)n))
            return;
    }
    if (n < 0)
        give_up_connection(link, stream_why(link->stream));
}

static void on_connect_timeout(struct timer *timer)
{
    struct link *link = CONTAINER_OF(timer, struct link, timer);
    const char *why = link->settings.url->tls ? "connect: timed out, or no TLS is spoken there" : "connect: timed out";

    /* A resolver whose first server is dead takes its 5 s each time: begun anew at each attempt, the look-up would never end. */
    if (stream_looks_up(link->stream) && clock_steady_ms() - link->opened_ms < LOOK_UP_MAX_MS) {
        timer_set(link->settings.timers, timer, link->settings.connect_timeout_ms, on_connect_timeout);
        return;
    }
    fail_attempt(link, LINK_UNREACHABLE, link->state == LINK_LOGGING_IN ? "no answer to the login" : why);
}

static void on_open(void *context)
{
    begin_login(context);
}

/* It hung up during the login: its last words, if there are any, say why. */
static void give_up_heard(struct link *link, const char *why_given)
{
    char why[sizeof link->why];
    char chunk[READ_CHUNK];
    snprintf(why, sizeof why, "%s", why_given); /* it lives in the stream */
    ssize_t n = link->state == LINK_LOGGING_IN ? stream_read(link->stream, chunk, sizeof chunk) : 0;
    if (n > 0 && !feed(link, chunk, (size_t)n))
        return;
    give_up_connection(link, why);
}

static void on_broken(void *context, const char *why)
{
    give_up_heard(context, why);
}

static void connect_now(struct link *link)
{
    char why[sizeof link->why];
    struct stream_settings settings = {
        .url = link->settings.url,
        .attempt = link->attempts,
        .events = {on_open, on_readable, on_writable, on_broken, link},
        .loop = link->settings.loop,
    };

    link->opened_ms = clock_steady_ms();
    link->heard = false;
    link->state = LINK_CONNECTING;
    link->fed = 0;
    if (link->settings.url->tls && !link->trust &&
        !(link->trust = tls_trust_create(link->settings.url->tls_ca, WHY_IN(why)))) {
        fail_attempt(link, LINK_REFUSED, why);
        return;
    }
    settings.trust = link->trust;
    link->reader = redisReaderCreate();
    if (!link->reader) {
        fail_attempt(link, LINK_UNREACHABLE, "out of memory");
        return;
    }
    link->reader->maxbuf = READER_KEEPS;
    link->stream = stream_open(&settings, WHY_IN(why));
    if (!link->stream) {
        fail_attempt(link, LINK_UNREACHABLE, why);
        return;
    }
    timer_set(link->settings.timers, &link->timer, link->settings.connect_timeout_ms, on_connect_timeout);
}

void link_init(struct link *link, const struct link_settings *settings)
{
    *link = (struct link){.settings = *settings, .state = LINK_WAITING};
    buf_init(&link->login, LOGIN_MAX);
    /* From the loop, so that no event comes before the owner is ready for it. */
    timer_set_turn_end(settings->timers, &link->timer, on_connect_timer);
}

void link_finish(struct link *link)
{
    if (link->state == LINK_FINISHED)
        return;
    close_connection(link);
    link->state = LINK_FINISHED;
    tls_trust_destroy(link->trust);
    link->trust = NULL;
    buf_finish(&link->login);
    timer_cancel(&link->flush);
}
