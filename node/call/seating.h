/**
 * Who sits where in a call, as the store writes it and a node keeps it: "7;1=<session>;3=<session>;", where 7 is the call's version; an `r` before the
 * seats marks relay privacy: "7;r;1=<session>;". Sessions are for nodes only, clients see peers.
 */
#ifndef NODE_CALL_SEATING_H
#define NODE_CALL_SEATING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/id.h"
#include "node/call/limits.h"

struct seating {
    uint64_t version;
    bool relay;
    struct id session[CALL_SEATS_MAX + 1]; /* by peer, 1-5; none: nobody sits there */
};

/** ERR_SYNTAX if it is not as above. */
enum err seating_parse(struct slice text, unsigned partitions, struct seating *ret_seating) ATTR_MUST_USE;
/** The session's peer, or 0; nobody's (none) is always 0. */
unsigned seating_peer(const struct seating *, const struct id *session);

/**
 * Whom an entry of a call's log concerns, and how: "*<session> +<session>". The marks:
 * `*` enters the call, `+` gets the event, `-` goes along silently, `!` gets the event and is out, `~` is out silently.
 */
struct target {
    struct id session;
    char mark;
};
/** Takes one off the front of `rest`; false at the end or at what is no target. */
bool target_next(struct slice *rest, unsigned partitions, struct target *ret_target);

static inline bool mark_is_final(char mark)
{
    return mark == '!' || mark == '~';
}

#endif
