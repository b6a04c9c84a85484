#include "node/signaling/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/base/name.h"
#include "common/wire/writer.h"
#include "node/signaling/request.h"

/*
 * Who here watches whom. A user whom anybody watches is followed (node/store/presence.h): one message from the bus a change, told to each watch of this node. A
 * watch begins in three steps: follow, ask for the state once that is confirmed, answer. What the bus brings counts if its rev is above what the watch was
 * told, so each change is told once. When the bus was cut each user is confirmed anew, and asked for again: what came of it that is news is told then.
 *
 * Nothing of this is in the store but the channel that the node listens on: a watch ends with its socket.
 */

enum { WATCH_WAIT_MS = 5000, STATUS_MAX = 15 };

/* A user whom somebody watches. Owner: its watches; goes with the last. */
struct watched {
    UT_hash_handle hh;
    struct signaling *signaling;
    struct watch *watches;
    bool followed; /* confirmed once at least */
    bool known;    /* rev and state are */
    bool stale;    /* asking failed: to be tried again */
    uint64_t rev;
    struct presence state; /* its texts are these: */
    char status[STATUS_MAX + 1];
    char note[PRESENCE_NOTE_MAX];
    size_t n;
    char user[NAME_MAX_CHARS];
};

/* One session's watch of one user. Owner: the client. */
struct watch {
    struct watch *next, *prev;           /* watched.watches */
    struct watch *mine_next, *mine_prev; /* client.watches */
    struct client *client;
    struct watched *on;
    bool told;      /* of a state, by an answer or an event */
    uint64_t waits; /* since then the client's presence.watch waits for the store to answer for it; 0: none does */
    struct presence_block blocked;
    uint64_t blocked_at;
    /* what it was told: */
    uint64_t rev;
    bool as_blocked;
    bool online;
};

/* A presence.watch under way. */
struct watch_story {
    struct request *rq;
    size_t pending; /* watches that the store has not answered for, and one while it begins */
    struct timer timer;
};

static struct slice name_of(const struct watched *on)
{
    return slice_make(on->user, on->n);
}

static struct slice watcher_of(const struct watch *w)
{
    return slice_of(w->client->claims->user);
}

static bool is_online(const struct presence *state)
{
    return !slice_is(state->status, "offline");
}

static bool states_equal(const struct presence *a, const struct presence *b)
{
    return slice_eq(a->status, b->status) && slice_eq(a->note, b->note) && a->devices == b->devices &&
           a->in_call == b->in_call && a->seen_ms == b->seen_ms;
}

/* ---- telling ---- */

/* The pairs of a state; `more` pairs stand before them. */
static void state_put(struct buf *b, const char *type, struct slice user, const struct presence *state)
{
    wire_put_map(b, 4u + (type != NULL) + (state->seen_ms > 0) + (state->note.n > 0));
    if (type)
        wire_put_key_cstr(b, "type", type);
    wire_put_key_string(b, "user", user);
    wire_put_key_string(b, "status", state->status);
    wire_put_key_bool(b, "in_call", state->in_call);
    wire_put_key_int(b, "devices", (int64_t)state->devices);
    if (state->seen_ms > 0)
        wire_put_key_int(b, "last_seen_ms", (int64_t)state->seen_ms);
    if (state->note.n > 0)
        wire_put_key_string(b, "note", state->note);
}

/* What the watch sees of a state. */
static struct presence watch_view(const struct watch *w, const struct presence *state)
{
    return w->blocked.is ? (struct presence){.status = SLICE("offline"), .seen_ms = w->blocked.seen_ms} : *state;
}

static void watch_note(struct watch *w, uint64_t rev, const struct presence *view)
{
    w->told = true;
    w->rev = rev;
    w->as_blocked = w->blocked.is;
    w->online = is_online(view);
}

