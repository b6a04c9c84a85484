#include "node/edge/settings.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "common/base/log.h"
#include "node/edge/state.h"

enum {
    FILES_FOR_OTHERS = 512,  /* Redis, push, logs */
    FILES_MAX = 1024 * 1024, /* libwebsockets keeps 16 bytes for each that may be open */
};

/* A copy of a list that ends with NULL. */
static const char *const *list_copy(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    const char **copy = calloc(n + 1, sizeof *copy);
    if (!copy)
        abort();
    for (size_t i = 0; i < n; i++)
        copy[i] = slice_dup(slice_of(list[i]));
    return copy;
}

static void text_free(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void list_free(const char *const *list)
{
    for (size_t i = 0; list && list[i]; i++)
        text_free(list[i]);
    free((void *)(uintptr_t)list);
}

static const struct edge_route *routes_copy(const struct edge_route *routes)
{
    size_t n = 0;
    while (routes && routes[n].path)
        n++;
    struct edge_route *copy = calloc(n + 1, sizeof *copy);
    if (!copy)
        abort();
    for (size_t i = 0; i < n; i++) {
        copy[i] = routes[i];
        copy[i].path = slice_dup(slice_of(routes[i].path));
    }
    return copy;
}

static void routes_free(const struct edge_route *routes)
{
    for (size_t i = 0; routes && routes[i].path; i++)
        text_free(routes[i].path);
    free((void *)(uintptr_t)routes);
}

void settings_copy(struct edge *edge, const struct edge_settings *set)
{
    edge->set = *set;
    edge->set.listen = list_copy(set->listen);
    edge->set.origins = list_copy(set->origins);
    edge->set.trusted_proxies = NULL;
    edge->set.tls_cert = set->tls_cert ? slice_dup(slice_of(set->tls_cert)) : NULL;
    edge->set.tls_key = set->tls_key ? slice_dup(slice_of(set->tls_key)) : NULL;
    edge->set.routes = routes_copy(set->routes);
}

void settings_finish(struct edge *edge)
{
    list_free(edge->set.listen);
    list_free(edge->set.origins);
    text_free(edge->set.tls_cert);
    text_free(edge->set.tls_key);
    routes_free(edge->set.routes);
    free((void *)(uintptr_t)edge->trust.cidrs);
}

enum err settings_read_trust(struct edge *edge, const char *const *proxies, struct why why)
{
    size_t n = 0;
    while (proxies && proxies[n])
        n++;
    struct net_cidr *cidrs = calloc(n + 1, sizeof *cidrs);
    if (!cidrs)
        abort();
    edge->trust = (struct net_trust){.cidrs = cidrs, .n = n};
    for (size_t i = 0; i < n; i++) {
        char inner[WHY_SIZE] = "";
        enum err e = net_cidr_parse(slice_of(proxies[i]), &cidrs[i], WHY_IN(inner));
        if (e)
            return why_fail(why, e, "trusted proxy: %s", inner);
    }
    return ERR_OK;
}

void settings_fit_files(struct edge *edge)
{
    struct rlimit limit;
    rlim_t need = (rlim_t)edge->set.sockets_max + EDGE_PLAIN_MAX + FILES_FOR_OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t before = limit.rlim_cur;
    if (limit.rlim_cur < need)
        limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
    if (limit.rlim_cur > FILES_MAX)
        limit.rlim_cur = need > FILES_MAX ? need : FILES_MAX;
    if (limit.rlim_cur != before && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = before;
    if (limit.rlim_cur < need) {
        rlim_t others = EDGE_PLAIN_MAX + FILES_FOR_OTHERS;
        edge->set.sockets_max = (unsigned)(limit.rlim_cur > 2 * others ? limit.rlim_cur - others : limit.rlim_cur / 2);
        log_warn("sockets_max.lowered", LOG_U64("sockets_max", edge->set.sockets_max),
                 LOG_U64("files_max", (uint64_t)limit.rlim_cur));
    }
}
