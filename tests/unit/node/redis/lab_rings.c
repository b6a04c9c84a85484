/* The scripts by their names: who rings whom. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/wire/writer.h"
#include "tests/unit/node/redis/lab_private.h"

/* ---- the call's side ---- */

const char *lab_call_invite(struct lab *lab, const char *call, const char *who, const char *user, unsigned ring_ms,
                            unsigned request)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, request);
    put_epoch(&a, lab->epoch);
    args_put(&a, slice_of(user));
    args_u64(&a, ring_ms);
    args_u64(&a, !lab->limits.unreachable);
    return lab_run(lab, SCRIPT_CALL_INVITE, &a);
}

const char *lab_call_alert(struct lab *lab, const char *call, const char *who, unsigned request)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, slice_of(p.user));
    args_put(&a, id_slice(&p.session));
    args_u64(&a, request);
    return lab_run(lab, SCRIPT_CALL_ALERT, &a);
}

const char *lab_call_accept(struct lab *lab, const char *call, const char *who, struct lab_acceptance how)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    lab_put_person(&a, &p);
    put_epoch(&a, lab->epoch);
    args_put(&a, slice_of(how.answer));
    args_put(&a, slice_of(how.blanked));
    args_u64(&a, how.glare);
    args_u64(&a, how.relay);
    args_u64(&a, how.request);
    return lab_run(lab, SCRIPT_CALL_ACCEPT, &a);
}

static const char *reject(struct lab *lab, const char *call, const char *user, const char *reason, struct slice session,
                          unsigned request)
{
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, slice_of(user));
    args_put(&a, slice_of(reason));
    args_put(&a, session);
    args_u64(&a, request);
    return lab_run(lab, SCRIPT_CALL_REJECT, &a);
}

const char *lab_call_reject(struct lab *lab, const char *call, const char *who, const char *reason, unsigned request)
{
    struct person p = lab_person(who);
    return reject(lab, call, p.user, reason, id_slice(&p.session), request);
}

const char *lab_ring_expire(struct lab *lab, const char *call, const char *user)
{
    return reject(lab, call, user, "timeout", SLICE(""), 0);
}

const char *lab_call_cancel(struct lab *lab, const char *call, const char *who, const char *user, unsigned request)
{
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_u64(&a, request);
    put_epoch(&a, lab->epoch);
    args_put(&a, slice_of(user));
    return lab_run(lab, SCRIPT_CALL_CANCEL, &a);
}

const char *lab_call_incoming(struct lab *lab, const char *call, const char *user)
{
    struct id id = lab_call(call);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&id));
    args_put(&a, id_slice(&id));
    args_put(&a, slice_of(user));
    return lab_run(lab, SCRIPT_CALL_INCOMING, &a);
}

const char *lab_ring_restore(struct lab *lab, const char *call, const char *user, unsigned version)
{
    struct id id = lab_call(call);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_call(&id));
    args_key(&a, key_log(&id));
    args_key(&a, key_timers(id_partition(&id)));
    args_key(&a, key_heal(&id));
    args_put(&a, id_slice(&id));
    args_put(&a, slice_of(user));
    args_u64(&a, version);
    return lab_run(lab, SCRIPT_RING_RESTORE, &a);
}

/* ---- glare ---- */

const char *lab_pair_claim(struct lab *lab, const char *call, const char *caller, const char *callee, const char *over,
                           unsigned ms)
{
    bool first = strcmp(caller, callee) < 0;
    struct id id = lab_call(call);
    struct id over_id = over ? lab_call(over) : (struct id){{0}};
    struct script_args a;
    args_init(&a);
    args_key(&a, key_pair(SESSIONS_AT, slice_of(first ? caller : callee), slice_of(first ? callee : caller)));
    args_put(&a, id_slice(&id));
    args_put(&a, slice_of(caller));
    args_put(&a, over ? id_slice(&over_id) : SLICE(""));
    args_u64(&a, ms);
    return lab_run(lab, SCRIPT_PAIR_CLAIM, &a);
}

const char *lab_call_discard(struct lab *lab, const char *call, const char *who, const char *other, bool untold)
{
    struct id id = lab_call(other);
    struct person p = lab_person(who);
    struct script_args a;
    lab_put_call(&a, call);
    args_put(&a, id_slice(&p.session));
    args_put(&a, id_slice(&id));
    args_u64(&a, untold);
    return lab_run(lab, SCRIPT_CALL_DISCARD, &a);
}

/* ---- the devices' side ---- */

const char *lab_user_reach(struct lab *lab, const char *user, const char *caller)
{
    struct script_args a;
    args_init(&a);
    args_key(&a, key_devices(SESSIONS_AT, slice_of(user)));
    args_key(&a, key_blocks(SESSIONS_AT, slice_of(user)));
    args_key(&a, key_presence(SESSIONS_AT, slice_of(user)));
    args_key(&a, key_session_prefix(SESSIONS_AT));
    args_put(&a, slice_of(caller));
    return lab_run(lab, SCRIPT_USER_REACH, &a);
}

const char *lab_user_seats(struct lab *lab, const char *who, unsigned epoch)
{
    struct person p = lab_person(who);
    struct script_args a;
    args_init(&a);
    args_key(&a, key_presence(SESSIONS_AT, slice_of(p.user)));
    args_key(&a, key_session(&p.session));
    args_u64(&a, epoch);
    return lab_run(lab, SCRIPT_USER_SEATS, &a);
}

void lab_block(struct lab *lab, const char *user, const char *blocked)
{
    struct key key = key_blocks(SESSIONS_AT, slice_of(user));
    lab_ask(lab, "SADD %s %s", key.text, blocked);
}