/* Sends the state if it is news for this watch. Being blocked by one who looks offline anyway is none: it would tell that somebody is there. */
static void watch_tell(struct watch *w, uint64_t rev, const struct presence *state)
{
    struct presence view = watch_view(w, state);
    bool news = w->blocked.is != w->as_blocked ? w->online || is_online(&view) : !w->blocked.is && rev > w->rev;
    struct buf *body = &w->on->signaling->body;
    watch_note(w, rev > w->rev ? rev : w->rev, &view);
    if (!news || w->client->state != CLIENT_LIVE)
        return;
    buf_clear(body);
    state_put(body, "presence", name_of(w->on), &view);
    metric_inc(w->on->signaling->settings.metrics, METRIC_PRESENCE_OUT);
    client_send(w->client, buf_slice(body), 0);
}

/* ---- whom and who ---- */

static struct watched *watched_find(struct signaling *sig, struct slice user)
{
    struct watched *on = NULL;
    HASH_FIND(hh, sig->watched, user.p, user.n, on);
    return on;
}

static struct watched *watched_create(struct signaling *sig, struct slice user)
{
    struct watched *on = calloc(1, sizeof *on);
    assert(on && user.n <= sizeof on->user);
    on->signaling = sig;
    memcpy(on->user, user.p, user.n);
    on->n = user.n;
    HASH_ADD_KEYPTR(hh, sig->watched, on->user, on->n, on);
    metric_inc(sig->settings.metrics, METRIC_WATCHED);
    store_presence_follow(sig->store, user);
    return on;
}

static void watched_destroy(struct watched *on)
{
    struct signaling *sig = on->signaling;
    if (!sig->stopped)
        store_presence_unfollow(sig->store, name_of(on));
    HASH_DEL(sig->watched, on);
    metric_add(sig->settings.metrics, METRIC_WATCHED, -1);
    free(on);
}

static void watched_take(struct watched *on, uint64_t rev, const struct presence *state)
{
    if ((on->known && rev <= on->rev) || state->status.n > STATUS_MAX || state->note.n > PRESENCE_NOTE_MAX)
        return;
    if (state->status.n)
        memcpy(on->status, state->status.p, state->status.n);
    if (state->note.n)
        memcpy(on->note, state->note.p, state->note.n);
    on->state = *state;
    on->state.status.p = on->status;
    on->state.note.p = on->note;
    on->rev = rev;
    on->known = true;
}

static struct watch *watch_of(struct client *c, const struct watched *on)
{
    struct watch *w = NULL;
    DL_FOREACH2(c->watches, w, mine_next)
    {
        if (w->on == on)
            return w;
    }
    return NULL;
}

static struct watch *watch_create(struct client *c, struct watched *on)
{
    struct watch *w = calloc(1, sizeof *w);
    assert(w);
    w->client = c;
    w->on = on;
    DL_APPEND(on->watches, w);
    DL_APPEND2(c->watches, w, mine_prev, mine_next);
    c->watch_count++;
    return w;
}

static void watch_destroy(struct watch *w)
{
    struct client *c = w->client;
    struct watched *on = w->on;
    DL_DELETE2(c->watches, w, mine_prev, mine_next);
    c->watch_count--;
    DL_DELETE(on->watches, w);
    free(w);
    if (!on->watches)
        watched_destroy(on);
}

/* ---- the answer to presence.watch ---- */

static struct request *story_finish(struct watch_story *story)
{
    struct request *rq = story->rq;
    struct watch *w = NULL;
    DL_FOREACH2(rq->client->watches, w, mine_next)
    {
        w->waits = 0;
    }
    timer_cancel(&story->timer);
    rq->client->watching = NULL;
    free(story);
    return rq;
}

static void story_answer(struct watch_story *story)
{
    struct request *rq = story_finish(story);
    const struct wire_value *users = wire_get(rq->message, "users");
    struct buf *b = request_ok_begin(rq, 1);
    wire_put_cstr(b, "states");
    wire_put_array(b, users->array.n);
    for (size_t i = 0; i < users->array.n; i++) {
        struct watched *on = watched_find(rq->signaling, users->array.items[i].string);
        struct watch *w = watch_of(rq->client, on);
        struct presence view = watch_view(w, &on->state);
        state_put(b, NULL, name_of(on), &view);
        watch_note(w, on->rev, &view);
    }
    request_ok(rq);
}

