#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/node/redis/fake_redis.h"
#include "tests/unit/node/redis/rig.h"

static struct rig *rig;
static struct fake_redis fake;
static struct fake_conn *last_conn;
static int subscribed_number; /* of the connection that last subscribed */

static void begin(fake_command_fn *on_command, const struct redis_settings *settings)
{
    fake_redis_init(&fake, on_command);
    rig = rig_create(fake.url, settings);
    fake_redis_listen(&fake, &rig->loop);
}

static void finish(void)
{
    fake_redis_finish(&fake);
    rig_destroy(rig);
}

static void on_command_loading(struct fake_redis *f, struct fake_conn *conn, const char *name,
                               const struct redisReply *command)
{
    (void)command;
    if (strcmp(name, "PING") == 0 && f->connections <= 3) {
        cr_expect_not(redis_is_up(rig->client));
        fake_say(conn, "-LOADING Redis is loading the dataset in memory\r\n");
    } else if (!fake_login(conn, name)) {
        fake_say(conn, ":1\r\n");
    }
}

Test(link, a_server_that_is_loading_is_not_up_yet)
{
    begin(on_command_loading, NULL);
    size_t one = rig_ask(rig, "GET k");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[one].integer, 1);
    cr_expect_eq(fake.connections, 4);
    finish();
}

static void on_command_demoted(struct fake_redis *f, struct fake_conn *conn, const char *name,
                               const struct redisReply *command)
{
    static const char *const passing[] = {
        "-READONLY You can't write against a read only replica.\r\n",
        "-BUSY Redis is busy running a script.\r\n",
        "-MASTERDOWN Link with MASTER is down\r\n",
        "-NOAUTH Authentication required.\r\n",
    };
    if (fake_login(conn, name)) {
        return;
    }
    if (f->connections <= (int)ARRAY_SIZE(passing)) {
        fake_say(conn, passing[f->connections - 1]);
    } else {
        char text[32];
        snprintf(text, sizeof text, "+%.8s\r\n", command->element[1]->str);
        fake_say(conn, text);
    }
}

Test(link, an_error_that_passes_is_met_with_a_new_connection_and_the_commands_again)
{
    begin(on_command_demoted, NULL);
    rig_ask(rig, "ECHO a");
    rig_ask(rig, "ECHO b");
    rig_ask(rig, "ECHO c");
    rig_run_until(rig, rig_all_answered);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(rig->answers[i].err, ERR_OK);
        cr_expect_eq(rig->answers[i].calls, 1);
        cr_expect_eq(rig->answers[i].text[0], 'a' + i);
    }
    cr_expect_eq(fake.connections, 5);
    finish();
}

static void on_command_hold(struct fake_redis *f, struct fake_conn *conn, const char *name,
                            const struct redisReply *command)
{
    (void)f;
    (void)command;
    if (!fake_login(conn, name)) {
        last_conn = conn;
    }
}

static bool is_held(struct rig *r)
{
    (void)r;
    return fake.commands >= 1;
}

/*
 * A machine that stands still for as long as a deadline leaves room proves nothing: then there is twice the time. What never holds fails with every deadline.
 */
static void with_some_deadline(uint64_t deadline_ms, bool (*holds_with)(uint64_t deadline_ms))
{
    while (!holds_with(deadline_ms)) {
        deadline_ms *= 2;
        cr_assert_lt(deadline_ms, 6000, "no deadline is long enough");
    }
}

static bool is_next_held(struct rig *r)
{
    return fake.commands >= 2 || r->answered == 2;
}

static bool is_late_answer_swallowed(uint64_t deadline_ms)
{
    enum { LETTERS = 40 };
    begin(on_command_hold, &(struct redis_settings){.command_timeout_ms = deadline_ms});
    rig_ask(rig, "GET slow");
    rig_run_until(rig, is_held);
    fake_say(last_conn, "$40\r\n");
    int said = 0;
    for (; said < LETTERS && rig->answered == 0; said++) {
        fake_say(last_conn, "x"); /* slow, but alive */
        rig_run_for(rig, deadline_ms / 10);
    }
    cr_assert_eq(rig->answered, 1);
    cr_expect_eq(rig->answers[0].err, ERR_UNAVAILABLE);
    cr_assert(redis_is_up(rig->client));
    rig_ask(rig, "GET next");
    rig_run_until(rig, is_next_held);
    for (; said < LETTERS; said++) {
        fake_say(last_conn, "x");
    }
    fake_say(last_conn, "\r\n:7\r\n");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[0].calls, 1);
    cr_expect_eq(fake.connections, 1);
    bool in_time = rig->answers[1].err == ERR_OK;
    cr_expect(!in_time || rig->answers[1].integer == 7);
    finish();
    return in_time;
}

