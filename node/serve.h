/**
 * `switchboard serve`: from settings to a running node, or several.
 */
#ifndef NODE_SERVE_H
#define NODE_SERVE_H

#include "common/base/attr.h"

/** argv is what stands behind `serve`. Returns the exit code: 0, 1 when it could not start or a worker failed, 2 for mistakes in the settings. */
int serve_main(int argc, const char *const *argv, const char *const *environment) ATTR_MUST_USE;

#endif
