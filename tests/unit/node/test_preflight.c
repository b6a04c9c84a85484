#include "node/preflight.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/config.h"
#include "node/redis/embedded.h"

static const char *const none[] = {NULL};

/* Settings that only look at Redis. */
static struct config settings(uint64_t partitions, bool dev)
{
    return (struct config){.partitions = partitions, .dev = dev, .jwt_key = none};
}

static struct embedded_redis *redis_start(void)
{
    struct embedded_redis *redis = NULL;
    char why[256] = "";
    cr_assert_eq(embedded_redis_start(NULL, &redis, WHY_IN(why)), ERR_OK, "%s", why);
    return redis;
}

/* What is told when this Redis is looked at; "" if all is well. The caller frees it. */
static char *look(const struct config *c, const char *url, struct preflight *ret_found, enum err expected)
{
    struct buf problems;
    buf_init(&problems, 65536);
    cr_expect_eq(preflight_redis(c, url, ret_found, &problems), expected, "%s", buf_cstr(&problems));
    char *text = slice_dup(buf_slice(&problems));
    buf_finish(&problems);
    return text;
}

static void look_well(const struct config *c, const char *url, struct preflight *ret_found)
{
    char *text = look(c, url, ret_found, ERR_OK);
    cr_expect_str_eq(text, "");
    free(text);
}

static void look_ill(const struct config *c, const char *url, enum err expected, const char *part)
{
    struct preflight found;
    char *text = look(c, url, &found, expected);
    cr_expect_not_null(strstr(text, part), "\"%s\" in: %s", part, text);
    free(text);
}

Test(preflight, the_first_node_fixes_the_partitions)
{
    struct embedded_redis *redis = redis_start();
    const char *url = embedded_redis_url(redis);
    const struct config ours = settings(64, false), theirs = settings(32, false);
    struct preflight found;
    look_well(&ours, url, &found);
    look_well(&ours, url, &found);
    look_ill(&theirs, url, ERR_CONFLICT,
             "first used with 64 partitions, this node has 32: start it with --partitions 64");
    look_well(&ours, url, &found);
    cr_expect_str_eq(found.dev_key, "");
    embedded_redis_stop(redis);
}

Test(preflight, all_nodes_of_a_development_store_share_one_key)
{
    struct embedded_redis *redis = redis_start();
    const struct config dev = settings(64, true);
    struct preflight one, other;
    look_well(&dev, embedded_redis_url(redis), &one);
    look_well(&dev, embedded_redis_url(redis), &other);
    cr_expect_eq(strlen(one.dev_key), REDIS_DEV_KEY_CHARS);
    cr_expect_str_eq(one.dev_key, other.dev_key);
    embedded_redis_stop(redis);
}

Test(preflight, with_a_key_of_ones_own_none_is_made_up)
{
    static const char *const keys[] = {"HS256:x", NULL};
    struct embedded_redis *redis = redis_start();
    struct config dev = settings(64, true);
    struct preflight found;
    dev.jwt_key = keys;
    look_well(&dev, embedded_redis_url(redis), &found);
    cr_expect_str_eq(found.dev_key, "");
    embedded_redis_stop(redis);
}

Test(preflight, an_unreachable_redis_is_told)
{
    const struct config c = settings(64, false);
    look_ill(&c, "unix:///nowhere/redis.sock", ERR_UNAVAILABLE, "nowhere");
}

Test(preflight, an_address_that_is_none_is_told_without_its_password)
{
    const struct config c = settings(64, false);
    struct preflight found;
    char *text = look(&c, "http://:s3cret@host", &found, ERR_SYNTAX);
    cr_expect_not_null(strstr(text, "--redis: "));
    cr_expect_null(strstr(text, "s3cret"), "%s", text);
    free(text);
}

/* ---- a Redis of another kind: answers INFO with `info`, all else with +OK, until it is killed ---- */

