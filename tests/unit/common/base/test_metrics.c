#include "common/base/metrics.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static bool has_line(const struct buf *text, const char *line)
{
    struct slice rest = buf_slice(text), part;
    while (slice_split(&rest, '\n', &part))
        if (slice_is(part, line))
            return true;
    return false;
}

static void write_all(const struct metrics *m, const char *labels, struct buf *out)
{
    buf_init(out, 1 << 20);
    metrics_write(m, labels, out);
    cr_assert_not(buf_failed(out));
}

Test(metrics, counters_and_gauges_are_written_with_help_and_type)
{
    struct metrics m = {0};
    struct buf out;
    metric_inc(&m, METRIC_FRAMES_IN);
    metric_add(&m, METRIC_FRAMES_IN, 41);
    metric_set(&m, METRIC_SOCKETS, -3);
    write_all(&m, "", &out);
    cr_assert(has_line(&out, "# HELP switchboard_frames_in_total Frames received from clients"));
    cr_assert(has_line(&out, "# TYPE switchboard_frames_in_total counter"));
    cr_assert(has_line(&out, "switchboard_frames_in_total 42"));
    cr_assert(has_line(&out, "# TYPE switchboard_sockets gauge"));
    cr_assert(has_line(&out, "switchboard_sockets -3"));
    buf_finish(&out);
}

Test(metrics, a_counter_of_time_is_in_seconds)
{
    struct metrics m = {0};
    struct buf out;
    metric_set(&m, METRIC_CPU, 90061500250);
    write_all(&m, "", &out);
    cr_assert(has_line(&out, "# TYPE switchboard_cpu_seconds_total counter"));
    cr_assert(has_line(&out, "switchboard_cpu_seconds_total 90061.50025"));
    buf_finish(&out);
}

Test(metrics, labels_stand_in_every_sample)
{
    struct metrics m = {0};
    struct buf out;
    write_all(&m, "node=\"x\"", &out);
    cr_assert(has_line(&out, "switchboard_sockets{node=\"x\"} 0"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{node=\"x\",le=\"0.00005\"} 0"));
    cr_assert(has_line(&out, "switchboard_store_seconds_sum{node=\"x\"} 0"));
    struct slice rest = buf_slice(&out), line;
    while (slice_split(&rest, '\n', &line))
        if (slice_starts(line, SLICE("switchboard_")))
            cr_assert_lt(slice_find(line, '{'), line.n, "%.*s", SLICE_FMT(line));
    buf_finish(&out);
}

Test(metrics, histogram_buckets_are_cumulative_and_their_bounds_inclusive)
{
    struct metrics m = {0};
    struct buf out;
    metric_observe_us(&m, METRIC_STORE_SECONDS, 0);
    metric_observe_us(&m, METRIC_STORE_SECONDS, 50);
    metric_observe_us(&m, METRIC_STORE_SECONDS, 51);
    metric_observe_us(&m, METRIC_STORE_SECONDS, 1500000);
    metric_observe_us(&m, METRIC_STORE_SECONDS, UINT64_C(1) << 40);
    write_all(&m, "", &out);
    cr_assert(has_line(&out, "# TYPE switchboard_store_seconds histogram"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{le=\"0.00005\"} 2"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{le=\"0.0001\"} 3"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{le=\"1\"} 3"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{le=\"2\"} 4"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{le=\"5\"} 4"));
    cr_assert(has_line(&out, "switchboard_store_seconds_bucket{le=\"+Inf\"} 5"));
    cr_assert(has_line(&out, "switchboard_store_seconds_sum 1099513.127877"));
    cr_assert(has_line(&out, "switchboard_store_seconds_count 5"));
    cr_assert(has_line(&out, "switchboard_relay_seconds_count 0"));
    buf_finish(&out);
}

Test(metrics, counters_with_a_label_of_their_own_have_a_sample_for_each_name)
{
    struct metrics m = {0};
    struct buf out;
    const char *const names[] = {"deliver", "ring"};
    const int64_t counts[] = {3, 0};
    write_all(&m, "", &out);
    cr_assert(has_line(&out, "# TYPE switchboard_store_scripts_total counter"));
    buf_finish(&out);
    m.series[METRIC_STORE_SCRIPTS] = (struct metric_series){"script", names, counts, 2};
    write_all(&m, "", &out);
    cr_assert(has_line(&out, "switchboard_store_scripts_total{script=\"deliver\"} 3"));
    buf_finish(&out);
    write_all(&m, "node=\"x\"", &out);
    cr_assert(has_line(&out, "switchboard_store_scripts_total{node=\"x\",script=\"ring\"} 0"));
    buf_finish(&out);
}

Test(metrics, a_row_without_a_name_is_left_out_and_an_info_is_a_gauge)
{
    struct metrics m = {0};
    const char *const codes[] = {NULL, "gone", NULL};
    const int64_t counts[] = {5, 7, 9};
    struct buf out;
    m.series[METRIC_REQUESTS_FAILED] = (struct metric_series){"code", codes, counts, 3};
    write_all(&m, "", &out);
    cr_assert(has_line(&out, "switchboard_requests_failed_total{code=\"gone\"} 7"));
    cr_assert(has_line(&out, "# TYPE switchboard_requests_failed_total counter"));
    cr_assert(has_line(&out, "# TYPE switchboard_build_info gauge"));
    struct slice rest = buf_slice(&out), line;
    while (slice_split(&rest, '\n', &line))
        cr_assert(!slice_starts(line, SLICE("switchboard_requests_failed_total{")) || line.p[line.n - 1] == '7');
    buf_finish(&out);
}

Test(metrics, every_bound_is_the_last_of_its_bucket)
{
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        struct metrics m = {0};
        metric_observe_us(&m, METRIC_RELAY_SECONDS, metric_bucket_us[i]);
        metric_observe_us(&m, METRIC_RELAY_SECONDS, metric_bucket_us[i] + UINT64_C(1));
        cr_assert_eq(m.histogram[METRIC_RELAY_SECONDS].bucket[i], 1, "%zu", i);
        cr_assert_eq(m.histogram[METRIC_RELAY_SECONDS].bucket[i + 1], 1, "%zu", i);
        cr_assert(i == 0 || metric_bucket_us[i] > metric_bucket_us[i - 1]);
    }
}

Test(metrics, every_row_is_written_once)
{
    struct metrics m = {0};
    struct buf out;
    size_t rows = 0;
    write_all(&m, "", &out);
    struct slice rest = buf_slice(&out), line;
    while (slice_split(&rest, '\n', &line))
        rows += slice_starts(line, SLICE("# TYPE "));
    cr_assert_eq(rows, METRIC_COUNT);
    cr_assert_eq(out.p[out.n - 1], '\n');
    buf_finish(&out);
}
