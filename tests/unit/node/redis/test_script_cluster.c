#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/unit/node/redis/lab.h"

/* log_read, fanout_done, timers_due, lease_renew: who goes on when a node stops */

static struct lab *lab;

static void begin(void)
{
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
}

TestSuite(script_cluster, .init = begin, .fini = finish);

/* A room at version 4. */
static void change_four_times(void)
{
    lab_call_create(lab, "room", "alice", (struct lab_offer){.seats = 5, .room = true});
    lab_call_join(lab, "room", "bob");
    lab_call_lock(lab, "room", "alice", true);
    lab_call_lock(lab, "room", "alice", false);
}

static bool timer_stands(void)
{
    return strcmp(lab_timer(lab, 23, "fanout:%s", lab_call("room").text), "nil") != 0;
}

static size_t log_length(void)
{
    struct id id = lab_call("room");
    struct key key = key_log(&id);
    lab_ask(lab, "XLEN %s", key.text);
    return (size_t)lab_number(lab, 0);
}

Test(script_cluster, the_log_tells_what_came_after_a_version)
{
    change_four_times();
    const char *answer = lab_log_read(lab, "room", 3);
    lab_expect("ok 4 [[4 +bob -alice ;51oa;1=alice;2=bob; "
               "{\"type\":\"call.locked\",\"call\":\"room\",\"version\":4,\"locked\":false}]] 0",
               answer);
    lab_expect("ok 4 [] 0", lab_log_read(lab, "room", 4));
    lab_expect("not_found", lab_log_read(lab, "nothing", 0));
}

Test(script_cluster, what_is_brought_out_leaves_the_log_and_the_last_takes_the_timer_away)
{
    change_four_times();
    lab_expect("ok", lab_fanout_done(lab, "room", 1, 3));
    cr_expect_eq(log_length(), 1);
    cr_expect(timer_stands());
    lab_expect("ok 4 [] 3", lab_call_lock(lab, "room", "alice", false));
    lab_expect("ok", lab_fanout_done(lab, "room", 4, 4));
    cr_expect_eq(log_length(), 0);
    cr_expect_not(timer_stands());
    lab_expect("ok", lab_fanout_done(lab, "room", 1, 3));
    lab_expect("ok 4 [] 4", lab_log_read(lab, "room", 0));
}

Test(script_cluster, nothing_is_forgotten_behind_a_hole)
{
    change_four_times();
    lab_expect("ok", lab_fanout_done(lab, "room", 3, 4));
    cr_expect_eq(log_length(), 4);
    cr_expect(timer_stands());
    lab_fanout_done(lab, "room", 1, 1);
    cr_expect_eq(log_length(), 3);
    cr_expect(timer_stands());
    lab_fanout_done(lab, "room", 2, 4);
    cr_expect_eq(log_length(), 0);
    cr_expect_not(timer_stands());
}

Test(script_cluster, shares_that_are_told_in_any_order_are_done_with_the_last)
{
    change_four_times();
    lab_fanout_done(lab, "room", 4, 4);
    lab_fanout_done(lab, "room", 2, 2);
    cr_expect_eq(log_length(), 4);
    lab_fanout_done(lab, "room", 1, 1);
    cr_expect_eq(log_length(), 2);
    cr_expect(timer_stands());
    lab_fanout_done(lab, "room", 3, 3);
    cr_expect_eq(log_length(), 0);
    cr_expect_not(timer_stands());
}

Test(script_cluster, shares_that_were_caught_up_with_leave_room_for_others)
{
    struct id id = lab_call("room");
    struct key key = key_call(&id);
    change_four_times();
    lab_fanout_done(lab, "room", 3, 3);
    lab_expect("3-3 ", lab_ask(lab, "HGET %s ahead", key.text));
    lab_fanout_done(lab, "room", 1, 2);
    lab_expect("\"\"", lab_ask(lab, "HGET %s ahead", key.text));
}

Test(script_cluster, what_is_told_too_early_is_kept_in_bounds)
{
    change_four_times();
    for (unsigned i = 0; i < 1000; i++)
        lab_fanout_done(lab, "room", 3, 4);
    struct id id = lab_call("room");
    struct key key = key_call(&id);
    cr_expect_lt(strlen(lab_ask(lab, "HGET %s ahead", key.text)), 100);
}

