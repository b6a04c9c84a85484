/* The scripts by their names: who does what to which call or session. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/writer.h"
#include "node/store/calls.h"
#include "tests/unit/node/redis/lab_private.h"

/* ---- people ---- */

struct person lab_person(const char *who)
{
    struct person p = {.session = lab_session(who), .device = "phone"};
    size_t n = strcspn(who, "/#");
    snprintf(p.user, sizeof p.user, "%.*s", (int)n, who);
    if (who[n] == '/')
        snprintf(p.device, sizeof p.device, "%.*s", (int)strcspn(who + n + 1, "#"), who + n + 1);
    return p;
}

void lab_put_person(struct script_args *a, const struct person *p)
{
    args_put(a, id_slice(&p->session));
    args_put(a, slice_of(p->user));
    args_put(a, slice_of(p->device));
    args_put(a, slice_of(p->user));
}

/* ---- sessions ---- */

/* Who holds all sockets here; see lab_channel(). */
static const struct node_id node = {"node-12chars"};

static void put_held_keys(struct script_args *a)
{
    args_key(a, key_held(SESSIONS_AT, &node));
    args_key(a, key_holders(SESSIONS_AT));
}

const char *lab_session_create(struct lab *lab, const char *who, const char *old)
{
    struct person p = lab_person(who);
    struct id before = old ? lab_session(old) : p.session;
    struct key channel = lab_channel(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_devices(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_timers(SESSIONS_AT));
    args_key(&a, key_session(&before));
    put_held_keys(&a);
    args_key(&a, key_rings(SESSIONS_AT, slice_of(p.user)));
    put_presence_prefixes(&a, SESSIONS_AT);
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(who));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(p.device));
    args_put(&a, slice_of(p.user));
    args_put(&a, key_slice(&channel));
    args_u64(&a, 20000);
    args_put(&a, old ? id_slice(&before) : SLICE(""));
    args_u64(&a, lab->limits.devices_max);
    args_put(&a, slice_of(node.text));
    args_u64(&a, lab->asked_ms);
    return lab_run(lab, SCRIPT_SESSION_CREATE, &a);
}

/* All but the keys' order differs little: session, mailbox, replies, timers. */
static void put_session_keys(struct script_args *a, const struct person *p, bool mailbox, bool replies, bool timers)
{
    args_init(a);
    args_key(a, key_session(&p->session));
    if (mailbox)
        args_key(a, key_mailbox(&p->session));
    if (replies)
        args_key(a, key_replies(&p->session));
    if (timers)
        args_key(a, key_timers(SESSIONS_AT));
}

const char *lab_session_attach(struct lab *lab, const char *who, unsigned seq)
{
    struct person p = lab_person(who);
    struct key channel = lab_channel(who);
    struct script_args a;
    char attempt[40];
    snprintf(attempt, sizeof attempt, "%s:1", who);
    put_session_keys(&a, &p, false, true, true);
    put_held_keys(&a);
    args_key(&a, key_presence(SESSIONS_AT, slice_of(p.user)));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(who));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(p.device));
    args_put(&a, key_slice(&channel));
    args_u64(&a, seq);
    args_copy(&a, slice_of(attempt));
    args_put(&a, slice_of(node.text));
    args_u64(&a, lab->asked_ms);
    return lab_run(lab, SCRIPT_SESSION_ATTACH, &a);
}

static const char *detach(struct lab *lab, const char *who, const char *epoch, const char *attempt)
{
    struct person p = lab_person(who);
    struct key channel = lab_channel(who);
    struct script_args a;
    put_session_keys(&a, &p, false, false, true);
    args_key(&a, key_held(SESSIONS_AT, &node));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(epoch));
    args_u64(&a, 20000);
    args_put(&a, slice_of(attempt));
    args_put(&a, key_slice(&channel));
    return lab_run(lab, SCRIPT_SESSION_DETACH, &a);
}

