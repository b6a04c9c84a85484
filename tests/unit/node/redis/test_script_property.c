#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/writer.h"
#include "tests/unit/node/redis/lab.h"

/*
 * Random people do random things to one call, and what they changed reaches the mailboxes in random order: whatever happens, nobody sits on a seat that
 * is not there, and at the end every session knows exactly what the call knows.
 */

enum { PEOPLE = 10, STEPS = 120, RUNS = 40, SHARES_MAX = 4096, SEATS_MAX = 5 };

/* Some have several devices, some of these a second session. */
static const char *const people[PEOPLE] = {"alice",      "bob",   "carol",   "dave",        "eve",
                                           "bob/laptop", "frank", "alice#2", "dave/tablet", "carol#2"};

/* Who is rung, now and then. */
static const char *const users[] = {"alice", "bob", "carol", "dave", "eve"};

/* One version for one session, or for all devices of a user, on its way. */
struct share {
    unsigned version;
    const char *who;
    bool of_user;
};

struct run {
    struct lab *lab;
    unsigned seed;
    struct share shares[SHARES_MAX];
    size_t count;
    unsigned seats;
};

static unsigned pick(struct run *r, unsigned below)
{
    return (unsigned)rand_r(&r->seed) % below;
}

/* ---- what is under way ---- */

static void share(struct run *r, const redisReply *entry, const char *who, bool of_user)
{
    cr_assert_lt(r->count, SHARES_MAX);
    r->shares[r->count++] = (struct share){(unsigned)entry->element[0]->integer, who, of_user};
}

/* "?bob=" or "xbob=" stands among the targets. */
static bool concerns_user(const char *targets, const char *user)
{
    char rings[40];
    char stops[40];
    snprintf(rings, sizeof rings, "?%s=", user);
    snprintf(stops, sizeof stops, "x%s=", user);
    return strstr(targets, rings) || strstr(targets, stops);
}

static void share_entry(struct run *r, const redisReply *entry)
{
    const char *targets = entry->element[1]->str;
    for (size_t i = 0; i < PEOPLE; i++) {
        struct id id = lab_session(people[i]);
        const char *at = strstr(targets, id.text);
        if (at && at[-1] != '=')
            share(r, entry, people[i], false);
    }
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        if (concerns_user(targets, users[i]))
            share(r, entry, users[i], true);
    }
}

static void share_change(struct run *r)
{
    const redisReply *reply = lab_reply(r->lab);
    if (!lab_is(reply->element[0]->str, "ok"))
        return;
    for (size_t i = 0; i < reply->element[2]->elements; i++)
        share_entry(r, reply->element[2]->element[i]);
}

/* As a node does it: the one version; where there is a hole, all that the log has after it. */
static void deliver(struct run *r, struct share share)
{
    lab_log_read(r->lab, "call", share.version - 1);
    redisReply list = *lab_reply(r->lab)->element[2];
    list.elements = list.elements ? 1 : 0;
    if (share.of_user) {
        const char *rung = lab_ring_log(r->lab, share.who, "call", &list);
        cr_assert(lab_is(rung, "ok"), "%s", rung);
        return;
    }
    const char *answer = lab_deliver_log(r->lab, share.who, "call", &list);
    for (int tries = 0; lab_is(answer, "hole"); tries++) {
        cr_assert_lt(tries, 3, "the log does not fill the hole: %s", answer);
        lab_log_read(r->lab, "call", (unsigned)lab_number(r->lab, 1));
        answer = lab_deliver_log(r->lab, share.who, "call", lab_reply(r->lab)->element[2]);
    }
    cr_assert(lab_is(answer, "ok"), "%s", answer);
}

static void deliver_some(struct run *r, size_t most)
{
    for (size_t i = 0; i < most && r->count > 0; i++) {
        size_t which = pick(r, (unsigned)r->count);
        struct share share = r->shares[which];
        r->shares[which] = r->shares[--r->count];
        deliver(r, share);
        if (pick(r, 4) == 0)
            deliver(r, share); /* the answer was lost */
    }
}

/* All is out: somebody says so, in pieces that may overlap. */
static void settle(struct run *r)
{
    deliver_some(r, SIZE_MAX);
    lab_log_read(r->lab, "call", 0);
    unsigned version = (unsigned)lab_number(r->lab, 1);
    unsigned fanned = (unsigned)lab_number(r->lab, 3);
    unsigned middle = fanned + pick(r, version - fanned + 1);
    lab_fanout_done(r->lab, "call", middle + 1, version);
    lab_fanout_done(r->lab, "call", fanned + 1, middle);
    lab_fanout_done(r->lab, "call", fanned + 1, version);
}

