/**
 * What the nodes asked of Redis so far, by their own counts (/metrics), all nodes together.
 */
#ifndef BENCHMARKS_TALLY_H
#define BENCHMARKS_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct clients;

enum { TALLY_SCRIPTS_MAX = 96, TALLY_NAME_SIZE = 32 };

struct tally {
    uint64_t writes;                            /* commands that left in one turn of a node's loop share one */
    uint64_t commands;                          /* scripts included */
    uint64_t sessions;                          /* attached now */
    uint64_t presence_changes, presence_events; /* that reached nodes; that left for sockets */
    size_t script_count;
    struct {
        char name[TALLY_NAME_SIZE];
        uint64_t calls;
    } script[TALLY_SCRIPTS_MAX]; /* in the nodes' order */
};

/** Asks each node over HTTP, and waits. Dies when one does not answer. */
void tally_read(const struct clients *, struct tally *);
/** Script calls between two tallies that a step asked for: not timers and leases, nor what is told once for many changes. */
uint64_t tally_scripts(const struct tally *from, const struct tally *to);
/** Their names with the calls of each for one of `count`: "deliver 2.0, ring 1.0". */
void tally_names(const struct tally *from, const struct tally *to, uint64_t count, char *text, size_t size);

#endif