const char *lab_session_sweep(struct lab *lab, const char *who, const char *dead, unsigned left_ms)
{
    struct person p = lab_person(who);
    struct node_id of = {{0}};
    snprintf(of.text, sizeof of.text, "%s", dead);
    struct key channel = key_node(SESSIONS_AT, &of);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_held(SESSIONS_AT, &of));
    args_key(&a, key_timers(SESSIONS_AT));
    args_put(&a, id_slice(&p.session));
    args_put(&a, key_slice(&channel));
    args_u64(&a, left_ms);
    return lab_run(lab, SCRIPT_SESSION_SWEEP, &a);
}

const char *lab_held_done(struct lab *lab, const char *dead)
{
    struct node_id of = {{0}};
    snprintf(of.text, sizeof of.text, "%s", dead);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_held(SESSIONS_AT, &of));
    args_key(&a, key_holders(SESSIONS_AT));
    args_put(&a, slice_of(of.text));
    return lab_run(lab, SCRIPT_HELD_DONE, &a);
}

const char *lab_session_detach(struct lab *lab, const char *who, unsigned epoch)
{
    char text[16];
    snprintf(text, sizeof text, "%u", epoch);
    return detach(lab, who, text, "node:0");
}

const char *lab_session_take_back(struct lab *lab, const char *who, const char *attempt)
{
    return detach(lab, who, "", attempt);
}

const char *lab_session_end(struct lab *lab, const char *who, unsigned epoch)
{
    struct person p = lab_person(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&p.session));
    args_key(&a, key_devices(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_timers(SESSIONS_AT));
    put_presence_prefixes(&a, SESSIONS_AT);
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    args_u64(&a, epoch);
    args_u64(&a, 2000);
    return lab_run(lab, SCRIPT_SESSION_END, &a);
}

const char *lab_session_forget(struct lab *lab, const char *who)
{
    struct person p = lab_person(who);
    struct script_args a;
    put_session_keys(&a, &p, true, true, true);
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    return lab_run(lab, SCRIPT_SESSION_FORGET, &a);
}

const char *lab_session_ack(struct lab *lab, const char *who, uint64_t seq)
{
    struct person p = lab_person(who);
    struct script_args a;
    put_session_keys(&a, &p, true, false, false);
    args_u64(&a, seq);
    return lab_run(lab, SCRIPT_SESSION_ACK, &a);
}

const char *lab_mailbox_read_in(struct lab *lab, const char *who, unsigned epoch, unsigned after, unsigned count)
{
    struct person p = lab_person(who);
    struct script_args a;
    put_session_keys(&a, &p, true, false, false);
    args_u64(&a, after);
    args_u64(&a, count);
    args_u64(&a, epoch);
    return lab_run(lab, SCRIPT_MAILBOX_READ, &a);
}

const char *lab_mailbox_read(struct lab *lab, const char *who, unsigned after, unsigned count)
{
    const char *all = lab_mailbox_read_in(lab, who, 1, after, count);
    const char *end = strstr(all, " -"); /* behind the first of their calls */
    struct buf *b = lab_text(lab);
    while (end && *--end != ' ')
        ;
    buf_put(b, end ? slice_make(all, (size_t)(end - all)) : slice_of(all));
    return buf_cstr(b);
}

/* ---- calls ---- */

/* The call's id, copied: it is made here. */
static void put_call_id(struct script_args *a, const struct id *id)
{
    args_copy(a, id_slice(id));
}

static void put_keys_of_call(struct script_args *a, const struct id *id)
{
    args_init(a);
    args_key(a, key_call(id));
    args_key(a, key_log(id));
    args_key(a, key_timers(CALLS_AT));
}

void lab_put_call(struct script_args *a, const char *call)
{
    struct id id = lab_call(call);
    put_keys_of_call(a, &id);
    put_call_id(a, &id);
}

void lab_set_epoch(struct lab *lab, unsigned epoch)
{
    lab->epoch = epoch;
}

static void put_call_to_start(struct script_args *a, const char *call, const struct person *starter)
{
    struct id id = lab_call(call);
    put_keys_of_call(a, &id);
    args_key(a, key_limits(SESSIONS_AT, slice_of(starter->user)));
    args_key(a, key_presence(SESSIONS_AT, slice_of(starter->user)));
    args_key(a, key_session(&starter->session));
    put_call_id(a, &id);
}