/* ---- what people do ---- */

static void act(struct run *r)
{
    const char *who = people[pick(r, PEOPLE)];
    const char *user = users[pick(r, ARRAY_SIZE(users))];
    lab_set_epoch(r->lab, pick(r, 3) ? 0 : pick(r, 4));
    switch (pick(r, 24)) {
    case 0:
        lab_offer_take(r->lab, "call", who);
        break;
    case 1:
    case 2:
    case 3:
        lab_call_leave(r->lab, "call", who, 0, pick(r, 5));
        break;
    case 4:
    case 5:
        lab_call_leave(r->lab, "call", who, 1 + pick(r, SEATS_MAX), 1 + pick(r, 4));
        break;
    case 6:
        lab_call_lock(r->lab, "call", who, pick(r, 3) == 0);
        break;
    case 7:
        lab_call_mark(r->lab, "call", who, 1 + pick(r, 4), pick(r, 2));
        break;
    case 8:
        lab_call_supersede(r->lab, "call", who);
        break;
    case 9:
        lab_call_cancel(r->lab, "call", who, pick(r, 3) ? user : "", pick(r, 5));
        break;
    case 10:
        lab_call_alert(r->lab, "call", user, 0);
        break;
    case 11:
    case 12:
        lab_call_reject(r->lab, "call", who, "busy", pick(r, 5));
        break;
    case 13:
    case 14:
    case 15:
        lab_call_accept(r->lab, "call", who, (struct lab_acceptance){.glare = pick(r, 8) == 0});
        break;
    case 16:
    case 17:
        lab_call_join(r->lab, "call", who);
        break;
    default:
        lab_call_invite(r->lab, "call", who, user, 60000, pick(r, 5));
    }
    cr_assert_eq(lab_reply(r->lab)->type, REDIS_REPLY_ARRAY, "%s", lab_reply(r->lab)->str);
    share_change(r);
}

/* ---- what must hold ---- */

/* {"m": list}, of the call's members or invitations */
static struct wire_doc *read_list(struct run *r, const char *field)
{
    struct id id = lab_call("call");
    struct key key = key_call(&id);
    struct wire_doc *doc = NULL;
    struct buf map;
    lab_ask(r->lab, "HGET %s %s", key.text, field);
    buf_init(&map, 1 << 16);
    wire_put_map(&map, 1);
    wire_put_key_raw(&map, "m", slice_make(lab_reply(r->lab)->str, lab_reply(r->lab)->len));
    cr_assert_eq(wire_decode(WIRE_MSGPACK, buf_slice(&map), &doc, WHY_NONE), ERR_OK);
    buf_finish(&map);
    return doc;
}

static bool is_invited(struct wire_doc *doc, const char *user)
{
    const struct wire_value *list = wire_get(wire_doc_root(doc), "m");
    for (size_t i = 0; list->kind == WIRE_ARRAY && i < list->array.n; i++) { /* an empty list is a map to the library */
        if (slice_is(wire_get_string(&list->array.items[i], "user"), user))
            return true;
    }
    return false;
}

/* Each invitation has its timer, and no other has one. */
static size_t check_rings(struct run *r)
{
    struct wire_doc *doc = read_list(r, "invited");
    struct id id = lab_call("call");
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        bool invited = is_invited(doc, users[i]);
        bool timed = strcmp(lab_timer(r->lab, 23, "ring:%s:%s", id.text, users[i]), "nil") != 0;
        cr_assert_eq(invited, timed, "%s", users[i]);
        count += invited;
    }
    wire_doc_destroy(doc);
    return count;
}

static void check_seats(struct run *r)
{
    struct wire_doc *doc = read_list(r, "members");
    const struct wire_value *members = wire_get(wire_doc_root(doc), "m");
    bool taken[SEATS_MAX + 1] = {false};
    cr_assert_eq(members->kind, WIRE_ARRAY);
    cr_assert_leq(members->array.n + check_rings(r), r->seats);
    for (size_t i = 0; i < members->array.n; i++) {
        int64_t peer = wire_get_int(&members->array.items[i], "peer", 0);
        cr_assert(peer >= 1 && peer <= r->seats, "peer %lld of %u", (long long)peer, r->seats);
        cr_assert_not(taken[peer], "peer %lld twice", (long long)peer);
        taken[peer] = true;
    }
    wire_doc_destroy(doc);
}

