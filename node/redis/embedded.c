#include "node/redis/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "node/redis/blocking.h"

enum {
    START_MAX_MS = 10000,
    STOP_MAX_MS = 5000,
    POLL_MS = 5,
    PATH_MAX_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path),
    URL_MAX_BYTES = sizeof "unix://" + PATH_MAX_BYTES,
    ARGS_MAX = 40,
    LOG_TAIL_BYTES = 160,
};

struct embedded_redis {
    char dir[PATH_MAX_BYTES];
    char socket[PATH_MAX_BYTES];
    char url[URL_MAX_BYTES];
    bool made_dir; /* ours to remove */
    int lock;      /* of a directory that was given; -1: none */
    pid_t pid;
};

static const char *const own_files[] = {"redis.sock", "redis.log"};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

static bool path_in(char *ret_path, size_t size, const char *dir, const char *name)
{
    int n = snprintf(ret_path, size, "%s/%s", dir, name);
    return n > 0 && (size_t)n < size;
}

static enum err fail_with(struct why why, const char *what, int error)
{
    return why_fail(why, ERR_IO, "%s: %s", what, strerror(error));
}

static enum err make_dir(struct embedded_redis *redis, struct why why)
{
    snprintf(redis->dir, sizeof redis->dir, "/tmp/switchboard-redis.XXXXXX");
    if (!mkdtemp(redis->dir))
        return fail_with(why, "a directory in /tmp", errno);
    redis->made_dir = true;
    return ERR_OK;
}

/* Two servers that append to one file would ruin it: the lock is ours as long as we live. */
static enum err lock_dir(struct embedded_redis *redis, struct why why)
{
    char path[PATH_MAX_BYTES + 8];
    if (!path_in(path, sizeof path, redis->dir, "lock"))
        return fail_with(why, "the Redis directory", ENAMETOOLONG);
    redis->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (redis->lock < 0)
        return fail_with(why, "the Redis directory", errno);
    if (flock(redis->lock, LOCK_EX | LOCK_NB) != 0)
        return fail_with(why, "the Redis directory is used by another node", errno);
    return ERR_OK;
}

static enum err take_dir(struct embedded_redis *redis, const char *dir, struct why why)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail_with(why, "the Redis directory", errno);
    char *absolute =
        realpath(dir, NULL); /* the server changes into it: a relative path would mean another place there */
    if (!absolute)
        return fail_with(why, "the Redis directory", errno);
    int n = snprintf(redis->dir, sizeof redis->dir, "%s", absolute);
    free(absolute);
    if ((size_t)n >= sizeof redis->dir)
        redis->dir[0] = '\0';
    return redis->dir[0] ? lock_dir(redis, why) : ERR_TOO_LARGE;
}

static enum err name_socket(struct embedded_redis *redis, struct why why)
{
    if (redis->dir[0] == '\0' || !path_in(redis->socket, sizeof redis->socket, redis->dir, own_files[0]))
        return why_fail(why, ERR_TOO_LARGE,
                        "the Redis directory's name is too long for a Unix socket in it (%d bytes at most)",
                        (int)(PATH_MAX_BYTES - sizeof "/redis.sock"));
    snprintf(redis->url, sizeof redis->url, "unix://%s", redis->socket);
    return ERR_OK;
}

static void leave_dir(struct embedded_redis *redis)
{
    char path[PATH_MAX_BYTES + 16];
    for (size_t i = 0; redis->made_dir && i < ARRAY_SIZE(own_files); i++) {
        if (path_in(path, sizeof path, redis->dir, own_files[i]))
            unlink(path);
    }
    if (redis->made_dir)
        rmdir(redis->dir);
    if (redis->lock >= 0)
        close(redis->lock);
}

struct args {
    const char *value[ARGS_MAX];
    size_t n;
};

static void add_args(struct args *args, const char *const *list)
{
    for (; *list && args->n < ARGS_MAX - 1; list++)
        args->value[args->n++] = *list;
    args->value[args->n] = NULL;
}

static void server_args(const struct embedded_redis *redis, struct args *ret_args)
{
    *ret_args = (struct args){.n = 0};
    add_args(ret_args, (const char *const[]){"redis-server", "--port", "0", "--daemonize", "no", "--unixsocketperm",
                                             "700", "--save", "", "--loglevel", "warning", NULL});
    add_args(ret_args, (const char *const[]){"--unixsocket", redis->socket, "--dir", redis->dir, "--logfile",
                                             own_files[1], NULL});
    /* Without a directory to keep there is nothing to keep. */
    add_args(ret_args, (const char *const[]){"--appendonly", redis->made_dir ? "no" : "yes", "--appendfsync",
                                             "everysec", "--maxmemory-policy", "noeviction", NULL});
    /* A node reads its events at 20,000 a second of 0.7 KB or so: 64 MB let it stall for four seconds. One that is cut off reads its mailboxes. */
    add_args(ret_args, (const char *const[]){"--client-output-buffer-limit", "pubsub 64mb 32mb 60", NULL});
    /* A stream's first page is as large as this, whatever is in it, and a session in a call has two streams: a call takes half the memory that it does with
       pages of 4 KiB, and no more time that could be measured. */
    add_args(ret_args, (const char *const[]){"--stream-node-max-bytes", "512", NULL});
}

