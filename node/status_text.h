/**
 * A look at a cluster as text: a table for people, a JSON object for machines.
 */
#ifndef NODE_STATUS_TEXT_H
#define NODE_STATUS_TEXT_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "node/redis/cluster_status.h"

struct status_style {
    bool colours;
    unsigned width;  /* of the terminal: what matters less is left out where it is too narrow; 0: no limit */
    unsigned height; /* lines: nodes that don't fit are only counted; 0: no limit */
};

/** Lines, each with its end. */
void status_put_table(struct buf *, const struct cluster_status *, const struct status_style *);
/** One line. */
void status_put_json(struct buf *, const struct cluster_status *);

#endif
