/** `switchboard status`: the living cluster, as its Redis and the cards of its nodes show it. */
#ifndef NODE_STATUS_H
#define NODE_STATUS_H

int status_main(int argc, const char *const *argv);

#endif
