#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/node/redis/lab.h"

/*
 * The tables of docs/state.md, each state against each event, on the real scripts: a cell there that says anything else than what happens is red, and so is a
 * row or column that has no story here, or a story without a row.
 *
 * A cell is the script's word, and where the call (or the invitation) stands after it: "ok: active 2". A refusal changes nothing, and says nothing more.
 */

enum { TABLE_BYTES = 1 << 18, CELLS = 16 };

static struct lab *lab;
static char *doc;

static void begin(void)
{
    static const char here[] = "tests/unit/node/redis/test_script_table.c";
    char path[512];
    cr_assert_geq(strlen(__FILE__), sizeof here - 1);
    snprintf(path, sizeof path, "%.*sdocs/state.md", (int)(strlen(__FILE__) - (sizeof here - 1)), __FILE__);
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    doc = calloc(1, TABLE_BYTES);
    cr_assert(doc);
    cr_assert_lt(fread(doc, 1, TABLE_BYTES - 1, file), TABLE_BYTES - 1);
    fclose(file);
    lab = lab_open();
}

static void finish(void)
{
    lab_close(lab);
    free(doc);
}

TestSuite(script_table, .init = begin, .fini = finish);

/* ---- reading the table ---- */

struct row {
    size_t n;
    char cell[CELLS][64];
};

/* "| a | `b` |" → a, b. False: no row. */
static bool read_row(const char **at, struct row *row)
{
    row->n = 0;
    if (**at != '|')
        return false;
    size_t length = strcspn(*at, "\n");
    for (const char *p = *at + 1, *end = *at + length; p < end; p++) {
        char *cell = row->cell[row->n++];
        size_t n = 0;
        cr_assert_lt(row->n, CELLS);
        for (; p < end && *p != '|'; p++) {
            if (*p != '`' && n < sizeof row->cell[0] - 1)
                cell[n++] = *p;
        }
        while (n > 0 && cell[n - 1] == ' ')
            n--;
        cell[n] = '\0';
        memmove(cell, cell + strspn(cell, " "), strlen(cell + strspn(cell, " ")) + 1);
    }
    *at += length + ((*at)[length] == '\n');
    return true;
}

/* ---- where things stand ---- */

static const char *field(const char *name)
{
    struct id id = lab_call("call");
    struct key key = key_call(&id);
    return lab_ask(lab, "HGET %s %s", key.text, name);
}

static const char *eval(const char *script)
{
    struct id id = lab_call("call");
    struct key key = key_call(&id);
    return lab_ask(lab, "EVAL %s 1 %s", script, key.text);
}

/* "ringing 1", "active 2, ringing", "waiting 1, offer": the state, how many are seated, and what else is expected; "none": there is no call. */
static const char *call_stands(void)
{
    return eval("local f = redis.call('HMGET', KEYS[1], 'state', 'members', 'invited', 'offer') "
                "if not f[1] then return 'none' end "
                "if f[1] == 'ended' then return f[1] end "
                "local text = f[1] .. ' ' .. #cmsgpack.unpack(f[2]) "
                "if f[4] == 'waiting' then text = text .. ', offer' end "
                "if f[1] == 'active' and f[3] and #cmsgpack.unpack(f[3]) > 0 then text = text .. ', ringing' end "
                "return text");
}

/* bob's: "none", "ringing", "seated", "over". */
static const char *invitation_stands(void)
{
    return eval("local f = redis.call('HMGET', KEYS[1], 'members', 'invited', 'guests') "
                "for _, m in ipairs(cmsgpack.unpack(f[1])) do if m.user == 'bob' then return 'seated' end end "
                "for _, inv in ipairs(f[2] and cmsgpack.unpack(f[2]) or {}) do if inv.user == 'bob' then return "
                "'ringing' end end "
                "return f[3] and string.find(f[3], '\\nbob\\n', 1, true) and 'over' or 'none'");
}