static void put_ring(struct lab *lab, struct script_args *a, const char *user, const char *call, const char *caller,
                     const char *actor, const char *request, struct slice reply)
{
    struct id id = lab_call(call);
    struct id acting = actor ? lab_session(actor) : (struct id){{0}};
    args_init(a);
    args_key(a, key_devices(SESSIONS_AT, slice_of(user)));
    args_key(a, key_rings(SESSIONS_AT, slice_of(user)));
    args_key(a, key_blocks(SESSIONS_AT, slice_of(user)));
    args_key(a, key_timers(SESSIONS_AT));
    args_key(a, key_session_prefix(SESSIONS_AT));
    args_key(a, key_mailbox_prefix(SESSIONS_AT));
    args_key(a, actor ? key_replies(&acting) : key_rings(SESSIONS_AT, slice_of(user)));
    put_presence_prefixes(a, SESSIONS_AT);
    args_copy(a, id_slice(&id));
    args_put(a, slice_of(user));
    args_put(a, slice_of(caller));
    args_copy(a, actor ? id_slice(&acting) : SLICE(""));
    args_put(a, slice_of(request));
    args_put(a, reply);
    args_u64(a, lab->limits.replies_kept);
    args_u64(a, lab->limits.events_max);
    args_u64(a, lab->limits.bytes_max);
}

/* {"type": type}, with room for one pair more where it rings */
static struct slice ring_body(struct lab *lab, const char *type, bool open)
{
    struct buf *b = lab_text(lab);
    wire_put_map(b, 1 + open);
    wire_put_key_cstr(b, "type", type);
    return buf_slice(b);
}

const char *lab_ring(struct lab *lab, const char *user, const char *call, struct lab_ring ring)
{
    struct script_args a;
    assert(ring.count <= 4);
    put_ring(lab, &a, user, call, ring.caller ? ring.caller : "alice", ring.actor, ring.request ? ring.request : "0",
             lab_body(lab, ring.reply));
    for (size_t i = 0; i < ring.count; i++) {
        const struct lab_ring_entry *e = &ring.entries[i];
        struct id named = e->named ? lab_session(e->named) : (struct id){{0}};
        args_u64(&a, e->version);
        args_put(&a, slice_make(&e->mark, 1));
        args_copy(&a, id_slice(&named));
        args_put(&a, slice_make(&e->named_mark, e->named_mark != 0));
        args_put(&a, slice_of(lab_seats(lab, e->seats ? e->seats : "")));
        args_put(&a, ring_body(lab, e->event ? e->event : "ring", e->mark == '?'));
    }
    return lab_run(lab, SCRIPT_RING, &a);
}

/* "… ?bob=alice xcarol=<session> …" → what stands behind "bob=", and its mark; false: the user is not spoken of */
static bool find_user(struct slice targets, const char *user, char *ret_mark, struct slice *ret_behind)
{
    struct slice part = {0};
    while (slice_split(&targets, ' ', &part) && part.n > 1) {
        struct slice behind = slice_make(part.p + 1, part.n - 1);
        struct slice name = {0};
        if (part.p[0] != '?' && part.p[0] != 'x')
            continue;
        (void)slice_split(&behind, '=', &name);
        if (!slice_is(name, user))
            continue;
        *ret_mark = part.p[0];
        *ret_behind = behind;
        return true;
    }
    return false;
}

const char *lab_ring_log(struct lab *lab, const char *user, const char *call, const struct redisReply *list)
{
    struct script_args a;
    struct slice behind = {0};
    char caller[32] = "";
    static char marks[LAB_ENTRIES];
    for (size_t i = 0; i < list->elements; i++) {
        const redisReply *targets = list->element[i]->element[1];
        if (find_user(slice_make(targets->str, targets->len), user, &marks[0], &behind) && marks[0] == '?')
            snprintf(caller, sizeof caller, "%.*s", SLICE_FMT(behind));
    }
    put_ring(lab, &a, user, call, caller, NULL, "0", SLICE(""));
    for (size_t i = 0; i < list->elements; i++) {
        redisReply *const *e = list->element[i]->element;
        if (!find_user(slice_make(e[1]->str, e[1]->len), user, &marks[i], &behind))
            continue;
        args_u64(&a, (uint64_t)e[0]->integer);
        args_put(&a, slice_make(&marks[i], 1));
        args_put(&a, marks[i] == 'x' ? behind : SLICE(""));
        args_put(&a, SLICE("")); /* a session that is named has a share of its own */
        args_put(&a, slice_make(e[2]->str, e[2]->len));
        args_put(&a, slice_make(e[4]->str, e[4]->len));
    }
    return lab_run(lab, SCRIPT_RING, &a);
}

const char *lab_rings(struct lab *lab, const char *who, const char *call)
{
    struct id session = lab_session(who);
    struct id id = lab_call(call);
    struct key key = key_session(&session);
    return lab_ask(lab, "HGET %s ring:%s", key.text, id.text);
}

const char *lab_timeless(struct lab *lab, const char *text)
{
    static const char word[] = "\"expires_ms\":";
    struct buf *b = lab_text(lab);
    for (const char *at; (at = strstr(text, word)) != NULL;
         text = at + sizeof word - 1 + strspn(at + sizeof word - 1, "0123456789")) {
        buf_put_mem(b, text, (size_t)(at - text) + sizeof word - 1);
        buf_put_char(b, 'T');
    }
    buf_put_cstr(b, text);
    return buf_cstr(b);
}
