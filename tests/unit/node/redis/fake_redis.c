#include "tests/unit/node/redis/fake_redis.h"

#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_conn {
    uv_pipe_t pipe;
    struct fake_redis *fake;
    int number;
    redisReader *reader; /* a command looks like a reply that is an array */
    char chunk[65536];
};

static void on_closed(uv_handle_t *handle)
{
    struct fake_conn *conn = handle->data;
    redisReaderFree(conn->reader);
    free(conn);
}

void fake_hang_up(struct fake_conn *conn)
{
    for (size_t i = 0; i < sizeof conn->fake->conns / sizeof *conn->fake->conns; i++) {
        if (conn->fake->conns[i] == conn)
            conn->fake->conns[i] = NULL;
    }
    if (!uv_is_closing((uv_handle_t *)&conn->pipe))
        uv_close((uv_handle_t *)&conn->pipe, on_closed);
}

void fake_say(struct fake_conn *conn, const char *text)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));

    if (!uv_is_closing((uv_handle_t *)&conn->pipe))
        (void)uv_try_write((uv_stream_t *)&conn->pipe, &buf, 1);
}

int fake_number(const struct fake_conn *conn)
{
    return conn->number;
}

int fake_login(struct fake_conn *conn, const char *name)
{
    if (strcmp(name, "PING") == 0) {
        fake_say(conn, "+PONG\r\n");
        return 1;
    }
    if (strcmp(name, "AUTH") == 0 || strcmp(name, "SELECT") == 0 || strcmp(name, "CLIENT") == 0) {
        fake_say(conn, "+OK\r\n");
        return 1;
    }
    conn->fake->commands++;
    return 0;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
    struct fake_conn *conn = handle->data;
    (void)size;
    *ret_buf = uv_buf_init(conn->chunk, sizeof conn->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct fake_conn *conn = stream->data;
    void *command = NULL;
    if (n < 0) {
        fake_hang_up(conn);
        return;
    }
    redisReaderFeed(conn->reader, buf->base, (size_t)n);
    while (!uv_is_closing((uv_handle_t *)&conn->pipe) && redisReaderGetReply(conn->reader, &command) == REDIS_OK &&
           command) {
        struct redisReply *reply = command;
        conn->fake->on_command(conn->fake, conn, reply->element[0]->str, reply);
        freeReplyObject(reply);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake_redis *fake = listener->data;
    struct fake_conn *conn = calloc(1, sizeof *conn);
    cr_assert(status == 0 && conn);
    uv_pipe_init(listener->loop, &conn->pipe, 0);
    conn->pipe.data = conn;
    conn->fake = fake;
    conn->reader = redisReaderCreate();
    cr_assert_eq(uv_accept(listener, (uv_stream_t *)&conn->pipe), 0);
    conn->number = ++fake->connections;
    for (size_t i = 0; i < sizeof fake->conns / sizeof *fake->conns; i++) {
        if (!fake->conns[i]) {
            fake->conns[i] = conn;
            break;
        }
    }
    uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_read);
}

void fake_redis_init(struct fake_redis *fake, fake_command_fn *on_command)
{
    memset(fake, 0, sizeof *fake);
    snprintf(fake->dir, sizeof fake->dir, "/tmp/switchboard-test.XXXXXX");
    cr_assert(mkdtemp(fake->dir));
    snprintf(fake->path, sizeof fake->path, "%s/redis.sock", fake->dir);
    snprintf(fake->url, sizeof fake->url, "unix://%s", fake->path);
    fake->on_command = on_command;
}

void fake_redis_listen(struct fake_redis *fake, uv_loop_t *loop)
{
    uv_pipe_init(loop, &fake->listener, 0);
    fake->listener.data = fake;
    cr_assert_eq(uv_pipe_bind(&fake->listener, fake->path), 0);
    cr_assert_eq(uv_listen((uv_stream_t *)&fake->listener, 16, on_connection), 0);
}

void fake_redis_finish(struct fake_redis *fake)
{
    for (size_t i = 0; i < sizeof fake->conns / sizeof *fake->conns; i++) {
        if (fake->conns[i])
            fake_hang_up(fake->conns[i]);
    }
    uv_close((uv_handle_t *)&fake->listener, NULL);
    unlink(fake->path);
    rmdir(fake->dir);
}
