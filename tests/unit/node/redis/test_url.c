#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "node/redis/client.h"

static bool same(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

Test(url, what_it_says_is_understood)
{
    static const struct {
        const char *text;
        struct {
            const char *host, *user, *password;
            uint16_t port;
            unsigned database;
            int transport;
            bool tls;
        } want;
    } cases[] = {
        {"redis://localhost", {.host = "localhost", .port = 6379}},
        {"redis://localhost/", {.host = "localhost", .port = 6379}},
        {"redis://redis.example:6380/3", {.host = "redis.example", .port = 6380, .database = 3}},
        {"rediss://r.example", {.tls = true, .host = "r.example", .port = 6379}},
        {"redis://[::1]:7000/0", {.host = "::1", .port = 7000}},
        {"redis://[::1]", {.host = "::1", .port = 6379}},
        {"redis://:secret@10.0.0.1", {.host = "10.0.0.1", .port = 6379, .password = "secret"}},
        {"redis://ann:secret@h:1", {.host = "h", .port = 1, .user = "ann", .password = "secret"}},
        {"redis://a%40b:p%2Fq%3A%25@h", {.host = "h", .port = 6379, .user = "a@b", .password = "p/q:%"}},
        {"redis://u:p@ss:w@h", {.host = "h", .port = 6379, .user = "u", .password = "p@ss:w"}},
        {"unix:///run/redis.sock", {.transport = REDIS_UNIX, .host = "/run/redis.sock"}},
        {"unix://:p@ss@/run/r.sock", {.transport = REDIS_UNIX, .host = "/run/r.sock", .password = "p@ss"}},
        {"unix://op:p%2Fw@/run/a@b.sock?db=3",
         {.transport = REDIS_UNIX, .host = "/run/a@b.sock", .user = "op", .password = "p/w", .database = 3}},
        {"unix:///run/r.sock?db=12", {.transport = REDIS_UNIX, .host = "/run/r.sock", .database = 12}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct redis_url url;
        char why[128] = "";
        cr_assert_eq(redis_url_parse(cases[i].text, &url, WHY_IN(why)), ERR_OK, "%s: %s", cases[i].text, why);
        cr_expect_eq((int)url.transport, cases[i].want.transport, "%s", cases[i].text);
        cr_expect_eq(url.tls, cases[i].want.tls, "%s", cases[i].text);
        cr_expect_eq(url.port, cases[i].want.port, "%s", cases[i].text);
        cr_expect_eq(url.database, cases[i].want.database, "%s", cases[i].text);
        cr_expect_eq(url.database, cases[i].want.database, "%s", cases[i].text);
        cr_expect(same(url.host, cases[i].want.host), "%s: host", cases[i].text);
        cr_expect(same(url.user, cases[i].want.user), "%s: user", cases[i].text);
        cr_expect(same(url.password, cases[i].want.password), "%s: password", cases[i].text);
        redis_url_finish(&url);
    }
}

Test(url, what_is_wrong_is_refused_without_showing_the_password)
{
    static const char *const cases[] = {
        "",
        "localhost:6379",
        "http://h",
        "redis:/h",
        "redis://",
        "redis:///1",
        "redis://h:",
        "redis://h:0",
        "redis://h:65536",
        "redis://h:x",
        "redis://h:+1",
        "redis://::1",
        "redis://[::1",
        "redis://[::1]7",
        "redis://h/x",
        "redis://h/1/2",
        "redis://h/99999",
        "redis://h?db=1",
        "redis://hunter2@h",
        "redis://:@h",
        "redis://u:hunter2%@h",
        "redis://u:hunter2%0@h",
        "redis://u:hunter2%zz@h",
        "redis://u:hunter2%00@h",
        "redis://u:hunter2/x@h",
        "redis://u:hunter2@h h",
        "unix://run/redis.sock",
        "unix://",
        "unix://op@/run/redis.sock",
        "unix://:@/run/redis.sock",
        "unix:///r?db=x",
        "unix:///r?x=1",
        "unix:///"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaa",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct redis_url url = {.port = 77};
        char why[128] = "";
        cr_expect_neq(redis_url_parse(cases[i], &url, WHY_IN(why)), ERR_OK, "%s", cases[i]);
        cr_expect_eq(url.port, 77, "%s: the output was touched", cases[i]);
        cr_expect_neq(why[0], '\0', "%s: no reason", cases[i]);
        cr_expect_null(strstr(why, "hunter2"), "%s: %s", cases[i], why);
    }
}

Test(url, finish_is_safe_twice_and_on_nothing)
{
    struct redis_url url;
    char why[64];
    cr_assert_eq(redis_url_parse("redis://u:p@h", &url, WHY_IN(why)), ERR_OK);
    redis_url_finish(&url);
    redis_url_finish(&url);
    redis_url_finish(NULL);
}
