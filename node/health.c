#include "node/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/net.h"
#include "common/base/why.h"
#include "node/config.h"
#include "node/print.h"

enum { PATIENCE_S = 3, ANSWER_MAX = 1024 };

/* A way to the node: the socket, with TLS around it or not. */
struct line {
    int fd;
    SSL_CTX *context;
    SSL *tls;
};

/* Whoever listens on any address is asked over the loopback. */
static void reach_from_here(struct net_addr *a)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a->storage;
    bool any = a->storage.ss_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY);
    if (!any && !net_addr_is_any_v6(a))
        return;
    uint16_t port = net_addr_port(a);
    *a = (struct net_addr){.n = sizeof *v4};
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static bool line_secure(struct line *l)
{
    l->context = SSL_CTX_new(TLS_client_method());
    l->tls = l->context ? SSL_new(l->context) : NULL;
    return l->tls && SSL_set_fd(l->tls, l->fd) == 1 && SSL_connect(l->tls) == 1;
}

static bool line_open(struct line *l, const struct net_addr *a, bool tls)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    *l = (struct line){.fd = socket(a->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(l->fd, (const struct sockaddr *)&a->storage, a->n) != 0)
        return false;
    return !tls || line_secure(l);
}

static void line_close(struct line *l)
{
    SSL_free(l->tls);
    SSL_CTX_free(l->context);
    if (l->fd >= 0)
        close(l->fd);
}

static bool line_write(struct line *l, const char *text)
{
    int n = (int)strlen(text);
    return l->tls ? SSL_write(l->tls, text, n) == n : send(l->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

/* How many bytes came; 0 at the end, or when it took too long. */
static size_t line_read(struct line *l, char *into, size_t room)
{
    ssize_t n = l->tls ? SSL_read(l->tls, into, (int)room) : recv(l->fd, into, room, 0);
    return n > 0 ? (size_t)n : 0;
}

/* The status of the answer, 0 for none that makes sense; `answer` ends with a NUL. */
static unsigned ask(struct line *l, const char *path, char answer[ANSWER_MAX])
{
    char question[128];
    size_t n = 0;
    size_t got = 0;
    unsigned status = 0;
    snprintf(question, sizeof question, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (line_write(l, question)) {
        while (n < ANSWER_MAX - 1 && (got = line_read(l, answer + n, ANSWER_MAX - 1 - n)) > 0)
            n += got;
    }
    answer[n] = '\0';
    bool is_http = n > 12 && strncmp(answer, "HTTP/1.1 ", 9) == 0;
    for (size_t i = 9; is_http && i < 12 && answer[i] >= '0' && answer[i] <= '9'; i++)
        status = status * 10 + (unsigned)(answer[i] - '0');
    return status;
}

static int judge(const struct config *c, const char *path)
{
    struct net_addr address;
    char why[WHY_SIZE] = "";
    const char *listen = c->listen[0];
    if (net_addr_parse(slice_of(listen), &address, WHY_IN(why)) != ERR_OK) {
        fprintf(stderr, "switchboard: %s\n", why);
        return EXIT_USAGE;
    }
    reach_from_here(&address);
    struct line l;
    char answer[ANSWER_MAX] = "";
    errno = 0;
    bool open = line_open(&l, &address, c->tls_cert != NULL);
    int trouble = errno;
    unsigned status = open ? ask(&l, path, answer) : 0;
    line_close(&l);
    if (status == 200)
        return EXIT_SUCCESS;
    const char *body = strstr(answer, "\r\n\r\n");
    if (!open)
        fprintf(stderr, "switchboard: %s can't be reached: %s\n", listen, trouble ? strerror(trouble) : "no TLS there");
    else if (status == 0)
        fprintf(stderr, "switchboard: %s does not answer %s within %d s\n", listen, path, PATIENCE_S);
    else
        fprintf(stderr, "switchboard: %s says %u to %s: %s", listen, status, path, body ? body + 4 : "\n");
    return EXIT_FAILURE;
}

int health_main(int argc, const char *const *argv, const char *const *environment)
{
    bool ready = argc > 0 && strcmp(argv[0], "ready") == 0;
    if (argc > 0 && !ready && argv[0][0] != '-') {
        fprintf(stderr, "switchboard: there is no \"health %s\": it is \"health\" or \"health ready\"\n", argv[0]);
        return EXIT_USAGE;
    }
    const struct option_sources sources = {argc - ready, argv + ready, environment};
    struct config config;
    struct buf problems;
    print_init(&problems);
    enum err e = config_gather(&sources, &config, &problems);
    print_problems(&problems);
    buf_finish(&problems);
    if (e != ERR_OK)
        return e == ERR_SYNTAX ? EXIT_USAGE : EXIT_FAILURE;
    int code = judge(&config, ready ? "/readyz" : "/healthz");
    config_finish(&config);
    return code;
}
