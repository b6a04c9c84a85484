#include "node/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/why.h"
#include "node/config.h"
#include "node/node.h"
#include "node/preflight.h"
#include "node/print.h"
#include "node/redis/embedded.h"
#include "node/supervisor.h"

/* What the node or its workers are started with. */
struct start {
    const struct config *config;
    struct node_place place;
};

static int on_worker(void *context, struct worker *self)
{
    const struct start *start = context;
    struct node_place place = start->place;
    place.worker = self;
    return node_run(start->config, &place);
}

static int run(const struct config *config, const struct node_place *place)
{
    if (config->workers == 1)
        return node_run(config, place);
    struct start start = {.config = config, .place = *place};
    const struct supervisor_settings settings = {
        .workers = (unsigned)config->workers,
        .run = on_worker,
        .context = &start,
        .companion = place->redis_pid,
    };
    return supervisor_run(&settings);
}

/* Gives every token away to whoever can reach it: that is said loudly, and louder where that may be anybody. */
static void warn_of_dev(const struct config *config)
{
    if (!config->dev)
        return;
    log_warn("dev.on",
             LOG_CSTR("advice", "--dev is for development: anyone who reaches this node gets a token for any user"));
    for (const char *const *l = config->listen; *l; l++) {
        struct slice address = slice_of(*l);
        bool local = slice_starts(address, SLICE("127.")) || slice_starts(address, SLICE("[::1]")) ||
                     slice_starts(address, SLICE("unix:"));
        if (!local) {
            log_warn("dev.open", LOG_STR("listen", address),
                     LOG_CSTR("advice", "this address may be reached from elsewhere"));
        }
    }
}

static int failure_code(enum err err)
{
    return err == ERR_SYNTAX ? EXIT_USAGE : EXIT_FAILURE;
}

static int serve_with(const struct config *config, const char *redis_url, pid_t redis_pid)
{
    struct preflight found;
    struct buf problems;
    print_init(&problems);
    int code = 0;
    enum err e = preflight_redis(config, redis_url, &found, &problems);
    if (e != ERR_OK) {
        print_problems(&problems);
        code = failure_code(e);
    } else {
        const struct node_place place = {
            .redis_url = redis_url,
            .redis_pid = redis_pid,
            .dev_key = slice_of(found.dev_key),
        };
        warn_of_dev(config);
        code = run(config, &place);
    }
    buf_finish(&problems);
    return code;
}

static int serve_embedded(const struct config *config)
{
    struct embedded_redis *redis;
    char why[WHY_SIZE] = "";
    if (embedded_redis_start(config->redis_dir, &redis, WHY_IN(why)) != ERR_OK) {
        fprintf(stderr, "switchboard: the private Redis did not start: %s\n", why);
        return EXIT_FAILURE;
    }
    int code = serve_with(config, embedded_redis_url(redis), embedded_redis_pid(redis));
    embedded_redis_stop(redis);
    return code;
}

static int serve(const struct config *config)
{
    struct buf problems;
    print_init(&problems);
    enum err e = preflight_files(config, &problems);
    if (e == ERR_OK)
        e = preflight_addresses(config, &problems);
    print_problems(&problems);
    buf_finish(&problems);
    if (e != ERR_OK)
        return failure_code(e);
    return config->redis ? serve_with(config, config->redis, 0) : serve_embedded(config);
}

int serve_main(int argc, const char *const *argv, const char *const *environment)
{
    const struct option_sources sources = {.argc = argc, .argv = argv, .environ = environment};
    struct config config;
    struct buf problems;
    print_init(&problems);
    enum err e = config_read(&sources, &config, &problems);
    print_problems(&problems);
    buf_finish(&problems);
    if (e == ERR_SYNTAX)
        fputs("Try: switchboard serve --help\n", stderr);
    if (e != ERR_OK)
        return failure_code(e);
    log_setup(config.log_level, config.log_format, "");
    int code = serve(&config);
    config_finish(&config);
    return code;
}