const char *lab_call_create(struct lab *lab, const char *call, const char *who, struct lab_offer o)
{
    struct person p = lab_person(who);
    struct script_args a;
    bool early = o.offer && !o.bare;
    put_call_to_start(&a, call, &p);
    lab_put_person(&a, &p);
    args_u64(&a, o.seats);
    args_put(&a, slice_of(o.allow ? o.allow : "*"));
    args_u64(&a, o.room);
    args_put(&a, slice_of(o.relay ? "relay" : ""));
    args_put(&a, slice_of(o.offer));
    args_put(&a, slice_of(early ? "\xa1"
                                  "c"
                                : ""));
    args_u64(&a, early);
    args_u64(&a, o.ttl_ms);
    put_epoch(&a, lab->epoch);
    args_put(&a, slice_of(o.callees));
    args_u64(&a, o.ring_ms ? o.ring_ms : 45000);
    args_put(&a, slice_of(o.meta));
    args_u64(&a, lab->limits.starts_per_minute);
    args_u64(&a, lab->limits.seats_max);
    args_u64(&a, !lab->limits.unreachable);
    return lab_run(lab, SCRIPT_CALL_CREATE, &a);
}

const char *lab_call_join_by(struct lab *lab, const char *call, const char *who, unsigned request)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    lab_put_person(&a, &p);
    put_epoch(&a, lab->epoch);
    args_u64(&a, request);
    return lab_run(lab, SCRIPT_CALL_JOIN, &a);
}

const char *lab_call_join(struct lab *lab, const char *call, const char *who)
{
    return lab_call_join_by(lab, call, who, 9999);
}

const char *lab_offer_take(struct lab *lab, const char *call, const char *who)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    lab_put_person(&a, &p);
    put_epoch(&a, lab->epoch);
    return lab_run(lab, SCRIPT_OFFER_TAKE, &a);
}

const char *lab_call_leave(struct lab *lab, const char *call, const char *who, unsigned peer, unsigned request)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, peer);
    args_put(&a, peer ? SLICE("removed") : SLICE("hangup"));
    args_u64(&a, request);
    put_epoch(&a, lab->epoch);
    return lab_run(lab, SCRIPT_CALL_LEAVE, &a);
}

const char *lab_call_lock(struct lab *lab, const char *call, const char *who, bool locked)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, locked);
    put_epoch(&a, lab->epoch);
    return lab_run(lab, SCRIPT_CALL_LOCK, &a);
}

const char *lab_call_mark(struct lab *lab, const char *call, const char *who, uint64_t epoch, bool suspended)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, epoch);
    args_u64(&a, suspended);
    return lab_run(lab, SCRIPT_CALL_MARK, &a);
}

void lab_call_supersede(struct lab *lab, const char *call, const char *who)
{
    lab_call_mark(lab, call, who, SUPERSEDED_EPOCH, true);
}

const char *lab_call_get(struct lab *lab, const char *call, const char *who)
{
    struct person p = lab_person(who);
    struct id id = lab_call(call);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&id));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(p.user));
    args_put(&a, slice_of(p.device));
    return lab_run(lab, SCRIPT_CALL_GET, &a);
}

const char *lab_call_end(struct lab *lab, const char *call)
{
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, SLICE("admin"));
    return lab_run(lab, SCRIPT_CALL_END, &a);
}

const char *lab_offer_expire(struct lab *lab, const char *call)
{
    struct script_args a;
    lab_put_call(&a, call);
    return lab_run(lab, SCRIPT_OFFER_EXPIRE, &a);
}

const char *lab_log_read(struct lab *lab, const char *call, unsigned after)
{
    struct id id = lab_call(call);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&id));
    args_key(&a, key_log(&id));
    args_u64(&a, after);
    args_u64(&a, LAB_ENTRIES);
    return lab_run(lab, SCRIPT_LOG_READ, &a);
}