Test(script_cluster, an_empty_share_takes_the_timer_away_when_all_was_out_before)
{
    change_four_times();
    lab_fanout_done(lab, "room", 1, 4);
    struct key timers = key_timers(23);
    lab_ask(lab, "ZADD %s 1 fanout:%s", timers.text, lab_call("room").text);
    lab_fanout_done(lab, "room", 5, 4);
    cr_expect_not(timer_stands());
    lab_ask(lab, "ZADD %s 1 fanout:%s", timers.text, lab_call("nothing").text);
    lab_expect("ok", lab_fanout_done(lab, "nothing", 1, 0));
    lab_expect("nil", lab_timer(lab, 23, "fanout:%s", lab_call("nothing").text));
}

static const char *due(unsigned most, unsigned again_ms)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_timers(23));
    args_u64(&a, most);
    args_u64(&a, again_ms);
    return lab_run(lab, SCRIPT_TIMERS_DUE, &a);
}

Test(script_cluster, timers_that_are_due_come_in_order_and_come_again)
{
    lab_ask(lab, "ZADD {23}:timers 1 a 2 b 3 c 99999999999999 later");
    lab_expect("a b", due(2, 60000));
    lab_expect("c", due(2, 60000));
    lab_expect("", due(2, 60000));
    lab_ask(lab, "ZADD {23}:timers 1 a");
    lab_expect("a", due(9, 0));
    lab_expect("a", due(9, 0));
}

static const char *card = "";

/* Without the time at the end. */
static const char *renew(const char *node, unsigned lease_ms)
{
    static char text[256];
    struct script_args a;
    args_init(&a);
    struct node_id id = {""};
    snprintf(id.text, sizeof id.text, "%s", node);
    args_key(&a, (struct key){.text = KEY_NODES, .n = sizeof KEY_NODES - 1});
    args_key(&a, key_node_card(&id));
    args_put(&a, slice_of(node));
    args_u64(&a, lease_ms);
    args_u64(&a, 600000);
    args_put(&a, slice_of(card));
    snprintf(text, sizeof text, "%s", lab_run(lab, SCRIPT_LEASE_RENEW, &a));
    char *beyond = strrchr(text, ' '); /* the time's microseconds */
    cr_assert(beyond && strtoull(beyond, NULL, 10) < 1000, "%s", text);
    *beyond = '\0';
    char *time = strrchr(text, ' ');
    uint64_t wall = clock_wall_ms(); /* the same machine */
    cr_assert(time && strtoull(time, NULL, 10) <= wall && strtoull(time, NULL, 10) + 60000 > wall, "%s", text);
    *time = '\0';
    return text;
}

/* A moment in the past, by Redis's clock. */
static const char *ago(uint64_t ms)
{
    static char text[32];
    uint64_t now = clock_wall_ms(); /* the same machine */
    snprintf(text, sizeof text, "%llu", (unsigned long long)(now - ms));
    return text;
}

Test(script_cluster, a_node_lives_while_its_lease_runs)
{
    lab_expect("new [one] []", renew("one", 60000));
    lab_expect("new [one two] []", renew("two", 70000));
    lab_expect("running [two one] []", renew("one", 80000));
}

Test(script_cluster, a_card_lies_beside_the_lease_and_is_forgotten_with_it)
{
    card = "{\"sockets\":1}";
    renew("one", 60000);
    lab_expect("{\"sockets\":1}", lab_ask(lab, "GET {cluster}:node-card:one"));
    card = ""; /* as a node says that has none: what it said before stands */
    renew("one", 60000);
    lab_expect("{\"sockets\":1}", lab_ask(lab, "GET {cluster}:node-card:one"));
    cr_expect_gt(strtoull(lab_ask(lab, "PTTL {cluster}:node-card:one"), NULL, 10), 600000u);
    card = "{\"sockets\":0}";
    renew("one", 0);
    cr_expect_leq(strtoull(lab_ask(lab, "PTTL {cluster}:node-card:one"), NULL, 10), 600000u);
    card = "";
}

Test(script_cluster, who_gives_its_lease_up_is_dead_at_once)
{
    renew("one", 60000);
    renew("two", 70000);
    lab_expect("running [one] [two 0]", renew("two", 0));
}

Test(script_cluster, a_lease_that_ended_is_told_to_its_node_and_to_others_for_a_while)
{
    renew("one", 60000);
    renew("two", 60000);
    lab_ask(lab, "ZADD %s %s one", KEY_NODES, ago(1000));
    cr_expect_eq(strncmp(renew("two", 60000), "running [two] [one 1", 20), 0); /* a thousand and a bit */
    lab_expect("lapsed [two one] []", renew("one", 70000));
    lab_ask(lab, "ZADD %s %s one", KEY_NODES, ago(700000));
    lab_expect("running [two] []", renew("two", 60000));
}
