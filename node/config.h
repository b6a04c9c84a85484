/**
 * The settings of a node, read once at the start into a const struct that is passed down.
 *
 * What each one means, its default and its bounds stand in one table in config.c, and from there in `switchboard serve --help` and docs/settings.md.
 * A new setting is a field here and a row there.
 */
#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "node/call/sdp.h"
#include "node/options.h"

/** Lists end with NULL and are never NULL; texts are NULL when not given. */
struct config {
    const char *config;

    const char *const *listen;
    const char *tls_cert, *tls_key;
    const char *const *origin;
    const char *const *trust_proxy;
    uint64_t workers;

    const char *redis; /* NULL: embedded */
    const char *redis_dir, *redis_ca;
    uint64_t partitions;

    const char *const *jwt_key;
    const char *jwt_issuer, *jwt_audience;
    const char *const *call_default;
    bool dev;

    enum media_policy media;
    const char *ice_config;
    uint64_t grace_ms, heartbeat_ms, hello_timeout_ms, drain_ms;

    uint64_t message_bytes_max, queue_bytes_max;
    uint64_t frames_per_second, frames_burst, bytes_per_second, bytes_burst;
    uint64_t hellos_per_second, hellos_burst;
    uint64_t sockets_max, sockets_per_address_max;
    uint64_t mailbox_events_max, mailbox_bytes_max;
    uint64_t wrong_ids_per_minute, calls_per_minute, calls_open_max, watches_max, devices_max;

    enum log_level log_level;
    enum log_format log_format;

    struct option_memory *memory; /* what the texts above stand in */
};

/** Reads and checks everything. ERR_OK, or `problems` holds a line for each mistake and *ret_config is untouched. */
enum err config_read(const struct option_sources *, struct config *ret_config, struct buf *problems) ATTR_MUST_USE;
/** Each setting by itself, not whether they make a node together: for commands that want to know a few of them. */
enum err config_gather(const struct option_sources *, struct config *ret_config, struct buf *problems) ATTR_MUST_USE;
void config_finish(struct config *);

/** What `switchboard serve --help` lists, and docs/settings.md as a whole. */
void config_help(struct buf *out);
void config_markdown(struct buf *out);

#endif