const char *lab_fanout_done(struct lab *lab, const char *call, unsigned first, unsigned last)
{
    struct script_args a;
    lab_put_call(&a, call);
    args_u64(&a, first);
    args_u64(&a, last);
    return lab_run(lab, SCRIPT_FANOUT_DONE, &a);
}

const char *lab_offer_add(struct lab *lab, const char *call, const char *who, const char *request, unsigned count)
{
    struct person p = lab_person(who);
    struct id id = lab_call(call);
    struct buf candidates;
    struct script_args a;
    buf_init(&candidates, LAB_TEXT_MAX);
    for (unsigned i = 0; i < count; i++)
        wire_put_cstr(&candidates, "c");
    args_init(&a);
    args_key(&a, key_call(&id));
    args_put(&a, id_slice(&p.session));
    args_put(&a, slice_of(request));
    args_put(&a, buf_slice(&candidates));
    args_u64(&a, count);
    args_u64(&a, lab->limits.candidates_max);
    args_u64(&a, lab->limits.candidate_bytes_max);
    const char *answer = lab_run(lab, SCRIPT_OFFER_ADD, &a);
    buf_finish(&candidates);
    return answer;
}

/* ---- deliveries ---- */

const char *lab_seats(struct lab *lab, const char *names)
{
    struct buf *b = lab_text(lab);
    struct slice rest = slice_of(names);
    struct slice part = {0};
    buf_put_cstr(b, ";51;");
    while (slice_split(&rest, ';', &part) && part.n > 0) {
        struct slice peer = {0};
        char name[32];
        (void)slice_split(&part, '=', &peer);
        snprintf(name, sizeof name, "%.*s", SLICE_FMT(part));
        buf_putf(b, "%.*s=%s;", SLICE_FMT(peer), lab_session(name).text);
    }
    return buf_cstr(b);
}

static void put_delivery(struct lab *lab, struct script_args *a, const struct id *session, const struct id *call,
                         struct slice request, struct slice reply)
{
    args_init(a);
    args_key(a, key_session(session));
    args_key(a, key_mailbox(session));
    args_key(a, key_replies(session));
    args_key(a, key_timers(SESSIONS_AT));
    put_presence_prefixes(a, SESSIONS_AT);
    args_put(a, id_slice(session));
    args_put(a, id_slice(call));
    args_put(a, request);
    args_put(a, reply);
    args_u64(a, lab->limits.replies_kept);
    args_u64(a, lab->limits.events_max);
    args_u64(a, lab->limits.bytes_max);
}

struct slice lab_body(struct lab *lab, const char *type)
{
    struct buf *b = lab_text(lab);
    if (type) {
        wire_put_map(b, 1);
        wire_put_key_cstr(b, "type", type);
    }
    return buf_slice(b);
}

const char *lab_deliver(struct lab *lab, const char *who, const char *call, struct lab_delivery d)
{
    struct id session = lab_session(who);
    struct id id = lab_call(call);
    struct script_args a;
    assert(d.count <= 4);
    put_delivery(lab, &a, &session, &id, slice_of(d.request ? d.request : "0"), lab_body(lab, d.reply));
    for (size_t i = 0; i < d.count; i++) {
        args_u64(&a, d.entries[i].version);
        args_put(&a, slice_make(&d.entries[i].mark, 1));
        args_put(&a, slice_of(lab_seats(lab, d.entries[i].seats ? d.entries[i].seats : "")));
        args_put(&a, lab_body(lab, d.entries[i].event));
    }
    return lab_run(lab, SCRIPT_DELIVER, &a);
}

/* "*<session> +<session>" → the mark of one, or NULL. */
static const char *find_mark(const redisReply *targets, const struct id *session)
{
    const char *at = strstr(targets->str, session->text);
    while (at && at[-1] == '=') /* "xbob=<session>" speaks of it; its mark stands elsewhere */
        at = strstr(at + 1, session->text);
    return at ? at - 1 : NULL;
}

