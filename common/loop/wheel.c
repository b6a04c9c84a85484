#include "common/loop/wheel.h"

#include <assert.h>
#include <stddef.h>

_Static_assert(WHEEL_SLOTS == 64, "a level's slots are the bits of a uint64_t");

static void push(struct timer **head, struct timer *t)
{
    t->next = *head;
    if (t->next)
        t->next->pprev = &t->next;
    t->pprev = head;
    *head = t;
}

static void unlink_timer(struct timer *t)
{
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
    t->next = NULL;
    t->pprev = NULL;
}

/* Moves a whole list; its first timer has to learn where its head is now. */
static struct timer *take_slot(struct wheel *w, unsigned level, unsigned slot, struct timer **ret_list)
{
    *ret_list = w->slots[level][slot];
    if (*ret_list)
        (*ret_list)->pprev = ret_list;
    w->slots[level][slot] = NULL;
    w->occupied[level] &= ~(UINT64_C(1) << slot);
    return *ret_list;
}

static void place(struct wheel *w, struct timer *t)
{
    uint64_t differing = (t->due_tick ^ w->now) | (WHEEL_SLOTS - 1);
    unsigned level = (63 - (unsigned)__builtin_clzll(differing)) / WHEEL_BITS;
    assert(level < WHEEL_LEVELS);
    unsigned slot = t->due_tick >> (level * WHEEL_BITS) & (WHEEL_SLOTS - 1);
    push(&w->slots[level][slot], t);
    w->occupied[level] |= UINT64_C(1) << slot;
}

static void fire_slot(struct wheel *w, unsigned slot)
{
    struct timer *t = take_slot(w, 0, slot, &w->firing);
    for (; t; t = w->firing) {
        unlink_timer(t);
        t->on_fire(t);
    }
}

static void cascade_slot(struct wheel *w, unsigned level, unsigned slot)
{
    struct timer *list, *t;
    for (t = take_slot(w, level, slot, &list); t; t = list) {
        unlink_timer(t);
        place(w, t);
    }
}

/* The lowest level that holds something, or WHEEL_LEVELS. */
static unsigned lowest_level(const struct wheel *w)
{
    unsigned level = 0;
    while (level < WHEEL_LEVELS && w->occupied[level] == 0)
        level++;
    return level;
}

static uint64_t slot_tick(const struct wheel *w, unsigned level, unsigned slot)
{
    unsigned shift = level * WHEEL_BITS;
    uint64_t higher_digits = w->now >> (shift + WHEEL_BITS) << (shift + WHEEL_BITS);
    return higher_digits | (uint64_t)slot << shift;
}

void wheel_put(struct wheel *w, struct timer *t)
{
    assert(!timer_is_set(t));
    if (t->due_tick <= w->now)
        t->due_tick = w->now + 1;
    place(w, t);
}

void wheel_remove(struct wheel *w, struct timer *t)
{
    struct timer **head = t->pprev;
    unlink_timer(t);
    if (*head)
        return;
    /* Was it the last of its slot? Then pprev pointed into the table; else into another timer or at `firing`. */
    uintptr_t at = (uintptr_t)head, first = (uintptr_t)&w->slots[0][0];
    if (at < first || at >= first + sizeof w->slots)
        return;
    size_t i = (at - first) / sizeof(struct timer *);
    w->occupied[i / WHEEL_SLOTS] &= ~(UINT64_C(1) << i % WHEEL_SLOTS);
}

uint64_t wheel_next(const struct wheel *w)
{
    unsigned level = lowest_level(w);
    if (level == WHEEL_LEVELS)
        return WHEEL_NEVER;
    return slot_tick(w, level, (unsigned)__builtin_ctzll(w->occupied[level]));
}

void wheel_skip(struct wheel *w, uint64_t tick)
{
    uint64_t next = wheel_next(w);
    if (tick >= next)
        tick = next - 1;
    if (tick > w->now)
        w->now = tick;
}

void wheel_advance(struct wheel *w, uint64_t tick)
{
    for (;;) {
        unsigned level = lowest_level(w);
        if (level == WHEEL_LEVELS)
            break;
        unsigned slot = (unsigned)__builtin_ctzll(w->occupied[level]);
        uint64_t next = slot_tick(w, level, slot);
        if (next > tick)
            break;
        w->now = next;
        if (level == 0)
            fire_slot(w, slot);
        else
            cascade_slot(w, level, slot);
    }
    if (w->now < tick)
        w->now = tick;
}

void wheel_clear(struct wheel *w)
{
    while (w->firing)
        unlink_timer(w->firing);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            while (w->slots[level][slot])
                unlink_timer(w->slots[level][slot]);
        w->occupied[level] = 0;
    }
}
