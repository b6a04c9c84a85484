/**
 * A redis_client on a loop of its own, and what it was told: for the tests of node/redis.
 */
#ifndef TESTS_UNIT_NODE_REDIS_RIG_H
#define TESTS_UNIT_NODE_REDIS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/base/metrics.h"
#include "node/redis/client.h"

enum { RIG_ANSWERS_MAX = 20000, RIG_TEXT_MAX = 64 };

struct rig_answer {
    int calls;
    size_t order; /* the first answered is 1 */
    enum err err;
    int type; /* of the reply; 0: none */
    long long integer;
    char text[RIG_TEXT_MAX];
};

struct rig {
    uv_loop_t loop;
    uv_timer_t pulse; /* so that rig_run_until() looks again */
    struct timers *timers;
    struct metrics metrics;
    struct redis_url url;
    struct redis_client *client;
    struct rig_answer answers[RIG_ANSWERS_MAX];
    size_t asked;
    size_t answered;
    int messages;
    int subscribed;
    int followed;
    int unsubscribed;
    char last_channel[RIG_TEXT_MAX];
    char last_message[RIG_TEXT_MAX];
};

/** `settings` may be NULL; its url, events, loop, timers and metrics are set here. */
struct rig *rig_create(const char *url, const struct redis_settings *settings);
void rig_destroy(struct rig *);

typedef bool rig_condition_fn(struct rig *);
/** Runs the loop until the condition holds; fails the test after 10 s. */
void rig_run_until(struct rig *, rig_condition_fn *);
void rig_run_for(struct rig *, uint64_t ms);

/** Sends the words of `text`; returns the number of its answer. */
size_t rig_ask(struct rig *, const char *text);
size_t rig_ask_args(struct rig *, const struct slice *args, size_t count);

bool rig_all_answered(struct rig *);
bool rig_is_up(struct rig *);
bool rig_is_down(struct rig *);
bool rig_is_subscribed(struct rig *);

#endif