struct fake {
    char dir[32];
    char path[64];
    char url[80];
    pid_t pid;
};

static void fake_send(int fd, const char *text, size_t n)
{
    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        _exit(1);
}

/* Commands may come together: each begins with a `*`, which stands nowhere else in them. */
static void fake_answer(int fd, const char *info)
{
    char in[4096];
    ssize_t n;
    while ((n = recv(fd, in, sizeof in, 0)) > 0) {
        struct slice rest = slice_make(in, (size_t)n), command;
        (void)slice_split(&rest, '*', &command);
        while (slice_split(&rest, '*', &command)) {
            if (memmem(command.p, command.n, "INFO", 4)) {
                char out[512];
                fake_send(fd, out, (size_t)snprintf(out, sizeof out, "$%zu\r\n%s\r\n", strlen(info), info));
            } else {
                fake_send(fd, "+OK\r\n", 5);
            }
        }
    }
    close(fd);
}

static struct fake fake_start(const char *info)
{
    struct fake f = {.dir = "/tmp/test_preflight.XXXXXX"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cr_assert_not_null(mkdtemp(f.dir));
    snprintf(f.path, sizeof f.path, "%s/sock", f.dir);
    snprintf(f.url, sizeof f.url, "unix://%s", f.path);
    memcpy(address.sun_path, f.path, strlen(f.path) + 1);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, 8), 0);
    f.pid = fork();
    if (f.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            fake_answer(accept(listener, NULL, NULL), info);
    }
    close(listener);
    return f;
}

static void fake_stop(const struct fake *f)
{
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    unlink(f->path);
    rmdir(f->dir);
}

Test(preflight, an_old_redis_is_refused)
{
    static const struct {
        const char *info, *part;
    } cases[] = {
        {"# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n",
         "Redis 6.2.14 is too old: version 7 or later is needed"},
        {"# Server\r\nredis_mode:standalone\r\n", "does not say which version it is"},
        {"xredis_version:9.0.0\r\n", "does not say which version it is"},
    };
    const struct config c = settings(64, false);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake f = fake_start(cases[i].info);
        look_ill(&c, f.url, ERR_UNSUPPORTED, cases[i].part);
        fake_stop(&f);
    }
}

/* ---- files ---- */

Test(preflight, files_that_cannot_be_read_are_named)
{
    static const char *const keys[] = {"RS256:@/nowhere/issuer.pem", "HS256:short", NULL};
    const struct config c = {
        .jwt_key = keys,
        .tls_cert = "/nowhere/cert.pem",
        .tls_key = "/tmp",
        .redis_ca = "/nowhere/ca.pem",
        .ice_config = "/nowhere/ice.json",
    };
    static const char *const parts[] = {
        "--tls-cert: /nowhere/cert.pem can't be read: No such file or directory\n",
        "--tls-key: /tmp can't be read: Is a directory\n",
        "--redis-ca: /nowhere/ca.pem can't be read",
        "/nowhere/issuer.pem",
        "/nowhere/ice.json",
        "32",
    };
    struct buf problems;
    buf_init(&problems, 65536);
    cr_expect_eq(preflight_files(&c, &problems), ERR_IO);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        cr_expect_not_null(strstr(buf_cstr(&problems), parts[i]), "\"%s\" in: %s", parts[i], buf_cstr(&problems));
    cr_expect_null(strstr(buf_cstr(&problems), "short\n"));
    buf_finish(&problems);
}

Test(preflight, good_files_are_let_pass)
{
    static const char *const keys[] = {"HS256:0123456789abcdef0123456789abcdef", NULL};
    const struct config c = {.jwt_key = keys, .tls_cert = "/etc/passwd", .tls_key = "/etc/passwd"};
    struct buf problems;
    buf_init(&problems, 65536);
    cr_expect_eq(preflight_files(&c, &problems), ERR_OK);
    cr_expect_eq(problems.n, 0);
    buf_finish(&problems);
}
