/**
 * The part of the fake store that answers node/store/people.h: one question of each kind is open at a time.
 */
#ifndef TESTS_UNIT_NODE_SIGNALING_FAKE_PEOPLE_H
#define TESTS_UNIT_NODE_SIGNALING_FAKE_PEOPLE_H

#include "node/store/people.h"

/** What is asked just now; a function of NULL: nothing is. Texts have commas for line ends. */
struct fake_people {
    struct {
        store_done_fn *fn;
        void *context;
        uint64_t epoch, request;
        char user[NAME_MAX_CHARS + 1];
        char blocked[4096];
        size_t reply_bytes;
    } set;
    struct {
        blocked_fn *fn;
        void *context;
    } get;
    struct {
        charged_fn *fn;
        void *context;
        uint64_t request;
        char user[NAME_MAX_CHARS + 1];
    } charge;
    struct {
        seats_fn *fn;
        void *context;
        char user[NAME_MAX_CHARS + 1];
    } seats;
};
/** Each test is a process of its own. */
extern struct fake_people fake_people;

void fake_set_done(enum err);
/** `users`: parted by commas. */
void fake_blocked(enum err, const char *users);
void fake_charged(enum err, uint64_t retry_after_ms);
void fake_seats(enum err, uint64_t seats);

#endif
