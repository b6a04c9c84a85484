#include "common/base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"

static struct {
    int memory, stderr_fd;
    char text[200000];
} tape;

static void start(void)
{
    tape.memory = memfd_create("log", 0);
    tape.stderr_fd = dup(STDERR_FILENO);
    cr_assert(tape.memory >= 0 && tape.stderr_fd >= 0);
    cr_assert_geq(dup2(tape.memory, STDERR_FILENO), 0);
}

/* What was logged since start(), without the time, which no test knows. */
static const char *stop(void)
{
    ssize_t n = pread(tape.memory, tape.text, sizeof tape.text - 1, 0);
    dup2(tape.stderr_fd, STDERR_FILENO);
    close(tape.stderr_fd);
    close(tape.memory);
    cr_assert_geq(n, 0);
    tape.text[n] = '\0';
    char *level = strstr(tape.text, "level");
    return level ? level : tape.text;
}

Test(log, a_line_is_keys_and_values)
{
    struct id id = {"17AAAAAAAAAAAAAAAAAAAAAA"};
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "n1");
    start();
    log_info("session.opened", LOG_ID("session", &id), LOG_U64("took_ms", 12), LOG_I64("delta", -3));
    cr_assert_str_eq(stop(),
                     "level=info node=n1 event=session.opened session=17AAAAAAAAAAAAAAAAAAAAAA took_ms=12 delta=-3\n");
}

Test(log, json_is_one_object_a_line)
{
    log_setup(LOG_INFO, LOG_FORMAT_JSON, "n1");
    start();
    log_error("redis.lost", LOG_CSTR("why", "timeout"), LOG_U64("n", UINT64_MAX));
    cr_assert_str_eq(
        stop(),
        "level\":\"error\",\"node\":\"n1\",\"event\":\"redis.lost\",\"why\":\"timeout\",\"n\":18446744073709551615}\n");
    cr_assert_eq(strncmp(tape.text, "{\"time\":\"2", 10), 0);
}

Test(log, the_time_is_utc_with_milliseconds)
{
    unsigned fields = 0;
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    log_info("a.b", LOG_U64("n", 1));
    cr_assert_str_eq(stop(), "level=info event=a.b n=1\n");
    static const char shape[] = "time=0000-00-00T00:00:00.000Z ";
    for (const char *p = shape; *p; p++, fields++) {
        char c = tape.text[p - shape];
        cr_assert_eq(c >= '0' && c <= '9' ? '0' : c, *p, "at %u of %s", fields, tape.text);
    }
}

/* How often a piece of text stands in what was logged. */
static unsigned times(const char *text, const char *piece)
{
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, piece)); p++)
        n++;
    return n;
}

Test(log, trouble_that_repeats_is_told_a_few_times_and_then_counted)
{
    enum { MANY = 20000, SOME = 200 }; /* as many lines would take an hour to be told all */
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    for (unsigned i = 0; i < MANY; i++) {
        log_error("store.failed", LOG_U64("n", i));
        if (i == MANY / 2)
            log_warn("redis.lost", LOG_CSTR("why", "another event has its own count"));
    }
    const char *text = stop();
    cr_assert(strstr(text, "event=store.failed n=4\n"), "the first are told at once");
    cr_assert_geq(times(text, "store.failed"), 5);
    cr_assert_lt(times(text, "store.failed"), SOME);
    cr_assert_eq(times(text, "redis.lost"), 1);
}

Test(log, the_next_line_about_trouble_says_how_many_were_not_told)
{
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    unsigned n = 0;
    while (n < 100)
        log_error("store.failed", LOG_U64("n", n++));
    uint64_t began_ms = clock_steady_ms();
    while (clock_steady_ms() - began_ms < 1000)
        usleep(10000);
    log_error("store.failed", LOG_U64("n", n++));
    const char *text = stop();
    unsigned unsaid = 0;
    for (const char *p = text; (p = strstr(p, "unsaid=")); p++)
        unsaid += (unsigned)strtoul(p + strlen("unsaid="), NULL, 10);
    cr_assert_gt(unsaid, 0);
    cr_assert_eq(times(text, "store.failed") + unsaid, n, "each is told or counted");
}

Test(log, what_is_no_trouble_is_told_each_time)
{
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    for (unsigned i = 0; i < 100; i++)
        log_info("session.opened", LOG_U64("n", i));
    cr_assert_eq(times(stop(), "session.opened"), 100);
}

