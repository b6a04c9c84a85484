#include "node/preflight.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/auth/ice.h"
#include "common/auth/keyring.h"
#include "common/base/net.h"
#include "common/base/slice.h"
#include "common/base/why.h"
#include "node/config.h"
#include "node/redis/client.h"

enum { PLACE_SIZE_MAX = 4096 };

/* fopen() opens a directory as well; reading from it fails. */
static enum err check_readable(const char *option, const char *path, struct buf *problems)
{
    if (!path)
        return ERR_OK;
    FILE *f = fopen(path, "re");
    bool good = f && (fgetc(f) != EOF || !ferror(f));
    if (!good)
        buf_putf(problems, "--%s: %s can't be read: %s\n", option, path, strerror(errno));
    if (f)
        fclose(f);
    return good ? ERR_OK : ERR_IO;
}

static enum err check_keys(const struct config *c, struct buf *problems)
{
    enum err first = ERR_OK;
    struct keyring *ring = keyring_create();
    for (const char *const *spec = c->jwt_key; *spec; spec++) {
        char why[WHY_SIZE] = "";
        enum err e = keyring_add(ring, slice_of(*spec), WHY_IN(why));
        if (e != ERR_OK) {
            buf_putf(problems, "--jwt-key: %s\n", why);
            first = first != ERR_OK ? first : e;
        }
    }
    keyring_destroy(ring);
    return first;
}

static enum err check_ice(const struct config *c, struct buf *problems)
{
    struct ice_config *ice = NULL;
    char why[WHY_SIZE] = "";
    if (!c->ice_config)
        return ERR_OK;
    enum err e = ice_config_load(c->ice_config, &ice, WHY_IN(why));
    if (e != ERR_OK) {
        buf_putf(problems, "--ice-config: %s\n", why);
        return e;
    }
    ice_config_destroy(ice);
    return ERR_OK;
}

enum err preflight_files(const struct config *c, struct buf *problems)
{
    const enum err found[] = {
        check_readable("tls-cert", c->tls_cert, problems),
        check_readable("tls-key", c->tls_key, problems),
        check_readable("redis-ca", c->redis_ca, problems),
        check_keys(c, problems),
        check_ice(c, problems),
    };
    for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
        if (found[i] != ERR_OK)
            return found[i];
    }
    return ERR_OK;
}

/* A socket that shares nothing can't be bound where another one listens; those in TIME_WAIT don't count. */
static bool is_taken(struct net_addr *addr)
{
    int on = 1, only_v6 = !net_addr_is_any_v6(addr);
    int fd = net_addr_socket(addr, SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (addr->storage.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
    bool taken = bind(fd, (const struct sockaddr *)&addr->storage, addr->n) != 0 && errno == EADDRINUSE;
    close(fd);
    return taken;
}

enum err preflight_addresses(const struct config *c, struct buf *problems)
{
    enum err found = ERR_OK;
    for (const char *const *listen = c->listen; *listen; listen++) {
        struct net_addr addr;
        if (net_addr_parse(slice_of(*listen), &addr, WHY_NONE) == ERR_OK && net_addr_port(&addr) && is_taken(&addr)) {
            buf_putf(problems, "listen address \"%s\" is taken: something listens there already\n", *listen);
            found = ERR_IO;
        }
    }
    return found;
}

/* Where it is, without user and password. */
static void put_place(const struct redis_url *url, struct buf *out)
{
    if (url->transport == REDIS_UNIX)
        buf_putf(out, "Redis at %s", url->host);
    else
        buf_putf(out, "Redis at %s:%u", url->host, (unsigned)url->port);
}

enum err preflight_redis(const struct config *c, const char *redis_url, struct preflight *ret_preflight,
                         struct buf *problems)
{
    struct redis_url url;
    struct preflight found = {0};
    char why[WHY_SIZE] = "";
    struct buf place;
    enum err e = redis_url_parse(redis_url, &url, WHY_IN(why));
    if (e != ERR_OK) {
        buf_putf(problems, "--redis: %s\n", why);
        return e;
    }
    url.tls_ca = c->redis_ca;
    buf_init(&place, PLACE_SIZE_MAX);
    put_place(&url, &place);
    e = redis_preflight(&url, (unsigned)c->partitions, WHY_IN(why));
    if (e == ERR_OK && c->dev && !c->jwt_key[0])
        e = redis_dev_key(&url, found.dev_key, WHY_IN(why));
    redis_url_finish(&url);
    if (e != ERR_OK) {
        buf_putf(problems, "%s: %s%s\n", buf_cstr(&place), why,
                 e == ERR_UNAVAILABLE ? "; is it running, and is --redis right?" : "");
    } else {
        *ret_preflight = found;
    }
    buf_finish(&place);
    return e;
}
