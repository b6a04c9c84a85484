#include "common/base/clock.h"

#include <criterion/criterion.h>
#include <time.h>

Test(clock, the_steady_clock_never_goes_back)
{
    uint64_t last = clock_steady_us();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_steady_us();
        cr_assert_geq(now, last);
        last = now;
    }
    cr_assert_leq(last / 1000, clock_steady_ms());
}

Test(clock, the_wall_clock_counts_from_1970)
{
    time_t before = time(NULL) - 1;
    uint64_t now_ms = clock_wall_ms();
    cr_assert_geq(now_ms, (uint64_t)before * 1000);
    cr_assert_leq(now_ms, ((uint64_t)before + 60) * 1000);
}