/* All invitations were made long ago. */
static void make_due(void)
{
    eval("local list = redis.call('HGET', KEYS[1], 'invited') "
         "if not list then return 0 end "
         "list = cmsgpack.unpack(list) "
         "for _, inv in ipairs(list) do inv['until'] = 5 end "
         "return redis.call('HSET', KEYS[1], 'invited', cmsgpack.pack(list))");
}

static void ok(const char *answer)
{
    cr_assert(lab_is(answer, "ok"), "%s", answer);
}

/* ---- states of a call ---- */

static const struct lab_acceptance plain = {0};

/* Who is rung in this state, or was; somebody who never was elsewhere. */
static const char *rung;

static void no_call(void)
{
}

static void a_room(void)
{
    ok(lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .room = true}));
}

static void a_post(void)
{
    ok(lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .offer = "\xa3sdp", .ttl_ms = 60000}));
}

static void a_ring(void)
{
    ok(lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .callees = "bob\n"}));
    rung = "bob";
}

static void two(void)
{
    a_ring();
    ok(lab_call_accept(lab, "call", "bob", plain));
    rung = "eve";
}

static void two_and_a_ring(void)
{
    two();
    ok(lab_call_invite(lab, "call", "alice", "carol", 60000, 90));
    rung = "carol";
}

static void three(void)
{
    two();
    ok(lab_call_join(lab, "call", "carol"));
}

static void over(void)
{
    a_ring();
    ok(lab_call_reject(lab, "call", "bob", "busy", 91));
}

struct state {
    const char *name;
    void (*set)(void);
};

static const struct state call_states[] = {
    {"none", no_call}, {"waiting 1", a_room}, {"waiting 1, offer", a_post},          {"ringing 1", a_ring},
    {"active 2", two}, {"active 3", three},   {"active 2, ringing", two_and_a_ring}, {"ended", over},
};

/* ---- events of a call ---- */

static const char *create(void)
{
    return lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .room = true});
}

static const char *create_by_another(void)
{
    return lab_call_create(lab, "call", "eve", (struct lab_offer){.seats = 4, .room = true});
}

static const char *take(void)
{
    return lab_offer_take(lab, "call", "dave");
}

static const char *join(void)
{
    return lab_call_join(lab, "call", "dave");
}

static const char *join_rung(void)
{
    return lab_call_join(lab, "call", rung);
}

static const char *invite(void)
{
    return lab_call_invite(lab, "call", "alice", "dave", 60000, 1);
}

static const char *invite_by_stranger(void)
{
    return lab_call_invite(lab, "call", "frank", "dave", 60000, 1);
}

static const char *alert(void)
{
    return lab_call_alert(lab, "call", rung, 0);
}

static const char *accept(void)
{
    return lab_call_accept(lab, "call", rung, plain);
}

static const char *cross(void)
{
    return lab_call_accept(lab, "call", rung, (struct lab_acceptance){.glare = true});
}

static const char *reject(void)
{
    return lab_call_reject(lab, "call", rung, "rejected", 1);
}

static const char *cancel_one(void)
{
    return lab_call_cancel(lab, "call", "alice", rung, 1);
}

static const char *cancel_all(void)
{
    return lab_call_cancel(lab, "call", "alice", "", 1);
}

static const char *leave_starter(void)
{
    return lab_call_leave(lab, "call", "alice", 0, 1);
}

static const char *leave_other(void)
{
    return lab_call_leave(lab, "call", "bob", 0, 1);
}

/* Its grace is over: said on its behalf. */
static const char *lose(void)
{
    return lab_call_leave(lab, "call", "alice", 0, 0);
}

static const char *discard(void)
{
    return lab_call_discard(lab, "call", "alice", "other", true);
}

static const char *remove_other(void)
{
    return lab_call_leave(lab, "call", "alice", 2, 1);
}

