#include "node/session/order.h"

#include <criterion/criterion.h>

#include "common/base/attr.h"

/* ---- events ---- */

Test(order, events_that_follow_are_written_and_what_was_written_is_skipped)
{
    static const struct {
        const char *name;
        uint64_t first, count;
        enum order_step step;
        uint64_t skip, heard;
    } cases[] = {
        {"the next one", 6, 1, ORDER_NEXT, 0, 6},           {"the next ones", 6, 3, ORDER_NEXT, 0, 8},
        {"one that was written", 5, 1, ORDER_NEXT, 1, 5},   {"all from the beginning", 1, 5, ORDER_NEXT, 5, 5},
        {"old ones and new ones", 4, 4, ORDER_NEXT, 2, 7},  {"one is missing", 7, 1, ORDER_GAP, 99, 7},
        {"many are missing", 1000, 2, ORDER_GAP, 99, 1001}, {"none at all", 9, 0, ORDER_NEXT, 0, 5},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct order o;
        uint64_t skip = 99;
        order_init(&o, 5, 0);
        cr_expect_eq(order_events(&o, cases[i].first, cases[i].count, &skip), cases[i].step, "%s", cases[i].name);
        cr_expect_eq(skip, cases[i].skip, "%s: %llu skipped", cases[i].name, (unsigned long long)skip);
        cr_expect_eq(o.heard, cases[i].heard, "%s: heard %llu", cases[i].name, (unsigned long long)o.heard);
        cr_expect_eq(o.seq, 5, "%s: written by the caller only", cases[i].name);
    }
}

Test(order, events_are_numbered_as_they_are_written)
{
    struct order o;
    order_init(&o, 0, 0);
    cr_expect_eq(order_written(&o), 1);
    cr_expect_eq(order_written(&o), 2);
    cr_expect_not(order_is_behind(&o));
}

Test(order, it_is_behind_until_all_that_was_heard_of_is_written)
{
    struct order o;
    uint64_t skip = 0;
    order_init(&o, 0, 0);
    cr_expect_eq(order_events(&o, 2, 1, &skip), ORDER_GAP);
    cr_expect(order_is_behind(&o));
    order_written(&o);
    cr_expect(order_is_behind(&o));
    order_written(&o);
    cr_expect_not(order_is_behind(&o));
}

/* ---- acks ---- */

Test(order, only_a_later_event_that_was_written_can_be_acked)
{
    static const struct {
        uint64_t seq;
        bool fresh;
    } steps[] = {{8, false}, {6, true}, {6, false}, {5, false}, {7, true}, {8, false}, {UINT64_MAX, false}, {0, false}};
    struct order o;
    order_init(&o, 5, 0);
    order_written(&o);
    order_written(&o);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        cr_expect_eq(order_ack(&o, steps[i].seq), steps[i].fresh, "step %zu", i);
    cr_expect_eq(o.acked, 7);
}

Test(order, what_the_client_has_as_it_comes_back_it_may_not_have_acked)
{
    struct order o;
    order_init(&o, 5, 0);
    cr_expect(order_ack(&o, 5));
    cr_expect_not(order_ack(&o, 5));
}

/* ---- requests ---- */

Test(order, requests_rise_and_a_run_has_no_holes)
{
    static const struct {
        uint64_t id;
        bool fresh;
        uint64_t run;
    } steps[] = {
        {5, true, 5},           {6, true, 5},  {6, false, UINT64_MAX},
        {3, false, UINT64_MAX}, {7, true, 5},  {9, true, 9},
        {8, false, UINT64_MAX}, {10, true, 9}, {UINT64_MAX, true, UINT64_MAX},
        {1, false, UINT64_MAX},
    };
    struct order o;
    order_init(&o, 0, 4);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        uint64_t run = 0;
        cr_expect_eq(order_request(&o, steps[i].id, &run), steps[i].fresh, "step %zu", i);
        cr_expect_eq(run, steps[i].run, "step %zu: %llu", i, (unsigned long long)run);
    }
}

Test(order, a_run_ends_where_one_of_it_may_come_again)
{
    struct order o;
    uint64_t run = 0;
    order_init(&o, 0, 4);
    cr_expect(order_request(&o, 5, &run));
    order_doubt(&o);
    cr_expect(order_request(&o, 6, &run));
    cr_expect_eq(run, 6);
    cr_expect(order_request(&o, 7, &run));
    cr_expect_eq(run, 6);
}

Test(order, a_session_goes_on_where_it_stood)
{
    struct order o;
    uint64_t run = 0;
    order_init(&o, 40, 7);
    cr_expect_not(order_is_behind(&o));
    cr_expect_eq(order_written(&o), 41);
    cr_expect_not(order_request(&o, 7, &run));
    cr_expect(order_ack(&o, 41));
}
