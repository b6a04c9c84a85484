#include "common/base/metrics.h"

const uint32_t metric_bucket_us[METRIC_BUCKETS] = {
    50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000,
};

enum kind { COUNTER, TIME, GAUGE, HISTOGRAM, COUNTERS, INFO };

static const char *const kind_names[] = {"counter", "counter", "gauge", "histogram", "counter", "gauge"};

static const struct {
    enum kind kind;
    const char *name;
    const char *help;
} rows[METRIC_COUNT] = {
#define X(id, kind, name, help) {kind, name, help},
    METRICS_TABLE(X)
#undef X
};

/* Seconds without floating point, which would print 50 µs as 5.0000000000000002e-05. */
static void put_seconds(struct buf *out, uint64_t us)
{
    uint64_t rest = us % 1000000;
    buf_put_u64(out, us / 1000000);
    if (rest == 0)
        return;
    buf_put_char(out, '.');
    for (uint64_t unit = 100000; rest > 0; rest %= unit, unit /= 10)
        buf_put_char(out, (char)('0' + rest / unit));
}

static void put_sample(struct buf *out, const char *name, const char *suffix, const char *labels)
{
    buf_put_cstr(out, "switchboard_");
    buf_put_cstr(out, name);
    buf_put_cstr(out, suffix);
    if (labels[0] != '\0') {
        buf_put_char(out, '{');
        buf_put_cstr(out, labels);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ' ');
}

static void put_i64(struct buf *out, int64_t n)
{
    if (n < 0)
        buf_put_char(out, '-');
    buf_put_u64(out, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
    buf_put_char(out, '\n');
}

static void put_bucket(struct buf *out, const char *name, const char *labels, size_t bucket)
{
    buf_put_cstr(out, "switchboard_");
    buf_put_cstr(out, name);
    buf_put_cstr(out, "_bucket{");
    buf_put_cstr(out, labels);
    buf_put_cstr(out, labels[0] != '\0' ? ",le=\"" : "le=\"");
    if (bucket < METRIC_BUCKETS)
        put_seconds(out, metric_bucket_us[bucket]);
    else
        buf_put_cstr(out, "+Inf");
    buf_put_cstr(out, "\"} ");
}

static void put_histogram(struct buf *out, const struct metrics *m, enum metric id, const char *labels)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= METRIC_BUCKETS; i++) {
        sum += m->histogram[id].bucket[i];
        put_bucket(out, rows[id].name, labels, i);
        buf_put_u64(out, sum);
        buf_put_char(out, '\n');
    }
    put_sample(out, rows[id].name, "_sum", labels);
    put_seconds(out, m->histogram[id].sum_us);
    buf_put_char(out, '\n');
    put_sample(out, rows[id].name, "_count", labels);
    buf_put_u64(out, m->histogram[id].count);
    buf_put_char(out, '\n');
}

static void put_series(struct buf *out, const struct metric_series *s, const char *name, const char *labels)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!s->names[i])
            continue;
        buf_putf(out, "switchboard_%s{%s%s%s=\"%s\"} ", name, labels, labels[0] != '\0' ? "," : "", s->label,
                 s->names[i]);
        put_i64(out, s->counts[i]);
    }
}

void metric_observe_us(struct metrics *m, enum metric id, uint64_t us)
{
    uint32_t value = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
    uint32_t bucket = 0;
    /* Sixteen comparisons without a branch become four vector instructions. */
    for (size_t i = 0; i < METRIC_BUCKETS; i++)
        bucket += value > metric_bucket_us[i];
    m->histogram[id].bucket[bucket]++;
    m->histogram[id].sum_us += us;
    m->histogram[id].count++;
}

void metrics_write(const struct metrics *m, const char *labels, struct buf *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        buf_putf(out, "# HELP switchboard_%s %s\n", rows[i].name, rows[i].help);
        buf_putf(out, "# TYPE switchboard_%s %s\n", rows[i].name, kind_names[rows[i].kind]);
        if (rows[i].kind == HISTOGRAM) {
            put_histogram(out, m, (enum metric)i, labels);
        } else if (rows[i].kind == COUNTERS || rows[i].kind == INFO) {
            put_series(out, &m->series[i], rows[i].name, labels);
        } else if (rows[i].kind == TIME) {
            put_sample(out, rows[i].name, "", labels);
            put_seconds(out, (uint64_t)m->value[i]);
            buf_put_char(out, '\n');
        } else {
            put_sample(out, rows[i].name, "", labels);
            put_i64(out, m->value[i]);
        }
    }
}
