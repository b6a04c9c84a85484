#include <criterion/criterion.h>

#include "node/status_text.h"

/* A look at a cluster as text. */

static const struct cluster_status two_and_one = {
    .partitions = 64,
    .count = 3,
    .now_ms = 1700000100000,
    .nodes = {{.id = {"aaaaaaaaaaaa"},
               .lives = true,
               .has_card = true,
               .partitions = 40,
               .card = {.version = "1.2.3",
                        .host = "web-1",
                        .started_s = 1700000000,
                        .sockets = 1200,
                        .sessions = 1100,
                        .seats = 30,
                        .calls = 15,
                        .frames_per_s = 77,
                        .lag_us = 1250}},
              {.id = {"bbbbbbbbbbbb"},
               .lives = true,
               .has_card = true,
               .partitions = 24,
               .card = {.version = "1.2.4", .host = "web-2", .started_s = 1699900000, .sockets = 8, .draining = true}},
              {.id = {"cccccccccccc"}, .ended_ms = 200000}},
    .redis = {.version = "7.0.15",
              .memory_bytes = 3 << 20,
              .memory_max_bytes = 64 << 20,
              .clients = 6,
              .commands_per_s = 99,
              .answer_us = 1730},
};

static struct buf text;

static void begin(void)
{
    buf_init(&text, 1 << 16);
}

static void finish(void)
{
    buf_finish(&text);
}

TestSuite(status_text, .init = begin, .fini = finish);

static void expect_table(const char *wanted, struct status_style style, const struct cluster_status *cluster)
{
    status_put_table(&text, cluster, &style);
    cr_expect_str_eq(buf_cstr(&text), wanted);
}

Test(status_text, columns_are_aligned_and_no_line_ends_in_spaces)
{
    expect_table("NODE          STATE           SOCKETS  SESSIONS  CALLS  MSG/S  LAG MS  OWNS     UP  VERSION  HOST\n"
                 "aaaaaaaaaaaa  here               1200      1100     15     77     1.2    40  100 s  1.2.3    web-1\n"
                 "bbbbbbbbbbbb  draining              8         0      0      0     0.0    24   27 h  1.2.4    web-2\n"
                 "cccccccccccc  lost 3 min ago\n"
                 "2 nodes                          1208      1100     15     77            64\n"
                 "Redis 7.0.15: 3.0 MiB of 64.0 MiB, answers in 1.73 ms, 99 commands/s, 6 clients\n",
                 (struct status_style){.width = 0}, &two_and_one);
}

Test(status_text, what_matters_less_makes_room_on_a_narrow_terminal)
{
    expect_table("NODE          STATE           SESSIONS\n"
                 "aaaaaaaaaaaa  here                1100\n"
                 "bbbbbbbbbbbb  draining               0\n"
                 "cccccccccccc  lost 3 min ago\n"
                 "2 nodes                           1100\n"
                 "Redis 7.0.15: 3.0 MiB of 64.0 MiB\n",
                 (struct status_style){.width = 40}, &two_and_one);
}

Test(status_text, no_line_is_wider_than_a_terminal_that_has_room_for_a_name)
{
    for (unsigned width = 14; width <= 120; width++) {
        status_put_table(&text, &two_and_one, &(struct status_style){.width = width});
        struct slice rest = buf_slice(&text), line;
        while (rest.n > 0 && slice_split(&rest, '\n', &line))
            cr_expect_leq(line.n, width, "%.*s", SLICE_FMT(line));
        buf_clear(&text);
    }
}

Test(status_text, nodes_that_a_low_terminal_has_no_room_for_are_counted)
{
    expect_table("NODE          STATE           SOCKETS  SESSIONS  CALLS  MSG/S  LAG MS  OWNS     UP  VERSION  HOST\n"
                 "aaaaaaaaaaaa  here               1200      1100     15     77     1.2    40  100 s  1.2.3    web-1\n"
                 "(2 more)\n"
                 "2 nodes                          1208      1100     15     77            64\n"
                 "Redis 7.0.15: 3.0 MiB of 64.0 MiB, answers in 1.73 ms, 99 commands/s, 6 clients\n",
                 (struct status_style){.height = 6}, &two_and_one);
    for (unsigned height = 5; height <= 9; height++) {
        buf_clear(&text);
        status_put_table(&text, &two_and_one, &(struct status_style){.height = height});
        size_t lines = 0;
        for (size_t i = 0; i < text.n; i++)
            lines += text.p[i] == '\n';
        cr_expect_lt(lines, height, "the line of the cursor has its place as well");
    }
}