Test(log, what_is_below_the_level_is_dropped)
{
    log_setup(LOG_WARN, LOG_FORMAT_TEXT, "");
    start();
    log_debug("a.b", LOG_U64("n", 1));
    log_info("a.b", LOG_U64("n", 2));
    log_warn("a.b", LOG_U64("n", 3));
    cr_assert_str_eq(stop(), "level=warn event=a.b n=3\n");
    cr_assert_not(log_wants(LOG_INFO));
    cr_assert(log_wants(LOG_ERROR));
}

Test(log, values_cannot_forge_lines_or_reach_the_terminal)
{
    static const struct {
        struct slice value;
        const char *text;
        const char *json;
    } cases[] = {
        {SLICE_INIT("plain"), "plain", "\"plain\""},
        {SLICE_INIT(""), "\"\"", "\"\""},
        {SLICE_INIT("two words"), "\"two words\"", "\"two words\""},
        {SLICE_INIT("a=b"), "\"a=b\"", "\"a=b\""},
        {SLICE_INIT("x\nlevel=error"), "\"x\\nlevel=error\"", "\"x\\nlevel=error\""},
        {SLICE_INIT("say \"hi\"\\"), "\"say \\\"hi\\\"\\\\\"", "\"say \\\"hi\\\"\\\\\""},
        {SLICE_INIT("\x1b[31m"), "\"\\x1b[31m\"", "\"\\u001b[31m\""},
        {SLICE_INIT("a\0b\x7f"), "\"a\\x00b\\x7f\"", "\"a\\u0000b\\u007f\""},
        {SLICE_INIT("\xc3\xbc"), "\"\xc3\xbc\"", "\"\xc3\xbc\""},
        {SLICE_INIT("\xff\xc3"), "\"\\xff\\xc3\"", "\"\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char want[100];
        log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
        start();
        log_info("a.b", LOG_STR("v", cases[i].value));
        snprintf(want, sizeof want, "level=info event=a.b v=%s\n", cases[i].text);
        cr_assert_str_eq(stop(), want, "case %zu: %s", i, tape.text);
        log_setup(LOG_INFO, LOG_FORMAT_JSON, "");
        start();
        log_info("a.b", LOG_STR("v", cases[i].value));
        snprintf(want, sizeof want, "level\":\"info\",\"event\":\"a.b\",\"v\":%s}\n", cases[i].json);
        cr_assert_str_eq(stop(), want, "case %zu: %s", i, tape.text);
    }
}

Test(log, a_long_value_is_cut_between_characters_and_says_so)
{
    char value[3000], want[1100];
    for (size_t i = 0; i + 1 < sizeof value; i += 2)
        memcpy(value + i, "\xc3\xbc", 2);
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    log_info("a.b", LOG_STR("v", slice_make(value, sizeof value)));
    snprintf(want, sizeof want, "level=info event=a.b v=\"%.1024s...\"\n", value);
    cr_assert_str_eq(stop(), want);
    value[0] = 'a'; /* now a character begins at each odd byte */
    value[1] = 'a';
    value[2] = 'a';
    for (size_t i = 3; i + 1 < sizeof value; i += 2)
        memcpy(value + i, "\xc3\xbc", 2);
    start();
    log_info("a.b", LOG_STR("v", slice_make(value, sizeof value - 1)));
    snprintf(want, sizeof want, "level=info event=a.b v=\"%.1023s...\"\n", value);
    cr_assert_str_eq(stop(), want);
}

Test(log, a_line_that_is_too_long_still_says_what_happened)
{
    struct log_field fields[40];
    static char value[1024]; /* NULs: each is four characters */
    for (size_t i = 0; i < 39; i++)
        fields[i] = LOG_STR("v", slice_make(value, sizeof value));
    fields[39] = LOG_END;
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    log_event(LOG_WARN, "a.b", fields);
    cr_assert_str_eq(stop(), "level=warn event=a.b lost=\"the line is too long\"\n");
}

Test(log, errno_survives)
{
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "");
    start();
    errno = ENOTDIR;
    log_info("a.b", LOG_U64("n", 1));
    int after = errno;
    stop();
    cr_assert_eq(after, ENOTDIR);
}

Test(log, the_nodes_name_is_cut_at_31)
{
    log_setup(LOG_INFO, LOG_FORMAT_TEXT, "0123456789012345678901234567890123456789");
    start();
    log_info("a.b", LOG_U64("n", 1));
    cr_assert_str_eq(stop(), "level=info node=0123456789012345678901234567890 event=a.b n=1\n");
}
