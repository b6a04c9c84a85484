#include "node/node.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/why.h"
#include "node/call/limits.h"
#include "node/node_private.h"
#include "node/routes.h"
#include "node/supervisor.h"

enum {
    REPLIES_KEPT = 16,
    FRAMES_REFUSED_MAX = 1000,
    LAG_EVERY_MS = 100,
};

/* ---- signals ---- */

static void on_end_signal(uv_signal_t *handle, int number)
{
    (void)number;
    drain_start(handle->data);
}

/* Said twice it skips no waiting, as a second signal does: an operator's command may be sent again. */
static void on_drain_wanted(void *context)
{
    struct node *node = context;
    if (!node->draining)
        drain_start(node);
}

/* SIGHUP: keys, ICE servers and certificates anew. What can't be read leaves the old ones in force. */
static void on_reload_signal(uv_signal_t *handle, int number)
{
    struct node *node = handle->data;
    struct secrets fresh;
    char why[WHY_SIZE];
    (void)number;
    if (secrets_load(node->config, node->dev_key, &fresh, WHY_IN(why)) != ERR_OK) {
        log_error("secrets.kept", LOG_CSTR("why", why));
    } else {
        signaling_set_keys(node->signaling, fresh.keys, fresh.ice);
        secrets_finish(&node->secrets);
        node->secrets = fresh;
        log_info("secrets.reloaded", LOG_U64("keys", keyring_count(fresh.keys)));
    }
    if (node->config->tls_cert && edge_reload_tls(node->edge, WHY_IN(why)) != ERR_OK)
        log_error("certificate.kept", LOG_CSTR("why", why));
}

static void signal_start(struct node *node, uv_signal_t *handle, int number, uv_signal_cb fn)
{
    uv_signal_init(&node->loop, handle);
    handle->data = node;
    uv_signal_start(handle, fn, number);
    uv_unref((uv_handle_t *)handle);
}

/* ---- the loop's health ---- */