const char *lab_deliver_log(struct lab *lab, const char *who, const char *call, const struct redisReply *list)
{
    struct id session = lab_session(who);
    struct id id = lab_call(call);
    struct script_args a;
    put_delivery(lab, &a, &session, &id, SLICE("0"), SLICE(""));
    for (size_t i = 0; i < list->elements; i++) {
        redisReply *const *e = list->element[i]->element;
        const char *mark = find_mark(e[1], &session);
        if (!mark)
            continue;
        args_u64(&a, (uint64_t)e[0]->integer);
        args_put(&a, slice_make(mark, 1));
        args_put(&a, slice_make(e[2]->str, e[2]->len));
        args_put(&a, slice_make(e[3]->str, e[3]->len));
    }
    return lab_run(lab, SCRIPT_DELIVER, &a);
}

static struct slice signal_body(struct lab *lab, struct slice request)
{
    struct buf *b = lab_text(lab);
    wire_put_map(b, 2); /* `version` comes behind */
    wire_put_key_string(b, "n", request);
    return buf_slice(b);
}

const char *lab_signal(struct lab *lab, const char *to, const char *call, unsigned from, const char *sender,
                       const char *requests)
{
    struct id session = lab_session(to);
    struct id by = lab_session(sender);
    struct id id = lab_call(call);
    struct slice rest = slice_of(requests);
    struct slice previous = {0};
    struct script_args a;
    args_init(&a);
    args_key(&a, key_session(&session));
    args_key(&a, key_mailbox(&session));
    args_key(&a, key_timers(SESSIONS_AT));
    args_put(&a, id_slice(&session));
    args_put(&a, id_slice(&id));
    args_u64(&a, from);
    args_put(&a, id_slice(&by));
    args_u64(&a, lab->limits.events_max);
    args_u64(&a, lab->limits.bytes_max);
    args_u64(&a, LAB_TAKEN_US);
    while (slice_split(&rest, ' ', &previous)) {
        struct slice request = {0};
        (void)slice_split(&previous, ':', &request);
        args_put(&a, request);
        args_put(&a, previous.n ? previous : SLICE("0"));
        args_put(&a, signal_body(lab, request));
    }
    return lab_run(lab, SCRIPT_SIGNAL, &a);
}

/* One target of an entry, a session's or a user's, brought up to date from a log that is read anew. */
static void bring_out_target(struct lab *lab, const char *call, struct slice target)
{
    struct slice rest = slice_make(target.p + 1, target.n - 1);
    bool of_user = target.p[0] == '?' || target.p[0] == 'x';
    struct slice user = {0};
    char who[32];
    if (of_user && slice_split(&rest, '=', &user))
        snprintf(who, sizeof who, "%.*s", SLICE_FMT(user));
    else
        snprintf(who, sizeof who, "%.*s", (int)lab_id_name(rest), rest.p + 2);
    lab_log_read(lab, call, 0);
    redisReply *log = lab->reply;
    lab->reply = NULL;
    if (of_user)
        lab_ring_log(lab, who, call, log->element[2]);
    else
        lab_deliver_log(lab, who, call, log->element[2]);
    freeReplyObject(log);
}

static void bring_out_entry(struct lab *lab, const char *call, const char *targets)
{
    char copy[512];
    struct slice part = {0};
    snprintf(copy, sizeof copy, "%s", targets);
    struct slice rest = slice_of(copy);
    while (slice_split(&rest, ' ', &part) && part.n > 1)
        bring_out_target(lab, call, part);
}

void lab_bring_out(struct lab *lab, const char *call)
{
    lab_log_read(lab, call, 0);
    redisReply *log = lab->reply;
    const redisReply *list = log->element[2];
    lab->reply = NULL;
    for (size_t i = 0; i < list->elements; i++)
        bring_out_entry(lab, call, list->element[i]->element[1]->str);
    if (list->elements > 0)
        lab_fanout_done(lab, call, (unsigned)list->element[0]->element[0]->integer, (unsigned)log->element[1]->integer);
    freeReplyObject(log);
}
