#include "tests/unit/node/redis/rig.h"

#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/loop/timer.h"

enum { PATIENCE_MS = 60000, PULSE_MS = 5, WORDS_MAX = 32 };

/* What fn gets: the rig cannot tell which answer it is from the reply. */
struct ticket {
    struct rig *rig;
    size_t number;
};

static void copy_text(char *to, const char *from, size_t n)
{
    n = n < RIG_TEXT_MAX - 1 ? n : RIG_TEXT_MAX - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

static void on_message(void *context, struct slice channel, struct slice payload)
{
    struct rig *rig = context;
    rig->messages++;
    copy_text(rig->last_channel, channel.p, channel.n);
    copy_text(rig->last_message, payload.p, payload.n);
}

static void on_subscribed(void *context)
{
    ((struct rig *)context)->subscribed++;
}

static void on_followed(void *context, struct slice channel)
{
    struct rig *rig = context;
    rig->followed++;
    copy_text(rig->last_channel, channel.p, channel.n);
}

static void on_unsubscribed(void *context)
{
    ((struct rig *)context)->unsubscribed++;
}

static void on_pulse(uv_timer_t *timer)
{
    (void)timer;
}

struct rig *rig_create(const char *url, const struct redis_settings *settings)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct redis_settings own = settings ? *settings : (struct redis_settings){0};
    char why[128] = "";
    cr_assert(rig);
    cr_assert_eq(uv_loop_init(&rig->loop), 0);
    uv_timer_init(&rig->loop, &rig->pulse);
    uv_timer_start(&rig->pulse, on_pulse, PULSE_MS, PULSE_MS);
    rig->timers = timers_create(&rig->loop);
    cr_assert_eq(redis_url_parse(url, &rig->url, WHY_IN(why)), ERR_OK, "%s", why);
    rig->url.tls_ca = own.url ? own.url->tls_ca : NULL;
    own.url = &rig->url;
    own.events = (struct redis_events){on_message, on_subscribed, on_followed, on_unsubscribed, rig};
    own.metrics = &rig->metrics;
    own.timers = rig->timers;
    own.loop = &rig->loop;
    rig->client = redis_client_create(&own);
    return rig;
}

void rig_destroy(struct rig *rig)
{
    redis_client_destroy(rig->client);
    timers_destroy(rig->timers);
    uv_close((uv_handle_t *)&rig->pulse, NULL);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&rig->loop), 0, "a handle was left open");
    cr_expect_eq(rig->metrics.value[METRIC_STORE_PENDING], 0);
    redis_url_finish(&rig->url);
    free(rig);
}

void rig_run_until(struct rig *rig, rig_condition_fn *condition)
{
    uint64_t until = clock_steady_ms() + PATIENCE_MS;
    while (!condition(rig)) {
        cr_assert_lt(clock_steady_ms(), until, "it did not happen");
        uv_run(&rig->loop, UV_RUN_ONCE);
    }
}

void rig_run_for(struct rig *rig, uint64_t ms)
{
    uint64_t until = clock_steady_ms() + ms;
    while (clock_steady_ms() < until) {
        uv_run(&rig->loop, UV_RUN_ONCE);
    }
}

static void on_answer(void *context, enum err err, const struct redisReply *reply)
{
    struct ticket *ticket = context;
    struct rig *rig = ticket->rig;
    struct rig_answer *answer = &rig->answers[ticket->number];
    free(ticket);
    answer->calls++;
    answer->order = ++rig->answered;
    answer->err = err;
    if (reply) {
        answer->type = reply->type;
        answer->integer = reply->integer;
        if (reply->str) {
            copy_text(answer->text, reply->str, reply->len);
        }
    }
}

size_t rig_ask_args(struct rig *rig, const struct slice *args, size_t count)
{
    struct ticket *ticket = malloc(sizeof *ticket);
    cr_assert(ticket && rig->asked < RIG_ANSWERS_MAX);
    *ticket = (struct ticket){rig, rig->asked};
    redis_command(rig->client, args, count, on_answer, ticket);
    return rig->asked++;
}

size_t rig_ask(struct rig *rig, const char *text)
{
    struct slice args[WORDS_MAX];
    struct slice rest = slice_of(text);
    size_t count = 0;
    while (count < WORDS_MAX && slice_split(&rest, ' ', &args[count])) {
        count++;
    }
    return rig_ask_args(rig, args, count);
}

bool rig_all_answered(struct rig *rig)
{
    return rig->answered == rig->asked;
}

bool rig_is_up(struct rig *rig)
{
    return redis_is_up(rig->client);
}

bool rig_is_down(struct rig *rig)
{
    return !redis_is_up(rig->client);
}

bool rig_is_subscribed(struct rig *rig)
{
    return redis_is_subscribed(rig->client);
}