/* A node without its private Redis is of no use, and who started it should know. It is left for its owner to reap. */
static void check_redis_child(struct node *node)
{
    siginfo_t info = {0};
    if (node->redis_child <= 0 || node->draining)
        return;
    if (waitid(P_PID, (id_t)node->redis_child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return;
    log_error("redis.died", LOG_I64("pid", node->redis_child));
    node->exit_code = EXIT_FAILURE;
    drain_start(node);
}

static void on_lag_tick(struct timer *timer)
{
    struct node *node = CONTAINER_OF(timer, struct node, lag_timer);
    check_redis_child(node);
    metric_observe_us(&node->metrics, METRIC_LOOP_LAG_SECONDS, timer_late_us(timer));
    timer_set(node->timers, timer, LAG_EVERY_MS, on_lag_tick);
}

/* ---- building ---- */

static void metrics_start(struct metrics *m)
{
    static const char *const version[] = {SWITCHBOARD_VERSION};
    static const int64_t one[] = {1};
    m->series[METRIC_BUILD] = (struct metric_series){"version", version, one, 1};
    metric_set(m, METRIC_STARTED, (int64_t)(clock_wall_ms() / 1000));
}

static void create_signaling(struct node *node)
{
    const struct config *c = node->config;
    node->signaling = signaling_create(&(struct signaling_settings){
        .node = node->id,
        .partitions = (unsigned)c->partitions,
        .version = SWITCHBOARD_VERSION,
        .host = node->host,
        .keys = node->secrets.keys,
        .expect = {.issuer = c->jwt_issuer, .audience = c->jwt_audience},
        .call_default = c->call_default,
        .ice = node->secrets.ice,
        .media = c->media,
        .hello_timeout_ms = c->hello_timeout_ms,
        .heartbeat_ms = c->heartbeat_ms,
        .grace_ms = c->grace_ms,
        .message_bytes_max = c->message_bytes_max,
        .hellos = {c->hellos_per_second, c->hellos_burst},
        .frames = {c->frames_per_second, c->frames_burst},
        .bytes = {c->bytes_per_second, c->bytes_burst},
        .wrong_ids = {c->wrong_ids_per_minute, c->wrong_ids_per_minute * 60},
        .calls_open_max = c->calls_open_max,
        .watches_max = c->watches_max,
        .frames_refused_max = FRAMES_REFUSED_MAX,
        .ops = &edge_conn_ops,
        .on_drain = on_drain_wanted,
        .context = node,
        .metrics = &node->metrics,
        .timers = node->timers,
    });
}

static enum err create_edge(struct node *node, struct why why)
{
    const struct config *c = node->config;
    struct edge_route *routes = routes_create(node);
    enum err e = edge_create(&(struct edge_settings){.listen = c->listen,
                                                     .tls_cert = c->tls_cert,
                                                     .tls_key = c->tls_key,
                                                     .origins = c->origin,
                                                     .trusted_proxies = c->trust_proxy,
                                                     .routes = routes,
                                                     .message_bytes_max = c->message_bytes_max,
                                                     .queue_bytes_max = c->queue_bytes_max,
                                                     .ping_every_ms = c->heartbeat_ms,
                                                     .sockets_max = (unsigned)c->sockets_max,
                                                     .sockets_per_address_max = (unsigned)c->sockets_per_address_max,
                                                     .signaling = node->signaling,
                                                     .metrics = &node->metrics,
                                                     .timers = node->timers,
                                                     .loop = &node->loop},
                             &node->edge, why);
    free(routes);
    return e;
}

/* Everything that can be wrong is found here, before anybody is let in. */
static enum err node_build(struct node *node, const struct node_place *place, struct why why)
{
    enum err err = redis_url_parse(place->redis_url, &node->redis_url, why);
    if (err != ERR_OK)
        return err;
    node->redis_url.tls_ca = node->config->redis_ca;
    err = secrets_load(node->config, place->dev_key, &node->secrets, why);
    if (err != ERR_OK)
        return err;
    create_signaling(node);
    return create_edge(node, why);
}

/* ---- the run ---- */

static void create_store(struct node *node)
{
    const struct config *c = node->config;
    node->store = store_create(&(struct store_settings){
        .redis = {.url = &node->redis_url, .metrics = &node->metrics, .timers = node->timers, .loop = &node->loop},
        .node = node->id,
        .partitions = (unsigned)c->partitions,
        .dev_key = node->dev_key,
        .limits = {.mailbox_events_max = c->mailbox_events_max,
                   .mailbox_bytes_max = c->mailbox_bytes_max,
                   .devices_max = (unsigned)c->devices_max,
                   .calls_per_minute = c->calls_per_minute,
                   .seats_max = c->calls_open_max,
                   .wrong_ids_per_minute = c->wrong_ids_per_minute,
                   .replies_kept = REPLIES_KEPT,
                   .candidates_max = OFFER_CANDIDATES_MAX,
                   .candidate_bytes_max = OFFER_CANDIDATE_BYTES_MAX},
        .events = signaling_store_events(node->signaling),
    });
}

/* What was built is good enough to run: from here on things are taken down by drain.c. */
static void node_start(struct node *node, struct worker *worker)
{
    signal_start(node, &node->on_term, SIGTERM, on_end_signal);
    signal_start(node, &node->on_int, SIGINT, on_end_signal);
    signal_start(node, &node->on_hup, SIGHUP, on_reload_signal);
    create_store(node);
    signaling_start(node->signaling, node->store);
    edge_start(node->edge);
    timer_set(node->timers, &node->lag_timer, 0, on_lag_tick);
    worker_started(worker);
    for (const char *const *listen = node->config->listen; *listen; listen++)
        log_info("node.listening", LOG_CSTR("listen", *listen));
}

/* It ends already: a signal that comes when nobody listens any more shall not make that look like a failure. */
static void block_signals(void)
{
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGTERM);
    sigaddset(&asked, SIGINT);
    sigaddset(&asked, SIGHUP);
    sigprocmask(SIG_BLOCK, &asked, NULL);
}

static void close_signal(uv_signal_t *handle)
{
    if (uv_handle_get_type((uv_handle_t *)handle) == UV_SIGNAL)
        uv_close((uv_handle_t *)handle, NULL);
}

static void node_finish(struct node *node)
{
    block_signals();
    timer_cancel(&node->lag_timer);
    timer_cancel(&node->drain_timer);
    store_destroy(node->store);
    edge_destroy(node->edge);
    signaling_destroy(node->signaling);
    timers_destroy(node->timers);
    close_signal(&node->on_term);
    close_signal(&node->on_int);
    close_signal(&node->on_hup);
    uv_run(&node->loop, UV_RUN_DEFAULT);
    uv_loop_close(&node->loop);
    secrets_finish(&node->secrets);
    redis_url_finish(&node->redis_url);
    dev_people_finish(&node->people);
}

int node_run(const struct config *config, const struct node_place *place)
{
    struct node *node = calloc(1, sizeof *node);
    char why[WHY_SIZE] = "";
    assert(node);
    node->config = config;
    node->dev_key = place->dev_key;
    node->redis_child = place->worker ? 0 : place->redis_pid; /* a supervisor watches it itself */
    node->id = node_id_random();
    if (gethostname(node->host, sizeof node->host - 1) != 0)
        node->host[0] = '\0';
    metrics_start(&node->metrics);
    log_setup(config->log_level, config->log_format, node->id.text);
    uv_loop_init(&node->loop);
    node->timers = timers_create(&node->loop);
    dev_people_init(&node->people);
    enum err err = node_build(node, place, WHY_IN(why));
    if (err == ERR_OK) {
        node_start(node, place->worker);
        uv_run(&node->loop, UV_RUN_DEFAULT);
        log_info("node.stopped", LOG_I64("requests", node->metrics.value[METRIC_REQUESTS]));
    } else {
        log_error("node.unstarted", LOG_CSTR("why", why));
    }
    node_finish(node);
    int code = err == ERR_OK ? node->exit_code : EXIT_FAILURE;
    free(node);
    return code;
}
