#include <criterion/criterion.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/redis/blocking.h"
#include "node/redis/embedded.h"

static struct embedded_redis *start(const char *dir)
{
    struct embedded_redis *redis = NULL;
    char why[256] = "";
    cr_assert_eq(embedded_redis_start(dir, &redis, WHY_IN(why)), ERR_OK, "%s", why);
    return redis;
}

static struct redisReply *ask(const char *url_text, const struct slice *args, size_t count)
{
    struct redis_url url;
    struct redisReply *reply = NULL;
    char why[256] = "";
    cr_assert_eq(redis_url_parse(url_text, &url, WHY_IN(why)), ERR_OK, "%s", why);
    cr_assert_eq(redis_blocking_ask(&url, args, count, &reply, WHY_IN(why)), ERR_OK, "%s", why);
    redis_url_finish(&url);
    return reply;
}

static void expect_config(const struct embedded_redis *redis, const char *name, const char *want)
{
    struct redisReply *reply =
        ask(embedded_redis_url(redis), (struct slice[]){SLICE("CONFIG"), SLICE("GET"), slice_of(name)}, 3);

    cr_assert_eq(reply->elements, 2, "%s", name);
    cr_expect_str_eq(reply->element[1]->str, want, "%s", name);
    redis_reply_free(reply);
}

static void path_of_dir(const struct embedded_redis *redis, char *ret_dir, size_t size)
{
    snprintf(ret_dir, size, "%s", embedded_redis_url(redis) + strlen("unix://"));
    *strrchr(ret_dir, '/') = '\0';
}

Test(embedded, it_answers_on_a_private_socket_and_leaves_nothing_behind)
{
    struct embedded_redis *redis = start(NULL);
    struct stat st;
    char dir[128];
    pid_t pid = embedded_redis_pid(redis);
    path_of_dir(redis, dir, sizeof dir);
    cr_assert_eq(stat(dir, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0700);
    cr_assert_eq(stat(embedded_redis_url(redis) + strlen("unix://"), &st), 0);
    cr_expect_eq(st.st_mode & 0077, 0);
    expect_config(redis, "port", "0");
    expect_config(redis, "maxmemory-policy", "noeviction");
    expect_config(redis, "save", "");
    expect_config(redis, "appendonly", "no");
    expect_config(redis, "client-output-buffer-limit",
                  "normal 0 0 0 slave 268435456 67108864 60 pubsub 67108864 33554432 60");
    cr_expect_neq(getsid(pid), getsid(0), "Ctrl-C would reach it before us");
    embedded_redis_stop(redis);
    cr_expect_eq(stat(dir, &st), -1);
    cr_expect(kill(pid, 0) == -1 && errno == ESRCH);
}

Test(embedded, a_given_directory_keeps_the_data)
{
    char parent[] = "/tmp/switchboard-test.XXXXXX";
    char dir[64];
    cr_assert(mkdtemp(parent));
    snprintf(dir, sizeof dir, "%s/data", parent);
    struct embedded_redis *redis = start(dir);
    expect_config(redis, "appendonly", "yes");
    redis_reply_free(ask(embedded_redis_url(redis), (struct slice[]){SLICE("SET"), SLICE("k"), SLICE("kept")}, 3));
    kill(embedded_redis_pid(redis), SIGKILL); /* not even a tidy end is needed */
    embedded_redis_stop(redis);

    redis = start(dir);
    struct redisReply *reply = ask(embedded_redis_url(redis), (struct slice[]){SLICE("GET"), SLICE("k")}, 2);
    cr_assert_eq(reply->type, REDIS_REPLY_STRING);
    cr_expect_str_eq(reply->str, "kept");
    redis_reply_free(reply);
    embedded_redis_stop(redis);

    char command[128];
    snprintf(command, sizeof command, "rm -r %s", parent);
    cr_expect_eq(system(command), 0);
}

Test(embedded, a_directory_serves_one_node_at_a_time)
{
    char dir[] = "/tmp/switchboard-test.XXXXXX";
    char command[128];
    char why[256] = "";
    struct embedded_redis *second = NULL;
    cr_assert(mkdtemp(dir));
    struct embedded_redis *first = start(dir);
    cr_expect_neq(embedded_redis_start(dir, &second, WHY_IN(why)), ERR_OK);
    cr_expect(strstr(why, "another node"), "%s", why);
    redis_reply_free(ask(embedded_redis_url(first), (struct slice[]){SLICE("PING")}, 1));
    embedded_redis_stop(first);
    second = start(dir);
    embedded_redis_stop(second);
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}

Test(embedded, it_dies_with_its_parent)
{
    struct {
        pid_t pid;
        char dir[128];
    } server = {0};
    int result[2];
    char command[192];

    cr_assert_eq(pipe(result), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct embedded_redis *redis = NULL;
        char why[256];
        if (embedded_redis_start(NULL, &redis, WHY_IN(why)) == ERR_OK) {
            server.pid = embedded_redis_pid(redis);
            path_of_dir(redis, server.dir, sizeof server.dir);
        }
        (void)!write(result[1], &server, sizeof server);
        raise(SIGKILL);
    }
    cr_assert_eq(read(result[0], &server, sizeof server), (ssize_t)sizeof server);
    cr_assert_gt(server.pid, 0);
    waitpid(parent, NULL, 0);
    /* It is not our child: a pidfd tells when it is gone. */
    int fd = (int)syscall(SYS_pidfd_open, server.pid, 0);
    if (fd >= 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        cr_expect_eq(poll(&p, 1, 60000), 1, "it outlived its parent");
        close(fd);
    } else {
        cr_expect_eq(errno, ESRCH);
    }
    snprintf(command, sizeof command, "rm -r %s", server.dir);
    cr_expect_eq(system(command), 0);
}

Test(embedded, what_is_missing_is_said)
{
    static const struct {
        const char *dir;
        const char *want;
    } cases[] = {
        {"/tmp/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a",
         "too long"},
        {"/proc/nowhere/data", "No such file"},
        {"/dev/null", "Not a directory"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct embedded_redis *redis = NULL;
        char why[256] = "";
        cr_expect_neq(embedded_redis_start(cases[i].dir, &redis, WHY_IN(why)), ERR_OK);
        cr_expect(strstr(why, cases[i].want), "%s: %s", cases[i].dir, why);
        cr_expect_null(redis);
        rmdir(cases[i].dir);
    }
}

Test(embedded, a_server_that_is_not_installed_is_named)
{
    struct embedded_redis *redis = NULL;
    char why[256] = "";
    setenv("PATH", "/nowhere", 1);
    cr_expect_neq(embedded_redis_start(NULL, &redis, WHY_IN(why)), ERR_OK);
    cr_expect(strstr(why, "apt-get install redis-server"), "%s", why);
}

Test(embedded, stopping_nothing_is_fine)
{
    embedded_redis_stop(NULL);
}
