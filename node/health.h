/**
 * `switchboard health`: asks the node that these settings describe how it is, for container engines and scripts.
 */
#ifndef NODE_HEALTH_H
#define NODE_HEALTH_H

#include "common/base/attr.h"

/**
 * argv is what stands behind `health`: "ready" or nothing, then settings as for `serve` (of which only the first --listen and TLS matter). Asks /healthz, or
 * /readyz, over the loopback when it listens on any address. Returns the exit code: 0 it is well; 1 it is not, or did not answer within 3 s, with a
 * sentence on stderr; 2 for mistakes in the settings. A certificate is not looked at: it is the node's own.
 */
int health_main(int argc, const char *const *argv, const char *const *environment) ATTR_MUST_USE;

#endif
