#include "node/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "node/node_private.h"
#include "node/store/cluster.h"
#include "node/web/web.h"

static void on_healthz(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    (void)request;
    buf_put_cstr(r->body, "ok\n");
}

/* NULL: it may have clients. */
static const char *unready(const struct node *node)
{
    if (!store_is_up(node->store))
        return "the store does not answer\n";
    if (!store_bus_is_alive(node->store, READY_WITHIN_MS))
        return "the canary did not come back through the bus\n";
    return NULL;
}

/* 404 while draining: HAProxy's disable-on-404 then sends no newcomers and leaves those alone who are here. 503: something is wrong. */
static void on_readyz(void *context, const struct edge_request *request, struct edge_response *r)
{
    struct node *node = context;
    const char *why = unready(node);
    (void)request;
    if (node->draining)
        r->status = 404;
    else if (why)
        r->status = 503;
    buf_put_cstr(r->body, node->draining ? "draining\n" : why ? why : "ready\n");
}

/* ---- metrics ---- */

/* Of /proc/self/statm: sizes in pages, the second what is in RAM. */
static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    uint64_t pages = 0;
    struct slice total = {0};
    struct slice resident = {0};
    if (!file)
        return 0;
    struct slice rest = slice_of(fgets(line, sizeof line, file) ? line : "");
    fclose(file);
    bool good = slice_split(&rest, ' ', &total) && slice_split(&rest, ' ', &resident) && slice_to_u64(resident, &pages);
    return good ? (int64_t)pages * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t used_us(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return 0;
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000) + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

/* What is not counted where it happens. */
static void measure(struct node *node)
{
    struct metrics *m = &node->metrics;
    metric_set(m, METRIC_CPU, used_us());
    metric_set(m, METRIC_RESIDENT, resident_bytes());
    metric_set(m, METRIC_STORE_UP, store_is_up(node->store));
    metric_set(m, METRIC_READY, !node->draining && !unready(node));
    metric_set(m, METRIC_DRAINING, node->draining);
}

static void on_metrics(void *context, const struct edge_request *request, struct edge_response *r)
{
    struct node *node = context;
    char labels[64];
    (void)request;
    measure(node);
    snprintf(labels, sizeof labels, "node=\"%s\"", node->id.text);
    r->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_write(&node->metrics, labels, r->body);
}

/* ---- the browser client and the page ---- */

static void on_file(void *context, const struct edge_request *request, struct edge_response *r)
{
    const struct web_file *file = context;
    const struct web_wish wish = {.accept_encoding = request->accept_encoding, .if_none_match = request->if_none_match};
    r->content_type = file->content_type;
    r->status = web_file_answer(file, &wish, r->headers, &r->lasting);
}

static void on_client_list(void *context, const struct edge_request *request, struct edge_response *r)
{
    (void)context;
    (void)request;
    web_client_list(r->body);
}

struct edge_route *routes_create(struct node *node)
{
    bool dev = node->config->dev;
    const struct edge_route own[] = {
        {"/healthz", on_healthz, node},       {"/readyz", on_readyz, node},
        {"/metrics", on_metrics, node},       {"/client", on_client_list, NULL},
        {"/client/", on_client_list, NULL},   {"/dev/token", dev_on_token, node}, /* from here on only with --dev */
        {"/dev/people", dev_on_people, node},
    };
    enum { ONLY_WITH_DEV = 2 };
    struct edge_route *routes = calloc(ARRAY_SIZE(own) + web_file_count + 1, sizeof *routes);
    if (!routes)
        abort();
    size_t n = ARRAY_SIZE(own) - (dev ? 0 : ONLY_WITH_DEV);
    memcpy(routes, own, n * sizeof *own);
    for (const struct web_file *f = web_files; f->path; f++)
        if (dev || f->use == WEB_CLIENT)
            routes[n++] = (struct edge_route){f->path, on_file, (void *)(uintptr_t)f};
    return routes;
}
