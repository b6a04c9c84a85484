#include "tests/unit/node/signaling/fake_people.h"

#include <assert.h>
#include <stdio.h>

struct fake_people fake_people;

static void copy(char *to, size_t size, struct slice from)
{
    snprintf(to, size, "%.*s", SLICE_FMT(from));
    for (char *c = to; *c; c++)
        *c = *c == '\n' ? ',' : *c;
}

void store_block_set(struct store *store, const struct block_set *b, store_done_fn *fn, void *context)
{
    (void)store;
    assert(!fake_people.set.fn);
    fake_people.set.fn = fn;
    fake_people.set.context = context;
    fake_people.set.epoch = b->epoch;
    fake_people.set.request = b->request;
    fake_people.set.reply_bytes = b->reply.n;
    copy(fake_people.set.user, sizeof fake_people.set.user, b->user);
    copy(fake_people.set.blocked, sizeof fake_people.set.blocked, b->blocked);
}

void fake_set_done(enum err err)
{
    store_done_fn *fn = fake_people.set.fn;
    assert(fn);
    fake_people.set.fn = NULL;
    fn(fake_people.set.context, err);
}

void store_block_get(struct store *store, struct slice user, blocked_fn *fn, void *context)
{
    (void)store;
    (void)user;
    assert(!fake_people.get.fn);
    fake_people.get.fn = fn;
    fake_people.get.context = context;
}

void fake_blocked(enum err err, const char *users)
{
    blocked_fn *fn = fake_people.get.fn;
    struct slice rest = slice_of(users);
    struct slice list[16];
    size_t count = 0;
    assert(fn);
    while (rest.n > 0 && slice_split(&rest, ',', &list[count]))
        count++;
    if (rest.n > 0)
        list[count++] = rest;
    fake_people.get.fn = NULL;
    fn(fake_people.get.context, err, list, count);
}

void store_wrong_id_charge(struct store *store, const struct wrong_id *w, charged_fn *fn, void *context)
{
    (void)store;
    assert(!fake_people.charge.fn);
    fake_people.charge.fn = fn;
    fake_people.charge.context = context;
    fake_people.charge.request = w->request;
    copy(fake_people.charge.user, sizeof fake_people.charge.user, w->user);
}

void fake_charged(enum err err, uint64_t retry_after_ms)
{
    charged_fn *fn = fake_people.charge.fn;
    assert(fn);
    fake_people.charge.fn = NULL;
    fn(fake_people.charge.context, err, retry_after_ms);
}

void store_user_seats(struct store *store, struct slice user, seats_fn *fn, void *context)
{
    (void)store;
    assert(!fake_people.seats.fn);
    fake_people.seats.fn = fn;
    fake_people.seats.context = context;
    copy(fake_people.seats.user, sizeof fake_people.seats.user, user);
}

void fake_seats(enum err err, uint64_t seats)
{
    seats_fn *fn = fake_people.seats.fn;
    assert(fn);
    fake_people.seats.fn = NULL;
    fn(fake_people.seats.context, err, seats);
}
