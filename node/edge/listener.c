#include "node/edge/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "node/edge/state.h"

enum {
    BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
    ACCEPT_BATCH = 64,
    RETRY_MS = 100, /* after EMFILE */
};

struct listener {
    struct edge *edge;
    struct net_addr addr;
    int fd; /* -1: closed */
    bool started;
    ino_t inode; /* of the unix socket: another node may have put its own in that place since */
    uv_poll_t poll;
};

static bool is_unix(const struct listener *l)
{
    return l->addr.storage.ss_family == AF_UNIX;
}

static const char *unix_path(const struct listener *l)
{
    return ((const struct sockaddr_un *)(const void *)&l->addr.storage)->sun_path;
}

/* A socket file that nobody listens on is left over from a node that was killed. */
static void unix_unlink_stale(const struct listener *l)
{
    struct stat st;
    if (stat(unix_path(l), &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&l->addr.storage, l->addr.n) != 0 && errno == ECONNREFUSED)
        unlink(unix_path(l));
    if (fd >= 0)
        close(fd);
}

static int tcp_socket(struct listener *l)
{
    int on = 1, off = 0;
    int fd = net_addr_socket(&l->addr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (l->addr.storage.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, net_addr_is_any_v6(&l->addr) ? &off : &on, sizeof on);
    return fd;
}

static enum err listener_bind(struct listener *l, const char *text, struct why why)
{
    if (is_unix(l)) {
        unix_unlink_stale(l);
        l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    } else {
        l->fd = tcp_socket(l);
    }
    if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&l->addr.storage, l->addr.n) != 0)
        return why_fail(why, ERR_IO, "listen address \"%s\": %s", text, strerror(errno));
    struct stat st;
    if (is_unix(l) && stat(unix_path(l), &st) == 0)
        l->inode = st.st_ino;
    return ERR_OK;
}

static enum err listener_create(struct edge *edge, const char *text, struct why why)
{
    struct listener *l = &edge->listeners[edge->listener_count];
    enum err e = net_addr_parse(slice_of(text), &l->addr, why);
    if (e)
        return e;
    l->edge = edge;
    l->fd = -1;
    edge->listener_count++;
    return listener_bind(l, text, why);
}

enum err listeners_create(struct edge *edge, struct why why)
{
    size_t n = 0;
    while (edge->set.listen[n])
        n++;
    edge->listeners = calloc(n + 1, sizeof *edge->listeners);
    if (!edge->listeners)
        abort();
    for (size_t i = 0; i < n; i++) {
        enum err e = listener_create(edge, edge->set.listen[i], why);
        if (e) {
            listeners_destroy(edge);
            return e;
        }
    }
    return ERR_OK;
}

static void listeners_pause(struct edge *edge, uint64_t retry_ms);

static void on_retry(struct timer *timer)
{
    listeners_resume(CONTAINER_OF(timer, struct edge, accept_timer));
}

static void socket_tune(const struct listener *l, int fd)
{
    if (is_unix(l))
        return;
    int on = 1;
    /* What our pings see when they are answered, the kernel sees too when reading is paused: a peer that acknowledges nothing. */
    unsigned silence_ms = (unsigned)(2 * l->edge->set.ping_every_ms);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
}

static bool has_room(const struct edge *edge)
{
    return edge->socket_count < edge->conn_count + EDGE_PLAIN_MAX;
}

/* False: nothing more to accept now. */
static bool accept_one(struct listener *l)
{
    struct edge *edge = l->edge;
    if (!has_room(edge)) {
        listeners_pause(edge, 0);
        return false;
    }
    int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return false;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (!edge->accept_starved)
                log_warn("accept.paused", LOG_CSTR("why", strerror(errno)), LOG_U64("sockets", edge->socket_count));
            edge->accept_starved = true;
            listeners_pause(edge, RETRY_MS);
            return false;
        }
        return true; /* that one is gone already (accept(2)) */
    }
    edge->accept_starved = false;
    socket_tune(l, fd);
    lws_adopt_socket_vhost(edge->tls && !is_unix(l) ? edge->tls : edge->plain, fd); /* closes it on failure */
    return true;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *l = CONTAINER_OF(poll, struct listener, poll);
    (void)events;
    (void)status;
    for (int i = 0; i < ACCEPT_BATCH && accept_one(l); i++)
        ;
}

static void listeners_pause(struct edge *edge, uint64_t retry_ms)
{
    edge->accept_paused = true;
    for (size_t i = 0; i < edge->listener_count; i++)
        if (edge->listeners[i].started)
            uv_poll_stop(&edge->listeners[i].poll);
    if (retry_ms > 0)
        timer_set(edge->set.timers, &edge->accept_timer, retry_ms, on_retry);
}

void listeners_resume(struct edge *edge)
{
    if (!edge->accept_paused || timer_is_set(&edge->accept_timer) || !has_room(edge))
        return;
    edge->accept_paused = false;
    for (size_t i = 0; i < edge->listener_count; i++)
        if (edge->listeners[i].started && edge->listeners[i].fd >= 0)
            uv_poll_start(&edge->listeners[i].poll, UV_READABLE, on_ready);
}

void listeners_start(struct edge *edge)
{
    for (size_t i = 0; i < edge->listener_count; i++) {
        struct listener *l = &edge->listeners[i];
        if (listen(l->fd, BACKLOG) != 0 || uv_poll_init(edge->set.loop, &l->poll, l->fd) != 0) {
            log_error("listen.failed", LOG_CSTR("address", edge->set.listen[i]), LOG_CSTR("why", strerror(errno)));
            continue;
        }
        l->started = true;
        edge->handles_open++;
        uv_poll_start(&l->poll, UV_READABLE, on_ready);
    }
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct listener *l = CONTAINER_OF((uv_poll_t *)handle, struct listener, poll);
    l->edge->handles_open--;
}

static void listener_close(struct listener *l)
{
    struct stat st;
    if (l->fd < 0)
        return;
    if (is_unix(l) && stat(unix_path(l), &st) == 0 && st.st_ino == l->inode)
        unlink(unix_path(l));
    close(l->fd);
    l->fd = -1;
}

/* All are emptied before the first is closed: without room or files accepting pauses at all of them. After that nothing resumes. */
void listeners_stop(struct edge *edge)
{
    for (size_t i = 0; i < edge->listener_count; i++) {
        struct listener *l = &edge->listeners[i];
        while (l->started && l->fd >= 0 && !edge->accept_paused && accept_one(l))
            ;
    }
    timer_cancel(&edge->accept_timer);
    for (size_t i = 0; i < edge->listener_count; i++) {
        struct listener *l = &edge->listeners[i];
        if (l->started && l->fd >= 0)
            uv_close((uv_handle_t *)&l->poll, on_poll_closed);
        listener_close(l);
    }
}

void listeners_destroy(struct edge *edge)
{
    for (size_t i = 0; i < edge->listener_count; i++)
        listener_close(&edge->listeners[i]);
    free(edge->listeners);
    edge->listeners = NULL;
    edge->listener_count = 0;
}
