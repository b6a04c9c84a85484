#include "tests/unit/node/redis/redis_server.h"

#include <fcntl.h>
#include <ftw.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGS_MAX = 48, PATH_BYTES = 100, ASK_TIMEOUT_S = 20, START_TRIES = 2000, POLL_MS = 5 };

struct redis_server {
    char dir[PATH_BYTES];
    char socket[PATH_BYTES + 16];
    char url[PATH_BYTES + 32];
    char *args[ARGS_MAX];
    size_t count;
    pid_t pid;
};

static void fail(const char *what)
{
    perror(what);
    abort();
}

static void add_arg(struct redis_server *server, const char *arg)
{
    if (server->count >= ARGS_MAX - 1)
        fail("too many arguments");
    server->args[server->count++] = strdup(arg);
}

static redisContext *connect_server(const struct redis_server *server)
{
    redisContext *c = redisConnectUnixWithTimeout(server->socket, (struct timeval){.tv_sec = ASK_TIMEOUT_S});

    if (c && c->err) {
        redisFree(c);
        c = NULL;
    }
    if (c) {
        redisSetTimeout(c, (struct timeval){.tv_sec = ASK_TIMEOUT_S});
    }
    return c;
}

static void wait_until_listening(const struct redis_server *server)
{
    for (int i = 0; i < START_TRIES; i++) {
        redisContext *c = connect_server(server);
        if (c) {
            redisFree(c);
            return;
        }
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            fail("redis-server ended at once");
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    fail("redis-server does not listen");
}

static void spawn(struct redis_server *server)
{
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid < 0)
        fail("fork");
    if (server->pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            execvp(server->args[0], server->args);
        _exit(127);
    }
    wait_until_listening(server);
}

struct redis_server *redis_server_start(const char *const *extra)
{
    struct redis_server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    snprintf(server->dir, sizeof server->dir, "/tmp/switchboard-test.XXXXXX");
    if (!mkdtemp(server->dir))
        fail("mkdtemp");
    snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->dir);
    snprintf(server->url, sizeof server->url, "unix://%s", server->socket);
    const char *const own[] = {"redis-server",
                               "--port",
                               "0",
                               "--unixsocket",
                               server->socket,
                               "--dir",
                               server->dir,
                               "--save",
                               "",
                               "--appendonly",
                               "no",
                               "--daemonize",
                               "no",
                               "--enable-debug-command",
                               "yes",
                               NULL};
    for (size_t i = 0; own[i]; i++)
        add_arg(server, own[i]);
    for (; extra && *extra; extra++)
        add_arg(server, *extra);
    spawn(server);
    return server;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGKILL);
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

void redis_server_stop(struct redis_server *server)
{
    if (!server)
        return;
    redis_server_kill(server);
    nftw(server->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < server->count; i++)
        free(server->args[i]);
    free(server);
}

void redis_server_again(struct redis_server *server)
{
    unlink(server->socket);
    spawn(server);
}

void redis_server_freeze(struct redis_server *server)
{
    kill(server->pid, SIGSTOP);
    /* It stops soon, not at once. */
    waitpid(server->pid, NULL, WUNTRACED);
}

void redis_server_thaw(struct redis_server *server)
{
    kill(server->pid, SIGCONT);
}

const char *redis_server_url(const struct redis_server *server)
{
    return server->url;
}

const char *redis_server_dir(const struct redis_server *server)
{
    return server->dir;
}

pid_t redis_server_pid(const struct redis_server *server)
{
    return server->pid;
}

struct redisReply *redis_server_ask(const struct redis_server *server, const char *format, ...)
{
    redisContext *c = connect_server(server);
    va_list args;

    if (!c)
        fail("connect");
    va_start(args, format);
    struct redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    redisFree(c);
    if (!reply)
        fail("no reply");
    return reply;
}
