/**
 * In a file of its own, as <linux/tcp.h> and <netinet/tcp.h> exclude each other.
 */
#ifndef TESTS_UNIT_NODE_EDGE_SEGMENTS_H
#define TESTS_UNIT_NODE_EDGE_SEGMENTS_H

/** How many segments with data this TCP socket has got: on loopback one for each write of the other side, up to 64 kB. */
unsigned segments_in(int fd);

#endif
