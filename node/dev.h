/**
 * What a node serves with --dev beside the page: tokens for anyone who asks, and who asked lately, so that the page can show who is there.
 */
#ifndef NODE_DEV_H
#define NODE_DEV_H

#include "node/edge/edge.h"

struct node;

/** The list of people as it was when it was last asked for; the answer to a question is in the next one. */
struct dev_people {
    struct buf json; /* ["alice","bob"]; empty before the first answer */
    bool asked;
};

void dev_people_init(struct dev_people *);
void dev_people_finish(struct dev_people *);

/** /dev/token?user=NAME[&device=NAME] and /dev/people; `context` is the node. */
edge_route_fn dev_on_token, dev_on_people;

#endif
