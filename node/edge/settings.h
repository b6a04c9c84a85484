/**
 * The edge's own copy of its settings.
 */
#ifndef NODE_EDGE_SETTINGS_H
#define NODE_EDGE_SETTINGS_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/why.h"

struct edge;
struct edge_settings;

/** Copies lists and texts, but for the proxies, which settings_read_trust() reads. */
void settings_copy(struct edge *, const struct edge_settings *);
void settings_finish(struct edge *);
/** Fills edge->trust. ERR_SYNTAX: `why` quotes the range. */
enum err settings_read_trust(struct edge *, const char *const *proxies, struct why why) ATTR_MUST_USE;

/**
 * Fits the process's limit of open files to sockets_max. With "unlimited" (above ten million, as containers have it) libwebsockets 4.1 silently
 * allows 2,560; and it keeps memory for each that may be open. So the limit becomes what is needed, and where it can't, sockets_max gives way.
 */
void settings_fit_files(struct edge *);

#endif
