/**
 * The numbers of a session: which events went out, which were handled, which requests came in (docs/protocol.md). Pure.
 *
 * Events count 1, 2, 3, … without a hole; what is not the next one is either old, and dropped, or shows a gap, and then the mailbox is read. Requests
 * rise; one that does not was sent before.
 */
#ifndef NODE_SESSION_ORDER_H
#define NODE_SESSION_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct order {
    uint64_t seq;     /* the last event that was written to the socket */
    uint64_t heard;   /* the last event known to exist */
    uint64_t acked;   /* the last event that the client has handled, by what it said on this socket */
    uint64_t request; /* the highest request */
    uint64_t run;     /* every id from this one to the highest was seen */
};

/** A session that begins, or goes on behind event `seq` (0: begins). What the client has by then it may not have acked yet. */
void order_init(struct order *, uint64_t seq, uint64_t request);

/**
 * Events `first` to `first + count - 1` are there. ORDER_NEXT: those from `seq + 1` on, if any, may be written; *ret_skip of them, at the front, were
 * written before. ORDER_GAP: something before them is missing; only remembered as heard.
 */
enum order_step { ORDER_NEXT, ORDER_GAP };
enum order_step order_events(struct order *, uint64_t first, uint64_t count, uint64_t *ret_skip);
/** One event was written. Its number. */
uint64_t order_written(struct order *);
/** The store has forgotten what was heard of beyond `last`: those numbers go to other events. Nothing that was written is taken back. */
void order_lost(struct order *, uint64_t last);
/** There are events that have not been written. */
bool order_is_behind(const struct order *);

/** False: nothing new (an older ack, or one for what was never sent). */
bool order_ack(struct order *, uint64_t seq);

/**
 * False: the request was sent before. *ret_run: every id from that one to this was seen here; UINT64_MAX for one that was sent before. So a later request that
 * lies in the same run leaves nothing out that might still come.
 */
bool order_request(struct order *, uint64_t id, uint64_t *ret_run);
/** Some request so far may still be sent again though others behind it were taken: a new run begins. */
void order_doubt(struct order *);

#endif
