#include "node/edge/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/random.h"

enum { BUCKETS_FIRST = 64 };

struct address {
    struct address *next;
    struct net_ip ip;
    unsigned held;
};

struct addresses {
    struct address **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    uint64_t seed; /* so that nobody can choose addresses that collide */
};

static struct net_ip counted_as(const struct net_ip *ip)
{
    struct net_ip counted = *ip;
    if (!net_ip_is_v4(ip))
        memset(counted.byte + 8, 0, 8);
    return counted;
}

static bool is_unknown(const struct net_ip *ip)
{
    static const struct net_ip unknown;
    return net_ip_eq(ip, &unknown);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static struct address **bucket_of(const struct addresses *t, const struct net_ip *ip)
{
    uint64_t half[2];
    memcpy(half, ip->byte, sizeof half);
    return &t->buckets[mix(mix(half[0] ^ t->seed) ^ half[1]) & (t->bucket_count - 1)];
}

static struct address *find(const struct addresses *t, const struct net_ip *counted)
{
    struct address *a = *bucket_of(t, counted);
    while (a && !net_ip_eq(&a->ip, counted))
        a = a->next;
    return a;
}

/* Best effort: a table that could not grow is slower, not wrong. */
static void grow(struct addresses *t)
{
    struct address **old = t->buckets;
    size_t old_count = t->bucket_count;
    struct address **buckets = calloc(old_count * 2, sizeof *buckets);
    if (!buckets)
        return;
    t->buckets = buckets;
    t->bucket_count = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        for (struct address *a = old[i], *next; a; a = next) {
            struct address **bucket = bucket_of(t, &a->ip);
            next = a->next;
            a->next = *bucket;
            *bucket = a;
        }
    }
    free(old);
}

struct addresses *addresses_create(void)
{
    struct addresses *t = calloc(1, sizeof *t);
    if (!t || !(t->buckets = calloc(BUCKETS_FIRST, sizeof(struct address *))))
        abort();
    t->bucket_count = BUCKETS_FIRST;
    random_bytes(&t->seed, sizeof t->seed);
    return t;
}

void addresses_destroy(struct addresses *t)
{
    if (!t)
        return;
    free(t->buckets);
    free(t);
}

unsigned addresses_held(const struct addresses *t, const struct net_ip *ip)
{
    struct net_ip counted = counted_as(ip);
    struct address *a = is_unknown(ip) ? NULL : find(t, &counted);
    return a ? a->held : 0;
}

struct address *address_hold(struct addresses *t, const struct net_ip *ip)
{
    struct net_ip counted = counted_as(ip);
    if (is_unknown(ip))
        return NULL;
    struct address *a = find(t, &counted);
    if (!a) {
        if (!(a = calloc(1, sizeof *a)))
            return NULL;
        if (t->count++ == t->bucket_count)
            grow(t);
        struct address **bucket = bucket_of(t, &counted);
        a->ip = counted;
        a->next = *bucket;
        *bucket = a;
    }
    a->held++;
    return a;
}

void address_release(struct addresses *t, struct address *a)
{
    if (!a || --a->held > 0)
        return;
    struct address **link = bucket_of(t, &a->ip);
    while (*link != a)
        link = &(*link)->next;
    *link = a->next;
    t->count--;
    free(a);
}

size_t addresses_count(const struct addresses *t)
{
    return t->count;
}