/* Those that it has begun, and nothing was told of, are taken back. */
static void story_fail(struct watch_story *story)
{
    struct request *rq = story_finish(story);
    struct watch *w = NULL;
    struct watch *next = NULL;
    DL_FOREACH_SAFE2(rq->client->watches, w, next, mine_next)
    {
        if (!w->told)
            watch_destroy(w);
    }
    request_fail(rq, ERR_UNAVAILABLE, NULL);
}

static void story_step(struct watch_story *story)
{
    if (--story->pending == 0)
        story_answer(story);
}

static void on_story_overdue(struct timer *timer)
{
    story_fail(CONTAINER_OF(timer, struct watch_story, timer));
}

/* ---- asking ---- */

/* For some watches of a user, by their sessions: they may be gone when the answer comes. */
struct watch_question {
    struct signaling *signaling;
    uint64_t asked_at;
    char user[NAME_MAX_CHARS];
    size_t user_n;
    size_t count;
    struct id sessions[PRESENCE_WATCHERS_MAX];
};

/* The watch that this answer is for; NULL: it is gone, or a request has come since, whose answer must not be older. */
static struct watch *watch_asked(const struct watch_question *question, size_t i, const struct watched *on)
{
    struct client *c = client_of(question->signaling, &question->sessions[i]);
    struct watch *w = c ? watch_of(c, on) : NULL;
    return w && w->waits < question->asked_at ? w : NULL;
}

static void watch_answered(struct watch *w)
{
    bool waited = w->waits > 0;
    w->waits = 0;
    if (w->told)
        watch_tell(w, w->on->rev, &w->on->state);
    if (waited)
        story_step(w->client->watching);
}

/* Told watches are asked for again by and by; a request that waits is answered. */
static void watch_unanswered(struct watch *w)
{
    if (w->told)
        w->on->stale = true;
    if (w->waits)
        story_fail(w->client->watching);
}

static void on_state(void *context, const struct presence_answer *a)
{
    struct watch_question *question = context;
    struct slice user = slice_make(question->user, question->user_n);
    struct watched *on = watched_find(question->signaling, user);
    struct watch *w = NULL;
    if (on && a->err == ERR_OK) {
        bool same = on->known && states_equal(&on->state, &a->state);
        uint64_t before = on->rev;
        watched_take(on, a->rev, &a->state);
        DL_FOREACH(on->watches, w)
        {
            if (same && w->rev == before)
                w->rev = on->rev; /* it changed and changed back while nobody could hear it */
        }
    }
    /* An answer may end watches, and the user with the last of them. */
    for (size_t i = 0; i < question->count && (on = watched_find(question->signaling, user)); i++) {
        w = watch_asked(question, i, on);
        if (w && a->err == ERR_OK && question->asked_at > w->blocked_at)
            w->blocked = a->blocked[i];
        if (w && a->err == ERR_OK)
            watch_answered(w);
        else if (w)
            watch_unanswered(w);
    }
    free(question);
}

/* Asks for some watches from `w` on; returns those that are left. */
static struct watch *ask_some(struct watched *on, struct watch *w, size_t most)
{
    struct slice watchers[PRESENCE_WATCHERS_MAX];
    struct watch_question *question = calloc(1, sizeof *question);
    assert(question);
    question->signaling = on->signaling;
    question->asked_at = ++on->signaling->watch_clock;
    memcpy(question->user, on->user, on->n);
    question->user_n = on->n;
    for (; w && question->count < most; w = w->next) {
        watchers[question->count] = watcher_of(w);
        question->sessions[question->count++] = w->client->session;
    }
    store_presence_get(on->signaling->store, name_of(on), watchers, question->count, on_state, question);
    return w;
}