static const char *remove_by_other(void)
{
    return lab_call_leave(lab, "call", "bob", 1, 1);
}

static const char *lock(void)
{
    return lab_call_lock(lab, "call", "alice", true);
}

static const char *lock_by_other(void)
{
    return lab_call_lock(lab, "call", "bob", true);
}

static const char *mark(void)
{
    return lab_call_mark(lab, "call", "alice", 1, true);
}

static const char *ring_time(void)
{
    make_due();
    return lab_ring_expire(lab, "call", rung);
}

static const char *offer_time(void)
{
    return lab_offer_expire(lab, "call");
}

struct event {
    const char *name;
    const char *(*happen)(void);
};

static const char *end_by_admin(void)
{
    return lab_call_end(lab, "call");
}

static const struct event call_events[] = {
    {"create, by its starter", create},
    {"create, by another", create_by_another},
    {"take", take},
    {"join", join},
    {"join, by who is rung", join_rung},
    {"invite", invite},
    {"invite, by a stranger", invite_by_stranger},
    {"alert", alert},
    {"accept", accept},
    {"accept, as calls cross", cross},
    {"reject", reject},
    {"cancel one", cancel_one},
    {"cancel all", cancel_all},
    {"discard", discard},
    {"leave, the starter", leave_starter},
    {"leave, another", leave_other},
    {"session lost, the starter's", lose},
    {"remove", remove_other},
    {"remove, not by the starter", remove_by_other},
    {"lock", lock},
    {"lock, not by the starter", lock_by_other},
    {"mark", mark},
    {"ring time over", ring_time},
    {"offer expired", offer_time},
    {"end, by an operator", end_by_admin},
};

/* ---- states of an invitation: bob's, to a call of alice and carol ---- */

static void never(void)
{
    ok(lab_call_create(lab, "call", "alice", (struct lab_offer){.seats = 4, .allow = "\ncarol\n"}));
    ok(lab_call_join(lab, "call", "carol"));
    rung = "bob";
}

static void ringing(void)
{
    never();
    ok(lab_call_invite(lab, "call", "alice", "bob", 60000, 90));
}

static void accepted(void)
{
    ringing();
    ok(lab_call_accept(lab, "call", "bob", plain));
}

static void rejected(void)
{
    ringing();
    ok(lab_call_reject(lab, "call", "bob", "rejected", 91));
}

static void cancelled(void)
{
    ringing();
    ok(lab_call_cancel(lab, "call", "alice", "bob", 92));
}

static void timed_out(void)
{
    ringing();
    make_due();
    ok(lab_ring_expire(lab, "call", "bob"));
}

static void left(void)
{
    accepted();
    ok(lab_call_leave(lab, "call", "bob", 0, 93));
}

static void all_over(void)
{
    ringing();
    ok(lab_call_leave(lab, "call", "carol", 0, 94));
    ok(lab_call_leave(lab, "call", "alice", 0, 95));
}

static const struct state invitation_states[] = {
    {"none", never},          {"ringing", ringing},     {"accepted", accepted}, {"rejected", rejected},
    {"cancelled", cancelled}, {"timed out", timed_out}, {"left", left},         {"call ended", all_over},
};

static const char *invite_bob(void)
{
    return lab_call_invite(lab, "call", "alice", "bob", 60000, 1);
}

static const char *accept_laptop(void)
{
    return lab_call_accept(lab, "call", "bob/laptop", plain);
}

static const char *cancel_bob_by_guest(void)
{
    return lab_call_cancel(lab, "call", "carol", "bob", 1);
}

static const char *leave_carol(void)
{
    return lab_call_leave(lab, "call", "carol", 0, 1);
}

/* Where bob sits if he does. */
static const char *remove_bob(void)
{
    return lab_call_leave(lab, "call", "alice", 3, 1);
}