/* In the child, between fork and exec: only what is safe there. */
static void become_server(const struct args *args, pid_t parent, int report)
{
    int nothing = open("/dev/null", O_RDWR);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    setsid(); /* the terminal's Ctrl-C is for the node, which ends this in order */
    /* SIGKILL, since a server inside a long script heeds nothing else; what it answered is in its file all the same. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        /* execvp() takes what main() gets: strings that it does not change. */
        union {
            const char *const *given;
            char *const *wanted;
        } argv = {.given = args->value};
        execvp(argv.wanted[0], argv.wanted);
    }
    int error = errno;
    (void)!write(report, &error, sizeof error);
    _exit(127);
}

static enum err spawn(struct embedded_redis *redis, struct why why)
{
    struct args args;
    int report[2];
    int error = 0;
    pid_t parent = getpid();
    server_args(redis, &args);
    if (pipe2(report, O_CLOEXEC) != 0)
        return fail_with(why, "pipe", errno);
    redis->pid = fork();
    if (redis->pid == 0)
        become_server(&args, parent, report[1]);
    int fork_error = errno;
    close(report[1]);
    /* Nothing comes when exec succeeds: the pipe just closes. */
    bool failed = redis->pid > 0 && read(report[0], &error, sizeof error) == (ssize_t)sizeof error;
    close(report[0]);
    if (redis->pid < 0)
        return fail_with(why, "fork", fork_error);
    if (failed) {
        waitpid(redis->pid, NULL, 0);
        redis->pid = -1;
        if (error == ENOENT)
            return why_fail(why, ERR_IO, "redis-server is not installed: apt-get install redis-server");
        return fail_with(why, "redis-server", error);
    }
    return ERR_OK;
}

/* Its last words, which a start that failed takes with it. */
static void last_log_line(const struct embedded_redis *redis, char *ret_line, size_t size)
{
    char path[PATH_MAX_BYTES + 16];
    char tail[LOG_TAIL_BYTES + 1] = "";
    FILE *file = path_in(path, sizeof path, redis->dir, own_files[1]) ? fopen(path, "re") : NULL;

    if (file) {
        if (fseek(file, -LOG_TAIL_BYTES, SEEK_END) != 0)
            rewind(file);
        tail[fread(tail, 1, LOG_TAIL_BYTES, file)] = '\0';
        fclose(file);
    }
    struct slice text = slice_trim(slice_of(tail));
    size_t from = text.n;
    while (from > 0 && text.p[from - 1] != '\n')
        from--;
    snprintf(ret_line, size, "%.*s", (int)(text.n - from), text.p ? text.p + from : "");
}

static bool answers(const struct redis_url *url, struct why why)
{
    struct redisReply *reply = NULL;
    if (redis_blocking_ask(url, (struct slice[]){SLICE("PING")}, 1, &reply, why) != ERR_OK)
        return false;
    redis_reply_free(reply);
    return true;
}

static enum err wait_for_answer(struct embedded_redis *redis, struct why why)
{
    uint64_t until = clock_steady_ms() + START_MAX_MS;
    struct redis_url url;
    char line[LOG_TAIL_BYTES + 1];
    if (redis_url_parse(redis->url, &url, why) != ERR_OK)
        return ERR_IO;
    enum err err = ERR_TIMEOUT;
    do {
        /* Until the socket is there, asking would only fill the log. */
        if (access(redis->socket, F_OK) == 0 && answers(&url, why)) {
            err = ERR_OK;
        } else if (waitpid(redis->pid, NULL, WNOHANG) == redis->pid) {
            redis->pid = -1;
            last_log_line(redis, line, sizeof line);
            err = why_fail(why, ERR_IO, "redis-server ended at once: %s", line);
        } else {
            nap();
        }
    } while (err == ERR_TIMEOUT && clock_steady_ms() < until);
    if (err == ERR_TIMEOUT)
        why_fail(why, err, "redis-server did not answer within %d s", START_MAX_MS / 1000);
    redis_url_finish(&url);
    return err;
}

enum err embedded_redis_start(const char *dir, struct embedded_redis **ret_redis, struct why why)
{
    struct embedded_redis *redis = calloc(1, sizeof *redis);
    enum err err;
    if (!redis)
        abort();
    redis->pid = -1;
    redis->lock = -1;
    err = dir ? take_dir(redis, dir, why) : make_dir(redis, why);
    if (err == ERR_OK || err == ERR_TOO_LARGE)
        err = name_socket(redis, why);
    if (err == ERR_OK) {
        unlink(redis->socket); /* of a server that was killed */
        err = spawn(redis, why);
    }
    if (err == ERR_OK)
        err = wait_for_answer(redis, why);
    if (err != ERR_OK) {
        embedded_redis_stop(redis);
        return err;
    }
    log_info("redis.started", LOG_CSTR("kept", dir ? "yes" : "no"), LOG_I64("pid", redis->pid));
    *ret_redis = redis;
    return ERR_OK;
}

const char *embedded_redis_url(const struct embedded_redis *redis)
{
    return redis->url;
}

pid_t embedded_redis_pid(const struct embedded_redis *redis)
{
    return redis->pid;
}

static void end_child(pid_t pid)
{
    uint64_t until = clock_steady_ms() + STOP_MAX_MS;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (clock_steady_ms() >= until) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            break;
        }
        nap();
    }
}

void embedded_redis_stop(struct embedded_redis *redis)
{
    if (!redis)
        return;
    if (redis->pid > 0)
        end_child(redis->pid);
    leave_dir(redis);
    free(redis);
}
