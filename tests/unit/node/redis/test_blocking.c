#include "node/redis/blocking.h"

#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/node/redis/redis_server.h"

static struct redis_server *server;

Test(blocking, it_answers_or_says_why_not)
{
    static const char *const extra[] = {"--requirepass", "s3cret", NULL};
    struct redisReply *reply = NULL;
    struct redis_url url;
    char why[200] = "";
    struct slice get[] = {SLICE("GET"), SLICE("k")};
    server = redis_server_start(extra);
    cr_assert_eq(redis_url_parse(redis_server_url(server), &url, WHY_IN(why)), ERR_OK);
    cr_expect_eq(redis_blocking_ask(&url, get, 2, &reply, WHY_IN(why)), ERR_UNAVAILABLE);
    cr_expect(strstr(why, "NOAUTH"), "%s", why);
    url.password = slice_dup(SLICE("hunter2"));
    cr_expect_eq(redis_blocking_ask(&url, get, 2, &reply, WHY_IN(why)), ERR_UNAVAILABLE);
    cr_expect(strstr(why, "WRONGPASS"), "%s", why);
    cr_expect_null(strstr(why, "hunter2"));
    free(url.password);
    url.password = slice_dup(SLICE("s3cret"));
    cr_assert_eq(redis_blocking_ask(&url, get, 2, &reply, WHY_IN(why)), ERR_OK, "%s", why);
    cr_expect_eq(reply->type, REDIS_REPLY_NIL);
    redis_reply_free(reply);
    redis_server_kill(server);
    cr_expect_eq(redis_blocking_ask(&url, get, 2, &reply, WHY_IN(why)), ERR_UNAVAILABLE);
    cr_expect(strstr(why, "refused"), "%s", why);
    redis_url_finish(&url);
    redis_server_stop(server);
}

Test(blocking, a_server_that_quotes_the_password_is_not_quoted)
{
    static const char *const extra[] = {"--rename-command", "AUTH", "NOAUTHHERE", NULL};
    struct redisReply *reply = NULL;
    struct redis_url url;
    char why[200] = "";
    server = redis_server_start(extra);
    cr_assert_eq(redis_url_parse(redis_server_url(server), &url, WHY_IN(why)), ERR_OK);
    url.password = slice_dup(SLICE("hunter2"));
    cr_expect_eq(redis_blocking_ask(&url, (struct slice[]){SLICE("PING")}, 1, &reply, WHY_IN(why)), ERR_UNAVAILABLE);
    cr_expect(strstr(why, "AUTH"), "%s", why);
    cr_expect_null(strstr(why, "hunter2"), "%s", why);
    redis_url_finish(&url);
    redis_server_stop(server);
}

Test(blocking, a_server_of_a_cluster_of_several_is_told_by_its_answer)
{
    struct redisReply *reply = NULL;
    struct redis_url url;
    char why[200] = "";
    struct slice moved[] = {SLICE("EVAL"), SLICE("return redis.error_reply('MOVED 14041 127.0.0.1:7753')"), SLICE("0")};
    server = redis_server_start(NULL);
    cr_assert_eq(redis_url_parse(redis_server_url(server), &url, WHY_IN(why)), ERR_OK);
    cr_expect_eq(redis_blocking_ask(&url, moved, 3, &reply, WHY_IN(why)), ERR_UNAVAILABLE);
    cr_expect(strstr(why, "Redis Cluster of several"), "%s", why);
    redis_url_finish(&url);
    redis_server_stop(server);
}

/* Whoever looked whether the server listens may still be gone only in a moment. */
static redisContext *the_only_client(const struct redis_server *s)
{
    for (int i = 0; i < 10000; i++) {
        redisContext *c = redisConnectUnix(redis_server_url(s) + strlen("unix://"));
        redisReply *pong = c ? redisCommand(c, "PING") : NULL;
        bool is_in = pong && pong->type == REDIS_REPLY_STATUS;
        freeReplyObject(pong);
        if (is_in)
            return c;
        redisFree(c);
    }
    cr_assert_fail("nobody is let in");
    return NULL;
}

Test(blocking, a_server_that_is_full_says_so)
{
    static const char *const extra[] = {"--maxclients", "1", NULL};
    struct redisReply *reply = NULL;
    struct redis_url url;
    char why[200] = "";
    struct slice ping[] = {SLICE("PING")};

    signal(SIGPIPE, SIG_IGN); /* who is not let in writes to a socket that is closed */
    server = redis_server_start(extra);
    redisContext *only = the_only_client(server);
    cr_assert_eq(redis_url_parse(redis_server_url(server), &url, WHY_IN(why)), ERR_OK);
    for (int i = 0; i < 20; i++) { /* with and without a password; whichever of the two is quicker */
        cr_expect_eq(redis_blocking_ask(&url, ping, 1, &reply, WHY_IN(why)), ERR_UNAVAILABLE);
        cr_expect(strstr(why, "max number of clients"), "%s", why);
        if (!url.password)
            url.password = slice_dup(SLICE("s3cret"));
    }
    redisFree(only);
    redis_url_finish(&url);
    redis_server_stop(server);
}
