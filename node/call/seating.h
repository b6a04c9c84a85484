/**
 * Who sits where in a call, as the store writes it and a node keeps it: "7;52ro;1=<session>;3=<session>;": at version 7 of the call. Then come its facts: its
 * seats, the starter's peer (0: not there), and flags: `r` relay privacy, `l` locked, `o` open (it stays while anybody is seated), `a` anyone may come by its
 * id. So a node that has a member can put the call back when the store has lost it. Sessions are for nodes only, clients see peers.
 */
#ifndef NODE_CALL_SEATING_H
#define NODE_CALL_SEATING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/id.h"
#include "node/call/limits.h"

struct seating {
    uint64_t version;
    unsigned seats;
    unsigned starter; /* peer; 0: not seated */
    bool relay, locked, open, anyone;
    struct id session[CALL_SEATS_MAX + 1]; /* by peer, 1-5; none: nobody sits there */
};

/** ERR_SYNTAX if it is not as above. */
enum err seating_parse(struct slice text, unsigned partitions, struct seating *ret_seating) ATTR_MUST_USE;
/** The same text again. */
void seating_put(struct buf *, const struct seating *);
/** "?7": it does not sit there, it rings. */
static inline bool seating_rings(struct slice text)
{
    return text.n > 0 && text.p[0] == '?';
}
/** "-7": it does neither any more, since that version. */
static inline bool seating_is_out(struct slice text)
{
    return text.n > 0 && text.p[0] == '-';
}
/** The session's peer, or 0; nobody's (none) is always 0. */
unsigned seating_peer(const struct seating *, const struct id *session);

/**
 * Whom an entry of a call's log concerns, and how: "*<session> +<session> ?<user>=<user> x<user>=<session>". The marks of sessions:
 * `*` enters the call, `+` gets the event, `-` goes along silently, `!` gets the event and is out, `~` is out silently, `o` stops ringing silently, `=` gets
 * the event and stands there now whatever it missed (its call was put back), `#` likewise and is out.
 * Those of users, whose devices hear the entry's other event: `?` they ring, called by the one behind the `=`; `x` they stop, all but the session behind
 * the `=`, which has a mark of its own.
 */
struct target {
    char mark;
    struct id session;   /* of a user's target `x`: the one that is named, or none */
    struct slice user;   /* empty: a session's target */
    struct slice caller; /* of `?` */
};
/** Takes one off the front of `rest`; false at the end or at what is no target. */
bool target_next(struct slice *rest, unsigned partitions, struct target *ret_target);

static inline bool mark_is_final(char mark)
{
    return mark == '!' || mark == '~' || mark == '#';
}

#endif