static void ask_all(struct watched *on)
{
    on->stale = false;
    for (struct watch *w = on->watches; w;)
        w = ask_some(on, w, PRESENCE_WATCHERS_MAX);
}

void watch_retry(struct signaling *sig)
{
    for (struct watched *on = sig->watched; on; on = on->hh.next) {
        if (on->stale)
            ask_all(on);
    }
}

/* ---- what the bus brings ---- */

void on_watch_followed(void *context, struct slice user)
{
    struct watched *on = watched_find(context, user);
    if (on) {
        on->followed = true;
        ask_all(on);
    }
}

void on_watch_presence(void *context, struct slice user, uint64_t rev, const struct presence *state)
{
    struct signaling *sig = context;
    struct watched *on = watched_find(sig, user);
    struct watch *w = NULL;
    struct watch *next = NULL;
    if (!on)
        return;
    metric_inc(sig->settings.metrics, METRIC_PRESENCE_IN);
    watched_take(on, rev, state);
    /* Not on->state, which may be newer already: each change is told. */
    DL_FOREACH_SAFE(on->watches, w, next)
    {
        if (w->told && rev > w->rev)
            watch_tell(w, rev, state);
    }
}

void on_watch_blocks(void *context, struct slice user, const struct presence_block *blocked,
                     const struct slice *watchers, size_t count)
{
    struct signaling *sig = context;
    struct watched *on = watched_find(sig, user);
    struct watch *w = NULL;
    uint64_t now = ++sig->watch_clock;
    if (!on)
        return;
    DL_FOREACH(on->watches, w)
    {
        bool named = false;
        for (size_t i = 0; i < count && !named; i++)
            named = slice_eq(watchers[i], watcher_of(w));
        if (!named)
            continue;
        w->blocked = *blocked;
        w->blocked_at = now;
        if (w->told)
            watch_tell(w, on->rev, &on->state);
    }
}

/* ---- beginning and ending ---- */

/* Watches of these users that the client does not have yet. */
static size_t count_new(struct client *c, const struct wire_value *users)
{
    size_t n = 0;
    for (size_t i = 0; i < users->array.n; i++) {
        const struct watched *on = watched_find(c->signaling, users->array.items[i].string);
        n += !on || !watch_of(c, on);
    }
    return n;
}

/* One that is watched already is asked for as well: the bus may be behind what somebody has set. */
static void begin_one(struct watch_story *story, struct client *c, struct slice user)
{
    struct watched *on = watched_find(c->signaling, user);
    if (!on)
        on = watched_create(c->signaling, user);
    struct watch *w = watch_of(c, on);
    if (!w)
        w = watch_create(c, on);
    w->waits = ++c->signaling->watch_clock;
    story->pending++;
    if (on->followed)
        ask_some(on, w, 1);
}

void watch_begin(struct request *rq, const struct wire_value *users)
{
    struct client *c = rq->client;
    if (c->watch_count + count_new(c, users) > rq->signaling->settings.watches_max) {
        request_fail_later(rq, ERR_RATE_LIMITED, "you would watch more users than a session may: unwatch some first",
                           1000);
        return;
    }
    struct watch_story *story = calloc(1, sizeof *story);
    assert(story);
    story->rq = rq;
    story->pending = 1;
    c->watching = story;
    timer_set(rq->signaling->settings.timers, &story->timer, WATCH_WAIT_MS, on_story_overdue);
    for (size_t i = 0; i < users->array.n; i++)
        begin_one(story, c, users->array.items[i].string);
    story_step(story);
}

void watch_end(struct client *c, struct slice user)
{
    struct watched *on = watched_find(c->signaling, user);
    struct watch *w = on ? watch_of(c, on) : NULL;
    if (w)
        watch_destroy(w);
}

void watch_end_all(struct client *c)
{
    struct watch_story *story = c->watching;
    while (c->watches)
        watch_destroy(c->watches);
    if (!story)
        return;
    c->watching = NULL;
    timer_cancel(&story->timer);
    request_drop(story->rq);
    free(story);
}
