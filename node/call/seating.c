#include "node/call/seating.h"

static bool parse_seat(struct slice part, unsigned partitions, struct seating *seating)
{
    struct slice peer = {0};
    uint64_t n = 0;
    struct id session;
    if (!slice_split(&part, '=', &peer) || !slice_to_u64(peer, &n) || n < 1 || n > CALL_SEATS_MAX)
        return false;
    if (!id_parse(part, partitions, &session))
        return false;
    seating->session[n] = session;
    return true;
}

enum err seating_parse(struct slice text, unsigned partitions, struct seating *ret_seating)
{
    struct seating s = {0};
    struct slice part = {0};
    if (!slice_split(&text, ';', &part) || !slice_to_u64(part, &s.version))
        return ERR_SYNTAX;
    while (slice_split(&text, ';', &part)) {
        if (part.n == 0)
            continue;
        if (slice_is(part, "r"))
            s.relay = true;
        else if (!parse_seat(part, partitions, &s))
            return ERR_SYNTAX;
    }
    *ret_seating = s;
    return ERR_OK;
}

unsigned seating_peer(const struct seating *seating, const struct id *session)
{
    for (unsigned peer = 1; peer <= CALL_SEATS_MAX && !id_is_none(session); peer++) {
        if (id_eq(&seating->session[peer], session))
            return peer;
    }
    return 0;
}

bool target_next(struct slice *rest, unsigned partitions, struct target *ret_target)
{
    struct slice part = {0};
    if (!rest->p || !slice_split(rest, ' ', &part) || part.n < 2)
        return false;
    ret_target->mark = part.p[0];
    return id_parse(slice_make(part.p + 1, part.n - 1), partitions, &ret_target->session);
}
