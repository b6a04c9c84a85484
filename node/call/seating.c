#include "node/call/seating.h"

#include "common/base/name.h"

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

/* "52ro" */
static bool parse_facts(struct slice part, struct seating *seating)
{
    if (part.n < 2 || part.p[0] < '2' || part.p[0] > '0' + CALL_SEATS_MAX || part.p[1] < '0' ||
        part.p[1] > '0' + CALL_SEATS_MAX)
        return false;
    seating->seats = (unsigned)(part.p[0] - '0');
    seating->starter = (unsigned)(part.p[1] - '0');
    for (size_t i = 2; i < part.n; i++) {
        seating->relay |= part.p[i] == 'r';
        seating->locked |= part.p[i] == 'l';
        seating->open |= part.p[i] == 'o';
        seating->anyone |= part.p[i] == 'a';
    }
    return true;
}

enum err seating_parse(struct slice text, unsigned partitions, struct seating *ret_seating)
{
    struct seating s = {0};
    struct slice part = {0};
    if (!slice_split(&text, ';', &part) || !slice_to_u64(part, &s.version))
        return ERR_SYNTAX;
    if (!slice_split(&text, ';', &part) || !parse_facts(part, &s))
        return ERR_SYNTAX;
    while (slice_split(&text, ';', &part)) {
        if (part.n > 0 && !parse_seat(part, partitions, &s))
            return ERR_SYNTAX;
    }
    *ret_seating = s;
    return ERR_OK;
}

void seating_put(struct buf *b, const struct seating *s)
{
    buf_putf(b, "%llu;%u%u%s%s%s%s;", (unsigned long long)s->version, s->seats, s->starter, s->relay ? "r" : "",
             s->locked ? "l" : "", s->open ? "o" : "", s->anyone ? "a" : "");
    for (unsigned peer = 1; peer <= CALL_SEATS_MAX; peer++) {
        if (!id_is_none(&s->session[peer]))
            buf_putf(b, "%u=%.*s;", peer, SLICE_FMT(id_slice(&s->session[peer])));
    }
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
    *ret_target = (struct target){.mark = part.p[0]};
    part = slice_make(part.p + 1, part.n - 1);
    if (ret_target->mark != '?' && ret_target->mark != 'x')
        return id_parse(part, partitions, &ret_target->session);
    if (!slice_split(&part, '=', &ret_target->user))
        return false;
    if (ret_target->mark == '?')
        ret_target->caller = part;
    else if (part.n > 0 && !id_parse(part, partitions, &ret_target->session))
        return false;
    return name_is_valid(ret_target->user);
}