static const struct event invitation_events[] = {
    {"invite", invite_bob},
    {"alert", alert},
    {"accept", accept},
    {"accept, on another device", accept_laptop},
    {"accept, as calls cross", cross},
    {"join", join_rung},
    {"reject", reject},
    {"cancel, by the starter", cancel_one},
    {"cancel, by one who did not invite", cancel_bob_by_guest},
    {"cancel all", cancel_all},
    {"ring time over", ring_time},
    {"leave, the user itself", leave_other},
    {"leave, another member", leave_carol},
    {"remove", remove_bob},
    {"session lost, the inviter's", lose},
    {"lock", lock},
    {"mark", mark},
    {"end, by an operator", end_by_admin},
};

/* ---- walking ---- */

struct table {
    const char *name;
    const struct state *states;
    size_t state_count;
    const struct event *events;
    size_t event_count;
    const char *(*stands)(void);
};

/* "ok: active 2" */
static void walk(const struct table *t, const struct state *state, const struct event *event, char *cell, size_t size)
{
    char before[64];
    char word[64];
    lab_ask(lab, "FLUSHALL");
    rung = "eve";
    state->set();
    snprintf(before, sizeof before, "%s %s", field("version"), call_stands());
    snprintf(word, sizeof word, "%s", event->happen());
    word[strcspn(word, " ")] = '\0';
    if (strcmp(word, "ok") == 0) {
        snprintf(cell, size, "ok: %s", t->stands());
        return;
    }
    snprintf(cell, size, "%s", word);
    char after[64];
    snprintf(after, sizeof after, "%s %s", field("version"), call_stands());
    cr_expect_str_eq(after, before, "%s, %s: a refusal changes nothing", state->name, event->name);
}

static void walk_row(const struct table *t, size_t e, const struct row *row, char *line, size_t size)
{
    size_t n = (size_t)snprintf(line, size, "| %s |", t->events[e].name);
    bool agrees = strcmp(row->cell[0], t->events[e].name) == 0 && row->n == t->state_count + 1;
    for (size_t s = 0; s < t->state_count; s++) {
        char cell[128];
        walk(t, &t->states[s], &t->events[e], cell, sizeof cell);
        n += (size_t)snprintf(line + n, size - n, " %s |", cell);
        agrees = agrees && strcmp(row->cell[s + 1], cell) == 0;
    }
    cr_expect(agrees, "docs/state.md has another row than what happens:\n%s", line);
}

static void walk_table(const struct table *t)
{
    char mark_text[64];
    char line[2048];
    struct row row = {0};
    snprintf(mark_text, sizeof mark_text, "<!-- walked: %s -->\n", t->name);
    const char *at = strstr(doc, mark_text);
    cr_assert(at, "docs/state.md has no %s", mark_text);
    at += strlen(mark_text);
    cr_assert(read_row(&at, &row));
    cr_expect_eq(row.n, t->state_count + 1);
    for (size_t s = 0; s < t->state_count; s++)
        cr_expect_str_eq(row.cell[s + 1], t->states[s].name);
    cr_assert(read_row(&at, &row)); /* | --- | */
    for (size_t e = 0; e < t->event_count; e++) {
        row.n = 0;
        (void)read_row(&at, &row);
        walk_row(t, e, &row, line, sizeof line);
    }
    cr_expect_not(read_row(&at, &row), "a row without a story: %s", row.cell[0]);
}

Test(script_table, each_state_of_a_call_meets_each_event_as_documented)
{
    static const struct table t = {
        "calls", call_states, ARRAY_SIZE(call_states), call_events, ARRAY_SIZE(call_events), call_stands};
    walk_table(&t);
}

Test(script_table, each_state_of_an_invitation_meets_each_event_as_documented)
{
    static const struct table t = {"invitations",
                                   invitation_states,
                                   ARRAY_SIZE(invitation_states),
                                   invitation_events,
                                   ARRAY_SIZE(invitation_events),
                                   invitation_stands};
    walk_table(&t);
}