Test(link, a_late_answer_is_swallowed_and_the_order_kept)
{
    with_some_deadline(200, is_late_answer_swallowed);
}

static void on_command_deaf_at_first(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                     const struct redisReply *command)
{
    (void)command;
    if (!fake_login(conn, name) && f->connections > 1) {
        fake_say(conn, ":5\r\n");
    }
}

static bool are_both_answered_by(uint64_t deadline_ms)
{
    begin(on_command_deaf_at_first, &(struct redis_settings){.command_timeout_ms = deadline_ms});
    rig_ask(rig, "INCR n");
    rig_ask(rig, "INCR n");
    rig_run_until(rig, rig_all_answered);
    bool in_time = rig->answers[0].err == ERR_OK && rig->answers[1].err == ERR_OK;
    if (in_time) {
        cr_expect_eq(rig->answers[0].integer, 5);
        cr_expect_eq(rig->answers[1].integer, 5);
        cr_expect_eq(fake.connections, 2);
        cr_expect_eq(rig->metrics.value[METRIC_STORE_RESENT], 2);
        cr_expect_eq(rig->metrics.value[METRIC_STORE_RECONNECTS], 1);
    }
    finish();
    return in_time;
}

Test(link, a_connection_that_swallows_everything_is_replaced_before_the_deadline)
{
    with_some_deadline(600, are_both_answered_by);
}

static void on_command_no_login_at_first(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                         const struct redisReply *command)
{
    (void)command;
    if (f->connections > 2 && !fake_login(conn, name)) {
        fake_say(conn, ":5\r\n");
    }
}

static bool is_third_login_taken(uint64_t deadline_ms)
{
    begin(on_command_no_login_at_first, &(struct redis_settings){.connect_timeout_ms = deadline_ms});
    rig_ask(rig, "INCR n");
    rig_run_until(rig, rig_all_answered);
    bool in_time = rig->answers[0].err == ERR_OK && fake.connections == 3;
    finish();
    return in_time;
}

Test(link, a_login_without_an_answer_is_given_up)
{
    with_some_deadline(50, is_third_login_taken);
}

static void on_command_nonsense_at_first(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                         const struct redisReply *command)
{
    static const char *const nonsense[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n", "$-7\r\n", ":notanumber\r\n",
        ":1\r\n:2\r\n:3\r\n", /* two answers too many: the third connection's owner is asked again */
    };
    (void)command;
    if (fake_login(conn, name)) {
        return;
    }
    fake_say(conn, f->connections <= (int)ARRAY_SIZE(nonsense) ? nonsense[f->connections - 1] : ":1\r\n");
}

static bool is_fifth_connection_up(struct rig *r)
{
    return fake.connections == 5 && redis_is_up(r->client);
}

Test(link, nonsense_costs_the_connection_and_nothing_else)
{
    begin(on_command_nonsense_at_first, NULL);
    rig_ask(rig, "INCR n");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[0].integer, 1);
    rig_run_until(rig, is_fifth_connection_up);
    rig_ask(rig, "INCR n");
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[1].calls, 1);
    cr_expect_eq(rig->answers[1].integer, 1);
    finish();
}

static void on_command_letter_by_letter(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                        const struct redisReply *command)
{
    static const char answer[] = "*3\r\n$5\r\nhello\r\n:-12\r\n*1\r\n$-1\r\n";
    (void)f;
    (void)command;
    if (fake_login(conn, name)) {
        return;
    }
    for (size_t i = 0; i < sizeof answer - 1; i++) {
        fake_say(conn, (const char[]){answer[i], '\0'});
        uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
}

Test(link, an_answer_may_come_letter_by_letter)
{
    begin(on_command_letter_by_letter, NULL);
    rig_ask(rig, "GET k");
    rig_run_until(rig, rig_is_up);
    rig_run_until(rig, rig_all_answered);
    cr_expect_eq(rig->answers[0].type, REDIS_REPLY_ARRAY);
    finish();
}

static void on_command_refuse_login(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                    const struct redisReply *command)
{
    (void)f;
    (void)command;
    (void)name;
    fake_say(conn, "-ERR max number of clients reached\r\n");
    fake_hang_up(conn);
}

static bool were_three_connections(struct rig *r)
{
    (void)r;
    return fake.connections >= 3;
}

Test(link, a_server_that_refuses_is_asked_again_and_again)
{
    begin(on_command_refuse_login, NULL);
    rig_run_until(rig, were_three_connections);
    cr_expect_not(redis_is_up(rig->client));
    finish();
}

static void on_command_subscribed_then_deaf(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                            const struct redisReply *command)
{
    char text[128];
    (void)f;
    if (strcmp(name, "SSUBSCRIBE") == 0) {
        snprintf(text, sizeof text, "*3\r\n$10\r\nssubscribe\r\n$%zu\r\n%s\r\n:1\r\n", command->element[1]->len,
                 command->element[1]->str);
        fake_say(conn, text);
        subscribed_number = fake_number(conn);
    } else if (fake_number(conn) != subscribed_number) {
        fake_login(conn, name); /* a PING while subscribed gets no answer */
    }
}

static bool was_subscribed_twice(struct rig *r)
{
    return r->subscribed == 2;
}

Test(link, a_subscription_that_went_deaf_is_noticed_and_renewed)
{
    begin(on_command_subscribed_then_deaf, &(struct redis_settings){.command_timeout_ms = 200});
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, was_subscribed_twice);
    cr_expect_eq(rig->unsubscribed, 1);
    finish();
}