static void check_log(struct run *r)
{
    struct id id = lab_call("call");
    struct key call = key_call(&id);
    struct key log = key_log(&id);
    lab_ask(r->lab, "XLEN %s", log.text);
    uint64_t length = lab_number(r->lab, 0);
    lab_ask(r->lab, "HMGET %s version fanned", call.text);
    cr_assert_eq(lab_number(r->lab, 0), lab_number(r->lab, 1) + length);
}

/* Who sits where, as the members' list has it: the session of each peer, or nothing. */
/* "7;51loa;" */
static size_t put_facts(struct run *r, char *text, size_t size, const struct wire_value *members)
{
    struct id id = lab_call("call");
    struct key call = key_call(&id);
    unsigned starter = 0;
    for (size_t i = 0; i < members->array.n && starter == 0; i++) {
        if (slice_is(wire_get_string(&members->array.items[i], "user"), "alice"))
            starter = (unsigned)wire_get_int(&members->array.items[i], "peer", 0);
    }
    lab_ask(r->lab, "HMGET %s version seats locked open", call.text);
    return (size_t)snprintf(text, size, "%llu;%llu%u%s%sa;", (unsigned long long)lab_number(r->lab, 0),
                            (unsigned long long)lab_number(r->lab, 1), starter, lab_number(r->lab, 2) ? "l" : "",
                            lab_number(r->lab, 3) ? "o" : "");
}

static void check_views(struct run *r)
{
    struct wire_doc *doc = read_list(r, "members");
    const struct wire_value *members = wire_get(wire_doc_root(doc), "m");
    char expected[512];
    size_t n = put_facts(r, expected, sizeof expected, members);
    for (size_t i = 0; i < members->array.n; i++) {
        const struct wire_value *m = &members->array.items[i];
        struct slice session = wire_get_string(m, "session");
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%lld=%.*s;", (long long)wire_get_int(m, "peer", 0),
                              SLICE_FMT(session));
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        struct id session = lab_session(people[i]);
        bool member = strstr(expected, session.text) != NULL;
        lab_seating(r->lab, people[i], "call");
        const redisReply *seating = lab_reply(r->lab);
        cr_assert_eq(seating->type, member ? REDIS_REPLY_STRING : REDIS_REPLY_NIL, "%s", people[i]);
        if (member)
            cr_assert_str_eq(seating->str, expected);
    }
    wire_doc_destroy(doc);
}

/* A device rings while its user is invited; one that has a new session does not count. */
static void check_ringing(struct run *r)
{
    struct wire_doc *doc = read_list(r, "invited");
    for (size_t i = 0; i < PEOPLE; i++) {
        char user[32];
        bool superseded = strcmp(people[i], "alice") == 0 || strcmp(people[i], "carol") == 0;
        snprintf(user, sizeof user, "%.*s", (int)strcspn(people[i], "/#"), people[i]);
        bool rings = strcmp(lab_rings(r->lab, people[i], "call"), "nil") != 0;
        if (!superseded)
            cr_assert_eq(rings, is_invited(doc, user), "%s", people[i]);
    }
    wire_doc_destroy(doc);
}

static void begin(struct run *r)
{
    struct lab_offer o = {.seats = 2 + pick(r, 4), .room = pick(r, 6) > 0, .offer = pick(r, 2) ? "\xa3sdp" : NULL};
    lab_ask(r->lab, "FLUSHALL");
    lab_limits(r->lab)->events_max = 10000;
    for (size_t i = 0; i < PEOPLE; i++) {
        /* Sessions of one device beside each other: to the call they are an old and a new one. */
        lab_session_create(r->lab, people[i],
                           strchr(people[i], '#') ? (people[i][0] == 'a' ? "alice" : "carol") : NULL);
    }
    r->seats = o.seats;
    r->count = 0;
    cr_assert(lab_is(lab_call_create(r->lab, "call", people[0], o), "ok"));
    share_change(r);
}

Test(script_property, seats_versions_and_views_agree_whatever_people_do, .timeout = 300)
{
    struct run r = {.lab = lab_open()};
    for (unsigned n = 1; n <= RUNS; n++) {
        r.seed = n;
        begin(&r);
        for (size_t step = 0; step < STEPS; step++) {
            act(&r);
            check_seats(&r);
            check_log(&r);
            deliver_some(&r, pick(&r, 4));
            if (pick(&r, 20) == 0) {
                settle(&r);
                check_log(&r);
                check_views(&r);
                check_ringing(&r);
            }
        }
        settle(&r);
        check_views(&r);
        check_ringing(&r);
    }
    lab_close(r.lab);
}