Test(status_text, states_have_colours_where_that_is_asked_for)
{
    status_put_table(&text, &two_and_one, &(struct status_style){.colours = true});
    cr_expect(strstr(buf_cstr(&text), "\033[32mhere\033[0m  "), "%s", buf_cstr(&text));
    cr_expect(strstr(buf_cstr(&text), "\033[33mdraining\033[0m"));
    cr_expect(strstr(buf_cstr(&text), "\033[31mlost 3 min ago\033[0m\n"));
}

Test(status_text, a_node_without_a_card_is_shown_for_what_it_is)
{
    struct cluster_status cluster = {
        .count = 1, .partitions = 64, .nodes = {{.id = {"aaaaaaaaaaaa"}, .lives = true, .partitions = 64}}};
    status_put_table(&text, &cluster, &(struct status_style){.width = 0});
    cr_expect(strstr(buf_cstr(&text), "aaaaaaaaaaaa  silent"), "%s", buf_cstr(&text));
    cr_expect(strstr(buf_cstr(&text), "\n1 node "), "%s", buf_cstr(&text));
}

Test(status_text, a_redis_that_nodes_cannot_rely_on_is_marked)
{
    struct cluster_status cluster = {
        .count = 0, .partitions = 64, .redis = {.version = "7.0.15", .is_replica = true, .may_evict = true}};
    status_put_table(&text, &cluster, &(struct status_style){.width = 0});
    cr_expect(strstr(buf_cstr(&text), "Redis 7.0.15, A REPLICA, MAY EVICT: 0.0 MiB"), "%s", buf_cstr(&text));
    buf_clear(&text);
    status_put_json(&text, &cluster);
    cr_expect(strstr(buf_cstr(&text), "\"replica\":true,\"may_evict\":true"), "%s", buf_cstr(&text));
}

Test(status_text, a_redis_that_has_nine_tenths_of_what_it_may_is_marked)
{
    static const struct {
        uint64_t bytes, max;
        bool marked;
    } cases[] = {{899, 1000, false}, {900, 1000, true}, {1200, 1000, true}, {1200, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cluster_status cluster = {
            .partitions = 64,
            .redis = {.version = "7.0.15", .memory_bytes = cases[i].bytes, .memory_max_bytes = cases[i].max}};
        buf_clear(&text);
        status_put_table(&text, &cluster, &(struct status_style){.width = 0});
        cr_expect_eq(strstr(buf_cstr(&text), "Redis 7.0.15, NEARLY FULL: ") != NULL, cases[i].marked, "%s",
                     buf_cstr(&text));
    }
}

Test(status_text, json_has_the_living_the_gone_and_the_sums_on_one_line)
{
    status_put_json(&text, &two_and_one);
    const char *json = buf_cstr(&text);
    cr_expect_eq(strchr(json, '\n'), json + text.n - 1);
    cr_expect(
        strstr(json,
               "{\"node\":\"aaaaaaaaaaaa\",\"state\":\"here\",\"version\":\"1.2.3\",\"host\":\"web-1\",\"up_s\":100,"
               "\"ended_ms\":0,\"sockets\":1200,\"sessions\":1100,\"seats\":30,\"calls\":15,"
               "\"messages_per_s\":77,\"lag_us\":1250,\"partitions\":40}"),
        "%s", json);
    cr_expect(strstr(json, "\"gone\":[{\"node\":\"cccccccccccc\",\"state\":\"lost\""), "%s", json);
    cr_expect(strstr(json, "\"total\":{\"nodes\":2,\"sockets\":1208,\"sessions\":1100,\"seats\":30,\"calls\":15,"
                           "\"messages_per_s\":77}"),
              "%s", json);
}