static void on_command_healthy(struct fake_redis *f, struct fake_conn *conn, const char *name,
                               const struct redisReply *command)
{
    if (strcmp(name, "PING") == 0 && fake_number(conn) == subscribed_number) {
        f->commands++;
        fake_say(conn, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    } else {
        on_command_subscribed_then_deaf(f, conn, name, command);
    }
}

static bool were_five_pings(struct rig *r)
{
    (void)r;
    return fake.commands >= 5;
}

static bool does_subscription_stay(uint64_t deadline_ms)
{
    begin(on_command_healthy, &(struct redis_settings){.command_timeout_ms = deadline_ms});
    redis_subscribe(rig->client, SLICE("{1}:a"));
    rig_run_until(rig, were_five_pings);
    bool stays = redis_is_subscribed(rig->client) && rig->unsubscribed == 0;
    finish();
    return stays;
}

Test(link, an_idle_subscription_that_answers_its_pings_stays)
{
    with_some_deadline(200, does_subscription_stay);
}

static void on_command_moved(struct fake_redis *f, struct fake_conn *conn, const char *name,
                             const struct redisReply *command)
{
    if (strcmp(name, "SSUBSCRIBE") == 0 && strcmp(command->element[1]->str, "b") == 0) {
        f->commands++;
        fake_say(conn, "-MOVED 3300 127.0.0.1:7001\r\n");
        fake_say(conn, "*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
    } else {
        on_command_subscribed_then_deaf(f, conn, name, command);
    }
}

static bool has_message(struct rig *r)
{
    return r->messages > 0;
}

Test(link, a_channel_that_lives_elsewhere_is_never_called_subscribed)
{
    begin(on_command_moved, NULL);
    redis_subscribe(rig->client, SLICE("a"));
    redis_subscribe(rig->client, SLICE("b"));
    redis_subscribe(rig->client, SLICE("c"));
    rig_run_until(rig, has_message);
    rig_run_for(rig, 20);
    cr_expect_str_eq(rig->last_message, "hi");
    cr_expect_not(redis_is_subscribed(rig->client));
    cr_expect_eq(rig->subscribed, 0);
    finish();
}

/* ---- both connections are to be of one server ---- */

static int written_number; /* of the connection that a write was answered on */

static void on_command_demoted_once(struct fake_redis *f, struct fake_conn *conn, const char *name,
                                    const struct redisReply *command)
{
    if (strcmp(name, "INCR") != 0) {
        on_command_healthy(f, conn, name, command);
    } else if (written_number == 0) {
        written_number = -1;
        fake_say(conn, "-READONLY You can't write against a read only replica.\r\n");
    } else {
        written_number = fake_number(conn);
        fake_say(conn, ":1\r\n");
    }
}

static bool is_subscription_the_later_one(struct rig *r)
{
    return r->answered == r->asked && redis_is_subscribed(r->client) && subscribed_number > written_number;
}

/* A way that leads elsewhere by now may have led to the demoted one when the subscription came back: so it comes back last. */
Test(link, after_a_demotion_the_subscription_is_renewed_behind_the_commands)
{
    for (int i = 0; i < 8; i++) {
        written_number = subscribed_number = 0;
        begin(on_command_demoted_once, NULL);
        redis_subscribe(rig->client, SLICE("{1}:a"));
        rig_run_until(rig, rig_is_subscribed);
        rig_ask(rig, "INCR n");
        rig_run_until(rig, is_subscription_the_later_one);
        cr_expect_eq(rig->unsubscribed, 1);
        finish();
    }
}
